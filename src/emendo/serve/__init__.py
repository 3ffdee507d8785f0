"""The service: readings for other programs, by threads behind a bounded queue, over HTTP; and a client of it."""

from ..client import Client

__all__ = ["Client"]
