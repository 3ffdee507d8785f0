"""Training from the page, the models, and how old and new read the same lines."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request

from ...label.desk import Desk
from ...label.models import judgement_of, judgement_rows, overview, put_in_use
from ...label.training import Training
from ...release import rollback
from ...workspace.people import Role
from ..guard import need


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes; a run that was cut off with an earlier server goes on."""
    workspace, training = desk.workspace, Training(desk.workspace)
    app.state.closing.append(training.close)
    training.go_on()

    @app.get("/api/training")
    def status(request: Request) -> dict[str, Any]:
        need(request, Role.REVIEWER)
        return training.status().to_dict()

    @app.post("/api/training")
    def start(request: Request) -> dict[str, Any]:
        training.start(need(request, Role.ADMIN).name)
        return training.status().to_dict()

    @app.post("/api/training/stop")
    def stop(request: Request) -> dict[str, Any]:
        need(request, Role.ADMIN)
        training.stop()
        return training.status().to_dict()

    @app.post("/api/training/give-up")
    def give_up(request: Request) -> dict[str, Any]:
        training.give_up(need(request, Role.ADMIN).name)
        return training.status().to_dict()

    @app.get("/api/models")
    def models(request: Request) -> dict[str, Any]:
        need(request, Role.REVIEWER)
        return overview(workspace)

    @app.get("/api/runs/{run}")
    def judgement(run: str, request: Request) -> dict[str, Any]:
        need(request, Role.REVIEWER)
        return judgement_rows(judgement_of(workspace, run))

    @app.post("/api/runs/{run}/promote")
    def promote(run: str, request: Request) -> dict[str, Any]:
        need(request, Role.ADMIN)
        return put_in_use(workspace, run).figures()

    @app.post("/api/models/rollback")
    def roll_back(request: Request) -> dict[str, Any]:
        need(request, Role.ADMIN)
        champion = rollback(workspace)
        return {"model": champion.model, "since": champion.since, "why": champion.why}
