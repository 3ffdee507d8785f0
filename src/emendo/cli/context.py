"""What most commands need: the settings, the workspace they run in, and the model, loaded when first asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from ..settings import Settings, load_settings

if TYPE_CHECKING:
    from ..models.ctc.recognizer import CtcRecognizer
    from ..models.detector import Detector
    from ..workspace.folder import Workspace

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Model = Annotated[
    str | None,
    typer.Option(metavar="REF", help="Model: base, champion, a bundle folder. [default: OCR_MODEL, champion, base]"),
]
Threads = Annotated[int | None, typer.Option(metavar="N", help="Threads of the recogniser. [default: one per core]")]


@dataclass(frozen=True)
class Context:
    """Settings, the workspace (None outside of one), and on demand the recogniser and the detector."""

    settings: Settings
    workspace: Workspace | None

    @cached_property
    def recognizer(self) -> CtcRecognizer:
        """The model that the settings name: `model`, else the champion, else the base."""
        from ..models.references import load_recognizer

        root = self.workspace.root if self.workspace else None
        return load_recognizer(self.settings.model, workspace=root, threads=self.settings.threads)

    @cached_property
    def detector(self) -> Detector:
        """The line detector."""
        from ..models.detector import Detector

        return Detector(threads=self.settings.threads)


def open_context(
    place: Path | None = None, *, need_workspace: bool = False, **flags: str | int | float | None
) -> Context:
    """Find the workspace around `place` and resolve the settings, `flags` first.

    Raises UsageError when `need_workspace` and there is none.
    """
    from ..workspace.folder import Workspace

    workspace = Workspace.find(place if place is not None else Path())
    if workspace is None and need_workspace:
        raise UsageError("is in no workspace", where=place, remedy=f"run `emendo init {place}` first")
    return Context(load_settings(workspace.root if workspace else None, **flags), workspace)
