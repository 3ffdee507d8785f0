"""Texts that are likely wrong: judged in the background, looked at again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import FastAPI, Request

from ...label.desk import Desk
from ...label.doubts import Judging
from ...workspace.people import Role
from ..guard import needs, who


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""
    judging = Judging(desk.workspace, desk.workspace.settings())

    @app.get("/api/doubts")
    def state() -> dict[str, Any]:
        return {**asdict(judging.state), "open": len(desk.doubts.open())}

    @app.post("/api/doubts", dependencies=[needs(Role.REVIEWER)])
    def start() -> dict[str, Any]:
        return asdict(judging.start())

    @app.post("/api/doubts/{line}", dependencies=[needs(Role.ANNOTATOR)])
    def settle(line: str, request: Request) -> dict[str, bool]:
        return {"settled": desk.doubts.settle(line, who(request).name)}
