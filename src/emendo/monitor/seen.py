"""The nouns of monitoring: one reading as production saw it, and the truth that a person told of it later.

Both are small and go to JSON and back without loss, so that whatever watches (drift, estimates, trials, dashboards)
needs neither the service nor its models.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from ..errors import FormatError
from ..image.quality import Quality


class Outcome(StrEnum):
    """What became of an image that was sent."""

    READ = "read"
    FAILED = "failed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class SeenLine:
    """One line that was read: its text, the calibrated chance in [0, 1] that all of it is right, and `doubt`, the share
    of its characters that the model itself thinks wrong (`mine.expected_cer`; None where it does not say)."""

    text: str
    confidence: float
    doubt: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One image that was sent to be read, and what became of it.

    `id` is that of the answer, by which a truth names it; `document` names what belongs together (sent by the client;
    empty: the image stands alone). `lines` holds the one line of a line or plate, all lines of a page, none of a
    document, whose `fields` stand instead. `arm` is the side of a trial that read it. `image` is the name of its
    picture among the captures, empty where it was not kept; `reason` says why it was not read. `seconds` is how long
    the reading took, `at` when it ended (UTC).
    """

    id: str
    at: datetime
    kind: str
    outcome: Outcome = Outcome.READ
    document: str = ""
    model: str = ""
    arm: str = ""
    caller: str = ""
    lines: tuple[SeenLine, ...] = ()
    confidence: float = 0.0
    fields: Mapping[str, Any] | None = None
    certainty: Mapping[str, float] = field(default_factory=dict)
    findings: int = 0
    """Of a document: how many findings its validator had."""
    quality: Quality | None = None
    image: str = ""
    reason: str = ""
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """All lines, joined by line feeds."""
        return "\n".join(line.text for line in self.lines)

    @property
    def group(self) -> str:
        """What it is counted with: its document, else itself."""
        return self.document or self.id

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what has its default value is left out."""
        row = {**asdict(self), "at": self.at.isoformat(), "outcome": self.outcome.value}
        return {name: value for name, value in row.items() if value or name in {"id", "at", "kind"}}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Back from `to_dict`. Raises FormatError for a row that is none."""
        try:
            known = {name: row[name] for name in cls.__slots__ if name in row}
            lines = tuple(SeenLine(**line) for line in known.pop("lines", ()))
            held = known.pop("quality", None)
            outcome = Outcome(known.pop("outcome", Outcome.READ))
            at = _utc(known.pop("at"))
            return cls(**known, at=at, outcome=outcome, lines=lines, quality=Quality(**held) if held else None)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"is no reading that was captured ({error})") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What a person said of a reading later: the right text of its line `line` (counted from 0; None: of all of it, its
    lines joined by line feeds), or the right fields of a document."""

    id: str
    at: datetime
    author: str
    text: str | None = None
    line: int | None = None
    fields: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        row = {**asdict(self), "at": self.at.isoformat()}
        return {name: value for name, value in row.items() if value is not None}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Back from `to_dict`. Raises FormatError for a row that is none."""
        try:
            known = {name: row[name] for name in cls.__slots__ if name in row}
            return cls(**{**known, "at": _utc(known["at"])})
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"is no truth of a reading ({error})") from error


def _utc(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
