"""A device follows a channel: look, fetch, verify, try out, swap, watch over, roll back; and goes on when it cannot."""

from .marks import note_end, note_good, note_start

__all__ = ["note_end", "note_good", "note_start"]
