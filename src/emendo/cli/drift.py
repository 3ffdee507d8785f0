"""Commands: monitor baseline, monitor drift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from . import output
from .context import Context, Json, Language, Model, Threads, open_context
from .traffic import File, Folder, Notes, Since, Traffic, TruthFile, Until, time_of, workspace_of

if TYPE_CHECKING:
    from ..evaluate.boards.drift import Drift as ErrorDrift
    from ..monitor.drift import Drift
    from ..monitor.looking import Look
    from ..monitor.seen import Seen, Truth

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
        source, found, said = Traffic(context, notes, seen, truths, time_of(since), time_of(until)).read()
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
    """Compare traffic with the baseline, page by page; exit status 1 while an alarm holds.

    Without --since all traffic after the baseline is looked at. An alarm holds until so many pages like those of the
    baseline have followed that the evidence has fallen. That it was is told then too, and exit status 0 given; in
    --json, "alarmed" says so, and "alarms" of each kind tells when each came and ended.
    """
    from ..monitor.baseline import NAME, read_baseline
    from ..monitor.drift import find_drift
    from ..monitor.drift_page import write_drift_page
    from ..monitor.labelled import judged_pages

    context = open_context(folder)
    traffic = Traffic(context, notes, seen, truths, time_of(since), time_of(until))
    path = baseline_file or _captures(context, "name the baseline with --baseline") / NAME
    held = read_baseline(path)
    if traffic.captured and traffic.since is None:
        traffic = replace(traffic, since=held.made)
    _, found, said = traffic.read()
    result = find_drift(found, held, context.settings.alerts, judged=judged_pages(found, said))
    errors = _subsets(context, found, said, traffic.since) if traffic.captured else None
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
    captures = Captures(workspace_of(context, "").captures)
    earlier = report_of(list(captures.seen(until=begin)), captures.truths(), "before")
    now = report_of(found, said, "now")
    return between(now, earlier, context.settings.drift) if earlier.lines and now.lines else None


def _alert(context: Context, result: Drift) -> Look:
    from ..monitor.looking import take_look

    workspace = workspace_of(context, "alerts are kept in a workspace")
    with workspace.lock("monitor"):
        return take_look(workspace.captures, result, context.settings.alerts, source=str(workspace.root))


def _captures(context: Context, remedy: str) -> Path:
    return workspace_of(context, remedy).captures
