"""The application: its faults as answers, its files, and the table of its routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib import resources

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from ..errors import BadInput, DataError, EmendoError, Refused, UsageError
from ..label.desk import Desk
from ..workspace.leases import InWork
from ..workspace.store import Stale, UnknownLine
from .guard import Forbidden, Guard, Guarded, refused
from .routes import (
    documents,
    doubts,
    effort,
    exchange,
    fields,
    history,
    leases,
    lines,
    models,
    monitor,
    pages,
    people,
    pictures,
    plates,
    predict,
    search,
    seconds,
)

_STATIC = resources.files("emendo.web") / "static"

ROUTES: tuple[Callable[[FastAPI, Desk], None], ...] = (
    lines.add,
    pictures.add,
    history.add,
    leases.add,
    seconds.add,
    people.add,
    models.add,
    monitor.add,
    documents.add,
    effort.add,
    search.add,
    doubts.add,
    exchange.add,
    pages.add,
    fields.add,
    plates.add,
    predict.add,
)
"""Each adds what one part of the page asks for."""


def create_app(desk: Desk, guard: Guard) -> FastAPI:
    """The application over one workspace; what is saved is that of the person whom the guard knows."""

    @asynccontextmanager
    async def closing(_: FastAPI) -> AsyncIterator[None]:
        yield
        for close in app.state.closing:
            close()
        desk.close()

    app = FastAPI(title="emendo", lifespan=closing, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.closing = []
    """What the routes have to end when the server does."""
    app.add_middleware(Guarded, guard=guard)
    app.mount("/static", StaticFiles(directory=str(_STATIC)), name="static")

    @app.exception_handler(EmendoError)
    async def said(_: Request, error: EmendoError) -> Response:
        return refused(_status(error), str(error))

    @app.exception_handler(Stale)
    async def stale(_: Request, error: Stale) -> Response:
        return JSONResponse({"error": str(error), "current": lines.verdict_row(error.current)}, status_code=409)

    @app.exception_handler(RequestValidationError)
    async def not_so(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return refused(422, f"{' '.join(str(part) for part in first['loc'])}: {first['msg']}")

    @app.exception_handler(InWork)
    async def in_work(_: Request, error: InWork) -> Response:
        return JSONResponse({"error": str(error), "holder": error.lease.author}, status_code=409)

    @app.get("/", response_class=HTMLResponse)
    def page() -> str:
        return (_STATIC / "index.html").read_text(encoding="utf-8")

    for add in ROUTES:
        add(app, desk)
    return app


def _status(error: EmendoError) -> int:
    """What is no fault of the request (a locked database, a full disk) is 503: the page keeps it and tries again."""
    if isinstance(error, Forbidden):
        return 403
    if isinstance(error, (UsageError, DataError)):
        return 400
    if isinstance(error, Refused):
        return 409
    return 404 if isinstance(error, (UnknownLine, BadInput)) else 503
