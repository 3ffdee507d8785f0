"""Every route, whatever is added to the table, against those who may not ask for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from starlette.websockets import WebSocketDisconnect

from emendo.web.guard import HEADERS, Needs
from emendo.workspace.people import Role

from ..drawn import small_workspace
from .teams import HOST, Team, team_at

READING = {"GET", "HEAD"}


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with team_at(small_workspace(tmp_path_factory.mktemp("guarded") / "ws")) as made:
        yield made


def routes(team: Team) -> list[tuple[str, str, APIRoute]]:
    """Method and address of each route, with something in the place of each parameter."""
    found = [
        (method, re.sub(r"{[^}]*}", "0" * 16, route.path), route)
        for route in team.app.routes
        if isinstance(route, APIRoute)
        for method in sorted(route.methods)
    ]
    assert len(found) > 15
    return found


def role_of(route: APIRoute) -> Role | None:
    said = [one.dependency.role for one in route.dependencies if isinstance(one.dependency, Needs)]
    return said[0] if said else None


def state(team: Team) -> tuple[object, ...]:
    with team.desk.store.database.read() as connection:
        tables = ("corrections", "users", "leases", "seconds", "events", "efforts", "readings", "units")
        return tuple(connection.exec_driver_sql(f"SELECT COUNT(*) FROM {table}").scalar() for table in tables)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer é\u00ff"}, 401),
        ({"Cookie": "emendo=wrong", "Authorization": ""}, 401),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": f"http://{HOST}.evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
    ],
)
def test_no_route_lets_a_stranger_in(team: Team, headers: dict[str, str], status: int) -> None:
    before, client = state(team), team.by("ada")
    sent = {name: value.encode("latin-1") for name, value in headers.items()}
    for method, path, _ in [*routes(team), ("GET", "/static/app.js", None)]:
        answer = client.request(method, path, headers=sent, json={}, follow_redirects=False)
        assert answer.status_code == status, (method, path)
        assert "error" in answer.json() and all(answer.headers[name] == value for name, value in HEADERS.items())
    assert state(team) == before


def test_every_route_that_changes_something_says_who_may(team: Team) -> None:
    silent = [
        f"{method} {path}" for method, path, route in routes(team) if method not in READING and not role_of(route)
    ]
    assert not silent, f"give these routes dependencies=[needs(Role....)]: {silent}"


@pytest.mark.parametrize(("name", "role"), [("ann", Role.ANNOTATOR), ("rita", Role.REVIEWER)])
def test_roles_are_held_to(team: Team, name: str, role: Role) -> None:
    before, client = state(team), team.by(name)
    above = [one for one in routes(team) if (needed := role_of(one[2])) and needed.rank > role.rank]
    assert above
    for method, path, _ in above:
        answer = client.request(method, path, json={})
        assert answer.status_code == 403 and f"{name} has {role.value}" in answer.json()["error"], (method, path)
    assert state(team) == before


def test_websockets_are_not_served(team: Team) -> None:
    with pytest.raises(WebSocketDisconnect), team.by("ada").websocket_connect("/api/state"):
        pass
