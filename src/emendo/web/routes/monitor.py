"""What the service reads, day by day, for those who watch over it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import FastAPI, Query, Response

from ...image.load import read_frame
from ...label.desk import Desk
from ...label.pictures import jpeg
from ...monitor import Captures
from ...monitor.dashboard import DAYS, MOST_DAYS, overview, picture
from ...workspace.people import Role
from ..guard import needs


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes; both show what other people sent, and need a reviewer."""

    @app.get("/api/monitor", dependencies=[needs(Role.REVIEWER)])
    def seen(days: Annotated[int, Query(ge=1, le=MOST_DAYS)] = DAYS) -> dict[str, Any]:
        return overview(Captures(desk.workspace.captures), datetime.now(UTC), days=days)

    @app.get("/api/monitor/picture", dependencies=[needs(Role.REVIEWER)])
    def image(name: Annotated[str, Query(max_length=100)]) -> Response:
        path = picture(Captures(desk.workspace.captures), name)
        return Response(
            jpeg(read_frame(path, 0, desk.workspace.settings().limits)),
            media_type="image/jpeg",
            headers={"Cache-Control": "private, max-age=3600"},
        )
