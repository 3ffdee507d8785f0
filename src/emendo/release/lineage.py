"""Where a model comes from: the run that made it, the data set of the run, and every correction in that.

The chain is on the disk already: a run's folder is named `DATASET-MARK` and its report names the model; the data
set's rows carry line, author and version of the correction that they come from.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from ..datasets import open_dataset
from ..errors import EmendoError
from ..types import Origin, Split
from ..workspace.folder import Workspace

REPORT = "report.json"
_GIVEN = (Origin.CORRECTED, Origin.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Origins:
    """The corrections that a model learned: how many by author and by document, and each as (line, author, version).

    `run` and `dataset` are names inside `.emendo`; `fault` says why the chain cannot be followed to its end.
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
    """The origins of every model that a run of this workspace made, by model id.

    Only lines that were learned from count: those of the validation and the test part are left out. When two runs
    made the same model, the later name holds.
    """
    found = {}
    for report in sorted(workspace.runs.glob(f"*/{REPORT}")):
        try:
            model = json.loads(report.read_text(encoding="utf-8"))["model"]
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a run that was cut off made no model
        found[str(model)] = _origins(workspace, str(model), report.parent.name)
    return found


def _origins(workspace: Workspace, model: str, run: str) -> Origins:
    dataset = run.rpartition("-")[0]
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
