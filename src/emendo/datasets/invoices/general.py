"""Made-up documents that no model is trained on, and those that rehearse the general case beside corrected ones."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Final

from ...types import Sample
from ..dataset import Dataset
from .build import PART, VERSION, synth_invoices

GENERAL_DOCUMENTS: Final = 100
GENERAL_SEED: Final = 1_000_003
"""Seed of the general set: data sets of this seed must not be trained on."""
REPLAY_SEED: Final = 2_000_003
"""Seeds of replay documents count from here."""


def general_documents(cache: Path, count: int = GENERAL_DOCUMENTS) -> Dataset:
    """`count` documents on which a model is measured for what it must not forget; made at the first call."""
    return synth_invoices(count, GENERAL_SEED, cache / f"general-documents-{VERSION}-{count}")


def replay_documents(count: int, seed: int, cache: Path) -> tuple[Sample, ...]:
    """`count` documents of a seed to rehearse, the first of as many as `cache` holds; made where they are too few."""
    if count < 1:
        return ()
    wanted = ceil(count / PART) * PART
    made = synth_invoices(wanted, REPLAY_SEED + seed, cache / f"replay-documents-{VERSION}-{seed}-{wanted}")
    return tuple(made.samples[:count])
