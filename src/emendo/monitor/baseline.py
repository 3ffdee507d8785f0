"""What traffic looked like when all was well: the pages of a reference time, against which drift is watched.

A baseline keeps the measures of its pages, one by one; centre, spread and their uncertainty follow from these. Each
kind of image (line, page, plate, document) has a profile of its own, for a page of single lines and a whole page
differ in all measures.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from math import sqrt
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from ..errors import BadInput, FormatError
from ..tools.files import write_text
from .features import MEASURES, PageFeatures, grouped, page_features
from .labelled import Judged
from .seen import Outcome, Seen
from .validity import Expected, expected_of

FORMAT: Final = "emendo-baseline/1"
NAME: Final = "baseline.json"
"""File name of the baseline in use, in the folder of the captures."""
CLIP: Final = 6.0
"""Standard deviations past which a page counts no more: one odd page must not decide."""
LEAST_PAGES: Final = 10
MOST_PAGES: Final = 5000
"""Fewest pages of a kind from which a profile is made, and most that are kept."""
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Norm:
    """How one measure varies between the pages of the baseline, on its scale.

    A page's score is (value - centre) / spread, clipped to plus or minus `CLIP`. `mean` and `deviation` are those of
    the scores of the `pages` that have the measure; `values` are the pages' values in natural units, sorted.
    """

    measure: str
    centre: float
    spread: float
    mean: float
    deviation: float
    pages: int
    values: tuple[float, ...] = field(repr=False, default=())

    def score(self, value: float) -> float:
        """How far a value (natural units) lies from the usual, in spreads, -`CLIP` to `CLIP`."""
        scaled = MEASURES[self.measure].scaled(value) if self.measure in MEASURES else value
        return min(max((scaled - self.centre) / self.spread, -CLIP), CLIP)

    def slack(self, level: float) -> float:
        """How far the true mean of the scores may lie from `mean` at the one-sided error `level`: the half-width of a t
        interval (quantile by the expansion of Cornish & Fisher)."""
        z, free = -NormalDist().inv_cdf(level), max(self.pages - 1, 1)
        t = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
        return t * self.deviation / sqrt(self.pages)

    def variance(self, level: float) -> float:
        """Upper bound of the variance of the scores at the error `level`: that of normal scores (the quantile of
        chi-square by Wilson & Hilferty 1931)."""
        free = max(self.pages - 1, 1)
        part = 2 / (9 * free)
        quantile = free * max(1 - part + NormalDist().inv_cdf(level) * sqrt(part), 0.1) ** 3
        return free * self.deviation**2 / quantile

    @property
    def band(self) -> tuple[float, float]:
        """Natural values between which nine of ten pages lie."""
        low, high = np.quantile(self.values, (0.05, 0.95))
        return float(low), float(high)


def norm_of(measure: str, values: Sequence[float], least: float = 0.0) -> Norm:
    """The norm of a measure from the values of at least one page. `least` is the smallest spread.

    Centre and spread are the median and the larger of the normed interquartile range and half the standard deviation,
    so that a few odd pages do not widen it and pages that are nearly all alike do not narrow it to nothing.
    """
    row = MEASURES.get(measure)
    scaled = np.array([row.scaled(value) if row else value for value in values], np.float64)
    quarter, centre, three = (float(one) for one in np.quantile(scaled, (0.25, 0.5, 0.75)))
    least = max(least, row.least if row else 0.0, 1e-9)
    spread = max((three - quarter) / 1.349, float(scaled.std()) / 2, least)
    scores = np.clip((scaled - centre) / spread, -CLIP, CLIP)
    deviation = float(scores.std(ddof=1)) if len(scores) > 1 else 1.0
    # a measure that hardly moved is not known to be without spread: the least spread stands for what was not seen
    return Norm(
        measure,
        centre,
        spread,
        float(scores.mean()),
        max(deviation, 0.5),
        len(scores),
        tuple(sorted(map(float, values))),
    )


@dataclass(frozen=True)
class Profile:
    """The pages of one kind in the baseline, what their texts hold, and the pages whose truth is known."""

    kind: str
    pages: tuple[PageFeatures, ...]
    expected: Expected
    characters: Mapping[str, int]
    judged: tuple[Judged, ...] = ()

    @cached_property
    def norms(self) -> dict[str, Norm]:
        """The norm of each measure that at least `LEAST_PAGES` pages have."""
        found: dict[str, list[float]] = {}
        for page in self.pages:
            for name, value in page.values.items():
                found.setdefault(name, []).append(value)
        return {name: norm_of(name, found[name]) for name in MEASURES if len(found.get(name, ())) >= LEAST_PAGES}

    def features(self, page: Sequence[Seen]) -> PageFeatures:
        """Measure a page of later traffic of this kind."""
        return page_features(page, self.expected, self.characters)


@dataclass(frozen=True)
class Baseline:
    """Profiles by kind, when the baseline was made (UTC), from which traffic, and read by which models."""

    made: datetime
    source: str
    models: tuple[str, ...]
    profiles: Mapping[str, Profile]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": FORMAT,
            "made": self.made.isoformat(),
            "source": self.source,
            "models": list(self.models),
            "profiles": {
                kind: {
                    "expected": asdict(one.expected),
                    "characters": dict(one.characters),
                    "pages": [_bare(page) for page in one.pages],
                    "judged": [judged.to_dict() for judged in one.judged],
                }
                for kind, one in self.profiles.items()
            },
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, Any], where: str = "") -> Self:
        """Back from `to_dict`. Raises FormatError for what is none."""
        if row.get("format") != FORMAT:
            raise FormatError(f"is no {FORMAT}", where=where, remedy="make one with `emendo monitor baseline`")
        try:
            profiles = {
                kind: Profile(
                    kind,
                    tuple(PageFeatures.from_dict(page) for page in one["pages"]),
                    Expected(tuple(one["expected"]["scripts"]), one["expected"]["language"]),
                    one["characters"],
                    tuple(Judged.from_dict(judged) for judged in one["judged"]),
                )
                for kind, one in row["profiles"].items()
            }
            made = datetime.fromisoformat(row["made"]).astimezone(UTC)
            return cls(made, row["source"], tuple(row["models"]), profiles)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise FormatError(f"is a damaged baseline ({error})", where=where, remedy="make it again") from error

    def write(self, path: Path) -> None:
        """Write the baseline as one JSON file, whole or not at all."""
        write_text(path, json.dumps(self.to_dict(), ensure_ascii=False) + "\n")


def read_baseline(path: Path) -> Baseline:
    """A baseline from its file. Raises BadInput where there is none and FormatError for a damaged one."""
    try:
        row = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        remedy = "make one with `emendo monitor baseline`"
        raise BadInput("there is no baseline to compare with", where=path, remedy=remedy) from error
    except ValueError as error:
        raise FormatError("is no JSON", where=path, remedy="make the baseline again") from error
    if not isinstance(row, dict):
        raise FormatError(f"is no {FORMAT}", where=path, remedy="make one with `emendo monitor baseline`")
    return Baseline.from_dict(row, str(path))


def make_baseline(
    seen: Iterable[Seen],
    *,
    source: str,
    language: str = "",
    judged: Mapping[str, Sequence[Judged]] | None = None,
) -> Baseline:
    """The baseline of some traffic; of more than `MOST_PAGES` pages of a kind the last are taken.

    `language` names that of the texts (empty: told from them), `judged` the pages by kind whose truth is known. Raises
    BadInput when no kind has `LEAST_PAGES` pages, UsageError for a language without words.
    """
    kinds: dict[str, list[tuple[Seen, ...]]] = {}
    for page in grouped(seen):
        kinds.setdefault(page[0].kind, []).append(page)
    profiles = {
        kind: _profile(kind, pages[-MOST_PAGES:], language, tuple((judged or {}).get(kind, ())))
        for kind, pages in kinds.items()
        if len(pages) >= LEAST_PAGES
    }
    if not profiles:
        most = max(map(len, kinds.values()), default=0)
        what = f"holds {most} pages of a kind, and a baseline needs {LEAST_PAGES}"
        raise BadInput(what, where=source, remedy="take a longer time, or a data set with more pages")
    models = sorted({page.model for one in profiles.values() for page in one.pages if page.model})
    return Baseline(datetime.now(UTC), source, tuple(models), profiles)


def _profile(kind: str, pages: Sequence[tuple[Seen, ...]], language: str, judged: tuple[Judged, ...]) -> Profile:
    read = [one for page in pages for one in page if one.outcome is Outcome.READ]
    texts = [line.text for one in read for line in one.lines]
    characters = Counter(char for text in texts for char in text if not char.isspace())
    expected = expected_of(texts, language)
    features = tuple(page_features(page, expected, characters, own=True) for page in pages)
    return Profile(kind, features, expected, dict(characters), judged)


def _bare(page: PageFeatures) -> dict[str, Any]:
    """A page as the baseline keeps it: its characters stand in the sum of all."""
    row = page.to_dict()
    row.pop("characters")
    return row
