"""Putting a model in use, and taking it out again.

A promotion copies the bundle into `.emendo/models/<content id>` (whole or not at all) and then switches the pointer
file in one rename: whatever happens in between, the champion is the old model or the new one, complete. Earlier
champions stay where they are, so a rollback is one more switch of the pointer. Where a registry is set, it is told
afterwards (see `follow`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import BundleError, Refused
from ..evaluate import SampleSet, are_plates
from ..models.bundle import INFO_FILE, read_bundle
from ..models.references import AUTO, PLATES, embedded_names, load_bundle, load_recognizer
from ..models.registry import install
from ..settings import GateSettings, Limits
from ..tools.files import PARTIAL
from ..types import Recognizer, Split
from ..workspace.folder import BASE, PROMOTING, Champion, Workspace
from ..workspace.names import places
from .follow import follow
from .gate import Decision, gate
from .judgement import keep_judgement

LOCK = PROMOTING
GATE_EVENT = "gate"
"""Kind of the log row that holds a decision, the model in use then, and what the candidate was trained on."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of a workspace.

    `state` is champion, earlier (was champion, a rollback can lead to it), kept, or damaged. `parent` is what it was
    trained from; `since` and `why` tell when and for what reason it was promoted (empty when it never was); `places`
    are the references under which it was kept.
    """

    id: str
    name: str
    state: str
    parent: str = ""
    since: str = ""
    why: str = ""
    dataset: Mapping[str, Any] | None = None
    metrics: Mapping[str, Any] | None = None
    fault: str = ""
    places: tuple[str, ...] = ()


def promote(
    workspace: Workspace,
    candidate: Path,
    personal: SampleSet,
    general: Sequence[SampleSet] = (),
    *,
    split: Split | None = None,
    settings: GateSettings | None = None,
    limits: Limits | None = None,
    threads: int = 1,
    keep: Path | None = None,
) -> Decision:
    """Put the bundle in the folder `candidate` in use if the gate lets it pass; returns the gate's decision.

    Raises Refused with every fault when it does not (the decision is in the event log), and Busy when another
    process is promoting. There is no way around the gate. In the folder `keep` stays what it saw (see `judgement`).
    """
    with workspace.lock(LOCK):
        clean(workspace)
        follow(workspace)  # an earlier promotion may have been cut off before the registry knew
        decision = _considered(
            workspace,
            candidate,
            personal,
            general,
            split=split,
            settings=settings,
            limits=limits,
            threads=threads,
            keep=keep,
        )
        if not decision.passed:
            raise Refused(f"not promoted: {decision.reason}", where=candidate)
        present = current(workspace)
        bundle = install(workspace, candidate)
        if bundle.id != present:
            workspace.set_champion(bundle.id, decision.reason)
        log_event(workspace, "promoted", {"model": bundle.id, "before": present, "why": decision.reason})
        follow(workspace)
        return decision


def consider(
    workspace: Workspace,
    candidate: Path,
    personal: SampleSet,
    general: Sequence[SampleSet] = (),
    *,
    split: Split | None = None,
    settings: GateSettings | None = None,
    limits: Limits | None = None,
    threads: int = 1,
    keep: Path | None = None,
) -> Decision:
    """What `promote` would decide now, told in the log; nothing is put in use.

    Where the test lines are licence plates the model in use reads them as plates, and no general set is looked at: what
    reads plates reads nothing else.

    Takes what `promote` takes. Raises Refused when the candidate is in use already, and Busy.
    """
    with workspace.lock(LOCK):
        return _considered(
            workspace,
            candidate,
            personal,
            general,
            split=split,
            settings=settings,
            limits=limits,
            threads=threads,
            keep=keep,
        )


def _considered(
    workspace: Workspace,
    candidate: Path,
    personal: SampleSet,
    general: Sequence[SampleSet],
    *,
    split: Split | None,
    settings: GateSettings | None,
    limits: Limits | None,
    threads: int,
    keep: Path | None,
) -> Decision:
    present = current(workspace)
    plates = are_plates(personal.samples)
    held, champion = _champion(workspace, present, threads, plates=plates)
    if read_bundle(candidate).id in held:
        raise Refused("not promoted: it is the model in use already", where=candidate)
    decision = gate(
        champion,
        candidate,
        personal,
        () if plates else general,
        split=split,
        settings=settings or workspace.settings().gate,
        limits=limits,
        threads=threads,
    )
    trained_on = dict(read_bundle(candidate, verify=False).info.dataset)
    log_event(workspace, GATE_EVENT, {**decision.figures(), "in_use": present, "trained_on": trained_on})
    if keep is not None:
        keep_judgement(keep, decision)
    return decision


def rollback(workspace: Workspace) -> Champion:
    """Put the model before the present one back in use, passing over any that is damaged; the base never is.

    Raises Refused when no earlier model exists.
    """
    with workspace.lock(LOCK):
        now = workspace.champion()
        if now is None or not now.history:
            raise Refused("no earlier model to return to", where=workspace.root)
        skipped = []
        for model, _, _ in reversed(now.history):
            fault = _fault(workspace, model)
            if not fault:
                break
            skipped.append(model)
        else:
            model = BASE
        if skipped:
            back = workspace.set_champion(model, f"rolled back from {now.model}, past damaged {', '.join(skipped)}")
        else:
            back = workspace.restore_champion(f"rolled back from {now.model}")
        log_event(workspace, "rolled back", {"model": back.model, "before": now.model, "damaged": skipped})
        follow(workspace)
        return back


def current(workspace: Workspace) -> str:
    """Reference of the model in use: a content id, or `base`."""
    champion = workspace.champion()
    return champion.model if champion else BASE


def models(workspace: Workspace) -> list[ModelEntry]:
    """Every model of the workspace with its lineage: the base first, then in the order of promotion, then the rest."""
    champion = workspace.champion()
    present = champion.model if champion else BASE
    told = {model: (since, why) for model, since, why in (champion.history if champion else ())}
    if champion:
        told[champion.model] = (champion.since, champion.why)
    kept = {path.name for path in workspace.models.iterdir() if (path / INFO_FILE).is_file()}
    order = [BASE, *(model for model in told if model != BASE), *sorted(kept - set(told))]
    kept_as = places(workspace)
    entries = (_entry(workspace, model, model == present, told.get(model)) for model in order)
    return [replace(entry, places=kept_as.get(entry.id, ())) for entry in entries]


def _champion(workspace: Workspace, present: str, threads: int, *, plates: bool) -> tuple[set[str], Recognizer]:
    """Content ids of what is in use, and its recogniser; where nothing was promoted yet, the embedded models."""
    names = embedded_names() if present == BASE else (present,)
    try:
        held = {load_bundle(name, workspace=workspace.root).id for name in names}
        ref = (PLATES if plates else "") + (AUTO if present == BASE else present)
        return held, load_recognizer(ref, workspace=workspace.root, threads=threads)
    except BundleError as error:
        raise BundleError(f"the model in use is damaged ({error})", remedy="run `emendo rollback` first") from error


def _entry(workspace: Workspace, model: str, present: bool, told: tuple[str, str] | None) -> ModelEntry:
    state = "champion" if present else "earlier" if told else "kept"
    since, why = told or ("", "")
    if model == BASE:
        return ModelEntry(BASE, "embedded base", state, since=since, why=why)
    try:
        info = read_bundle(workspace.models / model, verify=False).info
    except BundleError as error:
        return ModelEntry(model, "", "damaged", since=since, why=why, fault=str(error))
    return ModelEntry(model, info.name, state, info.base, since, why, info.dataset, info.metrics)


def _fault(workspace: Workspace, model: str) -> str:
    if model == BASE:
        return ""
    try:
        read_bundle(workspace.models / model)
    except BundleError as error:
        return str(error)
    return ""


def clean(workspace: Workspace) -> None:
    """Remove what a killed promotion left behind; the lock says that nobody is at it now."""
    for leftover in workspace.models.glob(f"{PARTIAL}*"):
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def log_event(workspace: Workspace, kind: str, data: Mapping[str, Any]) -> None:
    """Write down in the workspace what was done."""
    with workspace.store() as store:
        store.add_event(kind, data)
