"""Where a model comes from: the run that made it, the data set of the run, and every correction in that.

The chain is on the disk already. A run in the workspace has a folder named `DATASET-MARK`, and its report names the
model; a model of a run elsewhere carries the hash of the lines that it learned, which are the training part of a data
set here or not. The data set's rows carry line, author and version of the correction that they come from.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..datasets import open_dataset
from ..datasets.dataset import CARD, content_hash
from ..errors import BundleError, EmendoError
from ..models.bundle import INFO_FILE, read_bundle
from ..types import Origin, Split
from ..workspace.folder import Workspace

REPORT = "report.json"
_GIVEN = (Origin.CORRECTED, Origin.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Origins:
    """The corrections that a model learned: how many by author and by document, and each as (line, author, version).

    `run` and `dataset` are names inside `.emendo`, `run` is empty for a run elsewhere; `fault` says why the chain
    cannot be followed to its end.
    """

    model: str
    run: str
    dataset: str
    authors: dict[str, int]
    documents: dict[str, int]
    corrections: tuple[tuple[str, str, int], ...]
    fault: str = ""

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "run": self.run,
            "dataset": self.dataset,
            "authors": self.authors,
            "documents": self.documents,
            "corrections": [{"line": a, "author": b, "version": c} for a, b, c in self.corrections],
            "fault": self.fault,
        }

    def __str__(self) -> str:
        if self.fault:
            return self.fault
        shown = (
            ", ".join(f"{name} {count}" for name, count in part.items()) for part in (self.authors, self.documents)
        )
        who, where = shown
        told = f"by {who or 'no one'}; in {where or 'nothing'}"
        return f"{len(self.corrections)} corrections ({told}), data set {self.dataset}"


def lineage(workspace: Workspace) -> dict[str, Origins]:
    """The origins, by model id, of every model that a run of this workspace made, or that learned one of its data sets.

    Only lines that were learned from count: those of the validation and the test part are left out. When two runs
    made the same model, the later name holds.
    """
    found = {}
    for report in sorted(workspace.runs.glob(f"*/{REPORT}")):
        try:
            model = json.loads(report.read_text(encoding="utf-8"))["model"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a run that was cut off made no model
        run = report.parent.name
        found[str(model)] = _origins(workspace, str(model), run, run.rpartition("-")[0])
    elsewhere = {
        card.parent.name: _learned_hash(card.parent)
        for card in sorted(workspace.models.glob(f"*/{INFO_FILE}"))
        if card.parent.name not in found
    }
    if any(elsewhere.values()):
        built = _training_hashes(workspace)
        for model, digest in elsewhere.items():
            if digest in built:
                found[model] = _origins(workspace, model, "", built[digest])
    return found


def _learned_hash(folder: Path) -> str:
    """The hash of the lines that a model learned, as training wrote it; empty when it does not say."""
    try:
        return str(read_bundle(folder, verify=False).info.dataset.get("hash", ""))
    except BundleError:
        return ""


def _training_hashes(workspace: Workspace) -> dict[str, str]:
    """The data sets of the workspace by the hash of what `emendo train` learns of each."""
    found = {}
    for card in sorted(workspace.datasets.glob(f"*/{CARD}")):
        try:
            held = open_dataset(card.parent).samples
        except EmendoError:
            continue
        learned = [one for one in held if one.split in (None, Split.TRAIN)]
        if learned:
            found[content_hash(learned)] = card.parent.name
    return found


def _origins(workspace: Workspace, model: str, run: str, dataset: str) -> Origins:
    try:
        opened = open_dataset(dataset, workspace=workspace.root)
    except EmendoError as error:
        return Origins(model, run, dataset, {}, {}, (), f"its data set cannot be opened ({error})")
    learned = [one for one in opened.samples if one.origin in _GIVEN and one.split in (None, Split.TRAIN)]
    rows = sorted(
        (one.id, str(one.attributes.get("author", "")), int(one.attributes.get("version", 0))) for one in learned
    )
    authors = Counter(author for _, author, _ in rows)
    documents = Counter(str(one.attributes.get("document", "")) for one in learned)
    return Origins(model, run, dataset, dict(authors.most_common()), dict(documents.most_common()), tuple(rows))
