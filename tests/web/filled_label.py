"""`emendo label` with a reader of documents that says what was written down: `python filled_label.py FILE label ...`.

FILE is JSON: fields and certainty by the mean brightness of a page (rounded to three decimals), and a file without
which no document is read. Everything around it is the real thing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emendo.cli import documents, main
from emendo.errors import BadInput
from emendo.fields import canonical, read_document
from emendo.types import Image, Reading


def look(page: Image) -> str:
    """What a page is known by."""
    return f"{float(page.mean()):.3f}"


@dataclass(frozen=True)
class SaidReader:
    """Says what was written down for a page."""

    answers: dict[str, Any]
    start: Path | None = None
    model: str = "said@1"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        return self.read_documents([[image] for image in images])

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        return [self._one(pages) for pages in documents]

    def _one(self, pages: Sequence[Image]) -> Reading:
        while self.start is not None and not self.start.exists():
            time.sleep(0.05)
        answer = self.answers.get(look(pages[0]))
        if answer is None:
            raise BadInput("holds no words that could be fields", where="page 1")
        document = read_document(answer["fields"]).document
        return Reading(
            canonical(document), 0.5, (), self.model, document.values(sources=True), dict(answer["certainty"])
        )


if __name__ == "__main__":
    held = json.loads(Path(sys.argv[1]).read_text())
    start = Path(held["start"]) if "start" in held else None
    reader = SaidReader(held["answers"], start, held.get("model", "said@1"))
    documents.document_reader = lambda *_: lambda: reader  # type: ignore[assignment]
    sys.exit(main(sys.argv[2:]))
