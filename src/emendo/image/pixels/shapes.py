"""Connected parts, outlines and distances, as OpenCV names and counts them (modules/imgproc)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .scaling import Bytes

CC_STAT_LEFT, CC_STAT_TOP, CC_STAT_WIDTH, CC_STAT_HEIGHT, CC_STAT_AREA = range(5)
DIST_L2 = 2
Points = npt.NDArray[Any]
Rectangle = tuple[tuple[float, float], tuple[float, float], float]
_STRAIGHT, _DIAGONAL, _UNIT = round(0.955 * 65536), round(1.3693 * 65536), 65536
"""Steps of the 3 x 3 chamfer distance (Borgefors, 1986), of 2**16."""
_FAR = (1 << 31) // 4


def connectedComponentsWithStats(
    mask: Bytes, *, connectivity: int = 8
) -> tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    """How many parts hang together (the ground counts), each pixel's part, their boxes and areas, their centres.

    Parts are numbered as their first blocks of 2 x 2 pixels come, row by row. Each row falls into runs; runs of
    neighbouring rows that touch, also at a corner, are one part.
    """
    if connectivity != 8:
        raise ValueError("takes neighbours at corners too")
    height, width = mask.shape
    edges = np.diff(np.pad((mask > 0).astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, start = np.nonzero(edges == 1)
    stop = np.nonzero(edges == -1)[1]
    label = _joined(row, start, stop, height)
    begin, end = row * width + start, row * width + stop
    flat = np.zeros(height * width + 1, np.int64)
    np.add.at(flat, begin, label)
    np.add.at(flat, end, -label)
    labels = np.cumsum(flat)[:-1].reshape(height, width).astype(np.int32)
    count = int(label.max(initial=0)) + 1
    return count, labels, *_stats(labels, count)


def _joined(
    row: npt.NDArray[np.int64], start: npt.NDArray[np.int64], stop: npt.NDArray[np.int64], height: int
) -> npt.NDArray[np.int64]:
    """The number (from 1) of the part of each run; runs come row by row, from left to right."""
    parent = list(range(len(row)))

    def root(run: int) -> int:
        while parent[run] != run:
            parent[run] = parent[parent[run]]
            run = parent[run]
        return run

    first = np.searchsorted(row, np.arange(height + 1)).tolist()
    starts, stops = start.tolist(), stop.tolist()
    for y in range(1, height):
        above, end_above = first[y - 1], first[y]
        for run in range(first[y], first[y + 1]):
            while above < end_above and stops[above] < starts[run]:
                above += 1
            at = above
            while at < end_above and starts[at] <= stops[run]:
                one, other = root(at), root(run)
                if one != other:
                    parent[max(one, other)] = min(one, other)
                at += 1
    roots = np.asarray([root(run) for run in range(len(parent))], np.int64)
    block = (row // 2 << 32) + start // 2
    earliest = np.full(len(parent), np.iinfo(np.int64).max)
    np.minimum.at(earliest, roots, block)
    order = np.argsort(earliest, kind="stable")
    numbers = np.empty(len(parent), np.int64)
    numbers[order] = np.arange(1, len(parent) + 1)
    return numbers[roots]


def _stats(labels: npt.NDArray[np.int32], count: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float64]]:
    y, x = np.indices(labels.shape)
    flat = labels.ravel()
    low = np.full((count, 2), max(labels.shape), np.int64)
    high = np.full((count, 2), -1, np.int64)
    centres = np.empty((count, 2))
    area = np.bincount(flat, minlength=count)
    for axis, at in enumerate((x.ravel(), y.ravel())):
        np.minimum.at(low[:, axis], flat, at)
        np.maximum.at(high[:, axis], flat, at)
        centres[:, axis] = np.bincount(flat, weights=at, minlength=count) / np.maximum(area, 1)
    return np.column_stack([low, high - low + 1, area]).astype(np.int32), centres


def distanceTransform(mask: Bytes, kind: int, size: int) -> npt.NDArray[np.float32]:
    """How far each pixel is from the nearest 0 of `mask`, by straight steps of 0.955 and diagonal ones of 1.3693."""
    if kind != DIST_L2 or size != 3:
        raise ValueError("measures by steps to the eight neighbours")
    height, width = mask.shape
    found = np.full((height + 2, width + 2), _FAR, np.int64)
    found[1:-1, 1:-1] = np.where(mask > 0, _FAR, 0)
    ramp = np.arange(width + 2) * _STRAIGHT
    for order in (range(1, height + 1), range(height, 0, -1)):
        step = -1 if order[0] == 1 else 1
        for y in order:
            before = found[y + step]
            near = np.minimum(found[y, 1:-1], before[1:-1] + _STRAIGHT)
            near = np.minimum(near, np.minimum(before[:-2], before[2:]) + _DIAGONAL)
            if step < 0:
                near = np.minimum.accumulate(near - ramp[1:-1]) + ramp[1:-1]
            else:
                near = (np.minimum.accumulate((near + ramp[1:-1])[::-1]))[::-1] - ramp[1:-1]
            found[y, 1:-1] = near
    return np.asarray(found[1:-1, 1:-1] / _UNIT, np.float32)


def fillPoly(mask: Bytes, polygons: Sequence[npt.NDArray[np.int32]], value: int) -> Bytes:
    """Paint polygons (n, 2) of whole pixels, their edges with them, into `mask`, in place."""
    for polygon in polygons:
        points = np.asarray(polygon, np.int64).reshape(-1, 2)
        ends = np.roll(points, -1, axis=0)
        for (x0, y0), (x1, y1) in zip(points, ends, strict=True):
            steps = int(max(abs(x1 - x0), abs(y1 - y0)))
            share = np.arange(steps + 1) / max(1, steps)
            _paint(mask, np.floor(x0 + share * (x1 - x0) + 0.5), np.floor(y0 + share * (y1 - y0) + 0.5), value)
        _fill(mask, points, ends, value)
    return mask


def _paint(mask: Bytes, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], value: int) -> None:
    inside = (x >= 0) & (y >= 0) & (x < mask.shape[1]) & (y < mask.shape[0])
    mask[y[inside].astype(np.int64), x[inside].astype(np.int64)] = value


def _fill(mask: Bytes, points: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], value: int) -> None:
    """Between the first and second, third and fourth ... crossing of each row with the edges."""
    first, last = max(0, int(points[:, 1].min())), min(mask.shape[0] - 1, int(points[:, 1].max()))
    low, high = np.minimum(points[:, 1], ends[:, 1]), np.maximum(points[:, 1], ends[:, 1])
    slope = (ends[:, 0] - points[:, 0]) / np.where(high > low, ends[:, 1] - points[:, 1], 1)
    for y in range(first, last + 1):
        crossed = (low <= y) & (y < high)
        at = np.sort(points[crossed, 0] + (y - points[crossed, 1]) * slope[crossed])
        for left, right in zip(at[::2], at[1::2], strict=True):
            begin, end = max(0, int(np.ceil(left))), min(mask.shape[1] - 1, int(np.floor(right)))
            mask[y, begin : end + 1] = value


def _hull(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The corners of the convex hull in order (Andrew's monotone chain)."""
    ordered = np.unique(points, axis=0)
    if len(ordered) < 3:
        return ordered

    def half(sequence: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float64]]:
        chain: list[npt.NDArray[np.float64]] = []
        for point in sequence:
            while len(chain) > 1 and _turn(chain[-2], chain[-1], point) <= 0:
                chain.pop()
            chain.append(point)
        return chain[:-1]

    return np.asarray(half(ordered) + half(ordered[::-1]))


def _turn(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64], c: npt.NDArray[np.float64]) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def minAreaRect(points: Points) -> Rectangle:
    """The smallest rectangle around points (n, 2), on an edge of their hull: centre, (width, height), degrees."""
    hull = _hull(np.asarray(points, np.float64).reshape(-1, 2))
    if len(hull) == 1:
        return (float(hull[0, 0]), float(hull[0, 1])), (0.0, 0.0), 0.0
    edges = np.roll(hull, -1, axis=0) - hull
    along = edges / np.maximum(1e-12, np.hypot(edges[:, 0], edges[:, 1]))[:, None]
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    u, v = along @ hull.T, across @ hull.T
    width, height = np.ptp(u, axis=1), np.ptp(v, axis=1)
    best = int((width * height).argmin())
    middle = (u[best].max() + u[best].min()) / 2 * along[best] + (v[best].max() + v[best].min()) / 2 * across[best]
    degrees = float(np.degrees(np.arctan2(along[best, 1], along[best, 0])))
    return (float(middle[0]), float(middle[1])), (float(width[best]), float(height[best])), degrees


def boxPoints(rectangle: Rectangle) -> npt.NDArray[np.float32]:
    """The corners (4, 2) of a rectangle, one after the other."""
    centre, (width, height), degrees = rectangle
    angle = np.radians(degrees)
    along = np.array([np.cos(angle), np.sin(angle)]) * width / 2
    across = np.array([-np.sin(angle), np.cos(angle)]) * height / 2
    corners = [-along + across, -along - across, along - across, along + across]
    return np.asarray(np.asarray(corners) + np.asarray(centre), np.float32)


def contourArea(points: Points) -> float:
    """The area inside an outline (n, 2)."""
    x, y = np.asarray(points, np.float64).reshape(-1, 2).T
    return abs(float(np.sum(np.roll(x, 1) * y - x * np.roll(y, 1)))) / 2


def pointPolygonTest(points: Points, place: tuple[float, float], measure: bool) -> float:
    """1 where `place` is inside the outline (n, 2), 0 on it, -1 outside."""
    if measure:
        raise ValueError("tells the side only")
    ring = np.asarray(points, np.float64).reshape(-1, 2)
    ends = np.roll(ring, -1, axis=0)
    x, y = place
    cross = (ends[:, 0] - ring[:, 0]) * (y - ring[:, 1]) - (ends[:, 1] - ring[:, 1]) * (x - ring[:, 0])
    low, high = np.minimum(ring, ends), np.maximum(ring, ends)
    if bool(((cross == 0) & (low[:, 0] <= x) & (x <= high[:, 0]) & (low[:, 1] <= y) & (y <= high[:, 1])).any()):
        return 0.0
    crossed = (ring[:, 1] <= y) != (ends[:, 1] <= y)
    right = np.where(ends[:, 1] > ring[:, 1], cross > 0, cross < 0)
    return 1.0 if int((crossed & right).sum()) % 2 else -1.0
