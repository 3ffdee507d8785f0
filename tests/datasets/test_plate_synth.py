"""Synthetic plates: the same for the same seed, all that is drawn readable as its label, what is asked of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.plate_draw import draw_plate, serial
from emendo.datasets.plate_face import STROKES, any_die
from emendo.datasets.plate_synth import BLOCK, make_plate, plate_samples
from emendo.image.load import sample_image
from emendo.settings import PlateSettings
from emendo.text.plates import REGIONS, matches
from emendo.types import Origin

ALPHABET = PlateSettings().alphabet


def test_a_plate_is_the_same_for_the_same_seed_however_many_are_made(tmp_path: Path) -> None:
    arguments = ["synth", "plates", "--seed", "3", "--json"]
    assert main([*arguments, "-n", "12", "--out", str(tmp_path / "many")]) == 0
    assert main([*arguments, "-n", "4", "--out", str(tmp_path / "few")]) == 0
    many, few = (open_dataset(tmp_path / name) for name in ("many", "few"))
    assert [one.text for one in many.samples[:4]] == [one.text for one in few.samples]
    for one, other in zip(many.samples, few.samples, strict=False):
        assert one.image.read_bytes() == other.image.read_bytes()
    assert {one.origin for one in many.samples} == {Origin.SYNTHETIC}
    assert many.samples[9].split == "val" and many.samples[8].split == "train"
    first, second = make_plate(3, 0)[0].image, make_plate(4, 0)[0].image
    assert first.shape != second.shape or not np.array_equal(first, second)


@pytest.mark.parametrize("name", REGIONS)
def test_serials_are_of_their_region_and_of_the_alphabet(name: str) -> None:
    texts = ["".join(serial(REGIONS[name], np.random.default_rng(seed))) for seed in range(200)]
    assert all(text and set(text) <= set(ALPHABET) and len(text) <= 8 for text in texts)
    share = sum(matches(text, name) for text in texts) / len(texts)
    assert share >= 0.97 - REGIONS[name].personal
    assert len(set(texts)) > 190


@pytest.mark.parametrize("name", REGIONS)
def test_a_plate_shows_its_serial_and_looks_differ(name: str) -> None:
    plates = [draw_plate(REGIONS[name], np.random.default_rng(seed)) for seed in range(12)]
    low, high = REGIONS[name].aspect
    for plate in plates:
        height, width = plate.image.shape[:2]
        assert plate.image.dtype == np.uint8 and low - 0.05 <= width / height <= high + 0.05
        middle = plate.image[height // 3 : height * 4 // 5].astype(float).mean(axis=2)
        assert middle.std() > 8  # there is writing in the middle
    assert len({tuple(plate.image.reshape(-1, 3).mean(axis=0).round()) for plate in plates}) == len(plates)


def test_every_sign_has_a_shape_of_its_own() -> None:
    assert set(STROKES) == set(ALPHABET)
    die = any_die(np.random.default_rng(0))
    drawn = {char: die.draw(char, 40) for char in ALPHABET}
    assert all(mask.shape[0] == 40 and mask.max() > 200 for mask in drawn.values())
    shapes = {char: mask.tobytes() for char, mask in drawn.items()}
    assert len(set(shapes.values())) == len(ALPHABET)


def test_plates_for_training_are_kept_in_blocks(tmp_path: Path) -> None:
    made = plate_samples(3, 0, tmp_path, region="br")
    assert len(made) == 3 and all(matches(one.text or "", "br") for one in made)
    assert sample_image(made[0]).shape[2] == 3
    stamp = made[0].image.stat().st_mtime_ns
    assert len(plate_samples(5, 0, tmp_path, region="br")) == 5
    assert made[0].image.stat().st_mtime_ns == stamp
    assert len(list(made[0].image.parent.iterdir())) == BLOCK


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["-n", "0"], "cannot make 0 plates with seed 0; give -n 1 or more"),
        (["--region", "atlantis"], "unknown region 'atlantis' of licence plates; use us, eu, br"),
    ],
)
def test_what_cannot_be_made_is_told(
    arguments: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["synth", "plates", *arguments, "--out", str(tmp_path / "x")]) == 2
    assert sentence in capsys.readouterr().err


def test_what_is_there_is_not_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["synth", "plates", "-n", "2", "--region", "eu", "--out", str(tmp_path / "x")]
    assert main([*given, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 2
    assert main(given) == 2
    assert "exists; name a new folder" in capsys.readouterr().err
