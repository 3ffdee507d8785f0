"""What correcting has cost: one's own figures, those of all for a reviewer."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request

from ...label.desk import Desk
from ...workspace.efforts import spent, totals
from ...workspace.people import Role
from ..guard import who


def add(app: FastAPI, desk: Desk) -> None:
    """Add the route."""

    @app.get("/api/effort")
    def effort(request: Request) -> dict[str, Any]:
        person = who(request)
        days = spent(desk.store, None if person.may(Role.REVIEWER) else person.name)
        return {"days": [one.to_dict() for one in days], "totals": [one.to_dict() for one in totals(days)]}
