"""Commands: probe needle|json|latex|score."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from ..tools.counts import counted
from . import output
from .context import Json, Model, Ref, Threads, open_context
from .data import Out, Seed
from .measure import SplitName, parse_split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..datasets import Dataset
    from ..types import Sample

probe = typer.Typer(help="Ask more of a model than to read a line: needle, JSON, LaTeX.", no_args_is_help=True)


@probe.command()
def needle(
    ref: Ref,
    out: Out,
    number: Annotated[int, typer.Option("-n", metavar="N", help="How many pages.")] = 20,
    lines: Annotated[int, typer.Option(metavar="N", help="Lines on a page, the needle among them.")] = 20,
    rendered: Annotated[bool, typer.Option("--rendered", help="Draw the lines anew from their texts.")] = False,
    split: SplitName = None,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Plant a sentence with a number in pages of lines; the number is what is asked for."""
    from ..datasets.probes import make_needles

    context = open_context(Path())
    samples = _samples(context.dataset(ref), split)
    limits = context.settings.limits
    made = make_needles(samples, out, number=number, lines=lines, seed=seed, rendered=rendered, limits=limits)
    _written(made.samples, out, json)


@probe.command("json")
def json_(
    ref: Ref,
    out: Out,
    key: Annotated[
        list[str] | None, typer.Option("--key", metavar="NAME", help="Take these of a row, not its fields.")
    ] = None,
    split: SplitName = None,
    json: Json = False,
) -> None:
    """Turn the fields of each row into one JSON object as the text to write."""
    from ..datasets.probes import json_targets

    _export(json_targets(_samples(open_context(Path()).dataset(ref), split), key or ()), out, json)


@probe.command()
def latex(ref: Ref, out: Out, split: SplitName = None, json: Json = False) -> None:
    """Turn formulas, and lines with signs of mathematics, into LaTeX as the text to write."""
    from ..datasets.probes import latex_targets

    _export(latex_targets(_samples(open_context(Path()).dataset(ref), split)), out, json)


@probe.command()
def score(
    ref: Ref,
    model: Model = None,
    outputs: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Score these recorded answers (JSONL of id, text) instead.")
    ] = None,
    split: SplitName = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Put a probe to a model, or score recorded answers.

    What a family cannot do is said and not scored: a CTC line reader cannot be asked (a needle is looked for in its
    reading of the page) and cannot write JSON or LaTeX (exit status 1).
    """
    from ..evaluate.boards.outputs import read_outputs
    from ..evaluate.probes import probe_of, run_probe, score_probe

    if outputs and model:
        raise UsageError("--model and --outputs are two sources of answers", remedy="give one of them")
    context = open_context(Path(), model=model, threads=threads)
    samples = _samples(context.dataset(ref), split)
    limits = context.settings.limits
    if outputs:
        held = read_outputs(outputs, limits=limits)
        for reject in held.rejects:
            output.complain(str(reject.error()))
        answers = {name: one.text for name, one in held.rows.items()}
        result = score_probe(samples, answers, model=held.name, how="recorded answers")
    else:
        finder = context.detector if probe_of(samples) == "needle" else None
        with output.progress("probing", quiet=json) as bar:
            result = run_probe(context.recognizer, samples, finder=finder, limits=limits, progress=bar)
    shown: dict[str, Any] = result.to_dict()
    if json:
        output.print_json(shown)
        return
    typer.echo(f"{result.probe}: {result.model}, {result.how}")
    rows = [*result.scores.items(), *((f"{k} {v}", one) for k, held in result.by.items() for v, one in held.items())]
    for name, one in rows:
        figures = one.to_dict()
        bounds = f"({output.percent(figures['low'])} to {output.percent(figures['high'])})"
        typer.echo(f"  {name:20} {output.percent(figures['value']):>8} {bounds:20} {one.hits} of {one.trials}")
    for name, why in result.unreadable:
        output.complain(f"{name}: {why}")


def _samples(dataset: Dataset, split: str | None) -> Sequence[Sample]:
    part = parse_split(split)
    return dataset.split(part) if part else dataset.samples


def _export(samples: Sequence[Sample], out: Path, json: bool) -> None:
    from ..datasets.build import export

    export(samples, "jsonl", out)
    _written(samples, out, json)


def _written(samples: Sequence[Sample], out: Path, json: bool) -> None:
    if json:
        output.print_json({"path": str(out), "samples": len(samples), "probe": str(samples[0].attributes["probe"])})
    else:
        output.note(f"{out}: {counted(len(samples), 'sample')}; score it with `emendo probe score {out} --model REF`")
