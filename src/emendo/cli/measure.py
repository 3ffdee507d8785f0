"""Commands that measure models: evaluate, compare; and the options that other commands share with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from . import output
from .context import Context, Json, Language, Model, Pages, Threads, open_context
from .fieldmeasure import (
    DocumentImage,
    Documents,
    FieldNames,
    Kept,
    Partial,
    compare_fields,
    compare_image,
    evaluate_fields,
    means_fields,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..datasets import Dataset
    from ..evaluate import Measures, Report
    from ..settings import Limits
    from ..types import Recognizer, Split

SplitName = Annotated[str | None, typer.Option("--split", metavar="NAME", help="Only train, val or test.")]
Slices = Annotated[
    str | None, typer.Option("--slice", metavar="A,B", help="Figures by these attributes too, e.g. language,subset.")
]
IncludeLanguage = Annotated[
    list[str] | None, typer.Option("--include-language", metavar="NAME", help="Only samples of this language.")
]
IncludeSubset = Annotated[
    list[str] | None, typer.Option("--include-subset", metavar="NAME", help="Only samples of this subset.")
]
Metrics = Annotated[
    list[str] | None,
    typer.Option("--metric", metavar="NAME", help="Further figures: f1, bleu, chrf, ned, ...; may be repeated."),
]
Tokens = Annotated[
    str, typer.Option("--tokenizer", metavar="NAME", help="Tokens of token metrics: words, graphemes, 13a, zh, ...")
]
Normalize = Annotated[
    str | None,
    typer.Option(
        "--normalize", metavar="A,B", help="Compare with these folded too: arabic, loose, plates, alef, harakat, ..."
    ),
]
FoldFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Compare with these phrases as one sign too: lines of phrase, tab, sign."),
]
Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Keep the report here: summary.json, report.json, all lines.")
]
Keep = Annotated[
    bool, typer.Option("--keep", help="Keep it where `emendo report` looks: .emendo/reports, else reports.")
]
Outputs = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Count the errors of these recorded outputs (JSONL of id, text) instead."),
]
Baseline = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Report to hold it against; exit status 1 when a subset got worse.")
]
Html = Annotated[Path | None, typer.Option("--html", metavar="FILE", help="Write a page with the worst lines.")]


def evaluate(
    data: Annotated[str, typer.Option("--data", metavar="REF", help="Data set with texts, or with fields.")],
    model: Model = None,
    split: SplitName = None,
    slices: Slices = None,
    metric: Metrics = None,
    tokens: Tokens = "words",
    normalize: Normalize = None,
    fold_file: FoldFile = None,
    include_language: IncludeLanguage = None,
    include_subset: IncludeSubset = None,
    pages: Pages = False,
    fields: FieldNames = None,
    documents: Documents = False,
    partial: Partial = False,
    html: Html = None,
    out: Out = None,
    keep: Keep = False,
    outputs: Outputs = None,
    baseline: Baseline = None,
    language: Language = None,
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Read lines whose text is known, or documents whose fields are known, and count the errors.

    Of lines: character and word error rate and the share of lines without error, with 95 % intervals, and the author's
    effort to correct. Of documents: F1 of all fields and of each, rows of tables, and whether the sums hold.
    """
    from ..datasets.summary import included

    if outputs and model:
        raise UsageError("--model and --outputs are two sources of readings", remedy="give one of them")
    context = open_context(Path(), model=model, threads=threads, read__language=language)
    dataset = included(context.dataset(data), language=include_language or (), subset=include_subset or ())
    kept = Kept(html, out, keep, json)
    if fields or documents or partial or (not outputs and means_fields(context, dataset)):
        of_lines = {"--metric": metric, "--normalize": normalize, "--fold-file": fold_file, "--outputs": outputs}
        refuse(of_lines | {"--baseline": baseline, "--pages": pages})
        evaluate_fields(context, dataset, parse_split(split), names(slices), fields, partial, kept)
        return 0
    measures = _measures(dataset, metric, tokens, normalize, fold_file)
    return _evaluate_lines(context, dataset, parse_split(split), slices, measures, kept, pages, outputs, baseline)


def _measures(
    dataset: Dataset, metric: list[str] | None, tokens: str, normalize: str | None, fold_file: Path | None
) -> Measures:
    from ..evaluate import Measures, usual_folds
    from ..text.folds import read_phrases

    wanted = tuple(one for text in metric or () for one in names(text))
    phrases = read_phrases(fold_file) if fold_file else ()
    folds = usual_folds(dataset.samples) if normalize is None else tuple(names(normalize))
    return Measures(wanted, tokens, folds, phrases)


def _evaluate_lines(
    context: Context,
    dataset: Dataset,
    split: Split | None,
    slices: str | None,
    measures: Measures,
    kept: Kept,
    pages: bool,
    outputs: Path | None,
    baseline: Path | None,
) -> int:
    from ..evaluate import read_report, usual_slices, write_report_page
    from ..evaluate.boards.drift import drift
    from ..evaluate.boards.summary import report_folder, summarize_report, write_summary
    from ..models.vision import Facts, facts_of

    before = read_report(baseline) if baseline else None
    shown = usual_slices(dataset.samples) if slices is None else tuple(names(slices))
    if outputs:
        report = _recorded(outputs, dataset, split, shown, measures, context)
    else:
        reader = context.reader(pages=pages)
        report = _read(reader, dataset, split, shown, measures, context.settings.limits, quiet=kept.json)
    facts = Facts(report.model) if outputs else facts_of(context.recognizer)
    for folder in (kept.out, report_folder(context.reports, report) if kept.keep else None):
        if folder is not None:
            report.write(folder)
            write_summary(folder, summarize_report(report, facts, threads=0 if outputs else context.threads))
    if kept.html:
        write_report_page(kept.html, report, dataset)
    held = drift(report, before, context.settings.drift) if before else None
    if kept.json:
        output.print_json(report.figures() | ({"drift": held.to_dict()} if held else {}))
    else:
        output.show_report(report.figures())
        for sentence in held.sentences() if held else ():
            typer.echo(f"alert: {sentence}")
    return 0 if held is None or held.ok else 1


def _read(
    reader: Recognizer,
    dataset: Dataset,
    split: Split | None,
    slices: Sequence[str],
    measures: Measures,
    limits: Limits,
    *,
    quiet: bool,
) -> Report:
    from ..evaluate import evaluate as evaluate_model
    from ..models.vision import own_tokens

    with output.progress("evaluating", quiet=quiet) as bar:
        return evaluate_model(
            reader,
            dataset,
            split=split,
            slices=slices,
            measures=measures,
            limits=limits,
            spent=own_tokens,
            progress=bar,
        )


def _recorded(
    outputs: Path, dataset: Dataset, split: Split | None, slices: Sequence[str], measures: Measures, context: Context
) -> Report:
    from ..evaluate.boards.outputs import read_outputs, report_of

    held = read_outputs(outputs, limits=context.settings.limits)
    for reject in held.rejects:
        output.complain(str(reject.error()))
    return report_of(held, dataset, split=split, slices=slices, measures=measures)


def compare(
    a: Annotated[str, typer.Argument(metavar="A", help="Model in use.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other model.")],
    data: Annotated[
        str | None, typer.Option("--data", metavar="REF", help="Data set with texts, or with fields.")
    ] = None,
    image: DocumentImage = None,
    split: SplitName = None,
    slices: Slices = None,
    fields: FieldNames = None,
    documents: Documents = False,
    partial: Partial = False,
    html: Html = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep both reports here.")] = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Read the same lines or documents with two models: which is better, and how sure is that.

    With --image, one document as both read it: the fields that differ, and what the validator says of each.
    """
    context = open_context(Path(), threads=threads)
    if image is not None:
        if data or split or slices or out or fields or partial:
            remedy = "leave out --data, --split, --slice, --fields, --partial and --out"
            raise UsageError("--image is one document without a truth", remedy=remedy)
        compare_image(context, a, b, image, html, json=json)
        return
    if data is None:
        raise UsageError("there is nothing to compare on", remedy="give --data REF, or --image FILE for one document")
    dataset, kept = context.dataset(data), Kept(html, out, False, json)
    if fields or documents or partial or means_fields(context, dataset, a, b):
        compare_fields(context, (a, b), dataset, parse_split(split), names(slices), fields, partial, kept)
    else:
        _compare_lines(context, (a, b), dataset, parse_split(split), names(slices), kept)


def _compare_lines(
    context: Context, models: tuple[str, str], dataset: Dataset, split: Split | None, slices: list[str], kept: Kept
) -> None:
    from ..evaluate import compare as compare_models
    from ..evaluate import write_comparison_page

    first, second = (context.load(ref) for ref in models)
    limits = context.settings.limits
    with output.progress("comparing", quiet=kept.json) as bar:
        comparison = compare_models(first, second, dataset, split=split, slices=slices, limits=limits, progress=bar)
    if kept.out:
        comparison.write(kept.out)
    if kept.html:
        write_comparison_page(kept.html, comparison, dataset)
    if kept.json:
        output.print_json(comparison.figures())
    else:
        output.show_comparison(comparison.figures())


def names(text: str | None) -> list[str]:
    """The parts of a comma-separated list."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def parse_split(name: str | None) -> Split | None:
    """A split by name. Raises UsageError for an unknown one."""
    from ..types import Split

    if name is None:
        return None
    try:
        return Split(name)
    except ValueError as error:
        raise UsageError(f"unknown split {name!r}", remedy="use train, val or test") from error
