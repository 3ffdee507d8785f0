"""Lines and pages as pictures."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query, Response
from fastapi.responses import FileResponse

from ...label.desk import Desk

CACHED = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Pictures of lines are known by their content."""


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""

    @app.get("/api/lines/{line}/image")
    def image(line: str) -> Response:
        return FileResponse(desk.pictures.crop(line), headers=CACHED)

    @app.get("/api/page")
    def page_image(document: str, number: Annotated[int, Query(ge=1)]) -> Response:
        picture = desk.pictures.page(document, number)
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "private"})
