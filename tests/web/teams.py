"""The application with a team at it, asked without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from fastapi.testclient import TestClient

from emendo.label.desk import Desk
from emendo.web.app import create_app
from emendo.web.guard import Guard, first_of, one_person
from emendo.workspace.folder import Workspace
from emendo.workspace.people import Person, Role

HOST = "127.0.0.1:8765"
OWNER = "the owner's token"
PEOPLE = {"ann": Role.ANNOTATOR, "bob": Role.ANNOTATOR, "rita": Role.REVIEWER, "ada": Role.ADMIN}


class Team:
    """A served workspace; `tokens` of its people by name."""

    def __init__(self, workspace: Workspace) -> None:
        self.desk = Desk.open(workspace)
        self.tokens = {name: self.desk.people.add(name, role) for name, role in PEOPLE.items()}
        known = first_of(one_person(OWNER, Person("owner")), self.desk.people.holder)
        self.app: FastAPI = create_app(self.desk, Guard(known, frozenset({HOST})))

    def at(self, token: str) -> TestClient:
        """A client that shows a token; the application is not closed by it."""
        return TestClient(self.app, base_url=f"http://{HOST}", headers={"Authorization": f"Bearer {token}"})

    def by(self, name: str) -> TestClient:
        """A client of one of the people."""
        return self.at(self.tokens[name])


@contextmanager
def team_at(workspace: Workspace) -> Iterator[Team]:
    """A team at a workspace, gone home at the end."""
    team = Team(workspace)
    try:
        yield team
    finally:
        team.desk.close()
