"""What most commands need: the settings, the workspace they run in, and the model, loaded when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import UsageError
from ..settings import Settings, load_settings

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..models.detector import Detector
    from ..types import DocumentReader, Recognizer, Sample
    from ..workspace.folder import Workspace

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Ref = Annotated[str, typer.Argument(metavar="DATASET", help="File, folder, workspace, id, or label=manifest:root.")]
Place = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Workspace.")]
Model = Annotated[
    str | None,
    typer.Option(metavar="REF", help="Model: auto, base, champion, a bundle. [default: OCR_MODEL, champion, auto]"),
]
Language = Annotated[
    str | None,
    typer.Option(metavar="CODE", help="Language whose words are expected: fr, auto (told from each page), none."),
]
Set = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change one value of the recipe.")]
RecipeName = Annotated[
    str | None,
    typer.Option("--recipe", metavar="NAME|FILE", help="How to train. [default: that of the model's family]"),
]
Jobs = Annotated[
    int,
    typer.Option(metavar="N", min=0, help="Folds trained at once; 0: as many as threads and memory allow."),
]
Pages = Annotated[
    bool, typer.Option("--pages", help="Samples are whole pages: a line reader finds, reads and joins their lines.")
]
Threads = Annotated[int | None, typer.Option(metavar="N", help="Threads to use. [default: one per core]")]


@dataclass(frozen=True)
class Context:
    """Settings, the workspace (None outside of one), and on demand the recogniser and the detector."""

    settings: Settings
    workspace: Workspace | None

    @cached_property
    def recognizer(self) -> Recognizer:
        """The model that the settings name: `model`, else the champion, else whichever embedded one is surest."""
        return self.load(self.settings.model)

    def load(self, ref: str) -> Recognizer:
        """The recogniser that a reference names, looked up in the workspace first."""
        from ..models.references import load_recognizer

        read = self.settings.read
        return load_recognizer(
            ref, workspace=self.root, threads=self.threads, language=read.language, engine=read.engine
        )

    def reader(self, *, pages: bool) -> Recognizer:
        """The recogniser, for lines or for `pages`; a vision-language model reads pages as it is."""
        from ..evaluate.pagewise import PageReader
        from ..models.vision import facts_of

        if not pages or facts_of(self.recognizer).family == "vlm":
            return self.recognizer
        return PageReader(self.recognizer, self.detector)

    def document_reader(self, *, model: str | None = None, reader: str = "", cache: bool = False) -> DocumentReader:
        """What reads fields: `model`, else the one that the settings name, else the champion or the default.

        `reader` and `cache` are those of `pages.fields.load_document_reader`.
        """
        from ..pages.fields import load_document_reader

        return load_document_reader(
            self.settings.model if model is None else model,
            workspace=self.root,
            threads=self.threads,
            engine=self.settings.read.engine,
            reader=reader,
            cache=cache,
        )

    @cached_property
    def plate_reader(self) -> Recognizer:
        """What reads plates: the model that the settings name, else the champion, else the base."""
        from ..models.plates import load_plate_recognizer

        settings = self.settings
        return load_plate_recognizer(
            settings.model,
            settings.plates.alphabet,
            workspace=self.root,
            threads=self.threads,
            engine=settings.read.engine,
        )

    @cached_property
    def detector(self) -> Detector:
        """The line detector."""
        from ..models.detector import Detector

        return Detector(threads=self.threads)

    @property
    def root(self) -> Path | None:
        """The workspace's folder."""
        return self.workspace.root if self.workspace else None

    @property
    def threads(self) -> int:
        """Threads to use: the setting, or one per core that this process may use."""
        return self.settings.cores

    @property
    def reports(self) -> Path:
        """Where reports are kept by convention: in the workspace, else `reports` here."""
        return self.workspace.hidden / "reports" if self.workspace else Path("reports")

    def dataset(self, ref: str, *, documents: bool = False) -> Dataset:
        """The data set that a reference names, looked up in the workspace too; a workspace means its corrections, of
        lines or of `documents`.
        """
        from ..correct.references import open_data

        return open_data(ref, self.settings, self.root, documents=documents)

    def lines_to_read(self, ref: str) -> list[Sample]:
        """The lines of a data set that neither validate nor test; of a workspace those that nobody has corrected."""
        from ..correct import uncorrected
        from ..types import Split
        from ..workspace.folder import HIDDEN, Workspace

        if (Path(ref) / HIDDEN).is_dir():
            return uncorrected(Workspace.open(Path(ref)))
        return [sample for sample in self.dataset(ref).samples if sample.split not in {Split.VAL, Split.TEST}]


def open_context(place: Path | None = None, *, need_workspace: bool = False, **flags: Any) -> Context:
    """Find the workspace around `place` and resolve the settings, `flags` first.

    Raises UsageError when `need_workspace` and there is none.
    """
    from ..workspace.folder import Workspace

    workspace = Workspace.find(place if place is not None else Path())
    if workspace is None and need_workspace:
        raise UsageError("is in no workspace", where=place, remedy=f"run `emendo init {place}` first")
    return Context(load_settings(workspace.root if workspace else None, **flags), workspace)
