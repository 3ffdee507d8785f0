"""A report or a comparison of readers of documents as one HTML file (see `evaluate.page` for what all pages share)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from ...errors import BadInput
from ...fields.schema import Document, read_document
from ...image.load import sample_pages
from ...settings import Limits
from ...tools.files import write_text
from ...types import Image
from ..boards.html import STYLE, Scale, interval_picture, name_cell, percent, points, table, with_bounds
from ..page import figure_cards, html_page, image_tag, marked_texts
from ..run import SampleSet
from .beside import Beside, TwoReadings, beside
from .compare import FieldComparison, FieldPair
from .outcome import Outcome
from .plot import calibration_plot
from .report import FieldReport
from .run import LoadPages

MOST_DOCUMENTS = 30
MOST_VALUES = 80
"""Values of one document that are shown, those that differ first."""
IMAGE_WIDTH = 480
WHOLE = Scale(0.0, 1.0)
DOCUMENT_STYLE = """
.document { display: grid; grid-template-columns: minmax(10rem, 18rem) 1fr; gap: .4rem 1.2rem; align-items: start; }
.document img { max-height: 34rem; } .document table { width: 100%; } .document td { white-space: pre-wrap; }
.document td, .document th { text-align: left; vertical-align: top; } .document tr.bad td:first-child::after {
  content: " ✗"; color: var(--wrong); }
@media (max-width: 45rem) { .document { grid-template-columns: 1fr; } }
"""


def write_field_page(path: Path, report: FieldReport, dataset: SampleSet, *, load: LoadPages | None = None) -> None:
    """Write the page of a report; the first pages of the worst documents come from its data set."""
    worst = report.worst(MOST_DOCUMENTS)
    write_text(path, field_page(report, first_pages(dataset, [one.id for one in worst], load)))


def write_field_comparison_page(
    path: Path, comparison: FieldComparison, dataset: SampleSet, *, load: LoadPages | None = None
) -> None:
    """Write the page of a comparison; the first pages of the documents that changed most come from its data set."""
    moved = [*comparison.worse[:MOST_DOCUMENTS], *comparison.better[:MOST_DOCUMENTS]]
    write_text(path, field_comparison_page(comparison, first_pages(dataset, [one.id for one, _ in moved], load)))


def field_page(report: FieldReport, images: Mapping[str, Image]) -> str:
    """HTML of a report. `images` holds first pages by the id of the document."""
    head, worst = report.figures(), report.worst(MOST_DOCUMENTS)
    wrong = sum(1 for one in report.documents if one.all.errors or one.fault)
    body = [
        f"<h1>{escape(report.model or 'model')}</h1>",
        f'<p class="soft">{_where(report)}</p>',
        figure_cards(_cards(head)),
        _field_table(head["fields"]),
        *(_slice_table(name, values) for name, values in head["slices"].items()),
        _classes(head),
        _calibration(head["calibration"]),
        _excluded(report),
        f"<h2>Worst documents ({len(worst)} of {wrong:,} with errors)</h2>",
        *(_document(one, report.fields, images.get(one.id)) for one in worst),
    ]
    return html_page(f"Fields read by {report.model}", body, STYLE + DOCUMENT_STYLE)


def field_comparison_page(comparison: FieldComparison, images: Mapping[str, Image]) -> str:
    """HTML of a comparison. `images` holds first pages by the id of the document."""
    figures, better, worse = comparison.figures(), comparison.better, comparison.worse
    a, b = figures["a"], figures["b"]
    bounds = f"95 %: {points(figures['difference_low'])} to {points(figures['difference_high'])}"
    cards = [
        ("Model A, F1", percent(a["f1"]), _bounds(a, "f1")),
        ("Model B, F1", percent(b["f1"]), _bounds(b, "f1")),
        ("Errors per value, B - A, points", points(figures["difference"]), bounds),
        ("B is better", percent(figures["confidence_better"]), f"of resamples, by {escape(figures['unit'])}"),
        ("Documents better / worse", f"{len(better)} / {len(worse)}", f"of {len(comparison.pairs):,}"),
    ]
    rows = (_field_difference(name, one) for name, one in figures["fields"].items())
    heads = ["<th class='name'>Field</th>", "values", "A errors", "B errors", "B - A, points", "95 %", "B is better"]
    names = comparison.a.fields
    body = [
        f"<h1>A: {escape(comparison.a.model)}<br>B: {escape(comparison.b.model)}</h1>",
        f'<p class="soft">{_where(comparison.a)}</p>',
        figure_cards(cards),
        table(heads, rows),
        f"<h2>Documents that got worse ({len(worse):,})</h2>",
        *(_pair(pair, names, images.get(pair[0].id)) for pair in worse[:MOST_DOCUMENTS]),
        f"<h2>Documents that got better ({len(better):,})</h2>",
        *(_pair(pair, names, images.get(pair[0].id)) for pair in better[:MOST_DOCUMENTS]),
    ]
    return html_page(f"{comparison.a.model} against {comparison.b.model}", body, STYLE + DOCUMENT_STYLE)


def two_readings_page(name: str, both: TwoReadings, image: Image | None) -> str:
    """HTML of one document as two models read it."""
    rows = [(one.verdict != "same", _path(one.path), *_marked(one)) for one in both.values]
    told = []
    for side, read in (("A", both.a), ("B", both.b)):
        said = "".join(f"<li>{escape(one['severity'])}: {escape(one['what'])}</li>" for one in read.findings)
        sums = "every sum holds" if read.exact else "something does not hold"
        told.append(f"<h2>{side}: {escape(read.model)}</h2><p>{sums}</p><ul>{said}</ul>")
    body = [
        f"<h1>{escape(name)}</h1>",
        f'<p class="soft">{len(both.differing)} of {len(both.values)} values differ</p>',
        f'<article><div class="document"><div>{image_tag(image, alt="first page", widest=IMAGE_WIDTH)}</div>'
        f"{_values(('Field', 'A', 'B'), rows)}</div></article>",
        *told,
    ]
    return html_page(f"{name} by two models", body, STYLE + DOCUMENT_STYLE)


def first_pages(dataset: SampleSet, ids: Sequence[str], load: LoadPages | None) -> dict[str, Image]:
    """The first pages of some documents by id; one that can no longer be read is left out."""
    bounds, wanted, found = Limits(), set(ids), {}
    for sample in dataset.samples:
        if sample.id in wanted:
            try:
                found[sample.id] = (load(sample) if load else sample_pages(sample, bounds))[0]
            except BadInput:  # it could not be read before, or was moved: the page is still worth having
                continue
    return found


def _where(report: FieldReport) -> str:
    part = f", split {escape(report.split)}" if report.split else ""
    partial = "; what the truth of a document does not name is not counted there" if report.partial else ""
    return (
        f"{escape(report.dataset)} ({escape(report.dataset_hash[:12])}){part}: "
        f"{len(report.documents):,} documents, {len(report.fields)} fields{partial}"
    )


def _cards(head: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    rows = head["rows"].get("lines")
    cards = [
        ("F1 of all fields", percent(head["f1"]), f"{_bounds(head, 'f1')}; every sign {percent(head['strict']['f1'])}"),
        ("Values read right", percent(head["accuracy"]), f"{head['right']:,} of {_true(head):,}"),
        ("Wholly right", percent(head["exact"]), f"{head['exact_samples']:,} of {head['samples']:,} documents"),
        ("Sums hold", percent(head["valid"]), _validity(head["validity"])),
        ("Seconds a page", f"{head['seconds_per_page'] or 0:.2f}", f"{head['pages']:,} pages"),
    ]
    if rows:
        cells = f"cells {percent(head['cells']['f1'])}, likeness (TEDS) {percent(head['teds'])}"
        cards.insert(2, ("Rows of items, F1", percent(rows["f1"]), cells))
    return cards


def _validity(counts: Mapping[str, int]) -> str:
    named = {"exact": "exactly", "tolerance": "but for rounding", "faulty": "not", "nothing": "nothing read"}
    return ", ".join(f"{text} {counts[name]:,}" for name, text in named.items())


def _field_table(fields: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [
            name_cell(name),
            f"{_true(one):,}",
            _picture(one, "accuracy"),
            with_bounds(percent(one["accuracy"], 1), percent(one["accuracy_low"], 1), percent(one["accuracy_high"], 1)),
            with_bounds(percent(one["f1"], 1), percent(one["f1_low"], 1), percent(one["f1_high"], 1)),
            percent(one["strict"]["f1"], 1),
            *(f"{one[key]:,}" for key in ("wrong", "missed", "invented")),
        ]
        for name, one in fields.items()
    ]
    heads = [
        "<th class='name'>Field</th>",
        "values",
        "",
        "right",
        "F1",
        "F1, every sign",
        "wrong",
        "missed",
        "invented",
    ]
    return table(heads, rows)


def _picture(one: Mapping[str, Any], key: str) -> str:
    if one[key] is None:
        return ""
    return interval_picture(one[key], one[f"{key}_low"], one[f"{key}_high"], WHOLE)


def _slice_table(name: str, values: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [
            name_cell(value or "(none)"),
            f"{one['samples']:,}",
            _picture(one, "f1"),
            with_bounds(percent(one["f1"], 1), percent(one["f1_low"], 1), percent(one["f1_high"], 1)),
            percent(one["exact"], 1),
            percent(one["valid"], 1),
        ]
        for value, one in values.items()
    ]
    heads = ["<th class='name'>Value</th>", "documents", "", "F1", "wholly right", "sums hold"]
    return f"<h2>By {escape(name)}</h2>{table(heads, rows)}"


def _classes(head: Mapping[str, Any]) -> str:
    share = head["samples"] or 1
    rows = [
        [name_cell(name), f"{count:,}", percent(count / share, 1)] for name, count in head["classes"].items() if count
    ]
    return f"<h2>Classes of error</h2>{table(['<th class=name>Class</th>', 'documents', 'share'], rows)}"


def _calibration(told: Mapping[str, Any]) -> str:
    if not told["values"]:
        return ""
    rows = [
        [
            f"{at / 10:.1f} to {(at + 1) / 10:.1f}",
            f"{one['values']:,}",
            percent(one["certainty"], 1),
            percent(one["right"], 1),
        ]
        for at, one in enumerate(told["bins"])
        if one["values"]
    ]
    return (
        f"<h2>How sure, and how often right</h2><p>Expected calibration error {percent(told['ece'])} on "
        f'{told["values"]:,} values.</p><div class="plot">{calibration_plot(told["bins"])}</div>'
        f"{table(['certainty', 'values', 'mean', 'right'], rows)}"
    )


def _excluded(report: FieldReport) -> str:
    parts = []
    for title, some in (
        ("Documents that could not be read (their values count as missed)", report.unreadable),
        ("Rows and values of the truth that cannot be used", report.rejected),
    ):
        if some:
            names = "".join(f"<li>{escape(one.id)}: {escape(one.reason)}</li>" for one in some[:MOST_VALUES])
            parts.append(f"<h2>{title} ({len(some):,})</h2><ul>{names}</ul>")
    if report.unlabelled:
        parts.append(f'<p class="soft">{len(report.unlabelled):,} samples without fields are left out.</p>')
    return "".join(parts)


def _document(one: Outcome, names: Sequence[str], image: Image | None) -> str:
    sides = beside(_read(one.truth), _read(one.found) if one.found is not None else None, names)
    rows = [(value.verdict != "same", _path(value.path), *_marked(value)) for value in sides]
    notes = [", ".join(one.classes), f"severity {one.severity}", f"{one.all.errors} errors", f"sums: {one.validity}"]
    faults = "".join(f"<li>{escape(what)}</li>" for what in (one.fault, *one.faults) if what)
    return _card(one.id, notes, image, _values(("Field", "true", "read"), rows), faults)


def _pair(pair: FieldPair, names: Sequence[str], image: Image | None) -> str:
    a, b = pair
    left, right = (
        {
            (value.path, value.verdict == "extra"): value
            for value in beside(_read(one.truth), _read(one.found or {}), names)
        }
        for one in pair
    )
    rows = []
    for path, extra in dict.fromkeys((*left, *right)):  # the path of an extra value is one of the reading
        sides = [side.get((path, extra)) for side in (left, right)]
        wrong = any(value is not None and value.verdict != "same" for value in sides)
        true = next(value.left for value in sides if value is not None)
        rows.append((wrong, _path(path), escape(true), *("" if v is None else _marked(v)[1] for v in sides)))
    notes = [f"{a.all.errors} errors → {b.all.errors} errors"]
    return _card(a.id, notes, image, _values(("Field", "true", "A", "B"), rows), "")


def _card(name: str, notes: Sequence[str], image: Image | None, values: str, faults: str) -> str:
    header = "".join(f"<span>{escape(note)}</span>" for note in (name, *notes))
    picture = image_tag(image, alt="first page", widest=IMAGE_WIDTH)
    below = f"<ul>{faults}</ul>" if faults else ""
    return (
        f'<article><header>{header}</header><div class="document"><div>{picture}</div>'
        f"<div>{values}{below}</div></div></article>"
    )


def _values(heads: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> str:
    """A table of values, those that differ first; a row is whether it does, and its cells as HTML."""
    ordered = sorted(rows, key=lambda row: not row[0])
    shown = "".join(
        f'<tr class="{"bad" if row[0] else ""}">{"".join(f"<td dir=auto>{cell}</td>" for cell in row[1:])}</tr>'
        for row in ordered[:MOST_VALUES]
    )
    rest = len(ordered) - MOST_VALUES
    more = f'<p class="soft">{rest:,} more values.</p>' if rest > 0 else ""
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{shown}</table>{more}"


def _marked(one: Beside) -> tuple[str, str]:
    return (escape(one.left), escape(one.right)) if one.verdict == "same" else marked_texts(one.left, one.right)


def _field_difference(name: str, one: Mapping[str, Any]) -> list[str]:
    kind = "good" if one["difference"] < 0 else "bad" if one["difference"] > 0 else ""
    errors = (sum(one[side][key] for key in ("wrong", "missed", "invented")) for side in "ab")
    return [
        name_cell(name),
        f"{_true(one['a']):,}",
        *(f"{count:,}" for count in errors),
        f'<td class="{kind}">{points(one["difference"])}</td>',
        f"{points(one['difference_low'])} to {points(one['difference_high'])}",
        percent(one["confidence_better"], 1),
    ]


def _path(path: str) -> str:
    """A path as people count: `lines 3 amount`."""
    return escape(" ".join(str(int(part) + 1) if part.isdecimal() else part for part in path.split(".")))


def _read(values: Mapping[str, Any]) -> Document:
    return read_document(values).document


def _true(one: Mapping[str, Any]) -> int:
    return int(one["right"]) + int(one["wrong"]) + int(one["missed"])


def _bounds(one: Mapping[str, Any], key: str) -> str:
    return f"95 %: {percent(one[f'{key}_low'])} to {percent(one[f'{key}_high'])}"
