"""Filters, and the summary that `dataset show` prints."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import UsageError
from ..formats.rows import Rows, columns_of, take
from ..types import Sample
from .dataset import Dataset


def filter_samples(
    samples: Sequence[Sample], *, language: Iterable[str] = (), subset: Iterable[str] = ()
) -> Sequence[Sample]:
    """The samples of these languages and subsets (empty: any). Raises UsageError for a value that none of them has."""
    languages, subsets = frozenset(language), frozenset(subset)
    _known("language", languages, _values(samples, "language"))
    _known("subset", subsets, _values(samples, "subset"))
    return _kept(samples, languages, subsets)


def _values(samples: Sequence[Sample], key: str) -> set[str]:
    columns = columns_of(samples)
    names, codes = (
        (columns.language_names, columns.languages) if key == "language" else (columns.subset_names, columns.subsets)
    )
    return {names[code] for code in np.unique(codes)}


def _kept(samples: Sequence[Sample], languages: frozenset[str], subsets: frozenset[str]) -> Sequence[Sample]:
    columns = columns_of(samples)
    keep = np.ones(len(samples), dtype=bool)
    for wanted, codes, names in (
        (languages, columns.languages, columns.language_names),
        (subsets, columns.subsets, columns.subset_names),
    ):
        if wanted:
            keep &= np.isin(codes, [code for code, name in enumerate(names) if name in wanted])
    return take(samples, np.flatnonzero(keep))


def _known(key: str, wanted: frozenset[str], there: Iterable[str]) -> None:
    if not wanted:
        return
    known = sorted(set(there))
    for value in sorted(wanted.difference(known)):
        close = difflib.get_close_matches(value, known, n=1)
        guess = f" (did you mean {close[0]!r}?)" if close else ""
        shown = ", ".join(repr(name) for name in known[:20]) + (", …" if len(known) > 20 else "")
        raise UsageError(f"unknown {key} {value!r}{guess}", remedy=f"the data set has {shown or 'none'}")


def included(dataset: Dataset, *, language: Iterable[str] = (), subset: Iterable[str] = ()) -> Dataset:
    """The data set with only these languages and subsets (empty: any). Raises as `filter_samples`."""
    languages, subsets = tuple(language), tuple(subset)
    if not languages and not subsets:
        return dataset
    return narrowed(dataset, filter_samples(dataset.samples, language=languages, subset=subsets))


def include_all(
    datasets: Sequence[Dataset], *, language: Iterable[str] = (), subset: Iterable[str] = ()
) -> list[Dataset]:
    """`included` for several data sets at once: a value is known when any of them has it."""
    languages, subsets = frozenset(language), frozenset(subset)
    _known("language", languages, (value for one in datasets for value in _values(one.samples, "language")))
    _known("subset", subsets, (value for one in datasets for value in _values(one.samples, "subset")))
    if not languages and not subsets:
        return list(datasets)
    return [narrowed(one, _kept(one.samples, languages, subsets)) for one in datasets]


def narrowed(dataset: Dataset, samples: Sequence[Sample]) -> Dataset:
    """The same data set with some of its samples; lines of the manifest stay right."""
    if isinstance(samples, Rows):
        return replace(dataset, samples=samples, lines=samples.lines)
    line = {sample.id: at for sample, at in zip(dataset.samples, dataset.lines, strict=False)}
    return replace(dataset, samples=tuple(samples), lines=tuple(line.get(sample.id, 0) for sample in samples))


@dataclass(frozen=True, slots=True)
class Summary:
    """Counts of a data set. `alphabet` holds every character of its texts, most frequent first."""

    name: str
    hash: str
    samples: int
    characters: int
    words: int
    groups: int
    splits: dict[str, dict[str, int]]
    languages: dict[str, int]
    subsets: dict[str, int]
    origins: dict[str, int]
    alphabet: str
    rejects: int
    notes: int

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {field: getattr(self, field) for field in self.__slots__}


def summarize(dataset: Dataset) -> Summary:
    """Count everything once."""
    characters: Counter[str] = Counter()
    splits: dict[str, dict[str, int]] = {}
    words = 0
    for sample in dataset.samples:
        text = sample.text or ""
        characters.update(text)
        words += len(text.split())
        part = splits.setdefault(str(sample.split or "none"), {"samples": 0, "characters": 0, "groups": 0})
        part["samples"] += 1
        part["characters"] += len(text)
    groups = {(str(sample.split or "none"), sample.group or sample.id) for sample in dataset.samples}
    for part_name, _ in groups:
        splits[part_name]["groups"] += 1
    return Summary(
        name=dataset.name,
        hash=dataset.hash,
        samples=len(dataset.samples),
        characters=characters.total(),
        words=words,
        groups=len({group for _, group in groups}),
        splits=splits,
        languages=dict(Counter(sample.language for sample in dataset.samples).most_common()),
        subsets=dict(Counter(sample.subset for sample in dataset.samples).most_common()),
        origins=dict(Counter(str(sample.origin) for sample in dataset.samples).most_common()),
        alphabet="".join(char for char, _ in sorted(characters.items(), key=lambda item: (-item[1], item[0]))),
        rejects=len(dataset.rejects),
        notes=len(dataset.notes),
    )
