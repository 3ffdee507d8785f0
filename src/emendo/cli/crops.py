"""Commands that make crops of plates: crops take|yolo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..tools.counts import counted
from . import output
from .context import Json, open_context

crops = typer.Typer(help="Make crops of licence plates, to be labelled and learned from.", no_args_is_help=True)

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the crops.")]


@crops.command()
def take(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE", help="Frames, or folders of frames.")],
    out: Out,
    json: Json = False,
) -> int:
    """Keep the best frame of each track, as DIR/YYYY-MM-DD/CAMERA_trackN.jpg.

    A frame is called CAMERA_trackN.jpg or CAMERA_trackN_anything.jpg; its day is the name of its folder, else that of
    its last change. Best is the greatest sharpness x size x aspect, each from 0 to 1. May be run again, and by several
    programs at once: a crop is only ever replaced by a better one.
    """
    from ..pages.tracks import take_frames

    taken = take_frames(sources, out, limits=open_context().settings.limits)
    for failure in taken.failures:
        output.complain(failure)
    said = f"{len(taken.tracks)} tracks: {taken.better} frames were better than what was there, {taken.kept} not"
    output.show(taken.to_dict(), [said], json=json)
    return 2 if taken.failures else 0


@crops.command()
def yolo(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Pictures with YOLO annotations.")],
    out: Out,
    classes: Annotated[
        list[str] | None, typer.Option("--class", metavar="NAME", help="Only boxes of this class (number or name).")
    ] = None,
    padding: Annotated[float, typer.Option(min=0, max=2, help="Margin around a box, in shares of its sides.")] = 0.1,
    min_width: Annotated[int, typer.Option(min=1, help="Boxes with fewer columns are left out.")] = 32,
    min_height: Annotated[int, typer.Option(min=1, help="Boxes with fewer rows are left out.")] = 12,
    json: Json = False,
) -> int:
    """Cut the boxes out of annotated pictures.

    Annotations are rows `class x y w h` in a .txt beside the picture, or in labels/ beside images/. A row that is wrong
    is named with file and line, and the rest is cut.
    """
    from ..pages.annotated import cut_boxes

    least, limits = (min_width, min_height), open_context().settings.limits
    cut = cut_boxes(folder, out, classes=classes or (), padding=padding, least=least, limits=limits)
    for failure in cut.failures:
        output.complain(failure)
    small = f"{counted(cut.small, 'box')} too small"
    said = f"{counted(cut.written, 'crop')} written, {cut.unchanged} were there, {small}"
    output.show(cut.to_dict(), [said], json=json)
    return 2 if cut.failures else 0
