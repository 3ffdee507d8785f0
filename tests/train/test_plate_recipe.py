"""Training on crops of plates: whole crops at one width, the characters of plates alone, no language model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emendo.cli import main
from emendo.errors import SettingsError
from emendo.models.bundle import read_bundle
from emendo.models.ctc.recognizer import CtcRecognizer, load_geometry
from emendo.models.plates import PlateRecognizer, load_plate_recognizer
from emendo.models.references import load_bundle, load_recognizer
from emendo.release.gate import examine
from emendo.settings import PlateSettings
from emendo.train.candidate import geometry_for, open_start
from emendo.train.recipe import Recipe, load_recipe, plate_changes
from emendo.train.selection import TrainingLine, spelled_lines
from emendo.types import Sample

from ..plates import TEXTS, draw_crops, plate

FEW_STEPS = ("--set", "steps=2", "--set", "lines_per_batch=2", "--set", "evaluations=1", "--set", "precision=float32")


@pytest.fixture(scope="module")
def crops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight drawn plates, the label of one of which no plate can have."""
    folder = tmp_path_factory.mktemp("data") / "crops"
    texts = ("SAMPLE É", *TEXTS[1:])
    rows = [
        {"image": path.relative_to(folder).as_posix(), "text": text, "subset": "plate"}
        for path, text in zip(draw_crops(folder), texts, strict=True)
    ]
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run(crops: Path) -> Path:
    out = crops.with_name("run")
    command = ["train", "--data", str(crops), "--base", "base", "--recipe", "plates", "--out", str(out), "--json"]
    assert main([*command, *FEW_STEPS, "--threads", "1"]) == 0
    return out


def test_the_bundle_shows_and_reads_plates_as_they_were_trained(run: Path) -> None:
    bundle = read_bundle(run / "bundle")
    assert "".join(bundle.info.alphabet) == PlateSettings().alphabet
    geometry = load_geometry(bundle)
    assert (geometry.crop, geometry.fit_pixels) == ("none", 240)
    assert bundle.info.looks == ()
    assert not set(bundle.info.files) & {"ngram.json", "words.txt"}
    assert examine(run / "bundle")[1].good, "what it was trained with is what it says"
    assert bundle.info.parity["same_reading"]
    crop = plate("KTR4821")
    narrow = np.ascontiguousarray(crop[:, :160])
    said = CtcRecognizer(bundle).evidence([crop, narrow])
    assert [len(one.log_probs) for one in said] == [32, 32]


def test_what_was_trained_on_plates_reads_them_as_it_was_made(run: Path) -> None:
    alphabet = PlateSettings().alphabet
    for ref in (str(run), f"plates:{run}"):
        reader = load_recognizer(ref)
        assert isinstance(reader, CtcRecognizer)
        assert reader.bundle.folder == run / "bundle"
    fewer = load_plate_recognizer(str(run), alphabet.replace("Z", ""))
    assert isinstance(fewer, PlateRecognizer), "a character that no plate here has is not read"


def test_labels_that_the_alphabet_cannot_spell_are_left_out_by_name(run: Path) -> None:
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert report["lines"] == 7
    assert [one["reason"] for one in report["left_out"]] == ["' ' is not in the alphabet of the recipe"]


def test_a_head_of_other_characters_keeps_the_rows_of_those_it_knows() -> None:
    base = load_bundle("base")
    start = open_start(base, (), 0, alphabet="B0Æ")
    place = base.info.alphabet.index("B")
    whole = open_start(base, (), 0)
    assert start.head.alphabet == ("B", "0", "Æ")
    assert len(start.head.bias) == 4
    assert (start.head.weight[1] == whole.head.weight[place + 1]).all()
    assert (start.head.weight[0] == whole.head.weight[0]).all()
    assert not start.shown_anew
    assert start.preprocessing == dict(base.info.preprocessing)


def test_the_recipe_takes_the_alphabet_of_the_settings_and_no_other_recipe_does() -> None:
    assert load_recipe("plates", plate_changes("plates", "01AÄ")).alphabet == "01AÄ"
    assert load_recipe("plates", plate_changes("plates", "123")).alphabet == "123"
    assert plate_changes("default", "123") == ()


def test_a_wrong_geometry_is_refused_with_its_key() -> None:
    base = load_bundle("base")
    assert geometry_for(base, Recipe(geometry={"stretch": 2.0})).stretch == 2.0
    for wrong, says in (({"heigth": 48}, "geometry.heigth"), ({"upper": 0.9, "lower": 0.5}, "upper >= lower")):
        with pytest.raises(SettingsError, match=says):
            geometry_for(base, Recipe(geometry=wrong))


def test_lines_are_spelled_by_an_alphabet_or_left_out() -> None:
    image = plate("KTR4821")
    lines = [TrainingLine(Sample(id=text, image=Path("x")), image, text, 96, 12) for text in ("AB", "A-B", "ab")]
    assert spelled_lines(lines, "")[0] == lines
    kept, out = spelled_lines(lines, "AB")
    assert [line.text for line in kept] == ["AB"]
    assert [one.reason for one in out] == [f"{odd!r} is not in the alphabet of the recipe" for odd in "-a"]
