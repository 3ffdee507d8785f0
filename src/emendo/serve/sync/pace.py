"""HTTP that cannot be held up: a connection on which too little comes is cut, whatever it is that drips.

The time-outs of sockets begin anew with every byte, so a server that sends one byte of a header now and then would be
waited for without end (slow retrieval, TUF specification 1.5.2). A watchdog beside each request counts what has come.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.parse
import urllib.request
from contextlib import suppress
from typing import IO, Any


class Pace:
    """Watches one request: at least `slowest` bytes a second of the body in each `stall` seconds, from its start."""

    def __init__(self, stall: float, slowest: int) -> None:
        self.came = 0
        self.late = False
        self._stall = stall
        self._least = max(1.0, slowest * stall)
        self._connection: http.client.HTTPConnection | None = None
        self._socket: socket.socket | None = None
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def watch(self, connection: http.client.HTTPConnection) -> None:
        """Cut this connection when it is too slow."""
        self._connection = connection

    def connected(self, opened: socket.socket) -> None:
        """Remember the socket, which the connection lets go when the answer begins."""
        self._socket = opened

    def end(self) -> None:
        """The request is over."""
        self._over.set()

    def _watch(self) -> None:
        before = 0
        while not self._over.wait(self._stall):
            if self.came - before < self._least:
                self.late = True
                opened = self._socket or (self._connection.sock if self._connection else None)
                if opened is not None:
                    with suppress(OSError):
                        opened.shutdown(socket.SHUT_RDWR)
                return
            before = self.came


def opener(pace: Pace) -> urllib.request.OpenerDirector:
    """What opens addresses of HTTP and HTTPS, and follows redirects within them, under the watch of `pace`."""
    director = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        _Http(pace),
        _Https(pace),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _WithinHttp(),
    ):
        director.add_handler(handler)
    return director


class _Watched(http.client.HTTPConnection):
    pace: Pace

    def connect(self) -> None:
        self.pace.watch(self)
        super().connect()
        self.pace.connected(self.sock)


class _WatchedSecure(http.client.HTTPSConnection):
    pace: Pace

    def connect(self) -> None:
        self.pace.watch(self)
        super().connect()
        self.pace.connected(self.sock)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, **more: Any) -> _Watched:
            made = _Watched(host, **more)
            made.pace = self._pace
            return made

        return self.do_open(connection, req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, **more: Any) -> _WatchedSecure:
            made = _WatchedSecure(host, context=ssl.create_default_context(), **more)
            made.pace = self._pace
            return made

        return self.do_open(connection, req)


class _WithinHttp(urllib.request.HTTPRedirectHandler):
    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urllib.parse.urlsplit(newurl).scheme.lower() not in {"http", "https"}:
            raise urllib.error.HTTPError(newurl, code, "leads out of HTTP", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)
