"""The one road for a line image."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from emendo.image.line import (
    LineGeometry,
    bucket_width,
    core_zone,
    network_input,
    normalize,
    normalize_line,
    pad_to,
    paper_colour,
    writing_rows,
)
from emendo.types import Image

GEOMETRY = LineGeometry()


def written(text: str = "ncmuserva", height: int = 120, baseline: int = 70, *, dark: bool = True) -> Image:
    ground, ink = ((225, 215, 190), (40, 40, 90)) if dark else ((20, 20, 40), (230, 230, 200))
    image = np.full((height, 600, 3), ground, np.uint8)
    cv2.putText(image, text, (10, baseline), cv2.FONT_HERSHEY_SIMPLEX, 1.2, ink, 2, cv2.LINE_AA)
    return image


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 90), st.integers(1, 300), st.just(3))))
@settings(max_examples=60, deadline=None)
def test_any_image_becomes_a_line_of_a_bucket_width(image: Image) -> None:
    line = normalize(image, GEOMETRY)
    assert line.image.shape[0] == GEOMETRY.height
    assert line.image.shape[1] % GEOMETRY.bucket_pixels == 0
    assert line.image.shape[1] >= GEOMETRY.min_width
    assert line.image.shape[1] <= GEOMETRY.max_width
    assert line.image.shape[1] - line.used >= GEOMETRY.right_pixels
    assert line.columns * line.used == pytest.approx(image.shape[1])


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0, 3), (5, 5), (5, 5, 4)])
def test_what_is_no_line_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="a line image is"):
        normalize(np.zeros(shape, np.uint8), GEOMETRY)


def test_the_core_zone_lies_between_baseline_and_x_height_for_both_polarities() -> None:
    for dark in (True, False):
        top, bottom = core_zone(written(dark=dark))
        assert 66 <= bottom <= 75
        assert 46 <= top <= 58


def test_the_scale_does_not_depend_on_spare_rows_or_a_neighbour_line() -> None:
    small, tall = written(height=110, baseline=60), written(height=190, baseline=100)
    cv2.putText(tall, "qp", (300, 8), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (40, 40, 90), 2)
    first, second = (np.diff(writing_rows(image, GEOMETRY))[0] for image in (small, tall))
    assert abs(int(first) - int(second)) <= 6


def test_a_blank_line_keeps_all_its_rows() -> None:
    assert writing_rows(np.full((50, 400, 3), 200, np.uint8), GEOMETRY) == (0, 50)


def test_padding_is_paper() -> None:
    image = written()
    line = normalize(image, GEOMETRY)
    assert (line.image[:, line.used :] == paper_colour(image)).all()
    assert (pad_to(line.image, line.image.shape[1] + 64)[:, line.used :] == paper_colour(image)).all()


def test_a_very_long_line_is_squeezed_to_the_greatest_width() -> None:
    assert normalize_line(np.full((10, 30_000, 3), 255, np.uint8), GEOMETRY).shape[1] == GEOMETRY.max_width


@given(st.integers(1, 3184))
def test_bucket_widths_hold_the_writing_and_its_padding(used: int) -> None:
    width = bucket_width(used, GEOMETRY)
    assert used + GEOMETRY.right_pixels <= width < max(used + GEOMETRY.right_pixels, 96) + GEOMETRY.bucket_pixels


def test_network_input_is_blue_green_red_in_minus_one_to_one() -> None:
    image = np.zeros((48, 96, 3), np.uint8)
    image[..., 0] = 255
    batch = network_input([image, image])
    assert batch.shape == (2, 3, 48, 96)
    assert batch.dtype == np.float32
    assert [float(batch[0, channel].mean()) for channel in range(3)] == [-1, -1, 1]


def test_geometry_survives_its_file_form_and_refuses_unknown_keys() -> None:
    assert LineGeometry.model_validate(json.loads(GEOMETRY.model_dump_json())) == GEOMETRY
    with pytest.raises(ValidationError):
        LineGeometry.model_validate({"heigth": 48})


def test_real_lines_come_to_one_height(data: Path) -> None:
    lines = [cv2.imread(str(path)) for path in sorted((data / "peraire" / "images").glob("D.*.jpg"))[:40]]
    images: list[Image] = [np.asarray(line, np.uint8) for line in lines if line is not None]
    assert len(images) == 40
    for image in images:
        line = normalize_line(image, GEOMETRY)
        assert line.shape[0] == GEOMETRY.height and line.shape[1] > line.shape[0]
        assert line.std() > 0.05 * np.ptp(line), "there is ink on paper"


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 200), st.integers(1, 400), st.floats(0, 0.4), st.floats(0.6, 1))
def test_a_window_and_a_fixed_width_are_the_same_for_every_picture(
    height: int, width: int, upper: float, lower: float
) -> None:
    geometry = LineGeometry(crop="none", upper=upper, lower=lower, fit_pixels=240, max_width=256)
    found = normalize(np.zeros((height, width, 3), np.uint8), geometry)
    assert (found.image.shape, found.used) == ((48, 256, 3), 240)
    assert found.columns == pytest.approx(width / 240)
    first, last = writing_rows(np.zeros((height, width, 3), np.uint8), geometry)
    assert 0 <= first < last <= height
    assert abs(first - upper * height) <= 1
    assert abs(last - lower * height) <= 1


def test_a_window_shows_only_its_rows() -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    image[:20], image[90:] = (255, 0, 0), (0, 255, 0)
    seen = normalize_line(image, LineGeometry(crop="none", upper=0.2, lower=0.9))
    assert not seen.any()
    with pytest.raises(ValidationError, match="ends above its beginning"):
        LineGeometry(upper=0.5, lower=0.5)
