"""Made-up documents as words alone, without pages: for the training of what reads words, a hundred a second.

fields/6-7-000250.jsonl   in the cache: documents 250 to 499 of seed 7 by version 6 of the generator, one a line

Each line holds the fields and the words with their boxes, in points, and what each tells. A file is written whole or
not at all; one that is damaged is made anew.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np

from ...tools.files import write_text
from .build import VERSION
from .content import draw_content
from .letters import set_document

PART: Final = 250
"""Documents of a file."""
Progress = Callable[[int, int, str], None]


def rehearsal(
    count: int, seed: int, folder: Path, *, jobs: int = 1, progress: Progress = lambda done, total, text: None
) -> Iterator[dict[str, Any]]:
    """The first `count` documents of a seed, made by `jobs` processes and kept in `folder`.

    Each is {"fields": ..., "words": [{"text", "page", "box", "meaning"}, ...]} with values as JSON has them.
    """
    parts = [(seed, first, folder) for first in range(0, count, PART)]
    missing = [part for part in parts if _held(_place(*part)) is None]
    progress(0, len(parts), "making up documents")
    if len(missing) > 1 and jobs > 1:
        with ProcessPoolExecutor(min(jobs, len(missing)), mp_context=multiprocessing.get_context("spawn")) as pool:
            list(pool.map(_make, missing))
    else:
        for done, part in enumerate(missing):
            progress(len(parts) - len(missing) + done, len(parts), "making up documents")
            _make(part)
    for part in parts:
        yield from (_held(_place(*part)) or [])[: count - part[1]]


def made_words(seed: int, index: int) -> dict[str, Any]:
    """Document `index` of a seed: the same content and sheet as `build.make_document` gives it."""
    rng = np.random.default_rng([VERSION, seed, index])
    sheet, document = set_document(draw_content(rng), rng)
    words = [
        {"text": word.text, "page": word.page, "box": [round(one, 1) for one in word.box], "meaning": word.meaning}
        for word in sheet.words
    ]
    return {"fields": document.values(), "words": words}


def _place(seed: int, first: int, folder: Path) -> Path:
    return folder / f"{VERSION}-{seed}-{first:06}.jsonl"


def _make(part: tuple[int, int, Path]) -> None:
    seed, first, _ = part
    rows = (json.dumps(made_words(seed, first + at), ensure_ascii=False, separators=(",", ":")) for at in range(PART))
    write_text(_place(*part), "\n".join(rows) + "\n")


def _held(place: Path) -> Sequence[dict[str, Any]] | None:
    """The documents of a file; None when it is not there or damaged."""
    try:
        rows = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return None
    return rows if len(rows) == PART and all({"fields", "words"} <= set(row) for row in rows) else None
