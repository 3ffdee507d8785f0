"""From one line of a note to what became of its corrections, and from a model back to the lines that made it.

A line is known by the hash of its picture, and so is the sample in every data set that was built of it: a data set
holds the line or not, a run names its data set, and the run's report names the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..correct.dataset import forgotten
from ..datasets import open_dataset
from ..datasets.dataset import CARD
from ..errors import EmendoError, UsageError
from ..models.references import load_bundle
from ..models.registry import registered
from ..types import Correction, Reading, Split
from ..workspace.folder import Workspace
from ..workspace.names import SCHEME, places
from ..workspace.store import Line, Store
from .lineage import Origins, lineage
from .promote import current


@dataclass(frozen=True, slots=True)
class Use:
    """A data set that holds a line: the version of its correction there, its part, and what runs made of the set.

    `models` names them by content id. Nothing is learned from the parts val and test.
    """

    dataset: str
    split: str
    version: int
    runs: tuple[str, ...]
    models: tuple[str, ...]

    @property
    def learned(self) -> bool:
        """Whether those models learned from the line."""
        return self.split not in {Split.VAL.value, Split.TEST.value}


@dataclass(frozen=True, slots=True)
class Trail:
    """One line, the latest reading of it, all verdicts on it, and where these went.

    `forgotten` are authors whose verdicts are used no more, `champion` is the model in use, `kept` the references
    under which models are kept; `unopened` names data sets of which no one can say whether they hold the line.
    """

    line: Line
    reading: Reading | None
    verdicts: tuple[Correction, ...]
    uses: tuple[Use, ...]
    champion: str
    kept: Mapping[str, tuple[str, ...]]
    forgotten: frozenset[str] = frozenset()
    unopened: tuple[str, ...] = ()

    @property
    def learned(self) -> bool:
        """Whether the model in use learned from a correction of the line."""
        return any(use.learned and self.champion in use.models for use in self.uses)

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "line": self.line.id,
            "document": self.line.document,
            "text_line": self.line.text_line,
            "page": self.line.page,
            "reading": {"text": self.reading.text, "model": self.reading.model} if self.reading else None,
            "verdicts": [
                {
                    "version": one.version,
                    "verdict": one.verdict.value,
                    "text": one.text,
                    "author": one.author,
                    "at": one.at.isoformat(),
                    "forgotten": one.author in self.forgotten,
                }
                for one in self.verdicts
            ],
            "datasets": [
                {
                    "dataset": use.dataset,
                    "split": use.split,
                    "version": use.version,
                    "learned": use.learned,
                    "runs": list(use.runs),
                    "models": list(use.models),
                }
                for use in self.uses
            ],
            "places": {
                model: list(self.kept[model]) for use in self.uses for model in use.models if model in self.kept
            },
            "in_use": self.champion,
            "in_use_learned": self.learned,
            "unopened": list(self.unopened),
        }

    def sentences(self) -> list[str]:
        """For a person."""
        line = self.line
        told = [f"{line.document}.txt:{line.text_line}  page {line.page}  line {line.id}"]
        if self.reading:
            told.append(f"read by {self.reading.model}: {self.reading.text}")
        for one in self.verdicts:
            text = f": {one.text}" if one.text is not None else ""
            gone = " (forgotten)" if one.author in self.forgotten else ""
            told.append(f"version {one.version}: {one.verdict.value} by {one.author}{gone}, {_minute(one)}{text}")
        if not self.verdicts:
            told.append("nobody has given a verdict on it")
        told += [self._said_of(use) for use in self.uses]
        told += [
            f"data set {name} cannot be opened: no one can say whether it holds the line" for name in self.unopened
        ]
        return [
            *told,
            f"in use: {self.champion}, which {'learned' if self.learned else 'did not learn'} from this line",
        ]

    def _said_of(self, use: Use) -> str:
        part = use.split or "train"
        held = f"data set {use.dataset} ({part}, version {use.version})"
        if not use.models:
            return f"{held}: no model here was made of it"
        named = ", ".join(", ".join((model, *self.kept.get(model, ()))) for model in use.models)
        how = "learned by" if use.learned else "held out from"
        return f"{held}: {how} {named}" + (f"; run {', '.join(use.runs)}" if use.runs else "")


def trail(workspace: Workspace, note: str, text_line: int) -> Trail:
    """Follow line `text_line` of `note.txt`. `note` is its path in the workspace, with or without an ending.

    Raises UsageError when no such line was read.
    """
    with workspace.store() as store:
        line = _line(store, note, text_line)
        _, read, _ = store.look_up([line.id])
        verdicts = tuple(store.history(line.id))
        without = forgotten(store)
    made = lineage(workspace)
    uses, unopened = [], []
    for card in sorted(workspace.datasets.glob(f"*/{CARD}")):
        name = card.parent.name
        try:
            found = next((one for one in open_dataset(card.parent).samples if one.id == line.id), None)
        except EmendoError:
            unopened.append(name)
            continue
        if found is not None:
            origins = [one for one in made.values() if one.dataset == name]
            version = int(found.attributes.get("version", 0))
            split = found.split.value if found.split else ""
            runs = tuple(one.run for one in origins if one.run)
            uses.append(Use(name, split, version, runs, tuple(one.model for one in origins)))
    return Trail(
        line=line,
        reading=read.get(line.id),
        verdicts=verdicts,
        uses=tuple(uses),
        champion=current(workspace),
        kept=places(workspace),
        forgotten=without,
        unopened=tuple(unopened),
    )


def origins_of(workspace: Workspace, model: str) -> tuple[Origins, list[str]]:
    """The corrections that made a model, and the line of each as `note.txt:12`.

    `model` is `champion`, a content id (`NAME@ID` as a reading carries it), `models:/NAME`, or a run or bundle. Raises
    UsageError when no run of the workspace made it.
    """
    wanted = _model_id(workspace, model)
    made = lineage(workspace)
    if wanted not in made:
        known = ", ".join(made) or "none"
        what = f"no correction of {workspace.root} is known to lead to the model {wanted}"
        raise UsageError(what, remedy=f"models made here: {known}")
    with workspace.store() as store:
        where = {line.id: f"{line.document}.txt:{line.text_line}" for line in store.lines(present=False)}
    return made[wanted], [where.get(line, line) for line, _, _ in made[wanted].corrections]


def _model_id(workspace: Workspace, model: str) -> str:
    if model == "champion":
        return current(workspace)
    if model.startswith(SCHEME):
        return registered(model, workspace.root)[0].model
    if Path(model).exists() or (workspace.models / model).is_dir():
        return load_bundle(model, workspace=workspace.root).id
    return model.rpartition("@")[2]


def _line(store: Store, note: str, text_line: int) -> Line:
    lines = store.lines(note) or store.lines(str(Path(note).with_suffix("")))
    if not lines:
        known = ", ".join(sorted({line.document for line in store.lines()})[:20]) or "none"
        raise UsageError(f"no note {note!r} was read here", remedy=f"use one of {known}")
    found = next((line for line in lines if line.text_line == text_line), None)
    if found is None:
        numbers = [line.text_line for line in lines]
        what = f"line {text_line} of {lines[0].document}.txt is none that was read"
        raise UsageError(what, remedy=f"use one from {min(numbers)} to {max(numbers)} that holds text")
    return found


def _minute(verdict: Correction) -> str:
    return f"{verdict.at:%Y-%m-%d %H:%M} UTC"
