"""One run over all forms: size, latency, memory and errors of each, beside the model that was trained.

All forms read the same samples in turn, so that they see the same machine; latency is processor time, of which median
and 95th percentile are told. Memory is the most that a process of its own held while it read. Errors come with a 95 %
interval by bootstrap over the samples, and the difference from the reference with a paired one.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from ...errors import DataError, EmendoError, EngineError, UsageError
from ...metrics import paired_bootstrap, ratio_interval
from ...models.probe import probe
from ..export import PROBED_LINES, Order, subject_of
from ..export.int8 import worth
from ..export.lines import megabytes
from ..export.measure import Form, Subject, Tally, measure, require_same
from .forms import FORMS, Made, made

FORMAT: Final = "emendo-quantisation/1"
PERCENTILE: Final = 95
SECONDS: Final = 900
"""Within which a form must read some samples in a process of its own."""


@dataclass(frozen=True, slots=True)
class FormRow:
    """One form. What was not measured is None; `fault` says why the form is refused, empty where it may be used.

    `error` is the rate of errors with its interval, `difference` what it is above the reference's; `milliseconds` are
    the median of a sample and its 95th percentile; `megabytes` the files (of weights that are quantised as they are
    loaded: the weights in memory), `memory_megabytes` the peak of a process of its own.
    """

    form: str
    fault: str = ""
    samples: int = 0
    same: int = 0
    error: float | None = None
    error_low: float | None = None
    error_high: float | None = None
    difference: float | None = None
    difference_low: float | None = None
    difference_high: float | None = None
    milliseconds: float | None = None
    milliseconds_95: float | None = None
    megabytes: float | None = None
    memory_megabytes: float | None = None
    logit_difference: float | None = None


@dataclass(frozen=True, slots=True)
class Quantisation:
    """All forms of a model, the reference first. `one` is what a sample is called, `error` the rate of errors."""

    model: str
    family: str
    data: str
    one: str
    error: str
    budget: float
    machine: str
    rows: tuple[FormRow, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"format": FORMAT, **asdict(self)}

    def sentences(self) -> list[str]:
        """The table, for a terminal."""
        heads = ("form", self.error, "against the first", f"ms a {self.one}", "p95", "MB", "MB of memory", "the same")
        table = [heads, *(tuple(_cells(row)) for row in self.rows)]
        widths = [max(len(row[at]) for row in table) for at in range(len(heads))]
        told = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
        refused = [f"refused: {row.form}: {row.fault}" for row in self.rows if row.fault]
        return [*told, *refused]


def _cells(row: FormRow) -> Iterator[str]:
    yield row.form + (" (refused)" if row.fault else "")
    yield _percent(row.error, row.error_low, row.error_high)
    yield _percent(row.difference, row.difference_low, row.difference_high, sign="+")
    for value in (row.milliseconds, row.milliseconds_95, row.megabytes):
        yield "–" if value is None else f"{value:.1f}"
    yield "–" if row.memory_megabytes is None else f"{row.memory_megabytes:.0f}"
    yield f"{row.same} of {row.samples}" if row.samples else "–"


def _percent(value: float | None, low: float | None, high: float | None, sign: str = "") -> str:
    if value is None:
        return "–"
    bounds = "" if low is None or high is None else f" ({100 * low:{sign}.2f} to {100 * high:{sign}.2f})"
    return f"{100 * value:{sign}.2f} %{bounds}"


def quantisation(order: Order, forms: Sequence[str] = (), *, data: str = "") -> Quantisation:
    """Make, load and measure the model of an order in some forms (default: all of its family).

    `order.form` and `order.work` are set here; `data` names the samples. A form that cannot be made, does not agree or
    is not worth having stays in the report, with the reason. Raises DataError without samples whose truth is known,
    UsageError for an unknown form or a family that is not quantised.
    """
    known = FORMS.get(order.family, ())
    wanted = tuple(forms) or known
    strange = next((form for form in wanted if form not in known), None)
    if strange is not None or not known:
        what = f"a model of the family {order.family!r} has no form {strange or 'of int8'!r}"
        raise UsageError(what, remedy=f"use {', '.join(known)}" if known else "name a trained model")
    if not order.samples:
        raise DataError("there is nothing to measure on", where=data or None, remedy="give --data REF with samples")
    with TemporaryDirectory(prefix="emendo-quantise-") as held:
        order = replace(order, work=Path(held))
        subject = subject_of(order)
        results = {form: _made(order, form, Path(held)) for form in wanted}
        found = {form: one for form, one in results.items() if isinstance(one, Made)}
        every = {form.name: form for one in found.values() for form in one.forms}
        tallies = {one.name: one for one in measure(tuple(every.values()), order.samples, subject=subject,
                                                    timed=order.timed, progress=order.progress)}  # fmt: skip
        if every and not any(one.each for one in tallies.values()):
            what = f"no {subject.one} has a truth, so that nothing can be said of errors"
            raise DataError(what, where=data or None, remedy="give --data REF with texts or fields")
        rows = tuple(_rows(order, subject, results, every, tallies))
    return Quantisation(
        model=order.model.id,
        family=order.family,
        data=data,
        one=subject.one,
        error=subject.error,
        budget=order.budget,
        machine=f"{platform.machine()}, {os.cpu_count()} cores, {order.threads} thread{'s' * (order.threads != 1)}",
        rows=rows,
    )


def _made(order: Order, form: str, place: Path) -> Made | EmendoError:
    order.progress(0, 0, f"making {form}")
    work = place / form
    work.mkdir()
    try:
        return made(replace(order, form=form, work=work))
    except EmendoError as error:
        return error


def _rows(
    order: Order,
    subject: Subject,
    results: dict[str, Made | EmendoError],
    every: dict[str, Form],
    tallies: dict[str, Tally],
) -> Iterator[FormRow]:
    """The reference and what lies between (adapter, merged), then each form that was asked for."""
    names = list(every)
    for name in names:
        if name not in results:
            yield _row(tallies[name], tallies[names[0]], fault="", memory=None)
    plain = FORMS[order.family][0]
    for form, one in results.items():
        if isinstance(one, EmendoError):
            yield FormRow(form, fault=f"{one.what}{f'; {one.remedy}' if one.remedy else ''}")
            continue
        tally, reference = tallies[form], tallies[names[0]]
        fault = _fault(order, tally, reference, tallies.get(plain, reference))
        memory, why = _memory(order, subject, one)
        yield _row(tally, reference, fault=", ".join(filter(None, (fault, why))), memory=memory)


def _fault(order: Order, tally: Tally, reference: Tally, plain: Tally) -> str:
    """Why a form is refused: a float form must agree, any other must be smaller, faster and within the budget."""
    if tally.name == FORMS[order.family][0]:
        try:
            require_same([reference, tally])
        except EngineError as error:
            return error.what
        return ""
    return worth(reference, plain, tally, order.budget, share=1.0)


def _memory(order: Order, subject: Subject, one: Made) -> tuple[float | None, str]:
    """The peak (MB) of a process of its own, and why there is none."""
    order.progress(0, 0, "reading in a process of its own")
    asked: dict[str, Any] = {subject.probed: [subject.load(sample) for sample in order.samples[:PROBED_LINES]]}
    limit = round(3000 + 4 * megabytes(one.bundle))
    try:
        seen = probe(one.bundle.folder, seconds=SECONDS, megabytes=limit, bits=one.bits, **asked)
    except EmendoError as error:
        return None, error.what
    return seen.megabytes, ""


def _row(tally: Tally, reference: Tally, *, fault: str, memory: float | None) -> FormRow:
    edits, sizes = [one.edits for one in tally.each], [one.characters for one in tally.each]
    own = ratio_interval(edits, sizes) if sum(sizes) else None
    apart = None
    if tally is not reference and own is not None:
        apart = paired_bootstrap([one.edits for one in reference.each], edits, sizes)
    milliseconds = 1000 * np.asarray(tally.seconds)
    return FormRow(
        form=tally.name,
        fault=fault,
        samples=tally.lines,
        same=tally.same,
        error=own.value if own else None,
        error_low=own.low if own else None,
        error_high=own.high if own else None,
        difference=apart.difference if apart else None,
        difference_low=apart.low if apart else None,
        difference_high=apart.high if apart else None,
        milliseconds=float(np.median(milliseconds)),
        milliseconds_95=float(np.percentile(milliseconds, PERCENTILE)),
        megabytes=tally.megabytes,
        memory_megabytes=memory,
        logit_difference=None if tally is reference else tally.worst,
    )
