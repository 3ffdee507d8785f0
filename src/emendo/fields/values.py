"""How amounts and dates are written by people, and how they are kept: `1.234,50` is 1234.50, `25.12.2018` 2018-12-25.

Nothing is guessed: what can be read in two ways is refused with both, unless the caller knows the way of the document.
All functions raise ValueError with one sentence.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Literal

from .currencies import DECIMALS, SIGNS, UNTOLD, WORDS

MOST_DIGITS, MOST_DECIMALS = 15, 8
Order = Literal["dmy", "mdy"]
"""Which of day and month stands first where a date is written in figures."""

_BESIDE = frozenset({*DECIMALS, *SIGNS, *WORDS, *UNTOLD})
_BLANK = re.compile(r"[\s\u00a0\u202f\u2009]+")
_PARTS = re.compile(r"(?P<before>[^\d.,]*)(?P<body>[\d.,' ]*\d[\d.,' ]*?)(?P<after>[^\d.,']*)", re.DOTALL)
_SAME = str.maketrans({"−": "-", "–": "-", "’": "'", "٫": ".", "٬": ",", "\u2011": "-"})


def parse_amount(text: str, *, mark: str = "") -> Decimal:
    """A number as printed: groups, either decimal mark, a sign before or after, brackets for less than nothing.

    `mark` is the decimal mark of the document, where it is known: it tells `1,234` (else refused) and `1.234` apart.
    """
    plain = _BLANK.sub(" ", "".join(map(_digit, unicodedata.normalize("NFKC", text).translate(_SAME)))).strip()
    negative = plain.startswith("(") and plain.endswith(")")
    found = _PARTS.fullmatch(plain[1:-1].strip() if negative else plain)
    if not found:
        raise ValueError(f"{_shown(text)} is no amount")
    signs = 0
    for beside in (found["before"], found["after"]):
        words = beside.replace("-", " - ").split()
        signs += words.count("-")
        strange = [word for word in words if word != "-" and word.upper() not in _BESIDE]
        if strange:
            raise ValueError(f"{_shown(text)} is no amount: {strange[0][:20]!r} stands beside it")
    if signs + negative > 1:
        raise ValueError(f"{_shown(text)} is no amount: it has more than one sign")
    whole, fraction = _marks(found["body"].strip(), mark, text)
    if len(whole.lstrip("0")) + len(fraction) > MOST_DIGITS or len(fraction) > MOST_DECIMALS:
        raise ValueError(f"{_shown(text)} has too many digits")
    value = Decimal(f"{whole}.{fraction or '0'}")
    return -value if (signs or negative) and value else value


def _marks(body: str, mark: str, text: str) -> tuple[str, str]:
    """The digits before and after the decimal mark."""
    marks = [char for char in body if not char.isdecimal()]
    last = marks[-1] if marks else ""
    decimal = ""
    if last and last in ".," and marks.count(last) == 1:
        tail = body.rpartition(last)[2]
        grouped = len(set(marks)) == 1 and len(tail) == 3 and _GROUPS.fullmatch(body)
        if not grouped:
            decimal = last
        elif mark:
            decimal = last if last == mark else ""
        elif last == ".":
            decimal = last
        else:
            plain = body.replace(last, "")
            raise ValueError(f"{_shown(text)} can be {plain} or {body.replace(last, '.')}; write one of them")
    whole, _, fraction = body.rpartition(decimal) if decimal else (body, "", "")
    if decimal and (not fraction.isdecimal()):
        raise ValueError(f"{_shown(text)} is no amount: nothing follows its decimal mark")
    between = {char for char in whole if not char.isdecimal()}
    if not between:
        return whole or "0", fraction
    if len(between) > 1 or decimal in between or not (_GROUPS.fullmatch(whole) or _INDIAN.fullmatch(whole)):
        raise ValueError(f"{_shown(text)} is no amount: its digits are not in groups of three with one decimal mark")
    return whole.replace(between.pop(), ""), fraction


_GROUPS = re.compile(r"[1-9]\d{0,2}(?:[.,' ]\d{3})+")
_INDIAN = re.compile(r"[1-9]\d?(?:,\d{2})+,\d{3}")


def amount_text(value: Decimal, *, least: int = 0) -> str:
    """The one spelling of a number: a dot, no groups, `least` decimals or as many as it needs."""
    text = f"{value:f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    shown = f"{whole}.{fraction}" if fraction else whole
    return shown.removeprefix("-") if not value else shown


_MONTHS = {
    1: "jan january januar janvier enero gennaio janeiro januari ene gen janv jänner",
    2: "feb february februar février fevrier febrero febbraio fevereiro februari fév févr",
    3: "mar march märz maerz mars marzo março marco maart mär mrz mrt",
    4: "apr april avril abril aprile avr abr",
    5: "may mai mayo maggio maio mei mag",
    6: "jun june juni juin junio giugno junho giu",
    7: "jul july juli juillet julio luglio julho juil lug",
    8: "aug august août aout agosto augustus ago",
    9: "sep september septembre septiembre settembre setembro sept set",
    10: "oct october oktober octobre octubre ottobre outubro okt ott out",
    11: "nov november novembre noviembre novembro",
    12: "dec december dezember décembre decembre diciembre dicembre dezembro dez déc dic",
}
_MONTH = {name: month for month, names in _MONTHS.items() for name in names.split()}
_WEEK = "mon tue wed thu fri sat sun monday tuesday wednesday thursday friday saturday sunday"
_ASIDE = frozenset({*_WEEK.split(), "de", "of"})
"""Words that say nothing of the day."""
_FIGURES = re.compile(r"(\d{1,4})\s*([-/. ])\s*(\d{1,2})\s*\2\s*(\d{1,4})")
_COMPACT = re.compile(r"(20\d\d|19\d\d)(\d\d)(\d\d)")
_TIME = re.compile(
    r"[\sT,]+\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?\s*(?:[ap]\.?m\.?)?(?:Z|[+-]\d{2}:?\d{2})?$", re.IGNORECASE
)


def parse_date(text: str, *, order: Order | None = None) -> date:
    """A date as printed, a time after it left aside. `order` tells 05/04/2018 (else refused), where it is known."""
    plain = "".join(map(_digit, unicodedata.normalize("NFKC", text).translate(_SAME))).strip()
    plain = _TIME.sub("", plain)
    if found := _COMPACT.fullmatch(plain):
        return _day(int(found[1]), int(found[2]), int(found[3]), text)
    if found := _FIGURES.fullmatch(plain):
        return _figures(found[1], found[3], found[4], order, text)
    words = [word for word in re.split(r"[\s,./-]+", plain.casefold()) if word and word not in _ASIDE]
    words = [re.sub(r"(?<=\d)(st|nd|rd|th|er|º|ª)$", "", word) for word in words]
    months = [at for at, word in enumerate(words) if word in _MONTH]
    if len(words) != 3 or len(months) != 1 or months[0] == 2:
        raise ValueError(f"{_shown(text)} is no date; write it as 2018-12-25")
    month = _MONTH[words.pop(months[0])]
    if not all(word.isdecimal() and len(word) <= 4 for word in words):
        raise ValueError(f"{_shown(text)} is no date; write it as 2018-12-25")
    day, year = words if len(words[0]) <= 2 else reversed(words)
    return _day(_year(year, text), month, int(day), text)


def _figures(first: str, second: str, third: str, order: Order | None, text: str) -> date:
    if len(first) == 4:
        return _day(int(first), int(second), int(third), text)
    if len(first) > 2:
        raise ValueError(f"{_shown(text)} is no date; write it as 2018-12-25")
    year, a, b = _year(third, text), int(first), int(second)
    if a > 12 or (order == "dmy" and b <= 12):
        return _day(year, b, a, text)
    if b > 12 or order == "mdy" or a == b:
        return _day(year, a, b, text)
    raise ValueError(f"{_shown(text)} can be {_iso(year, b, a)} or {_iso(year, a, b)}; write one of them")


def _year(text: str, whole: str) -> int:
    if len(text) == 4:
        return int(text)
    if len(text) == 2:
        return 2000 + int(text) if int(text) < 70 else 1900 + int(text)
    raise ValueError(f"{_shown(whole)} is no date: its year has {len(text)} figures")


def _day(year: int, month: int, day: int, text: str) -> date:
    try:
        return date(year, month, day)
    except ValueError as error:
        raise ValueError(f"{_shown(text)} is no date: there is no {_iso(year, month, day)}") from error


def _iso(year: int, month: int, day: int) -> str:
    return f"{year:04}-{month:02}-{day:02}"


def _digit(char: str) -> str:
    """The figure 0 to 9 for a figure of any script."""
    return str(unicodedata.decimal(char)) if char.isdecimal() else char


def _shown(text: str) -> str:
    return repr(text.strip() if len(text.strip()) <= 40 else text.strip()[:40] + "…")
