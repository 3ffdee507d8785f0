"""Balance: small subsets are filled up by damaged copies and generated text, in training only. Covers M16."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.balance import balance
from emendo.datasets.synth import synth_lines
from emendo.errors import DataError, UsageError
from emendo.formats.rows import unit_of
from emendo.image.load import sample_image
from emendo.types import Origin, Sample, Split


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sample, ...]:
    """Of 20 lines: 12 printed and 2 of a hand to train on, 3 of each kind to judge."""
    made = synth_lines(20, 3, tmp_path_factory.mktemp("balance") / "d", languages=("fr",), fonts="builtin").samples
    subsets = ["print"] * 12 + ["hand"] * 2 + ["print", "hand"] * 3
    splits = [Split.TRAIN] * 14 + [Split.VAL] * 6
    return tuple(
        replace(one, subset=subset, split=split) for one, subset, split in zip(made, subsets, splits, strict=True)
    )


def counted(samples: tuple[Sample, ...], split: Split) -> Counter[str]:
    return Counter(one.subset for one in samples if one.split is split)


def test_copies_fill_the_small_subset_as_far_as_is_allowed(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    made = balance(samples, tmp_path / "out", most=4, seed=1)
    kept = open_dataset(tmp_path / "out").samples
    assert made.before == {"hand": 2, "print": 12} and made.after == {"hand": 10, "print": 12}
    assert made.short == {"hand": 2}
    assert any("still short: hand (2)" in sentence for sentence in made.sentences())
    assert counted(kept, Split.TRAIN) == {"hand": 10, "print": 12}
    assert counted(kept, Split.VAL) == counted(samples, Split.VAL), "what is judged stays what it was"
    originals = {one.id: one for one in kept if one.origin is not Origin.SYNTHETIC or "balance" not in one.attributes}
    copies = [one for one in kept if one.attributes.get("balance") == "copy"]
    assert Counter(one.attributes["of"] for one in copies) == {samples[12].id: 4, samples[13].id: 4}
    for one in copies:
        source = originals[str(one.attributes["of"])]
        assert one.text == source.text and unit_of(one) == unit_of(source)
        assert set(str(one.attributes["damage"]).split("+")) <= {"noise", "blur", "skew"}
        assert not np.array_equal(sample_image(one), sample_image(source))
    assert len({sample_image(one).tobytes() for one in copies}) == len(copies)


def test_the_same_seed_gives_the_same_set(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    for name in ("a", "b"):
        balance(samples, tmp_path / name, to=4, generated=0.5, seed=7)
    a, b = (sorted(path for path in (tmp_path / name).rglob("*") if path.is_file()) for name in ("a", "b"))
    assert [path.relative_to(tmp_path / "a") for path in a] == [path.relative_to(tmp_path / "b") for path in b]
    assert [path.read_bytes() for path in a] == [path.read_bytes() for path in b]


def test_generated_text_in_the_language_of_the_subset(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    made = balance(samples, tmp_path / "out", most=1, generated=0.8)
    assert (made.copies, made.generated, made.short) == (2, 8, {})
    new = [one for one in open_dataset(tmp_path / "out").samples if one.attributes.get("balance") == "generated"]
    assert {(one.subset, one.language, one.split) for one in new} == {("hand", "fr", Split.TRAIN)}
    assert all(one.text and sample_image(one).ndim == 3 for one in new)


def test_an_image_that_cannot_be_read_is_named(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    broken = [*samples[:13], replace(samples[13], image=tmp_path / "broken.png")]
    made = balance(broken, tmp_path / "out", most=2)
    assert [one.where.name for one in made.rejects] == ["broken.png"]
    assert made.after == {"hand": 4, "print": 12} and made.short == {"hand": 8}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"kinds": ("smear",)}, "unknown damage 'smear'"),
        ({"kinds": ()}, "needs a kind of damage"),
        ({"generated": 1.5}, "a share from 0 to 1"),
    ],
)
def test_what_cannot_be(samples: tuple[Sample, ...], tmp_path: Path, changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        balance(samples, tmp_path / "out", **changes)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_said(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no words .* lines of subset 'hand' \(language 'ka'\); generate none"):
        balance([replace(one, language="ka") for one in samples], tmp_path / "out", generated=0.5)
    with pytest.raises(DataError, match="no training line with a text"):
        balance(samples[14:], tmp_path / "out")
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="exists; name a new folder"):
        balance(samples, tmp_path / "there")


def test_the_command(samples: tuple[Sample, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"id": one.id, "image": str(one.image), "text": one.text, "language": language, "split": "train"}
        for one, language in zip(samples[:5], ("fr", "fr", "fr", "en", "fr"), strict=True)
    ]
    manifest = samples[0].image.parent / "rows.jsonl"
    rows = [row | {"image": Path(str(row["image"])).name} for row in rows]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = ["dataset", "balance", str(manifest), "--out", str(tmp_path / "out"), "--by", "language", "--json"]
    assert main([*command, "--generated", "0.5"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["after"] == {"en": 4, "fr": 4} and (found["copies"], found["generated"]) == (1, 2)
    assert Counter(one.language for one in open_dataset(tmp_path / "out").samples) == {"en": 4, "fr": 4}
    assert main([*command]) == 2
    assert "exists; name a new folder" in capsys.readouterr().err
