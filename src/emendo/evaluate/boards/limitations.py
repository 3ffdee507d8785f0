"""The limitations of a model: where it is weak, how sure that is, and with which lines to see it.

Each subset is set against all other lines. Many subsets looked at once would make some look weak by chance, so the
p-values are corrected for their number (Holm 1979). A subset with few lines, or an interval wider than what could
matter, gets no verdict: it is too small to tell, and the page says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape
from typing import Any

from ...errors import UsageError
from ...metrics.bootstrap import Apart, Ratios, holm, independent_bootstrap, wilson
from ...types import Image
from ..page import direction, figure_cards, html_page, image_tag, marked
from ..report import Line, Report
from .html import STYLE, Scale, glyphs, interval_picture, name_cell, percent, points, table, tag, with_bounds
from .subsets import ALL, Errors, errors_of, shown, slices_of, subsets_of, title, traits

FORMAT = "emendo-limitations/1"
FEWEST = 20
"""Fewer lines than this are too few to tell."""
WIDEST = 0.05
"""A 95 % interval of the difference wider than this on either side (points as a share) is too wide to tell."""
LEVEL = 0.05
EXAMPLES = 3
MOST_CHARACTERS = 40
RARE = 5
"""A character seen fewer times than this is not judged."""


class Verdict(StrEnum):
    """What can be said of a subset against all other lines."""

    WEAK = "weak"
    STRONG = "strong"
    ALIKE = "no difference seen"
    SMALL = "too small to tell"


@dataclass(frozen=True)
class Weakness:
    """One subset against the rest: `difference` is its CER less that of all other lines, `p_value` is corrected."""

    slice: str
    value: str
    errors: Errors
    rest: Errors
    apart: Apart
    p_value: float
    verdict: Verdict
    examples: tuple[Line, ...]

    @property
    def name(self) -> str:
        """How it is called."""
        return title(self.slice, self.value)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "slice": self.slice,
            "value": self.value,
            "verdict": str(self.verdict),
            "difference": self.apart.difference,
            "difference_low": self.apart.low,
            "difference_high": self.apart.high,
            "p_value": self.p_value,
            "groups_and_lines": self.apart.units,
            **self.errors.figures(),
            "rest_cer": self.rest.counts.cer,
            "rest_samples": self.rest.counts.samples,
            "examples": [line.id for line in self.examples],
        }


@dataclass(frozen=True, slots=True)
class Glyph:
    """How often a character was missed where it stood, with the 95 % interval (Wilson), and what was read instead."""

    character: str
    seen: int
    missed: int
    low: float
    high: float
    instead: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Limitations:
    """What a report says of a model's weak sides: subsets, weakest first, and characters."""

    report: Report
    subsets: tuple[Weakness, ...]
    characters: tuple[Glyph, ...]
    rare: int

    def of(self, verdict: Verdict) -> list[Weakness]:
        """The subsets with one verdict."""
        return [one for one in self.subsets if one.verdict is verdict]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": FORMAT,
            "model": self.report.model,
            "dataset": self.report.dataset,
            "dataset_hash": self.report.dataset_hash,
            "split": self.report.split,
            "all": errors_of(self.report.lines).figures(),
            "subsets": [one.to_dict() for one in self.subsets],
            "characters": [
                {
                    "character": one.character,
                    "seen": one.seen,
                    "missed": one.missed,
                    "missed_low": one.low,
                    "missed_high": one.high,
                    "instead": [list(pair) for pair in one.instead],
                }
                for one in self.characters
            ],
            "rare_characters": self.rare,
        }

    def sentences(self) -> list[str]:
        """The findings for a person."""
        told = [
            f"{one.name}: CER {percent(one.errors.counts.cer)}, {points(one.apart.difference)} points against all "
            f"other lines ({points(one.apart.low)} to {points(one.apart.high)}; {one.errors.counts.samples} lines)"
            for one in self.of(Verdict.WEAK)
        ]
        small = self.of(Verdict.SMALL)
        if small:
            told.append(f"too small to tell: {', '.join(one.name for one in small)}")
        return told or ["no subset is weaker than the rest beyond chance"]


def limitations(report: Report, *, slices: Sequence[str] | None = None, seed: int = 0) -> Limitations:
    """Look at every subset of a report: its slices (see `slices_of`), or those named, and the traits of its texts.

    Two subsets of the same lines are one. Raises UsageError for a slice that no line carries.
    """
    _check(report, slices)
    lines = tuple(replace(line, slices={**line.slices, **_own(line)}) for line in report.lines)
    seen = replace(report, lines=lines)
    wanted = (*(slices_of(report) if slices is None else slices), *(traits(lines[0]) if lines else ()))
    found: list[tuple[str, str, tuple[Line, ...], tuple[Line, ...]]] = []
    known: set[frozenset[str]] = set()
    for name, values in subsets_of(seen, wanted).items():
        if name != ALL and len(values) > 1:
            for value, inside in values.items():
                held = frozenset(line.id for line in inside)
                if held not in known:
                    known.add(held)
                    found.append((name, value, inside, tuple(line for line in lines if line.id not in held)))
    apart = [independent_bootstrap(_ratios(rest), _ratios(inside), seed=seed) for _, _, inside, rest in found]
    told = [at for at, (_, _, inside, rest) in enumerate(found) if not _small(inside, rest, apart[at])]
    corrected = dict(zip(told, holm([apart[at].p_value for at in told]), strict=True))
    subsets = [
        Weakness(
            name,
            value,
            errors_of(inside),
            errors_of(rest),
            apart[at],
            corrected.get(at, 1.0),
            _verdict(apart[at], corrected.get(at)),
            tuple(replace(seen, lines=inside).worst(EXAMPLES)),
        )
        for at, (name, value, inside, rest) in enumerate(found)
    ]
    order = [Verdict.WEAK, Verdict.ALIKE, Verdict.STRONG, Verdict.SMALL]
    subsets.sort(key=lambda one: (order.index(one.verdict), -one.apart.difference, one.name))
    characters, rare = _characters(report)
    return Limitations(report, tuple(subsets), characters, rare)


def _own(line: Line) -> Mapping[str, str]:
    """The traits of a text, except where the data set has a slice of that name."""
    return {name: value for name, value in traits(line).items() if name not in line.slices}


def _check(report: Report, slices: Sequence[str] | None) -> None:
    known = sorted({name for line in report.lines for name in line.slices})
    for name in slices or ():
        if name not in known:
            raise UsageError(f"unknown slice {name!r}", remedy=f"the report has {', '.join(known) or 'none'}")


def _ratios(lines: Sequence[Line]) -> Ratios:
    return Ratios(
        [line.counts.edits for line in lines],
        [line.counts.characters for line in lines],
        [line.group or line.id for line in lines],
    )


def _small(inside: Sequence[Line], rest: Sequence[Line], apart: Apart) -> bool:
    wide = apart.low <= 0 <= apart.high and max(-apart.low, apart.high) > WIDEST
    return min(len(inside), len(rest)) < FEWEST or wide


def _verdict(apart: Apart, p_value: float | None) -> Verdict:
    if p_value is None:
        return Verdict.SMALL
    if p_value < LEVEL:
        return Verdict.WEAK if apart.difference > 0 else Verdict.STRONG
    return Verdict.ALIKE


def _characters(report: Report) -> tuple[tuple[Glyph, ...], int]:
    """The characters missed most surely: by the lower bound of their share; and how many were too rare to judge."""
    missed: Counter[str] = Counter()
    instead: dict[str, Counter[str]] = {}
    for one in report.confusions:
        if one.reference:
            missed[one.reference] += one.count
            instead.setdefault(one.reference, Counter())[one.hypothesis] += one.count
    made, rare = [], 0
    for character in sorted({*missed, *report.hits}):
        seen = missed[character] + report.hits[character]
        if seen < RARE:
            rare += 1
        elif missed[character]:
            low, high = wilson(missed[character], seen)
            most = tuple(instead[character].most_common(4))
            made.append(Glyph(character, seen, missed[character], low, high, most))
    made.sort(key=lambda one: (-one.low, one.character))
    return tuple(made[:MOST_CHARACTERS]), rare


def examples_of(found: Limitations) -> list[str]:
    """Ids of the lines that the page shows."""
    return list(dict.fromkeys(line.id for one in found.of(Verdict.WEAK) for line in one.examples))


def limitations_page(found: Limitations, images: Mapping[str, Image]) -> str:
    """HTML of the limitations; `images` holds line images by sample id."""
    report = found.report
    weak, small = found.of(Verdict.WEAK), found.of(Verdict.SMALL)
    whole = errors_of(report.lines)
    cards = [
        (
            "Character error rate",
            percent(whole.counts.cer),
            f"95 %: {percent(whole.cer_low)} to {percent(whole.cer_high)}",
        ),
        ("Missed characters", percent(whole.rate("missed")), f"{whole.missed:,} of {whole.counts.characters:,}"),
        ("False characters", percent(whole.rate("false")), f"{whole.false:,} read that are not there"),
        ("Weak subsets", f"{len(weak)}", f"of {len(found.subsets)}; {len(small)} too small to tell"),
    ]
    part = f", split {escape(report.split)}" if report.split else ""
    body = [
        f"<h1>Limitations of {escape(report.model or 'the model')}</h1>",
        f'<p class="soft"><bdi dir="auto">{escape(report.dataset)}</bdi> ({escape(report.dataset_hash[:12])}){part}: '
        f"{len(report.lines):,} lines</p>",
        figure_cards(cards),
        _lead(found),
        _subset_table(found),
        *(_weak_section(one, images) for one in weak),
        _character_table(found),
        _key(),
    ]
    return html_page(f"Limitations of {report.model}", body, STYLE)


def _lead(found: Limitations) -> str:
    weak = found.of(Verdict.WEAK)
    if not weak:
        return '<p class="lead">No subset is weaker than the rest beyond chance.</p>'
    names = ", ".join(f'<b><bdi dir="auto">{escape(one.name)}</bdi></b>' for one in weak)
    return f'<p class="lead">Weaker than on all other lines, beyond chance: {names}.</p>'


def _subset_table(found: Limitations) -> str:
    if not found.subsets:
        return '<p class="soft">The lines carry no slice with more than one value, so nothing can be set apart.</p>'
    told = [one for one in found.subsets if one.verdict is not Verdict.SMALL]
    scale = Scale.around([x for one in told for x in (one.apart.low, one.apart.high)], zero=True)
    rows = [[*_subset_row(one), *_verdict_cells(one, scale)] for one in told]
    heads = ["Subset", "CER", "missed", "false", "against the rest, points", "worse →", ""]
    small = [_subset_row(one) for one in found.of(Verdict.SMALL)]
    parts = [f"<h2>Subsets against all other lines</h2>{table(heads, rows)}" if rows else ""]
    if small:
        note = f"Fewer than {FEWEST} lines on one side, or an interval around 0 beyond {100 * WIDEST:.0f} points."
        parts.append(f'<h2>Too small to tell ({len(small)})</h2><p class="soft">{note}</p>{table(heads[:4], small)}')
    return "".join(parts)


def _subset_row(one: Weakness) -> list[str]:
    errors = one.errors
    return [
        name_cell(one.name, f"{errors.counts.samples:,} lines, {errors.counts.characters:,} characters"),
        with_bounds(percent(errors.counts.cer), percent(errors.cer_low), percent(errors.cer_high)),
        percent(errors.rate("missed")),
        percent(errors.rate("false")),
    ]


def _verdict_cells(one: Weakness, scale: Scale) -> list[str]:
    kind = {Verdict.WEAK: "bad", Verdict.STRONG: "good"}.get(one.verdict, "quiet")
    apart = one.apart
    return [
        with_bounds(points(apart.difference), points(apart.low), points(apart.high)),
        f'<span class="{kind}">{interval_picture(apart.difference, apart.low, apart.high, scale, mark=0.0)}</span>',
        tag(str(one.verdict), kind),
    ]


def _weak_section(one: Weakness, images: Mapping[str, Image]) -> str:
    errors = one.errors
    cards = "".join(_example(line, images.get(line.id)) for line in one.examples)
    return (
        f'<h2><bdi dir="auto">{escape(one.name)}</bdi></h2>'
        f'<p class="soft">{percent(errors.counts.cer)} CER here, {percent(one.rest.counts.cer)} elsewhere; '
        f"p = {one.p_value:.2g} after correction</p>"
        f"<p>missed: {glyphs(errors.missed_characters.most_common())}<br>"
        f"falsely read: {glyphs(errors.false_characters.most_common())}</p>{cards}"
    )


def _example(line: Line, image: Image | None) -> str:
    truth, read = marked(line)
    return (
        f"<article><header><span>{escape(line.id)}</span><span>CER {percent(line.counts.cer)}</span></header>"
        f'{image_tag(image)}<dl class="text" dir="{direction(line.reference)}"><dt>true</dt><dd>{truth}</dd>'
        f"<dt>read</dt><dd>{read}</dd></dl></article>"
    )


def _character_table(found: Limitations) -> str:
    if not found.characters:
        return ""
    scale = Scale(0.0, 1.0)
    rows = [
        [
            f'<td class="name"><b><bdi>{escape(shown(one.character))}</bdi></b></td>',
            f"{one.missed:,} of {one.seen:,}",
            with_bounds(percent(one.missed / one.seen, 1), percent(one.low, 1), percent(one.high, 1)),
            interval_picture(one.missed / one.seen, one.low, one.high, scale),
            glyphs([(char or "∅", count) for char, count in one.instead]),
        ]
        for one in found.characters
    ]
    heads = ["Character", "missed", "share, 95 %", "0 to 100 %", "read as"]
    rare = f'<p class="soft">{found.rare:,} characters stand fewer than {RARE} times and are not judged.</p>'
    return f"<h2>Characters missed most</h2>{table(heads, rows)}{rare if found.rare else ''}"


def _key() -> str:
    return (
        '<p class="note">Each subset is compared with all other lines by resampling both; p-values are corrected for '
        "the subsets that got a verdict (Holm). Missed and false characters are counted per true character; ∅ is "
        "nothing. Script, digits and capitals are taken from the true text, all other subsets from the data set.</p>"
    )
