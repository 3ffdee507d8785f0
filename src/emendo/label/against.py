"""A document that came through the page against a truth that the person gives: how right it is, and how far its text is
compressed where a model sees the page as vision tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ..errors import UsageError
from ..evaluate.boards.compression import DEFAULT_TOKENS
from ..metrics import counts, spans
from ..metrics.align import Counts
from ..metrics.table import Pairs, measure
from ..metrics.tokens import tokenizer
from ..models.vision import MODES, Mode
from ..tools.counts import counted
from .uploads import State, Upload

MOST: Final = 200_000
"""Characters of a truth or a text that are compared: more take too long while a person waits."""
FIGURES: Final = ("character_precision", "character_recall", "character_f1", "precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class Compressed:
    """One mode of optical compression (Wei, Sun & Li 2025): what it spends on the pages, in vision tokens; `valid` of
    them see the page and not the padding."""

    mode: str
    vision_tokens: int
    valid: int
    compression: float
    """Text tokens of the truth for each vision token."""


@dataclass(frozen=True, slots=True)
class Against:
    """What was read against what is right, white space folded. `figures` are those of `FIGURES`, tokens being words.
    `spans` holds kind, truth and reading of each stretch."""

    counts: Counts
    figures: dict[str, float]
    spans: tuple[tuple[str, str, str], ...]
    text_tokens: int
    modes: tuple[Compressed, ...]

    def to_dict(self) -> dict[str, Any]:
        """For the page."""
        return {
            "cer": self.counts.cer,
            "wer": self.counts.wer,
            "characters": self.counts.characters,
            "edits": self.counts.edits,
            "words": self.counts.words,
            "word_edits": self.counts.word_edits,
            **self.figures,
            "spans": [list(one) for one in self.spans],
            "text_tokens": self.text_tokens,
            "modes": [
                {
                    "mode": one.mode,
                    "vision_tokens": one.vision_tokens,
                    "valid": one.valid,
                    "compression": one.compression,
                }
                for one in self.modes
            ],
        }


def against(upload: Upload, truth: str, page: int | None = None) -> Against:
    """Hold what was read of a page (None: of all pages) against its truth.

    Line breaks and other white space count as one space, for a truth is seldom broken as the page is. Raises UsageError
    when the document is not read yet, there is no such page, the truth is empty, or a text is too long.
    """
    if upload.state is not State.READ:
        raise UsageError(f"{upload.name} is not read yet", remedy="wait until it is")
    if page is not None and not 1 <= page <= upload.pages:
        raise UsageError(f"{upload.name} has {counted(upload.pages, 'page')}", remedy="name one of them")
    numbers = [page] if page is not None else sorted(upload.rows)
    read = _folded("\n".join(row["text"] for number in numbers for row in upload.rows.get(number, [])))
    right = _folded(truth)
    if not right:
        raise UsageError("the truth is empty", remedy="paste the text of the page, or choose a text file")
    if max(len(read), len(right)) > MOST:
        raise UsageError(f"a text of more than {MOST:,} characters is too long", remedy="compare it page by page")
    tokens = len(tokenizer(DEFAULT_TOKENS)(right))
    return Against(
        counts=counts(right, read),
        figures=measure(FIGURES, Pairs([right], [read])),
        spans=tuple((one.kind, one.reference, one.hypothesis) for one in spans(right, read)),
        text_tokens=tokens,
        modes=tuple(_compressed(mode, upload, numbers, tokens) for mode in MODES),
    )


def _compressed(mode: Mode, upload: Upload, numbers: Sequence[int], tokens: int) -> Compressed:
    pages = [_blank(upload, number) for number in numbers]
    spent = sum(mode.tokens(one) for one in pages)
    valid = sum(mode.valid_tokens(one) for one in pages)
    return Compressed(mode.name, spent, valid, tokens / spent if spent else 0.0)


def _blank(upload: Upload, number: int) -> Any:
    """An image of the page's size that takes no memory: the arithmetic of a mode asks for nothing else."""
    rows = upload.rows.get(number)
    width, height = (rows[0]["page_width"], rows[0]["page_height"]) if rows else (1, 1)
    return np.broadcast_to(np.uint8(0), (int(height), int(width), 3))


def _folded(text: str) -> str:
    return " ".join(text.split())
