"""Commands that measure models: evaluate, compare; and the options that other commands share with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from . import output
from .context import Context, Json, Language, Model, Pages, Threads, open_context

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
    data: Annotated[str, typer.Option("--data", metavar="REF", help="Data set with texts.")],
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
    html: Html = None,
    out: Out = None,
    keep: Keep = False,
    outputs: Outputs = None,
    baseline: Baseline = None,
    language: Language = None,
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Read lines whose text is known and count the errors.

    Shows character and word error rate and the share of lines without error, with 95 % intervals, and the author's
    effort to correct.
    """
    from ..datasets.summary import included
    from ..evaluate import Measures, read_report, usual_folds, usual_slices, write_report_page
    from ..evaluate.boards.drift import drift
    from ..evaluate.boards.summary import report_folder, summarize_report, write_summary
    from ..models.vision import Facts, facts_of
    from ..text.folds import read_phrases

    if outputs and model:
        raise UsageError("--model and --outputs are two sources of readings", remedy="give one of them")
    context = open_context(Path(), model=model, threads=threads, read__language=language)
    wanted = tuple(one for text in metric or () for one in names(text))
    phrases = read_phrases(fold_file) if fold_file else ()
    dataset = included(context.dataset(data), language=include_language or (), subset=include_subset or ())
    folds = usual_folds(dataset.samples) if normalize is None else tuple(names(normalize))
    measures = Measures(wanted, tokens, folds, phrases)
    before = read_report(baseline) if baseline else None
    shown = usual_slices(dataset.samples) if slices is None else tuple(names(slices))
    if outputs:
        report = _recorded(outputs, dataset, parse_split(split), shown, measures, context)
    else:
        reader = context.reader(pages=pages)
        report = _read(reader, dataset, parse_split(split), shown, measures, context.settings.limits, quiet=json)
    facts = Facts(report.model) if outputs else facts_of(context.recognizer)
    for folder in (out, report_folder(context.reports, report) if keep else None):
        if folder is not None:
            report.write(folder)
            write_summary(folder, summarize_report(report, facts, threads=0 if outputs else context.threads))
    if html:
        write_report_page(html, report, dataset)
    held = drift(report, before, context.settings.drift) if before else None
    if json:
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
    data: Annotated[str, typer.Option("--data", metavar="REF", help="Data set with texts.")],
    split: SplitName = None,
    slices: Slices = None,
    html: Html = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep both reports here.")] = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Read the same lines with two models: which is better, and how sure is that."""
    from ..evaluate import compare as compare_models
    from ..evaluate import write_comparison_page

    context = open_context(Path(), threads=threads)
    dataset = context.dataset(data)
    first, second = context.load(a), context.load(b)
    with output.progress("comparing", quiet=json) as bar:
        comparison = compare_models(
            first,
            second,
            dataset,
            split=parse_split(split),
            slices=names(slices),
            limits=context.settings.limits,
            progress=bar,
        )
    if out:
        comparison.write(out)
    if html:
        write_comparison_page(html, comparison, dataset)
    if json:
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
