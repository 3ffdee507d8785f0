"""The card of the flow `monitor`: alerts, and of each look its curves and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from ...evaluate.boards import html
from ...evaluate.page import figure_cards, html_page
from . import plots

MOST_ROWS = 31


def monitor_card(result: Mapping[str, Any], looks: Sequence[Mapping[str, Any]]) -> str:
    """The page of one run of the monitor."""
    alerts = result["alerts"]
    state = html.tag(f"{len(alerts)} alerts" if alerts else "quiet", "bad" if alerts else "good")
    cards = [
        ("State", state, f"since {escape(result['since'][:10])}" if result["since"] else "all that was captured"),
        ("Readings", f"{result['readings']:,}", "images sent to the service"),
    ]
    shown = "".join(f'<li class="bad"><bdi dir="auto">{escape(one)}</bdi></li>' for one in alerts)
    body = ["<h1>What the service reads</h1>", figure_cards(cards), f"<ul>{shown}</ul>" if shown else ""]
    for one in looks:
        body += [f"<h2>{escape(str(one['name']).capitalize())}</h2>", _curves(one), _table(one["figures"])]
    return html_page("What the service reads", body, html.STYLE + plots.STYLE)


def _curves(one: Mapping[str, Any]) -> str:
    series = {name: list(enumerate(values, 1)) for name, values in one["curves"].items() if any(values)}
    return plots.curves(series, across=str(one["across"]), up=str(one["name"]))


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "<p class='soft'>nothing to see</p>"
    cells = [[_cell(value) for value in row.values()] for row in rows[-MOST_ROWS:]]
    return html.table([escape(str(name).replace("_", " ")) for name in rows[0]], cells)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else escape(str(value))
