"""`emendo dataset regions`: crops of the regions of documents, with what stands in each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..tools.counts import counted
from . import output
from .context import Json, Threads, open_context


def regions(
    source: Annotated[str, typer.Argument(metavar="DATASET", help="Documents, with fields or without.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder: crops and annotations.")],
    model: Annotated[
        str | None,
        typer.Option(metavar="REF", help="Model that finds the fields. [default: the champion, base-fields]"),
    ] = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Cut the regions of documents out, by where a model finds their fields.

    Writes crops/ID_REGION.png and annotations/ID_REGION.json. Where the fields of a document are known, only regions
    are cut in which all of them were found; of other documents the crops alone are written.
    """
    from ..datasets.documents import cut_regions
    from ..evaluate.fields.truth import truth_of, written
    from ..pages.regions import FieldRegions

    context = open_context(Path(), threads=threads)
    dataset = context.dataset(source)
    way = written(dataset.samples)
    finder = FieldRegions(context.document_reader(model=model))
    with output.progress("cutting", quiet=json) as bar:
        cut = cut_regions(
            dataset.samples,
            finder,
            lambda sample: truth_of(sample, way).document,
            out,
            limits=context.settings.limits,
            progress=bar,
        )
    told = [f"{counted(cut.crops, 'crop')} in {out}, {cut.annotated} of them with fields"]
    if cut.left_out:
        told.append(f"left out: {len(cut.left_out)}; the first, {cut.left_out[0]}")
    output.show(cut.to_dict(), told, json=json)
