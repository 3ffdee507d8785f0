"""Commands that make data sets: synth lines|fonts|plates|notebook|invoices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import output
from .context import Jobs, Json, Threads
from .data import Out, Seed, show_dataset

synth = typer.Typer(help="Make synthetic lines, plates, notebooks and invoices.", no_args_is_help=True)


@synth.command()
def lines(
    out: Out,
    number: Annotated[int, typer.Option("-n", metavar="N", help="How many lines.")] = 1000,
    seed: Seed = 0,
    language: Annotated[list[str] | None, typer.Option(help="Language of the words; may be repeated.")] = None,
    fonts: Annotated[str, typer.Option(help="all, builtin, a folder of fonts, or fetched (see synth fonts).")] = "all",
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Make lines of text in many faces and hands, with their truth.

    With fetched fonts, or in a language without words of our own (ar, ru, uk, el ...), lines are set as in print from
    the words of that language, in any script.
    """
    from ..datasets.synth import synth_lines
    from ..datasets.words import LANGUAGES

    if fonts != "fetched" and all(one in LANGUAGES for one in language or ()):
        show_dataset(synth_lines(number, seed, out, languages=tuple(language or LANGUAGES), fonts=fonts), json)
        return
    from ..datasets.printed import Recipe, printed_lines

    recipe = Recipe(tuple(language or LANGUAGES), _font_folders(fonts, json))
    with output.progress("setting lines", quiet=json) as bar:
        made = printed_lines(number, seed, out, recipe, processes=threads or 0, progress=bar)
    show_dataset(made, json)


def _font_folders(fonts: str, json: bool) -> tuple[Path, ...]:
    """The folders that a name stands for; `fetched` gets what is not there yet."""
    from ..datasets.faces import font_folders
    from ..datasets.fonts import fetch_fonts
    from ..models.base import cache_folder

    if fonts != "fetched":
        return tuple(font_folders()) if fonts == "all" else (Path(fonts),)
    with output.progress("fetching fonts", quiet=json) as bar:
        return (fetch_fonts(cache_folder(), progress=bar),)


@synth.command("fonts")
def fetch_fonts_(
    mirror: Annotated[
        str, typer.Option(metavar="URL|DIR", help="Where the packages lie as NAME.tar.gz instead of at Debian.")
    ] = "",
    json: Json = False,
) -> None:
    """Fetch the free fonts that lines are set in, from Debian, each held to its checksum."""
    from ..datasets.fonts import FONTS, fetch_fonts
    from ..models.base import cache_folder

    with output.progress("fetching fonts", quiet=json) as bar:
        folder = fetch_fonts(cache_folder(), mirror=mirror, progress=bar)
    if json:
        output.print_json({"path": str(folder), "fonts": {row.name: row.licence for row in FONTS}})
        return
    typer.echo(f"fonts in {folder}")
    for row in FONTS:
        typer.echo(f"  {row.name:14} {row.licence:38} {row.credit}")


@synth.command()
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


@synth.command()
def notebook(
    out: Out,
    pages: Annotated[int, typer.Option(min=2, help="How many pages; the last quarter is the PDF.")] = 12,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Make a handwritten notebook as PDF, with its truth.

    Lines of the same hand to learn from lie beside it.
    """
    from ..datasets.notebook import synth_notebook

    show_dataset(synth_notebook(out, seed, pages=pages, test_pages=max(1, pages // 4)), json)


@synth.command()
def invoices(
    out: Out,
    number: Annotated[int, typer.Option("-n", metavar="N", help="How many documents.")] = 1000,
    seed: Seed = 0,
    jobs: Jobs = 0,
    json: Json = False,
) -> None:
    """Make invoices, receipts and credit notes whose sums hold to the last coin.

    Six languages, many layouts; scanned, copied or photographed; with fields, words, crops of regions and clean PDFs.
    Stopped, the same command goes on.
    """
    from ..datasets.invoices import synth_invoices

    with output.progress("setting documents", quiet=json) as bar:
        made = synth_invoices(number, seed, out, jobs=jobs, progress=bar)
    show_dataset(made, json)
