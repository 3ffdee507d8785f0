"""The efficiency score: how much accuracy a model gives for what it spends, relative to another model's outputs.

Over the samples that both have read:

    right(M)     = characters of the reference - edits of M            (never below 0; right / characters = accuracy)
    gain(M, c)   = sum of right(M) / sum of c(M)                       c: vision tokens, or seconds
    score(c)     = gain(ours, c) / gain(theirs, c)
                 = (accuracy ours / accuracy theirs) x (c theirs / c ours)

1 is as efficient, 2 gives twice the right characters for each token (or second). The 95 % interval is paired: the
same samples (or documents, where there are ten or more) are drawn for both models. A cost that one of them did not
record gives no score; no cost is ever guessed. Seconds compare only when both were taken on the same machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from ...errors import DataError
from ...metrics import Interval, counts, total
from ...metrics.bootstrap import paired_bootstrap, ratio_of_ratios
from ..page import figure_cards, html_page
from ..report import Line, Report
from .html import STYLE, Scale, interval_picture, name_cell, percent, points, table, tag, with_bounds
from .outputs import Outputs

FORMAT = "emendo-efficiency/1"
COSTS = {"tokens": "vision token", "seconds": "second"}
"""What is spent, and what one unit of it is called."""


@dataclass(frozen=True, slots=True)
class Score:
    """`value` is ours relative to theirs with its interval; the gains are right characters per unit of cost."""

    cost: str
    ours: float
    theirs: float
    value: float
    low: float
    high: float
    samples: int

    @property
    def verdict(self) -> str:
        """`better`, `worse`, or `not told apart`."""
        return "better" if self.low > 1 else "worse" if self.high < 1 else "not told apart"


@dataclass(frozen=True)
class Efficiency:
    """Two models on the samples that both have read; `missing` says why a score is not there."""

    ours: str
    theirs: str
    dataset: str
    samples: int
    only_ours: int
    only_theirs: int
    accuracy: tuple[float, float]
    accuracy_difference: Interval
    scores: dict[str, Score]
    missing: dict[str, str]
    rejects: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": FORMAT,
            "ours": self.ours,
            "theirs": self.theirs,
            "dataset": self.dataset,
            "samples": self.samples,
            "only_ours": self.only_ours,
            "only_theirs": self.only_theirs,
            "accuracy_ours": self.accuracy[0],
            "accuracy_theirs": self.accuracy[1],
            "accuracy_difference": asdict(self.accuracy_difference),
            "scores": {name: {**asdict(one), "verdict": one.verdict} for name, one in self.scores.items()},
            "missing": self.missing,
            "left_out": list(self.rejects),
        }

    def sentences(self) -> list[str]:
        """The outcome for a person."""
        told = [
            f"{self.samples} samples read by both: character accuracy {percent(self.accuracy[0])} (ours) and "
            f"{percent(self.accuracy[1])} ({self.theirs})"
        ]
        told += [
            f"accuracy per {COSTS[name]}: {one.value:.2f} times theirs ({one.low:.2f} to {one.high:.2f}): {one.verdict}"
            for name, one in self.scores.items()
        ]
        return told + [f"no score per {COSTS[name]}: {why}" for name, why in self.missing.items()]


def efficiency(report: Report, outputs: Outputs) -> Efficiency:
    """Score a report's model against recorded outputs. Raises DataError when they share no sample."""
    shared = [line for line in report.lines if line.id in outputs.rows]
    if not shared:
        raise DataError(
            f"the report of {report.model} and the outputs of {outputs.name} share no sample",
            remedy="record outputs under the ids of the manifest",
        )
    theirs = [counts(line.reference, outputs.rows[line.id].text) for line in shared]
    groups = [line.group or line.id for line in shared]
    scores, missing = {}, {}
    for cost in COSTS:
        ours = [float(getattr(line, cost)) for line in shared]
        spent = [getattr(outputs.rows[line.id], cost) or 0.0 for line in shared]
        lacking = _lacking(ours, spent, report.model, outputs.name, cost)
        if lacking:
            missing[cost] = lacking
            continue
        right = [float(max(0, line.counts.characters - line.counts.edits)) for line in shared]
        right_theirs = [float(max(0, one.characters - one.edits)) for one in theirs]
        found = ratio_of_ratios((right, ours), (right_theirs, spent), groups=groups)
        gains = sum(right) / sum(ours), sum(right_theirs) / sum(spent)
        scores[cost] = Score(cost, *gains, found.value, found.low, found.high, len(shared))
    left, right_total = total(line.counts for line in shared), total(theirs)
    paired = paired_bootstrap(
        [one.edits for one in theirs],
        [line.counts.edits for line in shared],
        [line.counts.characters for line in shared],
        groups=groups,
    )
    difference = Interval(-paired.difference, -paired.high, -paired.low, paired.level, paired.unit)
    return Efficiency(
        ours=report.model,
        theirs=outputs.name,
        dataset=report.dataset,
        samples=len(shared),
        only_ours=len(report.lines) - len(shared),
        only_theirs=len(outputs.rows) - len(shared),
        accuracy=(1 - left.cer, 1 - right_total.cer),
        accuracy_difference=difference,
        scores=scores,
        missing=missing,
        rejects=tuple(str(one.error()) for one in outputs.rejects),
    )


def _lacking(ours: Sequence[float], theirs: Sequence[float], model: str, other: str, cost: str) -> str:
    for name, values in ((model, ours), (other, theirs)):
        without = sum(1 for value in values if value <= 0)
        if without:
            return f"{name} has no {cost} recorded for {without} of {len(values)} samples"
    return ""


def efficiency_page(made: Efficiency, lines: Sequence[Line]) -> str:
    """HTML of a comparison; `lines` are those of our report, to tell how many characters it is about."""
    difference = made.accuracy_difference
    cards = [
        ("Accuracy, ours", percent(made.accuracy[0]), escape(made.ours)),
        ("Accuracy, theirs", percent(made.accuracy[1]), escape(made.theirs)),
        (
            "Ours − theirs, points",
            points(difference.value),
            f"95 %: {points(difference.low)} to {points(difference.high)}",
        ),
    ]
    scale = Scale.around([1.0, *(x for one in made.scores.values() for x in (one.value, one.low, one.high))], zero=True)
    rows = [
        [
            name_cell(f"right characters per {COSTS[name]}", f"{one.samples:,} samples read by both"),
            f"{one.ours:,.2f}",
            f"{one.theirs:,.2f}",
            with_bounds(f"{one.value:,.2f}", f"{one.low:,.2f}", f"{one.high:,.2f}"),
            interval_picture(one.value, one.low, one.high, scale, mark=1.0),
            tag(one.verdict, {"better": "good", "worse": "bad"}.get(one.verdict, "quiet")),
        ]
        for name, one in made.scores.items()
    ]
    characters = sum(line.counts.characters for line in lines)
    body = [
        "<h1>Efficiency score</h1>",
        f'<p class="soft">{escape(made.ours)} against {escape(made.theirs)} on '
        f'<bdi dir="auto">{escape(made.dataset)}</bdi>: {made.samples:,} of {len(lines):,} lines '
        f"({characters:,} characters in all)</p>",
        figure_cards(cards),
        table(["What", "ours", "theirs", "score, 95 %", "1 is as efficient", ""], rows) if rows else "",
        *(f'<p class="soft">No score per {COSTS[name]}: {escape(why)}.</p>' for name, why in made.missing.items()),
        _definition(made),
    ]
    if made.rejects:
        items = "".join(f"<li>{escape(one)}</li>" for one in made.rejects[:40])
        body.append(f"<h2>Rows left out ({len(made.rejects):,})</h2><ul>{items}</ul>")
    return html_page(f"Efficiency of {made.ours} against {made.theirs}", body, STYLE)


def _definition(made: Efficiency) -> str:
    return (
        "<h2>What the score is</h2>"
        '<p class="note">Right characters are those of the reference less the edits of the reading. The score is the '
        "right characters that ours gives for each vision token (or second), divided by the same figure of theirs: "
        "1 is as efficient, 2 twice. It is (accuracy ours / accuracy theirs) × (cost theirs / cost ours), over the "
        "samples that both have read. The interval is paired: the same samples are drawn for both. Seconds compare "
        "only when both were taken on the same machine.</p>"
        f'<p class="soft">Read by ours alone: {made.only_ours:,}; by theirs alone: {made.only_theirs:,}. '
        "Neither is in any figure above.</p>"
    )
