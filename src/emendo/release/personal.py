"""The frozen personal test set of a workspace."""

from __future__ import annotations

from pathlib import Path

import yaml

from ..datasets import Dataset, open_dataset
from ..datasets.dataset import CARD
from ..errors import DataError
from ..types import Split
from ..workspace.folder import Workspace


def personal_set(workspace: Workspace) -> Dataset:
    """The data set built last in the workspace; its split `test` is the frozen test set, which only grows.

    Raises DataError when none has test lines yet.
    """
    built = sorted(workspace.datasets.glob(f"*/{CARD}"), key=_created, reverse=True)
    for card in built:
        dataset = open_dataset(card.parent)
        if dataset.split(Split.TEST):
            return dataset
    raise DataError(
        "there is no frozen test set yet", where=workspace.root, remedy="correct lines and run `emendo watch --once`"
    )


def _created(card: Path) -> str:
    content = yaml.safe_load(card.read_text(encoding="utf-8"))
    return str(content.get("created", "")) if isinstance(content, dict) else ""
