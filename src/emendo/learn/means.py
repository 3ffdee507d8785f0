"""What a round of mining works with on this machine: the reader of documents, the trainer, and replay documents."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..datasets.invoices.general import replay_documents
from ..models.base import cache_folder
from ..pages.fields import load_document_reader
from ..settings import Limits
from ..types import DocumentReader, Sample

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..train.families import Family



@dataclass(frozen=True, slots=True)
class Workshop:
    """Opens, trains and rehearses models of documents; its methods are what `mining.Means` asks for.

    `recipe` is a name or a file, `changes` are KEY=VALUE on top; empty means the default of the base's family.
    """

    recipe: str = ""
    changes: Sequence[str] = ()
    threads: int = 1
    workspace: Path | None = None
    limits: Limits = field(default_factory=Limits)
    progress: Callable[[int, int, str], None] = lambda done, total, text: None
    tell: Callable[[str], None] = lambda sentence: None

    def open(self, ref: str) -> DocumentReader:
        """The reader of a model; it remembers the words of pages."""
        return load_document_reader(ref, workspace=self.workspace, threads=self.threads, cache=True)

    def train(self, samples: Sequence[Sample], *, base: str, out: Path, resume: bool) -> Path:
        """Train on the samples alone, from `base`: what the gate will judge by stays unseen."""
        from ..train.run import train

        made = train(
            samples,
            base=base,
            recipe=self.fitted(base),
            out=out,
            resume=resume,
            workspace=self.workspace,
            threads=self.threads,
            progress=self.progress,
            name=f"mined-{out.parent.name}",
        )
        for sentence in made.sentences()[:-1]:
            self.tell(sentence)
        return made.bundle

    def fitted(self, base: str) -> BaseModel:
        """The recipe for a base. Raises UsageError or SettingsError when there is none, or it is for other families."""
        from ..train.families import family_of
        from ..train.recipe import family_recipe

        found: Family = family_of(base, workspace=self.workspace)[0]
        return family_recipe(self.recipe or found.default, self.changes, family=found.name, kind=found.recipe)

    def replay(self, count: int, seed: int) -> Sequence[Sample]:
        """Made-up documents."""
        return replay_documents(count, seed, cache_folder())
