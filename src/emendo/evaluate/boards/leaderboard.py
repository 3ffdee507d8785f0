"""The leaderboard: summaries of many models, ranked by one metric in its right direction, per data set.

Only summaries of the same data (same hash, same split) are ranked against each other. Where the reports lie beside
the summaries, each model is also set against the first on the same lines, since two intervals that overlap do not
say that two models are alike, nor that they are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

from ...errors import DataError
from ...metrics.bootstrap import paired_bootstrap
from ...metrics.parts import parts
from ...metrics.table import Better, Metric, Pairs, metric
from ..page import figure_cards, html_page
from ..report import Report
from .html import STYLE, Scale, interval_picture, megabytes, name_cell, percent, table, tag, with_bounds
from .summary import Entry, Figure, Summary

FORMAT = "emendo-leaderboard/1"
BESIDE = ("cer", "wer", "exact")
OF_100 = frozenset({"bleu", "chrf"})
"""Metrics that run from 0 to 100 and are no shares."""


@dataclass(frozen=True, slots=True)
class Against:
    """A model against the first of its board on the same lines: `difference` in the metric's own direction.

    Below 0 is behind; `apart` is True when the 95 % interval leaves out 0.
    """

    difference: float
    low: float
    high: float
    apart: bool


@dataclass(frozen=True)
class Row:
    """One model on a board; `against` is None for the first, and where the lines are not there to compare."""

    rank: int
    entry: Entry
    figure: Figure
    against: Against | None = None

    @property
    def summary(self) -> Summary:
        """What was measured."""
        return self.entry.summary


@dataclass(frozen=True)
class Board:
    """The models on one data set, best first; `unranked` lack the metric."""

    dataset: str
    dataset_hash: str
    split: str
    metric: Metric
    rows: tuple[Row, ...]
    unranked: tuple[Entry, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "dataset": self.dataset,
            "dataset_hash": self.dataset_hash,
            "split": self.split,
            "rows": [
                {
                    "rank": row.rank,
                    "model": row.summary.model,
                    "family": row.summary.family,
                    **row.figure.model_dump(mode="json", exclude={"better"}),
                    "against_first": asdict(row.against) if row.against else None,
                    "metrics": {name: one.value for name, one in row.summary.metrics.items()},
                    "samples": row.summary.samples,
                    "size": row.summary.size or None,
                    "milliseconds": row.summary.milliseconds,
                    "tokens_per_line": row.summary.tokens_per_line,
                    "made": row.summary.made,
                    "summary": str(row.entry.path),
                }
                for row in self.rows
            ],
            "unranked": [entry.summary.model for entry in self.unranked],
        }


@dataclass(frozen=True)
class Leaderboard:
    """All boards, the one with most models first."""

    metric: Metric
    boards: tuple[Board, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": FORMAT,
            "metric": self.metric.name,
            "better": str(self.metric.better),
            "boards": [board.to_dict() for board in self.boards],
        }


def leaderboard(entries: Sequence[Entry], by: str = "character_accuracy") -> Leaderboard:
    """Rank summaries by a metric of the table.

    Of one model on one data set the newest summary counts. Raises UsageError for an unknown metric, DataError when no
    summary has it.
    """
    wanted = metric(by)
    newest: dict[tuple[str, str, str], Entry] = {}
    for entry in entries:
        summary = entry.summary
        key = (summary.dataset_hash, summary.split, summary.model)
        if key not in newest or newest[key].summary.made <= summary.made:
            newest[key] = entry
    grouped: dict[tuple[str, str], list[Entry]] = {}
    for (data, split, _), entry in newest.items():
        grouped.setdefault((data, split), []).append(entry)
    boards = [_board(some, wanted) for some in grouped.values()]
    if not any(board.rows for board in boards):
        there = sorted({name for entry in entries for name in entry.summary.metrics})
        raise DataError(
            f"no summary has the metric {by!r}" if entries else "there is no summary to rank",
            remedy=f"the summaries have {', '.join(there)}" if there else "run `emendo evaluate --keep` first",
        )
    return Leaderboard(wanted, tuple(sorted(boards, key=lambda board: (-len(board.rows), board.dataset, board.split))))


def _board(entries: Sequence[Entry], wanted: Metric) -> Board:
    first = entries[0].summary
    ranked = [entry for entry in entries if wanted.name in entry.summary.metrics]
    sign = 1 if wanted.better is Better.LOWER else -1
    ranked.sort(key=lambda entry: (sign * entry.summary.metrics[wanted.name].value, entry.summary.model))
    values = [entry.summary.metrics[wanted.name].value for entry in ranked]
    rows = tuple(
        Row(values.index(value) + 1, entry, entry.summary.metrics[wanted.name], _against(ranked[0], entry, wanted))
        for entry, value in zip(ranked, values, strict=True)
    )
    rest = tuple(entry for entry in entries if wanted.name not in entry.summary.metrics)
    return Board(first.dataset, first.dataset_hash, first.split, wanted, rows, rest)


def _against(first: Entry, other: Entry, wanted: Metric) -> Against | None:
    """The paired difference, where both reports are there, hold the same lines, and the metric is a sum of lines."""
    if first is other or first.report is None or other.report is None:
        return None
    theirs = {line.id: line for line in other.report.lines}
    pairs = [(line, theirs.get(line.id)) for line in first.report.lines]
    both = [(a, b) for a, b in pairs if b is not None and b.reference == a.reference]
    if len(both) != len(first.report.lines) or len(both) != len(other.report.lines):
        return None
    a = parts(wanted, _pairs(first.report, first.summary.tokenizer, [line.id for line, _ in both]))
    b = parts(wanted, _pairs(other.report, other.summary.tokenizer, [line.id for line, _ in both]))
    if a is None or b is None or (a.below != b.below).any():
        return None
    found = paired_bootstrap(
        a.above.tolist(), b.above.tolist(), a.below.tolist(), groups=[line.group or line.id for line, _ in both]
    )
    sign = 1 if wanted.better is Better.HIGHER and not a.complement else -1
    low, high = sorted((sign * found.low, sign * found.high))
    return Against(sign * found.difference, low, high, not low <= 0 <= high)


def _pairs(report: Report, tokens: str, ids: Sequence[str]) -> Pairs:
    lines = {line.id: line for line in report.lines}
    kept = [lines[one] for one in ids]
    return Pairs([line.reference for line in kept], [line.hypothesis for line in kept], tokens=tokens)


def leaderboard_page(made: Leaderboard, faults: Sequence[str] = ()) -> str:
    """HTML of a leaderboard; `faults` name what was left out."""
    row = made.metric
    models = {one.summary.model for board in made.boards for one in board.rows}
    way = "higher is better" if row.better is Better.HIGHER else "lower is better"
    cards = [
        ("Ranked by", escape(row.name.replace("_", " ")), f"{escape(row.title)}; {way}"),
        ("Models", f"{len(models):,}", f"on {len(made.boards)} data set{'s' * (len(made.boards) != 1)}"),
    ]
    body = ["<h1>Leaderboard</h1>", figure_cards(cards), *(_section(board) for board in made.boards), _key()]
    if faults:
        items = "".join(f"<li>{escape(fault)}</li>" for fault in faults)
        body.append(f"<h2>Left out ({len(faults)})</h2><ul>{items}</ul>")
    return html_page("Leaderboard", body, STYLE)


def _section(board: Board) -> str:
    same = {"character_accuracy": "cer"}.get(board.metric.name, board.metric.name)
    names = [name for name in BESIDE if name != same]
    heads = [
        '<th class="rank"></th>',
        '<th class="name">Model</th>',
        escape(board.metric.name.replace("_", " ")),
        "",
        "against the first",
    ]
    heads += [{"cer": "CER", "wer": "WER", "exact": "no error"}[name] for name in names]
    heads += ["ms", "tokens", "MB"]
    figures = [row.figure for row in board.rows]
    scale = Scale.around([x for one in figures for x in (one.value, one.low, one.high)])
    part = f", split {escape(board.split)}" if board.split else ""
    rows = [_row(board, row, scale, names) for row in board.rows]
    samples = {row.summary.samples for row in board.rows}
    lines = f"{min(samples):,}" if len(samples) == 1 else f"{min(samples):,} to {max(samples):,}"
    rest = ", ".join(escape(entry.summary.model) for entry in board.unranked)
    return (
        f'<h2><bdi dir="auto">{escape(board.dataset)}</bdi></h2>'
        f'<p class="soft">{escape(board.dataset_hash[:12])}{part}: {lines} lines</p>'
        f"{table(heads, rows)}" + (f'<p class="soft">Without this metric: {rest}</p>' if rest else "")
    )


def _row(board: Board, row: Row, scale: Scale, names: Sequence[str]) -> list[str]:
    summary, figure = row.summary, row.figure
    note = " · ".join(part for part in (summary.family, summary.made[:10], summary.processor) if part)
    speed = "–" if summary.milliseconds is None else f"{summary.milliseconds:,.1f}"
    spent = "–" if summary.tokens_per_line is None else f"{summary.tokens_per_line:,.0f}"
    value = f"<b>{_value(board, figure.value)}</b>"
    if figure.low is not None:
        value = with_bounds(_value(board, figure.value), _value(board, figure.low), _value(board, figure.high))
    return [
        f'<td class="rank">{row.rank}</td>',
        name_cell(summary.model, note),
        value,
        interval_picture(figure.value, figure.low, figure.high, scale),
        _verdict(row),
        *(_other(summary, name) for name in names),
        speed,
        spent,
        megabytes(summary.size),
    ]


def _verdict(row: Row) -> str:
    if row.rank == 1 and row.against is None:
        return tag("first", "good")
    if row.against is None:
        return '<span class="soft">–</span>'
    one = row.against
    behind = f"{abs(100 * one.difference):.2f} points {'ahead' if one.difference > 0 else 'behind'}"
    told = f"{100 * one.low:+.2f} to {100 * one.high:+.2f}".replace("-", "\N{MINUS SIGN}")
    label = tag(behind, "bad") if one.apart else tag("not told apart", "quiet")
    return f"{label}<small>{told}</small>"


def _other(summary: Summary, name: str) -> str:
    held = summary.metrics.get(name)
    return percent(held.value if held else None)


def _value(board: Board, value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if board.metric.name in OF_100 else percent(value)


def _key() -> str:
    return (
        '<p class="note">95 % intervals by resampling lines (documents, where there are ten or more). '
        "“Against the first” is a paired comparison on the same lines, in points of the metric, shown where the "
        "reports lie beside their summaries. Milliseconds are those of reading one line, on the machine named "
        "under the model, and compare only with others from the same machine. Tokens are vision tokens: what a model "
        "spends on seeing one line. MB are the files that it reads with.</p>"
    )
