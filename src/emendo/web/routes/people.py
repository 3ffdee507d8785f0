"""Who the people are."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field

from ...errors import UsageError
from ...label.desk import Desk
from ...workspace.people import LONGEST_NAME, Role
from ..guard import needs, who

ADMIN = [needs(Role.ADMIN)]


class New(BaseModel):
    """A person who joins."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=4 * LONGEST_NAME)
    role: Role = Role.ANNOTATOR


class Change(BaseModel):
    """What becomes of a person; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: str
    role: Role | None = None
    active: bool | None = None


class Named(BaseModel):
    """A person."""

    model_config = ConfigDict(extra="forbid")

    name: str


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes. A token is told once, in the answer to the request that made it."""

    @app.get("/api/people", dependencies=ADMIN)
    def everybody() -> dict[str, Any]:
        return {"people": [one.to_dict() for one in desk.people.members()], "in_work": desk.leases.in_work()}

    @app.post("/api/people", dependencies=ADMIN)
    def join(new: New) -> dict[str, str]:
        return {"token": desk.people.add(new.name, new.role)}

    @app.post("/api/people/change", dependencies=ADMIN)
    def change(what: Change, request: Request) -> dict[str, bool]:
        _not_oneself(what.name, request)
        if what.role is not None:
            desk.people.set_role(what.name, what.role)
        if what.active is not None:
            desk.people.set_active(what.name, what.active)
        return {"done": True}

    @app.post("/api/people/renew", dependencies=ADMIN)
    def renew(who_else: Named) -> dict[str, str]:
        return {"token": desk.people.renew(who_else.name)}

    @app.post("/api/people/remove", dependencies=ADMIN)
    def remove(who_else: Named, request: Request) -> dict[str, bool]:
        _not_oneself(who_else.name, request)
        desk.people.remove(who_else.name)
        return {"done": True}


def _not_oneself(name: str, request: Request) -> None:
    """Nobody shuts themselves out by a slip."""
    if name == who(request).name:
        raise UsageError("nobody can change or remove themselves here", remedy="let another admin do it")
