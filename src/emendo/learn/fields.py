"""One round of learning for documents: corrected fields -> data set -> training -> gate -> the model that fills in.

As a round for lines (see `round`): written into the log before it begins and after it ended; one that was cut off is
taken up where it was. Training goes on from the model in use, with made-up documents beside the corrected ones so that
nothing is forgotten. The documents that test are frozen like the lines that do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..correct.dataset import forgotten, forgotten_documents
from ..correct.fields import document_samples
from ..datasets import open_dataset
from ..datasets.build import build
from ..datasets.invoices.general import general_documents
from ..datasets.splits import Shares
from ..errors import DataError, Refused
from ..models.base import cache_folder
from ..models.bundle import read_bundle
from ..models.references import CHAMPION_FIELDS
from ..pages.fields import DEFAULT
from ..release import consider, promote
from ..settings import Settings
from ..tools.counts import counted
from ..types import Split, Verdict
from ..workspace.folder import Workspace
from ..workspace.rows import Kind
from ..workspace.store import Store
from .round import JUDGEMENT, LOCK, Log, Round, left_to_a_person, unfinished

STARTED, DONE = "fields round", "fields round done"
SHARES = Shares(val=0.1, test=0.25)
"""Of twenty documents five test: the fewest on which the gate gives a verdict."""


def documents_waiting(store: Store) -> int:
    """Documents whose fields were changed by a person and that no finished round has seen."""
    ended = store.events(DONE, limit=1)
    since = int(ended[0].data["mark"]) if ended else 0
    left_out, gone = forgotten(store), forgotten_documents(store)
    without = {line.id for line in store.lines(kind=Kind.DOCUMENT) if line.document in gone} if gone else set()
    news = store.corrections(since=since, kind=Kind.DOCUMENT)
    edited = (one for one in news if one.verdict is Verdict.EDITED)
    return sum(one.author not in left_out and one.line not in without for one in edited)


def only_documents(workspace: Workspace) -> bool:
    """Whether documents were corrected here and no lines or plates."""
    with workspace.store() as store:
        verdicts, documents = store.corrections(), store.corrections(kind=Kind.DOCUMENT)
    return bool(documents) and len(verdicts) == len(documents)


def unfinished_fields(store: Store) -> Mapping[str, Any] | None:
    """The round that began and did not end, if there is one."""
    return unfinished(store, STARTED, DONE)


def learn_fields(
    workspace: Workspace,
    settings: Settings,
    *,
    recipe: str | None = None,
    threads: int = 1,
    put_in_use: bool = True,
    log: Log = lambda _: None,
) -> Round:
    """Run one round, or the rest of one that was cut off; returns how it ended.

    `recipe` is a name or a file (None: that of the family). What the gate saw stays in the run's folder `judgement`.
    Raises Busy when another process is learning here.
    """
    with workspace.lock(LOCK), workspace.store() as store:
        plan = unfinished_fields(store) or _plan(workspace, store)
        if plan is None:
            return Round("", "", None, "no document was corrected yet")
        ended = _train_and_judge(
            workspace, settings, plan, recipe=recipe, threads=threads, put_in_use=put_in_use, log=log
        )
        store.add_event(DONE, {**ended.figures(), "mark": plan["mark"]})
        log(("promoted: " if ended.promoted else "not promoted: ") + ended.reason)
        return ended


def _plan(workspace: Workspace, store: Store) -> Mapping[str, Any] | None:
    mark = store.mark()
    samples = list(document_samples(workspace, store))
    if not samples:
        return None
    built = build(samples, workspace, name="documents", shares=SHARES)
    return store.add_event(STARTED, {"dataset": built.id, "run": f"{built.id}-{mark}", "mark": mark}).data


def _train_and_judge(
    workspace: Workspace,
    settings: Settings,
    plan: Mapping[str, Any],
    *,
    recipe: str | None,
    threads: int,
    put_in_use: bool,
    log: Log,
) -> Round:
    from ..train.families import family_of, recipe_for
    from ..train.run import train
    from ..train.selection import training_parts

    dataset = open_dataset(str(plan["dataset"]), workspace=workspace.root)
    run = workspace.runs / str(plan["run"])

    def ended(promoted: bool | None, reason: str) -> Round:
        return Round(str(plan["dataset"]), str(plan["run"]), promoted, reason)

    parts = training_parts([dataset])
    base = CHAMPION_FIELDS if workspace.champion("fields") else DEFAULT
    family = family_of(base, workspace=workspace.root)[0]
    learned = counted(len(parts.train), "document")
    log(f"training on {learned} from {base} (data set {plan['dataset']}), run {plan['run']}")
    try:
        made = train(
            parts.train,
            val=parts.val,
            left_out=parts.left_out,
            base=base,
            recipe=recipe_for(family, recipe or ""),
            out=run,
            resume=run.is_dir(),
            workspace=workspace.root,
            threads=threads,
            name=f"{workspace.root.name}-documents-{plan['mark']}",
        )
    except DataError as error:
        return ended(None, str(error))
    for sentence in made.sentences()[:-1]:
        log(sentence)
    if workspace.in_use("fields") == read_bundle(run / "bundle").id:
        return ended(True, "promoted before the round was cut off")
    log("judging it on your test documents, against the model in use")
    try:
        decision = (promote if put_in_use else consider)(
            workspace,
            run / "bundle",
            dataset,
            [general_documents(cache_folder())],
            split=Split.TEST,
            settings=settings.gate,
            limits=settings.limits,
            threads=threads,
            keep=run / JUDGEMENT,
        )
    except (Refused, DataError) as error:
        return ended(False, str(error))
    return ended(put_in_use, decision.reason if put_in_use else left_to_a_person(decision))
