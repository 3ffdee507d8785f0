"""What emendo knows of a line beyond what other people's formats can say, and how it travels in them.

In JSON it is an object (`known_row`). In PAGE it is two kinds of groups in the attribute `custom`, in the notation that
Transkribus and eScriptorium use there: `emendo {unit:9f3a; reading:the rain fell;}` once, `emendoVerdict {version:1;
verdict:edited; text:the train fell; author:ann; at:...;}` for each verdict. Signs that the notation or XML could not
carry are written as `\\u003b`. What other programs wrote into `custom` is kept as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ..types import Correction, Reading, Verdict
from .base import Refusal, clean_text
from .layout import LayoutLine, PageLayout

LINE, VERDICT = "emendo", "emendoVerdict"
MOST_VERDICTS = 1000
"""A line with more verdicts than this is not believed."""

_GROUP = re.compile(r"\s*([\w.-]+)\s*\{([^{}]*)\}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_ESCAPE = re.compile("[\\\\{};\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]|^\\s|\\s$|(?<=\\s)\\s|[^\\S ]")


def known_row(line: LayoutLine) -> dict[str, Any]:
    """Everything beyond the layout as JSON values; empty when nothing is known."""
    row: dict[str, Any] = {}
    if line.unit:
        row["unit"] = line.unit
    if line.reading is not None:
        row |= {"reading": line.reading.text, "confidence": line.reading.confidence, "model": line.reading.model}
    if line.history:
        row["history"] = [_verdict_row(one) for one in line.history]
    return row


def _verdict_row(one: Correction) -> dict[str, Any]:
    return {
        "version": one.version,
        "verdict": one.verdict.value,
        "reading": one.reading,
        **({"text": one.text} if one.text is not None else {}),
        "author": one.author,
        "at": one.at.isoformat(),
        "source": one.source,
    }


def with_known(line: LayoutLine, row: object) -> LayoutLine:
    """The line with what such a row says. Raises Refusal for a row that we cannot have written."""
    if not isinstance(row, Mapping) or not row:
        return line
    history = row.get("history", [])
    if not isinstance(history, Sequence) or isinstance(history, str) or len(history) > MOST_VERDICTS:
        raise Refusal(f"the history of {line.id or 'a line'!r} is no list of verdicts")
    reading = None
    if "reading" in row:
        confidence = _number(row.get("confidence", 0.0), "confidence")
        reading = Reading(_text(row, "reading"), min(1.0, max(0.0, confidence)), (), _text(row, "model"))
    unit = _text(row, "unit")
    verdicts = tuple(_verdict(one, unit) for one in history)
    return replace(line, unit=unit, reading=reading, history=tuple(sorted(verdicts, key=lambda one: one.version)))


def _verdict(row: object, unit: str) -> Correction:
    if not isinstance(row, Mapping):
        raise Refusal("a verdict is not an object")
    try:
        verdict, at = Verdict(str(row.get("verdict"))), datetime.fromisoformat(str(row.get("at")))
    except ValueError as error:
        raise Refusal(f"a verdict of unit {unit[:40]!r} cannot be understood ({error})") from error
    text = _text(row, "text") if row.get("text") is not None else None
    if (verdict in (Verdict.ACCEPTED, Verdict.EDITED)) == (not text):
        raise Refusal(f"a verdict of unit {unit[:40]!r} is {verdict.value} and its text does not fit")
    return Correction(
        line=unit,
        reading=_text(row, "reading"),
        text=text,
        verdict=verdict,
        author=_text(row, "author"),
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        version=int(_number(row.get("version", 0), "version")),
        source=_text(row, "source"),
    )


def _text(row: Mapping[str, Any], key: str) -> str:
    return clean_text(row.get(key) or "", key)[0]


def _number(value: object, key: str) -> float:
    try:
        number = float(str(value))
    except ValueError as error:
        raise Refusal(f"{key} {str(value)[:40]!r} is not a number") from error
    if not abs(number) < 1e9:
        raise Refusal(f"{key} {str(value)[:40]!r} is out of range")
    return number


def split_custom(custom: str) -> tuple[str, dict[str, Any]]:
    """What others wrote into `custom`, and our own groups in it as a row."""
    row: dict[str, Any] = {}
    rest = []
    place = 0
    for found in _GROUP.finditer(custom):
        name, content = found.groups()
        if name in (LINE, VERDICT):
            rest.append(custom[place : found.start()])
            place = found.end()
            values = dict(_pair(part) for part in content.split(";") if ":" in part)
            if name == VERDICT:
                row.setdefault("history", []).append(values)
            else:
                row |= values
    return "".join([*rest, custom[place:]]).strip(), row


def _pair(part: str) -> tuple[str, str]:
    key, _, value = part.partition(":")
    return key.strip(), _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)


def custom_of(others: str, row: Mapping[str, Any]) -> str:
    """The attribute `custom`: what others wrote, then our own groups."""
    own = {key: value for key, value in row.items() if key != "history"}
    groups = [_group(LINE, own)] if own else []
    groups += [_group(VERDICT, one) for one in row.get("history", ())]
    return " ".join([*([others] if others else []), *groups])


def _group(name: str, values: Mapping[str, Any]) -> str:
    return f"{name} {{{' '.join(f'{key}:{_ESCAPE.sub(_code, str(value))};' for key, value in values.items())}}}"


def _code(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def page_row(layout: PageLayout) -> dict[str, Any]:
    """Which page of which document this is; empty when that is not known."""
    return {"document": layout.document, "page": layout.page} if layout.document else {}


def with_page(layout: PageLayout, row: object) -> PageLayout:
    """The page with what such a row says. Raises Refusal."""
    if not isinstance(row, Mapping) or not row.get("document"):
        return layout
    page = int(_number(row.get("page", 1), "page"))
    return replace(layout, document=_text(row, "document"), page=max(1, page))
