"""What the lines hold, and what is said of them."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from ...label.alternatives import to_rows
from ...label.desk import MOST_CHARACTERS, Desk
from ...label.queues import EVERYTHING, ORDERS
from ...types import Correction, Verdict
from ...workspace.efforts import Effort
from ...workspace.people import Role
from ...workspace.rows import Kind
from ...workspace.seconds import Second
from ..guard import needs, who
from .search import Only

MOST_CARDS = 50
MOST_TEXT = max(MOST_CHARACTERS.values())


class Saving(BaseModel):
    """What the page sends when a line is done."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = Field(None, max_length=MOST_TEXT)
    verdict: Verdict
    version: int = Field(ge=0)
    second: bool = False
    keys: int = Field(0, ge=0, le=1_000_000)
    seconds: float = Field(0.0, ge=0, le=86_400, allow_inf_nan=False)

    @property
    def effort(self) -> Effort | None:
        """What it took; None when the page did not count."""
        return Effort(self.keys, self.seconds) if self.keys or self.seconds else None


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes."""

    @app.get("/api/state")
    def state(request: Request) -> dict[str, Any]:
        progress, person = desk.progress(), who(request)
        return {
            "author": person.name,
            "role": person.role.value,
            "orders": dict(ORDERS),
            "total": progress.total,
            "done": progress.done,
            "fields": desk.store.counts(kind=Kind.DOCUMENT)[0],
            "plates": desk.store.counts(kind=Kind.PLATE)[0],
        }

    @app.get("/api/cards")
    def cards(
        request: Request,
        order: str = "document",
        start: Annotated[int, Query(ge=0)] = 0,
        count: Annotated[int, Query(ge=1, le=MOST_CARDS)] = 20,
        fresh: bool = False,
        only: Only = EVERYTHING,
        at: Annotated[str, Query(max_length=200)] = "",
    ) -> dict[str, Any]:
        if at:
            start = desk.place(order, only, at)
        hand = desk.hand(who(request).name, order, start, count, fresh=fresh, only=only)
        shown = desk.cards(hand.lines, second=order == "second")
        rows = [card.to_dict() for card in shown]
        return {"total": hand.total, "start": start, "elsewhere": hand.elsewhere, "cards": rows}

    @app.get("/api/lines/{line}")
    def card(line: str) -> dict[str, Any]:
        return desk.card(line).to_dict()

    @app.post("/api/lines/{line}", dependencies=[needs(Role.ANNOTATOR)])
    async def save(line: str, saving: Saving, request: Request) -> dict[str, Any]:
        author, text, verdict = who(request).name, saving.text, saving.verdict
        if saving.second:
            second = partial(desk.read_second, line, text, verdict, author=author)
            return second_row(await run_in_threadpool(second))
        return verdict_row(
            await desk.save_soon(line, text, verdict, expected=saving.version, author=author, effort=saving.effort)
        )

    @app.get("/api/lines/{line}/alternatives")
    def others(line: str) -> list[dict[str, object]]:
        return to_rows(desk.alternatives(line))


def verdict_row(one: Correction) -> dict[str, Any]:
    """A verdict for the page."""
    return {
        "text": one.text,
        "verdict": one.verdict.value,
        "version": one.version,
        "author": one.author,
        "at": one.at.isoformat(),
    }


def second_row(one: Second) -> dict[str, Any]:
    """What a second reader said, for the page: no version of the line, for it is none."""
    return {
        "text": one.text,
        "verdict": one.verdict.value,
        "version": 0,
        "author": one.author,
        "at": one.at.isoformat(),
    }
