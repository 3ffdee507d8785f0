"""The lines of a run: which train, which validate, which are drawn, and in what order they are seen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from emendo.datasets.plate_synth import plate_samples
from emendo.datasets.splits import Shares, assign
from emendo.image.line import LineGeometry
from emendo.models.base import cache_folder
from emendo.models.ctc.crnn_graph import COLUMNS_PER_FRAME
from emendo.train.batches import Draw, plan_batches
from emendo.train.selection import TrainingLine
from emendo.types import Origin, Sample, Split

from .recipe import Course, CrnnRecipe


def held_out(samples: Sequence[Sample], share: float) -> tuple[list[Sample], list[Sample]]:
    """Training and validation samples by group; samples with one text are one group, whatever else parts them.

    Drawn samples train. Nothing is held out where there are fewer than three groups or `share` is 0.
    """
    real = [sample for sample in samples if sample.origin is not Origin.SYNTHETIC]
    drawn = [sample for sample in samples if sample.origin is Origin.SYNTHETIC]
    if not real:
        real, drawn = drawn, []
    names = _groups(real)
    asked = [replace(sample, group=name, split=None) for sample, name in zip(real, names, strict=True)]
    splits = [sample.split for sample in assign(asked, shares=Shares(val=share, test=0.0)).samples]
    train = [sample for sample, split in zip(real, splits, strict=True) if split is not Split.VAL]
    return [*train, *drawn], [sample for sample, split in zip(real, splits, strict=True) if split is Split.VAL]


def _groups(samples: Sequence[Sample]) -> list[str]:
    """One name for all samples that share a group or a text, over any number of steps."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    pairs = [(f"group {sample.group or sample.id}", f"text {sample.text}") for sample in samples]
    for one, other in pairs:
        parent[root(one)] = root(other)
    return [root(one) for one, _ in pairs]


def drawn_plates(
    recipe: CrnnRecipe, geometry: LineGeometry, progress: Callable[[int, int, str], None]
) -> list[TrainingLine]:
    """The plates that the recipe asks for, drawn once and kept in the cache; they are read when wanted."""
    if not recipe.synthetic:
        return []
    samples = plate_samples(
        recipe.synthetic, recipe.seed, cache_folder() / "plates", region=recipe.region, progress=progress
    )
    frames = geometry.max_width // COLUMNS_PER_FRAME
    return [TrainingLine(sample, None, sample.text or "", geometry.max_width, frames) for sample in samples]


def parted(lines: Sequence[TrainingLine]) -> tuple[list[TrainingLine], list[TrainingLine]]:
    """Real lines and drawn ones."""
    drawn = [line for line in lines if line.sample.origin is Origin.SYNTHETIC]
    return [line for line in lines if line.sample.origin is not Origin.SYNTHETIC], drawn


def plans(
    real: Sequence[TrainingLine], drawn: Sequence[TrainingLine], course: Course, seed: int
) -> tuple[list[tuple[Draw, ...]], list[tuple[Draw, ...]]]:
    """Which real and which drawn lines are in the batch of each step."""
    whole = course.real + course.drawn
    alone = course.drawn_alone
    own_sizes = [0] * alone + [course.real] * (course.steps - alone)
    drawn_sizes = [whole] * alone + [course.drawn] * (course.steps - alone)
    return _cut([line.columns for line in real], own_sizes, seed), _cut(
        [line.columns for line in drawn], drawn_sizes, seed + 1
    )


def _cut(widths: Sequence[int], sizes: Sequence[int], seed: int) -> list[tuple[Draw, ...]]:
    if not widths:
        return [()] * len(sizes)
    stream = iter([draw for one in plan_batches(widths, sum(sizes), 1, seed) for draw in one])
    return [tuple(next(stream) for _ in range(size)) for size in sizes]


def too_few(lines: int, least: int) -> str:
    """What is said before a run that would not converge."""
    return (
        f"{lines} lines are too few for a network that starts from nothing (about {least} is the least): it would not "
        "converge and read every plate as nothing"
    )
