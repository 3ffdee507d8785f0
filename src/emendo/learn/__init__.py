"""Learning from the corrections of a workspace, one round at a time."""

from .round import Log, Round, corrections_waiting, give_up, learn, unfinished

__all__ = ["Log", "Round", "corrections_waiting", "give_up", "learn", "unfinished"]
