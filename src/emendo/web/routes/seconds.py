"""Where two readers differ, who decides, and how far they agree."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request

from ...label.agreement import agreement
from ...label.desk import Desk
from ...workspace.people import Role
from ..guard import needs, who
from .lines import Saving, verdict_row


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""

    @app.get("/api/differences", dependencies=[needs(Role.REVIEWER)])
    def differences() -> list[dict[str, Any]]:
        found = {one.first.line: one for one in desk.seconds.differences()}
        return [
            card.to_dict() | {"first": card.text, "other": found[card.line.id].text}
            for card in desk.cards(list(found))
            if card.text != found[card.line.id].text
        ]

    @app.post("/api/differences/{line}", dependencies=[needs(Role.REVIEWER)])
    def decide(line: str, saving: Saving, request: Request) -> dict[str, Any]:
        author = who(request).name
        return verdict_row(desk.decide(line, saving.text, saving.verdict, expected=saving.version, author=author))

    @app.get("/api/agreement", dependencies=[needs(Role.REVIEWER)])
    def agree() -> list[dict[str, Any]]:
        return [one.to_dict() for one in agreement(desk.seconds.all())]
