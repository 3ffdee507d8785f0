"""Commands: monitor estimate, monitor calibrate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ..errors import DataError, UsageError
from ..tools.counts import counted
from . import output
from .context import Context, Json, Language, Model, Threads, open_context
from .measure import SplitName, parse_split
from .traffic import Folder

if TYPE_CHECKING:
    from ..monitor.estimate import Estimators
    from ..monitor.units import Unit

Data = Annotated[
    str | None, typer.Option("--data", metavar="REF", help="Read this data set, in place of what was captured.")
]
Group = Annotated[
    str, typer.Option("--group", metavar="NAME", help="Attribute that says whose lines are alike (writer, book, ...).")
]


def estimate(
    folder: Folder = Path(),
    data: Data = None,
    model: Model = None,
    split: SplitName = None,
    key: Annotated[
        Literal["page", "document", "day"],
        typer.Option("--by", metavar="KEY", help="Figures by page, document or day."),
    ] = "document",
    estimators: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Estimators in place of those of the workspace.")
    ] = None,
    group: Group = "",
    language: Language = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Estimate the character error rate of what nobody has looked at, with its 90 % interval.

    From what the service has captured, or from a data set that is read now (where it has texts, what was counted stands
    beside). `emendo monitor calibrate` makes the estimates better for a model and the pages that it is used on.
    """
    from ..monitor.estimate import estimate_by, estimate_units, estimators_at, read_estimators, sentence
    from ..monitor.units import halves

    context = open_context(folder, model=model, threads=threads, read__language=language)
    captures = context.workspace.captures if context.workspace else None
    chosen = read_estimators(estimators) if estimators else estimators_at(captures)
    units = _read(context, data, split, group) if data else _captured(context)
    known, unknown = halves(units)
    asked = known if data and not unknown else unknown
    found = estimate_units(asked, chosen)
    parts = (
        _beside(units, chosen, key) if asked is known else [one.to_dict() for one in estimate_by(units, chosen, key)]
    )
    told = [sentence(found, truth="with a truth" if asked is known else "without a truth")] if found else []
    told += _sentences(known) + [_line(part) for part in parts]
    if not told:
        told = ["nothing was captured yet: start `emendo serve` with captures on, or give --data"]
    report = {"estimate": _plain(found), "truth": _counted(known), "by": key, "parts": parts}
    output.show(report, told, json=json)


def calibrate(
    folder: Folder = Path(),
    data: Data = None,
    model: Model = None,
    split: SplitName = None,
    group: Group = "",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to keep it. [default: beside the captures]")
    ] = None,
    language: Language = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Learn from readings whose truth is known how far a model's doubt is right.

    Without --data from what people said of captured readings. The lines must be ones that the model was not trained on:
    of a data set with splits take val or test.
    """
    from ..monitor.estimate import FILE, Estimators, estimators_at, read_estimators
    from ..monitor.estimator import fit_estimator
    from ..monitor.units import halves
    from ..workspace.folder import timestamp

    context = open_context(folder, model=model, threads=threads, read__language=language)
    captures = context.workspace.captures if context.workspace else None
    target = out or (captures / FILE if captures else None)
    if target is None:
        raise UsageError(f"{folder} is no workspace", remedy="give --out FILE, or --workspace DIR")
    known, _ = halves(_read(context, data, split, group) if data else _captured(context))
    if not known:
        raise DataError("no reading has a truth", remedy="correct some of what was read, or give --data with texts")
    before = estimators_at(captures)
    kept = read_estimators(target) if target.is_file() else Estimators(estimators=())
    told, fitted = [], []
    for name in dict.fromkeys(one.model for one in known):
        mine = [one for one in known if one.model == name]
        source = data or f"what people said of {counted(len(mine), 'captured page')}"
        one = fit_estimator(mine, start=before.of(name), model=name, source=source, made=timestamp())
        kept = kept.with_one(one)
        fitted.append(one.model_dump(exclude={"mean", "covariance", "centre", "scale"}))
        rows = f"{counted(one.lines, 'line')}, {counted(one.groups, 'group')}"
        told.append(f"{name}: learned on {counted(one.units, 'page')} ({rows})")
    target.parent.mkdir(parents=True, exist_ok=True)
    kept.write(target)
    output.show({"file": str(target), "estimators": fitted}, [*told, f"kept in {target}"], json=json)


def _captured(context: Context) -> list[Unit]:
    from ..monitor import Captures
    from ..monitor.units import units_of

    if context.workspace is None:
        raise UsageError("there is no workspace here", remedy="give --workspace DIR, or --data REF")
    held = Captures(context.workspace.captures)
    return units_of(held.seen(), held.truths())


def _read(context: Context, data: str, split: str | None, group: str) -> list[Unit]:
    from ..monitor.reading import read_units

    part = parse_split(split)
    samples = [one for one in context.dataset(data).samples if part is None or one.split == part]
    if not samples:
        raise DataError(f"no line{f' in split {split}' if split else ''}", where=data, remedy="name another data set")
    with output.progress("reading") as bar:
        return read_units(context.recognizer, samples, group=group, limits=context.settings.limits, progress=bar)


def _beside(units: list[Unit], estimators: Estimators, key: Literal["page", "document", "day"]) -> list[dict[str, Any]]:
    """Where all has a truth: each part as if it had none, and what was counted."""
    from dataclasses import replace

    from ..monitor.estimate import estimate_by

    blind = estimate_by([replace(one, truth=None) for one in units], estimators, key)
    counted = estimate_by(units, estimators, key)
    return [{**one.to_dict(), "truth": two.to_dict()["truth"]} for one, two in zip(blind, counted, strict=True)]


def _counted(known: list[Unit]) -> dict[str, Any] | None:
    from ..monitor.timeline import counted

    return counted(known).to_dict() if known else None


def _sentences(known: list[Unit]) -> list[str]:
    from ..monitor.timeline import counted

    if not known:
        return []
    found = counted(known)
    pages = f"{len(known)} page{'s' * (len(known) != 1)}"
    return [
        f"counted on {pages} with a truth: CER {100 * found.cer:.1f} % "
        f"({100 * found.cer_low:.1f} to {100 * found.cer_high:.1f})"
    ]


def _line(part: dict[str, Any]) -> str:
    estimate, truth = part["estimate"], part["truth"]
    told = []
    if estimate:
        bounds = f"{100 * estimate['low']:.1f} to {100 * estimate['high']:.1f}"
        told.append(f"about {100 * estimate['cer']:.1f} % ({bounds}), {counted(estimate['lines'], 'line')}")
    if truth:
        told.append(f"counted {100 * truth['cer']:.1f} %")
    return f"  {part['name']}: {'; '.join(told) or 'no text'}"


def _plain(found: Any) -> dict[str, Any] | None:
    from dataclasses import asdict

    return asdict(found) if found else None
