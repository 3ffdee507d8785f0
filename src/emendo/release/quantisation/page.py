"""The report as one HTML page: a plot of errors against milliseconds with sizes as area, and the table."""

from __future__ import annotations

import math
from html import escape

from ...evaluate.boards.html import STYLE, name_cell, percent, points, table, tag, with_bounds
from ...evaluate.page import figure_cards, html_page
from .report import FormRow, Quantisation

WIDTH, HEIGHT = 680, 340
LEFT, RIGHT, TOP, BOTTOM = 70, 130, 24, 48
LABEL_GAP = 18
LARGEST = 34
"""Radius of the largest form, in pixels."""
OWN_STYLE = ".size{fill:#3b6ea8;fill-opacity:.25;stroke:#3b6ea8}.size.refused{fill:#b3261e;stroke:#b3261e}"


def quantisation_page(made: Quantisation) -> str:
    """HTML of a report."""
    first = made.rows[0]
    cards = [
        ("Model", escape(made.model), f"family {escape(made.family)}"),
        (f"Read, {escape(made.one)}s", f"{first.samples:,}", escape(made.data)),
        ("Budget, points", f"{100 * made.budget:.2f}", f"greatest rise of {escape(made.error)}"),
    ]
    heads = [
        "Form",
        f"{made.error}, 95 %",
        "against the first, points",
        f"ms a {made.one}",
        "p95",
        "MB",
        "memory, MB",
        "",
    ]
    body = [
        "<h1>Quantisation</h1>",
        f'<p class="soft">{escape(made.machine)}; every form read the same {escape(made.one)}s in the same run</p>',
        figure_cards(cards),
        f'<div class="plot">{plot(made)}</div>',
        table([escape(head) for head in heads], (_cells(row) for row in made.rows)),
        '<p class="note">Latency is processor time of one sample (median, and 95th percentile). Size is that of all '
        "files, of weights quantised while they are loaded that of the weights in memory. Memory is the most that a "
        "process of its own held. A form is refused when it is not both smaller and faster than the float form, or "
        "when its errors rise beyond the budget; its figures stand here all the same.</p>",
    ]
    return html_page(f"Quantisation of {made.model}", body, STYLE + OWN_STYLE)


def _cells(row: FormRow) -> list[str]:
    return [
        name_cell(row.form, row.fault),
        "–" if row.error is None else with_bounds(percent(row.error), percent(row.error_low), percent(row.error_high)),
        _difference(row),
        _number(row.milliseconds, 1),
        _number(row.milliseconds_95, 1),
        _number(row.megabytes, 1),
        _number(row.memory_megabytes, 0),
        tag("refused", "bad") if row.fault else tag("fit", "good") if row.difference is not None else "",
    ]


def _difference(row: FormRow) -> str:
    if row.difference is None or row.difference_low is None or row.difference_high is None:
        return "–"
    return with_bounds(points(row.difference), points(row.difference_low), points(row.difference_high))


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def plot(made: Quantisation) -> str:
    """Errors over milliseconds as SVG, one disc a measured form; its area is the size."""
    shown = [
        (row, row.milliseconds, row.error, row.megabytes)
        for row in made.rows
        if row.milliseconds is not None and row.error is not None and row.megabytes is not None
    ]
    most_ms = max((ms for _, ms, _, _ in shown), default=1.0) * 1.15 or 1.0
    most_error = max((error for _, _, error, _ in shown), default=0.0) * 1.25 or 0.01
    most_size = max((size for *_, size in shown), default=1.0) or 1.0

    def at(ms: float, error: float) -> tuple[float, float]:
        x = LEFT + ms / most_ms * (WIDTH - LEFT - RIGHT)
        return x, HEIGHT - BOTTOM - error / most_error * (HEIGHT - TOP - BOTTOM)

    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = at(share * most_ms, share * most_error)
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        told = f"{100 * share * most_error:.2f} %"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{told}</text>')
        told = f"{share * most_ms:.1f}"
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{told}</text>')
    for row, ms, error, size in sorted(shown, key=lambda one: -one[3]):
        x, y = at(ms, error)
        kind = "size refused" if row.fault else "size"
        radius = max(3.0, LARGEST * math.sqrt(size / most_size))
        parts.append(f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>')
    parts += _labels([(row.form, *at(ms, error)) for row, ms, error, _ in shown])
    middle = (LEFT + WIDTH - RIGHT) / 2
    axis = f"milliseconds a {made.one} (median); up: {made.error}; area: size"
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(axis)}</text>')
    told = "; ".join(f"{row.form}: {100 * error:.2f} %, {ms:.1f} ms, {size:.1f} MB" for row, ms, error, size in shown)
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img"><title>{escape(told)}</title>'
    return f"{head}{''.join(parts)}</svg>"


def _labels(places: list[tuple[str, float, float]]) -> list[str]:
    """The names of forms beside the plot, each with a line to its disc, so that none covers another."""
    parts, last = [], -math.inf
    for name, x, y in sorted(places, key=lambda one: (one[2], one[1])):
        last = max(y, last + LABEL_GAP)
        edge = WIDTH - RIGHT + 8
        parts.append(f'<line class="axis" x1="{x:.1f}" y1="{y:.1f}" x2="{edge}" y2="{last:.1f}"/>')
        parts.append(f'<text class="label" x="{edge + 4}" y="{last + 4:.1f}">{escape(name)}</text>')
    return parts
