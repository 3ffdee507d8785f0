"""What evaluate and compare do where documents are read into fields."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ..errors import EmendoError, UsageError
from ..tools.counts import counted
from . import output
from .context import Context

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..evaluate.fields.beside import TwoReadings
    from ..types import Split

ALL = "all"
FieldNames = Annotated[
    str | None,
    typer.Option("--fields", metavar="A,B", help="Read documents; only these fields count (all: what the data has)."),
]
Documents = Annotated[
    bool, typer.Option("--documents", help="Samples are documents: read their fields. [default: told by the data]")
]
Partial = Annotated[
    bool, typer.Option("--partial", help="What the truth of a document does not name is not counted as invented.")
]
DocumentImage = Annotated[
    Path | None, typer.Option("--image", metavar="FILE", help="One document in place of a data set.")
]


class Kept(NamedTuple):
    """Where a report goes: a page, a folder, the conventional folder; and whether JSON is printed."""

    html: Path | None
    out: Path | None
    keep: bool
    json: bool


def means_fields(context: Context, dataset: Dataset, *models: str) -> bool:
    """Whether documents are meant: every sample has fields and none a text, or a model reads nothing else."""
    samples = dataset.samples
    if len(samples) and all(one.fields and one.text is None for one in samples):
        return True
    return any(_reads_fields(context, ref) for ref in models or (context.settings.model,))


def refuse(options: Mapping[str, object]) -> None:
    """Raise UsageError for the first option that was given: it has no meaning here."""
    for name, value in options.items():
        if value:
            raise UsageError(f"{name} has no meaning for the fields of documents", remedy="leave it out")


def evaluate_fields(
    context: Context,
    dataset: Dataset,
    split: Split | None,
    slices: Sequence[str],
    fields: str | None,
    partial: bool,
    kept: Kept,
) -> None:
    """Read the documents of a data set with the model that the context names, and report on it."""
    from ..evaluate.boards.summary import report_folder
    from ..evaluate.fields import evaluate_fields as evaluate_readers
    from ..evaluate.fields import write_field_page

    reader = context.document_reader()
    with output.progress("evaluating", quiet=kept.json) as bar:
        (report,) = evaluate_readers(
            [reader],
            dataset,
            split=split,
            slices=slices,
            fields=_names(fields),
            partial=partial,
            limits=context.settings.limits,
            progress=bar,
        )
    for folder in (kept.out, report_folder(context.reports, report) if kept.keep else None):
        if folder is not None:
            report.write(folder)
    if kept.html:
        write_field_page(kept.html, report, dataset)
    if kept.json:
        output.print_json(report.figures())
    else:
        _show(report.figures())


def compare_fields(
    context: Context,
    models: tuple[str, str],
    dataset: Dataset,
    split: Split | None,
    slices: Sequence[str],
    fields: str | None,
    partial: bool,
    kept: Kept,
) -> None:
    """Read the documents of a data set with two models."""
    from ..evaluate.fields import FieldComparison, write_field_comparison_page
    from ..evaluate.fields import evaluate_fields as evaluate_readers

    readers = [context.document_reader(model=ref, cache=True) for ref in models]
    with output.progress("comparing", quiet=kept.json) as bar:
        reports = evaluate_readers(
            readers,
            dataset,
            split=split,
            slices=slices,
            fields=_names(fields),
            partial=partial,
            limits=context.settings.limits,
            progress=bar,
        )
    comparison = FieldComparison(*reports)
    if kept.out:
        comparison.write(kept.out)
    if kept.html:
        write_field_comparison_page(kept.html, comparison, dataset)
    if kept.json:
        output.print_json(comparison.figures())
    else:
        _show_comparison(comparison.figures())


def compare_image(context: Context, a: str, b: str, image: Path, html: Path | None, *, json: bool) -> None:
    """Read one document with two models and print both side by side."""
    from ..evaluate.fields import read_both, two_readings_page
    from ..image.load import frames
    from ..tools.files import write_text

    settings = context.settings
    pages = list(frames(image, settings.limits, dpi=settings.read.dpi))
    first, second = (context.document_reader(model=ref, cache=True) for ref in (a, b))
    both = read_both(first, second, pages)
    if html:
        write_text(html, two_readings_page(image.name, both, pages[0]))
    if json:
        output.print_json({"image": str(image), **both.to_dict()})
    else:
        _show_both(both)


def _reads_fields(context: Context, ref: str) -> bool:
    """Whether a reference names a bundle that reads fields; what names none is told where it is loaded."""
    from ..models.bundle import FIELDS_FAMILY, Bundle
    from ..models.references import find_model

    try:
        found = find_model(ref, workspace=context.root) if ref else None
    except EmendoError:
        return False
    return isinstance(found, Bundle) and found.info.family == FIELDS_FAMILY


def _names(fields: str | None) -> list[str]:
    chosen = [part.strip() for part in (fields or "").split(",") if part.strip()]
    return [] if chosen == [ALL] else chosen


def _show(figures: Mapping[str, Any]) -> None:
    """The figures of one evaluation, for a person."""
    rows = [("all fields", figures), ("every sign", figures["strict"])]
    if figures["rows"]:
        rows += [("in no table", figures["header"]), ("cells of tables", figures["cells"])]
        rows += [(f"whole rows of {table}", one) for table, one in figures["rows"].items()]
    rows += list(figures["fields"].items())
    for name, values in figures["slices"].items():
        rows += [(f"{name}={value or '(none)'}", one) for value, one in values.items()]
    _rows(rows)
    percent = output.percent
    validity = ", ".join(f"{name} {count}" for name, count in figures["validity"].items() if count)
    classes = ", ".join(f"{name} {count}" for name, count in figures["classes"].items() if count)
    told = figures["calibration"]
    sys.stdout.write(
        f"{counted(figures['samples'], 'document')}, {percent(figures['exact'])} wholly right; sums: {validity}\n"
        f"mean of the fields' F1 {percent(figures['macro_f1'])}; likeness of tables (TEDS) {percent(figures['teds'])}; "
        f"calibration error {percent(told['ece'])} on {told['values']} values; "
        f"{figures['seconds_per_page'] or 0:.2f} s a page\n"
        f"classes of error: {classes}\n"
    )
    for one in (*figures["unreadable"], *figures["rejected"]):
        output.complain(f"{one['id']}: {one['reason']}")


def _show_comparison(figures: Mapping[str, Any]) -> None:
    """Two readers side by side, for a person."""
    _rows([(f"{side.upper()} {figures[side]['model']}", figures[side]) for side in ("a", "b")])
    width = max(len(name) for name in ("all fields", *figures["fields"]))
    for name, one in (("all fields", figures), *figures["fields"].items()):
        sys.stdout.write(
            f"{name:{width}}  errors per value, B - A: {100 * one['difference']:+.2f} points "
            f"({100 * one['difference_low']:+.2f} to {100 * one['difference_high']:+.2f}), "
            f"B better with {100 * one['confidence_better']:.1f} % confidence\n"
        )
    sys.stdout.write(
        f"{counted(figures['documents_better'], 'document')} better, {figures['documents_worse']} worse, "
        f"{figures['documents_same']} the same\n"
    )
    for kind in ("worse", "better"):
        if figures[kind]:
            sys.stdout.write(f"{kind}: {', '.join(figures[kind][:10])}\n")


def _show_both(both: TwoReadings) -> None:
    sides = {"A": both.a, "B": both.b}
    for side, read in sides.items():
        sys.stdout.write(f"{side} {read.model}\n")
    values = [(one.path, one.left or "-", one.right or "-", one.verdict != "same") for one in both.values]
    paths = max((len(row[0]) for row in values), default=0)
    lefts = max((len(row[1]) for row in values), default=0)
    for path, left, right, differs in values:
        mark = "≠" if differs else " "
        line = f"{mark} {path:{paths}}  {left:{lefts}}  {right}".replace("\n", " ")
        sys.stdout.write(f"{line.rstrip()}\n")
    sys.stdout.write(f"{len(both.differing)} of {len(values)} values differ\n")
    for side, read in sides.items():
        if read.exact:
            sys.stdout.write(f"{side}: every sum holds\n")
        for finding in read.findings:
            sys.stdout.write(f"{side}: {finding['severity']}: {finding['what']}\n")


def _rows(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    percent = output.percent
    width = max(len(name) for name, _ in rows)
    for name, one in rows:
        bounds = f"({percent(one['f1_low'])} to {percent(one['f1_high'])})"
        counts = ", ".join(f"{key} {one[key]}" for key in ("right", "wrong", "missed", "invented"))
        sys.stdout.write(
            f"{name:{width}}  F1 {percent(one['f1']):>7} {bounds:20}  right {percent(one['accuracy']):>7}  {counts}\n"
        )
