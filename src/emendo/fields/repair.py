"""JSON as a model writes it, cut off in the middle or in a code fence, read as far as it says something.

What is sound JSON is read as `json` reads it. Everything else is mended only where one thing can be meant, each repair
is told, and a value of which not all is certain is left out: nothing is made up, and nothing cut in half is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from ..errors import FormatError
from .schema import MOST_CHARACTERS, MOST_DEPTH, Fault

Span = tuple[int, int]
"""Where a value stands in the text: characters [start, end)."""

_BLANKS = re.compile(r"[ \t\r\n]*")
_BARE = re.compile(r"[^,}\]\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_RESUME = re.compile(r"""[ \t\r\n]*(?=[}\]]|,[ \t\r\n]*["'{}\]])""")
"""Where the next value, or the end of a table, can begin after something that is no JSON."""
_NEXT_NAME = re.compile(r"""(["'])(?:\\.|(?!\1)[^\\])*\1[ \t\r\n]*:""")
_FENCE = re.compile(r"```\w*")
_ESCAPES: Final = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORDS: Final[Mapping[str, Any]] = {"true": True, "false": False, "null": None}
_PYTHON: Final[Mapping[str, Any]] = {"True": True, "False": False, "None": None}
_MOST_FIGURES: Final = 60
_MISSING: Final = object()


@dataclass(frozen=True, slots=True)
class Mended:
    """What a text says: its values, what was mended or left out, and where each value stands, by its path."""

    values: dict[str, Any]
    faults: tuple[Fault, ...] = ()
    spans: Mapping[str, Span] = field(default_factory=dict)


class _Stop(Exception):
    """Nothing further of the text can be read; what was read before stays."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(what)
        self.fault = Fault(path.removesuffix("."), what)


def mend(text: str) -> Mended:
    """Read the first JSON object of a text. Raises FormatError when none begins in it."""
    start = text.find("{")
    if start < 0:
        said = f": it is {_shown(text)}" if text.strip() else ": it is empty"
        raise FormatError(f"the answer holds no JSON object{said}", remedy="raise max_target, or train the model")
    parser = _Parser(text, start)
    parser.aside(text[:start], "before")
    values: dict[str, Any] = {}
    try:
        parser.object(values, "", 0)
        parser.aside(text[parser.at :], "after")
    except _Stop as stop:
        parser.faults.append(stop.fault)
    return Mended(values, tuple(parser.faults), parser.spans)


class _Parser:
    """Recursive descent over one text; `at` is the next character."""

    def __init__(self, text: str, start: int) -> None:
        self.text, self.at = text, start
        self.faults: list[Fault] = []
        self.spans: dict[str, Span] = {}
        self._single = False

    def aside(self, text: str, where: str) -> None:
        """Tell what stands beside the object."""
        rest = _FENCE.sub("", text).strip()
        if rest != text.strip() and where == "before":
            self._tell("", "the JSON stood in a code fence")
        if rest:
            self._tell("", f"text {where} the JSON was left aside: {_shown(rest)}")

    def object(self, into: dict[str, Any], path: str, depth: int) -> None:
        """The members of an object, from its opening bracket to behind its closing one."""
        self.at += 1
        if depth >= MOST_DEPTH:
            raise _Stop(path, "nests too deeply; the rest was left aside")
        twice: set[str] = set()
        while self._peek(path) != "}":
            name = self._name(path)
            if self._peek(path) != ":":
                raise self._broken(path)
            self.at += 1
            place = path + name
            self._peek(place)
            if name in into or name in twice:
                self._again(into, twice, name, path, depth)
            else:
                self._value(into, name, place, depth)
            self._comma(path, "}")
        self.at += 1

    def _array(self, into: list[Any], path: str, depth: int) -> None:
        self.at += 1
        if depth >= MOST_DEPTH:
            raise _Stop(path, "nests too deeply; the rest was left aside")
        while self._peek(path) != "]":
            self._value(into, None, f"{path}.{len(into)}", depth)
            self._comma(path, "]")
        self.at += 1

    def _value(self, into: Any, name: str | None, place: str, depth: int) -> None:
        """Read one value and put it in its place; containers are put there before they are filled."""
        start, first = self.at, self.text[self.at]
        held: Any
        if first in "{[":
            held = {} if first == "{" else []
        elif first in "\"'":
            held = self._string(place)
        else:
            held = self._bare(place, in_object=name is not None)
        if held is _MISSING:
            return
        if name is None:
            into.append(held)
        else:
            into[name] = held
        if first == "{":
            self.object(held, f"{place}.", depth + 1)
        elif first == "[":
            self._array(held, place, depth + 1)
        else:
            self.spans[place] = (start, start + len(self.text[start : self.at].rstrip()))

    def _again(self, into: dict[str, Any], twice: set[str], name: str, path: str, depth: int) -> None:
        """A name that was there before: kept when it says the same, else nothing says which is right."""
        other: dict[str, Any] = {}
        kept = dict(self.spans)
        try:
            self._value(other, name, path + name, depth)
        finally:
            self.spans = kept
        if name in into and other.get(name, _MISSING) == into[name]:
            self._tell(path + name, "stands twice, with the same value")
            return
        twice.add(name)
        into.pop(name, None)
        place = path + name
        self.spans = {one: span for one, span in kept.items() if one != place and not one.startswith(f"{place}.")}
        self._tell(place, "stands twice, with different values; it was left out")

    def _name(self, path: str) -> str:
        if self.text[self.at] not in "\"'":
            raise self._broken(path)
        found = self._string(path, name=True)
        return found if isinstance(found, str) else ""

    def _comma(self, path: str, end: str) -> None:
        """What stands behind a value: a comma, or the end."""
        char = self._peek(path)
        if char == ",":
            self.at += 1
            if self._peek(path) == end:
                self._tell(path, "a comma without a value behind it was left out")
        elif char != end:
            if char not in "\"'{":
                raise self._broken(path)
            self._tell(path, "a missing comma was put in")

    def _string(self, place: str, *, name: bool = False) -> Any:
        """A text in quotes. `_MISSING` where an unescaped quote leaves open where it ends."""
        quote = self.text[self.at]
        if quote == "'" and not self._single:
            self._single = True
            self._tell("", "single quotes were taken for double ones")
        self.at += 1
        parts: list[str] = []
        while True:
            if self.at >= len(self.text):
                raise self._cut(place, name=name)
            char = self.text[self.at]
            self.at += 1
            if char == quote:
                if self._ends(quote, name=name):
                    return "".join(parts)
                if quote == "'":  # an apostrophe
                    parts.append(char)
                    continue
                return self._unclear(place, name=name)
            if char == "\\":
                parts.append(self._escape(place, name=name))
            elif char < " ":
                self._tell(place, "a control character inside quotes became a blank")
                parts.append("\n" if char == "\n" else " ")
            else:
                parts.append(char)

    def _ends(self, quote: str, *, name: bool) -> bool:
        """Whether the quote just read closes its text, by what stands behind it."""
        behind = _BLANKS.match(self.text, self.at).end()  # type: ignore[union-attr]  # it matches nothing too
        if behind >= len(self.text):
            return quote == '"'  # an apostrophe may stand there as well
        if name:
            return self.text[behind] == ":"
        if quote == "'" and self.text[behind] == ",":
            behind = _BLANKS.match(self.text, behind + 1).end()  # type: ignore[union-attr]
            return behind < len(self.text) and self.text[behind] in "\"'{}]"
        return self.text[behind] in ",}]" or bool(_NEXT_NAME.match(self.text, behind))

    def _unclear(self, place: str, *, name: bool) -> Any:
        if name:
            raise self._broken(place)
        resume = re.compile(r'"(?=[ \t\r\n]*[,}\]])').search(self.text, self.at)
        if resume is None:
            raise self._cut(place)
        self.at = resume.end()
        self._tell(place, "holds a quote without a backslash, so that its end is not certain; it was left out")
        return _MISSING

    def _escape(self, place: str, *, name: bool) -> str:
        """What a backslash begins; surrogate pairs are joined, a single one is no character."""
        if self.at >= len(self.text):
            raise self._cut(place, name=name)
        char = self.text[self.at]
        self.at += 1
        if char == "u":
            return self._unicode(place, name=name)
        if char not in _ESCAPES:
            self._tell(place, f"a backslash before {char!r} was left out")
        return _ESCAPES.get(char, char)

    def _unicode(self, place: str, *, name: bool) -> str:
        code = self._hexadecimal(place, name=name)
        behind = self.at
        if 0xD800 <= code < 0xDC00 and "\\u".startswith(self.text[behind : behind + 2]) and behind + 6 > len(self.text):
            raise self._cut(place, name=name)  # before the other half is whole
        if 0xD800 <= code < 0xDC00 and self.text.startswith("\\u", behind):
            self.at += 2
            low = self._hexadecimal(place, name=name)
            if 0xDC00 <= low < 0xE000:
                return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00))
            self.at = behind
        if code < 0 or 0xD800 <= code < 0xE000:
            self._tell(place, "an escape that is no character was left out")
            return ""
        return chr(code)

    def _hexadecimal(self, place: str, *, name: bool) -> int:
        """The number of four figures; -1 when they are none."""
        figures = self.text[self.at : self.at + 4]
        if len(figures) < 4:
            raise self._cut(place, name=name)
        if not re.fullmatch(r"[0-9a-fA-F]{4}", figures):
            return -1
        self.at += 4
        return int(figures, 16)

    def _bare(self, place: str, *, in_object: bool) -> Any:
        """A number or a word; `_MISSING` for what is neither, which is told."""
        start = self.at
        self.at = _BARE.match(self.text, start).end()  # type: ignore[union-attr]  # it matches nothing too
        if self.at >= len(self.text):
            raise self._cut(place)
        written = self.text[start : self.at].strip()
        grouped = in_object and re.compile(r",[0-9]").match(self.text, self.at)
        if written in _WORDS:
            return _WORDS[written]
        if written in _PYTHON:
            self._tell(place, f"{written} was read as JSON writes it")
            return _PYTHON[written]
        found = _NUMBER.fullmatch(written)
        if found and not grouped and len(written) <= _MOST_FIGURES:
            return Decimal(written) if found[1] or found[2] else int(written)
        resume = _RESUME.search(self.text, start)
        if resume is None:
            raise self._cut(place)
        self.at = resume.end()
        self._tell(place, f"{_shown(self.text[start : resume.start()])} is neither JSON nor in quotes; it was left out")
        return _MISSING

    def _peek(self, path: str) -> str:
        """The next character that is no blank. Raises _Stop at the end of the text."""
        self.at = _BLANKS.match(self.text, self.at).end()  # type: ignore[union-attr]  # it matches nothing too
        if self.at >= len(self.text):
            raise _Stop(path, "the text ends before the JSON does; what was still to come is missing")
        return self.text[self.at]

    def _cut(self, place: str, *, name: bool = False) -> _Stop:
        inside = "the name of a field" if name else "this value, which was left out"
        return _Stop(place, f"the text ends inside {inside}; what was still to come is missing")

    def _broken(self, path: str) -> _Stop:
        rest = _shown(self.text[self.at :])
        return _Stop(path, f"the text is no JSON from character {self.at + 1} on ({rest}); the rest was left aside")

    def _tell(self, path: str, what: str) -> None:
        self.faults.append(Fault(path.removesuffix("."), what))


def _shown(text: str) -> str:
    plain = " ".join(text[: min(200, MOST_CHARACTERS)].split())
    return repr(plain if len(plain) <= 40 else plain[:40] + "…")
