"""Commands that write down what was measured, for others: card, report table, report quantisation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import output
from .boards import Out, keep, report, tell
from .context import Json, Threads, open_context
from .export import Budget, Fitted, Given, Most, samples_for
from .measure import names


def card(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Bundle, run folder, name or reference of a model.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Write the card here (Markdown).")],
    runs: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="Folder with training runs, reports, decisions of the gate; may be repeated."),
    ] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="What the model is called. [default: its name]")] = "",
    json: Json = False,
) -> None:
    """Write the model card of a bundle, in the form that model hubs read.

    From its bundle.yaml, the run that made it, the reports of its evaluations (those of other models on the same
    samples stand beside them), the gate's decision and the corrections in the workspace. Every figure names its
    source; what no file says is said to be unknown.
    """
    from ..models.references import load_bundle
    from ..release.card import gather, model_card
    from ..release.facts import run_of
    from ..release.lineage import lineage
    from ..tools.files import write_text

    context = open_context(Path())
    bundle = load_bundle(model, workspace=context.root)
    own = run_of(bundle.folder, context.workspace)
    origins = lineage(context.workspace).get(bundle.id) if context.workspace else None
    material = gather(bundle, [*([own] if own else []), *(runs or [])], origins=origins)
    write_text(out, model_card(material, name or bundle.info.name or bundle.id, model))
    told = {
        "card": str(out),
        "model": bundle.id,
        "run": str(material.run.folder) if material.run else None,
        "reports": [str(one.results.folder) for one in material.measured],
        "beside": [str(other.folder) for one in material.measured for other, _ in one.others],
        "ignored": list(material.ignored),
    }
    for one in material.ignored:
        output.complain(one)
    output.show(told, [str(out)], json=json)


@report.command()
def table(
    places: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PLACE", help="Folders of reports, however deep. [default: where --keep puts them]"),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the tables here (Markdown), JSON beside it.")
    ] = None,
    json: Json = False,
) -> int:
    """Write the benchmark table of several models, of lines and of documents, from the reports of their evaluations.

    One table for each data set, best model first, with intervals, and each model against the first in pairs. Reports
    that cannot be used are named, and the exit status is 2.
    """
    from ..errors import FormatError, UsageError
    from ..evaluate.boards.benchmark import benchmark
    from ..evaluate.boards.results import Results, find_reports, read_results

    given = places or [open_context(Path()).reports]
    folders = find_reports(given)
    if not folders:
        shown = ", ".join(map(str, given))
        raise UsageError(f"{shown} holds no report", remedy="make some with `emendo evaluate --out` or `--keep`")
    found: list[Results] = []
    faults: list[str] = []
    for folder in folders:
        try:
            found.append(read_results(folder))
        except FormatError as error:
            faults.append(str(error))
            output.complain(str(error))
    made = benchmark(found)
    content = {**made.to_dict(), "left_out": faults}
    keep(out, made.markdown(), content)
    tell(content, [made.markdown().rstrip()], json)
    return 2 if faults else 0


@report.command()
def quantisation(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Bundle, run folder, model folder or hub id.")],
    data: Given = None,
    lines: Most = None,
    calibration: Fitted = None,
    forms: Annotated[
        str | None, typer.Option(metavar="A,B", help="Forms to compare. [default: all that the family has]")
    ] = None,
    budget: Budget = 0.003,
    out: Out = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Quantise a model, load every form, and compare size, latency, memory and errors in one run.

    Of line models, models of fields, TrOCR and vision-language models. A form that cannot be made or is not worth
    having stays in the report with its figures and the reason. Nothing is released: that is `emendo export`.
    """
    from functools import partial

    from ..models.references import find_model
    from ..release.export import Order
    from ..release.export.int8 import spread
    from ..release.quantisation import quantisation as compare
    from ..release.quantisation import quantisation_page

    context = open_context(Path(), threads=threads)
    found = find_model(model, workspace=context.root)
    samples, fitted, told = samples_for(context, found, data, calibration)
    with output.progress("quantising", quiet=json) as bar:
        order = Order(
            model=found,
            form="",
            samples=spread(samples, lines or len(samples)) if samples else (),
            calibration=fitted,
            budget=budget,
            threads=context.threads,
            progress=bar,
            find=partial(find_model, workspace=context.root),
        )
        made = compare(order, names(forms) if forms else (), data=told)
    keep(out, quantisation_page(made) if out else "", made.to_dict())
    tell(made.to_dict(), made.sentences(), json)
