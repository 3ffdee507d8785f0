"""The socket that a server listens at, and whose requests it takes."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Collection

from ..errors import UsageError

BACKLOG = 1024
"""Connections that may wait to be taken."""


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens at an address, so that its port is known, and whoever comes waits, before anything is
    served.

    Raises UsageError when the address cannot be had: no host of this machine, or a port that cannot be taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
        opened.listen(BACKLOG)
    except (OSError, OverflowError, ValueError) as error:
        opened.close()
        reason = getattr(error, "strerror", None) or str(error)
        remedy = "give another --host" if _is_elsewhere(error) else "give another --port"
        raise UsageError(f"cannot listen at {host} port {port} ({reason})", remedy=remedy) from error
    return opened


def _is_elsewhere(error: Exception) -> bool:
    """Whether the host is what cannot be listened at: not found, no name at all, or another machine's."""
    unknown = isinstance(error, (socket.gaierror, ValueError))
    return unknown or (isinstance(error, OSError) and error.errno == errno.EADDRNOTAVAIL)


def listening(opened: socket.socket) -> str:
    """Host and port as a browser names them."""
    host, port = opened.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether an address, or `localhost`, is reached from this machine only."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def foreign(host: str, origin: str | None, hosts: Collection[str]) -> str:
    """Why a request is not taken whose headers Host and Origin are these; empty when it may pass.

    `hosts` are names with port as browsers send them. A page of another site can make a browser send requests here:
    such a request has a foreign Origin, or, when the site's name was made to lead here (DNS rebinding), a foreign Host.
    """
    if host not in hosts:
        return "this host name is not served here"
    if origin is not None and origin.removeprefix("http://").removeprefix("https://") not in hosts:
        return "requests from other pages are not taken"
    return ""
