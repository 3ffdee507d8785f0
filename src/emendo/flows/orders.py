"""What each flow is asked to do: plain values that travel to its steps, wherever these run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..settings import Settings

RESULT: Final = "result.json"
"""What a flow found, in its output folder."""


class Order(BaseModel):
    """What all flows have: the folder of their output, the workspace (empty: none), settings, threads of a step, and
    of one that has no other `alone` beside it (0: as many).

    Of the settings it holds those of the work; what opens a database, a registry or a channel is read where it is used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: Path
    workspace: str = ""
    settings: Settings = Settings()
    threads: int = Field(1, ge=1)
    alone: int = Field(0, ge=0)

    @property
    def all_threads(self) -> int:
        """Threads of a step that runs by itself."""
        return self.alone or self.threads

    @field_validator("settings")
    @classmethod
    def _open(cls, settings: Settings) -> Settings:
        """Only the sections that shape the work: others may hold passwords, and an order is written down."""
        kept = ("model", "threads", "limits", "read", "gate", "watch", "plates", "flow")
        return Settings(**{name: getattr(settings, name) for name in kept})

    @property
    def root(self) -> Path | None:
        """The folder of the workspace."""
        return Path(self.workspace) if self.workspace else None

    @property
    def cards(self) -> Path:
        """Where the cards are kept as pages."""
        return self.out / "cards"


class BatchOrder(Order):
    """Read very many lines or pages: those of a data set, or of `inputs` (pictures of lines, else documents)."""

    data: str = ""
    inputs: tuple[Path, ...] = ()
    crops: bool = False
    pages: bool = False
    model: str = ""


class LearnOrder(Order):
    """What the flows that train have: data, base, recipe and its changes, seed."""

    data: str
    base: str = "auto"
    recipe: str = ""
    changes: tuple[str, ...] = ()
    seed: int = 0


class TrainOrder(LearnOrder):
    """Check, cross-validate, train on everything, evaluate, and register what passes.

    `require` holds the largest rates allowed (cer, wer), `general` further sets that must not get worse, `name` and
    `alias` say under what the model is registered.
    """

    folds: int = Field(3, ge=2)
    require: dict[str, float] = {}
    general: tuple[str, ...] = ()
    name: str = ""
    alias: str = ""


class ArabicOrder(LearnOrder):
    """Adapt to one book after the other: `by` is the attribute that names the book, `books` those wanted (empty: all),
    `normalize` the foldings of the second column of figures.
    """

    by: str = "book"
    books: tuple[str, ...] = ()
    normalize: tuple[str, ...] = ("arabic",)


class MonitorOrder(Order):
    """Look at what the service read: the last `days` days of captures (0: all)."""

    days: int = Field(0, ge=0)
