"""The cards of the flow `arabic`: all books in one table, and a page for each."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ...evaluate import Report
from ...evaluate.boards import html
from ...evaluate.page import figure_cards, html_page, report_body
from ...train.curve import Curve
from ...types import Image
from . import plots

STYLE = html.STYLE + plots.STYLE + "td.first { border-inline-start: 2px solid var(--edge); }"
FIGURES = ("cer", "wer", "bleu", "chrf")


def arabic_card(result: Mapping[str, Any]) -> str:
    """The page of all books: before and after, as read and normalised side by side, and the gate's word on each."""
    rows = []
    for one in result["books"]:
        name = html.name_cell(one["book"], f"{one['learned']:,} lines learned")
        verdict = html.tag("better" if one["passed"] else "not better", "good" if one["passed"] else "bad")
        for which in ("base", "adapted"):
            held = one[which]
            if held is None:
                continue
            first = name if which == "base" else '<td class="name"></td>'
            model = which if which == "base" else f"{which}<small>{verdict}</small>"
            raw = [_figure(key, held["raw"]) for key in FIGURES]
            folded = [_figure(key, held["normalized"]) for key in FIGURES]
            folded[0] = f'<td class="first">{folded[0]}</td>'
            raw[0] = f'<td class="first">{raw[0]}</td>'
            rows.append([first, model, *raw, *folded])
    better = sum(one["passed"] for one in result["books"])
    names = ", ".join(result["normalize"])
    heads = ["CER", "WER", "BLEU", "chrF"]
    body = [
        "<h1>Arabic, book by book</h1>",
        f'<p class="lead">Each book was learned from its own lines on {escape(str(result["base"]))} and judged on test '
        f"lines of its own. Left the figures as read, right with {escape(names)} folded in both texts.</p>",
        figure_cards([("Books", f"{len(result['books'])}", f"{better} read better, the others stay with the base")]),
        html.table(
            ['<th class="name">Book</th>', "Model", *heads, *(f"{one}<br>folded" for one in heads)],
            rows,
        ),
    ]
    return html_page("Arabic, book by book", body, STYLE)


def book_card(found: Mapping[str, Any], report: Report, images: Mapping[str, Image], curve: Curve) -> str:
    """The page of one book: what each option is worth, and the report of its model."""
    tag = html.tag("better" if found["passed"] else "not better", "good" if found["passed"] else "bad")
    options = [
        (html.name_cell(one["name"]), html.percent(one["cer"]), html.percent(one["wer"])) for one in found["options"]
    ]
    signs = "".join(f"<li><b><bdi>{escape(sign)}</bdi></b></li>" for sign in found["signs"])
    body = [
        f'<h1><bdi dir="auto">{escape(found["book"])}</bdi></h1>',
        f'<p class="lead">{tag} {escape(found["reason"])}</p>',
        "<h2>What the options are worth, on the validation lines</h2>" if options else "",
        html.table(['<th class="name">Option</th>', "CER", "WER"], options) if options else "",
        f"<h2>Phrases that stand as one sign</h2><ul class='pairs'>{signs}</ul>" if signs else "",
        *report_body(report, images),
    ]
    if shown := plots.curves({"loss": curve.thinned(300).losses}, across="step", up="loss"):
        body += ["<h2>Loss</h2>", shown]
    return html_page(str(found["book"]), body, STYLE)


def _figure(name: str, values: Mapping[str, Any]) -> str:
    value = values.get(name)
    if value is None:
        return "–"
    return html.percent(float(value)) if name in {"cer", "wer"} else f"{float(value):.1f}"
