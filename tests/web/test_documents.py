"""A document sent over HTTP, read by the model that comes along, and its text fetched; nobody else's document."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient

from emendo.formats.page import read_page
from emendo.label.desk import Desk
from emendo.web.app import create_app
from emendo.web.guard import Guard
from emendo.workspace.folder import Workspace
from emendo.workspace.people import Person, Role

HOST = "127.0.0.1:8765"
EVIL = "../<b>ru\u202en</b>.pdf"
PEOPLE = {"admin": Person("ann"), "other": Person("bob"), "low": Person("carl", Role.ANNOTATOR)}


def drawn_page(lines: Sequence[str] = ("The rain fell", "over the hills")) -> bytes:
    """A page of print, as PNG."""
    page = np.full((90 * len(lines) + 40, 700, 3), 250, np.uint8)
    for row, text in enumerate(lines):
        cv2.putText(page, text, (40, 80 + 90 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (20, 20, 20), 3)
    return cv2.imencode(".png", page)[1].tobytes()


def client_of(workspace: Workspace) -> TestClient:
    app = create_app(Desk.open(workspace), Guard(PEOPLE.get, frozenset({HOST})))
    return TestClient(app, base_url=f"http://{HOST}", headers={"Authorization": "Bearer admin"})


def finished(client: TestClient, key: str) -> dict[str, Any]:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        found: dict[str, Any] = client.get(f"/api/documents/{key}").json()
        if found["state"] not in ("waiting", "reading"):
            return found
        time.sleep(0.1)
    raise AssertionError("not read in time")


def test_a_picture_in_its_text_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMENDO_WATCH__SETTLE_SECONDS", "0")
    workspace = Workspace.init(tmp_path / "notes")
    with client_of(workspace) as client:
        sent = client.post(f"/api/documents?name={quote(EVIL)}", content=drawn_page()).json()
        assert sent["name"] == "b_.png" and not sent["kept"]
        found = finished(client, sent["id"])
        assert (found["state"], found["lines"], found["pages"]) == ("read", 2, 1), found
        base = f"/api/documents/{sent['id']}"
        text = client.get(f"{base}/text")
        assert text.headers["content-disposition"] == "attachment; filename*=UTF-8''b_.png.txt"
        assert text.headers["content-type"] == "text/plain; charset=utf-8"
        assert "rain" in text.text.lower() and "hills" in text.text.lower()
        lines = client.get(f"{base}/pages/1").json()
        assert [line["text"] for line in lines] == text.text.split("\n")[:2]
        assert lines[0]["size"] == [700, 220] and len(lines[0]["polygon"]) >= 4
        assert client.get(f"{base}/pages/1/image").headers["content-type"] == "image/jpeg"
        (tmp_path / "page.xml").write_bytes(client.get(f"{base}/pages/1/xml").content)
        assert [line.text for line in read_page(tmp_path / "page.xml").lines()] == [line["text"] for line in lines]
        for number in (0, 2):
            answer = client.get(f"{base}/pages/{number}")
            assert answer.status_code == 404
            assert answer.json()["error"] == f"b_.png: has 1 page, page {number} was asked for"
        assert client.get(f"{base}/pages/2/image").status_code == 404
        assert client.get(f"{base}/pages/2/xml").status_code == 404
        other = {"Authorization": "Bearer other"}
        for path in (base, f"{base}/text", f"{base}/pages/1", f"{base}/pages/1/image"):
            assert client.get(path, headers=other).status_code == 404
        assert client.delete(base, headers=other).status_code == 404
        assert client.get("/api/documents", headers=other).json()["documents"] == []
        assert client.get("/api/state").json()["total"] == 0

        kept = client.post("/api/documents?name=page.png&keep=true", content=drawn_page()).json()
        assert finished(client, kept["id"])["state"] == "read"
        assert client.get("/api/state").json()["total"] == 2, "its lines can be corrected"
        assert (workspace.root / "page.txt").read_text() == text.text
        assert client.delete(base).status_code == 200 and client.get(base).status_code == 404


def test_what_may_not_be_sent_is_one_sentence(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "notes")
    with client_of(workspace) as client:
        for content, status in ((b"", 400), (b"#!/bin/sh", 400), (b"\x89PNG\r\n\x1a\n", 400)):
            answer = client.post("/api/documents?name=x.png&keep=true", content=content)
            assert (answer.status_code, answer.json()["error"].startswith("x: ")) == (status, True)
        low = {"Authorization": "Bearer low"}
        assert client.post("/api/documents?keep=true", content=drawn_page(), headers=low).status_code == 403
        too_large = {"Content-Length": str(10**9)}
        assert client.post("/api/documents", content=b"", headers=too_large).status_code == 400
        assert client.post(f"/api/documents?name={'x' * 501}", content=b"").status_code == 422
        assert client.post("/api/documents", content=b"", headers={"Origin": "http://evil.example"}).status_code == 403
        assert client.get("/api/documents").json()["documents"] == []
    assert [path.name for path in workspace.root.iterdir()] == [".emendo"]
