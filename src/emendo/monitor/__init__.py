"""What production shows: readings as they were given, the truth that came later, and what follows from both."""

from .captures import Captures
from .seen import Outcome, Seen, SeenLine, Truth

__all__ = ["Captures", "Outcome", "Seen", "SeenLine", "Truth"]
