"""Corrections: from the files that people edit to samples, each line image with the text that belongs to it."""

from .collect import collect
from .dataset import corrected_set, missing_pictures, samples, uncorrected
from .result import CollectResult, LeftOut, NoteResult

__all__ = [
    "CollectResult",
    "LeftOut",
    "NoteResult",
    "collect",
    "corrected_set",
    "missing_pictures",
    "samples",
    "uncorrected",
]
