"""The route by which the truth of an answer is told."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from ...errors import EmendoError, EngineError
from ...monitor.capture import Capture
from ...monitor.feedback import truth_of
from ..service import Service
from .door import caller
from .faults import Fault
from .read import FAULTS
from .schemas import Error, Feedback, Told

MOST_BYTES: Final = 2_000_000
"""Largest request."""
NOBODY: Final = "anonymous"
"""Author where neither the request nor its key names one."""
_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": Feedback.model_json_schema()}}}
}


def add(app: FastAPI, service: Service) -> None:
    """Add the route."""

    @app.post(
        "/v1/feedback",
        response_model=Told,
        responses={
            **{status: FAULTS[status] for status in (401, 413, 422)},
            404: {"model": Error, "description": "No such answer, or no longer."},
            409: {"model": Error, "description": "This service keeps no truths."},
        },
        openapi_extra=_BODY,
        summary="Tell what is right",
    )
    async def tell(request: Request) -> Response:
        """Tell the right text or fields of an answer by its id; a later truth takes the place of an earlier one, and
        the same one twice is kept once."""
        try:
            wanted = _wanted(await request.body())
            kept = await asyncio.to_thread(_kept, service, _open(service), wanted, caller(request).name)
        except EmendoError:
            service.metrics.feedback.labels("refused").inc()
            raise
        service.metrics.feedback.labels("kept" if kept else "repeated").inc()
        return JSONResponse({"id": wanted.id, "line": wanted.line, "kept": kept})


def _wanted(body: bytes) -> Feedback:
    if len(body) > MOST_BYTES:
        raise Fault(413, "too_large", f"the request is larger than {MOST_BYTES:,} bytes", remedy="send less at once")
    try:
        return Feedback.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = " ".join(map(str, first["loc"])) or "the body"
        raise Fault(422, "bad_request", f"{place}: {first['msg'].lower()}") from error


def _open(service: Service) -> Capture:
    if service.capture is None:
        raise Fault(409, "no_capture", "this service keeps no truths", remedy="start it with --capture")
    if not service.settings.capture.texts:
        raise Fault(409, "no_capture", "this service keeps no texts", remedy="set capture.texts to true")
    return service.capture


def _kept(service: Service, capture: Capture, wanted: Feedback, name: str) -> bool:
    """Keep a truth, and tell the trial of it; whether it is new. In a thread, for it waits for the disk."""
    seen = capture.find(wanted.id)
    if seen is None:
        raise Fault(404, "not_found", f"there is no answer {wanted.id!r}", remedy="answers are kept for a while only")
    author = wanted.author or name or NOBODY
    truth = truth_of(seen, text=wanted.text, fields=wanted.fields, line=wanted.line, author=author)
    try:
        kept = capture.tell(seen, truth)
        if kept:
            service.trials.tell(truth)
        return kept
    except OSError as error:
        raise EngineError(f"the truth cannot be written ({error.strerror or error})") from error
