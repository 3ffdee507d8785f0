"""What the rest of a line is, while a person types."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field

from ...label.desk import Desk
from ...workspace.people import Role
from ..guard import needs

MOST = 2000
"""Characters of a line that are foreseen at most."""


class Typed(BaseModel):
    """What stands in the field: what is right up to the caret, what stands behind it, what was typed further on."""

    model_config = ConfigDict(extra="forbid")

    before: str = Field("", max_length=MOST)
    between: str = Field("", max_length=MOST)
    kept: str = Field("", max_length=MOST)


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""

    @app.post("/api/lines/{line}/predict", dependencies=[needs(Role.ANNOTATOR)])
    def predicted(line: str, typed: Typed) -> dict[str, Any] | None:
        found = desk.foresight.predict(line, typed.before, typed.between, typed.kept)
        if found is None:
            return None
        return {
            "text": found.text,
            "probabilities": [round(one, 4) for one in found.probabilities],
            "stops": [[one.at, one.start, one.end, one.options] for one in found.stops],
        }
