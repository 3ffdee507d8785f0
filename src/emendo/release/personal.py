"""The frozen personal test set of a workspace."""

from __future__ import annotations

from pathlib import Path

import yaml

from ..correct.fields import document_samples
from ..datasets import Dataset, open_dataset
from ..datasets.build import build
from ..datasets.dataset import CARD
from ..errors import DataError
from ..types import Split
from ..workspace.folder import Reads, Workspace


def personal_set(workspace: Workspace, kind: Reads = "lines") -> Dataset:
    """The lines or documents of a workspace; its split `test` is the frozen test set, which only grows.

    Of lines it is the data set built last, of documents all that were corrected or accepted up to now: the same
    documents give the same data set. Raises DataError when there are no test lines or documents yet.
    """
    if kind == "fields":
        return _documents(workspace)
    built = sorted(workspace.datasets.glob(f"*/{CARD}"), key=_created, reverse=True)
    for card in built:
        dataset = open_dataset(card.parent)
        if any(sample.text is not None for sample in dataset.split(Split.TEST)):
            return dataset
    raise DataError(
        "there is no frozen test set yet", where=workspace.root, remedy="correct lines and run `emendo watch --once`"
    )


def _documents(workspace: Workspace) -> Dataset:
    with workspace.store() as store:
        samples = list(document_samples(workspace, store))
    dataset = build(samples, workspace, name="documents").dataset if samples else None
    if dataset is None or not dataset.split(Split.TEST):
        remedy = f"fill in some with `emendo label {workspace.root} --fields`, or give --data"
        raise DataError("there are no corrected documents to test on yet", where=workspace.root, remedy=remedy)
    return dataset


def _created(card: Path) -> str:
    content = yaml.safe_load(card.read_text(encoding="utf-8"))
    return str(content.get("created", "")) if isinstance(content, dict) else ""
