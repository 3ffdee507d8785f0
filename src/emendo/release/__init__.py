"""What stands between a trained model and its use: the gate, promotion, rollback."""

from .gate import Decision, Finding, decide, examine, gate, judge
from .promote import ModelEntry, current, install, keep_as, models, promote, rollback

__all__ = [
    "Decision",
    "Finding",
    "ModelEntry",
    "current",
    "decide",
    "examine",
    "gate",
    "install",
    "judge",
    "keep_as",
    "models",
    "promote",
    "rollback",
]
