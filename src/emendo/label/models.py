"""The models of a workspace for the page: which is in use, which were trained, and how old and new read the same lines.

Nothing here decides: the gate does (`emendo.release`), on the frozen test lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..datasets.invoices.general import general_documents
from ..datasets.synth import general_set
from ..errors import BadInput, FormatError
from ..evaluate import Comparison
from ..evaluate.compare import Pair
from ..learn.fields import DONE as FIELDS_DONE
from ..learn.round import DONE, JUDGEMENT
from ..metrics import spans
from ..models.base import cache_folder
from ..models.bundle import INFO_FILE, read_bundle
from ..release import Decision, Judgement, ModelEntry, promote, read_judgement
from ..release import models as known_models
from ..release.personal import personal_set
from ..release.promote import FIELD_GATE_EVENT, GATE_EVENT, reads
from ..text.direction import right_to_left
from ..train.record import BUNDLE, REPORT_FILE
from ..types import Split
from ..workspace.folder import Reads, Workspace
from ..workspace.store import Store
from .judged_documents import field_comparison

MOST_RUNS, MOST_LINES = 20, 25
DECISIONS = 200
"""Decisions of the gate that are looked at for the figures of the models."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Errors on the frozen test lines (CER), or documents (errors per value), as the gate counted them last."""

    error: float
    tested: int
    at: str


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training run: its model, the error on its validation lines before and after, and how it was judged.

    The error is CER where it `reads` lines, 1 - F1 where fields; `learned` counts lines or documents. `state` is that
    of its model (see `ModelEntry`), or `candidate` when it was never in use. `reason` says what the gate said, `passed`
    None when it said nothing yet.
    """

    name: str
    model: str
    state: str
    reads: Reads
    learned: int
    seconds: float
    before: float
    after: float
    judged_on: str
    at: str
    passed: bool | None
    reason: str


def overview(workspace: Workspace, store: Store) -> dict[str, Any]:
    """All models and the latest runs, for the page."""
    entries = known_models(workspace)
    figures = _measured(store)
    return {
        "models": [{**_entry(one), "measured": _figures(figures.get(one.id))} for one in entries],
        "runs": [asdict(run) for run in _runs(workspace, store, entries)],
    }


def judgement_of(workspace: Workspace, run: str) -> Judgement:
    """How a run was judged. Raises BadInput when there is no such run or it was not judged yet."""
    found = read_judgement(_folder(workspace, run) / JUDGEMENT)
    if found is None:
        raise BadInput("was not judged yet", where=run)
    return found


def judgement_rows(found: Judgement) -> dict[str, Any]:
    """A judgement for the page: findings as sentences, totals with their intervals, and the lines to look at; of a
    model of fields `documents` in place of `comparison` (see `judged_documents`).

    `worse` are lines that the new model reads with more errors, `better` those with fewer, `worst` the others that
    still have errors; each list is led by the largest and holds `MOST_LINES` at most, beside its full number.
    """
    decision, seen, documents = found.decision, found.comparison, found.field_comparison
    shown: dict[str, Any] = {
        "at": found.at,
        "candidate": found.candidate,
        "champion": found.champion,
        "passed": decision.passed,
        "reason": decision.reason,
        "findings": [{"name": one.name, "good": one.good, "what": one.what} for one in found.findings],
    }
    if documents is not None:
        return shown | {"documents": field_comparison(documents)}
    return shown | ({"comparison": _comparison(seen)} if seen is not None else {})


def put_in_use(workspace: Workspace, run: str) -> Decision:
    """Put the model of a run in use if the gate lets it pass now; see `emendo.release.promote`."""
    folder = _folder(workspace, run)
    settings = workspace.settings()
    kind = reads(read_bundle(folder / BUNDLE, verify=False).info, ())
    cache, lines = cache_folder(), settings.gate.general_lines
    general = general_documents(cache) if kind == "fields" else general_set(cache, lines)
    return promote(
        workspace,
        folder / BUNDLE,
        personal_set(workspace, kind),
        [general],
        split=Split.TEST,
        settings=settings.gate,
        limits=settings.limits,
        threads=settings.cores,
        keep=folder / JUDGEMENT,
    )


def _comparison(seen: Comparison) -> dict[str, Any]:
    figures = seen.figures()
    kept = ("samples", "characters", "edits", "cer", "cer_low", "cer_high", "exact_samples")
    moved = ("difference", "difference_low", "difference_high", "confidence_better")
    shown = {new.id for _, new in seen.worse}
    wrong = (pair for pair in seen.pairs if pair[1].counts.edits and pair[1].id not in shown)
    worst = sorted(wrong, key=lambda pair: (-pair[1].counts.edits, pair[1].id))
    return {
        "old": {name: figures["a"][name] for name in kept},
        "new": {name: figures["b"][name] for name in kept},
        **{name: figures[name] for name in moved},
        "same": figures["lines_same"],
        "worse": _lines(seen.worse),
        "better": _lines(seen.better),
        "worst": _lines(worst),
    }


def _lines(pairs: Sequence[Pair]) -> dict[str, Any]:
    return {"count": len(pairs), "lines": [_line(pair) for pair in pairs[:MOST_LINES]]}


def _line(pair: Pair) -> dict[str, Any]:
    old, new = pair
    return {
        "id": new.id,
        "truth": new.reference,
        "direction": "rtl" if right_to_left(new.reference) else "ltr",
        "old": _marked(old.reference, old.hypothesis, old.counts.edits),
        "new": _marked(new.reference, new.hypothesis, new.counts.edits),
    }


def _marked(truth: str, read: str, edits: int) -> dict[str, Any]:
    """A reading as stretches [kind, what stands there, what was read]."""
    return {"edits": edits, "spans": [[one.kind, one.reference, one.hypothesis] for one in spans(truth, read)]}


def _runs(workspace: Workspace, store: Store, entries: Iterable[ModelEntry]) -> list[Run]:
    states = {entry.id: entry.state for entry in entries}
    reports = sorted(workspace.runs.glob(f"*/{REPORT_FILE}"), key=lambda path: -path.stat().st_mtime_ns)
    rounds = [*reversed(store.events(DONE)), *reversed(store.events(FIELDS_DONE))]
    ended = {str(one.data["run"]): str(one.data["reason"]) for one in rounds}
    return [run for path in reports[:MOST_RUNS] if (run := _run(path, states, ended)) is not None]


def _run(path: Path, states: Mapping[str, str], ended: Mapping[str, str]) -> Run | None:
    """A run from its report; None for one whose report cannot be read."""
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        judged = read_judgement(path.parent / JUDGEMENT)
        model, name = str(report["model"]), path.parent.name
        fields = "f1_before" in report
        error = [1 - float(report[f"f1_{at}"]) if fields else float(report[f"cer_{at}"]) for at in ("before", "after")]
        return Run(
            name=name,
            model=model,
            state=states.get(model, "candidate"),
            reads="fields" if fields else "lines",
            learned=int(report["lines"]),
            seconds=float(report["seconds"]),
            before=error[0],
            after=error[1],
            judged_on=str(report["judged_on"]),
            at=judged.at if judged else "",
            passed=judged.decision.passed if judged else None,
            reason=judged.decision.reason if judged else ended.get(name, ""),
        )
    except (OSError, ValueError, KeyError, TypeError, FormatError):
        return None


def _measured(store: Store) -> dict[str, Measured]:
    """The latest count of the gate for each model, by its id; what the embedded models read stands under their name."""
    found: dict[str, Measured] = {}
    for kind, errors, of, tested in (
        (GATE_EVENT, "edits", "characters", "lines"),
        (FIELD_GATE_EVENT, "errors", "values", "documents"),
    ):
        for event in reversed(store.events(kind, limit=DECISIONS)):
            for finding in event.data["findings"]:
                if finding["name"] != "better":
                    continue
                seen, at = finding["figures"], event.at.isoformat(timespec="seconds")
                candidate = str(event.data["candidate"]).rpartition("@")[2].partition("+")[0]
                for model, side in ((str(event.data["in_use"]), "champion"), (candidate, "candidate")):
                    error = seen[f"{errors}_{side}"] / max(int(seen[of]), 1)
                    found[model] = Measured(error, int(seen[tested]), at)
    return found


def _figures(one: Measured | None) -> dict[str, Any] | None:
    return asdict(one) if one else None


def _entry(entry: ModelEntry) -> dict[str, Any]:
    trained = (entry.dataset or {}).get("usable")
    return {
        "id": entry.id,
        "name": entry.name,
        "state": entry.state,
        "since": entry.since,
        "why": entry.why,
        "learned": trained if isinstance(trained, int) else None,
        "reads": entry.reads,
        "fault": entry.fault,
    }


def _folder(workspace: Workspace, run: str) -> Path:
    """The folder of a finished run; only a name that is there counts, so no path can be smuggled in."""
    for bundle in workspace.runs.glob(f"*/{BUNDLE}/{INFO_FILE}"):
        if bundle.parent.parent.name == run:
            return bundle.parent.parent
    raise BadInput("is no finished run of this workspace", where=run)
