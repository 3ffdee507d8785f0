"""Search in all text, and what lines can be filtered by."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request

from ...label.desk import Desk
from ...label.queues import VERDICTS, Filter
from ...text.direction import right_to_left
from ...text.searched import marked, words_of
from ..guard import who

MOST_HITS = 100
Word = Annotated[str, Query(max_length=500)]
Share = Annotated[float, Query(ge=0, le=1)]


async def filter_of(
    request: Request,
    document: Word = "",
    verdict: Word = "",
    author: Word = "",
    mine: bool = False,
    low: Share = 0.0,
    high: Share = 1.0,
    text: Word = "",
) -> Filter:
    """The filter that an address asks for; `mine` is the author who asks."""
    return Filter(document, verdict, who(request).name if mine else author, low, high, text)


Only = Annotated[Filter, Depends(filter_of)]


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""

    @app.get("/api/filters")
    def filters() -> dict[str, Any]:
        lines = desk.index.lines()
        authors = {line.author for line in lines if line.author}
        documents = dict.fromkeys(line.document for line in lines)
        return {"documents": list(documents), "authors": sorted(authors), "verdicts": list(VERDICTS)}

    @app.get("/api/search")
    def search(
        query: Word = "",
        start: Annotated[int, Query(ge=0)] = 0,
        count: Annotated[int, Query(ge=0, le=MOST_HITS)] = 30,
    ) -> dict[str, Any]:
        found, words = desk.index.search(query), words_of(query)
        hits = [
            {
                "id": line.id,
                "document": line.document,
                "page": line.page,
                "number": line.number,
                "verdict": line.verdict,
                "author": line.author,
                "direction": "rtl" if right_to_left(line.text) else "ltr",
                "text": marked(line.text, words),
            }
            for line in found[start : start + count]
        ]
        return {"total": len(found), "start": start, "hits": hits}
