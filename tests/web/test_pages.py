"""The routes of whole pages, without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from emendo.label.desk import Desk
from emendo.web.app import create_app
from emendo.web.guard import Guard, one_person
from emendo.workspace.people import Person

from ..paged import PAGES, Reader, paged_workspace

HOST = "127.0.0.1:8765"


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    desk = Desk.open(paged_workspace(tmp_path_factory.mktemp("pages") / "ws"), Reader)
    app = create_app(desk, Guard(one_person("secret", Person("ann")), frozenset({HOST})))
    with TestClient(app, base_url=f"http://{HOST}", headers={"Authorization": "Bearer secret"}) as opened:
        yield opened


def page(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/pages", params={"document": "log", "number": 1}).json()
    return found


def change(client: TestClient, state: dict[str, Any], **what: Any) -> Any:
    body = {"document": "log", "number": 1, "version": state["version"], "change": what}
    headers = {"Content-Type": "application/json"}
    return client.post("/api/pages/change", content=json.dumps(body), headers=headers)


def test_a_page_is_shown_changed_and_taken_back(client: TestClient) -> None:
    assert client.get("/api/notes").json() == [{"document": "log", "page": 1}]
    state = page(client)
    ids = [line["id"] for line in state["lines"]]
    assert [line["text"] for line in state["lines"]] == list(PAGES[0])
    split = change(client, state, what="split", line=ids[0], at=7, text=PAGES[0][0]).json()
    merged = change(client, split, what="merge", lines=split["fresh"]).json()
    moved = change(client, merged, what="move", line=ids[3], before=ids[1]).json()
    shaped = change(
        client, moved, what="shape", line=ids[3], text="x", middle=[[60, 280], [600, 280]], height=44
    ).json()
    outline = [[60, 580], [500, 580], [500, 640], [60, 640]]
    added = change(client, shaped, what="add", outline=outline).json()
    gone = change(client, added, what="delete", lines=added["fresh"]).json()
    assert gone["version"] == shaped["version"] and len(gone["lines"]) == len(ids)
    while gone["undo"]:
        place = {"document": "log", "number": 1, "version": gone["version"]}
        gone = client.post("/api/pages/undo", json=place).json()
    assert gone["version"] == state["version"] and [line["id"] for line in gone["lines"]] == ids
    assert client.post("/api/pages/undo", json=place | {"version": gone["version"]}).status_code == 400


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ({"what": "fold"}, 422),
        ({"what": "delete", "lines": []}, 422),
        ({"what": "delete", "lines": ["x"], "more": 1}, 422),
        ({"what": "delete", "lines": ["x"]}, 400),
        ({"what": "delete", "lines": ["x"] * 2001}, 422),
        ({"what": "split", "line": "x", "at": -1, "text": "abc"}, 422),
        ({"what": "split", "line": "x", "at": 1, "text": "abc"}, 400),
        ({"what": "add"}, 400),
        ({"what": "add", "outline": [[0, 0], [9, 9]]}, 400),
        ({"what": "add", "outline": [[0, 0], [9, float("nan")], [9, 9]]}, 422),
        ({"what": "add", "outline": [[0, 0], [9, float("inf")], [9, 9]]}, 422),
        ({"what": "add", "outline": [[100, 100], [300, 140], [300, 100], [100, 140]]}, 400),
        ({"what": "add", "outline": [[5000, 0], [5100, 0], [5100, 90]]}, 400),
        ({"what": "add", "outline": [[i, i] for i in range(2001)]}, 422),
        ({"what": "add", "outline": [[i, i % 9] for i in range(800)]}, 400),
        ({"what": "add", "middle": [[1, 50], [300, 50]], "height": 1e9}, 422),
        ({"what": "add", "middle": [[1, 50], [300, 50]], "height": 5000}, 400),
        ({"what": "add", "outline": "<script>"}, 422),
    ],
)
def test_a_change_that_cannot_be_changes_nothing(client: TestClient, what: dict[str, Any], status: int) -> None:
    state = page(client)
    answer = change(client, state, **what)
    assert answer.status_code == status, answer.text
    assert status == 422 or len(answer.json()["error"]) > 10
    assert page(client) == state


def test_a_stale_change_and_unknown_pages(client: TestClient) -> None:
    state = page(client)
    stale = change(client, state | {"version": "0" * 16}, what="delete", lines=[state["lines"][0]["id"]])
    assert stale.status_code == 409 and "changed meanwhile" in stale.json()["error"]
    for document, number, status in (("other", 1, 404), ("log", 3, 404), ("log", 0, 422), ("../ws/log", 1, 404)):
        assert client.get("/api/pages", params={"document": document, "number": number}).status_code == status
    assert page(client) == state
