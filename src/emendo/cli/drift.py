"""Commands: monitor baseline, monitor drift."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from . import output
from .context import Context, Json, Language, Model, Threads, open_context
from .monitor import Folder

if TYPE_CHECKING:
    from ..evaluate.boards.drift import Drift as ErrorDrift
    from ..monitor.drift import Drift
    from ..monitor.looking import Look
    from ..monitor.seen import Seen, Truth
    from ..workspace.folder import Workspace

Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only what was read from then on: 2026-11-29 or 2026-11-29T14:00.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Only what was read before then.")]
Notes = Annotated[
    bool, typer.Option("--notes", help="The lines of the workspace's notes, not what the service captured.")
]
File = Annotated[
    Path | None, typer.Option("--seen", metavar="FILE", help="Readings in a JSONL file, not what was captured.")
]
TruthFile = Annotated[
    Path | None, typer.Option("--truths", metavar="FILE", help="With --seen: what people said of them, JSONL.")
]
BaselineFile = Annotated[
    Path | None, typer.Option("--baseline", metavar="FILE", help="The baseline. [default: that of the captures]")
]
Alert = Annotated[
    bool, typer.Option("--alert", help="Raise and end alerts, and tell them as the section [alerts] says.")
]
Html = Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page with curves of every measure.")]


def baseline(
    folder: Folder = Path(),
    since: Since = None,
    until: Until = None,
    notes: Notes = False,
    seen: File = None,
    truths: TruthFile = None,
    data: Annotated[
        str | None, typer.Option(metavar="REF", help="A data set of lines, read now with the model, as traffic.")
    ] = None,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Of the data set only train, val or test.")] = None,
    model: Model = None,
    language: Language = None,
    threads: Threads = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write it. [default: beside the captures]")
    ] = None,
    json: Json = False,
) -> None:
    """Take traffic as the baseline: what images, readings and texts look like when all is well."""
    from ..monitor.baseline import NAME, make_baseline
    from ..monitor.labelled import judged_pages

    context = open_context(folder, model=model, threads=threads, read__language=language)
    if data is not None and (notes or seen is not None):
        raise UsageError("--data stands beside another source", remedy="name one of --data, --notes and --seen")
    if data is not None:
        found, said = _read(context, data, split)
        source = f"{data}{f' ({split})' if split else ''}"
    else:
        source, found, said = _traffic(context, notes, seen, truths, _time(since), _time(until))
    expected = "" if language in (None, "auto", "none") else str(language)
    made = make_baseline(found, source=source, language=expected, judged=judged_pages(found, said))
    target = out or _captures(context, "name a file with --out") / NAME
    made.write(target)
    kinds = {
        kind: {"pages": len(one.pages), "judged": len(one.judged), "measures": len(one.norms),
               "scripts": list(one.expected.scripts), "language": one.expected.language}
        for kind, one in made.profiles.items()
    }  # fmt: skip
    told = [
        f"{kind}: {row['pages']} pages, {row['measures']} measures, {row['judged']} judged pages,"
        f" language {row['language'] or 'unknown'}"
        for kind, row in kinds.items()
    ]
    report = {"baseline": str(target), "source": source, "models": list(made.models), "kinds": kinds}
    output.show(report, [*told, f"baseline: {target}"], json=json)


def drift(
    folder: Folder = Path(),
    since: Since = None,
    until: Until = None,
    notes: Notes = False,
    seen: File = None,
    truths: TruthFile = None,
    baseline_file: BaselineFile = None,
    alert: Alert = False,
    html: Html = None,
    json: Json = False,
) -> int:
    """Compare traffic with the baseline, page by page; exit status 1 on an alarm.

    Without --since all traffic after the baseline is looked at.
    """
    from ..monitor.baseline import NAME, read_baseline
    from ..monitor.drift import find_drift
    from ..monitor.drift_page import write_drift_page
    from ..monitor.labelled import judged_pages

    context = open_context(folder)
    begin, end = _time(since), _time(until)
    path = baseline_file or _captures(context, "name the baseline with --baseline") / NAME
    held = read_baseline(path)
    begin = begin or (held.made if not notes and seen is None else None)
    _, found, said = _traffic(context, notes, seen, truths, begin, end)
    result = find_drift(found, held, context.settings.alerts, judged=judged_pages(found, said))
    errors = _subsets(context, found, said, begin) if seen is None and not notes else None
    if html is not None:
        write_drift_page(html, result, errors)
    report, told = result.to_dict(), result.sentences() or ["no pages to compare"]
    if errors is not None:
        report["subsets"] = errors.to_dict()
        told += errors.sentences()
    if alert:
        looked = _alert(context, result)
        report["alerts"] = looked.to_dict()
        told += [f"alert: {line}" for line in looked.sentences()]
    output.show(report, told, json=json)
    return 0 if result.ok else 1


def _traffic(
    context: Context,
    notes: bool,
    file: Path | None,
    truth_file: Path | None,
    since: datetime | None,
    until: datetime | None,
) -> tuple[str, list[Seen], list[Truth]]:
    """The source's name, its readings of a time, and all that people said."""
    from ..monitor import Captures
    from ..monitor.traffic import seen_of_file, seen_of_workspace, truths_of_file

    if notes and file is not None:
        raise UsageError("--notes and --seen name two sources", remedy="name one")
    if truth_file is not None and file is None:
        raise UsageError("--truths goes with --seen", remedy="name the file with the readings too")
    if file is not None:
        source, found = str(file), seen_of_file(file)
        said = truths_of_file(truth_file) if truth_file is not None else []
    elif notes:
        workspace = _workspace(context, "name a file with --seen")
        source, (found, said) = f"notes in {workspace.root}", seen_of_workspace(workspace)
    else:
        workspace = _workspace(context, "name a file with --seen")
        captures = Captures(workspace.captures)
        source, found, said = "captures", list(captures.seen(since, until)), list(captures.truths(since))
        if captures.torn:
            output.note(f"{captures.torn} captured lines were torn by a crash and left out")
    kept = [one for one in found if (since is None or one.at >= since) and (until is None or one.at < until)]
    times = [f"from {since:%F %R}" if since else "", f"until {until:%F %R}" if until else ""]
    return " ".join([source, *filter(None, times)]), kept, said


def _read(context: Context, data: str, split: str | None) -> tuple[list[Seen], list[Truth]]:
    from ..monitor.traffic import seen_of_samples

    samples = context.dataset(data).samples
    chosen = [one for one in samples if split is None or one.split == split]
    if not chosen:
        raise UsageError(f"{data} has no sample of split {split!r}", remedy="use train, val or test, or no --split")
    return seen_of_samples(chosen, context.recognizer, limits=context.settings.limits)


def _subsets(
    context: Context, found: Sequence[Seen], said: Sequence[Truth], begin: datetime | None
) -> ErrorDrift | None:
    """Errors by subset beside those of the captures before; None where either has no judged reading."""
    from ..evaluate.boards.drift import drift as between
    from ..monitor import Captures
    from ..monitor.labelled import report_of

    if begin is None:
        return None
    captures = Captures(_workspace(context, "").captures)
    earlier = report_of(list(captures.seen(until=begin)), captures.truths(), "before")
    now = report_of(found, said, "now")
    return between(now, earlier, context.settings.drift) if earlier.lines and now.lines else None


def _alert(context: Context, result: Drift) -> Look:
    from ..monitor.looking import take_look

    workspace = _workspace(context, "alerts are kept in a workspace")
    with workspace.lock("monitor"):
        return take_look(workspace.captures, result, context.settings.alerts, source=str(workspace.root))


def _captures(context: Context, remedy: str) -> Path:
    return _workspace(context, remedy).captures


def _workspace(context: Context, remedy: str) -> Workspace:
    if context.workspace is None:
        raise UsageError("this is no workspace", where=str(Path().resolve()), remedy=remedy)
    return context.workspace


def _time(text: str | None) -> datetime | None:
    """A time as people write it, in UTC unless it names another zone. Raises UsageError for what is none."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time", remedy="write 2026-11-29 or 2026-11-29T14:00") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
