"""The routes and their guard, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Semaphore
from typing import Any

import pytest
from fastapi.testclient import TestClient

from emendo.errors import WorkspaceError
from emendo.label.desk import Desk
from emendo.web.app import create_app
from emendo.web.guard import HEADERS, Guard, one_person
from emendo.workspace.folder import Workspace
from emendo.workspace.people import Person
from emendo.workspace.store import Store

HOST = "127.0.0.1:8765"
FIRST = f"{0:016x}"
THREADS = 40
"""Requests that the server (Starlette) answers in threads at the same time."""


@pytest.fixture
def client(drawn_workspace: Workspace) -> Iterator[TestClient]:
    app = create_app(Desk.open(drawn_workspace), Guard(one_person("secret", Person("ann")), frozenset({HOST})))
    with TestClient(app, base_url=f"http://{HOST}", headers={"Authorization": "Bearer secret"}) as opened:
        yield opened


def save(client: TestClient, text: str | None, version: int = 0, line: str = FIRST, **more: Any) -> Any:
    return client.post(f"/api/lines/{line}", json={"text": text, "verdict": "edited", "version": version}, **more)


def test_lines_are_shown_saved_and_remembered(client: TestClient) -> None:
    assert client.get("/api/state").json()["total"] == 12
    cards = client.get("/api/cards", params={"order": "document", "count": 3}).json()
    assert (cards["total"], [card["number"] for card in cards["cards"]]) == (12, [1, 2, 3])
    saved = save(client, "the train fell 1").json()
    assert (saved["version"], saved["verdict"], saved["author"]) == (1, "edited", "ann")
    assert client.get("/api/state").json()["done"] == 1
    assert client.get(f"/api/lines/{FIRST}").json()["text"] == "the train fell 1"
    assert [one["text"] for one in client.get(f"/api/lines/{FIRST}/history").json()] == ["the train fell 1"]
    assert client.get(f"/api/lines/{FIRST}/image").headers["content-type"] == "image/png"
    page = client.get("/api/page", params={"document": "notes", "number": 1})
    assert page.headers["content-type"] == "image/jpeg" and page.content[:2] == b"\xff\xd8"
    assert client.get(f"/api/lines/{FIRST}/alternatives").json() == []
    assert client.post(f"/api/lines/{FIRST}/predict", json={"before": "the"}).json() is None
    assert client.post(f"/api/lines/{FIRST}/predict", json={"before": "x" * 5000}).status_code == 422


def test_a_stale_save_gets_409_with_what_holds(client: TestClient) -> None:
    save(client, "one")
    late = save(client, "two")
    assert late.status_code == 409
    assert late.json()["current"]["text"] == "one" and "changed meanwhile by ann" in late.json()["error"]
    assert save(client, "two", version=1).json()["version"] == 2


def test_a_save_does_not_wait_for_slow_requests(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    arrived, go = Semaphore(0), Event()

    def slow(*_: Any) -> list[Any]:
        arrived.release()
        assert go.wait(20)
        return []

    monkeypatch.setattr(Desk, "alternatives", slow)
    with ThreadPoolExecutor(THREADS) as others:
        try:
            asked = [others.submit(client.get, f"/api/lines/{FIRST}/alternatives") for _ in range(THREADS)]
            assert all(arrived.acquire(timeout=20) for _ in asked), "every thread of the server is busy"
            assert save(client, "said meanwhile").status_code == 200
        finally:
            go.set()
        assert all(one.result().status_code == 200 for one in asked)


def test_a_database_that_cannot_be_written_is_tried_again(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    async def locked(*_: Any) -> None:
        raise WorkspaceError("the database is locked by another program", remedy="close it and try again")

    with monkeypatch.context() as patched:
        patched.setattr(Store, "soon", locked)
        answer = save(client, "kept in the browser")
    assert answer.status_code == 503 and "locked" in answer.json()["error"]
    assert save(client, "kept in the browser").status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"headers": {"Host": "evil.example"}}, 403),
        ({"headers": {"Origin": "http://evil.example"}}, 403),
        ({"headers": {"Origin": "null"}}, 403),
        ({"headers": {"Authorization": "Bearer wrong"}}, 401),
        ({"headers": {"Authorization": ""}}, 401),
        ({"line": "other"}, 404),
        ({"line": "..%2f..%2fsecret"}, 404),
        ({"text": ""}, 400),
        ({"text": "x" * 20_001}, 400),
        ({"text": "x" * 500_001}, 422),
        ({"version": -1}, 422),
    ],
)
def test_what_may_not_be_changes_nothing(client: TestClient, change: dict[str, Any], status: int) -> None:
    text, version = change.pop("text", "changed"), change.pop("version", 0)
    assert save(client, text, version, **change).status_code == status
    assert client.get("/api/state").json()["done"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/cards?order=best", 400),
        ("/api/cards?count=51", 422),
        ("/api/lines/none/image", 404),
        ("/api/page?document=none&number=1", 404),
        ("/api/page?document=notes&number=9", 404),
        ("/static/../app.py", 404),
        ("/static/%2e%2e/app.py", 404),
    ],
)
def test_bad_questions_get_one_sentence(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    if status in {400, 404} and path.startswith("/api"):
        assert len(answer.json()["error"]) > 10


def test_the_way_in_sets_a_cookie_that_others_cannot_use(client: TestClient) -> None:
    bare = {"Authorization": ""}
    assert client.get("/?token=wrong", headers=bare, follow_redirects=False).status_code == 401
    assert client.get("/", headers=bare).status_code == 401
    entered = client.get("/?token=secret", headers=bare, follow_redirects=False)
    cookie = entered.headers["set-cookie"].lower()
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert "httponly" in cookie and "samesite=strict" in cookie
    page = client.get("/", headers=bare)
    assert page.status_code == 200 and "<script>" not in page.text
    assert all(page.headers[name] == value for name, value in HEADERS.items())
    assert client.get("/static/app.js", headers=bare).status_code == 200
