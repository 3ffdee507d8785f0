"""A workspace for other programs and back, as download and upload."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from ...correct.export import FORMS, OTHERS, export_workspace
from ...correct.importing import import_file
from ...errors import BadInput, UsageError
from ...formats.images import safe_name
from ...label.desk import Desk
from ...workspace.people import Role
from ..guard import needs, who


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""

    @app.get("/api/exchange", dependencies=[needs(Role.REVIEWER)])
    def forms() -> dict[str, Any]:
        return {
            "forms": [*(form.name for form in FORMS), *OTHERS],
            "limit": desk.workspace.settings().limits.archive_bytes,
        }

    @app.get("/api/export", dependencies=[needs(Role.REVIEWER)])
    def export(form: Annotated[str, Query(max_length=40)], document: str = "") -> Response:
        place = TemporaryDirectory(dir=desk.workspace.hidden, prefix="export-")
        try:
            target = Path(place.name) / "export.zip"
            done = export_workspace(desk.workspace, form, target, documents=[document] if document else None)
        except BaseException:
            place.cleanup()
            raise
        name = safe_name(f"{document or desk.workspace.root.name}-{form}") + ".zip"
        # names of documents that were left out go in a header, for the body is the file
        headers = {"X-Left-Out": str(len(done.failures))}
        return FileResponse(target, filename=name, headers=headers, background=BackgroundTask(place.cleanup))

    @app.post("/api/import", dependencies=[needs(Role.REVIEWER)])
    async def take(name: Annotated[str, Query(min_length=1, max_length=200)], request: Request) -> dict[str, Any]:
        limit = desk.workspace.settings().limits.archive_bytes
        plain = safe_name(Path(name.replace("\\", "/")).name)
        with TemporaryDirectory(dir=desk.workspace.hidden, prefix="import-") as place:
            source = Path(place) / plain
            size = 0
            with source.open("xb") as out:
                async for piece in request.stream():
                    size += len(piece)
                    if size > limit:
                        raise UsageError(f"{plain} is longer than {limit:,} bytes", remedy="raise limits.archive_bytes")
                    out.write(piece)
            author = who(request).name
            return await run_in_threadpool(_imported, desk, source, author)


def _imported(desk: Desk, source: Path, author: str) -> dict[str, Any]:
    try:
        done = import_file(desk.workspace, source, author=author, recognizer=desk.reader())
    except BadInput as error:  # a fault of what was sent, not something that is not there
        raise UsageError(error.what, where=Path(error.where).name, line=error.line, remedy=error.remedy) from error
    return {**done.summary(), "told": done.sentences()}
