"""What a word of a document can tell: nothing, or a field; words of one row of a table belong together."""

from __future__ import annotations

import re
from typing import Final

from emendo.fields.compare import ROW_MARK
from emendo.fields.schema import ROWS, Document, specs

NONE: Final = ""
"""The label of a word that tells no field."""
_UNSAID: Final = ("type", "currency")
"""Fields that follow from the document as a whole."""
LABELS: Final[tuple[str, ...]] = (
    NONE,
    *(spec.name for spec in specs(Document) if spec.name not in _UNSAID),
    *(f"{table}{ROW_MARK}.{spec.name}" for table, part in ROWS.items() for spec in specs(part)),
)
"""Classes of the network in order; the fields of rows are named `lines[].amount`."""
INDEX: Final = {label: at for at, label in enumerate(LABELS)}
TYPES: Final = ("invoice", "receipt", "credit_note")
"""Kinds of document, in the order of the network's other output."""
_ROW = re.compile(r"(lines|taxes)\.(\d+)\.(\w+)")


def label_of(path: str) -> tuple[str, int]:
    """The label of a field's path (`lines.2.amount` -> `lines[].amount`) and the number of its row, -1 for none.

    A path that is no label (`currency`, a field that the schema does not know) is NONE.
    """
    found = _ROW.fullmatch(path)
    label, row = (f"{found[1]}{ROW_MARK}.{found[3]}", int(found[2])) if found else (path, -1)
    return (label, row) if label in INDEX else (NONE, -1)
