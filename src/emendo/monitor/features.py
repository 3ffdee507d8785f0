"""What is measured of one page of traffic without knowing what is right: one table of measures, one row each.

A page is what `Seen.group` holds together: one page image, one document, or the single lines of one document. Each
measure has a family (what went wrong when it moves), a scale on which it is compared, and the least spread that means
anything, so that a measure that never moved in the baseline does not alarm at its first stir.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from math import log
from typing import Any, Final, Self

from ..errors import FormatError
from ..image.quality import Quality
from .seen import Outcome, Seen
from .validity import Expected, Validity, validity

NOVELTY: Final = "novelty"
"""The measure over all others, which only a baseline can tell (see `novelty`)."""
UNSEEN: Final = 0.5
"""Count of a character that the baseline does not hold (Krichevsky & Trofimov 1981)."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a page: what people call it, its family, whether it is compared by its logarithm, and the least
    standard deviation (on that scale) between pages that counts as such."""

    name: str
    family: str
    title: str
    logarithm: bool = False
    least: float = 0.01

    def scaled(self, value: float) -> float:
        """The value on the scale on which pages are compared."""
        return log(max(value, 1e-6)) if self.logarithm else value


MEASURES: Final[Mapping[str, Measure]] = {
    one.name: one
    for one in (
        Measure("confidence", "confidence", "mean chance that a line is right", least=0.02),
        Measure("doubt", "confidence", "characters that the model thinks wrong", least=0.01),
        Measure("sharpness", "image", "sharpness", logarithm=True, least=0.05),
        Measure("focus", "image", "sharpness by the square of the contrast", logarithm=True, least=0.05),
        Measure("contrast", "image", "contrast in grey levels", least=2.0),
        Measure("brightness", "image", "grey level of the paper", least=2.0),
        Measure("ink", "image", "share of dark pixels", logarithm=True, least=0.05),
        Measure("height", "image", "height of the image", logarithm=True, least=0.02),
        Measure("shape", "image", "width by height of the image", logarithm=True, least=0.05),
        Measure("lower", "characters", "small letters among characters", least=0.01),
        Measure("upper", "characters", "capitals among characters", least=0.005),
        Measure("digits", "characters", "digits among characters", least=0.005),
        Measure("marks", "characters", "punctuation and signs among characters", least=0.005),
        Measure("surprise", "characters", "nats per character under the baseline's frequencies", least=0.02),
        Measure("lines", "length", "lines on a page", logarithm=True, least=0.05),
        Measure("length", "length", "characters in a line", logarithm=True, least=0.05),
        Measure("density", "length", "characters on a square of the line's height", logarithm=True, least=0.05),
        Measure("known", "text", "words that the language knows", least=0.02),
        Measure("language", "text", "lead of the expected language over any other", least=0.05),
        Measure("script", "text", "letters of the expected script", least=0.01),
        Measure("empty", "refusals", "images read as empty", least=0.05),
        Measure("rejected", "refusals", "images refused", least=0.05),
        Measure("failed", "refusals", "images that could not be read", least=0.05),
        Measure("filled", "fields", "fields with a value", logarithm=True, least=0.1),
        Measure("findings", "fields", "findings of the validator", least=0.25),
        Measure(NOVELTY, "together", "unlikeness to every page of the baseline", least=0.05),
        Measure("seconds", "time", "seconds for an image", logarithm=True, least=0.1),
    )
}
FAMILIES: Final = tuple(dict.fromkeys(one.family for one in MEASURES.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFeatures:
    """One page in figures: `values` by the names of `MEASURES`, in natural units; what cannot be told is missing.

    `images` is how many were sent, `lines` how many were read, `characters` how often each character was read (blanks
    left out), `scripts` the letters by script, `at` when the last image was read (UTC).
    """

    group: str
    at: datetime
    kind: str
    model: str = ""
    images: int = 1
    lines: int = 0
    values: Mapping[str, float] = field(default_factory=dict)
    characters: Mapping[str, int] = field(default_factory=dict)
    scripts: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "at": self.at.isoformat()}

    @classmethod
    def from_dict(cls, row: Mapping[str, Any]) -> Self:
        """Back from `to_dict`. Raises FormatError for a row that is none."""
        try:
            known = {name: row[name] for name in cls.__slots__ if name in row}
            at = datetime.fromisoformat(known.pop("at")).astimezone(UTC)
            return cls(**known, at=at)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"holds a page that is none ({error})") from error


def grouped(seen: Iterable[Seen]) -> list[tuple[Seen, ...]]:
    """Readings by page, pages in the order in which their last image was read."""
    pages: dict[tuple[str, str], list[Seen]] = {}
    for one in seen:
        pages.setdefault((one.kind, one.group), []).append(one)
    return [tuple(page) for page in sorted(pages.values(), key=lambda page: max(one.at for one in page))]


def page_features(page: Sequence[Seen], expected: Expected) -> PageFeatures:
    """Measure one page (at least one reading, all of one `group`), but for what only a baseline can tell: `surprise`
    (see `with_surprise`) and `novelty`."""
    read = [one for one in page if one.outcome is Outcome.READ]
    texts = [line.text for one in read for line in one.lines]
    characters = Counter(char for text in texts for char in text if not char.isspace())
    found = validity(texts, expected)
    values = {
        **_outcomes(page, read),
        **_confidence(read),
        **_image([one.quality for one in page if one.quality is not None]),
        **_texts(texts, characters),
        **_valid(found, expected),
        **_density(read, sum(characters.values())),
        **_fields(read),
    }
    last = max(page, key=lambda one: one.at)
    return PageFeatures(
        group=last.group,
        at=last.at,
        kind=last.kind,
        model=next((one.model for one in reversed(page) if one.model), ""),
        images=len(page),
        lines=len(texts),
        values=values,
        characters=dict(characters),
        scripts=found.scripts,
    )


def with_surprise(page: PageFeatures, usual: Mapping[str, int], *, own: bool = False) -> PageFeatures:
    """The page with the measure `surprise`: the cross entropy, in nats, of its characters under the counts `usual` of a
    baseline. With `own` the page is one of those that made them, and its own are taken out first."""
    if not usual or not page.characters:
        return page
    values = {**page.values, "surprise": _surprise(page.characters, usual, own=own)}
    return replace(page, values=values)


def _outcomes(page: Sequence[Seen], read: Sequence[Seen]) -> dict[str, float]:
    found = Counter(one.outcome for one in page)
    values = {
        "rejected": found[Outcome.REJECTED] / len(page),
        "failed": found[Outcome.FAILED] / len(page),
    }
    with_lines = [one for one in read if one.fields is None]
    if with_lines:
        values["empty"] = _mean(not one.text.strip() for one in with_lines)
    if read:
        values["seconds"] = _mean(one.seconds for one in read)
    return values


def _confidence(read: Sequence[Seen]) -> dict[str, float]:
    lines = [line for one in read for line in one.lines]
    values: dict[str, float] = {}
    if lines:
        values["confidence"] = _mean(line.confidence for line in lines)
    elif read:
        values["confidence"] = _mean(one.confidence for one in read)
    told = [(line.doubt, len(line.text)) for line in lines if line.doubt is not None and line.text]
    weight = sum(size for _, size in told)
    if weight:
        values["doubt"] = sum(doubt * size for doubt, size in told) / weight
    return values


def _image(found: Sequence[Quality]) -> dict[str, float]:
    sized = [one for one in found if one.height and one.width]
    if not sized:
        return {}
    names = ("sharpness", "contrast", "brightness", "ink", "height")
    values = {name: _mean(float(getattr(one, name)) for one in sized) for name in names}
    values["focus"] = _mean(one.sharpness / max(one.contrast, 1.0) ** 2 for one in sized)
    return {**values, "shape": _mean(one.width / one.height for one in sized)}


def _texts(texts: Sequence[str], characters: Mapping[str, int]) -> dict[str, float]:
    if not texts:
        return {}
    values = {"lines": float(len(texts)), "length": sum(map(len, texts)) / len(texts)}
    size = sum(characters.values())
    if size:
        classes: Counter[str] = Counter()
        for char, count in characters.items():
            classes[_class_of(char)] += count
        values |= {name: classes[name] / size for name in ("lower", "upper", "digits", "marks")}
    return values


def _valid(found: Validity, expected: Expected) -> dict[str, float]:
    told = {"known": found.known_share, "language": found.lead, "script": found.in_script(expected)}
    return {name: value for name, value in told.items() if value is not None}


def _density(read: Sequence[Seen], size: int) -> dict[str, float]:
    """Characters by the area of the images, counted in squares of a line's height (of single lines only)."""
    squares = [one.quality.width / one.quality.height for one in read if one.quality and one.quality.height]
    if not size or len(squares) != len(read) or any(len(one.lines) != 1 for one in read):
        return {}
    return {"density": size / max(sum(squares), 1e-6)}


def _fields(read: Sequence[Seen]) -> dict[str, float]:
    documents = [one for one in read if one.fields is not None]
    if not documents:
        return {}
    filled = [sum(value not in (None, "", [], {}) for value in (one.fields or {}).values()) for one in documents]
    return {"filled": _mean(filled), "findings": _mean(one.findings for one in documents)}


def _surprise(characters: Mapping[str, int], usual: Mapping[str, int], *, own: bool) -> float:
    held = sum(usual.values()) - (sum(characters.values()) if own else 0)
    scale = held + UNSEEN * (len(usual) + 1)
    total = sum(
        count * log(max(usual.get(char, 0) - (count if own else 0), 0) + UNSEEN) for char, count in characters.items()
    )
    return log(max(scale, 1.0)) - total / sum(characters.values())


def _class_of(char: str) -> str:
    if char.isdecimal():
        return "digits"
    if not char.isalpha():
        return "marks"
    return "upper" if char.isupper() else "lower"


def _mean(values: Iterable[float]) -> float:
    held = [float(value) for value in values]
    return sum(held) / len(held)
