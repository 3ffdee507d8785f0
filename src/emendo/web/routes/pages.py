"""Whole pages: their lines as they stand, and changes of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from ...label.changes import Add, Change, Delete, Merge, Move, Shape, Split
from ...label.desk import Desk
from ...label.pagework import PageDesk, StalePage
from ...workspace.people import Role
from ..guard import needs, who

MOST_POINTS, MOST_LINES, MOST_TEXT = 2000, 2000, 20_000

Points = Annotated[list[tuple[FiniteFloat, FiniteFloat]], Field(max_length=MOST_POINTS)]
Text = Annotated[str, Field(max_length=MOST_TEXT)]
Id = Annotated[str, Field(max_length=200)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=MOST_LINES)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Drawn(_Body):
    outline: Points = []
    middle: Points = []
    height: FiniteFloat = Field(0.0, ge=0, le=10_000)


class Splitting(_Body):
    """Cut a line before character `at` (in code points) of what stands in its field."""

    what: Literal["split"]
    line: Id
    at: int = Field(ge=0)
    text: Text

    def change(self) -> Change:
        """For the desk."""
        return Split(self.line, self.at, self.text)


class Merging(_Body):
    """Make one line of several; texts that were not saved come along."""

    what: Literal["merge"]
    lines: Ids
    texts: dict[Id, Text] = {}

    def change(self) -> Change:
        """For the desk."""
        return Merge(self.lines, self.texts)


class Deleting(_Body):
    """Take lines out."""

    what: Literal["delete"]
    lines: Ids

    def change(self) -> Change:
        """For the desk."""
        return Delete(self.lines)


class Adding(_Drawn):
    """A missed line, by its outline or its middle; `after` names the line before it."""

    what: Literal["add"]
    after: Id = ""

    def change(self) -> Change:
        """For the desk."""
        return Add(self.outline, self.middle, self.height, self.after)


class Shaping(_Drawn):
    """Another place for a line."""

    what: Literal["shape"]
    line: Id
    text: Text

    def change(self) -> Change:
        """For the desk."""
        return Shape(self.line, self.text, self.outline, self.middle, self.height)


class Moving(_Body):
    """Another place in the reading order; at the end without `before`."""

    what: Literal["move"]
    line: Id
    before: Id = ""

    def change(self) -> Change:
        """For the desk."""
        return Move(self.line, self.before)


class Place(_Body):
    """Which page, and the state of it that the person saw."""

    document: str = Field(max_length=4096)
    number: int = Field(ge=1)
    version: str = Field(max_length=64)


class Changing(Place):
    """A change of a page."""

    change: Annotated[Splitting | Merging | Deleting | Adding | Shaping | Moving, Field(discriminator="what")]


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""
    pages = PageDesk(desk)

    @app.exception_handler(StalePage)
    def stale(_: Request, error: StalePage) -> Response:
        return JSONResponse({"error": str(error)}, status_code=409)

    @app.get("/api/notes")
    def documents() -> list[dict[str, Any]]:
        return pages.documents()

    @app.get("/api/pages")
    def page(document: str, number: Annotated[int, Query(ge=1)]) -> dict[str, Any]:
        return pages.page(document, number).to_dict()

    @app.post("/api/pages/change", dependencies=[needs(Role.ANNOTATOR)])
    def change(asked: Changing, request: Request) -> dict[str, Any]:
        made = asked.change.change()
        return pages.change(asked.document, asked.number, asked.version, made, who(request).name).to_dict()

    @app.post("/api/pages/undo", dependencies=[needs(Role.ANNOTATOR)])
    def undo(asked: Place, request: Request) -> dict[str, Any]:
        return pages.undo(asked.document, asked.number, asked.version, who(request).name).to_dict()
