"""Samples, splits, checks and synthesis."""

from __future__ import annotations

from .dataset import Dataset, open_dataset

__all__ = ["Dataset", "open_dataset"]
