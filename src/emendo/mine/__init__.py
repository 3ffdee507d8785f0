"""What to correct next: the advisor and the queue."""

from .advisor import Advice, Expected, LearningCurve, Point, advise
from .queue import Queued, Unread, expected_cer, queue
from .workspace import workspace_advice, workspace_queue

__all__ = [
    "Advice",
    "Expected",
    "LearningCurve",
    "Point",
    "Queued",
    "Unread",
    "advise",
    "expected_cer",
    "queue",
    "workspace_advice",
    "workspace_queue",
]
