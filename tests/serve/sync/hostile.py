"""A server of plain files that can misbehave in each way that a device must bear."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Mischief:
    """What the server does to files whose path contains `path`; nothing when `path` is empty.

    `truncate`: bytes after which the connection ends; `flip`: byte whose lowest bit is turned; `endless`: goes on with
    zeros; `stall`: falls silent in the middle; `drip`: sends headers a byte at a time; `status`: answers that instead;
    `deaf`: knows no ranges; `replace`: sends this.
    """

    path: str = ""
    truncate: int = -1
    flip: int = -1
    endless: bool = False
    stall: bool = False
    drip: bool = False
    status: int = 0
    deaf: bool = False
    replace: bytes | None = None


@dataclass
class Server:
    """Its address, what it does wrong now, and the requests it got: path and first byte asked for."""

    folder: Path
    mischief: Mischief = field(default_factory=Mischief)
    asked: list[tuple[str, int]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    """Serve a folder while the block runs."""
    server = Server(folder)
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _handler(server))
    httpd.daemon_threads = True
    httpd.block_on_close = False
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{httpd.server_address[1]}"
    try:
        yield server
    finally:
        server.closing.set()
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wrong = server.mischief if server.mischief.path and server.mischief.path in self.path else Mischief()
            ranged = self.headers.get("Range", "")
            start = int(ranged.removeprefix("bytes=").rstrip("-")) if ranged else 0
            server.asked.append((self.path, start))
            path = server.folder / self.path.lstrip("/")
            if wrong.status or not path.is_file():
                self.send_error(wrong.status or 404)
                return
            body = bytearray(path.read_bytes() if wrong.replace is None else wrong.replace)
            if 0 <= wrong.flip < len(body):
                body[wrong.flip] ^= 1
            if wrong.drip:
                self._drip()
                return
            start = 0 if wrong.deaf else start
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            if not wrong.endless:
                self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            self._send(bytes(body), start, wrong)

        def _send(self, body: bytes, start: int, wrong: Mischief) -> None:
            if wrong.stall:
                self.wfile.write(body[start : start + (len(body) - start) // 2])
                self.wfile.flush()
                server.closing.wait(20)
                return
            self.wfile.write(body[start : wrong.truncate if wrong.truncate >= 0 else None])
            while wrong.endless and not server.closing.is_set():
                self.wfile.write(bytes(65536))

        def _drip(self) -> None:
            until = time.monotonic() + 20
            self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Drip: ")
            while time.monotonic() < until and not server.closing.is_set():
                self.wfile.write(b"a")
                time.sleep(0.02)

        def log_message(self, format: str, *args: Any) -> None:
            pass

        def handle(self) -> None:
            quietly(super().handle)

    return Handler


def quietly(act: Callable[[], None]) -> None:
    """A client that has had enough is no error of the server."""
    try:
        act()
    except OSError:
        return
