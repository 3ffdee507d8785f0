"""Reading documents whose fields are known with one or more readers, and counting what is right."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ...errors import BadInput, DataError, EmendoError, UsageError
from ...fields.compare import ROW_MARK, names_of
from ...fields.names import ALIASES
from ...fields.schema import ROWS, Document, specs
from ...fields.validate import TOLERANCE
from ...image.load import sample_pages
from ...settings import Limits
from ...types import DocumentReader, Image, Reading, Sample, Split
from ..report import Unreadable
from ..run import Progress, SampleSet, check_slices, default_slices, slice_value
from .outcome import Counted, Outcome, outcome
from .report import FieldReport
from .truth import truth_of, written

LoadPages = Callable[[Sample], Sequence[Image]]
KNOWN = (
    *(spec.name for spec in specs(Document)),
    *(f"{table}{ROW_MARK}.{spec.name}" for table, part in ROWS.items() for spec in specs(part)),
)
"""Names of all fields that can count, in the order of the schema."""


@dataclass(frozen=True)
class Truths:
    """The documents of a data set whose fields are known, and what cannot be used of it.

    `given` are all fields of which any of them has a value, in the order of the schema.
    """

    samples: tuple[Sample, ...]
    documents: tuple[Document, ...]
    given: tuple[str, ...]
    unlabelled: tuple[str, ...]
    rejected: tuple[Unreadable, ...]


def evaluate_fields(
    readers: Sequence[DocumentReader],
    dataset: SampleSet,
    *,
    split: Split | None = None,
    slices: Sequence[str] = (),
    fields: Sequence[str] = (),
    partial: bool = False,
    tolerance: Decimal = TOLERANCE,
    limits: Limits | None = None,
    load: LoadPages | None = None,
    progress: Progress | None = None,
) -> list[FieldReport]:
    """Read every document of `dataset` (of `split`, when given) whose fields are known: one report a reader.

    `fields` names what counts (`total`, `lines`, `lines[].amount`; default: what the data set ever gives); with
    `partial` what the truth of a document does not name counts neither way there. `tolerance` is the difference that a
    sum may have from rounding, `load` gives the pages of a sample (default: from disk within `limits`), each document
    loaded once; `progress(done, all)` is called after each. A document that cannot be loaded or read has all of its
    values missed and is named. Raises UsageError for an unknown slice or field, DataError when no sample has fields.
    """
    bounds = limits or Limits()
    load = load or (lambda sample: sample_pages(sample, bounds))
    check_slices(dataset.samples, slices)
    wanted = chosen_fields(fields)
    truths = known_truths(dataset, split)
    counted = Counted(frozenset(wanted or truths.given), partial)
    kept = tuple(dict.fromkeys((*slices, *default_slices(truths.samples))))
    documents: list[list[Outcome]] = [[] for _ in readers]
    for done, (sample, truth) in enumerate(zip(truths.samples, truths.documents, strict=True), 1):
        common: dict[str, Any] = {
            "id": sample.id,
            "group": sample.group,
            "slices": {name: slice_value(sample, name) for name in kept},
        }
        for place, (reading, known) in enumerate(_readings(readers, sample, load)):
            made = outcome(truth, reading, fields=counted, tolerance=tolerance, **common, **known)
            documents[place].append(made)
        if progress:
            progress(done, len(truths.samples))
    return [
        FieldReport(
            model=reader.model,
            dataset=dataset.name,
            dataset_hash=dataset.hash,
            split=split.value if split else "",
            fields=tuple(name for name in KNOWN if name in counted.names),
            documents=tuple(made),
            partial=partial,
            slices=tuple(slices),
            unlabelled=truths.unlabelled,
            rejected=truths.rejected,
        )
        for reader, made in zip(readers, documents, strict=True)
    ]


def known_truths(dataset: SampleSet, split: Split | None = None) -> Truths:
    """What the samples of a split say of their documents; fields that are given anywhere in the data set count.

    Raises DataError when no sample has fields.
    """
    every = [one for one in dataset.samples if one.fields]
    way = written(every)
    given: set[str] = set()
    samples, documents = [], []
    rejected = [Unreadable(f"{one.where.name}:{one.line or '-'}", one.what) for one in dataset.rejects]
    for sample in every:
        inside = split is None or sample.split == split
        try:
            read = truth_of(sample, way)
        except EmendoError as error:
            rejected += [Unreadable(sample.id, str(error))] if inside else []
            continue
        given |= names_of(read.document)
        if inside:
            rejected += [Unreadable(sample.id, f"{one.path}: {one.what}") for one in read.faults]
            samples.append(sample)
            documents.append(read.document)
    if not samples:
        part = f" in split {split.value!r}" if split else ""
        known = sorted({one.split.value for one in every if one.split})
        remedy = (
            f"splits with fields: {', '.join(known)}" if known else "give a data set of documents with their fields"
        )
        raise DataError(f"no document whose fields are known{part}", where=dataset.name, remedy=remedy)
    without = tuple(one.id for one in dataset.samples if not one.fields and (split is None or one.split == split))
    ordered = tuple(name for name in KNOWN if name in given)
    return Truths(tuple(samples), tuple(documents), ordered, without, tuple(rejected))


def chosen_fields(names: Sequence[str]) -> tuple[str, ...]:
    """Names of fields as people give them: those of the schema, other spellings, or a table for all of its fields.

    Raises UsageError for an unknown one.
    """
    chosen: list[str] = []
    for name in names:
        known = ALIASES[""].get(name, name)
        if known in KNOWN:
            chosen.append(known)
        elif known in ROWS:
            chosen += [one for one in KNOWN if one.startswith(f"{known}{ROW_MARK}")]
        else:
            close = difflib.get_close_matches(name, [*KNOWN, *ROWS, *ALIASES[""]], n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise UsageError(f"unknown field {name!r}", remedy=f"{hint}known: {', '.join((*KNOWN, *ROWS))}")
    return tuple(dict.fromkeys(chosen))


def _readings(
    readers: Sequence[DocumentReader], sample: Sample, load: LoadPages
) -> Iterator[tuple[Reading | None, dict[str, Any]]]:
    """What each reader says of a sample, with what is known of the reading: pages, seconds, and a fault."""
    try:
        pages = load(sample)
    except BadInput as error:
        yield from ((None, {"fault": str(error)}) for _ in readers)
        return
    for reader in readers:
        start = time.perf_counter()
        try:
            (reading,) = reader.read_documents([pages])
            known: dict[str, Any] = {}
        except BadInput as error:
            reading, known = None, {"fault": str(error)}
        yield reading, {"pages": len(pages), "seconds": time.perf_counter() - start, **known}
