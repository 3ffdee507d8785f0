"""Curves over pages as inline SVG: values, the band of the baseline, a threshold, and where an alarm began."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import floor, log10
from typing import Final

WIDTH, HEIGHT = 460, 170
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 28
MOST_POINTS: Final = 230
STYLE: Final = """
.curves { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: .8rem;
  margin: .6rem 0 1.4rem; }
.curve { background: var(--card); border: 1px solid var(--edge); border-radius: .5rem; padding: .6rem .7rem .4rem;
  margin: 0; }
.curve.wide { max-width: 60rem; margin: .6rem 0; }
.curve figcaption { font-size: .95rem; display: flex; justify-content: space-between; gap: .8rem;
  align-items: baseline; }
.curve small { color: var(--soft); display: block; font-size: .8rem; }
.curve svg { width: 100%; height: auto; display: block; margin-top: .3rem; }
.curve text { fill: var(--soft); font: 11px system-ui, sans-serif; }
.curve .band { fill: var(--bar); opacity: .14; } .curve .grid { stroke: var(--edge); }
.curve .path { fill: none; stroke: var(--bar); stroke-width: 1.8; stroke-linejoin: round; }
.curve .point { fill: var(--bar); opacity: .35; } .curve .point.out { fill: var(--wrong); opacity: .8; }
.curve .limit { stroke: var(--wrong); stroke-dasharray: 5 3; stroke-width: 1.5; }
.curve .alarm { stroke: var(--wrong); stroke-width: 1.5; } .curve .alarmed { fill: var(--wrong); opacity: .07; }
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """What a plot shows: a value a page (None: not told), the `band` of the usual, a `limit`, and the pages (from 0)
    from and to which an alarm lasted. With `logarithm` the axis is logarithmic, and all values are above 0."""

    values: Sequence[float | None]
    band: tuple[float, float] | None = None
    limit: float | None = None
    alarms: Sequence[tuple[int, int]] = ()
    logarithm: bool = False
    percent: bool = False


def curve_figure(title: str, note: str, curve: Curve, *, tag: str = "", wide: bool = False) -> str:
    """A plot with its title and a note below it (texts, escaped here); `tag` is HTML beside the title."""
    kind = "curve wide" if wide else "curve"
    head = f"<figcaption><b>{escape(title)}</b>{tag}</figcaption>"
    return f'<figure class="{kind}">{head}<small>{escape(note)}</small>{_picture(title, curve, wide)}</figure>'


def _picture(title: str, curve: Curve, wide: bool) -> str:
    width, height = (2 * WIDTH, HEIGHT + 40) if wide else (WIDTH, HEIGHT)
    scale = _Scale.of(curve, width, height)
    parts = [*_grid(curve, scale)]
    if curve.band is not None:
        top, bottom = scale.y(curve.band[1]), scale.y(curve.band[0])
        thick = max(bottom - top, 2)
        parts.append(
            f'<rect class="band" x="{LEFT}" y="{top:.1f}" width="{scale.right - LEFT:.1f}" height="{thick:.1f}"/>'
        )
    for start, end in curve.alarms:
        left, right = scale.x(start), scale.x(end)
        parts.append(
            f'<rect class="alarmed" x="{left:.1f}" y="{TOP}" width="{max(right - left, 1):.1f}"'
            f' height="{scale.bottom - TOP:.1f}"/>'
            f'<line class="alarm" x1="{left:.1f}" x2="{left:.1f}" y1="{TOP}" y2="{scale.bottom:.1f}"/>'
        )
    if curve.limit is not None:
        at = scale.y(curve.limit)
        parts.append(f'<line class="limit" x1="{LEFT}" x2="{scale.right:.1f}" y1="{at:.1f}" y2="{at:.1f}"/>')
    parts += _marks(curve, scale)
    return f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


@dataclass(frozen=True, slots=True)
class _Scale:
    low: float
    high: float
    count: int
    right: float
    bottom: float
    logarithm: bool

    @classmethod
    def of(cls, curve: Curve, width: int, height: int) -> _Scale:
        held = [value for value in curve.values if value is not None]
        held += [*(curve.band or ()), *([curve.limit] if curve.limit is not None else [])]
        if curve.logarithm:
            held = [log10(max(value, 1e-9)) for value in held]
        low, high = min(held, default=0.0), max(held, default=1.0)
        room = (high - low) * 0.06 or abs(high) * 0.05 or 0.05
        return cls(low - room, high + room, len(curve.values), width - RIGHT, height - BOTTOM, curve.logarithm)

    def x(self, page: float) -> float:
        return LEFT + (self.right - LEFT) * (page + 0.5) / max(self.count, 1)

    def y(self, value: float) -> float:
        at = log10(max(value, 1e-9)) if self.logarithm else value
        return TOP + (self.bottom - TOP) * (1 - (at - self.low) / (self.high - self.low))


def _grid(curve: Curve, scale: _Scale) -> list[str]:
    parts = []
    for value in _ticks(scale.low, scale.high, scale.logarithm):
        at = scale.y(value)
        parts.append(
            f'<line class="grid" x1="{LEFT}" x2="{scale.right:.1f}" y1="{at:.1f}" y2="{at:.1f}"/>'
            f'<text x="{LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{_number(value, curve.percent)}</text>'
        )
    for page in sorted({0, scale.count // 2, scale.count - 1} - {-1}):
        where = "start" if page == 0 and scale.count > 1 else "end" if page == scale.count - 1 else "middle"
        name = f"page {page + 1}" if page == 0 else str(page + 1)
        parts.append(f'<text x="{scale.x(page):.1f}" y="{scale.bottom + 16:.1f}" text-anchor="{where}">{name}</text>')
    return parts


def _marks(curve: Curve, scale: _Scale) -> list[str]:
    """The pages as dots, few enough to see, and their moving mean as a line."""
    step = max(1, -(-len(curve.values) // MOST_POINTS))
    parts, path = [], []
    window = max(5, step)
    for start in range(0, len(curve.values), step):
        held = [value for value in curve.values[start : start + step] if value is not None]
        if not held:
            continue
        value, at = sum(held) / len(held), scale.x(start + (min(step, len(curve.values) - start) - 1) / 2)
        out = curve.band is not None and not curve.band[0] <= value <= curve.band[1]
        if curve.limit is None or curve.band is not None:
            kind = "point out" if out else "point"
            parts.append(f'<circle class="{kind}" cx="{at:.1f}" cy="{scale.y(value):.1f}" r="2.2"/>')
            near = [one for one in curve.values[max(start - window + 1, 0) : start + step] if one is not None]
            value = sum(near) / len(near)
        path.append(f"{at:.1f},{scale.y(value):.1f}")
    parts.append(f'<polyline class="path" points="{" ".join(path)}"/>')
    return parts


def _ticks(low: float, high: float, logarithm: bool) -> list[float]:
    if logarithm:
        step = max(1, round((high - low) / 4))
        return [10.0**power for power in range(floor(low) + 1, floor(high) + 1, step)]
    raw = (high - low) / 4
    unit = 10.0 ** floor(log10(raw))
    width = next(unit * times for times in (1, 2, 2.5, 5, 10) if unit * times >= raw)
    first = floor(low / width) + 1
    return [round(number * width, 12) for number in range(first, floor(high / width) + 1)]


def _number(value: float, percent: bool) -> str:
    if percent:
        return f"{100 * value:.3g} %"
    if value and (abs(value) >= 10_000 or abs(value) < 0.001):
        return f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.4g}"
