"""Routes on the service itself: alive, ready, the model, the counts."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from ...errors import Busy, EmendoError
from ..metrics import CONTENT_TYPE
from ..queue import Rejected
from ..service import Service
from .door import administrator
from .faults import Fault
from .schemas import Error, Model, State, Wanted

_WANTED: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": Wanted.model_json_schema()}}}
}


def add(app: FastAPI, service: Service) -> None:
    """Add the routes."""

    @app.get("/healthz", response_model=State, summary="Whether the process lives")
    async def alive() -> Response:
        """Answered as long as the process can answer at all."""
        return JSONResponse({"status": "alive"})

    @app.get("/readyz", response_model=State, responses={503: {"model": Error}}, summary="Whether it can be asked")
    async def ready() -> Response:
        """A model is loaded and warmed up, and the service does not stop."""
        if service.ready:
            raise Rejected("stopping" if service.queue.closed else "loading", service.ready)
        return JSONResponse({"status": "ready"})

    @app.get("/metrics", summary="Counts for Prometheus")
    async def counts() -> Response:
        """Text exposition format 0.0.4."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/v1/model", response_model=Model, summary="The model in use")
    async def model() -> Response:
        """Which model reads, since when, and which one could not be put in its place."""
        return JSONResponse(service.keeper.describe())

    @app.post(
        "/v1/model",
        response_model=Model,
        responses={403: {"model": Error}, 409: {"model": Error, "description": "The old model stays."}},
        openapi_extra=_WANTED,
        summary="Put another model in use",
    )
    async def swap(request: Request) -> Response:
        """Load another model beside the one in use and switch; needs a key with the role admin.

        Answered when the new model reads, or with 409 and the reason for which the old one stays.
        """
        administrator(request)
        try:
            wanted = Wanted.model_validate_json(await request.body())
        except ValidationError as error:
            first = error.errors()[0]
            raise Fault(422, "bad_request", f"{' '.join(map(str, first['loc']))}: {first['msg'].lower()}") from error
        try:
            await asyncio.to_thread(service.swap, wanted.reference)
        except Busy:
            raise
        except EmendoError as error:
            raise Fault(409, "refused", f"the old model stays: {error}") from error
        return JSONResponse(service.keeper.describe())
