"""Training from the page, the models, and how old and new read the same lines."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request

from ...label.desk import Desk
from ...label.models import judgement_of, judgement_rows, overview, put_in_use
from ...label.training import Training
from ...release import rollback
from ...workspace.folder import Reads
from ...workspace.people import Role
from ..guard import needs, who


def add(app: FastAPI, desk: Desk) -> None:
    """Add the routes; a run that was cut off with an earlier server goes on."""
    workspace, training = desk.workspace, Training(desk.workspace, desk.store)
    app.state.closing.append(training.close)
    training.go_on()

    @app.get("/api/training", dependencies=[needs(Role.REVIEWER)])
    def status() -> dict[str, Any]:
        return training.status().to_dict()

    @app.post("/api/training", dependencies=[needs(Role.ADMIN)])
    def start(request: Request) -> dict[str, Any]:
        training.start(who(request).name)
        return training.status().to_dict()

    @app.post("/api/training/stop", dependencies=[needs(Role.ADMIN)])
    def stop() -> dict[str, Any]:
        training.stop()
        return training.status().to_dict()

    @app.post("/api/training/give-up", dependencies=[needs(Role.ADMIN)])
    def give_up(request: Request) -> dict[str, Any]:
        training.give_up(who(request).name)
        return training.status().to_dict()

    @app.get("/api/models", dependencies=[needs(Role.REVIEWER)])
    def models() -> dict[str, Any]:
        return overview(workspace, desk.store)

    @app.get("/api/runs/{run}", dependencies=[needs(Role.REVIEWER)])
    def judgement(run: str) -> dict[str, Any]:
        return judgement_rows(judgement_of(workspace, run))

    @app.post("/api/runs/{run}/promote", dependencies=[needs(Role.ADMIN)])
    def promote(run: str) -> dict[str, Any]:
        return put_in_use(workspace, run).figures()

    @app.post("/api/models/rollback", dependencies=[needs(Role.ADMIN)])
    def roll_back(reads: Reads = "lines") -> dict[str, Any]:
        champion = rollback(workspace, reads)
        return {"model": champion.model, "since": champion.since, "why": champion.why}
