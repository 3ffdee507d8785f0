"""Which samples train."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.datasets.dataset import Dataset
from emendo.errors import DataError
from emendo.image.line import LineGeometry
from emendo.train.selection import (
    TrainingLine,
    balanced,
    certain,
    frames_needed,
    require_lines,
    training_parts,
    usable_lines,
    vouched,
)
from emendo.types import Origin, Sample, Split


def dataset(*rows: tuple[str, Split | None]) -> Dataset:
    samples = tuple(Sample(id=name, image=Path(f"{name}.png"), text="a", split=split) for name, split in rows)
    return Dataset("d", Path("d"), Path("d"), "0" * 64, samples)


def test_test_samples_never_train_and_val_validates():
    data = dataset(("a", None), ("b", Split.TRAIN), ("c", Split.VAL), ("d", Split.TEST))
    parts = training_parts([data])
    assert [s.id for s in parts.train] == ["a", "b"]
    assert [s.id for s in parts.val or ()] == ["c"]


def test_a_validation_set_of_its_own_is_never_trained_on():
    parts = training_parts([dataset(("a", None), ("b", None), ("c", Split.VAL))], dataset(("b", None)))
    assert [s.id for s in parts.train] == ["a"]
    assert [s.id for s in parts.val or ()] == ["b"]
    assert training_parts([dataset(("a", None))]).val is None


@given(st.text("ab", max_size=30))
def test_frames_needed_counts_a_blank_between_equal_neighbours(text):
    repeats = sum(text[i] == text[i - 1] for i in range(1, len(text)))
    assert frames_needed(text) == len(text) + repeats


@given(st.lists(st.sampled_from(list(Origin)), max_size=60).filter(lambda kinds: set(kinds) - {Origin.PSEUDO}))
def test_certain_lines_come_often_enough_beside_many_guessed_ones(kinds):
    lines = [
        TrainingLine(Sample(id=str(at), image=Path("a.png"), origin=kind), None, "a", 10, 2)
        for at, kind in enumerate(kinds)
    ]
    sure, shown = certain(lines), balanced(lines)
    guessed = len(lines) - len(sure)
    assert {line.sample.origin for line in vouched(lines)} <= {Origin.GOLD, Origin.CORRECTED, Origin.ACCEPTED}
    assert len(vouched(lines)) <= len(sure)
    assert sum(line.sample.origin is Origin.PSEUDO for line in shown) == guessed
    repeats = {sum(one is line for one in shown) for line in sure}
    assert len(repeats) == 1
    assert repeats.pop() == 1 or len(shown) - guessed >= guessed / 3
    if not guessed:
        assert shown == lines


def write(folder, name, width=200):
    image = np.full((48, width, 3), 230, np.uint8)
    image[16:32, 10 : width - 10 : 6] = 20
    cv2.imwrite(str(folder / name), image)
    return folder / name


def test_lines_that_ctc_cannot_emit_are_left_out_by_name(tmp_path):
    path = write(tmp_path, "a.png")
    samples = [
        Sample(id="good", image=path, text=" cafe\u0301 "),
        Sample(id="long", image=path, text="x" * 500),
        Sample(id="empty", image=path, text="  "),
        Sample(id="none", image=path),
    ]
    kept, left_out = usable_lines(samples, LineGeometry(), columns_per_frame=8)
    assert [(line.sample.id, line.text) for line in kept] == [("good", "café")]
    assert [one.id for one in left_out] == ["empty", "none", "long"]
    assert "needs 999 frames" in left_out[-1].reason


def test_a_sign_for_a_phrase_takes_one_frame():
    signs = ("peace be upon him", "upon him")
    assert frames_needed("peace be upon him", signs) == 1
    assert frames_needed("the prophet peace be upon him said", signs) == len("the prophet p said")
    assert frames_needed("upon him upon him", signs) == 3


def test_too_few_lines_are_refused_before_training(tmp_path):
    path = write(tmp_path, "a.png")
    kept, left_out = usable_lines(
        [Sample(id="one", image=path, text="a"), Sample(id="two", image=path, text="")],
        LineGeometry(),
        columns_per_frame=8,
    )
    with pytest.raises(DataError, match=r"1 usable lines .* two: no text") as caught:
        require_lines(kept, left_out)
    assert "\n" not in str(caught.value)


def test_images_that_cannot_be_read_are_left_out_by_name(tmp_path):
    (tmp_path / "broken.png").write_bytes(b"not an image")
    samples = [
        Sample(id="good", image=write(tmp_path, "a.png"), text="a"),
        Sample(id="broken", image=tmp_path / "broken.png", text="a"),
        Sample(id="gone", image=tmp_path / "gone.png", text="a"),
    ]
    kept, left_out = usable_lines(samples, LineGeometry(), columns_per_frame=8)
    assert [line.sample.id for line in kept] == ["good"]
    assert [one.id for one in left_out] == ["broken", "gone"]
    assert all(f"{one.id}.png" in one.reason for one in left_out)
