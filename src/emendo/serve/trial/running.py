"""A trial while it goes on."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from ...monitor.captures import Captures
from ..reading import Served
from .guard import Guarded
from .lane import Lane
from .plan import Plan


@dataclass(slots=True)
class Running:
    """A trial that goes on: its plan, both models, and the lane in which is read along."""

    plan: Plan
    champion: Served
    candidate: Served
    guarded: Guarded
    lane: Lane
    captures: Captures
    failures: int = 0
    unjudged: deque[datetime] = field(default_factory=deque)
    """When what came that is not judged yet: truths, or readings where no truths are asked for."""
    told: set[str] = field(default_factory=set)
    """Answers of which a truth is known."""
