"""What a sample says that its document holds, in the one form in which fields are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ...errors import DataError
from ...fields.conventions import conventions
from ...fields.schema import ReadDocument, read_document
from ...fields.values import Order
from ...types import Sample


class Written(NamedTuple):
    """How a data set writes: the decimal mark (empty: not known), and the order of day and month (None: not known)."""

    mark: str = ""
    order: Order | None = None


UNKNOWN: Final = Written()


def written(samples: Iterable[Sample]) -> Written:
    """How these samples write amounts and dates, told by all of their values together (see `fields.conventions`)."""
    return Written(*conventions(_texts(samples)))


def truth_of(sample: Sample, way: Written = UNKNOWN) -> ReadDocument:
    """The fields of a sample as a document; a list of one object counts as that object.

    `way` reads what could be read in two ways (05/04/2018). Raises DataError when the sample has several records or
    none, FormatError for fields of another version of the schema.
    """
    return read_document(record_of(sample), mark=way.mark, order=way.order)


def record_of(sample: Sample) -> Mapping[str, Any]:
    """The fields as they were given. Raises DataError when the sample has several records or none."""
    fields = sample.fields or {}
    records = fields.get("records")
    if len(fields) != 1 or not isinstance(records, Sequence) or isinstance(records, str):
        return fields
    if len(records) == 1 and isinstance(records[0], Mapping):
        return records[0]
    raise DataError(
        f"has {len(records)} records where one document has one", where=sample.id, remedy="give each a row of its own"
    )


def _texts(samples: Iterable[Sample]) -> Iterator[str]:
    """All texts of values."""
    for sample in samples:
        stack: list[object] = [sample.fields]
        while stack:
            one = stack.pop()
            if isinstance(one, Mapping):
                stack += one.values()
            elif isinstance(one, list):
                stack += one
            elif isinstance(one, str):
                yield one
