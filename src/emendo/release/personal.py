"""The frozen personal test set of a workspace."""

from __future__ import annotations

from pathlib import Path

import yaml

from ..datasets import Dataset, open_dataset
from ..datasets.dataset import CARD
from ..errors import DataError
from ..types import Split
from ..workspace.folder import Reads, Workspace


def personal_set(workspace: Workspace, kind: Reads = "lines") -> Dataset:
    """The data set of lines, or of documents, built last in the workspace; its split `test` is the frozen test set,
    which only grows.

    Raises DataError when none has test lines or documents yet.
    """
    built = sorted(workspace.datasets.glob(f"*/{CARD}"), key=_created, reverse=True)
    for card in built:
        dataset = open_dataset(card.parent)
        held = dataset.split(Split.TEST)
        if held and (held[0].text is None) == (kind == "fields"):
            return dataset
    remedy = (
        "correct lines and run `emendo watch --once`" if kind == "lines" else "correct documents and learn from them"
    )
    raise DataError(f"there is no frozen test set of {kind} yet", where=workspace.root, remedy=remedy)


def _created(card: Path) -> str:
    content = yaml.safe_load(card.read_text(encoding="utf-8"))
    return str(content.get("created", "")) if isinstance(content, dict) else ""
