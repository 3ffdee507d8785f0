"""Rounds of mining on a data set, or on the corrected documents of a workspace, whose model in use they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from ..correct.fields import document_samples
from ..datasets import Dataset
from ..datasets.build import build
from ..datasets.invoices.general import GENERAL_DOCUMENTS, general_documents
from ..errors import DataError, Refused
from ..evaluate import SampleSet
from ..mine.corrections import log_corrections
from ..models.base import cache_folder
from ..models.bundle import read_bundle
from ..release.gate import Decision, Finding
from ..release.judgement import keep_judgement
from ..release.promote import consider, promote
from ..types import Sample, Split
from ..workspace.folder import Workspace
from .documents import Labelled, of_dataset, portions, without
from .means import Workshop
from .mined import RoundReport
from .mining import Means, Wanted, begun_with, mine_rounds

FOLDER: Final = "mining"
"""Folder in `.emendo` with the rounds of a workspace, by what was corrected."""
ERRORS: Final = "errors"
"""Folder in `.emendo` with its log of errors."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked for: so many rounds, which errors, and how many made-up documents must not be read worse."""

    rounds: int = 1
    wanted: Wanted = field(default_factory=Wanted)
    general: int = GENERAL_DOCUMENTS


def mine_dataset(
    dataset: Dataset, model: str, out: Path, workshop: Workshop, order: Order, *, val: Dataset | None = None
) -> list[RoundReport]:
    """Rounds on the training documents of a data set; the gate judges on those of `val`, else on its split val.

    A document that decides is not trained on, whatever it is called. Raises DataError when there is nothing to train on
    or to judge on.
    """
    deciding = _deciding(dataset, val)
    known = of_dataset(dataset, Split.TRAIN)
    learned = without(known.documents, of_dataset(deciding, *Split).documents)
    for sentence in known.rejected:
        workshop.tell(sentence)
    general = _general(order.general)
    means = Means(
        open=workshop.open,
        train=workshop.train,
        judge=workshop.judge_on(deciding, general),
        put_in_use=str,
        held=(deciding, *general),
        limits=workshop.limits,
    )
    return _rounds(portions(learned, order.rounds, order.wanted.seed), model, out, means, workshop, order)


def mine_workspace(
    workspace: Workspace, workshop: Workshop, order: Order, *, out: Path | None = None
) -> list[RoundReport]:
    """Rounds on the corrected documents of a workspace, from its model in use for fields, which they replace when the
    gate lets them.

    They are split as all corrections are, and the gate judges on the frozen test part (on the validation part where the
    documents came without any for testing). The log of errors is that of the workspace, with all that was corrected in
    field mode. Without `out`, the same corrections have the same folder, so that rounds that were stopped go on. Raises
    DataError when too few documents were corrected, and Busy when another process mines or promotes here.
    """
    with workspace.lock(FOLDER):
        log = workspace.hidden / ERRORS
        log_corrections(workspace, log)
        dataset = build(corrected_documents(workspace), workspace, name="documents").dataset
        held = next((split for split in (Split.TEST, Split.VAL) if dataset.split(split)), None)
        if held is None:
            remedy = "correct more documents: some of them are kept for the gate"
            raise DataError("too few documents were corrected", where=workspace.root, remedy=remedy)
        general = _general(order.general)
        use = _Use(workspace, dataset, held, general, workshop)
        measured = (_part(dataset, held), *general)
        means = Means(workshop.open, workshop.train, use.judge, use.put_in_use, measured, workshop.limits)
        learned = (split for split in (Split.TRAIN, Split.VAL) if split is not held)
        parts = portions(of_dataset(dataset, *learned).documents, order.rounds, order.wanted.seed)
        began = sha256(f"{dataset.hash} {order}".encode()).hexdigest()[:12]
        folder = out or workspace.hidden / FOLDER / began
        model = begun_with(folder) or workspace.in_use("fields")
        return _rounds(parts, model, folder, means, workshop, order, log=log)


@dataclass(frozen=True, slots=True)
class _Use:
    """The gate of a workspace, and what it puts in use there."""

    workspace: Workspace
    dataset: Dataset
    held: Split
    general: Sequence[SampleSet]
    workshop: Workshop

    def judge(self, champion: str, candidate: Path, keep: Path) -> Decision:
        """What the gate says; a candidate that is in use already, for training changed nothing, is refused."""
        try:
            return consider(self.workspace, candidate, self.dataset, self.general, **self._common, keep=keep)
        except Refused as error:
            decision = Decision(str(candidate), champion, (Finding("bundle", False, error.what),))
            keep_judgement(keep, decision)
            return decision

    def put_in_use(self, candidate: Path) -> str:
        """Promote it, unless that was done before the rounds were stopped; its content id."""
        made = read_bundle(candidate).id
        if self.workspace.in_use("fields") != made:
            promote(self.workspace, candidate, self.dataset, self.general, **self._common)
        return made

    @property
    def _common(self) -> dict[str, Any]:
        return {"split": self.held, "limits": self.workshop.limits, "threads": self.workshop.threads}


def corrected_documents(workspace: Workspace) -> list[Sample]:
    """The documents of a workspace whose fields were corrected or accepted. Raises DataError when there are none."""
    with workspace.store() as store:
        samples = list(document_samples(workspace, store))
    if not samples:
        remedy = f"fill some in with `emendo label {workspace.root} --fields`"
        raise DataError("no document was corrected yet", where=workspace.root, remedy=remedy)
    return samples


def _rounds(
    parts: Sequence[Sequence[Labelled]],
    model: str,
    out: Path,
    means: Means,
    workshop: Workshop,
    order: Order,
    *,
    log: Path | None = None,
) -> list[RoundReport]:
    return mine_rounds(out, parts, model, means, order.wanted, log=log, progress=workshop.progress, tell=workshop.tell)


def _general(count: int) -> tuple[Dataset, ...]:
    return (general_documents(cache_folder(), count),) if count else ()


def _deciding(dataset: Dataset, val: Dataset | None) -> SampleSet:
    """What the gate judges on. Raises DataError when there is nothing."""
    if val is not None:
        held = _part(val, Split.VAL)
        return held if len(held) else val
    held = _part(dataset, Split.VAL)
    if not len(held):
        raise DataError("has no documents of split val for the gate", where=dataset.name, remedy="give some with --val")
    return held


def _part(dataset: Dataset, split: Split) -> Dataset:
    return replace(dataset, name=f"{dataset.name}/{split}", samples=dataset.split(split), lines=())
