"""What holds for the texts of one kind of unit: how they are cleaned, and what else is written when one is saved."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..errors import FormatError, UsageError, WorkspaceError
from ..fields import canonical, read_text
from ..formats.labels import SKIP, append
from ..settings import PlateSettings
from ..text.normalize import normalize_text
from ..types import Correction
from ..workspace.folder import Workspace
from ..workspace.store import Kind, Line, Store

LABELS = "labels.txt"
"""In the folder of the crops: the labels as `path<TAB>text`, for people and other programs."""
CROPS = "plates"
"""Kind of the event that says which folder of the workspace holds crops of plates; the latest holds."""


class Rule(Protocol):
    """What holds for one kind of unit."""

    def clean(self, text: str) -> str:
        """The text as it is kept. Raises UsageError for one that cannot be of this kind."""
        ...

    def saved(self, unit: Line, verdict: Correction) -> None:
        """Called for each new verdict before its transaction ends; what it raises undoes the verdict."""
        ...


@dataclass(frozen=True, slots=True)
class PlateRule:
    """Plates: the alphabet of the settings, and a line in `labels.txt`.

    The line is on the disk before the transaction ends: a crash between the two leaves a label in the file that the
    database lacks, and the next start takes it in. Nothing that was acknowledged can be missing in either.
    """

    root: Path
    crops: Path
    settings: PlateSettings

    @property
    def labels(self) -> Path:
        """The file of the labels."""
        return self.crops / LABELS

    def clean(self, text: str) -> str:
        """Upper case where the alphabet has no lower case. Raises UsageError for what no plate can say."""
        folded = folded_text(text, self.settings.alphabet)
        strange = sorted({char for char in folded if char not in self.settings.alphabet})
        if strange:
            shown = " ".join(map(repr, strange))
            raise UsageError(f"a plate holds no {shown}", remedy=f"type only {shown_alphabet(self.settings.alphabet)}")
        if folded and self.settings.pattern and not re.fullmatch(self.settings.pattern, folded):
            raise UsageError(
                f"{folded} does not match the pattern of plates here ({self.settings.pattern})",
                remedy="skip it, or change plates.pattern in emendo.toml",
            )
        return folded

    def saved(self, unit: Line, verdict: Correction) -> None:
        """Add the label. Raises WorkspaceError when the file cannot be written: the page keeps it and tries again."""
        try:
            append(self.labels, (self.root / unit.image).relative_to(self.crops).as_posix(), label_of(verdict))
        except OSError as error:
            what = f"cannot be written ({error.strerror})"
            raise WorkspaceError(what, where=self.labels, remedy="check the disk and its permissions") from error


def folded_text(text: str, alphabet: str) -> str:
    """A text in the alphabet's case, normalised."""
    return "".join(char if char in alphabet else char.upper() for char in normalize_text(text))


def label_of(verdict: Correction) -> str:
    """What `labels.txt` says of a verdict."""
    return verdict.text or SKIP


def shown_alphabet(alphabet: str) -> str:
    """The alphabet for people, runs of neighbours as `A-Z`."""
    parts: list[str] = []
    for char in sorted(alphabet):
        if parts and ord(char) == ord(parts[-1][-1]) + 1:
            parts[-1] = f"{parts[-1][0]}-{char}"
        else:
            parts.append(char)
    return " ".join(parts)


def crops_folder(workspace: Workspace, store: Store) -> Path | None:
    """The folder of the workspace that holds crops of plates; None when it has none."""
    said = store.events(CROPS, limit=1)
    return (workspace.root / str(said[0].data["folder"])).resolve() if said else None


def rules_of(workspace: Workspace, store: Store) -> Mapping[Kind, Rule]:
    """The rules that hold in a workspace; a kind without one has texts as they are."""
    crops = crops_folder(workspace, store)
    plates = {Kind.PLATE: PlateRule(workspace.root, crops, workspace.settings().plates)} if crops else {}
    return {Kind.DOCUMENT: DocumentRule(), **plates}


class DocumentRule:
    """Documents: the text is their fields as JSON, in the one spelling of `emendo.fields`."""

    def clean(self, text: str) -> str:
        """The canonical text. Raises UsageError with the first value that its field cannot hold."""
        try:
            read = read_text(text)
        except FormatError as error:
            raise UsageError(error.what, remedy="correct the fields and save again") from error
        if read.faults:
            fault = read.faults[0]
            raise UsageError(f"{fault.path}: {fault.what}", remedy="correct this field and save again")
        if not read.document.values():
            raise UsageError("no field is filled in", remedy="skip the document, or mark it as unreadable")
        return canonical(read.document)

    def saved(self, unit: Line, verdict: Correction) -> None:
        """Nothing else is written."""
