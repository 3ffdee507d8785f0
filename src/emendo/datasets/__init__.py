"""Samples, splits, checks and synthesis."""

from __future__ import annotations

from .dataset import Dataset, open_dataset
from .synth import general_set, replay_samples

__all__ = ["Dataset", "general_set", "open_dataset", "replay_samples"]
