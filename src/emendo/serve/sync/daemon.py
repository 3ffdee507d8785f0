"""The agent that stays: looks at intervals with jitter, backs off while it fails, and tells its status over HTTP."""

from __future__ import annotations

import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from emendo.errors import EmendoError, UsageError
from emendo.settings import ChannelSettings

from .agent import Agent
from .device import Device, Status
from .faults import sentence


def run(agent: Agent, *, chance: random.Random | None = None) -> None:
    """Look again and again until SIGTERM or SIGINT; what is being done then is left where the next start goes on.

    Raises Busy when another agent follows the channel for this workspace.
    """
    stopping = threading.Event()
    agent.stop = stopping.is_set
    chance = chance or random.Random()
    before = {one: signal.signal(one, lambda *_: stopping.set()) for one in (signal.SIGTERM, signal.SIGINT)}
    failures = 0
    try:
        with agent.alone():
            while not stopping.is_set():
                try:
                    status = agent.look_again()
                    failures = status.failures
                except EmendoError as error:
                    agent.say(sentence(error))
                    status, failures = agent.device.status(), failures + 1
                pause = wait_after(failures, agent.device.settings, chance.uniform(-1, 1))
                if not stopping.is_set():
                    _foretell(agent, status, pause)
                    stopping.wait(pause)
        agent.say("stopped")
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def wait_after(failures: int, settings: ChannelSettings, chance: float) -> float:
    """Seconds to wait after `failures` failures in a row: exponential back-off; `chance` in [-1, 1] is the jitter."""
    wait = settings.interval_seconds
    if failures:
        wait = min(settings.longest_wait_seconds, settings.retry_seconds * 2.0 ** min(failures - 1, 30))
    return wait * (1 + settings.jitter * chance)


@contextmanager
def status_page(device: Device, address: str, say: Callable[[str], None]) -> Iterator[int]:
    """Serve `GET /status` at HOST:PORT while the block runs; yields the port. Raises UsageError when it cannot."""
    host, _, port = address.rpartition(":")
    if not port.isdigit() or int(port) > 65535:
        raise UsageError(f"{address!r} is no address to listen at", remedy="give HOST:PORT, as 127.0.0.1:8770")
    try:
        server = ThreadingHTTPServer((host.strip("[]") or "127.0.0.1", int(port)), _handler(device))
    except OSError as error:
        raise UsageError(f"cannot listen at {address} ({error.strerror})", remedy="give another --listen") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    say(f"status at http://{server.server_address[0]!s}:{server.server_address[1]}/status")
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(device: Device) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            """Answer with the status."""
            known = self.path.partition("?")[0] == "/status"
            body = device.status().model_dump_json(indent=1).encode() if known else b'{"error": "only /status"}'
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing of each request."""

    return Handler


def _foretell(agent: Agent, status: Status, pause: float) -> None:
    due = (datetime.now(UTC) + timedelta(seconds=pause)).isoformat(timespec="seconds")
    try:
        agent.device.tell(status.model_copy(update={"next": due}))
    except OSError as error:
        agent.say(f"the status cannot be written: {error.strerror}")
