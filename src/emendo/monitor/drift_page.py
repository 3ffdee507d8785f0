"""Drift as one HTML file that people read: what is said, the evidence page by page, and every measure with its band."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Final

from ..evaluate.boards.drift import Drift as ErrorDrift
from ..evaluate.boards.html import STYLE as TABLES
from ..evaluate.boards.html import name_cell, percent, table, tag, times
from ..evaluate.page import figure_cards, html_page
from ..tools.files import write_text
from .drift import NAMED, WINDOW, Drift, KindDrift, MeasureNow
from .features import FAMILIES, MEASURES
from .plots import STYLE as PLOTS
from .plots import Curve, curve_figure
from .steps import spans_of

FAMILY_TITLES: Final = {
    "confidence": "How sure the model is",
    "image": "Images",
    "characters": "Characters",
    "length": "How much is read",
    "text": "Whether it is text of its language",
    "refusals": "Refused, failed, empty",
    "fields": "Fields of documents",
    "together": "All measures together",
    "time": "Time (watched by no alarm)",
}
SHARES: Final = frozenset(
    {
        "confidence",
        "doubt",
        "ink",
        "lower",
        "upper",
        "digits",
        "marks",
        "known",
        "script",
        "empty",
        "rejected",
        "failed",
    }
)
"""Measures that are shares, told in percent."""


def write_drift_page(path: Path, drift: Drift, errors: ErrorDrift | None = None) -> None:
    """Write the page, whole or not at all; `errors` compares judged readings by subset."""
    write_text(path, drift_page(drift, errors))


def drift_page(drift: Drift, errors: ErrorDrift | None = None) -> str:
    """The page as HTML."""
    made = f"{drift.baseline.made:%d %B %Y, %H:%M} UTC"
    body = [
        "<h1>Drift</h1>",
        f'<p class="soft">Against the baseline of {made}, from {escape(drift.baseline.source)}.</p>',
        *(f'<p class="lead">{_sentence(text)}</p>' for text in drift.sentences()),
    ]
    for one in drift.kinds:
        body += _kind(one)
    if errors is not None and errors.changes:
        body += _subsets(errors)
    body.append(
        '<p class="note">The coloured band holds nine of ten pages of the baseline; a dot is a page, or the mean of'
        " some where there are many, the line their moving mean. Evidence is what a bettor against “nothing has"
        " changed” would have won; the alarm comes at the broken line, which traffic like the baseline's reaches on"
        f" average after {drift.kinds[0].threshold if drift.kinds else 0:,.0f} pages or more.</p>"
    )
    return html_page("Drift", body, TABLES + PLOTS)


def _sentence(text: str) -> str:
    head, alarm, rest = text.partition("ALARM ")
    if alarm and not head:
        return f"{tag('alarm', 'bad')} <bdi>{escape(rest)}</bdi>"
    return f"<bdi>{escape(text)}</bdi>"


def _kind(one: KindDrift) -> list[str]:
    evidence = one.steps[-1].evidence / one.threshold if one.steps else 0.0
    alarms = len(spans_of(one.steps))
    cards = [
        ("Pages", f"{len(one.pages):,}", escape(f"of kind {one.kind}")),
        ("Evidence", times(evidence), "what raises the alarm"),
        ("Alarms", str(alarms), "times above the line"),
    ]
    if one.cer is not None:
        cards.append(("CER", percent(one.cer), f"last {len(one.judged[-WINDOW:])} judged pages"))
    body = [f"<h2>{escape(one.kind.capitalize())}</h2>", figure_cards(cards)]
    alarmed = spans_of(one.steps)
    values = [max(step.evidence / one.threshold, 1e-6) for step in one.steps]
    curve = Curve(values, limit=1.0, alarms=alarmed, logarithm=True)
    body.append(curve_figure("Evidence of a change", "alarm at 1, the broken line", curve, wide=True))
    body += _errors(one)
    causes = dict(one.steps[-1].causes) if one.steps else {}
    for family in FAMILIES:
        rows = [row for row in one.measures if row.family == family]
        if rows:
            body.append(f"<h3>{escape(FAMILY_TITLES[family])}</h3>")
            body.append(f'<div class="curves">{"".join(_measure(one, row, causes, alarmed) for row in rows)}</div>')
    return [*body, *_characters(one), _figures(one)]


def _errors(one: KindDrift) -> list[str]:
    if not one.judged:
        return []
    norm = one.error_norm
    curve = Curve(
        [page.cer for page in one.judged],
        band=norm.band if norm is not None else None,
        alarms=spans_of(one.error_steps),
        percent=True,
    )
    note = "pages that people judged later" if norm is not None else "the baseline has too few judged pages to compare"
    return [curve_figure("CER", note, curve, wide=True)]


def _measure(one: KindDrift, row: MeasureNow, causes: dict[str, float], alarmed: Sequence[tuple[int, int]]) -> str:
    values = [page.values.get(row.measure) for page in one.pages]
    part = causes.get(row.measure, 0.0)
    badge = tag("higher" if part > 0 else "lower", "bad") if abs(part) >= NAMED else ""
    logarithm = MEASURES[row.measure].logarithm and row.low > 0 and all(value is None or value > 0 for value in values)
    share = row.measure in SHARES
    note = f"now {_told(row.now, share)}, usually {_told(row.low, share)} to {_told(row.high, share)}"
    curve = Curve(values, (row.low, row.high), alarms=alarmed, logarithm=logarithm, percent=share and not logarithm)
    return curve_figure(row.title[:1].upper() + row.title[1:], note, curve, tag=badge)


def _characters(one: KindDrift) -> list[str]:
    rows = [
        (name_cell("all others" if char == "…" else char), percent(before), percent(now))
        for char, before, now in one.characters
    ]
    letters, before = sum(one.scripts.values()), sum(one.scripts_before.values())
    scripts = [
        (
            name_cell(script.capitalize()),
            percent(one.scripts_before.get(script, 0) / max(before, 1)),
            percent(count / max(letters, 1)),
        )
        for script, count in sorted(one.scripts.items(), key=lambda item: -item[1])[:6]
    ]
    return [
        f"<h3>Characters whose shares changed most in the last pages (stability index {one.index:.2f})</h3>",
        table(('<th class="name">Character</th>', "Baseline", "Now"), rows),
        f"<h3>Scripts{f', expected language {escape(one.language)}' if one.language else ''}</h3>",
        table(('<th class="name">Script</th>', "Baseline", "Now"), scripts),
    ]


def _figures(one: KindDrift) -> str:
    heads = ('<th class="name">Measure</th>', "Baseline", "Nine of ten", "Last pages", "Score", "PSI", "KS p")
    rows = [
        (
            name_cell(row.title, row.family),
            _told(row.before, row.measure in SHARES),
            f"{_told(row.low, row.measure in SHARES)} to {_told(row.high, row.measure in SHARES)}",
            f"<b>{_told(row.now, row.measure in SHARES)}</b>",
            f"{row.score:+.1f}".replace("-", "\N{MINUS SIGN}"),
            f"{row.index:.2f}",
            f"{row.p:.3f}" if row.p >= 0.001 else "&lt; 0.001",
        )
        for row in sorted(one.measures, key=lambda row: -abs(row.score))
    ]
    return f"<h3>The last {min(WINDOW, len(one.pages))} pages beside the baseline</h3>{table(heads, rows)}"


def _subsets(errors: ErrorDrift) -> list[str]:
    rows = [
        (name_cell(one.sentence()), tag(one.state.value, "bad" if one.state.value == "alert" else "quiet"))
        for one in errors.changes
        if one.measure == "cer"
    ]
    return ["<h2>Errors by subset</h2>", table(('<th class="name">Subset</th>', "State"), rows)]


def _told(value: float, share: bool) -> str:
    return percent(value, 1) if share else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
