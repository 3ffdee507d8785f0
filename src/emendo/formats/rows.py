"""Large manifests: every row is checked once, and a sample is made only when it is asked for.

Of each row some 50 bytes stay in memory: where it stands in the file, and numbers for its language, subset, group,
split and text, which is what filters and splits look at. `Rows` is a sequence of samples like any other; reading one
takes some 10 microseconds. The file stays open, so it may be replaced or removed meanwhile; changed in place, it is
refused.
"""

from __future__ import annotations

import os
import weakref
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from ..errors import FormatError
from ..types import Sample, Split

Codes = npt.NDArray[np.int64]
Make = Callable[[bytes, int], Sample]
"""The sample of a manifest line, given its bytes and its number."""

SPLITS: tuple[Split | None, ...] = (None, *Split)
"""A split by its code."""
SPLIT_CODES = {split: code for code, split in enumerate(SPLITS)}


def unit_of(sample: Sample) -> str:
    """What must never be split: the group of a sample; one without a group is a group of its own."""
    return sample.group or f"id:{sample.id}"


def text_code(text: str | None) -> int:
    """A number for a text with blanks folded; 0 for none. Equal within one process only."""
    return hash(" ".join(text.split())) if text else 0


class Names:
    """Strings as small numbers, in the order in which they came."""

    def __init__(self, first: Iterable[str] = ()) -> None:
        self.codes: dict[str, int] = {}
        for name in first:
            self.code(name)

    def code(self, name: str) -> int:
        """The number of a name, a new one when it is new."""
        return self.codes.setdefault(name, len(self.codes))

    @property
    def names(self) -> list[str]:
        """Names by their number."""
        return list(self.codes)


@dataclass(frozen=True, slots=True)
class Columns:
    """What filters and splits look at: a number per sample, and what the numbers mean.

    `units` numbers what must not be split (`unit_of`), `splits` indexes SPLITS, `texts` holds `text_code`.
    """

    languages: Codes
    subsets: Codes
    units: Codes
    splits: Codes
    texts: Codes
    language_names: Sequence[str]
    subset_names: Sequence[str]
    unit_names: Sequence[str]

    def take(self, index: Codes) -> Columns:
        """The columns of some samples."""
        return replace(
            self,
            languages=self.languages[index],
            subsets=self.subsets[index],
            units=self.units[index],
            splits=self.splits[index],
            texts=self.texts[index],
        )


def columns_of(samples: Sequence[Sample]) -> Columns:
    """The columns of any samples; those of `Rows` are there already."""
    if isinstance(samples, Rows):
        return samples.columns
    languages, subsets, units = Names(), Names(), Names()
    return Columns(
        languages=_codes(languages.code(sample.language) for sample in samples),
        subsets=_codes(subsets.code(sample.subset) for sample in samples),
        units=_codes(units.code(unit_of(sample)) for sample in samples),
        splits=_codes(SPLIT_CODES[sample.split] for sample in samples),
        texts=_codes(text_code(sample.text) for sample in samples),
        language_names=languages.names,
        subset_names=subsets.names,
        unit_names=units.names,
    )


def _codes(values: Iterable[int]) -> Codes:
    return np.fromiter(values, dtype=np.int64)


def take(samples: Sequence[Sample], index: Codes) -> Sequence[Sample]:
    """The samples at some indices, in that order, made only when asked for where the whole is."""
    if isinstance(samples, Rows):
        return samples.take(index)
    return tuple(samples[int(at)] for at in index)


def with_splits(samples: Sequence[Sample], codes: Codes) -> Sequence[Sample]:
    """The samples with other splits (indices of SPLITS)."""
    if isinstance(samples, Rows):
        return samples.with_splits(codes)
    wanted = [SPLITS[int(code)] for code in codes]
    return tuple(
        sample if sample.split is split else replace(sample, split=split)
        for sample, split in zip(samples, wanted, strict=True)
    )


class Source:
    """A manifest that stays open, and the way to make a sample of one of its lines."""

    def __init__(self, path: Path, make: Make) -> None:
        self.path = path
        self.make = make
        self._open()
        self._state = self._stat()

    def _open(self) -> None:
        self._handle = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        self._closer = weakref.finalize(self, os.close, self._handle)

    def _stat(self) -> tuple[int, int]:
        found = os.fstat(self._handle)
        return found.st_size, found.st_mtime_ns

    def line(self, offset: int, length: int) -> bytes:
        """The bytes of a line. Raises FormatError when the file was changed since it was opened."""
        if self._stat() != self._state:
            raise FormatError("was changed while it was in use", where=self.path, remedy="run the command again")
        return os.pread(self._handle, length, offset)

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "make": self.make, "state": self._state}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path, self.make, self._state = state["path"], state["make"], state["state"]
        self._open()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows stand in the file: offset and length in bytes, number of the line from 1."""

    offsets: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.uint32]
    numbers: npt.NDArray[np.uint32]


class Rows(Sequence[Sample]):
    """Samples of a large manifest, made when asked for. Immutable; parts of it share everything but the index."""

    def __init__(self, source: Source, place: Place, columns: Columns, index: Codes) -> None:
        """`columns` are those of the rows in `index`, in that order."""
        self._source = source
        self._place = place
        self._index = index
        self.columns = columns

    def __len__(self) -> int:
        return len(self._index)

    @overload
    def __getitem__(self, at: int) -> Sample: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Sample]: ...

    def __getitem__(self, at: int | slice) -> Sample | Sequence[Sample]:
        if isinstance(at, slice):
            return self.take(np.arange(len(self))[at])
        at = range(len(self))[at]
        row = self._index[at]
        place = self._place
        line = self._source.line(int(place.offsets[row]), int(place.lengths[row]))
        sample = self._source.make(line, int(place.numbers[row]))
        split = SPLITS[self.columns.splits[at]]
        return sample if sample.split is split else replace(sample, split=split)

    def __iter__(self) -> Iterator[Sample]:
        return map(self.__getitem__, range(len(self)))

    @property
    def lines(self) -> Sequence[int]:
        """The line of the manifest at which each sample stands."""
        found = array("I")
        found.frombytes(np.ascontiguousarray(self._place.numbers[self._index], dtype=np.uintc).tobytes())
        return found

    def take(self, index: Codes) -> Rows:
        """The samples at some indices."""
        return Rows(self._source, self._place, self.columns.take(index), self._index[index])

    def with_splits(self, codes: Codes) -> Rows:
        """The same samples with other splits."""
        return Rows(self._source, self._place, replace(self.columns, splits=codes.astype(np.int64)), self._index)
