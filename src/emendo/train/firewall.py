"""The correction firewall over a data set: read every line with a model that did not learn it, and judge its label.

Two ways. *Quick*: one model that has not seen these labels (the base, or the model in use before these corrections)
reads everything. *Folds*: for each of k folds a model is trained on the others and reads the fold held out; slower by
k trainings, and sharper, since the models know the hand. The folds are trained side by side where cores and memory
allow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from emendo.errors import BadInput, DataError
from emendo.evaluate.labels import Verdict, judge
from emendo.image.load import sample_image
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.models.references import AUTO, load_bundle
from emendo.settings import Limits
from emendo.types import Evidence, Sample

from .foldwise import train_folds
from .recipe import Recipe
from .start import resolved

BATCH = 64
LIKELY = 0.35
"""Labels with at least this chance to be wrong are named: a look at a right one is cheaper than a wrong one learned."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """One label with its verdict; `fold` is the fold that it was held out in, -1 for the quick way."""

    sample: Sample
    verdict: Verdict
    fold: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A sample that was not judged, and why."""

    id: str
    reason: str


@dataclass(frozen=True, slots=True)
class LabelReport:
    """All verdicts, the likeliest to be wrong first."""

    way: Literal["quick", "folds"]
    model: str
    dealt: str
    judged: tuple[Judged, ...]
    unread: tuple[Unread, ...]

    @property
    def suspects(self) -> tuple[Judged, ...]:
        """The labels that are likely enough to be wrong to be looked at."""
        return tuple(one for one in self.judged if one.verdict.wrong >= LIKELY)

    def to_dict(self) -> dict[str, Any]:
        """For `--json`: every suspect with image, label, reading."""
        return {
            "way": self.way,
            "model": self.model,
            "dealt": self.dealt,
            "samples": len(self.judged),
            "suspects": [
                {
                    "id": one.sample.id,
                    "image": str(one.sample.image),
                    "label": one.sample.text,
                    "reading": one.verdict.reading,
                    "wrong": round(one.verdict.wrong, 4),
                    "ratio": round(one.verdict.ratio, 2),
                    "fold": one.fold,
                }
                for one in self.suspects
            ],
            "unread": [asdict(one) for one in self.unread],
        }


def check_labels(
    samples: Sequence[Sample],
    *,
    model: str = AUTO,
    folds: int = 0,
    work: Path | None = None,
    recipe: Recipe | None = None,
    seed: int = 0,
    threads: int = 1,
    jobs: int = 0,
    limits: Limits | None = None,
    workspace: Path | None = None,
    progress: Progress | None = None,
) -> LabelReport:
    """Judge every label by `model` (`auto`: the embedded one that reads most of them right).

    With `folds` (2 or more), models are trained from `model` into `work`, one for each fold; `jobs` of them at once (0:
    as many as threads and memory allow), each with `threads // jobs` threads. A fold whose run is finished in `work` is
    not trained again. Raises DataError when no line has a text, or there are too few documents for the folds;
    UsageError when `work` holds folds of other labels or settings; EngineError when a fold failed, once the others are
    done.
    """
    show = progress or (lambda done, total, text: None)
    labelled = [sample for sample in samples if sample.text and "\n" not in sample.text]
    unread = [Unread(sample.id, "it has no text of one line") for sample in samples if sample not in labelled]
    if not labelled:
        raise DataError("no line with a text to judge", remedy="give a data set of line images with their texts")
    model = resolved(model, labelled, threads=threads)
    if not folds:
        recognizer = CtcRecognizer(load_bundle(model, workspace=workspace), threads=threads)
        judged, failed = _judged(recognizer, labelled, -1, seed, limits, show)
        return LabelReport("quick", recognizer.model, "", _worst_first(judged), (*unread, *failed))
    if work is None:
        raise DataError("folds need a folder to train in", remedy="give --out DIR")
    trained = train_folds(
        labelled,
        folds,
        work,
        base=model,
        recipe=recipe,
        seed=seed,
        threads=threads,
        jobs=jobs,
        workspace=workspace,
        progress=show,
    )
    everything: list[Judged] = []
    for at, fold in enumerate(trained.folds.folds):
        recognizer = CtcRecognizer(load_bundle(str(trained.bundles[at])), threads=trained.threads)
        held = [labelled[int(row)] for row in fold.held]
        judged, failed = _judged(recognizer, held, at, seed, limits, show)
        everything += judged
        unread += failed
    return LabelReport("folds", model, trained.folds.dealt, _worst_first(everything), tuple(unread))


def _judged(
    recognizer: CtcRecognizer, samples: Sequence[Sample], fold: int, seed: int, limits: Limits | None, show: Progress
) -> tuple[list[Judged], list[Unread]]:
    kept: list[Sample] = []
    unread: list[Unread] = []
    evidence: list[Evidence] = []
    for start in range(0, len(samples), BATCH):
        images = []
        for sample in samples[start : start + BATCH]:
            try:
                images.append(sample_image(sample, limits or Limits()))
                kept.append(sample)
            except BadInput as error:
                unread.append(Unread(sample.id, str(error)))
        evidence += recognizer.evidence(images)
        show(min(start + BATCH, len(samples)), len(samples), "reading")
    verdicts = judge([sample.text or "" for sample in kept], evidence, seed=seed)
    return [Judged(sample, verdict, fold) for sample, verdict in zip(kept, verdicts, strict=True)], unread


def _worst_first(judged: Sequence[Judged]) -> tuple[Judged, ...]:
    return tuple(sorted(judged, key=lambda one: (-one.verdict.wrong, one.verdict.ratio, one.sample.id)))
