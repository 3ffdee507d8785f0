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

from ..errors import Busy, EmendoError, EngineError
from .reading import Served, named_now

Load = Callable[[str], Served]
Probe = Callable[[str], None]
"""Tries what a reference names in a process of its own; raises EmendoError when it cannot be used."""
Told = Callable[[str], None]
RETRY_SECONDS: Final = 60.0
"""Time after which a champion that could not be put in use is tried again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A model that could not be put in use: what was asked for, why not, and when (ISO 8601 UTC)."""

    reference: str
    message: str
    at: str


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
    ) -> None:
        self.reference, self.workspace = reference, workspace
        self._load, self._probe, self._log, self._told = load, probe, log, told
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

    def _fail(self, reference: str, error: EmendoError) -> None:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._failure = Failure(reference or "champion", str(error), at)
        stays = self._served.model if self._served else "nothing"
        self._log(f"a new model is not put in use, {stays} stays: {error}")
        self._told("refused")
