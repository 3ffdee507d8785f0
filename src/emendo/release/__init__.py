"""What stands between a trained model and its use: the gate, promotion, rollback."""

from ..models.registry import install
from .gate import Decision, Finding, decide, examine, gate, judge
from .judgement import Judgement, read_judgement
from .promote import ModelEntry, consider, current, models, promote, rollback
from .registry import keep_as

__all__ = [
    "Decision",
    "Finding",
    "Judgement",
    "ModelEntry",
    "consider",
    "current",
    "decide",
    "examine",
    "gate",
    "install",
    "judge",
    "keep_as",
    "models",
    "promote",
    "read_judgement",
    "rollback",
]
