"""The routes: what the page asks for, each a few lines over the desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, ConfigDict, Field

from ..errors import BadInput, EmendoError, UsageError
from ..label.alternatives import to_rows
from ..label.desk import ORDERS, Desk
from ..types import Correction, Verdict
from ..workspace.store import Stale, UnknownLine
from .guard import Guard, refused

_STATIC = resources.files("emendo.web") / "static"
MOST_CARDS = 50
CACHED = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Pictures of lines are known by their content."""


class Saving(BaseModel):
    """What the page sends when a line is done."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(None, max_length=20_000)
    verdict: Verdict
    version: int = Field(ge=0)


def create_app(desk: Desk, guard: Guard, *, author: str) -> FastAPI:
    """The application over one workspace; what is saved is `author`'s."""

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(title="emendo", lifespan=closing, docs_url=None, redoc_url=None, openapi_url=None)
    app.middleware("http")(guard)
    app.mount("/static", StaticFiles(directory=str(_STATIC)), name="static")

    @app.exception_handler(EmendoError)
    def said(_: Request, error: EmendoError) -> Response:
        absent = isinstance(error, (UnknownLine, BadInput))
        # what is no fault of the request (a locked database, a full disk) is 503: the page keeps it and tries again
        return refused(400 if isinstance(error, UsageError) else 404 if absent else 503, str(error))

    @app.exception_handler(Stale)
    def stale(_: Request, error: Stale) -> Response:
        return JSONResponse({"error": str(error), "current": verdict_row(error.current)}, status_code=409)

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return (_STATIC / "index.html").read_text(encoding="utf-8")

    _show_lines(app, desk, author)
    _show_pictures(app, desk)
    return app


def _show_lines(app: FastAPI, desk: Desk, author: str) -> None:
    """What the lines hold, and what is said of them."""

    @app.get("/api/state")
    def state() -> dict[str, Any]:
        progress = desk.progress()
        return {"author": author, "orders": dict(ORDERS), "total": progress.total, "done": progress.done}

    @app.get("/api/cards")
    def cards(
        order: str = "document",
        start: Annotated[int, Query(ge=0)] = 0,
        count: Annotated[int, Query(ge=1, le=MOST_CARDS)] = 20,
        fresh: bool = False,
    ) -> dict[str, Any]:
        total = len(desk.order(order, fresh=fresh))
        return {"total": total, "start": start, "cards": [card.to_dict() for card in desk.cards(order, start, count)]}

    @app.get("/api/lines/{line}")
    def card(line: str) -> dict[str, Any]:
        return desk.card(line).to_dict()

    @app.post("/api/lines/{line}")
    def save(line: str, saving: Saving) -> dict[str, Any]:
        return verdict_row(desk.save(line, saving.text, saving.verdict, expected=saving.version, author=author))

    @app.get("/api/lines/{line}/history")
    def history(line: str) -> list[dict[str, Any]]:
        return [verdict_row(one) for one in desk.history(line)]

    @app.get("/api/lines/{line}/alternatives")
    def others(line: str) -> list[dict[str, object]]:
        return to_rows(desk.alternatives(line))


def _show_pictures(app: FastAPI, desk: Desk) -> None:
    """Lines and pages as pictures."""

    @app.get("/api/lines/{line}/image")
    def image(line: str) -> Response:
        return FileResponse(desk.crop(line), headers=CACHED)

    @app.get("/api/page")
    def page_image(document: str, number: Annotated[int, Query(ge=1)]) -> Response:
        return Response(desk.page(document, number), media_type="image/jpeg", headers={"Cache-Control": "private"})


def verdict_row(one: Correction) -> dict[str, Any]:
    """A verdict for the page."""
    return {
        "text": one.text,
        "verdict": one.verdict.value,
        "version": one.version,
        "author": one.author,
        "at": one.at.isoformat(),
    }
