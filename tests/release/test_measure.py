"""Forms beside each other: what is counted, and every way in which two of them can differ."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from emendo.errors import EngineError
from emendo.release.export.measure import Form, Seen, measure, require_same
from emendo.types import Image, Sample


@pytest.fixture
def lines(tmp_path: Path) -> list[Sample]:
    """Three pictures; the grey of each says which it is."""
    for at in range(3):
        cv2.imwrite(str(tmp_path / f"{at}.png"), np.full((8, 8, 3), 60 * at, np.uint8))
    return [Sample(id=f"line {at}", image=tmp_path / f"{at}.png", text="abc") for at in range(3)]


def form(name: str, text: Callable[[int], str], logs: Callable[[int], object]) -> Form:
    def see(image: Image) -> Seen:
        at = int(image[0, 0, 0]) // 60
        return Seen(text(at), np.asarray(logs(at), np.float32))

    return Form(name, see, 2.0)


def zeros(at: int) -> object:
    return np.zeros((2, 3))


REFERENCE = form("torch", lambda at: "abc" if at else "abd", zeros)


def test_what_agrees_is_counted(lines: list[Sample]) -> None:
    small = form("onnx", lambda at: "abc" if at else "abd", lambda at: np.full((2, 3), 0.001 * at))
    first, second = measure([REFERENCE, small], lines, timed=lambda name, call: (call(), len(name) / 1000))
    require_same([first, second])
    row = second.row(first, 12.5)
    assert (row.form, row.lines, row.same, row.memory_megabytes, row.megabytes) == ("onnx", 3, 3, 12.5, 2.0)
    assert row.cer == pytest.approx(1 / 9) and row.cer_difference == 0 and row.milliseconds == pytest.approx(4)
    assert row.logit_difference == pytest.approx(0.002) and second.time_share(first) == pytest.approx(0.8)


def never(at: int) -> object:
    raise RuntimeError("Got: 96\nExpected: 320")


@pytest.mark.parametrize(
    ("text", "logs", "sentence"),
    [
        (
            lambda at: "abc",
            zeros,
            r"onnx reads 1 of 3 lines otherwise than torch \(the first, line 0: 'abc', not 'abd'\)",
        ),
        (None, lambda at: np.zeros((3, 3)), r"another number of frames or classes than torch \(first in line 0\)"),
        (
            None,
            lambda at: np.full((2, 3), 0.02 * at),
            "same texts as torch, but its log-probabilities differ by 0.04",
        ),
        (None, lambda at: np.full((2, 3), np.nan), "onnx gives probabilities that are no numbers on the line line 0"),
        (None, never, r"onnx fails on the line line 0 \(RuntimeError: Got: 96 Expected: 320\)"),
    ],
)
def test_what_differs_is_named(lines: list[Sample], text: object, logs: object, sentence: str) -> None:
    read = text or (lambda at: "abc" if at else "abd")
    with pytest.raises(EngineError, match=sentence) as caught:
        require_same(measure([REFERENCE, form("onnx", read, logs)], lines))  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_without_texts_there_is_no_error_rate(lines: list[Sample]) -> None:
    untold = [Sample(id=one.id, image=one.image) for one in lines]
    first, second = measure([REFERENCE, REFERENCE], untold)
    assert first.cer is None and second.row(first).cer_difference is None
