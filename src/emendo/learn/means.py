"""What a round of mining works with on this machine: the reader of documents, the trainer and the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..datasets.invoices.general import replay_documents
from ..evaluate import SampleSet
from ..mine.hard import with_replay
from ..models.base import cache_folder
from ..pages.fields import load_document_reader
from ..release.fieldgate import gate_fields
from ..release.gate import Decision
from ..release.judgement import keep_judgement
from ..settings import GateSettings, Limits
from ..types import DocumentReader, Sample
from .mining import Judge


@dataclass(frozen=True, slots=True)
class Workshop:
    """Opens, trains and judges models of documents; its methods are what `mining.Means` asks for.

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

    def train(self, samples: Sequence[Sample], *, base: str, out: Path, resume: bool, rehearse: float = 0.0) -> Path:
        """Train from `base` on the samples, of which the gate has none, and on a share of made-up documents.

        Where the family draws these itself in each step, it does; else so many are made.
        """
        from ..train.families import family_of, recipe_for
        from ..train.run import train

        found = family_of(base, workspace=self.workspace)[0]
        changes = list(self.changes)
        if "replay" in found.recipe.model_fields:
            changes.insert(0, f"replay={rehearse}")
        else:
            made_up = replay_documents(round(rehearse / (1 - rehearse) * len(samples)), 0, cache_folder())
            samples = with_replay(samples, made_up, share=rehearse).samples
        recipe = recipe_for(found, self.recipe, changes)
        made = train(
            samples,
            base=base,
            recipe=recipe,
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

    def judge_on(
        self, deciding: SampleSet, general: Sequence[SampleSet], settings: GateSettings | None = None
    ) -> Judge:
        """The gate on documents of which no model in question was trained on any."""

        def judge(champion: str, candidate: Path, keep: Path) -> Decision:
            decision = gate_fields(
                self.open(champion),
                candidate,
                deciding,
                general,
                settings=settings,
                limits=self.limits,
                threads=self.threads,
                workspace=self.workspace,
            )
            keep_judgement(keep, decision)
            return decision

        return judge
