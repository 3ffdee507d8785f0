"""The routes of plates, without a browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from emendo.label.crops import plate_workspace
from emendo.label.desk import Desk
from emendo.label.plates import plate_id
from emendo.types import Image, Reading
from emendo.web.app import create_app
from emendo.web.guard import Guard, one_person
from emendo.workspace.people import Person

from ..drawn import small_workspace
from ..plates import draw_crops

HOST = "127.0.0.1:8765"
FIRST = plate_id("2026-11-20/CAM1_track1.jpg")


class Reader:
    model = "spoken@1"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        return [Reading("KTR4821", 0.9) for _ in images]


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    draw_crops(tmp_path / "crops")
    return tmp_path / "crops"


@pytest.fixture
def client(crops: Path) -> Iterator[TestClient]:
    workspace = plate_workspace(crops)
    assert workspace is not None
    desk = Desk.open(workspace, plate_reader=Reader)
    app = create_app(desk, Guard(one_person("secret", Person("ann")), frozenset({HOST})))
    with TestClient(app, base_url=f"http://{HOST}", headers={"Authorization": "Bearer secret"}) as opened:
        opened.get("/api/plates", params={"fresh": True})
        yield opened


def save(client: TestClient, text: str | None, version: int = 0, plate: str = FIRST, **more: Any) -> Any:
    verdict = "edited" if text is not None else "skipped"
    body = {"text": text, "verdict": verdict, "version": version}
    return client.post(f"/api/lines/{plate}", json=body, **more)


def test_a_plate_from_picture_to_label(client: TestClient, crops: Path) -> None:
    assert client.get("/api/state").json()["plates"] == 8
    assert client.get("/api/plates/rules").json()["shown"] == "0-9 A-Z"
    found = client.get("/api/plates", params={"queue": "waiting", "count": 2}).json()
    assert (found["total"], [one["state"] for one in found["plates"]]) == (8, ["waiting", "waiting"])
    read = client.post("/api/plates/prelabels", json={"ids": [FIRST]}).json()[0]
    assert (read["state"], read["text"], read["confidence"], read["version"]) == ("pre-labelled", "KTR4821", 0.9, 0)
    picture = client.get(f"/api/plates/{FIRST}/picture")
    assert picture.headers["content-type"] == "image/jpeg"
    assert save(client, "ktr4821").json()["verdict"] == "accepted"
    assert client.get(f"/api/plates/{FIRST}").json()["state"] == "labelled"
    assert (crops / "labels.txt").read_text() == "2026-11-20/CAM1_track1.jpg\tKTR4821\n"
    counts = client.get("/api/plates/counts").json()
    assert counts["states"] == {"labelled": 1, "waiting": 7}
    assert counts["by"]["camera"]["CAM1"] == {"labelled": 1, "waiting": 3}
    review = client.get("/api/plates", params={"queue": "review", "fresh": True}).json()
    assert [one["text"] for one in review["plates"]] == ["KTR4821"]


def test_a_doubtful_label_is_found_and_kept(client: TestClient) -> None:
    save(client, "EXIT")
    (fault,) = client.get("/api/plates/faults").json()
    assert (fault["kind"], fault["severity"], fault["fixes"][0]["name"]) == ("sign", "error", "skip")
    assert client.post("/api/plates/keep", json={"key": fault["key"], "kept": True}).status_code == 200
    assert client.get("/api/plates/faults").json() == []


@pytest.mark.parametrize(
    ("text", "what"), [("AB-12", "a plate holds no '-'"), ("ÄB1", "no 'Ä'"), ("", "empty text"), ("<b>", "'<'")]
)
def test_what_no_plate_holds_is_refused_in_one_sentence(client: TestClient, crops: Path, text: str, what: str) -> None:
    answer = save(client, text)
    assert answer.status_code == 400 and what in answer.json()["error"]
    assert client.get(f"/api/plates/{FIRST}").json()["state"] == "waiting" and not (crops / "labels.txt").exists()


def test_a_stale_save_shows_what_holds(client: TestClient) -> None:
    save(client, "AB1")
    late = save(client, "AB2")
    assert late.status_code == 409 and late.json()["current"]["text"] == "AB1"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/plates?queue=best", 400),
        ("/api/plates?count=51", 422),
        ("/api/plates/none", 404),
        ("/api/plates/none/picture", 404),
        ("/api/plates/..%2f..%2femendo.toml/picture", 404),
    ],
)
def test_bad_questions(client: TestClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status


@pytest.mark.parametrize("body", [{"ids": ["x"] * 51}, {"ids": "x"}, {"key": 1}, {}])
def test_bad_bodies(client: TestClient, body: dict[str, Any]) -> None:
    assert client.post("/api/plates/prelabels", json=body).status_code == 422
    assert client.post("/api/plates/keep", json=body).status_code == 422


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Authorization": ""}]
)
def test_strangers_change_nothing(client: TestClient, headers: dict[str, str]) -> None:
    assert save(client, "AB1", headers=headers).status_code in {401, 403}
    assert client.post("/api/plates/keep", json={"key": "a", "kept": True}, headers=headers).status_code in {401, 403}
    assert client.get("/api/plates", headers=headers).status_code in {401, 403}
    assert client.get(f"/api/plates/{FIRST}").json()["version"] == 0


def test_a_workspace_of_notes_has_no_plates(tmp_path: Path) -> None:
    desk = Desk.open(small_workspace(tmp_path / "notes"))
    app = create_app(desk, Guard(one_person("secret", Person("ann")), frozenset({HOST})))
    with TestClient(app, base_url=f"http://{HOST}", headers={"Authorization": "Bearer secret"}) as opened:
        assert opened.get("/api/plates", params={"fresh": True}).json()["total"] == 0
        assert opened.get("/api/state").json()["plates"] == 0
        assert opened.get(f"/api/plates/{0:016x}").status_code == 404
        assert opened.get("/api/plates/counts").json()["total"] == 0
