"""A report or comparison as one HTML file: no script, no other file, light and dark, any writing direction.

All text that comes from data or models is escaped; images are embedded as JPEG. Differences are marked by colour and
by line style, so that they can be told apart without seeing colours.
"""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from emendo.image.pixels import cv2

from ..errors import BadInput
from ..image.load import sample_image
from ..metrics import Confusion, spans
from ..settings import Limits
from ..tools.files import write_text
from ..types import Image
from .compare import Comparison, Pair
from .report import Line, Report
from .run import Load, SampleSet

MOST_LINES = 60
IMAGE_WIDTH = 1200
JPEG_QUALITY = 85
"""Wider line images are scaled down to this many pixels."""

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
:root { color-scheme: light dark; --ink: #1c1b19; --soft: #6b675f; --paper: #fbfaf7; --card: #fff; --edge: #ddd8ce;
  --wrong: #b3261e; --wrong-bg: #fbe3e0; --right: #11663d; --right-bg: #dcf3e5; --bar: #3b6ea8; }
@media (prefers-color-scheme: dark) { :root { --ink: #ece8e1; --soft: #a49e92; --paper: #171614; --card: #211f1c;
  --edge: #3a3732; --wrong: #ff9c92; --wrong-bg: #4a1f1b; --right: #8fe0b4; --right-bg: #163a28; --bar: #7fb0e6; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 70rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, "Noto Sans", "Noto Naskh Arabic", sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
p, td, dd { overflow-wrap: anywhere; }
.soft { color: var(--soft); }
.figures { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.2rem 0; padding: 0; }
.figures div { background: var(--card); border: 1px solid var(--edge); border-radius: .5rem; padding: .6rem .9rem;
  min-width: 9rem; }
.figures dt { color: var(--soft); font-size: .85rem; }
.figures dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.figures small { display: block; font-size: .8rem; color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .3rem .8rem; border-bottom: 1px solid var(--edge); white-space: nowrap; }
th { color: var(--soft); font-weight: 500; font-size: .85rem; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 8rem; }
.pairs { display: flex; flex-wrap: wrap; gap: .5rem; padding: 0; list-style: none; }
.pairs li { background: var(--card); border: 1px solid var(--edge); border-radius: .4rem; padding: .2rem .6rem; }
.pairs b { font-weight: 400; font-size: 1.1rem; }
article { background: var(--card); border: 1px solid var(--edge); border-radius: .5rem; padding: .8rem 1rem;
  margin: 0 0 1rem; }
article header { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .85rem; color: var(--soft); }
article img { display: block; max-width: 100%; max-height: 8rem; margin: .5rem 0; background: #fff;
  border-radius: .2rem; }
.text { display: grid; grid-template-columns: 5.5rem 1fr; gap: .15rem .8rem; margin: 0; font-size: 1.1rem; }
.text dt { color: var(--soft); font-size: .85rem; padding-top: .2rem; }
.text dd { margin: 0; white-space: pre-wrap; min-height: 1.5em; }
del { color: var(--wrong); background: var(--wrong-bg); text-decoration: underline wavy; }
del.gap { padding: 0 .12em; margin: 0 .08em; }
ins { color: var(--right); background: var(--right-bg); text-decoration: underline 2px; }
.good { color: var(--right); } .bad { color: var(--wrong); }
"""


def write_report_page(path: Path, report: Report, dataset: SampleSet, *, load: Load | None = None) -> None:
    """Write the page of a report; the images of the worst lines come from its data set."""
    worst = report.worst(MOST_LINES)
    write_text(path, report_page(report, line_images(dataset, [line.id for line in worst], load)))


def write_comparison_page(path: Path, comparison: Comparison, dataset: SampleSet, *, load: Load | None = None) -> None:
    """Write the page of a comparison; the images of the lines that changed most come from its data set."""
    moved = [*comparison.worse[:MOST_LINES], *comparison.better[:MOST_LINES]]
    write_text(path, comparison_page(comparison, line_images(dataset, [a.id for a, _ in moved], load)))


def report_page(report: Report, images: Mapping[str, Image]) -> str:
    """HTML of a report. `images` holds line images by sample id; a line without one is shown without."""
    return html_page(f"Evaluation of {report.model}", report_body(report, images))


def report_body(report: Report, images: Mapping[str, Image]) -> list[str]:
    """What stands in the page of a report, part by part, for a page that shows more than it."""
    head, effort = report.figures(), report.effort.per_thousand()
    worst = report.worst(MOST_LINES)
    wrong = sum(1 for line in report.lines if line.counts.edits)
    bounds = f"95 %: {_percent(head['cer_low'])} to {_percent(head['cer_high'])}"
    keys, anew_keys = round(effort["keystrokes"]), round(effort["anew_keystrokes"])
    spent, anew_spent = round(effort["seconds"]), round(effort["anew_seconds"])
    cards = [
        ("Character error rate", _percent(head["cer"]), bounds),
        ("Word error rate", _percent(head["wer"]), f"{head['word_edits']:,} of {head['words']:,} words"),
        ("Lines without error", _percent(head["exact"]), f"{head['exact_samples']:,} of {head['samples']:,}"),
        ("Keystrokes to correct", str(keys), f"per 1,000 characters; {anew_keys} to type anew"),
        ("Seconds to correct", str(spent), f"per 1,000 characters; {anew_spent} to type anew"),
    ]
    return [
        f"<h1>{escape(report.model or 'model')}</h1>",
        f'<p class="soft">{_where(report)}, {head["characters"]:,} characters, read in {report.seconds:.1f} s</p>',
        figure_cards(cards),
        *(_slice_table(name, values) for name, values in head["slices"].items()),
        confusion_list(report.confusions),
        _excluded(report),
        f"<h2>Worst lines ({len(worst)} of {wrong:,} with errors)</h2>",
        *(_line_card(line, images.get(line.id)) for line in worst),
    ]


def comparison_page(comparison: Comparison, images: Mapping[str, Image]) -> str:
    """HTML of a comparison. `images` holds line images by sample id."""
    a, b, paired = comparison.a, comparison.b, comparison.paired
    better, worse = comparison.better, comparison.worse
    cards = [
        ("Model A", _percent(a.counts.cer), f"95 %: {_percent(a.cer_interval.low)} to {_percent(a.cer_interval.high)}"),
        ("Model B", _percent(b.counts.cer), f"95 %: {_percent(b.cer_interval.low)} to {_percent(b.cer_interval.high)}"),
        ("B - A, points", _points(paired.difference), f"95 %: {_points(paired.low)} to {_points(paired.high)}"),
        ("B is better", _percent(paired.confidence_better), f"of resamples, by {paired.unit}"),
        ("Lines better / worse", f"{len(better)} / {len(worse)}", f"of {len(comparison.pairs):,}"),
    ]
    body = [
        f"<h1>A: {escape(a.model)}<br>B: {escape(b.model)}</h1>",
        f'<p class="soft">{_where(a)}; character error rates</p>',
        figure_cards(cards),
        *(_comparison_table(name, values) for name, values in comparison.figures()["slices"].items()),
        f"<h2>Lines that got worse ({len(worse):,})</h2>",
        *(_pair_card(pair, images.get(pair[0].id)) for pair in worse[:MOST_LINES]),
        f"<h2>Lines that got better ({len(better):,})</h2>",
        *(_pair_card(pair, images.get(pair[0].id)) for pair in better[:MOST_LINES]),
    ]
    return html_page(f"{a.model} against {b.model}", body)


def html_page(title: str, body: Iterable[str], style: str = "") -> str:
    """A whole page; `title` is escaped here, `body` is HTML already, `style` comes on top of STYLE."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>{escape(title)}</title><style>{STYLE}{style}</style></head><body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _where(report: Report) -> str:
    part = f", split {escape(report.split)}" if report.split else ""
    return f"{escape(report.dataset)} ({escape(report.dataset_hash[:12])}){part}: {len(report.lines):,} lines"


def figure_cards(cards: Sequence[tuple[str, str, str]]) -> str:
    """A row of cards: name, value, and a note, each HTML already."""
    items = (f"<div><dt>{name}</dt><dd>{value}<small>{note}</small></dd></div>" for name, value, note in cards)
    return f'<dl class="figures">{"".join(items)}</dl>'


def _slice_table(name: str, values: Mapping[str, Mapping[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td dir="auto">{escape(value) or "(none)"}</td><td>{one["samples"]:,}</td><td>{_percent(one["cer"])}</td>'
        f"<td>{_percent(one['cer_low'])} to {_percent(one['cer_high'])}</td><td>{_percent(one['wer'])}</td>"
        f"<td>{_percent(one['exact'])}</td></tr>"
        for value, one in values.items()
    )
    titles = "<th>Lines</th><th>CER</th><th>95 %</th><th>WER</th><th>No error</th>"
    return f'<h2>By {escape(name)}</h2><div class="scroll"><table><tr><th>Value</th>{titles}</tr>{rows}</table></div>'


def _comparison_table(name: str, values: Mapping[str, Mapping[str, Any]]) -> str:
    rows = "".join(
        f'<tr><td dir="auto">{escape(value) or "(none)"}</td><td>{one["a"]["samples"]:,}</td>'
        f"<td>{_percent(one['a']['cer'])}</td><td>{_percent(one['b']['cer'])}</td>"
        f'<td class="{"good" if one["difference"] < 0 else "bad" if one["difference"] > 0 else ""}">'
        f"{_points(one['difference'])}</td>"
        f"<td>{_points(one['difference_low'])} to {_points(one['difference_high'])}</td></tr>"
        for value, one in values.items()
    )
    titles = "<th>Lines</th><th>A</th><th>B</th><th>B - A, points</th><th>95 %</th>"
    return f'<h2>By {escape(name)}</h2><div class="scroll"><table><tr><th>Value</th>{titles}</tr>{rows}</table></div>'


def confusion_list(confusions: Sequence[Confusion]) -> str:
    """The first 30 confusions with their counts; empty for none."""
    shown = confusions[:30]
    if not shown:
        return ""
    items = "".join(
        f"<li><b>{_glyph(c.reference)} → {_glyph(c.hypothesis)}</b> <span class='soft'>{c.count:,}</span></li>"
        for c in shown
    )
    return f"<h2>Most frequent confusions (true → read)</h2><ul class='pairs'>{items}</ul>"


def _excluded(report: Report) -> str:
    parts = []
    for title, some in (("Images that could not be read", report.unreadable), ("Rows refused", report.rejected)):
        if some:
            names = "".join(f"<li>{escape(one.id)}: {escape(one.reason)}</li>" for one in some[:MOST_LINES])
            parts.append(f"<h2>{title} ({len(some):,})</h2><ul>{names}</ul>")
    if report.unlabelled:
        parts.append(f'<p class="soft">{len(report.unlabelled):,} samples without a reference text are left out.</p>')
    return "".join(parts)


def _line_card(line: Line, image: Image | None) -> str:
    truth, read = marked(line)
    return (
        f"<article>{_header(line, [f'CER {_percent(line.counts.cer)}', _edits(line.counts.edits)])}{image_tag(image)}"
        f'<dl class="text" dir="{direction(line.reference)}"><dt>true</dt><dd>{truth}</dd>'
        f"<dt>read</dt><dd>{read}</dd></dl></article>"
    )


def _pair_card(pair: Pair, image: Image | None) -> str:
    a, b = pair
    change = f"{_edits(a.counts.edits)} → {_edits(b.counts.edits)}"
    return (
        f"<article>{_header(a, [change])}{image_tag(image)}"
        f'<dl class="text" dir="{direction(a.reference)}"><dt>true</dt><dd>{escape(a.reference)}</dd>'
        f"<dt>A</dt><dd>{marked(a)[1]}</dd><dt>B</dt><dd>{marked(b)[1]}</dd></dl></article>"
    )


def _header(line: Line, notes: Sequence[str]) -> str:
    return "<header>" + "".join(f"<span>{note}</span>" for note in [escape(line.id), *notes]) + "</header>"


def marked(line: Line) -> tuple[str, str]:
    """Reference with what was missed as <ins>, reading with what is wrong, or where something is missing, as <del>."""
    return marked_texts(line.reference, line.hypothesis)


def marked_texts(reference: str, hypothesis: str) -> tuple[str, str]:
    """The same of any two texts."""
    truth, read = [], []
    for span in spans(reference, hypothesis):
        if span.kind == "equal":
            truth.append(escape(span.reference))
            read.append(escape(span.hypothesis))
        else:
            truth.append(f"<ins>{_visible(span.reference)}</ins>" if span.reference else "")
            read.append(f"<del>{_visible(span.hypothesis)}</del>" if span.hypothesis else _gap(span.reference))
    return "".join(truth), "".join(read)


def _gap(missing: str) -> str:
    return f'<del class="gap" title="missing: {_visible(missing)}">&#8202;</del>'


def direction(reference: str) -> str:
    """Direction of the true text, for the reading too: its first wrong letter must not turn the line around."""
    strong = (unicodedata.bidirectional(character) for character in reference)
    return "rtl" if next((kind for kind in strong if kind in ("L", "R", "AL")), "L") != "L" else "ltr"


def _visible(text: str) -> str:
    return escape(text.replace(" ", "␣"))


def _glyph(character: str) -> str:
    return f"<bdi>{_visible(character)}</bdi>" if character else "∅"


def image_tag(image: Image | None, *, alt: str = "line image", widest: int = IMAGE_WIDTH) -> str:
    """A picture inside the page, scaled down when it is wide; empty for none."""
    if image is None or not image.size:
        return ""
    if image.shape[1] > widest:
        scale = widest / image.shape[1]
        size = (widest, max(1, round(image.shape[0] * scale)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(image.dtype)
    quality = [int(cv2.IMWRITE_JPEG_QUALITY), JPEG_QUALITY]
    data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), quality)[1].tobytes()
    return f'<img alt="{escape(alt)}" src="data:image/jpeg;base64,{base64.b64encode(data).decode("ascii")}">'


def line_images(dataset: SampleSet, ids: Sequence[str], load: Load | None) -> dict[str, Image]:
    """The images of some samples by id; one that can no longer be read is left out."""
    bounds, wanted, found = Limits(), set(ids), {}
    for sample in dataset.samples:
        if sample.id in wanted:
            try:
                found[sample.id] = load(sample) if load else sample_image(sample, bounds)
            except BadInput:  # moved since it was evaluated: the page is still worth having
                continue
    return found


def _edits(number: int) -> str:
    return "1 edit" if number == 1 else f"{number} edits"


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"


def _points(value: float) -> str:
    return f"{100 * value:+.2f}".replace("-", "\N{MINUS SIGN}")
