"""Invoices and receipts: their fields as a form, the words of their pages, what does not add up. Saved as lines are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ...errors import UsageError
from ...label.desk import MOST_CHARACTERS, Desk
from ...label.documents import DocumentDesk, check, form
from ...workspace.people import Role
from ...workspace.rows import Kind
from ..guard import needs, who

MOST = 20
MOST_KEYS = 500
PRIVATE = {"Cache-Control": "private, max-age=3600"}


class Checking(BaseModel):
    """What stands in the form."""

    model_config = ConfigDict(extra="forbid")

    fields: dict[Annotated[str, Field(max_length=200)], Any] = Field(max_length=MOST_KEYS)


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""
    documents = DocumentDesk(desk)
    app.state.closing.append(documents.close)
    documents.prefiller.start()

    @app.get("/api/fields/form")
    def fields_form() -> dict[str, Any]:
        return {**form(), "unsure": desk.workspace.settings().prefill.unsure}

    @app.get("/api/fields/cards")
    def cards(ids: Annotated[list[str], Query(max_length=MOST)]) -> dict[str, Any]:
        return {"documents": documents.cards(ids), "prefill": documents.ahead()}

    @app.get("/api/fields")
    def fields(
        request: Request,
        order: str = "waiting",
        start: Annotated[int, Query(ge=0)] = 0,
        count: Annotated[int, Query(ge=1, le=MOST)] = 5,
        fresh: bool = False,
        at: Annotated[str, Query(max_length=4096)] = "",
    ) -> dict[str, Any]:
        start = documents.place(at) if at else start
        hand = documents.hand(who(request).name, "all" if at else order, start, count, fresh=fresh)
        total, done = desk.store.counts(kind=Kind.DOCUMENT)
        return {
            "total": hand.total,
            "start": start,
            "elsewhere": hand.elsewhere,
            "documents": documents.cards(hand.lines),
            "prefill": documents.ahead(),
            "all": total,
            "done": done,
        }

    @app.get("/api/fields/{document}/pages/{page}")
    def words(document: str, page: int) -> dict[str, Any]:
        found = documents.words(document, page)
        rows = [{"text": one.text, "box": [round(x, 1) for x in one.box], "line": one.line} for one in found]
        return {"size": list(documents.size(document, page)), "words": rows}

    @app.get("/api/fields/{document}/pages/{page}/image")
    def picture(document: str, page: int) -> Response:
        return Response(documents.picture(document, page), media_type="image/jpeg", headers=PRIVATE)

    @app.post("/api/fields/check", dependencies=[needs(Role.ANNOTATOR)])
    def checked(asked: Checking, request: Request) -> dict[str, Any]:
        if int(request.headers.get("content-length") or 0) > 4 * MOST_CHARACTERS[Kind.DOCUMENT]:
            raise UsageError("the fields are too long", remedy="leave out what is no field")
        return check(asked.fields)
