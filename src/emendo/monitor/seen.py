"""The nouns of monitoring: one reading as production saw it, and the truth that a person told of it later.

Both are small and go to JSON and back without loss, so that whatever watches (drift, estimates, trials, dashboards)
needs neither the service nor its models.
"""

from __future__ import annotations

import secrets
import time
import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Self

from ..errors import FormatError
from ..image.quality import Quality
from ..types import Polygon

ID_DIGITS: Final = 32
_TIME_DIGITS: Final = 12


def new_id() -> str:
    """An id for an answer: 32 hexadecimal digits, of which the first 12 are the milliseconds since 1970 (as in a UUID
    of version 7, RFC 9562), so that the day is told by it, and 80 bits are random, so that nobody guesses it."""
    return f"{time.time_ns() // 1_000_000:0{_TIME_DIGITS}x}{secrets.token_hex((ID_DIGITS - _TIME_DIGITS) // 2)}"


def day_of(name: str) -> date | None:
    """The day (UTC) on which the id of an answer was given; None for what is no id of `new_id`."""
    if len(name) != ID_DIGITS or not set(name) <= set("0123456789abcdef"):
        return None
    try:
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(name[:_TIME_DIGITS], 16))).date()
    except OverflowError:
        return None


class Outcome(StrEnum):
    """What became of an image that was sent."""

    READ = "read"
    FAILED = "failed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class SeenLine:
    """One line that was read: its text, the calibrated chance in [0, 1] that all of it is right, and `doubt`, the share
    of its characters that the model itself thinks wrong (`mine.expected_cer`; None where it does not say).

    `polygon` is where it stands on its page, in pixels. Where texts are not kept, `text` is empty and `withheld` says
    how many characters it had.
    """

    text: str
    confidence: float
    doubt: float | None = None
    polygon: Polygon = ()
    withheld: int = 0

    @property
    def length(self) -> int:
        """How many characters were read, whether their text was kept or not."""
        return len(self.text) or self.withheld

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what has its default value is left out."""
        row: dict[str, Any] = {"text": self.text, "confidence": self.confidence}
        if self.doubt is not None:
            row["doubt"] = self.doubt
        if self.polygon:
            row["polygon"] = [list(point) for point in self.polygon]
        if self.withheld:
            row["withheld"] = self.withheld
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Back from `to_dict`. Raises KeyError, TypeError or ValueError for what is none."""
        outline = tuple((float(x), float(y)) for x, y in row.get("polygon", ()))
        return cls(row["text"], row["confidence"], row.get("doubt"), outline, row.get("withheld", 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One image that was sent to be read, and what became of it.

    `id` is that of the answer, by which a truth names it; `document` names what belongs together (sent by the client;
    empty: the image stands alone). `lines` holds the one line of a line or plate, all lines of a page, none of a
    document, whose `fields` stand instead. `arm` is the side of a trial that read it. `image` is the name of its
    picture among the captures, empty where it was not kept, and `frame` the page of that file (from 0); `reason` says
    why it was not read. `seconds` is how long the reading took, `at` when it ended (UTC).

    `share` is the chance with which it was kept: where a part of all readings is captured, each stands for `weight`
    readings, while refusals, which are all captured, stand for themselves. One with share 0 was kept only because its
    truth was told, and stands for none. Where texts are not kept, `classes` counts the characters by their class
    (`character_classes`), and neither `lines` nor `fields` hold any.
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
    frame: int = 0
    share: float = 1.0
    classes: Mapping[str, int] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """All lines, joined by line feeds."""
        return "\n".join(line.text for line in self.lines)

    @property
    def group(self) -> str:
        """What it is counted with: its document, else itself."""
        return self.document or self.id

    @property
    def weight(self) -> float:
        """How many images it stands for."""
        return 1 / self.share if self.share > 0 else 0.0

    @property
    def characters(self) -> int:
        """How many characters were read, whether their text was kept or not."""
        return sum(line.length for line in self.lines)

    def class_counts(self) -> Mapping[str, int]:
        """How many characters of each class were read, whether their text was kept or not."""
        return self.classes or dict(Counter(_class_of(one) for line in self.lines for one in line.text))

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what has its default value is left out."""
        row = {name: getattr(self, name) for name, usual in _USUAL.items() if getattr(self, name) != usual}
        row["at"] = self.at.isoformat()
        for name in ("certainty", "classes"):
            if name in row:
                row[name] = dict(row[name])
        if "lines" in row:
            row["lines"] = [line.to_dict() for line in self.lines]
        if self.quality is not None:
            row["quality"] = asdict(self.quality)
        return row

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Back from `to_dict`. Raises FormatError for a row that is none."""
        try:
            known = {name: row[name] for name in cls.__slots__ if name in row}
            lines = tuple(SeenLine.from_dict(line) for line in known.pop("lines", ()))
            held = known.pop("quality", None)
            outcome = Outcome(known.pop("outcome", Outcome.READ))
            at = _utc(known.pop("at"))
            return cls(**known, at=at, outcome=outcome, lines=lines, quality=Quality(**held) if held else None)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FormatError(f"is no reading that was captured ({error})") from error


_USUAL: Final[Mapping[str, Any]] = {
    one.name: one.default_factory() if one.default_factory is not MISSING else one.default for one in fields(Seen)
}


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


def character_classes(text: str) -> dict[str, int]:
    """How many characters of a text are of each class: the general category of the Unicode standard (`Nd`, `Po`, `Zs`),
    before that of letters their script (`Latin Ll`, `Arabic Lo`). No text can be made of these counts."""
    return dict(Counter(map(_class_of, text)))


@lru_cache(maxsize=65_536)
def _class_of(character: str) -> str:
    category = unicodedata.category(character)
    if not character.isalpha():
        return category
    return f"{unicodedata.name(character, '?').split()[0].title()} {category}"


def _utc(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
