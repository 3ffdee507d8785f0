"""What holds for the texts of one kind of unit: how they are cleaned, and what else is written when one is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from ..errors import FormatError, UsageError
from ..fields import canonical, read_text
from ..types import Correction
from ..workspace.rows import Kind, Line


class Rule(Protocol):
    """What holds for one kind of unit."""

    def clean(self, text: str) -> str:
        """The text as it is kept. Raises UsageError for one that cannot be of this kind."""
        ...

    def saved(self, unit: Line, verdict: Correction) -> None:
        """Called for each new verdict before its transaction ends; what it raises undoes the verdict."""
        ...


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


RULES: Mapping[Kind, Rule] = {Kind.DOCUMENT: DocumentRule()}
"""A kind without a rule has texts as they are."""
