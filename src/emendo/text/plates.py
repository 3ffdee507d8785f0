"""Which texts stand on licence plates, by region: the serial patterns that are in use there.

In a pattern `A` stands for a letter, `9` for a digit, `-` for the gap between two groups (a hyphen, a dot, an emblem,
or nothing but space), which is no part of a label. What drawn plates hold and what a plate reader may prefer both come
from here. Sources: the public descriptions of the series of each country; none is a complete list, for personal plates
hold almost anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from emendo.errors import UsageError

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS: Final = "0123456789"


@dataclass(frozen=True, slots=True)
class Region:
    """One row of the table: `patterns` with how often each is drawn relative to the others.

    `personal` is the share of plates with a text of the owner's choice, `aspect` the range of width by height.
    """

    name: str
    patterns: Mapping[str, float]
    personal: float
    aspect: tuple[float, float]


_US: Final = {
    **{"AAA-999": 4.0, "999-AAA": 4.0, "AAA-9999": 4.0, "9AAA999": 3.0, "AA9-A9A": 2.0, "AAA-99A": 1.0},
    **{"AA-9999": 2.0, "A999999": 1.0, "AA-999": 1.0, "999999": 0.7, "999-999": 0.7, "9999": 0.7, "9999-AA": 1.0},
    **{"9AA-999": 1.0, "AA9-A999": 0.7, "9999999": 0.7, "99-AA99": 0.5, "9A9999A": 0.5, "A99-9AA": 0.5},
    **{"AA-99999": 0.7, "999AA9": 0.3, "A99-999": 0.5, "A9999": 0.3, "9999A": 0.3, "99A-999": 0.7, "99999": 0.7},
}
_EU: Final = {
    **{"AA-999-AA": 4.0, "AA-999AA": 4.0, "9A9-9999": 3.0, "AA99-AAA": 2.0, "A-AA-9999": 1.0, "AA-A-999": 1.0},
    **{"AA-AA-999": 1.0, "AAA-A-9999": 1.0, "9999-AAA": 1.0, "99-AAA-9": 1.0, "AAA-99999": 1.0, "AA-9999A": 0.7},
    **{"AAA-999": 1.0, "A-AA-99": 0.5, "AAA-AA-99": 0.7, "AA-99999": 0.7, "999-AA-99": 0.5, "AA-9999-AA": 0.7},
}
_BR: Final = {"AAA-9999": 8.0, "AAA9A99": 2.0}
REGIONS: Final[Mapping[str, Region]] = {
    "us": Region("us", _US, 0.12, (1.75, 2.25)),
    "eu": Region("eu", _EU, 0.05, (4.0, 5.0)),
    "br": Region("br", _BR, 0.0, (2.7, 3.3)),
}


def region_of(name: str) -> Region:
    """The row of a name; raises UsageError for an unknown one."""
    if name not in REGIONS:
        raise UsageError(f"unknown region {name!r} of licence plates", remedy=f"use {', '.join(REGIONS)}")
    return REGIONS[name]


def matches(text: str, region: str) -> bool:
    """Whether a label is of one of the region's series; raises UsageError for an unknown region."""
    return _grammar(region_of(region).name).fullmatch(text) is not None


@lru_cache(maxsize=16)
def _grammar(region: str) -> re.Pattern[str]:
    shapes = sorted({pattern.replace("-", "") for pattern in REGIONS[region].patterns})
    return re.compile("|".join(shape.replace("9", "[0-9]").replace("A", "[A-Z]") for shape in shapes))
