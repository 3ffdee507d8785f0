"""Models of the package: compact, expanded once, the same readings. Covers A15 and N18 (shipping form)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save

from emendo.datasets.faces import PDF_FACES
from emendo.datasets.render import PLAIN, render
from emendo.errors import BundleError, UsageError
from emendo.models import shipped
from emendo.models.base import base_bundle
from emendo.models.bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, read_bundle, update_info, write_bundle
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.models.references import find_model
from emendo.models.shipped import CARD, MOST_BYTES, ship, shipped_bundle
from emendo.types import Image

TEXTS = ("Hello, world", "12 rue de la Gare", "Total: 3.50 EUR")


@pytest.fixture(scope="module")
def lines() -> list[Image]:
    return [render(PDF_FACES[4].draw(text, 40), np.random.default_rng(0), PLAIN) for text in TEXTS]


@pytest.fixture(scope="module")
def compact(tmp_path_factory: pytest.TempPathFactory, lines: list[Image]) -> Bundle:
    return ship(base_bundle(), "base-hand", "# card\n", tmp_path_factory.mktemp("ship") / "base-hand", lines)


def test_the_compact_form_is_small_and_says_what_was_lost(compact: Bundle) -> None:
    assert sum(path.stat().st_size for path in compact.folder.iterdir()) < MOST_BYTES
    assert set(compact.info.files) == {WEIGHTS_FILE, CARD} and compact.info.name == "base-hand"
    arrays = load((compact.folder / WEIGHTS_FILE).read_bytes()).values()
    assert {array.dtype for array in arrays if array.size > 20_000} == {np.dtype(np.float16)}
    assert {array.dtype for array in arrays if array.size <= 20_000} == {np.dtype(np.float32)}
    assert compact.info.parity["lines"] == 3 and compact.info.parity["of"] == base_bundle().id
    assert 0 < compact.info.parity["log_prob_difference"] < 0.2


def test_it_reads_like_the_model_it_came_from(
    compact: Bundle, lines: list[Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base_bundle()
    first = shipped_bundle("base-hand", folder=compact.folder)
    assert set(first.info.files) == {GRAPH_FILE, WEIGHTS_FILE, CARD}
    assert [one.text for one in CtcRecognizer(first).read(lines)] == [
        one.text for one in CtcRecognizer(base_bundle()).read(lines)
    ]
    stamp = first.path(GRAPH_FILE).stat().st_mtime_ns
    again = shipped_bundle("base-hand", folder=compact.folder)
    assert again.id == first.id and again.path(GRAPH_FILE).stat().st_mtime_ns == stamp, "kept in the cache"
    first.path(GRAPH_FILE).write_bytes(b"damaged")
    assert read_bundle(shipped_bundle("base-hand", folder=compact.folder).folder).id == first.id
    monkeypatch.setattr(shipped, "_packaged", lambda name: compact.folder)
    found = find_model("base-ar")
    assert isinstance(found, Bundle) and found.info.alphabet == base_bundle().info.alphabet


@pytest.mark.parametrize("name", ["base-hand", "base-ar"])
def test_a_shipped_name_gives_a_model_or_one_sentence(name: str) -> None:
    folder = Path(shipped.__file__).parent / "shipped" / name
    if folder.is_dir():
        assert sum(path.stat().st_size for path in folder.iterdir()) < MOST_BYTES
        assert (folder / CARD).read_text(encoding="utf-8").startswith("# ")
        assert find_model(name).info.name == name  # type: ignore[union-attr]
        return
    with pytest.raises(UsageError, match=f"the model '{name}' is not part of this installation; install a release"):
        find_model(name)


def test_damage_and_weights_that_do_not_fit_are_named(compact: Bundle, tmp_path: Path) -> None:
    arrays = load((compact.folder / WEIGHTS_FILE).read_bytes())
    fewer = {name: array for name, array in arrays.items() if name != "000.bias"}
    last = sorted(arrays)[-1].partition(".")[0]
    cut = {**arrays, **{f"{last}.{part}": arrays[f"{last}.{part}"][:-1] for part in ("weight", "bias")}}
    for number, (held, sentence) in enumerate(((fewer, "holds other layers"), (cut, "characters and a blank"))):
        bad = write_bundle(tmp_path / str(number), compact.info, {WEIGHTS_FILE: bytes(save(held)), CARD: b"#"})
        with pytest.raises(BundleError, match=sentence):
            shipped_bundle("base-ar", folder=bad.folder)
    (tmp_path / "0" / CARD).write_bytes(b"changed")
    with pytest.raises(BundleError, match=r"card.md differs from its checksum"):
        shipped_bundle("base-ar", folder=tmp_path / "0")


def test_what_cannot_be_shipped(lines: list[Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="cannot be compared on no lines"):
        ship(base_bundle(), "base-ar", "#", tmp_path / "out", [])
    monkeypatch.setattr(shipped, "MOST_BYTES", 1000)
    with pytest.raises(BundleError, match="more than 1,000"):
        ship(base_bundle(), "base-ar", "#", tmp_path / "out", lines)
    monkeypatch.undo()
    assert not (tmp_path / "out").exists()


def test_it_can_expect_the_words_of_a_language(lines: list[Image], tmp_path: Path) -> None:
    made = ship(base_bundle(), "base-hand", "#", tmp_path / "out", lines[1:2], language="fr")
    assert made.info.decoding["language"] == "fr" and made.info.decoding["model_weight"] > 0
    expanded = shipped.expand(made, tmp_path / "whole")
    other = CtcRecognizer(base_bundle(), language="fr")
    assert [one.text for one in CtcRecognizer(expanded).read(lines)] == [one.text for one in other.read(lines)]


def test_less_is_rounded_where_a_line_reads_otherwise(
    lines: list[Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, asked = shipped.compact_weights, list[int]()

    def spoiled(graph: object, above: int) -> bytes:
        asked.append(above)
        held = load(weights(graph, above))  # type: ignore[arg-type]
        if above < 10**9 or len(asked) > 3:
            last = sorted(held)[-1].partition(".")[0]
            held[f"{last}.weight"] = np.roll(held[f"{last}.weight"], 3, axis=0)
        return bytes(save(held))

    monkeypatch.setattr(shipped, "compact_weights", spoiled)
    made = ship(base_bundle(), "base-ar", "#", tmp_path / "out", lines[:1])
    assert asked == [20_000, 80_000, 10**9] and made.info.parity["log_prob_difference"] == 0
    assert sum(entry.size for entry in made.info.files.values()) < MOST_BYTES
    with pytest.raises(BundleError, match="reads otherwise when its weights are put into the base's graph"):
        ship(base_bundle(), "base-ar", "#", tmp_path / "other", lines[:1])
    assert not (tmp_path / "other").exists()


def test_the_wheel_takes_the_models_along(compact: Bundle) -> None:
    """Hatch packs every file below src/emendo that git does not ignore; no rule may ignore weights or cards."""
    root = Path(__file__).resolve().parents[2]
    rules = (root / ".gitignore").read_text(encoding="utf-8").split()
    assert not [rule for rule in rules if "safetensors" in rule or rule.endswith((".md", "shipped", "models/"))]
    assert update_info(compact, name="base-hand").id == compact.id
