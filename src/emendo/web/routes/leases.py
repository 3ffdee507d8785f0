"""Lines in work: kept while they are shown, given back when somebody leaves."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from ...label.desk import Desk
from ...workspace.people import Role
from ..guard import needs, who

Name = Annotated[str, Field(max_length=200)]


class Lines(BaseModel):
    """Ids of lines."""

    model_config = ConfigDict(extra="forbid")

    lines: list[Name] = Field(max_length=500)


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""

    @app.post("/api/leases", dependencies=[needs(Role.ANNOTATOR)])
    def keep(wanted: Lines, request: Request) -> dict[str, Any]:
        author = who(request).name
        mine = desk.leases.take(wanted.lines, author)
        others = desk.leases.holders([line for line in wanted.lines if line not in mine])
        return {"mine": sorted(mine), "others": {line: lease.author for line, lease in others.items()}}

    @app.post("/api/leases/free", dependencies=[needs(Role.ANNOTATOR)])
    def free(left: Lines, request: Request) -> dict[str, int]:
        return {"freed": desk.leases.free(left.lines, who(request).name)}
