"""Learning from the corrections of a workspace, one round at a time."""

from .fields import documents_waiting, learn_fields, only_documents, unfinished_fields
from .round import Log, Round, corrections_waiting, give_up, learn, unfinished

__all__ = [
    "Log",
    "Round",
    "corrections_waiting",
    "documents_waiting",
    "give_up",
    "learn",
    "learn_fields",
    "only_documents",
    "unfinished",
    "unfinished_fields",
]
