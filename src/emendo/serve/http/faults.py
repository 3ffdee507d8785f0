"""Errors as answers: one form, one sentence, the same status for the same fault on every route."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ...errors import BadInput, Busy, DocumentError, EmendoError, ImageError, UsageError
from ..queue import Rejected

GONE: Final = 499
"""Status that is counted for a client that left before its answer; nobody receives it."""


class Fault(EmendoError):
    """A request that is not answered, with its status and code."""

    def __init__(self, status: int, code: str, what: str, *, remedy: str = "") -> None:
        super().__init__(what, remedy=remedy)
        self.status, self.code = status, code


_CODES: Final = {400: "bad_request", 404: "not_found", 405: "not_allowed", 422: "bad_request"}
_KINDS: Final[tuple[tuple[type[EmendoError], int, str], ...]] = (
    (ImageError, 422, "bad_image"),
    (DocumentError, 422, "bad_image"),
    (Busy, 409, "busy"),
    (UsageError, 400, "bad_request"),
    (BadInput, 422, "bad_input"),
)


def status_of(error: EmendoError) -> tuple[int, str]:
    """Status and code of an error."""
    if isinstance(error, Fault):
        return error.status, error.code
    if isinstance(error, Rejected):
        return 503, error.reason
    return next(((status, code) for kind, status, code in _KINDS if isinstance(error, kind)), (500, "failed"))


def body_of(error: EmendoError) -> dict[str, Any]:
    """The error as JSON."""
    return {"error": {"code": status_of(error)[1], "message": str(error)}}


def answer_to(error: EmendoError) -> Response:
    """The answer to a request that failed."""
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, Rejected) else None
    status = status_of(error)[0]
    if status == 401:
        headers = {"WWW-Authenticate": "Bearer"}
    return JSONResponse(body_of(error), status_code=status, headers=headers)


def add_faults(app: FastAPI) -> None:
    """Every error of the application in the one form."""

    @app.exception_handler(EmendoError)
    async def said(_: Request, error: EmendoError) -> Response:
        return answer_to(error)

    @app.exception_handler(ClientDisconnect)
    async def left(_: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=GONE)

    @app.exception_handler(RequestValidationError)
    async def not_so(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        return answer_to(Fault(422, "bad_request", f"{' '.join(map(str, first['loc']))}: {first['msg'].lower()}"))

    @app.exception_handler(HTTPException)
    async def refused(_: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "bad_request")
        answer = answer_to(Fault(error.status_code, code, str(error.detail).rstrip(".").lower()))
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    async def broken(_: Request, error: Exception) -> Response:
        return answer_to(Fault(500, "failed", f"the service failed ({type(error).__name__})", remedy="see its log"))
