"""The socket that the page is served at."""

from __future__ import annotations

import socket

from ..errors import UsageError

BACKLOG = 1024
"""Connections that may wait to be taken."""


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at an address, so that its port is known, and whoever comes waits, before anything is
    served.

    Raises UsageError when the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(BACKLOG)
    except (OSError, OverflowError) as error:
        opened.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot listen at {host} port {port} ({reason})", remedy="give another --port") from error
    return opened


def listening(opened: socket.socket) -> str:
    """Host and port as a browser names them."""
    host, port = opened.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
