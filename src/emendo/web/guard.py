"""Who may ask: the right host name, the same origin, and somebody who holds the token.

A page on another site can make a browser send requests here. It cannot read our answers, but it could act: therefore a
request whose Host is not one of ours is refused (DNS rebinding), one with a foreign Origin too, and everything but the
way in needs the token, which comes in a cookie that other sites' requests do not carry (SameSite=Strict) or in an
Authorization header. Answers forbid every script that is not ours.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import EmendoError, WorkspaceError
from ..tools.listen import foreign
from ..workspace.people import Person, Role

COOKIE = "emendo"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
Known = Callable[[str], Person | None]
"""Who holds a token; None for a token that nobody holds."""


class Forbidden(EmendoError):
    """Somebody may not do what they ask for."""


def one_person(token: str, person: Person) -> Known:
    """The one person who works here alone."""
    key = token.encode()
    return lambda given: person if secrets.compare_digest(given.encode("utf-8", "replace"), key) else None


def first_of(*known: Known) -> Known:
    """Whoever holds a token by the first of several that knows it."""
    return lambda given: next((person for one in known if (person := one(given))), None)


def who(request: Request) -> Person:
    """The person who asks."""
    person: Person = request.state.person
    return person


def need(request: Request, role: Role) -> Person:
    """The person who asks, if they may do what `role` may. Raises Forbidden otherwise."""
    person = who(request)
    if not person.may(role):
        raise Forbidden(f"this needs the role {role.value}, {person.name} has {person.role.value}")
    return person


@dataclass(frozen=True, slots=True)
class Needs:
    """What a route asks of whoever calls it, before anything else is looked at (see `needs`)."""

    role: Role

    async def __call__(self, request: Request) -> Person:
        """The person who asks. Raises Forbidden when their role may not do this."""
        return need(request, self.role)


def needs(role: Role) -> Any:
    """For the `dependencies` of a route: only people who may do what `role` may. Every route that changes something
    says so (a test reads it from the routes)."""
    return Depends(Needs(role))


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a request through or answers in its place. `hosts` are names with port as browsers send them."""

    known: Known
    hosts: frozenset[str]

    def answer(self, request: Request) -> Response | None:
        """What is said in place of what was asked for; None to a request that may pass, which then has its person."""
        try:
            return self._refusal(request) or self._way_in(request)
        except WorkspaceError as error:
            return refused(503, str(error))

    def _refusal(self, request: Request) -> Response | None:
        strange = foreign(request.headers.get("host", ""), request.headers.get("origin"), self.hosts)
        if strange:
            return refused(403, strange)
        if request.url.path == "/" and "token" in request.query_params:
            return None
        person = self._person(request)
        if person is None:
            return refused(401, "open the address that emendo printed; it holds the token")
        request.state.person = person
        return None

    def _way_in(self, request: Request) -> Response | None:
        """The address with the token: the cookie is set, and the token leaves the address bar."""
        given = request.query_params.get("token")
        if request.url.path != "/" or given is None:
            return None
        if self.known(given) is None:
            return refused(401, "this is not the token")
        answer = RedirectResponse("/", status_code=303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, given, httponly=True, samesite="strict", path="/", secure=secure)
        return answer

    def _person(self, request: Request) -> Person | None:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        held = (bearer, request.cookies.get(COOKIE, ""))
        return next((person for token in held if token and (person := self.known(token))), None)


class Guarded:
    """The application behind its guard; every answer has the headers."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self._app, self._guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; there is nothing here for WebSockets."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                named = {name for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in _RAW if one[0] not in named)]
            await send(message)

        answer = self._guard.answer(Request(scope, receive)) or self._app
        await answer(scope, receive, with_headers)


def refused(status: int, what: str) -> Response:
    """An error as JSON: one sentence."""
    return JSONResponse({"error": what}, status_code=status)
