"""What is to be exported, and what a writer hands back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emendo.errors import UsageError
from emendo.models.bundle import Bundle
from emendo.models.generative.source import Source, from_bundle
from emendo.types import Sample

from .measure import Form, Timed, by_processor

Progress = Callable[[int, int, str], None]


def silent(done: int, total: int, text: str) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A model, the form it is to be written in, and the lines to prove it on.

    `calibration` are the lines from which int8 takes its ranges and on which it chooses layers; `budget` is the
    greatest rise of CER that int8 may cost; `work` a folder that is thrown away. `find` gives the model of a
    reference (the base of an adapter), and raises what `find_model` raises. With `insist` int8 is written even where
    it is not worth having, to show what it costs.
    """

    model: Bundle | Source
    form: str
    samples: Sequence[Sample]
    work: Path = Path()
    calibration: Sequence[Sample] = ()
    budget: float = 0.003
    threads: int = 1
    timed: Timed = by_processor
    progress: Progress = silent
    find: Callable[[str], Bundle | Source] | None = None
    insist: bool = False

    @property
    def family(self) -> str:
        """The family of the model."""
        return self.model.family if isinstance(self.model, Source) else self.model.info.family

    @property
    def bundle(self) -> Bundle:
        """The model as a bundle; raises UsageError when it is none."""
        if isinstance(self.model, Bundle):
            return self.model
        raise UsageError(f"{self.model.ref!r} is a model of transformers and no bundle", remedy="train it first")

    @property
    def source(self) -> Source:
        """The model as transformers loads it."""
        return self.model if isinstance(self.model, Source) else from_bundle(self.model)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a writer made, not yet proven.

    `bundle` lies in the order's work folder; `forms` are the trained model (first), what lies between, and the bundle
    as it reads (last); `check` holds what is to be checked beyond lines; `tried` are the figures of int8's ways, and
    `plain` is the float bundle that an int8 one was made of.
    """

    bundle: Bundle
    forms: tuple[Form, ...]
    check: Callable[[], None] = lambda: None
    tried: tuple[Any, ...] = field(default=())
    notes: tuple[str, ...] = ()
    plain: Bundle | None = None
