"""What the neighbours of a word say of it: the words close to it on its line, and the figures of its column.

A word between two of an address most likely belongs to it, and a figure in a row most likely means what the figures
above and below it mean.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from emendo.fields.compare import ROW_MARK

from .labels import LABELS
from .layout import Layout

_RUNNING: Final = np.array(
    [name.startswith(("seller", "buyer", "iban")) or name == f"lines{ROW_MARK}.description" for name in LABELS]
)
"""Labels of which several words follow each other."""
_CLOSE: Final = 1.0
"""Gap between words that belong together, in heights."""
_BETWEEN: Final = 5.0
"""How many times likelier a label is for a word between two that surely have it."""
_TABLE: Final = np.array([name.startswith(f"lines{ROW_MARK}") for name in LABELS])
_FEWEST: Final = 4
"""Figures that make a column."""
_SHARE: Final = 0.6
"""Of the width of the narrower one: what two figures of a column have in common."""
_LEAST: Final = 0.03
"""Chance of a label that no other figure of the column has."""
Chances = npt.NDArray[np.float64]


def agreed(layout: Layout, chances: Chances) -> Chances:
    """Chances (N, C) of labels in the light of the words around."""
    if not len(chances):
        return chances
    return _in_columns(layout, _in_lines(layout, chances))


def _in_lines(layout: Layout, chances: Chances) -> Chances:
    """Chances of labels of running text, with what the word before and the word after say."""
    beside = np.zeros_like(chances)
    for line in layout.lines:
        for left, right in pairwise(line):
            if layout.gap(left, right) < _CLOSE:
                beside[right] += chances[left] / 2
                beside[left] += chances[right] / 2
    joint = chances * (1 + _BETWEEN * beside * _RUNNING)
    result: Chances = joint / np.maximum(joint.sum(axis=1, keepdims=True), 1e-9)
    return result


def _in_columns(layout: Layout, chances: Chances) -> Chances:
    """Chances of the figures in rows, multiplied by what the others of their column say."""
    in_table = chances[:, _TABLE].sum(axis=1) > 0.5
    figures: list[int] = []
    for line in layout.lines:
        held = [at for at in line if in_table[at]]
        for at in line:
            others = len(held) - bool(in_table[at])
            if others and any(map(str.isdecimal, layout.words[at].text)):
                figures.append(at)
    result = chances.copy()
    for page in {layout.words[at].page for at in figures}:
        for column in _columns(layout, [at for at in figures if layout.words[at].page == page]):
            if len(column) < _FEWEST:
                continue
            said = chances[column]
            others = (said.sum(axis=0) - said) / (len(column) - 1)
            joint = said * (others + _LEAST)
            result[column] = joint / joint.sum(axis=1, keepdims=True)
    return result


def _columns(layout: Layout, figures: list[int]) -> list[list[int]]:
    """Figures of a page that stand above each other."""
    columns: list[list[int]] = []
    spans: list[tuple[float, float]] = []
    for at in figures:
        x0, _, x1, _ = layout.boxes[at]
        for number, (left, right) in enumerate(spans):
            common = min(x1, right) - max(x0, left)
            if common > _SHARE * max(1.0, min(x1 - x0, right - left)):
                columns[number].append(at)
                spans[number] = (x0, x1)  # the next one is compared with the last: a page may be turned
                break
        else:
            columns.append([at])
            spans.append((x0, x1))
    return columns
