"""Rows of a document's tables: which cells stand together, and what each of them says.

A cell is a run of words with one label on a printed line. Cells are joined to rows as the pair matrix of the tags says
(average linkage: the pair of groups whose words most agree first), a row having one cell of each kind but for the
description, which may run over lines, and for what says the same twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from emendo.fields.compare import ROW_MARK

from .candidates import Scene, log_odds
from .labels import LABELS
from .tagger import Array

MOST_CELLS: Final = 1500
"""Of a table on a page; what is beyond them is left out."""
LINES_BELOW: Final = 10
"""Heights of a word within which the amount of a row stands below it."""
_TEXTS = frozenset({"description", "code", "unit"})
_BELOW = frozenset({"amount", "tax_rate", "code", "unit"})
"""What can stand on a line below the row that it belongs to."""
_COUNTED = frozenset({"quantity", "unit_price"})
"""What says that a row is one of goods."""
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cell:
    """Words of one field on a printed line."""

    name: str
    words: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """The cells of a row by the name of their field, in reading order."""

    cells: Mapping[str, tuple[Cell, ...]]

    def words(self, name: str) -> tuple[int, ...]:
        """The words of a field, in reading order."""
        return tuple(at for cell in self.cells.get(name, ()) for at in cell.words)

    @property
    def all(self) -> tuple[int, ...]:
        """All its words."""
        return tuple(at for cells in self.cells.values() for cell in cells for at in cell.words)


def table_rows(scene: Scene, table: str, pairs: Array) -> list[Row]:
    """The rows of a table (`lines`, `taxes`) in reading order."""
    cells = _cells(scene, table)
    linked = log_odds(pairs)
    rows: list[Row] = []
    for page in sorted({scene.layout.words[cell.words[0]].page for cell in cells}):
        held = [cell for cell in cells if scene.layout.words[cell.words[0]].page == page][:MOST_CELLS]
        groups = _grouped(scene, held, linked)
        made = [_row(scene, [held[at] for at in group]) for group in groups]
        rows += _whole(scene, sorted(made, key=lambda row: _height(scene, row)))
    return rows


def _whole(scene: Scene, rows: Sequence[Row]) -> list[Row]:
    """Rows with the amount that some print on a line of its own below: it stands alone under a row that has none."""
    found: list[Row] = []
    for row in rows:
        before = found[-1] if found else None
        if before and _goes_on(before, row) and _near(scene, before, row):
            names = dict.fromkeys((*before.cells, *row.cells))
            found[-1] = Row({name: _both(name, before, row) for name in names})
        else:
            found.append(row)
    return found


def _goes_on(above: Row, below: Row) -> bool:
    """Whether a row without amount may have it in the next one, which says nothing of its own but texts."""
    if "amount" not in below.cells or "amount" in above.cells:
        return False
    counted = not _COUNTED.isdisjoint(above.cells) and _COUNTED.isdisjoint(below.cells)
    return set(below.cells) <= _BELOW or (counted and set(below.cells) <= _BELOW | _TEXTS)


def _both(name: str, above: Row, below: Row) -> tuple[Cell, ...]:
    """The cells of a field of both: texts go on, all else is that of the upper row where it has it."""
    upper, lower = above.cells.get(name, ()), below.cells.get(name, ())
    return (*upper, *lower) if name == "description" else upper or lower


def _near(scene: Scene, above: Row, below: Row) -> bool:
    """Whether a row begins within a few lines of another."""
    bottom = max(scene.layout.boxes[at][3] for at in above.all)
    top = min(scene.layout.boxes[at][1] for at in below.all)
    return top - bottom <= LINES_BELOW * scene.layout.height(below.all[0])


def _height(scene: Scene, row: Row) -> float:
    """Where a row stands on its page: the middle of the cells that say how much, else of all."""
    some = row.words("amount") or row.words("base") or row.words("description") or row.all
    return float(np.mean([scene.layout.boxes[at][1] + scene.layout.boxes[at][3] for at in some]))


def _cells(scene: Scene, table: str) -> list[Cell]:
    """Runs of words with the same likeliest label of the table, along the printed lines."""
    if not len(scene.odds):
        return []
    told = scene.odds.argmax(axis=1)
    found: list[Cell] = []
    for line in scene.layout.lines:
        run: list[int] = []
        for at in line:
            name = LABELS[int(told[at])]
            if not name.startswith(f"{table}{ROW_MARK}."):
                if run and any(char.isalnum() for char in scene.layout.words[at].text):
                    found.append(_cell(told, run))
                    run = []
                continue
            if run and told[at] != told[run[-1]]:
                found.append(_cell(told, run))
                run = []
            run.append(at)
        if run:
            found.append(_cell(told, run))
    return found


def _cell(told: npt.NDArray[np.int64], run: Sequence[int]) -> Cell:
    return Cell(LABELS[int(told[run[0]])].rpartition(".")[2], tuple(run))


def _grouped(scene: Scene, cells: Sequence[Cell], linked: Matrix) -> list[list[int]]:
    """Numbers of the cells of each row."""
    count = len(cells)
    member = np.zeros((count, len(linked)))
    for at, cell in enumerate(cells):
        member[at, list(cell.words)] = 1
    sums, sizes = member @ linked @ member.T, member.sum(axis=1)
    barred = _barred(scene, cells)
    close = (sums > 0) & ~np.eye(count, dtype=bool)
    groups: list[list[int]] = []
    for some in _components(close):
        part = np.ix_(some, some)
        groups += [[some[at] for at in group] for group in _linked(sums[part], sizes[some], barred[part])]
    return groups


def _components(close: npt.NDArray[np.bool_]) -> list[list[int]]:
    """Cells that hang together: average linkage never joins two that do not."""
    found, seen = [], set[int]()
    for start in range(len(close)):
        if start in seen:
            continue
        seen.add(start)
        some = [start]
        for at in some:
            fresh = [int(to) for to in np.flatnonzero(close[at]) if int(to) not in seen]
            seen.update(fresh)
            some += fresh
        found.append(sorted(some))
    return found


def _linked(sums: Matrix, sizes: Matrix, barred: npt.NDArray[np.bool_]) -> list[list[int]]:
    """Average linkage down to the groups between which more speaks against a row than for it."""
    groups = [[at] for at in range(len(sums))]
    sums, sizes, barred = sums.copy(), sizes.copy(), barred.copy()
    np.fill_diagonal(barred, val=True)
    while True:
        means = np.where(barred, -np.inf, sums / np.outer(sizes, sizes))
        at, to = divmod(int(means.argmax()), len(sums))
        if means[at, to] <= 0:
            break
        groups[at] += groups[to]
        sums[at] += sums[to]
        sums[:, at] += sums[:, to]
        sizes[at] += sizes[to]
        barred[at] |= barred[to]
        barred[:, at] |= barred[:, to]
        barred[at, at] = True
        barred[to], barred[:, to] = True, True
        groups[to] = []
    return [group for group in groups if group]


def _barred(scene: Scene, cells: Sequence[Cell]) -> npt.NDArray[np.bool_]:
    """(N, N) which cells cannot be of one row: of a kind that stands once, and not the same twice."""
    kinds = np.array([cell.name for cell in cells])
    texts = np.array([_text(scene, cell) for cell in cells])
    once = ~np.isin(kinds, sorted(_TEXTS))
    barred: npt.NDArray[np.bool_] = (kinds[:, None] == kinds) & once[:, None] & (texts[:, None] != texts)
    return barred


def _text(scene: Scene, cell: Cell) -> str:
    return "".join(char for at in cell.words for char in scene.layout.words[at].text if char.isalnum())


def _row(scene: Scene, cells: Sequence[Cell]) -> Row:
    kept: dict[str, list[Cell]] = {}
    for cell in sorted(
        cells, key=lambda one: (scene.layout.line_of[one.words[0]], scene.layout.place_in[one.words[0]])
    ):
        kept.setdefault(cell.name, []).append(cell)
    return Row({name: tuple(some) for name, some in kept.items()})
