"""Advice and queue for the author of a workspace, from its log and its database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..release.promote import GATE_EVENT
from ..types import Verdict
from ..workspace.folder import BASE, Workspace
from ..workspace.store import Kind, Line
from .advisor import Advice, Point, advise
from .queue import Queued, Unread, expected_cer, queue

MOST_LINES = 20_000


def workspace_queue(workspace: Workspace, *, most: int | None = None) -> list[tuple[Line, Queued]]:
    """The lines without a verdict, in the order in which their correction teaches most."""
    with workspace.store() as store:
        waiting = store.queue(limit=MOST_LINES)
        texts = [c.text for c in store.corrections(kind=Kind.LINE) if c.text]
    lines = {line.id: line for line, _ in waiting}
    unread = [Unread(line.id, reading, page=f"{line.document} {line.page}") for line, reading in waiting]
    ranked = queue(unread, texts, most=most)
    return [(lines[one.id], one) for one in ranked]


def workspace_advice(workspace: Workspace) -> Advice:
    """The author's learning curve: from every decision of the gate so far, else from what the readings promise.

    Lines of a page count as the author's own pages hold them.
    """
    with workspace.store() as store:
        events = store.events(GATE_EVENT)
        present = store.lines(kind=Kind.LINE)
        verdicts = store.corrections(kind=Kind.LINE)
        readings = store.readings(line.id for line in present)
    points = learning_points([dict(event.data) for event in reversed(events)])
    pages = len({(line.document, line.page) for line in present})
    sure = [expected_cer(reading) for reading in readings.values()]
    return advise(
        points,
        lines=None if points else sum(v.verdict in (Verdict.EDITED, Verdict.ACCEPTED) for v in verdicts),
        start=max(sum(sure) / len(sure), 0.01) if sure else 0.25,
        lines_per_page=len(present) / pages if pages else 25.0,
    )


def learning_points(decisions: list[dict[str, Any]]) -> list[Point]:
    """What the gate measured on the personal set: the base at 0 lines, each candidate at its training lines."""
    points: dict[tuple[str, int], Point] = {}
    for decision in decisions:
        measured = next((f["figures"] for f in decision.get("findings", []) if f["name"] == "better"), None)
        if not measured or not measured["characters"]:
            continue
        characters = int(measured["characters"])
        if decision.get("in_use") == BASE:
            points[BASE, 0] = Point(0, measured["edits_champion"] / characters, characters)
        lines = _trained_lines(decision.get("trained_on", {}))
        if lines:
            cer = measured["edits_candidate"] / characters
            points[str(decision["candidate"]), lines] = Point(lines, cer, characters)
    return list(points.values())


def _trained_lines(dataset: Mapping[str, Any]) -> int:
    """Lines of the author that a bundle was trained on, as its `dataset` says; 0 when it does not."""
    lines = dataset.get("usable", 0)
    return lines if isinstance(lines, int) else 0
