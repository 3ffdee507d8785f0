"""Who watches the service is told of each image that came, what became of it, and by which model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from ..mine.queue import expected_cer
from ..monitor.seen import Outcome, Seen, SeenLine
from ..types import Reading
from .reading import Answer, Line, Task

Observer = Callable[[Seen, bytes], None]
"""Called in the thread that read, with the file that was sent: it must be quick and must not raise."""


REASON: Final = 200
"""Most characters of a reason that are kept."""


def seen_of(task: Task, answer: Answer, seconds: float) -> Seen:
    """What was read, as observers are told; `seconds` is how long the reading took."""
    reading = answer.reading
    fields = answer.findings is not None
    lines = tuple(_line(one.reading, one) for one in answer.lines) if answer.lines is not None else (_line(reading),)
    return Seen(
        id=task.id,
        at=datetime.now(UTC),
        kind=task.kind,
        document=task.document,
        caller=task.caller,
        model=reading.model,
        lines=() if fields else lines,
        frame=task.frame or 0,
        confidence=reading.confidence,
        fields=reading.fields,
        certainty=dict(reading.certainty),
        findings=len(answer.findings or ()),
        quality=answer.quality,
        seconds=seconds,
    )


def refused_of(task: Task, outcome: Outcome, reason: str) -> Seen:
    """What was not read, and why."""
    return Seen(
        id=task.id,
        at=datetime.now(UTC),
        kind=task.kind,
        outcome=outcome,
        document=task.document,
        caller=task.caller,
        frame=task.frame or 0,
        reason=reason[:REASON],
    )


def _line(reading: Reading, of_page: Line | None = None) -> SeenLine:
    doubt = expected_cer(reading) if reading.characters or not reading.text else None
    if of_page is None:
        return SeenLine(reading.text, reading.confidence, doubt)
    outline = tuple((round(x, 1), round(y, 1)) for x, y in of_page.placed.line.polygon)
    return SeenLine(" ".join(reading.text.split()), reading.confidence, doubt, outline)
