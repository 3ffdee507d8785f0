"""Routes on the trial of a candidate beside the model in use."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from ...errors import Busy, EmendoError
from ...settings import TrialSettings
from ..queue import Rejected
from ..service import Service
from .door import administrator
from .faults import Fault
from .schemas import Error, Trial, TrialWanted

_WANTED: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": TrialWanted.model_json_schema()}}}
}


def add(app: FastAPI, service: Service) -> None:
    """Add the routes."""

    @app.get("/v1/trial", response_model=Trial, summary="The trial that goes on, or the last one")
    async def trial() -> Response:
        """What is tried beside what, how, and what is known so far."""
        return JSONResponse(await asyncio.to_thread(service.trials.describe))

    @app.post(
        "/v1/trial",
        response_model=Trial,
        responses={403: {"model": Error}, 409: {"model": Error, "description": "There is no new trial."}},
        openapi_extra=_WANTED,
        summary="Try another model",
    )
    async def start(request: Request) -> Response:
        """Load another model beside the one in use and let it read along, or answer a share of the documents; needs a
        key with the role admin.

        Answered when the trial goes on, or with 409 and the reason why it does not.
        """
        administrator(request)
        try:
            wanted = TrialWanted.model_validate_json(await request.body())
        except ValidationError as error:
            first = error.errors()[0]
            raise Fault(422, "bad_request", f"{' '.join(map(str, first['loc']))}: {first['msg'].lower()}") from error
        changed = {name: value for name, value in wanted.model_dump().items() if value is not None}
        reference = changed.pop("reference")
        how = TrialSettings(**{**service.settings.trial.model_dump(), **changed})
        try:
            await asyncio.to_thread(service.try_out, reference, how)
        except (Busy, Rejected):
            raise
        except EmendoError as error:
            raise Fault(409, "refused", f"nothing is tried: {error}") from error
        return JSONResponse(await asyncio.to_thread(service.trials.describe))

    @app.delete(
        "/v1/trial",
        response_model=Trial,
        responses={400: {"model": Error, "description": "No trial goes on."}, 403: {"model": Error}},
        summary="End the trial",
    )
    async def stop(request: Request) -> Response:
        """The model in use answers everything from now on; needs a key with the role admin."""
        administrator(request)
        await asyncio.to_thread(service.trials.stop)
        return JSONResponse(await asyncio.to_thread(service.trials.describe))
