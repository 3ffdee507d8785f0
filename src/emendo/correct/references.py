"""A data set by reference, where a workspace means its corrections."""

from __future__ import annotations

from pathlib import Path

from ..datasets import Dataset, open_dataset
from ..settings import Settings
from ..workspace.folder import HIDDEN, Workspace
from .dataset import corrected_set
from .fields import document_set


def open_data(ref: str, settings: Settings, workspace: Path | None = None, *, documents: bool = False) -> Dataset:
    """The data set that a reference names, looked up in the workspace too; a workspace means its corrections, of lines
    or of `documents`. Errors as for `open_dataset`.
    """
    if (Path(ref) / HIDDEN).is_dir():
        held = Workspace.open(Path(ref))
        return document_set(held) if documents else corrected_set(held)
    return open_dataset(ref, limits=settings.limits, workspace=workspace)
