"""Real lines that are quick to train on, and recipes shrunk to a few steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emendo.datasets.dataset import open_dataset
from emendo.train.tuning.recipe import TuneRecipe
from emendo.types import Sample

SHRUNK: dict[str, Any] = {
    "steps": 4,
    "evaluations": 2,
    "warmup": 0,
    "learning_rate": 2e-3,
    "batch": 2,
    "judged": 2,
    "max_target": 60,
    "precision": "float32",
}


def recipe(**changes: Any) -> TuneRecipe:
    return TuneRecipe(**{**SHRUNK, **changes})


def parts(data: Path) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Twelve short training lines and two validation lines."""
    dataset = open_dataset(data / "peraire")
    short = sorted(dataset.split("train")[:150], key=lambda sample: (len(sample.text or ""), sample.id))
    held = sorted(dataset.split("val")[:60], key=lambda sample: (len(sample.text or ""), sample.id))
    return tuple(short[10:22]), tuple(held[5:7])
