"""Splits by group, with a frozen test set: it grows with the data, and what was in it never leaks into training.

A group (page, document, writer) is given a part once and keeps it for ever; the workspace remembers it. New groups
come in the order of a hash of their names, so that the result does not depend on the order of the files.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from ..errors import FormatError, UsageError
from ..formats.rows import SPLIT_CODES, SPLITS, Codes, Columns, columns_of, take, unit_of, with_splits
from ..tools.files import write_json
from ..types import Sample, Split

STATE = "splits.json"
"""Name of the memory, beside the built data sets of a workspace."""

_VERSION = 1
_PARTS = (Split.TEST, Split.VAL, Split.TRAIN)


@dataclass(frozen=True, slots=True)
class Shares:
    """Aimed shares of the lines; the rest is training."""

    val: float = 0.1
    test: float = 0.15

    def __post_init__(self) -> None:
        if min(self.val, self.test) < 0 or self.val + self.test >= 1:
            raise UsageError(f"shares val {self.val} and test {self.test} leave nothing to train on")


@dataclass(frozen=True, slots=True)
class Repeated:
    """One text that stands in groups of different parts, the test part among them."""

    text: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Assignment:
    """Samples with their split, in the given order; `groups` is the memory to keep for the next time.

    `new` counts the groups that had no part before. `repeated` names texts of the test part that training also holds
    (from other groups): no leak of images, but worth knowing. `conflicts` are groups whose samples asked for different
    parts; the whole group went where the memory, else the first of test, val, train says.
    """

    samples: Sequence[Sample]
    groups: Mapping[str, Split]
    new: int
    repeated: tuple[Repeated, ...]
    conflicts: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """Samples per part."""
        splits = columns_of(self.samples).splits
        return {str(part): int(np.count_nonzero(splits == SPLIT_CODES[part])) for part in Split}


def assign(
    samples: Sequence[Sample],
    known: Mapping[str, Split] | None = None,
    shares: Shares | None = None,
    *,
    keep: bool = True,
) -> Assignment:
    """Give every sample a part, by group.

    Groups in `known` keep theirs. With `keep`, samples that bring a split (a published one) take their whole group
    there. The other groups, in hash order, go where the most lines are lacking; from two groups on there is a test
    part, from three on a validation part (when its share is not 0).
    """
    shares = shares or Shares()
    groups: dict[str, Split] = dict(known or {})
    columns = columns_of(samples)
    counted = np.bincount(columns.units, minlength=len(columns.unit_names))
    sizes = {name: int(size) for name, size in zip(columns.unit_names, counted, strict=True) if size}
    asked = _asked(columns) if keep else {}
    before = len(groups)
    conflicts = []
    for name, parts in sorted(asked.items()):
        wanted = groups.setdefault(name, next(part for part in _PARTS if part in parts))
        if parts != {wanted}:
            conflicts.append(name)
    _fill(groups, sizes, shares)
    codes = np.array(
        [SPLIT_CODES[groups[name]] if name in groups else 0 for name in columns.unit_names], dtype=np.int64
    )
    placed = with_splits(samples, codes[columns.units])
    return Assignment(placed, groups, len(groups) - before, repeated_texts(placed), tuple(conflicts))


def _asked(columns: Columns) -> dict[str, set[Split]]:
    """The parts that the samples of each unit bring."""
    asked: dict[str, set[Split]] = defaultdict(set)
    told = columns.splits != 0
    pairs = np.unique(columns.units[told] * len(SPLITS) + columns.splits[told])
    for unit, code in zip(*np.divmod(pairs, len(SPLITS)), strict=True):
        part = SPLITS[code]
        assert part is not None
        asked[columns.unit_names[unit]].add(part)
    return asked


def _fill(groups: dict[str, Split], sizes: Mapping[str, int], shares: Shares) -> None:
    new = sorted((name for name in sizes if name not in groups), key=_order)
    held = {part: sum(size for name, size in sizes.items() if groups.get(name) is part) for part in Split}
    total = sum(sizes.values())
    aim = {Split.TEST: shares.test * total, Split.VAL: shares.val * total}
    aim[Split.TRAIN] = total - aim[Split.TEST] - aim[Split.VAL]
    wanted = [part for part in (Split.TRAIN, Split.TEST, Split.VAL) if aim[part] > 0]
    if len(sizes) < 3 and Split.VAL in wanted:
        wanted.remove(Split.VAL)
    for index, name in enumerate(new):
        left = len(new) - index
        lacking = [part for part in wanted if not held[part]] if left <= len(wanted) else []
        if left <= len(lacking):
            part = lacking[0]
        else:
            part = max(_PARTS, key=lambda part: (aim[part] - held[part], part is Split.TRAIN))
        groups[name] = part
        held[part] += sizes[name]


def _order(name: str) -> bytes:
    return sha256(name.encode("utf-8")).digest()


def repeated_texts(samples: Iterable[Sample]) -> tuple[Repeated, ...]:
    """Texts of the test part that stand in another part too, blanks folded, sorted by text."""
    rows = samples if isinstance(samples, Sequence) else tuple(samples)
    where: dict[str, dict[str, Split | None]] = defaultdict(dict)
    for sample in take(rows, _shared(columns_of(rows))):
        where[_folded(sample.text or "")][unit_of(sample)] = sample.split
    found = []
    for text, groups in sorted(where.items()):
        if len(set(groups.values())) > 1:
            found.append(Repeated(text, tuple(sorted(groups))))
    return tuple(found)


def _shared(columns: Columns) -> Codes:
    """Indices of the samples whose text stands in the test part and in another one too."""
    test = columns.splits == SPLIT_CODES[Split.TEST]
    known = np.unique(columns.texts[test & (columns.texts != 0)])
    if not len(known):
        return np.empty(0, dtype=np.int64)
    at = np.minimum(np.searchsorted(known, columns.texts), len(known) - 1)
    there = known[at] == columns.texts
    outside = np.zeros(len(known), dtype=bool)
    outside[at[there & ~test]] = True
    return np.flatnonzero(there & outside[at])


def _folded(text: str) -> str:
    return " ".join(text.split())


def load_state(folder: Path) -> dict[str, Split]:
    """The parts of all groups ever seen in a workspace; empty when there is no memory yet. Raises FormatError."""
    path = folder / STATE
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise FormatError("was written by another version of emendo", where=path)
        return {str(name): Split(part) for name, part in content["groups"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = "restore it from a backup: without it test lines could leak into training"
        raise FormatError("is damaged", where=path, remedy=remedy) from error


def save_state(folder: Path, groups: Mapping[str, Split]) -> None:
    """Remember the parts. Raises FormatError rather than move or forget a group that is remembered."""
    earlier = load_state(folder)
    moved = [name for name, part in earlier.items() if groups.get(name) is not part]
    if moved:
        raise FormatError(f"group {moved[0]!r} would change its part", where=folder / STATE, remedy="build again")
    _write_state(folder, groups)


def _write_state(folder: Path, groups: Mapping[str, Split]) -> None:
    content = {"version": _VERSION, "groups": {name: str(part) for name, part in sorted(groups.items())}}
    write_json(folder / STATE, content)


def forget_groups(folder: Path, names: Iterable[str]) -> None:
    """Remember no more of what part the groups of some documents are (`journal`, `journal#3`)."""
    wanted = frozenset(names)
    groups = load_state(folder)
    kept = {name: part for name, part in groups.items() if not wanted & {name, name.rpartition("#")[0]}}
    if kept != groups:
        _write_state(folder, kept)
