"""Commands about damaged pictures and balance: report robustness, dataset balance."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ..errors import UsageError
from . import output
from .boards import Out as PageOut
from .boards import keep, tell
from .context import Json, Model, Pages, Ref, Threads, open_context
from .data import Out, Seed
from .measure import IncludeLanguage, IncludeSubset, Slices, SplitName, names, parse_split


def robustness(
    ref: Ref,
    model: Model = None,
    damage: Annotated[
        str, typer.Option(metavar="A,B", help="noise, blur, skew, fade; several at once as noise+blur.")
    ] = "noise,blur,skew,fade",
    levels: Annotated[str, typer.Option(metavar="A,B", help="How strongly: 1 a careless scan, 2 bad, 3 severe.")] = (
        "1,2"
    ),
    slices: Slices = None,
    pages: Pages = False,
    split: SplitName = None,
    include_language: IncludeLanguage = None,
    include_subset: IncludeSubset = None,
    out: PageOut = None,
    seed: Seed = 0,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Read lines as they are and with noise, blur, skew and faded ink: what does each cost, and in which subset?

    Characters missed and falsely read are counted for each subset; the rise of the CER has a paired interval.
    """
    from ..datasets.summary import included
    from ..evaluate.boards.robustness import robustness as measure
    from ..evaluate.boards.robustness import robustness_page
    from ..evaluate.run import usual_slices

    context = open_context(None, model=model, threads=threads)
    given = included(context.dataset(ref), language=include_language or (), subset=include_subset or ())
    with output.progress("reading damaged lines", quiet=json) as bar:
        made = measure(
            context.reader(pages=pages),
            given,
            names(damage),
            _levels(levels),
            split=parse_split(split),
            slices=usual_slices(given.samples) if slices is None else names(slices),
            seed=seed,
            limits=context.settings.limits,
            progress=bar,
        )
    keep(out, robustness_page(made) if out else "", made.to_dict())
    tell(made.to_dict(), made.sentences(), json)


def balance(
    ref: Ref,
    out: Out,
    by: Annotated[Literal["subset", "language"], typer.Option(help="What is to be balanced.")] = "subset",
    to: Annotated[int, typer.Option(metavar="N", min=0, help="Training lines of each value; 0: the largest's.")] = 0,
    damage: Annotated[
        str, typer.Option(metavar="A,B", help="Damage of the copies: noise, blur, skew, fade.")
    ] = "noise,blur,skew",
    most: Annotated[int, typer.Option(metavar="N", min=0, help="Most copies of one line.")] = 4,
    generated: Annotated[
        float, typer.Option(metavar="SHARE", min=0, max=1, help="Share of what is missing that is generated text.")
    ] = 0.0,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Fill up subsets or languages with few training lines by damaged copies and by generated text.

    Nothing is dropped, and validation and test lines stay as they are.
    """
    from ..datasets.balance import balance as fill

    context = open_context()
    made = fill(
        context.dataset(ref).samples,
        out,
        by=by,
        to=to,
        kinds=names(damage),
        most=most,
        generated=generated,
        seed=seed,
        limits=context.settings.limits,
    )
    for one in made.rejects:
        output.complain(str(one.error()))
    figures = {"path": str(out), "by": by, "wanted": made.wanted, "before": made.before, "after": made.after}
    figures |= {"copies": made.copies, "generated": made.generated, "short": made.short}
    tell({**figures, "left_out": [str(one.error()) for one in made.rejects]}, made.sentences(), json)


def _levels(text: str) -> list[float]:
    try:
        return [float(one) for one in names(text)]
    except ValueError as error:
        raise UsageError(f"levels {text!r} are no numbers", remedy="write for example --levels 1,2") from error
