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


@dataclass(frozen=True, slots=True)
class Guard:
    """Lets a request through or answers in its place. `hosts` are names with port as browsers send them."""

    token: str
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
        if not self._known(request):
            return refused(401, "open the address that emendo printed; it holds the token")
        return None

    def _way_in(self, request: Request) -> Response | None:
        """The address with the token: the cookie is set, and the token leaves the address bar."""
        given = request.query_params.get("token")
        if request.url.path != "/" or given is None:
            return None
        if not secrets.compare_digest(given.encode(), self.token.encode()):
            return refused(401, "this is not the token")
        answer = RedirectResponse("/", status_code=303)
        answer.set_cookie(COOKIE, self.token, httponly=True, samesite="strict", path="/")
        return answer

    def _known(self, request: Request) -> bool:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        held = (request.cookies.get(COOKIE, ""), bearer)
        return any(secrets.compare_digest(one.encode(), self.token.encode()) for one in held)


def refused(status: int, what: str) -> Response:
    """An error as JSON: one sentence."""
    return JSONResponse({"error": what}, status_code=status)
