"""Counting the errors of whole pages, where the lines that were found need not be the lines of the reference."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from rapidfuzz.distance import Levenshtein

from ..metrics import Counts


def document_counts(reference: Sequence[str], reading: Sequence[str]) -> list[Counts]:
    """Character counts of a document's reading, one `Counts` per line of the reference.

    Both texts are joined by one space a line break and aligned as a whole (Levenshtein, unit costs), so a line that
    was missed, split or read twice costs its characters, and a reading that breaks its lines elsewhere costs nothing.
    Each edit is counted at the reference line where it falls. Only character counts are filled in; lines of the
    reference that are blank are left out.
    """
    kept = [unicodedata.normalize("NFC", line).strip() for line in reference if line.strip()]
    read = " ".join(unicodedata.normalize("NFC", line).strip() for line in reading if line.strip())
    owner = [number for number, line in enumerate(kept) for _ in range(len(line) + 1)][:-1]
    edits = {"replace": [0] * len(kept), "insert": [0] * len(kept), "delete": [0] * len(kept)}
    for operation in Levenshtein.editops(" ".join(kept), read):
        if kept:
            edits[operation.tag][owner[min(operation.src_pos, len(owner) - 1)]] += 1
    sizes = [owner.count(number) for number in range(len(kept))]
    return [
        Counts(
            characters=size,
            substitutions=replaced,
            insertions=inserted,
            deletions=deleted,
            hits=size - replaced - deleted,
        )
        for size, replaced, inserted, deleted in zip(
            sizes, edits["replace"], edits["insert"], edits["delete"], strict=True
        )
    ]
