"""The application: the table of its routes behind the door."""

from __future__ import annotations

from collections.abc import Callable, Collection

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from ... import __version__
from ..service import Service
from . import feedback, jobs, read, sagemaker, state, trial
from .door import Door
from .faults import add_faults

ROUTES: tuple[Callable[[FastAPI, Service], None], ...] = (
    read.add,
    jobs.add,
    feedback.add,
    state.add,
    trial.add,
    sagemaker.add,
)


def create_app(service: Service, hosts: Collection[str] | None = None) -> FastAPI:
    """The application over a service that the caller starts and stops. `hosts`: see `Door`."""
    app = FastAPI(
        title="emendo",
        version=__version__,
        summary="Readings of lines, pages and licence plates.",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(HTTPBearer(auto_error=False, description="An API key, where the service asks for one."))],
    )
    app.add_middleware(Door, service=service, hosts=hosts)
    add_faults(app)
    for add in ROUTES:
        add(app, service)
    return app
