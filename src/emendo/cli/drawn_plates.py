"""The command `synth plates`."""

from __future__ import annotations

from typing import Annotated

import typer

from . import output
from .context import Json
from .data import Out, Seed, show_dataset


def plates(
    out: Out,
    number: Annotated[int, typer.Option("-n", metavar="N", help="How many plates.")] = 1000,
    seed: Seed = 0,
    region: Annotated[str, typer.Option(metavar="NAME", help="us, eu or br. [default: all of them]")] = "",
    json: Json = False,
) -> None:
    """Make pictures of licence plates, drawn and photographed, with their truth."""
    from ..datasets.plate_synth import synth_plates

    with output.progress("drawing plates", quiet=json) as bar:
        made = synth_plates(number, seed, out, region=region, progress=bar)
    show_dataset(made, json)
