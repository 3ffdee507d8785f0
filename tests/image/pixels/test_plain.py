"""The numpy operations beside OpenCV's. Covers N15: a device without OpenCV sees the same pixels."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import EngineError
from emendo.image.pixels import plain

SIDES = st.integers(1, 70)
COLOURS = st.integers(0, 2**32 - 1).map(np.random.default_rng)
quick = settings(max_examples=60, deadline=None)


def picture(seed: np.random.Generator, height: int, width: int, *, grey: bool = False) -> Any:
    """Noise on a ramp: all levels, and neighbours that differ by much and by little."""
    shape = (height, width) if grey else (height, width, 3)
    ramp = np.linspace(0, 255, width)[None, :] if grey else np.linspace(0, 255, width)[None, :, None]
    return np.clip(ramp + seed.normal(0, seed.choice([0, 3, 80]), shape), 0, 255).astype(np.uint8)


def blobs(seed: np.random.Generator, height: int, width: int) -> Any:
    noise = cv2.blur(seed.random((height, width)), (3, 3))
    return (noise > np.quantile(noise, seed.choice([0.3, 0.5, 0.7]))).astype(np.uint8)


@given(COLOURS, SIDES, SIDES, SIDES, SIDES, st.booleans(), st.sampled_from([cv2.INTER_LINEAR, cv2.INTER_AREA]))
@settings(max_examples=150, deadline=None)
def test_scaling_is_opencvs_to_the_bit(seed, height, width, rows, columns, grey, method) -> None:
    image = picture(seed, height, width, grey=grey)
    expected = cv2.resize(image, (columns, rows), interpolation=method)
    assert np.array_equal(plain.resize(image, (columns, rows), interpolation=method), expected)


@given(COLOURS, st.integers(1, 20), st.integers(1, 20), st.integers(2, 5), st.integers(2, 5))
@quick
def test_scaling_by_whole_numbers_is_opencvs_to_the_bit(seed, rows, columns, down, across) -> None:
    image = picture(seed, rows * down, columns * across)
    for method in (cv2.INTER_LINEAR, cv2.INTER_AREA):
        expected = cv2.resize(image, (columns, rows), interpolation=method)
        assert np.array_equal(plain.resize(image, (columns, rows), interpolation=method), expected)


@given(COLOURS, SIDES, SIDES)
@quick
def test_grey_and_its_levels_are_opencvs(seed, height, width) -> None:
    image = picture(seed, height, width)
    grey = plain.cvtColor(image, plain.COLOR_RGB2GRAY)
    assert np.array_equal(grey, cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))
    assert np.array_equal(plain.cvtColor(image, plain.COLOR_RGB2BGR), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    counted = plain.calcHist([grey], [0], None, [256], [0, 256])
    assert np.array_equal(counted.ravel(), cv2.calcHist([grey], [0], None, [256], [0, 256]).ravel())
    table = np.arange(255, -1, -1).astype(np.uint8)
    assert np.array_equal(plain.LUT(grey, table), cv2.LUT(grey, table))
    assert np.array_equal(plain.subtract(grey, grey[::-1]), cv2.subtract(grey, grey[::-1].copy()))


@given(COLOURS, st.integers(1, 400), st.integers(1, 40))
@quick
def test_the_profile_of_a_line_is_opencvs(seed, height, width) -> None:
    ink = seed.integers(0, 2, (height, width), np.uint8) * np.uint8(255)
    strokes = cv2.reduce(ink, 1, cv2.REDUCE_SUM, dtype=cv2.CV_32F)
    assert np.array_equal(plain.reduce(ink, 1, plain.REDUCE_SUM, dtype=plain.CV_32F), strokes)
    size = (1, max(3, height // 16) | 1)
    expected = cv2.blur(strokes, size, borderType=cv2.BORDER_CONSTANT)
    assert np.array_equal(plain.blur(strokes, size, borderType=plain.BORDER_CONSTANT), expected)


@given(COLOURS, SIDES, SIDES, st.floats(0.3, 3))
@quick
def test_neighbourhoods_are_opencvs_to_the_bit(seed, height, width, sigma) -> None:
    image = picture(seed, height, width)
    assert np.array_equal(plain.GaussianBlur(image, (0, 0), sigma), cv2.GaussianBlur(image, (0, 0), sigma))
    grey = image[:, :, 0].copy()
    assert np.array_equal(plain.Laplacian(grey, plain.CV_64F), cv2.Laplacian(grey, cv2.CV_64F))
    kernel = np.ones((9, 9), np.uint8)
    assert np.array_equal(plain.dilate(grey, kernel), cv2.dilate(grey, kernel))


@given(COLOURS, st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_the_median_is_opencvs(seed, height, width) -> None:
    grey = picture(seed, height, width, grey=True)
    assert np.array_equal(plain.medianBlur(grey, 31), cv2.medianBlur(grey, 31))


@given(COLOURS, SIDES, SIDES, st.booleans())
@quick
def test_sampling_is_opencvs(seed, height, width, grey) -> None:
    image = picture(seed, height, width, grey=grey)
    columns = (seed.random((20, 30)) * (width + 6) - 3).astype(np.float32)
    rows = (seed.random((20, 30)) * (height + 6) - 3).astype(np.float32)
    for border in (cv2.BORDER_REPLICATE, cv2.BORDER_CONSTANT):
        nearest = cv2.remap(image, columns, rows, cv2.INTER_NEAREST, borderMode=border)
        assert np.array_equal(plain.remap(image, columns, rows, plain.INTER_NEAREST, borderMode=border), nearest)
        linear = cv2.remap(image, columns, rows, cv2.INTER_LINEAR, borderMode=border)
        assert np.array_equal(plain.remap(image, columns, rows, plain.INTER_LINEAR, borderMode=border), linear)


@given(COLOURS, st.floats(-8, 8))
@quick
def test_warps_differ_by_a_level_in_few_places(seed, degrees) -> None:
    image = picture(seed, 40, 60)
    turn = cv2.getRotationMatrix2D((30.0, 20.0), degrees, 1.0)
    assert np.allclose(plain.getRotationMatrix2D((30.0, 20.0), degrees, 1.0), turn)
    assert np.allclose(plain.invertAffineTransform(turn), cv2.invertAffineTransform(turn))
    corners = (np.float32([[3, 2], [55, 4], [53, 37], [2, 35]]) + seed.normal(0, 2, (4, 2))).astype(np.float32)
    target = np.float32([[4, 4], [64, 4], [64, 24], [4, 24]])
    matrix = plain.getPerspectiveTransform(corners, target)
    assert np.allclose(matrix, cv2.getPerspectiveTransform(corners, target))
    pairs = [
        (plain.warpAffine(image, turn, (60, 40)), cv2.warpAffine(image, turn, (60, 40))),
        (
            plain.warpPerspective(image, matrix, (68, 28), borderMode=plain.BORDER_REPLICATE),
            cv2.warpPerspective(image, matrix, (68, 28), borderMode=cv2.BORDER_REPLICATE),
        ),
    ]
    for found, expected in pairs:
        off = np.abs(found.astype(int) - expected)
        assert off.max() <= 1 and (off > 0).mean() < 0.005


@given(COLOURS, st.integers(2, 80), st.integers(2, 80))
@quick
def test_parts_are_counted_and_numbered_as_by_opencv(seed, height, width) -> None:
    mask = blobs(seed, height, width)
    count, labels, stats, centres = plain.connectedComponentsWithStats(mask, connectivity=8)
    expected = cv2.connectedComponentsWithStats(mask, connectivity=8)
    assert count == expected[0] and np.array_equal(labels, expected[1])
    assert np.array_equal(stats[1:], expected[2][1:]) and np.allclose(centres[1:], expected[3][1:])
    if not mask.all():
        found = plain.distanceTransform(mask, plain.DIST_L2, 3)
        assert np.allclose(found, cv2.distanceTransform(mask, cv2.DIST_L2, 3), atol=1e-3)


@given(COLOURS, st.integers(3, 9))
@quick
def test_outlines_are_opencvs_within_a_pixel_of_their_edge(seed, corners) -> None:
    angles = np.sort(seed.random(corners)) * 2 * np.pi
    reach = seed.random(corners) * 20 + 6
    outline = np.stack([40 + 1.4 * reach * np.cos(angles), 30 + reach * np.sin(angles)], axis=1)
    whole = outline.round().astype(np.int32)
    found, expected = (np.zeros((60, 80), np.uint8) for _ in range(2))
    plain.fillPoly(found, [whole], 255)
    cv2.fillPoly(expected, [whole], 255)
    assert (found != expected).mean() < 0.01
    edge = cv2.polylines(np.zeros((60, 80), np.uint8), [whole], True, 255, 3)
    assert not ((found != expected) & (edge == 0)).any()
    exact = outline.astype(np.float32)
    assert np.isclose(plain.contourArea(exact), cv2.contourArea(exact), rtol=1e-4)
    place = (float(seed.uniform(0, 80)), float(seed.uniform(0, 60)))
    assert plain.pointPolygonTest(exact, place, False) == cv2.pointPolygonTest(exact, place, False)
    (_, (width, height), _), (_, sides, _) = plain.minAreaRect(exact), cv2.minAreaRect(exact)
    assert np.isclose(width * height, sides[0] * sides[1], rtol=1e-3)
    box = plain.boxPoints(plain.minAreaRect(exact))
    assert all(cv2.pointPolygonTest(box, (float(x), float(y)), True) > -0.01 for x, y in exact)


def test_what_is_encoded_can_be_decoded() -> None:
    image = picture(np.random.default_rng(3), 40, 60)
    done, png = plain.imencode(".png", image[:, :, ::-1], [plain.IMWRITE_PNG_COMPRESSION, 4])
    assert done and np.array_equal(cv2.imdecode(png, cv2.IMREAD_COLOR), image[:, :, ::-1])
    _, jpeg = plain.imencode(".jpg", image, [plain.IMWRITE_JPEG_QUALITY, 95])
    assert np.abs(cv2.imdecode(jpeg, cv2.IMREAD_COLOR).astype(int) - image).mean() < 40
    with pytest.raises(ValueError, match=r"\.png and \.jpg"):
        plain.imencode(".gif", image)


def test_what_it_does_not_have_is_named() -> None:
    with pytest.raises(EngineError, match=r"needs OpenCV \(dct\).*emendo\[images\]"):
        plain.dct  # noqa: B018


def test_other_arguments_are_refused() -> None:
    grey = np.zeros((4, 4), np.uint8)
    column = np.zeros((4, 1), np.float32)
    for call in (
        lambda: plain.cvtColor(grey[:, :, None].repeat(3, 2), 99),
        lambda: plain.calcHist([grey], [0], None, [16], [0, 256]),
        lambda: plain.blur(column, (3, 3), borderType=plain.BORDER_CONSTANT),
        lambda: plain.GaussianBlur(grey, (3, 3), 1.0),
        lambda: plain.reduce(grey, 0, plain.REDUCE_SUM, dtype=plain.CV_32F),
        lambda: plain.dilate(grey, np.eye(3, dtype=np.uint8)),
        lambda: plain.remap(grey, column, column, plain.INTER_AREA, borderMode=plain.BORDER_CONSTANT),
        lambda: plain.connectedComponentsWithStats(grey, connectivity=4),
        lambda: plain.distanceTransform(grey, plain.DIST_L2, 5),
        lambda: plain.pointPolygonTest(column, (0.0, 0.0), True),
        lambda: plain.Laplacian(grey, plain.CV_32F),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            call()


@pytest.mark.parametrize(("kind", "method"), [(np.float32, plain.INTER_LINEAR), (np.uint8, plain.INTER_CUBIC)])
def test_scaling_that_only_opencv_can_says_so(kind: type, method: int) -> None:
    with pytest.raises(EngineError, match=r"needs OpenCV \(scaling of"):
        plain.resize(np.zeros((4, 8), kind), (8, 8), interpolation=method)
