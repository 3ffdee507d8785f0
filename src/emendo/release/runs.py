"""Training runs told to MLflow, from the files that every run leaves, while it goes on and when it has ended.

Training never waits for a registry, nor fails with it: at the first fault nothing more is told until the end, and what
is missing then is told with the model, by `emendo registry push`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from ..errors import EmendoError
from ..models.bundle import read_bundle
from ..models.registry import MlflowRegistry, Registry
from ..tools.files import write_json
from ..train.record import BUNDLE, RUN_FILE
from .facts import run_facts

TOLD_FILE: Final = "registry.json"
"""In the folder of a run: the registry that knows it, and its id there."""
EVERY: Final = 30.0
"""Seconds between two looks at the curve."""
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Told:
    """Whether a registry knows a run: where, under which id, and why not."""

    place: str
    run: str = ""
    fault: str = ""

    def sentence(self) -> str:
        """For a person."""
        return f"the run was not told: {self.fault}" if self.fault else f"told as run {self.run} at {self.place}"


class LiveRun:
    """Stands before the progress of a training and tells the curve as it grows.

    `end` tells the rest. For the registry of a workspace, which knows no runs, nothing happens.
    """

    def __init__(self, registry: Registry, out: Path, progress: Progress, *, every: float = EVERY) -> None:
        self._registry = registry if isinstance(registry, MlflowRegistry) else None
        self._out, self._progress, self._every = out, progress, every
        self._looked = time.monotonic()
        self._told = self._known()

    def __call__(self, done: int, total: int, text: str = "") -> None:
        """Show the state, and tell it when it is time."""
        self._progress(done, total, text)
        if self._registry is None or self._told.fault or time.monotonic() - self._looked < self._every:
            return
        if (self._out / RUN_FILE).is_file():
            self._tell(self._registry)
            self._looked = time.monotonic()

    def end(self) -> Told | None:
        """Tell a run that has ended: figures, curve, files. Never raises because of the registry."""
        if self._registry is None:
            return None
        place, run, fault = self._registry.place, self._told.run, ""
        try:
            run = self._registry.tell_run(run_facts(self._out, read_bundle(self._out / BUNDLE, verify=False)), run)
        except (EmendoError, OSError) as error:
            fault = str(error)
        return self._keep(Told(place, run, fault))

    def _tell(self, registry: MlflowRegistry) -> None:
        try:
            facts = run_facts(self._out, None)
            if self._told.run:
                registry.tell_progress(self._told.run, facts)
            else:
                self._keep(Told(registry.place, registry.begin_run(facts)))
        except (EmendoError, OSError) as error:
            self._keep(Told(registry.place, self._told.run, str(error)))

    def _known(self) -> Told:
        """What a run that goes on told before it was stopped."""
        place = self._registry.place if self._registry else ""
        told = read_told(self._out)
        return Told(place, told.run if told and told.place == place else "")

    def _keep(self, told: Told) -> Told:
        self._told = told
        write_json(self._out / TOLD_FILE, asdict(told))
        return told


def read_told(out: Path) -> Told | None:
    """What a run folder says of the registry that knows it; None when it says nothing."""
    try:
        return Told(**json.loads((out / TOLD_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
