"""A document in, its text out."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import FastAPI, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from ...label.against import MOST, against
from ...label.desk import Desk
from ...label.uploads import Uploads
from ...workspace.people import Role
from ..guard import need, needs, who

PRIVATE = {"Cache-Control": "private, max-age=3600"}


class GivenTruth(BaseModel):
    """What is right of a document, or of one page of it."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=2 * MOST)
    page: int | None = Field(None, ge=1)


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""
    uploads = Uploads(desk.workspace)
    app.state.closing.append(uploads.close)

    @app.post("/api/documents", dependencies=[needs(Role.ANNOTATOR)])
    async def upload(
        request: Request, name: Annotated[str, Query(max_length=500)] = "", keep: bool = False
    ) -> dict[str, Any]:
        person = need(request, Role.REVIEWER) if keep else who(request)
        length = request.headers.get("content-length", "")
        with uploads.arriving(int(length) if length.isdecimal() else None) as arriving:
            async for chunk in request.stream():
                arriving.take(chunk)
            taken = await run_in_threadpool(uploads.accept, arriving, name, person.name, keep=keep)
        return taken.to_dict()

    @app.get("/api/documents")
    def documents(request: Request) -> dict[str, Any]:
        mine = [one.to_dict() for one in uploads.of(who(request).name)]
        return {"documents": mine, "most_bytes": uploads.settings.limits.upload_bytes}

    @app.get("/api/documents/{key}")
    def document(key: str, request: Request) -> dict[str, Any]:
        return uploads.get(key, who(request).name).to_dict()

    @app.delete("/api/documents/{key}", dependencies=[needs(Role.ANNOTATOR)])
    def remove(key: str, request: Request) -> dict[str, Any]:
        uploads.remove(key, who(request).name)
        return {}

    @app.get("/api/documents/{key}/text")
    def text(key: str, request: Request) -> Response:
        found = uploads.get(key, who(request).name)
        return Response(found.text, media_type="text/plain; charset=utf-8", headers=_download(f"{found.name}.txt"))

    @app.post("/api/documents/{key}/truth", dependencies=[needs(Role.ANNOTATOR)])
    def judged(key: str, truth: GivenTruth, request: Request) -> dict[str, Any]:
        return against(uploads.get(key, who(request).name), truth.text, truth.page).to_dict()

    @app.get("/api/documents/{key}/pages/{number}")
    def lines(key: str, number: int, request: Request) -> list[dict[str, Any]]:
        return uploads.get(key, who(request).name).lines(number)

    @app.get("/api/documents/{key}/pages/{number}/image")
    def picture(key: str, number: int, request: Request) -> Response:
        found = uploads.get(key, who(request).name)
        return Response(uploads.picture(found, number), media_type="image/jpeg", headers=PRIVATE)

    @app.get("/api/documents/{key}/pages/{number}/xml")
    def page_xml(key: str, number: int, request: Request) -> Response:
        found = uploads.get(key, who(request).name)
        headers = _download(f"{found.name}-{number}.xml")
        return Response(found.page_xml(number), media_type="application/xml", headers=headers)


def _download(name: str) -> dict[str, str]:
    """Save it under this name, never show it as a page."""
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
