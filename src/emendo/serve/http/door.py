"""What every request passes: who asks, how much arrives and how slowly, and what is counted of it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Collection
from typing import Final

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ...errors import EmendoError
from ...tools.listen import foreign
from ..keys import Access, Caller
from ..queue import Rejected
from ..service import Service
from .faults import GONE, Fault, answer_to

OPEN: Final = ("/healthz", "/readyz", "/openapi.json", "/ping")
"""Routes that need no key."""
_HEADERS: Final = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]


class Held:
    """The bytes of the requests that are in memory now, at most `most`."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._changing = threading.Lock()

    @property
    def bytes(self) -> int:
        """How many there are."""
        return self._held

    def take(self, count: int) -> None:
        """Count bytes that arrived. Raises Rejected when they are too many together with the others."""
        with self._changing:
            if self._held + count > self._most:
                raise Rejected("memory", "the requests that wait take all memory that they may", retry_after=1)
            self._held += count

    def give(self, count: int) -> None:
        """They are not needed any more."""
        with self._changing:
            self._held -= count


class Arrival:
    """The body of one request on its way in: counted, bounded, and not for ever."""

    def __init__(self, receive: Receive, service: Service, held: Held) -> None:
        self._receive, self._serve, self._all = receive, service.settings.serve, held
        self._until = time.monotonic() + self._serve.body_seconds
        self._whole = False
        self.bytes = 0

    async def __call__(self) -> Message:
        """The next message. Raises Fault when the body is too large or too slow, Rejected for want of memory."""
        if self._whole:
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), self._until - time.monotonic())
        except TimeoutError as error:
            raise Fault(408, "slow", f"the request did not arrive within {self._serve.body_seconds:g} s") from error
        if message["type"] == "http.request":
            self._count(len(message.get("body", b"")))
            self._whole = not message.get("more_body", False)
        return message

    def announced(self, length: str) -> None:
        """Raise Fault when the header Content-Length says that the body is too large."""
        if length.isdigit() and int(length) > self._serve.body_bytes:
            raise self._too_large()

    def keep(self) -> int:
        """Leave the bytes counted after the request ended; whoever keeps them gives them back."""
        kept, self.bytes = self.bytes, 0
        return kept

    def free(self) -> None:
        """Give back what is counted."""
        self._all.give(self.keep())

    def _count(self, more: int) -> None:
        if self.bytes + more > self._serve.body_bytes:
            raise self._too_large()
        self._all.take(more)
        self.bytes += more

    def _too_large(self) -> Fault:
        most = self._serve.body_bytes
        return Fault(413, "too_large", f"the request is larger than {most:,} bytes", remedy="send less at once")


class Door:
    """The application behind it. `hosts` are the names by which it may be asked; None: any."""

    def __init__(self, app: ASGIApp, service: Service, hosts: Collection[str] | None) -> None:
        self._app, self._service, self._hosts = app, service, hosts
        self._held = Held(service.settings.serve.held_bytes)
        service.metrics.gauge("emendo_held_bytes", "Bytes of requests in memory.", lambda: self._held.bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; there is nothing here for WebSockets."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        status = GONE

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                last = [(b"connection", b"close")] if self._service.queue.closed else []
                message["headers"] = [*message["headers"], *_HEADERS, *last]
            await send(message)

        arrival = Arrival(receive, self._service, self._held)
        request = Request(scope, arrival)
        try:
            request.state.arrival, request.state.held = arrival, self._held
            request.state.caller = self._admitted(request)
            arrival.announced(request.headers.get("content-length", ""))
        except EmendoError as error:
            await answer_to(error)(scope, receive, counted)
        else:
            try:
                await self._app(scope, arrival, counted)
            except Exception:
                status = 500
                raise
        finally:
            arrival.free()
            route = getattr(scope.get("route"), "path", "other")
            self._service.metrics.requests.labels(route, str(status)).inc()

    def _admitted(self, request: Request) -> Caller:
        """Who asks. Raises Fault when they may not."""
        if self._hosts is not None:
            strange = foreign(request.headers.get("host", ""), request.headers.get("origin"), self._hosts)
            if strange:
                raise Fault(403, "forbidden", strange)
        keys = self._service.keys
        if keys is None:
            return Caller("", Access.READ)
        if request.url.path in OPEN:
            return Caller("", Access.READ)
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        caller = keys.holder(bearer or request.headers.get("x-api-key", ""))
        if caller is None:
            raise Fault(401, "unauthorized", "this needs an API key", remedy="send it as Authorization: Bearer KEY")
        return caller


def caller(request: Request) -> Caller:
    """Who asks."""
    found: Caller = request.state.caller
    return found


def administrator(request: Request) -> None:
    """Raise Fault unless whoever asks holds an admin key."""
    if caller(request).access is not Access.ADMIN:
        raise Fault(403, "forbidden", "this needs an API key with the role admin", remedy="see `emendo api-key`")
