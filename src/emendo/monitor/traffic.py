"""Where readings come from: a file of them, the notes of a workspace, or a data set that a model reads for the purpose.

What the service captured comes from `captures`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sqlalchemy import select

from ..errors import BadInput, FormatError, ImageError
from ..image.load import read_image, sample_image
from ..image.quality import Quality, measure
from ..mine.queue import expected_cer
from ..settings import Limits
from ..types import Image, Reading, Recognizer, Sample, Verdict
from ..workspace.rows import Kind, to_reading
from ..workspace.schema import readings as table
from .seen import Outcome, Seen, SeenLine, Truth

if TYPE_CHECKING:
    from ..workspace.folder import Workspace

T = TypeVar("T")
AT_ONCE: Final = 500
"""Units whose readings are asked for in one query."""
PAGE_KEYS: Final = ("page", "document")
"""Attributes of a sample that say which page it is on; else its group, else it stands alone."""


def seen_of_file(path: Path) -> list[Seen]:
    """The readings in a JSONL file, one `Seen` a line. Raises BadInput where it cannot be read and FormatError, with
    the line, where a line is none."""
    return list(_rows(path, Seen.from_dict))


def truths_of_file(path: Path) -> list[Truth]:
    """What people said, one `Truth` a line; errors as for `seen_of_file`."""
    return list(_rows(path, Truth.from_dict))


def _rows(path: Path, read: Callable[[dict[str, Any]], T]) -> Iterator[T]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "is no UTF-8 text"
        raise BadInput(f"cannot be read ({why})", where=path) from error
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise FormatError("is no JSON object")
            yield read(row)
        except (ValueError, FormatError) as error:
            remedy = "one row a line, as in the files of captures/DAY"
            raise FormatError(str(error), where=f"{path}:{number}", remedy=remedy) from error


def seen_of_workspace(workspace: Workspace, *, limits: Limits | None = None) -> tuple[list[Seen], list[Truth]]:
    """The lines of a workspace's notes as they were first read, a page of a note being a document, and what people
    made of them. A crop that is gone leaves its line without figures of the image."""
    limits = limits or Limits()
    with workspace.store() as store:
        units = store.lines(kind=Kind.LINE)
        verdicts = store.corrections(kind=Kind.LINE)
        first: dict[str, tuple[Reading, datetime]] = {}
        for start in range(0, len(units), AT_ONCE):
            ids = [unit.id for unit in units[start : start + AT_ONCE]]
            query = select(table).where(table.c.unit.in_(ids)).order_by(table.c.id)
            with store.database.read() as connection:
                for row in connection.execute(query):
                    first.setdefault(row.unit, (to_reading(row), datetime.fromisoformat(row.at).astimezone(UTC)))
    seen = [
        Seen(
            id=unit.id,
            at=first[unit.id][1],
            kind="line",
            document=f"{unit.document}#{unit.page}",
            model=first[unit.id][0].model,
            lines=(_line(first[unit.id][0]),),
            confidence=first[unit.id][0].confidence,
            quality=_quality(workspace.root / unit.image, limits),
        )
        for unit in units
        if unit.id in first
    ]
    truths = [
        Truth(id=one.line, at=one.at, author=one.author, text=one.text)
        for one in verdicts
        if one.text is not None and one.verdict in (Verdict.EDITED, Verdict.ACCEPTED)
    ]
    return sorted(seen, key=lambda one: one.at), truths


def seen_of_samples(
    samples: Sequence[Sample], recognizer: Recognizer, *, limits: Limits | None = None
) -> tuple[list[Seen], list[Truth]]:
    """A data set of lines as traffic: each page read at once by a model, and the texts that are known as its truths.

    Times are those of the reading. An image that cannot be opened becomes a reading that failed.
    """
    limits = limits or Limits()
    seen: list[Seen] = []
    truths: list[Truth] = []
    pages: dict[str, list[Sample]] = {}
    for sample in samples:
        pages.setdefault(page_of(sample), []).append(sample)
    for page, held in pages.items():
        seen += _read(page, held, recognizer, limits)
    known = {one.id: one.text for one in samples}
    for one in seen:
        text = known[one.id]
        if text is not None and one.outcome is Outcome.READ:
            truths.append(Truth(id=one.id, at=one.at, author="", text=text))
    return seen, truths


def page_of(sample: Sample) -> str:
    """What a sample is counted with."""
    found = next((str(sample.attributes[key]) for key in PAGE_KEYS if sample.attributes.get(key)), "")
    return found or sample.group or sample.id


def _read(page: str, samples: Sequence[Sample], recognizer: Recognizer, limits: Limits) -> Iterator[Seen]:
    images: list[tuple[Sample, Image]] = []
    for sample in samples:
        try:
            images.append((sample, sample_image(sample, limits)))
        except ImageError as error:
            now = datetime.now(UTC)
            yield Seen(id=sample.id, at=now, kind="line", document=page, outcome=Outcome.FAILED, reason=str(error))
    began = time.monotonic()
    readings = recognizer.read([image for _, image in images]) if images else []
    seconds = (time.monotonic() - began) / max(len(images), 1)
    for (sample, image), reading in zip(images, readings, strict=True):
        yield Seen(
            id=sample.id,
            at=datetime.now(UTC),
            kind="line",
            document=page,
            model=reading.model or recognizer.model,
            lines=(_line(reading),),
            confidence=reading.confidence,
            quality=measure(image),
            seconds=seconds,
        )


def _line(reading: Reading) -> SeenLine:
    doubt = expected_cer(reading) if reading.characters or not reading.text else None
    return SeenLine(reading.text, reading.confidence, doubt)


def _quality(path: Path, limits: Limits) -> Quality | None:
    try:
        return measure(read_image(path, limits))
    except (ImageError, OSError):
        return None
