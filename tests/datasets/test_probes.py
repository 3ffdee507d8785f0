from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emendo.datasets import open_dataset
from emendo.datasets.build import export
from emendo.datasets.probes import json_targets, latex_targets, make_needles
from emendo.errors import DataError, UsageError
from emendo.image.load import read_image
from emendo.types import Image, Sample, Split


def samples(texts: list[str], **fields: object) -> tuple[Sample, ...]:
    return tuple(
        Sample(id=f"s{at}", image=Path("x.png"), text=text, split=Split.TRAIN, language="fr", **fields)  # type: ignore[arg-type]
        for at, text in enumerate(texts)
    )


def picture(sample: Sample) -> Image:
    return np.full((40, 300, 3), 230, np.uint8)


LINES = samples([f"ligne {at}" for at in range(30)])


def test_a_needle_stands_at_its_depth_and_its_number_nowhere_else(tmp_path: Path) -> None:
    made = make_needles(LINES, tmp_path / "n", number=5, lines=11, load=picture)
    assert len(made) == 5
    depths = []
    for sample in made:
        held = sample.attributes
        texts = [line["text"] for line in held["lines"]]
        assert texts.index(held["sentence"]) == round(held["depth"] * 10)
        assert held["sentence"] == f"Le nombre secret est {sample.text}."
        assert sum((sample.text or "!") in text for text in texts) == 1
        assert (len(texts), held["hay"], held["probe"], sample.split) == (11, 10, "needle", Split.TRAIN)
        depths.append(held["depth"])
        image = read_image(sample.image)
        left, top, right, bottom = held["lines"][-1]["box"]
        assert 0 <= left < right <= image.shape[1] and 0 <= top < bottom <= image.shape[0]
    assert sorted(depths) == [0.1, 0.3, 0.5, 0.7, 0.9]


def test_the_same_seed_gives_the_same_pages(tmp_path: Path) -> None:
    first, second, other = (
        make_needles(LINES, tmp_path / name, number=2, lines=4, seed=seed, rendered=True)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert first.hash == second.hash != other.hash
    assert first.samples[0].image.read_bytes() == second.samples[0].image.read_bytes()


def test_lines_that_cannot_be_read_are_passed_over(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="only 0 of 30 lines can be read"):
        make_needles(LINES, tmp_path / "n", number=1, lines=4)


def test_real_lines_hold_the_needle(data: Path, tmp_path: Path) -> None:
    for name, language in (("hands_fr", "fr"), ("arabic_print", "ar")):
        source = open_dataset(data / name)
        made = make_needles(source.split("val"), tmp_path / name, number=2, lines=5)
        regions = open_dataset(tmp_path / name, unit="line")
        assert len(regions) == 10
        assert {one.split for one in made} == {Split.VAL}
        assert {one.language for one in made} == {language}
        page = made.samples[0]
        width = read_image(page.image).shape[1]
        flush = {width - line["box"][2] if language == "ar" else line["box"][0] for line in page.attributes["lines"]}
        assert flush == {60}, "right to left stands flush right"


@pytest.mark.parametrize(
    ("number", "lines", "says"),
    [(0, 5, "cannot make these pages"), (1, 1, "cannot make these pages"), (1, 40, "30 lines with text do not fill")],
)
def test_counts_that_cannot_be(tmp_path: Path, number: int, lines: int, says: str) -> None:
    with pytest.raises((UsageError, DataError), match=says):
        make_needles(LINES, tmp_path / "n", number=number, lines=lines, load=picture)
    assert not (tmp_path / "n").exists()


def test_a_folder_that_is_there_is_kept(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="exists; name a new folder"):
        make_needles(LINES, tmp_path, number=1, lines=4, load=picture)


def test_fields_become_json() -> None:
    fields = {"total": "46.90", "lines": [{"n": 1}], "été": None}
    made = json_targets([*samples(["x"], fields=fields), *samples(["y"])])
    assert [sample.text for sample in made] == ['{"total": "46.90", "lines": [{"n": 1}], "été": null}']
    assert made[0].attributes["question"].startswith("Return one JSON object with the keys total, lines, été")
    chosen = json_targets(samples(["x", "y"], attributes={"writer": "a"}), ["text", "writer"])
    assert json.loads(chosen[1].text or "") == {"text": "y", "writer": "a"}


def test_json_without_fields_and_with_an_unknown_key() -> None:
    with pytest.raises(DataError, match="no row has fields; give --key"):
        json_targets(samples(["x"]))
    with pytest.raises(UsageError, match="no row has the key 'writr'; the rows have language, text, writer"):
        json_targets(samples(["x"], attributes={"writer": "a"}), ["writr"])


def test_formulas_become_latex() -> None:
    page = replace(
        samples(["plain"])[0],
        attributes={
            "boxes": [
                {"poly": [[0, 0], [9, 0], [9, 9]], "type": "equation_isolated", "text": r"\[ a^2 \]"},
                {"poly": [[0, 0], [9, 0], [9, 9]], "type": "text_block", "text": "no"},
            ]
        },
    )
    rows = samples([r"$x^2$", r"mit $y$ dabei", "12 m² ici", "rien", r"$\frac{$ kaputt"])
    keyed = replace(samples(["?"])[0], id="k", attributes={"latex": r"\alpha"})
    made = latex_targets([*rows, keyed, page])
    found = {(sample.text, sample.attributes["kind"]) for sample in made}
    assert found == {
        ("x^2", "formula"),
        (r"mit $y$ dabei", "mixed"),
        ("12 $m^{2}$ ici", "mixed"),
        (r"\alpha", "formula"),
        ("a^2", "formula"),
    }
    assert next(sample for sample in made if sample.text == "a^2").polygon == ((0, 0), (9, 0), (9, 9))
    with pytest.raises(DataError, match="no row holds a formula"):
        latex_targets(samples(["rien"]))


def test_real_rows_make_probes_that_open_again(data: Path, tmp_path: Path) -> None:
    receipts = open_dataset(data / "receipts")
    export(json_targets(receipts.split("train")[:3]), "jsonl", tmp_path / "json")
    opened = open_dataset(tmp_path / "json")
    assert Counter(sample.attributes["probe"] for sample in opened) == {"json": 3}
    assert all(json.loads(sample.text or "")["total"] for sample in opened)
    degrees = latex_targets(open_dataset(data / "peraire").split("train"))
    assert len(degrees) >= 20
    assert {"circ" in (sample.text or "") or r"\to" in (sample.text or "") for sample in degrees} == {True}
