"""The model that answers, and the one that takes its place: loaded and warmed up beside it, then switched in one step.

Whatever goes wrong with the new one, the old one stays: it is tried in a process of its own first, and only a model
that has read here is put in use. A reading that has begun ends with the model that it began with.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ..errors import Busy, EmendoError, EngineError, UsageError
from ..models.bundle import Bundle
from ..models.ensemble import ENSEMBLE, FALLBACK
from ..models.probe import probe
from ..models.rapid import RAPIDOCR
from ..models.references import AUTO, CHAMPION_FIELDS, embedded_names, find_model
from ..models.remote import is_remote
from ..settings import Settings
from .reading import Served, named_now

Load = Callable[[str], Served]
Probe = Callable[[str], None]
"""Tries what a reference names in a process of its own; raises EmendoError when it cannot be used."""
Told = Callable[[str], None]
Call = Callable[[], object]
FOLLOWED: Final = ("", "champion", CHAMPION_FIELDS)
"""References that mean the champion of the workspace, for lines or for fields."""
RETRY_SECONDS: Final = 60.0
"""Time after which a champion that could not be put in use is tried again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A model that could not be put in use: what was asked for, why not, and when (ISO 8601 UTC)."""

    reference: str
    message: str
    at: str


def nothing() -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who follows the champion of a workspace from outside (updates of an edge device) hears of its use.

    `start` is called before a champion is loaded and may change it, `good` once it has read some images, `end` when the
    service ends as it should.
    """

    start: Call = nothing
    good: Call = nothing
    end: Call = nothing


def tried(reference: str, workspace: Path | None, settings: Settings) -> None:
    """Try the bundles that a reference names in a process of its own; what comes with the package is not tried.

    Raises BundleError when one cannot be used, UsageError when there is none.
    """
    for name in reference.removeprefix(ENSEMBLE).removeprefix(FALLBACK).split(","):
        if name.strip() in {AUTO, RAPIDOCR, *embedded_names()}:
            continue
        if is_remote(name.strip()):
            raise UsageError(f"{name!r} is a service and no model", remedy="ask it directly")
        found = find_model(name.strip(), workspace=workspace)
        if isinstance(found, Bundle):
            probe(found.folder, seconds=settings.serve.probe_seconds, engine=settings.read.engine)


class Keeper:
    """Holds the model in use and changes it.

    `told` is called with `swapped` or `refused` after each change or attempt.
    """

    def __init__(
        self,
        reference: str,
        workspace: Path | None,
        load: Load,
        *,
        probe: Probe | None = None,
        log: Callable[[str], None] = lambda _: None,
        told: Told = lambda _: None,
        starts: Call = nothing,
    ) -> None:
        self.reference, self.workspace = reference, workspace
        self._load, self._probe, self._log, self._told, self._starts = load, probe, log, told, starts
        self._served: Served | None = None
        self._named = ""
        self._failure: Failure | None = None
        self._refused: tuple[str, float] = ("", 0.0)
        self._turn = threading.Lock()

    @property
    def served(self) -> Served | None:
        """The model in use; None before the first is loaded."""
        return self._served

    @property
    def failure(self) -> Failure | None:
        """The last model that could not be put in use, when none has been since."""
        return self._failure

    def start(self) -> Served:
        """Load the first model; errors as for `load_served`."""
        with self._turn:
            self._begin(self.reference)
            named = named_now(self.reference, self.workspace)
            self._served = self._load(self.reference)
            self._named = named
            return self._served

    def swap(self, reference: str) -> Served:
        """Put what `reference` names in use, and follow it from now on.

        Raises the EmendoError that speaks against it, Busy while another swap goes on; the old model then stays.
        """
        if not self._turn.acquire(blocking=False):
            raise Busy("another model is being loaded", remedy="ask again when it is in use")
        try:
            return self._swap(reference)
        finally:
            self._turn.release()

    def follow(self) -> bool:
        """Put the champion in use when it has changed; whether a model was changed. Never raises EmendoError."""
        if not self._turn.acquire(blocking=False):
            return False
        try:
            named = self._named_now()
            refused, since = self._refused
            if named in {"", self._named} or (named == refused and time.monotonic() - since < RETRY_SECONDS):
                return False
            with suppress(EmendoError):
                self._swap(self.reference)
                return True
            return False
        finally:
            self._turn.release()

    def _named_now(self) -> str:
        """What the reference means now; empty, and told once, when the pointer to the champion is damaged."""
        try:
            return named_now(self.reference, self.workspace)
        except EmendoError as error:
            if self._failure is None or self._failure.message != str(error):
                self._fail(self.reference, error)
            return ""

    def describe(self) -> dict[str, Any]:
        """The model in use and the last failure, as JSON."""
        served, failed = self._served, self._failure
        return {
            "model": served.model if served else "",
            "reference": served.reference if served else self.reference,
            "kinds": list(served.readers) if served else [],
            "since": served.since if served else "",
            "failure": {"reference": failed.reference, "message": failed.message, "at": failed.at} if failed else None,
        }

    def _swap(self, reference: str) -> Served:
        named = ""
        try:
            self._begin(reference)
            named = named_now(reference, self.workspace)
            if self._probe is not None:
                self._probe(named)
            fresh = self._load(reference)
        except EmendoError as error:
            self._refused = (named, time.monotonic())
            self._fail(reference, error)
            raise
        except Exception as error:  # what a damaged model makes a run time raise has no common base
            self._refused = (named, time.monotonic())
            what = EngineError(f"the model cannot be used ({type(error).__name__}: {error})", where=named)
            self._fail(reference, what)
            raise what from error
        before = self._served
        self.reference, self._named, self._served = reference, named, fresh
        self._failure, self._refused = None, ("", 0.0)
        self._log(f"{fresh.model} is in use now, before: {before.model if before else 'nothing'}")
        self._told("swapped")
        return fresh

    def _begin(self, reference: str) -> None:
        if self.workspace is not None and reference in FOLLOWED:
            self._starts()

    def _fail(self, reference: str, error: EmendoError) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._failure = Failure(reference or "champion", str(error), at)
        stays = self._served.model if self._served else "nothing"
        self._log(f"a new model is not put in use, {stays} stays: {error}")
        self._told("refused")
