"""The server: it listens, starts the service behind it, and ends without dropping what it accepted."""

from __future__ import annotations

import asyncio
import math
import socket
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any, Final

import uvicorn

from ...errors import EmendoError
from ...tools.listen import is_loopback, listening
from ..service import Service
from .app import create_app

SWITCH_SECONDS: Final = 0.001
"""How long a thread that computes in Python may keep the others waiting: with the usual 5 ms the front, which needs it
for an instant only, is slow beside busy workers."""
TOLD_SECONDS: Final = 0.5
"""How long new requests are still answered with 503 after the service was told to stop."""

WARMING_SECONDS: Final = 60.0
"""How long a service that is stopped while it warms up waits for the reading at hand."""

LAST_SECONDS: Final = 1.0
"""How long a connection that was taken just before may still send its request, to be answered with 503."""


class Server(uvicorn.Server):
    """Serves one service. The first SIGTERM or SIGINT lets accepted work finish, the second ends at once."""

    def __init__(self, service: Service, opened: socket.socket) -> None:
        self.service, self.opened = service, opened
        self.fault: EmendoError | None = None
        self._stopping: threading.Thread | None = None
        self._idle: dict[Any, tuple[Any, float]] = {}
        config = uvicorn.Config(
            create_app(service, own_hosts(service, opened)),
            log_config=None,  # uvicorn's own would close the log handlers of the whole process
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=max(5, math.ceil(service.settings.serve.grace_seconds)),
        )
        super().__init__(config)

    def serve_all(self) -> None:
        """Serve until told to stop. Raises what prevented the service from starting."""
        with suppress(ImportError):
            import cv2

            cv2.setNumThreads(1)
        sys.setswitchinterval(SWITCH_SECONDS)
        starting = threading.Thread(target=self._start, name="start", daemon=True)
        starting.start()
        self.run(sockets=[self.opened])
        starting.join(WARMING_SECONDS)  # a run time that is left alone with its threads ends the process by force
        if self.fault is not None:
            raise self.fault

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """What a signal does."""
        if self._stopping is not None:
            self.should_exit = self.force_exit = True
            return
        self.service.drain()
        self._stopping = threading.Thread(target=self._stop, name="stop", daemon=True)
        self._stopping.start()

    async def on_tick(self, counter: int) -> bool:
        """What is done ten times a second; whether to end."""
        if counter % 10 == 0:
            self._close_stalled()
        return await super().on_tick(counter)

    def _close_stalled(self) -> None:
        """Close connections on which no request was begun, or none came whole, for longer than one may take to arrive:
        bodies have their own limit, this is for headers that never end."""
        now, before = time.monotonic(), self._idle
        self._idle = {}
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and not cycle.response_complete:
                continue
            last, since = before.get(connection, (cycle, now))
            self._idle[connection] = (cycle, since if last is cycle else now)
            if now - self._idle[connection][1] > self.service.settings.serve.body_seconds:
                connection.shutdown()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close the door first, and the connections that came through it once they had time to say what they want."""
        for server in self.servers:
            server.close()
        until = time.monotonic() + LAST_SECONDS
        while self.server_state.connections and time.monotonic() < until:
            await asyncio.sleep(0.02)
        await super().shutdown(sockets)

    def _start(self) -> None:
        try:
            self.service.start()
        except EmendoError as error:
            self.fault = error
            self.should_exit = True

    def _stop(self) -> None:
        grace = self.service.settings.serve.grace_seconds
        told = threading.Event()
        finished = self.service.stop(grace)
        told.wait(TOLD_SECONDS)
        self.service.log("stopped" if finished else f"stopped after {grace:g} s of grace, some work was dropped")
        self.should_exit = True


def own_hosts(service: Service, opened: socket.socket) -> frozenset[str] | None:
    """The names by which the service may be asked: those of the settings, and on loopback its own; None: any."""
    address = listening(opened)
    host, _, port = address.rpartition(":")
    if not is_loopback(host):
        return frozenset(service.settings.serve.hosts) or None
    return frozenset({address, f"localhost:{port}", *service.settings.serve.hosts})
