"""The routes of field mode, without a browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from emendo.label.desk import Desk
from emendo.label.intake import take_documents, workspace_of
from emendo.web.app import create_app
from emendo.web.guard import Guard, one_person
from emendo.workspace.people import Person

from ..receipts import receipts

HOST = "127.0.0.1:8765"
HEADERS = {"Authorization": "Bearer secret"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    workspace = workspace_of(receipts(tmp_path_factory.mktemp("fields") / "shop"))
    desk = Desk.open(workspace)
    take_documents(workspace, desk.store, workspace.root)
    app = create_app(desk, Guard(one_person("secret", Person("ann")), frozenset({HOST})))
    with TestClient(app, base_url=f"http://{HOST}", headers=HEADERS) as opened:
        yield opened


def listed(client: TestClient, **asking: Any) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/api/fields", params=asking).json()
    return found


def test_documents_are_listed_shown_and_saved(client: TestClient) -> None:
    found = listed(client, order="waiting", fresh=True)
    assert (found["total"], found["all"], found["done"]) == (3, 3, 0)
    garten = next(one for one in found["documents"] if "garten" in one["document"])
    assert listed(client, at="images/garten.png")["documents"][0]["id"] == garten["id"]
    page = client.get(f"/api/fields/{garten['id']}/pages/1").json()
    assert page["size"] == [560, 760] and "1.234,50" in [one["text"] for one in page["words"]]
    image = client.get(f"/api/fields/{garten['id']}/pages/1/image")
    assert image.headers["content-type"] == "image/jpeg" and image.content[:2] == b"\xff\xd8"
    saving = {"text": '{"total": "1.234,50"}', "verdict": "edited", "version": 0}
    saved = client.post(f"/api/lines/{garten['id']}", json=saving)
    assert saved.json()["text"] == '{"schema":"emendo.fields/1","total":"1234.50"}'
    late = client.post(f"/api/lines/{garten['id']}", json={**saving, "text": '{"total": "3"}'})
    assert late.status_code == 409 and "1234.50" in late.json()["current"]["text"]
    assert [one["id"] for one in listed(client, order="done")["documents"]] == [garten["id"]]
    assert client.get("/api/state").json()["fields"] == 3


def test_what_is_typed_is_checked_at_once(client: TestClient) -> None:
    lines = [{"quantity": "2", "unit_price": "5", "amount": "10.00"}] * 40
    fields = {"seller": "Shop", "date": "25/12/2018", "lines": lines, "total": "400,50"}
    found = client.post("/api/fields/check", json={"fields": fields}).json()
    assert found["values"]["date"] == "2018-12-25" and found["values"]["total"] == "400.50"
    assert "lines add up to 400.00, total says 400.50" in [one["what"] for one in found["findings"]]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("get", "/api/fields?order=best", None, 400),
        ("get", "/api/fields?count=21", None, 422),
        ("get", "/api/fields?at=none", None, 404),
        ("get", "/api/fields/none/pages/1", None, 404),
        ("get", "/api/fields/none/pages/1/image", None, 404),
        ("post", "/api/fields/check", {"fields": []}, 422),
        ("post", "/api/fields/check", {"fields": {"schema": "other/1"}}, 400),
        ("post", "/api/fields/check", {"fields": {str(at): at for at in range(501)}}, 422),
        ("post", "/api/fields/check", {"fields": {"note": "x" * 2_100_000}}, 400),
    ],
)
def test_bad_questions_get_one_sentence(client: TestClient, method: str, path: str, body: Any, status: int) -> None:
    answer = client.get(path) if method == "get" else client.post(path, json=body)
    assert answer.status_code == status and len(answer.json()["error"]) > 10


def test_nothing_without_a_token(client: TestClient) -> None:
    for path in ("/api/fields", "/api/fields/form"):
        assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.post("/api/fields/check", json={"fields": {}}, headers={"Host": "evil.example"}).status_code == 403
