"""The families of models that one trainer trains, as a table: a family is a file and a row here.

The reference of the base decides: the embedded base and its descendants are `ctc`, a `VisionEncoderDecoderModel` is
`trocr`, every other image-to-text class of transformers is `vlm`. The name of a family in `SCRATCH` in place of a base
starts one of its networks from random weights. A bundle of family `fields` goes on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

from pydantic import BaseModel

from emendo.models.bundle import CTC_FAMILIES, FIELDS_FAMILY, Bundle
from emendo.models.generative.source import Source, from_bundle
from emendo.models.references import find_model
from emendo.types import Sample

from .recipe import family_recipe, plate_changes
from .selection import LeftOut

FAMILIES: Final[Mapping[str, str]] = {
    "ctc": "emendo.train.ctc:FAMILY",
    "crnn": "emendo.train.crnn.family:FAMILY",
    "trocr": "emendo.train.tuning.family:TROCR",
    "vlm": "emendo.train.tuning.family:VLM",
    FIELDS_FAMILY: "emendo.train.extract.family:FAMILY",
}


SCRATCH: Final = ("crnn", FIELDS_FAMILY)
"""Families that need no base."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be trained: samples, the model to start from (None: nothing), the family's recipe, and the folder of
    the run.
    """

    samples: Sequence[Sample]
    val: Sequence[Sample] | None
    model: Bundle | Source | None
    recipe: Any
    out: Path
    threads: int
    progress: Callable[[int, int, str], None]
    name: str = ""
    """What the model is to be called."""
    left_out: Sequence[LeftOut] = ()
    """Samples that fell out before."""
    beside: Bundle | None = None
    """A model with the same alphabet whose weights are averaged with the trained ones."""
    tell: Callable[[str], None] = lambda sentence: None
    """Takes the line of each epoch."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token of one sample, and whether it carries loss."""

    sample: str
    id: int
    text: str
    loss: bool


class Fit(Protocol):
    """The work of a job."""

    def __call__(self, *, resume: bool) -> dict[str, Any]:
        """Train, or go on with what was stopped; returns the report."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A planned run: its data are read, nothing is written yet.

    `record` is all that makes the run what it is; it stands in run.yaml and must be the same when the run goes on.
    `fit(resume=...)` trains, leaves the bundle in `out/bundle`, and returns the report.
    """

    record: dict[str, Any]
    left_out: Sequence[LeftOut]
    threads: int
    lines: int
    steps: int
    fit: Fit


class Family(Protocol):
    """One kind of model: what its recipe holds, how it is trained, what it can be written as."""

    @property
    def name(self) -> str:
        """As it stands in `bundle.yaml`."""
        ...

    @property
    def recipe(self) -> type[BaseModel]:
        """Class of its recipes."""
        ...

    @property
    def default(self) -> str:
        """Name of the recipe that is used when none is named."""
        ...

    @property
    def exports(self) -> tuple[str, ...]:
        """Forms that its bundles can be read in."""
        ...

    def prepare(self, order: Order) -> Job:
        """Read the data and plan the run. Raises DataError or UsageError before anything is written."""
        ...

    def shrunk(self, recipe: Any) -> Any:
        """The recipe of a rehearsal: the same work for two steps."""
        ...

    def tokens(self, order: Order, number: int) -> list[list[TokenRow]]:
        """The first samples as the network is trained on them."""
        ...


def family(name: str) -> Family:
    """The family of a name of the table."""
    module, _, attribute = FAMILIES[name].partition(":")
    found: Family = getattr(import_module(module), attribute)
    return found


def family_of(base: str, *, workspace: Path | None = None) -> tuple[Family, Bundle | Source | None]:
    """The family of a base, and the base itself, None for a family in its place. Raises what `find_model` raises."""
    if base in SCRATCH:
        return family(base), None
    found = find_model(base, workspace=workspace)
    if isinstance(found, Source):
        return family(found.family), found
    if found.info.family in {*CTC_FAMILIES, FIELDS_FAMILY}:
        return family(found.info.family), found
    return family(found.info.family), from_bundle(found, base)


def recipe_for(family: Family, name: str = "", changes: Sequence[str] = (), *, plates: str = "") -> BaseModel:
    """The recipe of a name (default: the family's own), with `key=value` changes on top; that of plates has the
    characters of `plates`, where these are given. Raises what `family_recipe` raises.
    """
    chosen = name or family.default
    first = plate_changes(chosen, plates) if plates else ()
    return family_recipe(chosen, (*first, *changes), family=family.name, kind=family.recipe)
