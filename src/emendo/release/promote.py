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
from ..models.bundle import FIELDS_FAMILY, INFO_FILE, BundleInfo, read_bundle
from ..models.references import AUTO, PLATES, embedded_names, load_bundle, load_recognizer
from ..models.registry import install
from ..pages.fields import load_document_reader
from ..settings import GateSettings, Limits
from ..tools.files import PARTIAL
from ..types import DocumentReader, Recognizer, Sample, Split
from ..workspace.folder import BASE, FIRST, PROMOTING, Champion, Reads, Workspace
from ..workspace.names import places
from .fieldgate import gate_fields
from .follow import follow
from .gate import Decision, gate
from .judgement import keep_judgement

LOCK = PROMOTING
GATE_EVENT = "gate"
"""Kind of the log row that holds a decision, the model in use then, and what the candidate was trained on."""
FIELD_GATE_EVENT = "gate of fields"
"""The same of a candidate that reads documents."""


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One model of a workspace.

    `state` is champion, earlier (was champion, a rollback can lead to it), kept, or damaged. `parent` is what it was
    trained from; `since` and `why` tell when and for what reason it was promoted (empty when it never was); `places`
    are the references under which it was kept, `reads` what it is in use for.
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
    reads: Reads = "lines"


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

    A bundle that reads documents is judged on documents (see `fieldgate`) and takes the place of the model for fields;
    that for lines stays. Raises Refused with every fault when it does not pass (the decision is in the event log), and
    Busy when another process is promoting. There is no way around the gate. In the folder `keep` stays what it saw
    (see `judgement`).
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
        kind = reads(read_bundle(candidate, verify=False).info, personal.samples)
        present = workspace.in_use(kind)
        bundle = install(workspace, candidate)
        if bundle.id != present:
            workspace.set_champion(bundle.id, decision.reason, kind=kind)
        told = {"model": bundle.id, "before": present, "why": decision.reason, "reads": kind}
        log_event(workspace, "promoted", told)
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
    bundle = read_bundle(candidate)
    kind = reads(bundle.info, personal.samples)
    present = workspace.in_use(kind)
    common: dict[str, Any] = {"split": split, "settings": settings or workspace.settings().gate}
    common |= {"limits": limits, "threads": threads}
    if kind == "fields":
        held, reader = _field_champion(workspace, present, threads)
        _not_in_use(candidate, bundle.id, held)
        decision = gate_fields(reader, candidate, personal, general, workspace=workspace.root, **common)
    else:
        plates = are_plates(personal.samples)
        held, champion = _champion(workspace, present, threads, plates=plates)
        _not_in_use(candidate, bundle.id, held)
        decision = gate(champion, candidate, personal, () if plates else general, **common)
    event = FIELD_GATE_EVENT if kind == "fields" else GATE_EVENT
    log_event(workspace, event, {**decision.figures(), "in_use": present, "trained_on": dict(bundle.info.dataset)})
    if keep is not None:
        keep_judgement(keep, decision)
    return decision


def reads(info: BundleInfo, samples: Sequence[Sample]) -> Reads:
    """What a bundle would be in use for: fields when its family reads nothing else, or is judged on documents."""
    documents = bool(samples) and all(one.fields and one.text is None for one in samples)
    return "fields" if info.family == FIELDS_FAMILY or documents else "lines"


def _not_in_use(candidate: Path, model: str, held: set[str]) -> None:
    if model in held:
        raise Refused("not promoted: it is the model in use already", where=candidate)


def rollback(workspace: Workspace, kind: Reads = "lines") -> Champion:
    """Put the model before the present one back in use, passing over any that is damaged; the base never is.

    Raises Refused when no earlier model exists.
    """
    with workspace.lock(LOCK):
        now = workspace.champion(kind)
        if now is None or not now.history:
            raise Refused("no earlier model to return to", where=workspace.root)
        skipped = []
        for model, _, _ in reversed(now.history):
            fault = _fault(workspace, model)
            if not fault:
                break
            skipped.append(model)
        else:
            model = FIRST[kind]
        if skipped:
            why = f"rolled back from {now.model}, past damaged {', '.join(skipped)}"
            back = workspace.set_champion(model, why, kind=kind)
        else:
            back = workspace.restore_champion(f"rolled back from {now.model}", kind=kind)
        told = {"model": back.model, "before": now.model, "damaged": skipped, "reads": kind}
        log_event(workspace, "rolled back", told)
        follow(workspace)
        return back


def current(workspace: Workspace) -> str:
    """Reference of the model in use for lines: a content id, or `base`."""
    return workspace.in_use()


def models(workspace: Workspace) -> list[ModelEntry]:
    """Every model of the workspace with its lineage: the base first, then in the order of promotion, then the rest.

    After those for lines come those for fields, where one was ever in use.
    """
    listed = _promoted(workspace, "lines")
    if workspace.champion("fields") is not None:
        listed += _promoted(workspace, "fields")
    kept = {path.name for path in workspace.models.iterdir() if (path / INFO_FILE).is_file()}
    rest = [_entry(workspace, model, "", None) for model in sorted(kept - {one.id for one in listed})]
    kept_as = places(workspace)
    return [replace(entry, places=kept_as.get(entry.id, ())) for entry in (*listed, *rest)]


def _promoted(workspace: Workspace, kind: Reads) -> list[ModelEntry]:
    """The model that stands first, and those that were promoted, in order."""
    champion, first = workspace.champion(kind), FIRST[kind]
    told = {model: (since, why) for model, since, why in (champion.history if champion else ())}
    if champion:
        told[champion.model] = (champion.since, champion.why)
    order = [first, *(model for model in told if model != first)]
    return [_entry(workspace, model, workspace.in_use(kind), told.get(model), kind) for model in order]


def _champion(workspace: Workspace, present: str, threads: int, *, plates: bool) -> tuple[set[str], Recognizer]:
    """Content ids of what is in use, and its recogniser; where nothing was promoted yet, the embedded models."""
    names = embedded_names() if present == BASE else (present,)
    try:
        held = {load_bundle(name, workspace=workspace.root).id for name in names}
        ref = (PLATES if plates else "") + (AUTO if present == BASE else present)
        return held, load_recognizer(ref, workspace=workspace.root, threads=threads)
    except BundleError as error:
        raise BundleError(f"the model in use is damaged ({error})", remedy="run `emendo rollback` first") from error


def _field_champion(workspace: Workspace, present: str, threads: int) -> tuple[set[str], DocumentReader]:
    """The content id of what is in use for fields, and its reader."""
    try:
        held = {load_bundle(present, workspace=workspace.root).id}
        return held, load_document_reader(present, workspace=workspace.root, threads=threads, cache=True)
    except BundleError as error:
        remedy = "run `emendo rollback --fields` first"
        raise BundleError(f"the model in use for fields is damaged ({error})", remedy=remedy) from error


def _entry(
    workspace: Workspace, model: str, present: str, told: tuple[str, str] | None, kind: Reads | None = None
) -> ModelEntry:
    state = "champion" if model == present else "earlier" if told else "kept"
    since, why = told or ("", "")
    if model in FIRST.values():
        return ModelEntry(model, f"embedded {model}", state, since=since, why=why, reads=kind or "lines")
    try:
        info = read_bundle(workspace.models / model, verify=False).info
    except BundleError as error:
        return ModelEntry(model, "", "damaged", since=since, why=why, fault=str(error), reads=kind or "lines")
    return ModelEntry(
        model, info.name, state, info.base, since, why, info.dataset, info.metrics, reads=kind or reads(info, ())
    )


def _fault(workspace: Workspace, model: str) -> str:
    if model in FIRST.values():
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
