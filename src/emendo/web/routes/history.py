"""What was said of a line before, and its return."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from ...label.desk import Desk
from ...workspace.people import Role
from ..guard import needs, who
from .lines import verdict_row


class Restoring(BaseModel):
    """Which version is to hold again, and the one that the person saw as the latest."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1)
    expected: int = Field(ge=1)


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""

    @app.get("/api/lines/{line}/history")
    def history(line: str) -> list[dict[str, Any]]:
        return [verdict_row(one) | {"source": one.source} for one in desk.history(line)]

    @app.post("/api/lines/{line}/restore", dependencies=[needs(Role.REVIEWER)])
    def restore(line: str, restoring: Restoring, request: Request) -> dict[str, Any]:
        author = who(request).name
        return verdict_row(desk.restore(line, restoring.version, expected=restoring.expected, author=author))
