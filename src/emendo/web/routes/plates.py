"""Licence plates: queues of pictures, pre-labels, doubtful labels, counts. They are saved as lines are."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field

from ...label.desk import Desk
from ...label.faults import find_faults, keep
from ...label.plates import QUEUES, PlateBook
from ...label.rules import shown_alphabet
from ...workspace.people import Role
from ..guard import needs, who
from .pictures import CACHED

MOST = 50


class Wanted(BaseModel):
    """The plates whose pre-labels the page wants, nearest first."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Annotated[str, Field(max_length=100)]] = Field(max_length=MOST)


class Keeping(BaseModel):
    """A fault that is none, or is one again."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(max_length=1000)
    kept: bool


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""
    book = PlateBook(desk.workspace, desk.store, reader=desk.plate_reader)

    @app.get("/api/plates")
    def plates(
        queue: str = "waiting",
        start: Annotated[int, Query(ge=0)] = 0,
        count: Annotated[int, Query(ge=1, le=MOST)] = 20,
        fresh: bool = False,
    ) -> dict[str, Any]:
        if fresh:
            book.refresh()
        found = book.queue(queue, fresh=fresh)
        shown = [one.to_dict() for one in book.plates(found[start : start + count])]
        return {"total": len(found), "start": start, "plates": shown}

    @app.get("/api/plates/rules")
    def rules() -> dict[str, Any]:
        held = book.settings.plates
        shown = shown_alphabet(held.alphabet)
        return {"alphabet": held.alphabet, "shown": shown, "pattern": held.pattern, "queues": dict(QUEUES)}

    @app.get("/api/plates/counts")
    def counts() -> dict[str, Any]:
        return book.counts()

    @app.get("/api/plates/faults")
    def faults() -> list[dict[str, Any]]:
        return [one.to_dict() for one in find_faults(book)]

    @app.post("/api/plates/keep", dependencies=[needs(Role.ANNOTATOR)])
    def keeping(kept: Keeping, request: Request) -> dict[str, Any]:
        keep(desk.store, kept.key, kept=kept.kept, author=who(request).name)
        return {"key": kept.key, "kept": kept.kept}

    @app.post("/api/plates/prelabels", dependencies=[needs(Role.ANNOTATOR)])
    def prelabels(wanted: Wanted) -> list[dict[str, Any]]:
        book.prelabel(wanted.ids)
        return [one.to_dict() for one in book.plates(wanted.ids)]

    @app.get("/api/plates/{plate}")
    def plate(plate: str) -> dict[str, Any]:
        return book.plate(plate).to_dict()

    @app.get("/api/plates/{plate}/picture")
    def picture(plate: str) -> Response:
        return FileResponse(book.picture(plate), headers=CACHED)
