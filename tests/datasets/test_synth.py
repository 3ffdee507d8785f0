"""Generated lines: the same for the same seed, no missing glyph, and a general set that replay never rehearses.

Covers the general set and the replay lines of N10 and X1, and the generated text of M16.
"""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.datasets import general_set, replay_samples
from emendo.datasets.faces import BUILT_IN, PDF_FACES, FontFace, Hand, found_fonts
from emendo.datasets.notebook import synth_notebook
from emendo.datasets.render import PLAIN, render
from emendo.datasets.strokes import covers, glyph
from emendo.datasets.synth import GENERAL_FACES, GENERAL_LINES, REPLAY_FACES, synth_lines
from emendo.datasets.words import LANGUAGES, LISTS, line_text
from emendo.errors import DataError, UsageError
from emendo.image.load import open_document, sample_image
from emendo.settings import GateSettings
from emendo.types import Origin, Split


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    for name, count, seed in (("a", 12, 3), ("b", 12, 3), ("more", 15, 3), ("other", 12, 4)):
        synth_lines(count, seed, tmp_path / name, fonts="builtin")
    a, b, more, other = (content(tmp_path / name) for name in ("a", "b", "more", "other"))
    assert a == b and len(a) == 13
    assert all(more[name] == data for name, data in a.items() if name.endswith(".png")), (
        "more lines, the same first ones"
    )
    assert other["manifest.jsonl"] != a["manifest.jsonl"]


def test_another_process_gives_the_same_bytes(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from emendo.datasets.synth import synth_lines;"
        "synth_lines(5, 3, Path(sys.argv[1]), fonts='builtin')"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a")], check=True, env={"PYTHONHASHSEED": "99"})
    synth_lines(5, 3, tmp_path / "b", fonts="builtin")
    assert content(tmp_path / "a") == content(tmp_path / "b")


def test_a_generated_set_is_a_good_set(tmp_path: Path) -> None:
    dataset = synth_lines(20, 1, tmp_path / "set", languages=["fr", "cs"], fonts="builtin", longest=30)
    assert [len(dataset.split(part)) for part in Split] == [16, 2, 2]
    assert {sample.language for sample in dataset} == {"fr", "cs"}
    for sample in dataset:
        image = sample_image(sample)
        assert image.dtype == np.uint8 and image.shape[0] > 20 and image.shape[1] > 20
        assert sample.text and len(sample.text) <= 30 and sample.origin is Origin.SYNTHETIC
        assert unicodedata.is_normalized("NFC", sample.text) and sample.text == sample.text.strip()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        ({"count": 0}, "cannot make 0 lines"),
        ({"seed": -1}, "seed -1"),
        ({"languages": ["xx"]}, "unknown language 'xx'; use en, fr"),
        ({"fonts": "/nowhere"}, "is not a folder; use all, builtin"),
    ],
)
def test_what_cannot_be_made(tmp_path: Path, call: dict[str, object], sentence: str) -> None:
    wanted: dict[str, object] = {"count": 1, "seed": 0, "fonts": "builtin", **call}
    with pytest.raises(UsageError, match=sentence):
        synth_lines(out=tmp_path / "set", **wanted)  # type: ignore[arg-type]
    assert not (tmp_path / "set").exists()


def test_an_existing_folder_is_not_touched(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exists"):
        synth_lines(1, 0, tmp_path)
    with pytest.raises(UsageError, match="exists"):
        synth_notebook(tmp_path)


def test_a_folder_without_fonts(tmp_path: Path) -> None:
    (tmp_path / "bad.ttf").write_bytes(b"no font")
    with pytest.raises(DataError, match="holds no usable font"):
        synth_lines(1, 0, tmp_path / "set", fonts=str(tmp_path))


def test_fonts_of_the_machine_have_latin_letters() -> None:
    for face in found_fonts():
        assert face.covers("Quick brown fox 0123")
        mask = face.draw("Ag", 30)
        assert mask.max() > 100 and mask[0].max() > 16 and mask[-1].max() > 16


def test_a_missing_glyph_is_seen() -> None:
    assert BUILT_IN.covers("plain text") and not BUILT_IN.covers("été") and not BUILT_IN.covers("中")
    assert PDF_FACES[0].covers("été œuvre €") and not PDF_FACES[0].covers("před") and not PDF_FACES[0].covers("a\x07")
    assert Hand(1).covers("před été Größe œuvre") and not Hand(1).covers("中") and not covers("ж")
    assert FontFace("x").covers(" ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pen_and_some_face_can_write_every_word(language: str) -> None:
    text = " ".join(LISTS[language])
    assert covers(text.replace("̌", "")), sorted(char for char in set(text) if glyph(char) is None)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**31), language=st.sampled_from(LANGUAGES), longest=st.integers(10, 80))
def test_texts_are_clean(seed: int, language: str, longest: int) -> None:
    text, found = line_text(np.random.default_rng(seed), language, longest=longest)
    assert found == language and 0 < len(text) <= longest and "  " not in text
    assert unicodedata.is_normalized("NFC", text) and text.isprintable()


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    strangeness=st.floats(0, 1),
    text=st.sampled_from(["a", "Les œufs, déjà!", ".", "W" * 60]),
)
def test_a_hand_writes_anything(seed: int, strangeness: float, text: str) -> None:
    mask = Hand(seed, strangeness).draw(text, 40)
    assert mask.dtype == np.uint8 and mask.max() > 200 and mask.size < 10_000_000
    image = render(mask, np.random.default_rng(seed))
    assert image.ndim == 3 and image.dtype == np.uint8 and image.shape[0] > mask.shape[0]


def test_a_hand_is_itself_and_no_other() -> None:
    assert np.array_equal(Hand(1).draw("été", 40, 5), Hand(1).draw("été", 40, 5))
    assert not np.array_equal(Hand(1).draw("été", 40, 5), Hand(1).draw("été", 40, 6))
    assert Hand(1).draw("été", 40).shape != Hand(2).draw("été", 40).shape


def test_plain_rendering_keeps_the_ink() -> None:
    mask = BUILT_IN.draw("Ink", 40)
    image = render(mask, np.random.default_rng(0), PLAIN)
    dark = (image.mean(axis=2) < 128).sum()
    assert dark == pytest.approx((mask > 140).sum(), rel=0.2)


def test_the_general_set_is_pinned(cache: Path) -> None:
    """Another text or face here means that gates before and after cannot be compared: raise synth.VERSION with it."""
    dataset = general_set(cache)
    assert len(dataset) == GENERAL_LINES and {sample.split for sample in dataset} == {Split.TEST}
    texts = "\n".join(f"{sample.attributes['face']}\t{sample.text}" for sample in dataset)
    from hashlib import sha256

    assert sha256(texts.encode()).hexdigest()[:16] == "725b93a5da4e5bb1"
    assert len({sample.attributes["face"] for sample in dataset}) == len(GENERAL_FACES) == 21
    assert {sample.language for sample in dataset} == set(LANGUAGES)


def test_a_smaller_general_set_is_the_beginning_of_the_whole(cache: Path) -> None:
    assert GateSettings().general_lines == GENERAL_LINES
    few = general_set(cache, 20)
    assert [sample.text for sample in few] == [sample.text for sample in general_set(cache).samples[:20]]


def test_a_damaged_general_set_is_made_anew(cache: Path) -> None:
    first = general_set(cache)
    before = content(first.path)
    stamp = first.samples[5].image.stat().st_mtime_ns
    assert general_set(cache).samples[5].image.stat().st_mtime_ns == stamp, "a whole one is kept"
    first.samples[3].image.write_bytes(b"")
    first.samples[4].image.unlink()
    assert content(general_set(cache).path) == before


def test_replay_never_rehearses_the_guard(cache: Path) -> None:
    general = {sample.text for sample in general_set(cache)}
    replay = replay_samples(120, 0, cache)
    assert len(replay) == 120 and len({sample.id for sample in replay}) == 120
    assert {sample.origin for sample in replay} == {Origin.REPLAY} and {sample.split for sample in replay} == {
        Split.TRAIN
    }
    assert not general & {sample.text for sample in replay}
    guard_only = {face.name for face in GENERAL_FACES} - {face.name for face in REPLAY_FACES}
    assert len(guard_only) == 12 and not guard_only & {sample.attributes["face"] for sample in replay}
    assert replay_samples(60, 0, cache) == replay[:60]
    assert replay_samples(10, 1, cache)[0].text != replay[0].text


def test_a_notebook_has_the_form_of_the_real_one(tmp_path: Path, data: Path) -> None:
    import json

    dataset = synth_notebook(tmp_path / "a", 3, pages=4, test_pages=1)
    synth_notebook(tmp_path / "b", 3, pages=4, test_pages=1)
    assert content(tmp_path / "a") == content(tmp_path / "b")
    truth = json.loads((tmp_path / "a" / "notebook.json").read_text(encoding="utf-8"))
    real = json.loads((data / "peraire" / "notebook_D2.json").read_text(encoding="utf-8"))
    assert set(real[0]) <= set(truth[0])
    assert [page["lines"] for page in truth] == [[sample.text for sample in dataset.split("test")]]
    assert {sample.group for sample in dataset.split("val")} == {"page_003"}
    with open_document(tmp_path / "a" / "notebook.pdf") as document:
        assert len(document) == 1 and document.frame(0).shape[0] > 1000
    for (x0, y0, x1, y1), sample in zip(truth[0]["boxes"], dataset.split("test"), strict=True):
        assert sample_image(sample).shape == (y1 - y0, x1 - x0, 3)


@pytest.mark.parametrize("call", [{"pages": 2}, {"test_pages": 0}, {"seed": -1}, {"language": "ar"}])
def test_a_notebook_that_cannot_be(tmp_path: Path, call: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"cannot make|unknown language"):
        synth_notebook(tmp_path / "set", **call)  # type: ignore[arg-type]
    assert not (tmp_path / "set").exists()
