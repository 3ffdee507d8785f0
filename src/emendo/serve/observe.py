"""Who watches the service is told of each image that came, what became of it, and by which model."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from ..mine.queue import expected_cer
from ..monitor.seen import Outcome, Seen, SeenLine
from ..types import Reading
from .reading import Answer, Task

Observer = Callable[[Seen, bytes], None]
"""Called in the thread that read, with the file that was sent: it must be quick and must not raise."""


def seen_of(task: Task, answer: Answer, seconds: float) -> Seen:
    """What was read, as observers are told; `seconds` is how long the reading took."""
    reading = answer.reading
    fields = answer.findings is not None
    lines = () if fields else tuple(_line(one.reading) for one in answer.lines or ()) or (_line(reading),)
    return Seen(
        id=task.id,
        at=datetime.now(UTC),
        kind=task.kind,
        document=task.document,
        caller=task.caller,
        model=reading.model,
        lines=lines,
        confidence=reading.confidence,
        fields=reading.fields,
        certainty=dict(reading.certainty),
        findings=len(answer.findings or ()),
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
        reason=reason,
    )


def _line(reading: Reading) -> SeenLine:
    doubt = expected_cer(reading) if reading.characters or not reading.text else None
    return SeenLine(reading.text, reading.confidence, doubt)
