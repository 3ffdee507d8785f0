"""What a registry holds, and the one protocol that each kind of registry speaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from emendo.errors import EngineError

from ..bundle import Bundle

CHAMPION: Final = "champion"
PREVIOUS: Final = "previous"
"""Aliases that promotion moves: the version in use, and the one that it replaced."""
ADAPTER: Final = "adapter"
MERGED: Final = "merged"
"""Forms of a version whose model was trained as an adapter; other models have no form."""


class RegistryAway(EngineError):
    """The registry cannot be asked now: no answer, no right, a fault of its own, or mlflow is not installed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a name.

    `model` is the content id of the bundle, `digest` the SHA-256 of its `bundle.yaml` ("" where it is not told),
    `since` ISO 8601 UTC, `form` "", adapter or merged, `place` the registry in words.
    """

    name: str
    version: int
    model: str
    since: str
    place: str
    aliases: tuple[str, ...] = ()
    digest: str = ""
    form: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        """As a model is referred to."""
        return f"models:/{self.name}/{self.version}"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is told of a training run: its inputs, its figures, its curve as (name, step, value), and its files.

    `model` is the content id of what it made, `began` and `ended` are ISO 8601 UTC, empty where they are not known.
    """

    name: str
    model: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    steps: Sequence[tuple[str, int, float]] = ()
    files: Sequence[Path] = ()
    began: str = ""
    ended: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What is told of a model with its registration.

    `requirement` is what pip must install to read with it, `run_id` the run in the registry when it is there already.
    """

    card: str
    tags: Mapping[str, str]
    run: RunFacts
    requirement: str
    source: str = ""
    run_id: str = ""


def numbers(content: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among some figures."""
    return {
        name: float(value)
        for name, value in content.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


class Registry(Protocol):
    """Where models are kept under names, with numbered versions and aliases.

    Every method raises RegistryAway when the registry cannot be asked.
    """

    @property
    def place(self) -> str:
        """Where it is, in words, without passwords."""
        ...

    def entries(self, name: str = "") -> list[Entry]:
        """All versions of a name (empty: of every name), by name and number."""
        ...

    def find(self, reference: str) -> Entry:
        """The version that `NAME`, `NAME@ALIAS` or `NAME/VERSION` means. Raises UsageError when there is none."""
        ...

    def measured(self, entry: Entry) -> dict[str, float]:
        """The figures of a version, as they were told with it."""
        ...

    def bundle(self, entry: Entry) -> Bundle:
        """The verified bundle of a version, on this machine. Raises BundleError when it is not what was registered."""
        ...

    def put(self, bundle: Bundle, name: str, about: About) -> list[Entry]:
        """Register a bundle as the next version of a name; what is registered already gets no second number.

        The last of the entries is the whole model; a model that was trained as an adapter has one for that before it.
        """
        ...

    def point(self, name: str, alias: str, version: int | None) -> None:
        """Let an alias mean a version, or nothing. Raises UsageError when there is no such version."""
        ...
