"""What the pages of the boards have in common: interval pictures, tables, and the style on top of `evaluate.page`.

All of it is plain HTML and inline SVG: no script, no other file, light and dark; numbers are told in text beside
every picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from .subsets import shown

WIDTH, HEIGHT = 130, 18
MARGIN = 5

STYLE = """
.lead { font-size: 1.05rem; max-width: 48rem; }
.table { background: var(--card); border: 1px solid var(--edge); border-radius: .5rem; overflow-x: auto;
  margin: .6rem 0 1.4rem; }
.table table { width: 100%; }
.table th, .table td { padding: .5rem .7rem; vertical-align: middle; }
.table tr:last-child td { border-bottom: 0; }
.table td small { display: block; color: var(--soft); font-size: .8rem; white-space: normal; }
.table td.name { min-width: 14rem; text-align: left; white-space: normal; }
.table th.name { text-align: left; } .table td.rank, .table th.rank { min-width: 0; }
.table svg { display: block; }
.rank { color: var(--soft); }
.tag { display: inline-block; border: 1px solid currentColor; border-radius: 1rem; padding: 0 .6rem; font-size: .8rem;
  white-space: nowrap; }
.tag.bad { background: var(--wrong-bg); } .tag.good { background: var(--right-bg); } .tag.quiet { color: var(--soft); }
.whisker { stroke: var(--bar); stroke-width: 2; } .dot { fill: var(--bar); }
.mark { stroke: var(--soft); stroke-dasharray: 2 2; }
.bad .whisker { stroke: var(--wrong); } .bad .dot { fill: var(--wrong); }
.good .whisker { stroke: var(--right); } .good .dot { fill: var(--right); }
.chars { display: inline-flex; flex-wrap: wrap; gap: .15rem .55rem; }
.chars b { font-weight: 500; font-size: 1.05rem; } .chars span { white-space: nowrap; }
.note { border-inline-start: 3px solid var(--bar); padding: .1rem 0 .1rem .9rem; max-width: 48rem;
  color: var(--soft); }
.plot { background: var(--card); border: 1px solid var(--edge); border-radius: .5rem; padding: .6rem;
  max-width: 46rem; }
.plot svg { width: 100%; height: auto; display: block; }
.plot text { fill: var(--soft); font: 12px system-ui, sans-serif; } .plot .label { fill: var(--ink); font-size: 13px; }
.axis { stroke: var(--edge); }
"""


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps [low, high] to the columns of an interval picture."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float | None], *, zero: bool = False) -> Scale:
        """A scale that holds all values that are there (and 0 with `zero`)."""
        held = [value for value in values if value is not None] + ([0.0] if zero else [])
        low, high = (min(held), max(held)) if held else (0.0, 1.0)
        return cls(low, high if high > low else low + 1e-9)

    def at(self, value: float) -> float:
        """Column of a value."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return MARGIN + share * (WIDTH - 2 * MARGIN)


def interval_picture(
    value: float, low: float | None, high: float | None, scale: Scale, *, mark: float | None = None
) -> str:
    """A dot with a line from `low` to `high`, and an upright line at `mark`; what lies beyond the scale ends there."""
    middle = HEIGHT / 2
    parts = []
    if mark is not None:
        at = scale.at(mark)
        parts.append(f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="1" y2="{HEIGHT - 1}" stroke-width="1.5"/>')
    if low is not None and high is not None:
        left, right = scale.at(low), scale.at(high)
        parts.append(f'<line class="whisker" x1="{left:.1f}" x2="{right:.1f}" y1="{middle}" y2="{middle}"/>')
    parts.append(f'<circle class="dot" cx="{scale.at(value):.1f}" cy="{middle}" r="4"/>')
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg {size} aria-hidden="true">{"".join(parts)}</svg>'


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table from cells that are HTML already; one that begins with its own <td or <th stays as it is."""
    titles = "".join(head if head[:3] == "<th" else f"<th>{head}</th>" for head in heads)
    body = "".join(
        f"<tr>{''.join(cell if cell[:3] == '<td' else f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows
    )
    return f'<div class="table"><table><tr>{titles}</tr>{body}</table></div>'


def name_cell(name: str, note: str = "") -> str:
    """The first cell of a row: a name from outside, with a note below, either direction."""
    below = f'<small><bdi dir="auto">{escape(note)}</bdi></small>' if note else ""
    return f'<td class="name"><bdi dir="auto">{escape(name)}</bdi>{below}</td>'


def tag(text: str, kind: str) -> str:
    """A small label: kind `good`, `bad` or `quiet`."""
    return f'<span class="tag {kind}">{escape(text)}</span>'


def with_bounds(value: str, low: str, high: str) -> str:
    """A figure with its interval below."""
    return f"<b>{value}</b><small>{low} to {high}</small>"


def glyphs(counted: Iterable[tuple[str, int]], most: int = 8) -> str:
    """Characters with their counts; each stands by itself whatever its direction."""
    items = "".join(
        f"<span><b><bdi>{escape(shown(char))}</bdi></b> <small class='soft'>{count:,}</small></span>"
        for char, count in list(counted)[:most]
    )
    return f'<span class="chars">{items}</span>' if items else "–"


def percent(value: float | None, digits: int = 2) -> str:
    """A share in [0, 1] as percent."""
    return "–" if value is None else f"{100 * value:.{digits}f} %".replace("-", "\N{MINUS SIGN}")


def points(value: float) -> str:
    """A difference of shares in points, with its sign."""
    return f"{100 * value:+.2f}".replace("-", "\N{MINUS SIGN}")


def times(ratio: float) -> str:
    """A compression ratio; small ones with a third decimal."""
    return f"{ratio:,.2f}x" if ratio >= 0.1 else f"{ratio:.3f}x"


def megabytes(size: int) -> str:
    """Bytes as MB (10^6), `–` when unknown."""
    return f"{size / 1e6:,.1f}" if size else "–"
