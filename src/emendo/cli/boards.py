"""Commands over evaluations: report leaderboard|limitations|efficiency|drift, compression optical|structural."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from . import output
from .context import Json, Model, Pages, Ref, Threads, open_context
from .measure import IncludeLanguage, IncludeSubset, Slices, SplitName, names, parse_split

if TYPE_CHECKING:
    from ..evaluate.report import Report

report = typer.Typer(help="Pages over evaluations: leaderboard, limitations, efficiency, drift.", no_args_is_help=True)
compression = typer.Typer(help="How far text is compressed, and what is still read right.", no_args_is_help=True)

Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the page here, JSON beside it.")]
ReportFolder = Annotated[Path, typer.Argument(metavar="REPORT", help="Folder of a report (`emendo evaluate --out`).")]
Images = Annotated[
    str | None, typer.Option("--data", metavar="REF", help="The data set evaluated, for the line images.")
]
Tokens = Annotated[
    str,
    typer.Option(
        "--tokenizer",
        metavar="NAME",
        help="Text tokens: words-marks, 13a, a tokenizer.json. [default: the model's own]",
    ),
]


@report.command()
def leaderboard(
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="PLACE", help="Folders of reports, summary.json files. [default: where --keep puts them]"
        ),
    ] = None,
    metric: Annotated[str, typer.Option(metavar="NAME", help="Rank by this metric, in its direction.")] = (
        "character_accuracy"
    ),
    out: Out = None,
    json: Json = False,
) -> int:
    """Rank models by the summaries of their evaluations, one board for each data set.

    Summaries come from `emendo evaluate --keep` or `--out`, or from anyone who hands one in. Those that cannot be used
    are named, and the exit status is 2.
    """
    from ..evaluate.boards.leaderboard import leaderboard as rank
    from ..evaluate.boards.leaderboard import leaderboard_page
    from ..evaluate.boards.summary import find_summaries

    entries, faults = find_summaries(places or [open_context(Path()).reports])
    for fault in faults:
        output.complain(str(fault))
    made = rank(entries, metric)
    told = [str(fault) for fault in faults]
    keep(out, leaderboard_page(made, told) if out else "", made.to_dict())
    if json:
        output.print_json({**made.to_dict(), "left_out": told})
        return 2 if faults else 0
    for board in made.boards:
        typer.echo(f"{board.dataset} ({board.dataset_hash[:12]}){f' {board.split}' if board.split else ''}")
        for row in board.rows:
            figure = row.figure
            bounds = "" if figure.low is None else f" ({figure.low:.4f} to {figure.high:.4f})"
            apart = "" if row.against is None or row.against.apart else "  not told apart from the first"
            typer.echo(f"  {row.rank:2}  {figure.value:.4f}{bounds}  {row.summary.model}{apart}")
    return 2 if faults else 0


@report.command()
def limitations(
    folder: ReportFolder,
    data: Images = None,
    slices: Slices = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Say where a model is weak: subsets against the rest, characters, lines to look at.

    Each with counts and intervals; a subset that is too small to tell is called so.
    """
    from ..evaluate.boards.limitations import examples_of, limitations_page
    from ..evaluate.boards.limitations import limitations as look
    from ..evaluate.page import line_images

    found = look(_report(folder), slices=names(slices) if slices else None)
    page = ""
    if out:
        shown = line_images(open_context(Path()).dataset(data), examples_of(found), None) if data else {}
        page = limitations_page(found, shown)
    keep(out, page, found.to_dict())
    tell(found.to_dict(), found.sentences(), json)


@report.command()
def efficiency(
    folder: ReportFolder,
    outputs: Annotated[
        Path, typer.Argument(metavar="OUTPUTS", help="JSONL of id, text, seconds, tokens; or another report.")
    ],
    name: Annotated[str, typer.Option(help="Name of the other model. [default: the file's]")] = "",
    out: Out = None,
    json: Json = False,
) -> None:
    """Set accuracy per vision token and per second against another model's recorded outputs.

    1 is as efficient, 2 twice: right characters per token (or second) of ours over theirs, with a paired interval.
    """
    from ..evaluate.boards.efficiency import efficiency as score
    from ..evaluate.boards.efficiency import efficiency_page
    from ..evaluate.boards.outputs import read_outputs

    own = _report(folder)
    made = score(own, read_outputs(outputs, limits=open_context(Path()).settings.limits, name=name))
    for one in made.rejects:
        output.complain(one)
    keep(out, efficiency_page(made, own.lines), made.to_dict())
    tell(made.to_dict(), made.sentences(), json)


@report.command()
def drift(
    folder: ReportFolder,
    baseline: Annotated[Path, typer.Argument(metavar="BASELINE", help="Folder of the report to hold it against.")],
    slices: Slices = None,
    json: Json = False,
) -> int:
    """Name the subsets that got worse since a baseline report; exit status 1 when there are any.

    Watched are CER, missed and false characters. How much is allowed stands in the settings (section drift).
    """
    from ..evaluate.boards.drift import State
    from ..evaluate.boards.drift import drift as compare

    settings = open_context(Path()).settings.drift
    found = compare(_report(folder), _report(baseline), settings, slices=names(slices) if slices else None)
    if json:
        output.print_json(found.to_dict())
        return 0 if found.ok else 1
    for sentence in found.sentences():
        typer.echo(f"alert: {sentence}")
    for change in found.changes:
        if change.state not in (State.ALERT, State.WITHIN):
            typer.echo(f"{change.state}: {change.sentence()}")
    if found.ok:
        output.note("no subset got worse by more than is allowed")
    return 0 if found.ok else 1


@compression.command()
def optical(
    ref: Ref,
    model: Model = None,
    modes: Annotated[str, typer.Option(metavar="A,B", help="Modes to read in.")] = "64,100,256,400,tiled",
    tokens: Tokens = "",
    pages: Pages = False,
    split: SplitName = None,
    include_language: IncludeLanguage = None,
    include_subset: IncludeSubset = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Keep page, picture, JSON, samples.")] = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Text tokens for each vision token in each mode, beside the accuracy measured in that mode.

    A vision-language model counts by its own processor; for other readers the tokens are the mode's arithmetic, and the
    images are read with no more detail than the mode's pixels can hold.
    """
    from ..datasets.summary import included
    from ..evaluate.boards.compression import optical as measure
    from ..evaluate.boards.compression_page import write_optical
    from ..models.vision import modes_of

    context = open_context(Path(), model=model, threads=threads)
    wanted = modes_of(names(modes))
    dataset = included(context.dataset(ref), language=include_language or (), subset=include_subset or ())
    with output.progress("reading in each mode", quiet=json) as bar:
        made = measure(
            context.reader(pages=pages),
            dataset,
            wanted,
            tokens=tokens,
            split=parse_split(split),
            limits=context.settings.limits,
            progress=bar,
        )
    if out:
        write_optical(out, made)
    told = [
        f"{one.mode:6} {one.vision_tokens / max(len(one.report.lines), 1):7.1f} tokens a sample  "
        f"{one.compression.value:7.3f}x  characters right {output.percent(one.accuracy.value)} "
        f"({output.percent(one.accuracy.low)} to {output.percent(one.accuracy.high)})  [{one.counted}]"
        for one in made.modes
    ]
    tell(made.to_dict(), [*told, f"text tokens: {made.tokenizer}"], json)


@compression.command()
def structural(
    ref: Ref,
    window: Annotated[int, typer.Option(metavar="N", help="Bytes of a window.")] = 512,
    stride: Annotated[int, typer.Option(metavar="N", help="Bytes between the beginnings of two windows.")] = 384,
    level: Annotated[int, typer.Option(metavar="N", min=1, max=9, help="Level of zlib.")] = 9,
    split: SplitName = None,
    out: Out = None,
    json: Json = False,
) -> None:
    """Byte windows and signatures over the texts of a data set: both ratios, beside zlib.

    The signatures alone compress any text by stride / 9, and nothing can be had back from them; so the ratio that
    counts what reconstruction needs stands beside it, and the text is really rebuilt.
    """
    from ..errors import DataError
    from ..evaluate.boards.compression_page import structural_page
    from ..metrics.structural import structural as measure

    dataset, part = open_context(Path()).dataset(ref), parse_split(split)
    texts = [one.text for one in dataset.samples if one.text and (part is None or one.split is part)]
    if not texts:
        raise DataError("holds no texts", where=dataset.name, remedy="give a data set with texts, or another --split")
    found = measure("\n".join(texts).encode("utf-8"), window=window, stride=stride, level=level)
    keep(out, structural_page(dataset.name, found), found.to_dict())
    told = [
        f"text                        {found.original:10,} bytes, {found.windows:,} windows of {window}",
        f"signatures alone            {found.signature_size:10,}  {found.signature_ratio:6.2f}x  cannot be undone; "
        f"{stride} / {found.signature_bytes} = {found.arithmetic:.1f} whatever the text is",
        f"what reconstruction needs   {found.stored:10,}  {found.stored_ratio:6.2f}x  "
        f"{'rebuilt byte for byte' if found.exact else 'NOT rebuilt'}",
        f"the same, zlib level {level}      {found.stored_zlib:10,}  {found.stored_zlib_ratio:6.2f}x",
        f"zlib level {level} alone          {found.plain_zlib:10,}  {found.zlib_ratio:6.2f}x",
    ]
    tell(found.to_dict(), told, json)


def _report(folder: Path) -> Report:
    from ..evaluate.report import FIGURES, read_report

    if not (folder / FIGURES).is_file():
        raise UsageError(f"{folder} is no report", remedy="make one with `emendo evaluate --out`")
    return read_report(folder)


def keep(out: Path | None, page: str, content: Mapping[str, Any]) -> None:
    """The page, and the same as JSON beside it."""
    from ..tools.files import write_text

    if out is not None:
        write_text(out.with_suffix(".json"), dumps(content, ensure_ascii=False, indent=1) + "\n")
        write_text(out, page)


def tell(content: Mapping[str, Any], sentences: Sequence[str], json: bool) -> None:
    """What a command found: the JSON object, or its sentences on standard output."""
    if json:
        output.print_json(content)
    else:
        for sentence in sentences:
            typer.echo(sentence)
