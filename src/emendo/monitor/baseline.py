"""What traffic looked like when all was well: the pages of a reference time, against which drift is watched.

A baseline keeps the measures of its pages, one by one; centre, spread and their uncertainty follow from these. Each
kind of image (line, page, plate, document) has a profile of its own, for a page of single lines and a whole page
differ in all measures.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from ..errors import BadInput, FormatError
from ..tools.counts import counted
from ..tools.files import write_text
from .features import MEASURES, NOVELTY, PageFeatures, grouped, page_features, with_surprise
from .labelled import Judged
from .norm import Norm, norm_of
from .novelty import Novelty
from .seen import Outcome, Seen
from .validity import Expected, expected_of

FORMAT: Final = "emendo-baseline/1"
NAME: Final = "baseline.json"
"""File name of the baseline in use, in the folder of the captures."""
LEAST_PAGES: Final = 10
MOST_PAGES: Final = 5000
"""Fewest pages of a kind from which a profile is made, and most that are kept."""


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
        """The norm of each measure that at least `LEAST_PAGES` pages have; `novelty` is among them."""
        found: dict[str, list[float]] = {}
        for page in self.pages:
            for name, value in page.values.items():
                found.setdefault(name, []).append(value)
        norms = {name: norm_of(name, found[name]) for name in MEASURES if len(found.get(name, ())) >= LEAST_PAGES}
        return {**norms, NOVELTY: norm_of(NOVELTY, self.novelty.own())}

    @cached_property
    def novelty(self) -> Novelty:
        """How unlike the pages of this profile others are, by the measures that say something of the traffic."""
        held = [page.values for page in self.pages]
        names = [name for name, row in MEASURES.items() if row.family not in {"time", "together"}]
        found = {name: [values[name] for values in held if name in values] for name in names}
        norms = {name: norm_of(name, values) for name, values in found.items() if len(values) >= LEAST_PAGES}
        return Novelty(norms, held)

    def features(self, page: Sequence[Seen]) -> PageFeatures:
        """Measure a page of later traffic of this kind."""
        return self.completed(page_features(page, self.expected))

    def completed(self, page: PageFeatures) -> PageFeatures:
        """A page of later traffic with what only this baseline can tell of it."""
        found = with_surprise(page, self.characters)
        return replace(found, values={**found.values, NOVELTY: self.novelty.of(found.values)})


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
        kind: profile_of(kind, *_measured(pages[-MOST_PAGES:], language), (judged or {}).get(kind, ()))
        for kind, pages in kinds.items()
        if len(pages) >= LEAST_PAGES
    }
    if not profiles:
        most = max(map(len, kinds.values()), default=0)
        what = f"holds {counted(most, 'page')} of a kind, and a baseline needs {LEAST_PAGES}"
        raise BadInput(what, where=source, remedy="take a longer time, or a data set with more pages")
    models = sorted({page.model for one in profiles.values() for page in one.pages if page.model})
    return Baseline(datetime.now(UTC), source, tuple(models), profiles)


def profile_of(kind: str, pages: Sequence[PageFeatures], expected: Expected, judged: Sequence[Judged] = ()) -> Profile:
    """The profile of at least `LEAST_PAGES` pages that are measured already (see `page_features`)."""
    characters = sum((Counter(page.characters) for page in pages), Counter[str]())
    own = tuple(with_surprise(page, characters, own=True) for page in pages)
    return Profile(kind, own, expected, dict(characters), tuple(judged))


def _measured(pages: Sequence[tuple[Seen, ...]], language: str) -> tuple[list[PageFeatures], Expected]:
    read = [one for page in pages for one in page if one.outcome is Outcome.READ]
    expected = expected_of([line.text for one in read for line in one.lines], language)
    return [page_features(page, expected) for page in pages], expected


def _bare(page: PageFeatures) -> dict[str, Any]:
    """A page as the baseline keeps it: its characters stand in the sum of all."""
    row = page.to_dict()
    row.pop("characters")
    return row
