"""Reading a labelled data set with one or more recognisers and counting the errors."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from ..errors import BadInput, DataError, UsageError
from ..formats import Reject
from ..image.load import sample_image
from ..metrics import counts
from ..settings import Limits
from ..types import Image, Recognizer, Sample, Split
from .measures import Measures
from .report import Line, Report, Unreadable

BATCH = 64
MOST_VALUES = 20
"""An attribute with more values than this is a label of single lines, not a slice that is looked at by default."""

FIELDS = ("language", "subset", "group", "origin", "source")
Load = Callable[[Sample], Image]
Spent = Callable[[Recognizer, Image], int]
"""Vision tokens that a recogniser spends on an image (`emendo.models.vision.own_tokens`)."""
Progress = Callable[[int, int], None]


class SampleSet(Protocol):
    """A named, hashed set of samples (`emendo.datasets.Dataset`)."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def hash(self) -> str: ...  # noqa: D102

    @property
    def samples(self) -> Sequence[Sample]: ...  # noqa: D102

    @property
    def rejects(self) -> Sequence[Reject]: ...  # noqa: D102


def evaluate(
    recognizer: Recognizer,
    dataset: SampleSet,
    *,
    split: Split | None = None,
    slices: Sequence[str] = (),
    measures: Measures | None = None,
    limits: Limits | None = None,
    batch: int = BATCH,
    load: Load | None = None,
    spent: Spent | None = None,
    progress: Progress | None = None,
) -> Report:
    """Read every labelled sample of `dataset` (of `split`, when given) and count the errors.

    `slices` names sample fields or attributes to report by, `measures` further figures to derive; `batch`
    images are held in memory at once; `load` gives the image of a sample (default: from disk within `limits`); `spent`
    counts vision tokens; `progress(done, all)` is called after each batch. Images that cannot be read are named in
    `Report.unreadable`, rows that were refused in `Report.rejected`. Raises UsageError for an unknown
    slice and DataError when no sample has a reference text.
    """
    return evaluate_many(
        [recognizer],
        dataset,
        split=split,
        slices=slices,
        measures=measures,
        limits=limits,
        batch=batch,
        load=load,
        spent=spent,
        progress=progress,
    )[0]


def evaluate_many(
    recognizers: Sequence[Recognizer],
    dataset: SampleSet,
    *,
    split: Split | None = None,
    slices: Sequence[str] = (),
    measures: Measures | None = None,
    limits: Limits | None = None,
    batch: int = BATCH,
    load: Load | None = None,
    spent: Spent | None = None,
    progress: Progress | None = None,
) -> list[Report]:
    """`evaluate` for several recognisers on exactly the same images, each loaded once."""
    bounds = limits or Limits()
    load = load or (lambda sample: sample_image(sample, bounds))
    samples = [s for s in dataset.samples if split is None or s.split == split]
    labelled = [s for s in samples if s.text is not None]
    if not labelled:
        part = f" in split {split.value!r}" if split else ""
        raise DataError(f"no sample with a reference text{part}", where=dataset.name, remedy=_splits(dataset))
    check_slices(samples, slices)
    kept = tuple(dict.fromkeys((*slices, *default_slices(labelled))))
    lines: list[list[Line]] = [[] for _ in recognizers]
    seconds = [0.0] * len(recognizers)
    unreadable: list[Unreadable] = []
    done = 0
    for part_samples, images, failed in _loaded(labelled, load, batch):
        unreadable += failed
        done += len(part_samples) + len(failed)
        for index, recognizer in enumerate(recognizers):
            start = time.perf_counter()
            readings = recognizer.read(images)
            took = time.perf_counter() - start
            seconds[index] += took
            for sample, image, reading in zip(part_samples, images, readings, strict=True):
                line = _line(sample, reading.text, reading.confidence, kept)
                tokens = spent(recognizer, image) if spent else 0
                lines[index].append(replace(line, seconds=took / len(images), tokens=tokens))
        if progress:
            progress(done, len(labelled))
    return [
        Report(
            model=recognizer.model,
            dataset=dataset.name,
            dataset_hash=dataset.hash,
            split=split.value if split else "",
            lines=tuple(lines[index]),
            slices=tuple(slices),
            unreadable=tuple(unreadable),
            unlabelled=tuple(s.id for s in samples if s.text is None),
            rejected=tuple(Unreadable(f"{r.where.name}:{r.line or '-'}", r.what) for r in dataset.rejects),
            seconds=seconds[index],
            measures=measures or Measures(),
        )
        for index, recognizer in enumerate(recognizers)
    ]


def slice_value(sample: Sample, name: str) -> str:
    """The value of one slice: a field or an attribute of the sample as text, empty when it has none."""
    value = getattr(sample, name) if name in FIELDS else sample.attributes.get(name, "")
    return str(value)


def slice_names(samples: Sequence[Sample]) -> list[str]:
    """Everything these samples can be sliced by."""
    return [*FIELDS, *sorted({key for sample in samples for key in sample.attributes} - set(FIELDS))]


def default_slices(samples: Sequence[Sample]) -> tuple[str, ...]:
    """The fields and attributes with 2 to MOST_VALUES different values, each on 2 samples or more on average.

    `group` and `source` say where a sample is from and are sliced by only when asked for.
    """
    chosen = []
    for name in slice_names(samples):
        values = {slice_value(sample, name) for sample in samples}
        if name not in ("group", "source") and 2 <= len(values) <= min(MOST_VALUES, len(samples) // 2):
            chosen.append(name)
    return tuple(chosen)


def usual_slices(samples: Sequence[Sample]) -> tuple[str, ...]:
    """Language and subset, each where the labelled samples have several values."""
    labelled = [sample for sample in samples if sample.text is not None]
    return tuple(name for name in ("language", "subset") if len({slice_value(one, name) for one in labelled}) > 1)


def check_slices(samples: Sequence[Sample], names: Sequence[str]) -> None:
    """Raise UsageError for a name that no sample can be sliced by."""
    known = slice_names(samples)
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise UsageError(f"unknown slice {name!r}", remedy=f"{hint}known: {', '.join(known)}")


def _line(sample: Sample, text: str, confidence: float, slices: Sequence[str]) -> Line:
    return Line(
        id=sample.id,
        reference=sample.text or "",
        hypothesis=text,
        confidence=confidence,
        counts=counts(sample.text or "", text),
        group=sample.group,
        slices={name: slice_value(sample, name) for name in slices},
    )


def _loaded(
    samples: Sequence[Sample], load: Load, batch: int
) -> Iterator[tuple[list[Sample], list[Image], list[Unreadable]]]:
    for start in range(0, len(samples), batch):
        good: list[Sample] = []
        images: list[Image] = []
        failed: list[Unreadable] = []
        for sample in samples[start : start + batch]:
            try:
                images.append(load(sample))
                good.append(sample)
            except BadInput as error:
                failed.append(Unreadable(sample.id, str(error)))
        yield good, images, failed


def _splits(dataset: SampleSet) -> str:
    known = sorted({s.split.value for s in dataset.samples if s.split and s.text is not None})
    return f"splits with text: {', '.join(known)}" if known else "give a data set with texts"
