"""Cross-validation: how well a recipe learns a data set, told by lines that the models never saw.

The folds share no document and no text (`datasets.folds`). Each model reads its own fold on the road that serving
takes; the mean over the folds stands beside their spread, and the figures of all lines together beside both.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from emendo.datasets.dataset import Dataset
from emendo.datasets.folds import Fold as Held
from emendo.datasets.summary import narrowed
from emendo.errors import DataError
from emendo.evaluate.report import Report, figures
from emendo.evaluate.run import evaluate
from emendo.models.references import AUTO, load_recognizer
from emendo.settings import Limits
from emendo.tools.counts import counted
from emendo.types import Sample

from .foldwise import train_folds
from .parallel import Progress
from .start import resolved

FORMAT = "emendo-crossval/1"
RATES = ("cer", "wer", "exact")


@dataclass(frozen=True)
class Fold:
    """One fold: lines that its model was given to learn, and the report on the lines held out."""

    learned: int
    report: Report


@dataclass(frozen=True)
class CrossValidation:
    """All folds; `dealt` says what was dealt out whole (see `datasets.folds`)."""

    base: str
    dealt: str
    folds: tuple[Fold, ...]

    def mean(self, rate: str) -> float:
        """Mean of one of RATES over the folds."""
        return statistics.fmean(self._rates(rate))

    def spread(self, rate: str) -> float:
        """Standard deviation of one of RATES between the folds (n - 1)."""
        return statistics.stdev(self._rates(rate))

    def _rates(self, rate: str) -> list[float]:
        return [float(figures(fold.report.lines)[rate]) for fold in self.folds]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        first = self.folds[0].report
        return {
            "format": FORMAT,
            "base": self.base,
            "dataset": first.dataset,
            "dealt": self.dealt,
            "folds": [
                {"learned": fold.learned, **figures(fold.report.lines), "unreadable": len(fold.report.unreadable)}
                for fold in self.folds
            ],
            "mean": {rate: self.mean(rate) for rate in RATES},
            "spread": {rate: self.spread(rate) for rate in RATES},
            "together": figures([line for fold in self.folds for line in fold.report.lines]),
        }

    def sentences(self) -> list[str]:
        """For a person."""
        told = []
        for at, fold in enumerate(self.folds, 1):
            bounds = fold.report.cer_interval
            told.append(
                f"fold {at}: CER {100 * bounds.value:.2f} % ({100 * bounds.low:.2f} to {100 * bounds.high:.2f}) "
                f"on {counted(len(fold.report.lines), 'line')}, {fold.learned} learned"
            )
        return [*told, f"CER {100 * self.mean('cer'):.2f} % on average, spread {100 * self.spread('cer'):.2f} points"]


def _reading(text: str, show: Progress) -> Callable[[int, int], None]:
    return lambda done, total: show(done, total, text)


def labelled_samples(dataset: Dataset, samples: Sequence[Sample] | None = None) -> list[Sample]:
    """Those of `samples` (None: all of the data set) that have a text. Raises DataError when none has."""
    labelled = [sample for sample in (dataset.samples if samples is None else samples) if sample.text]
    if not labelled:
        raise DataError("no sample with a text", where=dataset.name, remedy="give a data set with texts")
    return labelled


def read_held(
    dataset: Dataset,
    labelled: Sequence[Sample],
    fold: Held,
    bundle: Path,
    *,
    threads: int = 1,
    limits: Limits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """The report of a model on the lines that were held out of its training."""
    held = narrowed(dataset, tuple(labelled[int(row)] for row in fold.held))
    return evaluate(load_recognizer(str(bundle), threads=threads), held, limits=limits, progress=progress)


def cross_validate(
    dataset: Dataset,
    count: int,
    work: Path,
    *,
    samples: Sequence[Sample] | None = None,
    base: str = AUTO,
    recipe: BaseModel | None = None,
    seed: int = 0,
    threads: int = 1,
    jobs: int = 0,
    limits: Limits | None = None,
    workspace: Path | None = None,
    progress: Progress | None = None,
) -> CrossValidation:
    """Train `count` models in `work` and let each read the fold that it did not learn; see `train_folds`.

    `samples` are those of the data set to use (None: all); those without a text are left out. Raises DataError when
    none has one, and what `train_folds` raises.
    """
    show = progress or (lambda done, total, text: None)
    labelled = labelled_samples(dataset, samples)
    base = resolved(base, labelled, threads=threads)
    trained = train_folds(
        labelled,
        count,
        work,
        base=base,
        recipe=recipe,
        seed=seed,
        threads=threads,
        jobs=jobs,
        workspace=workspace,
        progress=show,
    )
    folds = []
    for at, (fold, bundle) in enumerate(zip(trained.folds.folds, trained.bundles, strict=True), 1):
        reading = _reading(f"fold {at} of {count}: reading", show)
        report = read_held(dataset, labelled, fold, bundle, threads=trained.threads, limits=limits, progress=reading)
        folds.append(Fold(len(fold.train), report))
    return CrossValidation(base, trained.folds.dealt, tuple(folds))
