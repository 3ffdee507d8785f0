"""Download and upload of a workspace: the routes, and the page in a real Chromium."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, Page, expect

from emendo.label.desk import Desk
from emendo.web.app import create_app
from emendo.web.guard import Guard
from emendo.workspace.folder import Workspace
from emendo.workspace.people import Person, Role

from ..drawn import small_workspace
from .here import served_here
from .serving import Server, screenshots

HOST = "127.0.0.1:8765"
PEOPLE = {"annotator": Person("ann", Role.ANNOTATOR), "reviewer": Person("eva", Role.REVIEWER)}


@pytest.fixture
def drawn_workspace(tmp_path: Path) -> Workspace:
    """Six drawn lines on the one page of their document."""
    return small_workspace(tmp_path / "ws", 6)


@pytest.fixture
def server(drawn_workspace: Workspace) -> Iterator[Server]:
    with served_here(drawn_workspace) as held:
        yield held


@pytest.fixture
def client(drawn_workspace: Workspace) -> Iterator[TestClient]:
    app = create_app(Desk.open(drawn_workspace), Guard(PEOPLE.get, frozenset({HOST})))
    with TestClient(app, base_url=f"http://{HOST}", headers={"Authorization": "Bearer reviewer"}) as opened:
        yield opened


def exported(client: TestClient, form: str) -> bytes:
    answer = client.get("/api/export", params={"form": form})
    assert answer.status_code == 200 and answer.headers["x-left-out"] == "0"
    assert answer.headers["content-disposition"] == f'attachment; filename="ws-{form}.zip"'
    return answer.content


def test_what_goes_out_comes_back(client: TestClient, drawn_workspace: Workspace) -> None:
    assert "page-zip" in client.get("/api/exchange").json()["forms"]
    content = exported(client, "page-zip")
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        text = opened.read("notes.xml").decode().replace(">over the hills 2<", ">über die Hügel 2<")
    done = client.post("/api/import", params={"name": "C:\\fakepath\\notes.xml"}, content=text.encode()).json()
    assert (done["verdicts"], done["lines"]["new"], done["failures"]) == (1, 1, [])
    found = client.get("/api/search", params={"query": "hugel"}).json()["hits"]
    assert [(hit["author"], hit["text"]) for hit in found] == [
        ("eva", [["über die ", False], ["Hügel", True], [" 2", False]])
    ]
    assert client.get("/api/filters").json()["authors"] == ["eva"]
    cards = client.get("/api/cards", params={"verdict": "any", "text": "hügel", "at": found[0]["id"]}).json()
    assert (cards["total"], cards["start"], cards["cards"][0]["text"]) == (1, 0, "über die Hügel 2")
    assert not [*drawn_workspace.hidden.glob("export-*"), *drawn_workspace.hidden.glob("import-*")]


@pytest.mark.parametrize(
    ("name", "content", "status", "what"),
    [
        ("x.zip", b"PK\x03\x04", 400, "damaged archive"),
        ("x.docx", b"PK\x03\x04", 400, "holds nothing that can be imported"),
        ("..", b"[]", 400, "holds nothing that can be imported"),
        ("../../x.json", b"[{", 400, "is not JSON"),
        ("", b"[]", 422, ""),
        ("x" * 201, b"[]", 422, ""),
    ],
)
def test_a_wrong_upload_is_one_sentence(
    client: TestClient, drawn_workspace: Workspace, name: str, content: bytes, status: int, what: str
) -> None:
    before = sorted(path.name for path in drawn_workspace.root.iterdir())
    answer = client.post("/api/import", params={"name": name}, content=content)
    assert answer.status_code == status and what in answer.json().get("error", "")
    assert sorted(path.name for path in drawn_workspace.root.iterdir()) == before
    assert str(drawn_workspace.root) not in answer.text


def test_an_upload_beyond_the_limit_is_refused(client: TestClient, drawn_workspace: Workspace) -> None:
    (drawn_workspace.root / "emendo.toml").write_text("[limits]\narchive_bytes = 1000\n")
    answer = client.post("/api/import", params={"name": "x.zip"}, content=b"x" * 2000)
    assert answer.status_code == 400 and "longer than 1,000 bytes" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/exchange"),
        ("GET", "/api/export?form=jsonl"),
        ("POST", "/api/import?name=x.zip"),
        ("POST", "/api/doubts"),
    ],
)
def test_who_may_not_exchange(client: TestClient, method: str, path: str) -> None:
    answer = client.request(method, path, headers={"Authorization": "Bearer annotator"})
    assert answer.status_code == 403 and "needs the role reviewer" in answer.json()["error"]
    assert client.request(method, path, headers={"Authorization": "Bearer nobody"}).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/api/export?form=docx",
        "/api/export?form=jsonl&document=none",
        "/api/cards?verdict=best",
        "/api/cards?low=0.9&high=0.1",
    ],
)
def test_bad_questions_are_one_sentence(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400 and len(answer.json()["error"]) > 10


def test_a_person_downloads_and_uploads(page: Page, server: Server, tmp_path: Path) -> None:
    page.goto(page.url + "#exchange")
    page.get_by_label("Form").select_option("label-studio")
    expect(page.locator("#about")).to_contain_text("label_config.xml")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download").press("Enter")
    downloading.value.save_as(tmp_path / "out.zip")
    expect(page.locator("#note")).to_have_text("ws-label-studio.zip is in your downloads.")
    with zipfile.ZipFile(tmp_path / "out.zip") as opened:
        tasks = json.loads(opened.read("tasks.json"))
    tasks[0]["annotations"] = [
        {"completed_by": {"email": "<b>eve</b>"}, "result": tasks[0]["predictions"][0]["result"]}
    ]
    text = next(one for one in tasks[0]["annotations"][0]["result"] if one["type"] == "textarea")
    text["value"]["text"] = ["the train fell 1"]
    (tmp_path / "tasks.json").write_text(json.dumps(tasks), encoding="utf-8")
    page.locator("#file").set_input_files(tmp_path / "tasks.json")
    expect(page.locator("#result")).to_contain_text("1 page, 0 of them new here; 1 verdict taken over")
    with server.workspace.store() as store:
        (held,) = store.corrections()
    assert (held.text, held.author, held.source) == ("the train fell 1", "<b>eve</b>", "import:tasks.json")
    (tmp_path / "bad.zip").write_bytes(b"no zip")
    page.locator("#file").set_input_files(tmp_path / "bad.zip")
    expect(page.locator("#result .bad")).to_contain_text("bad.zip: is a damaged archive")


def test_screenshots(browser: Browser, server: Server, tmp_path: Path) -> None:
    screenshots(browser, server.address + "#exchange", "exchange", "main.exchange section", tmp_path)
