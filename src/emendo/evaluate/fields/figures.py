"""What follows from the counts of some documents: rates with their intervals, by field and in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...fields.compare import ROW_MARK, FieldCounts
from ...fields.error_classes import ErrorClass
from ...metrics import Interval, ratio_interval
from ...models.calibration import expected_calibration_error
from .outcome import Outcome, Validity

Pick = Callable[[Outcome], FieldCounts]
BINS = 10
"""Parts of [0, 1] of the table of certainty."""


class Bin(NamedTuple):
    """Values whose certainty lies in one part of [0, 1]: how many, the mean certainty, and the share that is right."""

    values: int
    certainty: float
    right: float


def summed(some: Iterable[Outcome], pick: Pick) -> FieldCounts:
    """The sum of some counts over documents."""
    return sum(map(pick, some), FieldCounts())


def f1_interval(some: Sequence[Outcome], pick: Pick) -> Interval:
    """F1 with its 95 % interval by bootstrap over documents (their groups, where there are enough)."""
    each = [pick(one) for one in some]
    off = [2 * one.wrong + one.missed + one.invented for one in each]
    return _share_right(off, [2 * one.right + part for one, part in zip(each, off, strict=True)], some)


def accuracy_interval(some: Sequence[Outcome], pick: Pick) -> Interval:
    """The share of the values of the truth that were read right, with its interval."""
    each = [pick(one) for one in some]
    return _share_right([one.wrong + one.missed for one in each], [one.values for one in each], some)


def rates(some: Sequence[Outcome], pick: Pick) -> dict[str, Any]:
    """Counts and rates of one field or of several together; `recall` is the accuracy, for each value is in a place of
    its own. Intervals are None where the rate is."""
    total = summed(some, pick)
    out = {**total.to_dict(), "recall": total.accuracy}
    for name, value, interval in (("f1", total.f1, f1_interval), ("accuracy", total.accuracy, accuracy_interval)):
        bounds = interval(some, pick) if value is not None else None
        out |= {f"{name}_low": bounds.low if bounds else None, f"{name}_high": bounds.high if bounds else None}
    return out


def summary(some: Sequence[Outcome]) -> dict[str, Any]:
    """All figures of some documents but those by field."""
    exact = sum(not one.all.errors and not one.fault for one in some)
    rows = sorted({table for one in some for table in one.rows})
    likeness = [one.teds for one in some if one.teds is not None]
    validity = Counter(one.validity for one in some)
    pages = sum(one.pages for one in some)
    names = sorted({name for one in some for name in one.counts})
    return {
        "samples": len(some),
        **rates(some, lambda one: one.all),
        "macro_f1": _mean([f1 for name in names if (f1 := summed(some, _of(name)).f1) is not None]),
        "strict": rates(some, lambda one: sum(one.strict.values(), FieldCounts())),
        "exact_samples": exact,
        "exact": exact / len(some) if some else 0.0,
        "header": rates(some, _part(header=True)),
        "cells": rates(some, _part(header=False)),
        "rows": {table: rates(some, _rows(table)) for table in rows},
        "teds": _mean(likeness),
        "tables": len(likeness),
        "valid": validity[Validity.EXACT] / len(some) if some else 0.0,
        "validity": {one.value: validity[one] for one in Validity},
        "classes": {one.value: sum(one in doc.classes for doc in some) for one in ErrorClass},
        "severity": _mean([float(one.severity) for one in some]),
        "pages": pages,
        "seconds": sum(one.seconds for one in some),
        "seconds_per_page": sum(one.seconds for one in some) / pages if pages else None,
    }


def by_field(some: Sequence[Outcome], names: Iterable[str]) -> dict[str, Any]:
    """The rates of each field, loose and strict."""
    return {
        name: {**rates(some, _of(name)), "strict": rates(some, _strict(name))}
        for name in names
        if any(name in one.counts for one in some)
    }


def calibration(some: Iterable[Outcome]) -> dict[str, Any]:
    """How far the certainty of values is from the share that is right: expected calibration error, and its table."""
    told = [pair for one in some for pair in one.certainty]
    chance = np.clip(np.array([pair[0] for pair in told], np.float64), 0.0, 1.0)
    right = np.array([pair[1] for pair in told], np.bool_)
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    bins = [
        Bin(int(inside.sum()), float(chance[inside].mean()), float(right[inside].mean()))
        if (inside := place == number).any()
        else Bin(0, (number + 0.5) / BINS, 0.0)
        for number in range(BINS)
    ]
    ece = expected_calibration_error(chance, right, BINS) if told else None
    return {"values": len(told), "ece": ece, "bins": [one._asdict() for one in bins]}


def by_slice(some: Iterable[Outcome], name: str) -> Mapping[str, tuple[Outcome, ...]]:
    """Documents by their value of one slice, in alphabetical order."""
    parts: dict[str, list[Outcome]] = {}
    for one in some:
        parts.setdefault(one.slices.get(name, ""), []).append(one)
    return {value: tuple(parts[value]) for value in sorted(parts)}


def groups_of(some: Iterable[Outcome]) -> list[str]:
    """What is resampled together."""
    return [one.group or one.id for one in some]


def _share_right(errors: Sequence[float], sizes: Sequence[float], some: Sequence[Outcome]) -> Interval:
    off = ratio_interval(errors, sizes, groups=groups_of(some))
    return Interval(1 - off.value, 1 - off.high, 1 - off.low, off.level, off.unit)


def _of(name: str) -> Pick:
    return lambda one: one.of(name)


def _strict(name: str) -> Pick:
    return lambda one: one.strict.get(name, FieldCounts())


def _rows(table: str) -> Pick:
    return lambda one: one.rows.get(table, FieldCounts())


def _part(*, header: bool) -> Pick:
    """The fields outside of tables, or the cells of tables."""

    def pick(one: Outcome) -> FieldCounts:
        return sum((part for name, part in one.counts.items() if (ROW_MARK in name) != header), FieldCounts())

    return pick


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
