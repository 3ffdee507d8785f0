"""Pictures in cards: curves and columns as inline SVG, without a script; the numbers stand beside them as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 58, 12, 14, 40
DASHES: Final = ("", "7 3", "2 3", "9 3 2 3", "1 5")
"""Lines differ by their dashes as well as by their colour."""
COLOURS: Final = ("#3b6ea8", "#b5622a", "#3f8a57", "#8a5aa6", "#a08420", "#557", "#c0507a")
Points = Sequence[tuple[float, float]]

STYLE = """
.plot polyline { fill: none; stroke-width: 2; } .plot .column { fill: var(--bar); }
.plot .grid { stroke: var(--edge); } .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: .3rem 0 0;
  padding: 0; list-style: none; font-size: .85rem; color: var(--soft); }
.legend svg { width: 2.2rem; height: .7rem; display: inline-block; vertical-align: middle; }
"""


def curves(series: Mapping[str, Points], *, across: str, up: str, percent: bool = False) -> str:
    """Lines through points (x, y), one for each name, with a legend; empty where no series has a point."""
    held = {name: [point for point in points if all(map(math.isfinite, point))] for name, points in series.items()}
    held = {name: points for name, points in held.items() if points}
    if not held:
        return ""
    xs = [x for points in held.values() for x, _ in points]
    ys = [y for points in held.values() for _, y in points]
    x_low, x_high, top = min(xs), max(xs), _round_up(max(ys))
    parts = [_frame(across, up, (x_low, x_high), top, percent)]
    for number, (name, points) in enumerate(held.items()):
        line = " ".join(f"{_x(x, x_low, x_high):.1f},{_y(y, top):.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" {_stroke(number)}><title>{escape(name)}</title></polyline>')
    legend = "".join(
        f'<li><svg viewBox="0 0 36 10" aria-hidden="true"><polyline points="0,5 36,5" {_stroke(number)}/></svg> '
        f'<bdi dir="auto">{escape(name)}</bdi></li>'
        for number, name in enumerate(held)
    )
    return f'<div class="plot">{_svg(parts, f"{up} over {across}")}<ul class="legend">{legend}</ul></div>'


def columns(counts: Sequence[tuple[str, float]], *, across: str, up: str) -> str:
    """A column for each name with its height; empty for none."""
    if not counts:
        return ""
    top = _round_up(max(value for _, value in counts))
    width = (WIDTH - LEFT - RIGHT) / len(counts)
    parts = [_frame(across, up, None, top, percent=False)]
    every = max(1, len(counts) // 10)
    for at, (name, value) in enumerate(counts):
        left, high = LEFT + at * width, _y(value, top)
        parts.append(
            f'<rect class="column" x="{left + 1:.1f}" y="{high:.1f}" width="{max(1.0, width - 2):.1f}" '
            f'height="{HEIGHT - BOTTOM - high:.1f}"><title>{escape(name)}: {value:g}</title></rect>'
        )
        if at % every == 0:
            middle = left + width / 2
            parts.append(
                f'<text x="{middle:.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">{escape(name)}</text>'
            )
    return f'<div class="plot">{_svg(parts, f"{up} by {across}")}</div>'


def _frame(across: str, up: str, ends: tuple[float, float] | None, top: float, percent: bool) -> str:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        value, at = share * top, _y(share * top, top)
        shown = f"{100 * value:g} %" if percent else f"{value:g}"
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{shown}</text>')
    for end, anchor, at in () if ends is None else ((ends[0], "start", LEFT), (ends[1], "end", WIDTH - RIGHT)):
        parts.append(f'<text x="{at}" y="{HEIGHT - BOTTOM + 15}" text-anchor="{anchor}">{end:g}</text>')
    middle, centre = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text class="label" x="{middle}" y="{HEIGHT - 4}" text-anchor="middle">{escape(across)}</text>')
    turned = f'transform="rotate(-90 11 {centre})"'
    parts.append(f'<text class="label" x="11" y="{centre}" text-anchor="middle" {turned}>{escape(up)}</text>')
    return "".join(parts)


def _svg(parts: Sequence[str], title: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def _stroke(number: int) -> str:
    dash = DASHES[number % len(DASHES)]
    return f'stroke="{COLOURS[number % len(COLOURS)]}"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _x(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)


def _round_up(value: float) -> float:
    """The next number of the form 1, 2, 4 or 8 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 4, 8, 10) if step * power >= value * (1 - 1e-9))
