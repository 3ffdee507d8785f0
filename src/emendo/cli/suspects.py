"""`emendo check --labels`: which labels of a data set are most likely wrong."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from . import output
from .context import Context

if TYPE_CHECKING:
    from ..settings import Limits
    from ..train.firewall import LabelReport


def judge_labels(
    context: Context,
    ref: str,
    *,
    model: str,
    folds: int,
    jobs: int,
    out: Path | None,
    split: str | None,
    seed: int,
    json: bool,
) -> int:
    """Name the suspects, and keep those of a workspace for its page; 1 when there are any. The options are those of
    `emendo check`."""
    from ..label.doubts import keep
    from ..train.firewall import check_labels
    from ..workspace.folder import HIDDEN, Workspace

    opened = context.dataset(ref)
    with output.progress("judging labels", quiet=json) as bar:
        judged = check_labels(
            opened.split(split) if split else opened.samples,
            model=model,
            folds=folds,
            work=out,
            seed=seed,
            threads=context.threads,
            jobs=jobs,
            limits=context.settings.limits,
            workspace=context.root,
            progress=bar,
        )
    if not split and (Path(ref) / HIDDEN).is_dir():
        with Workspace.open(Path(ref)).store() as store:
            keep(store, judged)  # the page shows them in its order `doubtful`
    if out is not None:
        _write(out, judged, opened.name, context.settings.limits)
    if json:
        output.print_json(judged.to_dict())
    else:
        for one in judged.suspects:
            typer.echo(f"{one.sample.image}: label {one.sample.text!r}, read {one.verdict.reading!r}")
        output.note(f"{len(judged.judged)} labels judged, {len(judged.suspects)} are likely wrong")
    return 1 if judged.suspects else 0


def _write(folder: Path, report: LabelReport, name: str, limits: Limits) -> None:
    from ..evaluate.suspects import write_suspects_page
    from ..tools.files import write_text

    write_text(folder / "labels.json", dumps(report.to_dict(), ensure_ascii=False, indent=1) + "\n")
    pairs = [(one.sample, one.verdict) for one in report.suspects]
    write_suspects_page(folder / "labels.html", name, pairs, len(report.judged), limits)
