"""One round of learning: corrections -> data set -> training -> gate -> the model in use.

A round is written into the log before it begins (`round`) and after it ended (`round done`). A round without its end
was cut off; the next call takes it up where it was: the data set is named by its content, the run resumes, and the
gate decides only once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..correct import samples as corrected_samples
from ..correct import uncorrected
from ..datasets import open_dataset
from ..datasets.build import build
from ..datasets.mix import mix_corrected
from ..datasets.synth import general_set
from ..errors import DataError, Refused
from ..evaluate import are_plates
from ..mine.workspace import workspace_advice
from ..models.base import cache_folder
from ..models.bundle import read_bundle
from ..models.references import AUTO
from ..models.registry import open_registry
from ..release import Decision, consider, current, promote
from ..release.runs import LiveRun
from ..settings import Settings
from ..tools.counts import counted
from ..types import Sample, Split
from ..workspace.folder import Workspace
from ..workspace.store import Store

if TYPE_CHECKING:
    from ..train.run import RunResult

Log = Callable[[str], None]
STARTED, DONE = "round", "round done"
LOCK = "learn"
JUDGEMENT = "judgement"
"""Folder of a run that holds what the gate saw (see `emendo.release.judgement`)."""


@dataclass(frozen=True, slots=True)
class Round:
    """One round: the data set and run it used, and how it ended.

    `promoted` is None when no model was made (`reason` says why), else whether it was put in use.
    """

    dataset: str
    run: str
    promoted: bool | None
    reason: str

    def figures(self) -> dict[str, Any]:
        """For JSON and the log."""
        return {"dataset": self.dataset, "run": self.run, "promoted": self.promoted, "reason": self.reason}


def corrections_waiting(store: Store) -> int:
    """Corrected lines that no finished round has seen."""
    ended = store.events(DONE, limit=1)
    return store.count_new(int(ended[0].data["mark"]) if ended else 0)


def unfinished(store: Store, started: str = STARTED, done: str = DONE) -> Mapping[str, Any] | None:
    """The round that began and did not end, if there is one; the kinds of the events say of which rounds."""
    begun, ended = store.events(started, limit=1), store.events(done, limit=1)
    if begun and (not ended or ended[0].data["run"] != begun[0].data["run"] or ended[0].number < begun[0].number):
        return begun[0].data
    return None


def give_up(workspace: Workspace, why: str) -> None:
    """End a round that was cut off, so that the next one begins anew. Raises Busy when it is running."""
    with workspace.lock(LOCK), workspace.store() as store:
        plan = unfinished(store)
        if plan is not None:
            ended = Round(str(plan["dataset"]), str(plan["run"]), None, why)
            store.add_event(DONE, {**ended.figures(), "mark": plan["mark"]})


def learn(
    workspace: Workspace,
    settings: Settings,
    *,
    recipe: str | None = None,
    threads: int = 1,
    put_in_use: bool = True,
    log: Log = lambda _: None,
) -> Round:
    """Run one round, or the rest of one that was cut off; returns how it ended.

    Training starts from an embedded model each time, with all corrections, so that no model inherits an earlier one's
    faults. `recipe` is a name or a file (None: `watch.recipe` of the settings). What the gate saw stays in the run's
    folder `judgement`; without `put_in_use` the model is judged and left to a person. Raises Busy when another process
    is at it.
    """
    with workspace.lock(LOCK), workspace.store() as store:
        plan = unfinished(store) or _plan(workspace, store)
        if plan is None:
            return Round("", "", None, "there are no corrections yet")
        dataset = open_dataset(str(plan["dataset"]), workspace=workspace.root)
        mixed = mix_corrected(dataset.split(Split.TRAIN))
        log(
            f"training on {counted(len(mixed.samples), 'line')}, {mixed.share:.0%} of them right as read "
            f"(data set {plan['dataset']}), run {plan['run']}"
        )
        ended = _train_and_judge(
            workspace,
            settings,
            plan,
            recipe=recipe or settings.watch.recipe or _recipe_for(dataset.samples),
            threads=threads,
            put_in_use=put_in_use,
            log=log,
        )
        store.add_event(DONE, {**ended.figures(), "mark": plan["mark"]})
        log(("promoted: " if ended.promoted else "not promoted: ") + ended.reason)
        if ended.promoted is not None:
            log(workspace_advice(workspace).sentence)
        return ended


def _plan(workspace: Workspace, store: Store) -> Mapping[str, Any] | None:
    mark = store.mark()
    samples = list(corrected_samples(workspace, store))
    if not samples:
        return None
    built = build(samples, workspace, name="corrections")
    plan = {"dataset": built.id, "run": f"{built.id}-{mark}", "mark": mark}
    return store.add_event(STARTED, plan).data


def _train_and_judge(
    workspace: Workspace,
    settings: Settings,
    plan: Mapping[str, Any],
    *,
    recipe: str,
    threads: int,
    put_in_use: bool,
    log: Log,
) -> Round:
    from ..train.recipe import load_recipe, plate_changes
    from ..train.selection import training_parts

    dataset = open_dataset(str(plan["dataset"]), workspace=workspace.root)
    run = workspace.runs / str(plan["run"])

    def ended(promoted: bool | None, reason: str) -> Round:
        return Round(str(plan["dataset"]), str(plan["run"]), promoted, reason)

    parts = training_parts([dataset])
    mixed = mix_corrected(parts.train)
    others = uncorrected(workspace) if settings.watch.unlabelled else []
    run_settings: dict[str, Any] = {
        "val": parts.val,
        "left_out": parts.left_out,
        "base": AUTO,
        "recipe": load_recipe(recipe, plate_changes(recipe, settings.plates.alphabet)),
        "out": run,
        "resume": run.is_dir(),
        "threads": threads,
        "name": f"{workspace.root.name}-{plan['mark']}",
    }
    try:
        made = _trained(mixed.samples, others, run_settings)
    except DataError as error:
        return ended(None, str(error))
    for sentence in made.sentences()[:-1]:
        log(sentence)
    _tell(workspace, settings, run, log)
    if current(workspace) == read_bundle(run / "bundle").id:
        return ended(True, "promoted before the round was cut off")
    log("judging it on your test lines, against the model in use")
    decide = promote if put_in_use else consider
    try:
        decision = decide(
            workspace,
            run / "bundle",
            dataset,
            [general_set(cache_folder(), settings.gate.general_lines)],
            split=Split.TEST,
            settings=settings.gate,
            limits=settings.limits,
            threads=threads,
            keep=run / JUDGEMENT,
        )
    except (Refused, DataError) as error:
        return ended(False, str(error))
    return ended(put_in_use, decision.reason if put_in_use else left_to_a_person(decision))


def _tell(workspace: Workspace, settings: Settings, run: Path, log: Log) -> None:
    """Tell MLflow the run, where it is set; without its answer the round goes on."""
    if settings.registry.uri:
        told = LiveRun(open_registry(settings.registry, workspace), run, lambda done, total, text: None).end()
        if told is not None:
            log(told.sentence())


def _recipe_for(samples: Sequence[Sample]) -> str:
    """The recipe that suits the corrections where none is named."""
    return "plates" if are_plates(samples) else "default"


def left_to_a_person(decision: Decision) -> str:
    """What is said of a model that was judged and is not put in use."""
    return f"it {'may' if decision.passed else 'may not'} be put in use: {decision.reason}"


def _trained(samples: Sequence[Sample], others: Sequence[Sample], run_settings: Mapping[str, Any]) -> RunResult:
    """Train on the corrections, with lines that nobody has corrected where those are many and read with confidence."""
    from ..train.run import train

    if len(others) >= len(samples):
        from ..train.unlabelled import NothingRead, train_with_unlabelled

        with suppress(NothingRead):
            return train_with_unlabelled(samples, others, **run_settings)
    return train(samples, **run_settings)
