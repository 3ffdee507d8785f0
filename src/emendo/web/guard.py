"""Who may ask: the right host name, the same origin, and somebody who holds the token.

A page on another site can make a browser send requests here. It cannot read our answers, but it could act: therefore a
request whose Host is not one of ours is refused (DNS rebinding), one with a foreign Origin too, and everything but the
way in needs the token, which comes in a cookie that other sites' requests do not carry (SameSite=Strict) or in an
Authorization header. Answers forbid every script that is not ours.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from ..errors import EmendoError
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
Next = Callable[[Request], Awaitable[Response]]
Known = Callable[[str], Person | None]
"""Who holds a token; None for a token that nobody holds."""


class Forbidden(EmendoError):
    """Somebody may not do what they ask for."""


def one_person(token: str, person: Person) -> Known:
    """The one person who works here alone."""
    return lambda given: person if secrets.compare_digest(given.encode(), token.encode()) else None


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
class Guard:
    """Lets a request through or answers in its place. `hosts` are names with port as browsers send them."""

    known: Known
    hosts: frozenset[str]

    async def __call__(self, request: Request, forward: Next) -> Response:
        """The answer, with the headers that every answer has."""
        answer = self._refusal(request) or self._way_in(request) or await forward(request)
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "")
        origin = request.headers.get("origin")
        if host not in self.hosts:
            return refused(403, "this host name is not served here")
        if origin is not None and origin.removeprefix("http://").removeprefix("https://") not in self.hosts:
            return refused(403, "requests from other pages are not taken")
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
        answer.set_cookie(COOKIE, given, httponly=True, samesite="strict", path="/")
        return answer

    def _person(self, request: Request) -> Person | None:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        held = (bearer, request.cookies.get(COOKIE, ""))
        return next((person for token in held if token and (person := self.known(token))), None)


def refused(status: int, what: str) -> Response:
    """An error as JSON: one sentence."""
    return JSONResponse({"error": what}, status_code=status)
