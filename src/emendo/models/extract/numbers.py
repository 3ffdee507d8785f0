"""What the numbers of a document say of each other: which is the greatest, which is the sum or the product of others.

A reader of invoices knows a total by its sums as much as by the word beside it, in any language and any layout.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

NUMBERS: Final = 16
MOST: Final = 160
"""Numbers of a document that are tried as parts of sums."""
_NUMBER = re.compile(r"[^\d,.()-]{0,12}(\(?-?)(\d[\d.,']*)(-?\)?)[^\d]{0,4}")
_NEAR = 0.006
"""Two amounts are the same within this."""


@lru_cache(maxsize=1 << 16)
def value_of(text: str) -> float | None:
    """What a word is as a number, roughly: the last mark is the decimal mark unless three figures follow it alone.

    None for words that are none, dates and long figures among them.
    """
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        return None
    body = found[2].rstrip(".,'")
    marks = [char for char in body if char in ".,'"]
    digits = re.sub(r"\D", "", body)
    if not digits or len(digits) > 9 or (len(marks) > 1 and len(set(marks)) == 1 and not _grouped(body)):
        return None
    tail = re.split(r"[.,']", body)[-1]
    decimal = bool(marks) and (len(tail) != 3 or body.startswith("0")) and marks[-1] != "'"
    value = float(digits) / float(10 ** (len(tail) if decimal else 0))
    return -value if "-" in found[1] + found[3] or "(" in found[1] else value


def _grouped(body: str) -> bool:
    return all(len(part) == 3 for part in re.split(r"[.,']", body)[1:])


def number_features(
    values: Sequence[float | None], boxes: npt.NDArray[np.float64], rows: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """(N, NUMBERS) for words with these values; `boxes` (N, 4) in heights of a word, `rows` (N,) as in `Layout`."""
    found = np.zeros((len(values), NUMBERS))
    own = np.asarray([at for at, value in enumerate(values) if value is not None], np.int64)
    if not len(own):
        return found
    amounts = np.asarray([abs(values[at] or 0.0) for at in own])
    greatest = max(float(amounts.max()), 1e-9)
    found[own, 0] = 1
    found[own, 1] = np.log1p(amounts) / 10
    found[own, 2] = np.log1p(amounts) / math.log1p(greatest)
    found[own, 3] = amounts >= greatest - _NEAR
    same = np.abs(amounts[None] - amounts[:, None]) < _NEAR
    found[own, 4] = np.log(same.sum(axis=1)) / 3
    found[own, 5] = amounts == np.floor(amounts)
    found[own, 6] = (np.argsort(np.argsort(-amounts)) + 1) / len(amounts)
    found[own, 7] = amounts < _NEAR
    _sums(found, own, amounts)
    _products(found, own, amounts, rows)
    _columns(found, own, amounts, boxes)
    return found


def _sums(found: npt.NDArray[np.float64], own: npt.NDArray[np.int64], amounts: npt.NDArray[np.float64]) -> None:
    """8: is a sum of two others; 9: is the greater part of one; 10: the lesser."""
    some = np.flatnonzero(amounts > _NEAR)
    if len(some) > MOST:
        some = np.concatenate([some[: MOST // 4], some[-(MOST - MOST // 4) :]])
    values, first = np.unique(amounts[some].round(2), return_index=True)
    del first
    if len(values) < 3:
        return
    sums = values[:, None] + values[None]
    at = np.searchsorted(values, sums - _NEAR)
    hit = (at < len(values)) & (np.abs(values[np.minimum(at, len(values) - 1)] - sums) < _NEAR)
    hit &= np.tri(len(values), dtype=bool)
    greater, lesser = np.nonzero(hit)
    roles = {
        8: np.zeros(len(values), bool),
        9: np.zeros(len(values), bool),
        10: np.zeros(len(values), bool),
    }
    roles[8][at[greater, lesser]] = roles[9][greater] = roles[10][lesser] = True
    index = np.clip(np.searchsorted(values, amounts.round(2)), 0, len(values) - 1)
    known = np.abs(values[index] - amounts) < _NEAR
    for role, flags in roles.items():
        found[own, role] = known & flags[index]


def _products(
    found: npt.NDArray[np.float64],
    own: npt.NDArray[np.int64],
    amounts: npt.NDArray[np.float64],
    rows: npt.NDArray[np.int64],
) -> None:
    """11: is a product of two numbers of its row or the next; 12: is the left factor of one; 13: the right factor."""
    by_row: dict[int, list[int]] = {}
    for at, word in enumerate(own):
        by_row.setdefault(int(rows[word]), []).append(at)
    for row, members in by_row.items():
        if len(members) > 12:
            continue
        results = members + by_row.get(row + 1, [])[:4] + by_row.get(row - 1, [])[:4]
        for left in members:
            for right in members:
                if left >= right or amounts[left] < _NEAR or amounts[right] < _NEAR:
                    continue
                product = amounts[left] * amounts[right]
                for whole in results:
                    if whole in (left, right) or abs(amounts[whole] - product) > 0.0051 + 1e-4 * product:
                        continue
                    trivial = min(amounts[left], amounts[right]) == 1
                    strength = 0.5 if trivial else 1.0
                    for column, one in ((11, whole), (12, left), (13, right)):
                        found[own[one], column] = max(found[own[one], column], strength)


def _columns(
    found: npt.NDArray[np.float64],
    own: npt.NDArray[np.int64],
    amounts: npt.NDArray[np.float64],
    boxes: npt.NDArray[np.float64],
) -> None:
    """14: is the sum of two or more right above it in its column; 15: is such a part."""
    order = np.argsort(boxes[own, 1], kind="stable")
    for at in order:
        word = own[at]
        in_column = np.abs(boxes[own, 2] - boxes[word, 2]) < 1.5
        above = [one for one in order if in_column[one] and boxes[own[one], 3] <= boxes[word, 1] + 0.5 and one != at]
        for skip in range(min(3, len(above))):
            total, parts = 0.0, []
            for one in reversed(above[: len(above) - skip]):
                total += amounts[one]
                parts.append(one)
                if total > amounts[at] + _NEAR:
                    break
                if len(parts) > 1 and abs(total - amounts[at]) < _NEAR and amounts[at] > _NEAR:
                    found[word, 14] = 1
                    found[own[parts], 15] = 1
                    break
