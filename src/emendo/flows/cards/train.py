"""The cards of the flow `train`: the folds, the model on lines that it never saw, and the verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ...evaluate import Report
from ...evaluate.boards import html
from ...evaluate.page import confusion_list, figure_cards, html_page, report_body
from ...evaluate.report import figures
from ...metrics import confusions
from ...train.crossval import CrossValidation
from ...train.curve import Curve
from ...types import Image
from . import plots

MOST_POINTS = 300
STYLE = html.STYLE + plots.STYLE


def folds_card(made: CrossValidation, curves: Mapping[str, Curve]) -> str:
    """The page of a cross-validation: mean and spread, each fold, curves, and the confusions of all held-out lines."""
    lines = [line for fold in made.folds for line in fold.report.lines]
    together = figures(lines)
    cards = [
        ("CER, mean of the folds", html.percent(made.mean("cer")), _spread(made, "cer")),
        ("WER, mean of the folds", html.percent(made.mean("wer")), _spread(made, "wer")),
        ("Lines without error", html.percent(made.mean("exact")), _spread(made, "exact")),
        (
            "CER of all lines",
            html.percent(together["cer"]),
            f"95 %: {html.percent(together['cer_low'])} to {html.percent(together['cer_high'])}",
        ),
    ]
    body = [
        f"<h1>Cross-validation, {len(made.folds)} folds</h1>",
        f'<p class="soft">{escape(made.folds[0].report.dataset)}; base {escape(made.base)}; {escape(made.dealt)} '
        "stay whole in one fold, so no model was asked for a line that it had learned</p>",
        figure_cards(cards),
        "<h2>Each fold</h2>",
        _fold_table(made),
        *_curves(curves),
        confusion_list(confusions((line.reference, line.hypothesis) for line in lines)),
    ]
    return html_page("Cross-validation", body, STYLE)


def model_card(report: Report, images: Mapping[str, Image], curve: Curve) -> str:
    """The page of the final model on the test lines: its curve, and the report with the worst lines."""
    return html_page(f"Model {report.model}", [*report_body(report, images), *_curves({"final model": curve})], STYLE)


def verdict_card(verdict: Mapping[str, Any]) -> str:
    """The page of the verdict: what was asked, what was found, and what became of the model."""
    passed = bool(verdict["passed"])
    became = verdict["registered"] or ("in use now" if verdict["promoted"] else "kept beside the run")
    cards = [
        ("Verdict", html.tag("passed" if passed else "refused", "good" if passed else "bad"), escape(became)),
        ("Model", escape(str(verdict["model"])), escape(str(verdict["bundle"]))),
        ("CER", html.percent(verdict["cer"]), escape(f"on {verdict['judged_on']}")),
        (
            "CER of the folds",
            html.percent(verdict["folds"]["cer"]),
            f"spread {100 * verdict['spread']['cer']:.2f} points",
        ),
    ]
    rows = [
        (
            html.name_cell(str(one["name"])),
            html.tag("ok" if one["good"] else "no", "good" if one["good"] else "bad"),
            f'<td class="name"><bdi dir="auto">{escape(str(one["what"]))}</bdi></td>',
        )
        for one in verdict["findings"]
    ]
    body = [
        "<h1>May the new model be used?</h1>",
        f'<p class="lead"><bdi dir="auto">{escape(str(verdict["reason"]))}</bdi></p>',
        figure_cards(cards),
        html.table(['<th class="name">Asked</th>', "Found", '<th class="name">What</th>'], rows),
    ]
    return html_page("Verdict on the new model", body, STYLE)


def _spread(made: CrossValidation, rate: str) -> str:
    return f"spread {100 * made.spread(rate):.2f} points"


def _fold_table(made: CrossValidation) -> str:
    told = [(fold, figures(fold.report.lines)) for fold in made.folds]
    bounds = [value for _, one in told for value in (one["cer_low"], one["cer_high"])]
    scale = html.Scale.around(bounds)
    mean = made.mean("cer")
    rows = [
        (
            f"{at}",
            f"{fold.learned:,}",
            f"{one['samples']:,}",
            html.with_bounds(html.percent(one["cer"]), html.percent(one["cer_low"]), html.percent(one["cer_high"])),
            html.interval_picture(one["cer"], one["cer_low"], one["cer_high"], scale, mark=mean),
            html.percent(one["wer"]),
            html.percent(one["exact"]),
        )
        for at, (fold, one) in enumerate(told, 1)
    ]
    return html.table(["Fold", "Learned", "Held out", "CER", "95 %, mean dashed", "WER", "No error"], rows)


def _curves(curves: Mapping[str, Curve]) -> Sequence[str]:
    losses = {name: curve.thinned(MOST_POINTS).losses for name, curve in curves.items()}
    cers = {name: curve.cers for name, curve in curves.items()}
    parts = []
    if shown := plots.curves(losses, across="step", up="loss"):
        parts += ["<h2>Loss</h2>", shown]
    if shown := plots.curves(cers, across="step", up="CER of the lines held back", percent=True):
        parts += ["<h2>Error rate while training</h2>", shown]
    return parts


def card_file(folder: Path, name: str) -> Path:
    """Where a card lies as a page."""
    return folder / f"{name}.html"
