"""Commands: release check."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from . import output
from .context import Json, Threads, open_context

release = typer.Typer(help="What stands before a release.", no_args_is_help=True)


@release.callback()
def _group() -> None:
    """What stands before a release."""


@release.command()
def check(
    fixture: Annotated[str, typer.Option(metavar="NAME", help="What it runs on: small, or tiny.")] = "small",
    baseline: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What must be reached. [default: that which comes along]")
    ] = None,
    record: Annotated[bool, typer.Option("--record", help="Write what is reached now as the baseline.")] = False,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder to work in; report.html and report.json.")] = Path(
        "release-check"
    ),
    threads: Threads = None,
    json: Json = False,
) -> int:
    """Run the whole loop on made-up material, and refuse when something is worse than recorded.

    A notebook is read, corrected, learnt from, judged and read again; the model is evaluated, exported, certified and
    served; invoices are read to fields. Exit status 1, with a sentence each, when a figure fell with confidence or
    something does not hold any more.
    """
    from ..flows.baseline import judge, own_baseline, read_baseline, write_report
    from ..flows.baseline import record as record_baseline
    from ..flows.release_check import check_steps, fixture_named, run_check

    fixture_named(fixture)
    place = baseline or own_baseline(fixture)
    held = None if record else read_baseline(place)
    context = open_context(Path(), threads=threads)
    checked = check_steps(partial(run_check, fixture, out, threads=context.threads, log=output.note))
    verdict = judge(checked, held or record_baseline(checked, place))
    page = write_report(verdict, out)
    output.show(
        verdict.to_dict(), [*verdict.sentences(), str(page), *([f"recorded in {place}"] if record else [])], json=json
    )
    for sentence in verdict.refused:
        output.complain(sentence)
    return 0 if verdict.passed else 1
