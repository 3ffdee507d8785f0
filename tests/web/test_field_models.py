"""Models of fields over HTTP and in the page: judged on documents, put in use, rolled back; what reads lines stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, expect

from emendo.label import models as label_models
from emendo.learn.round import JUDGEMENT
from emendo.models.bundle import BundleInfo, read_bundle, write_bundle
from emendo.release import consider
from emendo.types import Sample, Split
from emendo.workspace.folder import Workspace

from ..documents import Damage, Damaged, Documents
from .serving import Server, screenshots
from .test_models import client_of

RUN = "4567-9"
TRUTHS: list[dict[str, Any]] = [
    {"seller": f"Mill {at}", "date": "2024-03-21", "net": f"{at}.50", "total": f"{at}.50", "currency": "EUR"}
    for at in range(40)
]


def losing(name: str, numbers: range) -> Damage:
    return lambda at, truth: truth | {name: "<b>Mall</b>"} if at in numbers else truth


@pytest.fixture
def taught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with a run whose model reads fifteen sellers right that `base-fields` reads wrong, and one not."""
    workspace = Workspace.init(tmp_path / "ws")
    base = write_bundle(tmp_path / "base", BundleInfo(family="fields", name="base-fields"), {"card.md": b"base"})
    samples = []
    for at, fields in enumerate(TRUTHS):
        cv2.imwrite(str(tmp_path / f"{at}.png"), np.full((30, 20, 3), at, np.uint8))
        samples.append(Sample(id=str(at), image=tmp_path / f"{at}.png", fields=fields, split=Split.TEST))
    held = Documents(tuple(samples))

    def load(ref: str, **_: object) -> Damaged:
        if ref == "base-fields":
            return Damaged(ref, TRUTHS, losing("seller", range(16)))
        return Damaged(f"new@{read_bundle(Path(ref)).id}", TRUTHS, losing("seller", range(15, 17)))

    for module in ("gate", "fieldgate", "promote"):
        monkeypatch.setattr(import_module(f"emendo.release.{module}"), "load_document_reader", load)
    monkeypatch.setattr(import_module("emendo.release.promote"), "load_bundle", lambda ref, workspace: base)
    monkeypatch.setattr(label_models, "personal_set", lambda workspace, kind: held)
    monkeypatch.setattr(label_models, "general_documents", lambda _: held)
    run = workspace.runs / RUN
    made = write_bundle(run / "bundle", BundleInfo(family="fields", name="new"), {"card.md": b"new"})
    report = {"model": made.id, "lines": 40, "seconds": 3, "f1_before": 0.9, "f1_after": 0.97, "judged_on": "own"}
    (run / "report.json").write_text(json.dumps(report))
    consider(workspace, run / "bundle", held, keep=run / JUDGEMENT)
    return workspace


@pytest.fixture
def client(taught: Workspace) -> Iterator[TestClient]:
    with client_of(taught) as opened:
        yield opened


def test_judged_on_documents_put_in_use_and_rolled_back(client: TestClient, taught: Workspace) -> None:
    run = client.get("/api/models").json()["runs"][0]
    assert (run["reads"], run["learned"], run["passed"]) == ("fields", 40, True)
    assert (round(run["before"], 3), round(run["after"], 3)) == (0.1, 0.03)

    judged = client.get(f"/api/runs/{RUN}").json()["documents"]
    assert (judged["documents"], judged["values"], judged["old"], judged["new"]) == (40, 200, 16, 2)
    assert {one["name"]: (one["old"], one["new"]) for one in judged["fields"]}["seller"] == (16, 2)
    assert (judged["better"]["count"], judged["worse"]["count"], judged["worst"]["count"]) == (15, 1, 1)
    (value,) = judged["worse"]["documents"][0]["values"]
    assert value["path"] == "seller" and value["truth"] == value["old"]["text"] == "Mill 16"
    assert value["old"]["right"] and not value["new"]["right"] and value["new"]["text"] == "<b>Mall</b>"

    decision = client.post(f"/api/runs/{RUN}/promote").json()
    assert "errors 16 -> 2 on 200 values of 40 test documents" in decision["reason"]
    rows = {(one["reads"], one["state"]): one for one in client.get("/api/models").json()["models"]}
    assert rows["lines", "champion"]["id"] == "base" and rows["fields", "champion"]["name"] == "new"
    measured = rows["fields", "champion"]["measured"]
    assert (measured["tested"], measured["error"]) == (40, 2 / 200)
    assert client.post("/api/models/rollback").status_code == 409
    assert client.post("/api/models/rollback", params={"reads": "fields"}).json()["model"] == "base-fields"
    assert client.post("/api/models/rollback", params={"reads": "plates"}).status_code == 422


def test_the_page_shows_values_side_by_side(browser: Browser, taught: Workspace, tmp_path: Path) -> None:
    server = Server(taught)
    try:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.set_default_timeout(30_000)
        page.goto(server.address)
        page.goto(f"http://127.0.0.1:{server.port}/#models/{RUN}")
        judged = page.locator("#judged")
        expect(page.locator("#runs li")).to_contain_text("Learned 40 documents; 1 − F1 on own 10.00 % → 3.00 %")
        expect(judged.locator(".figures")).to_contain_text("16 wrong of 200 values")
        expect(judged.get_by_role("row", name="seller 40 16 2")).to_be_visible()
        worse = judged.locator("details").filter(has_text="Documents that got worse (1)")
        expect(worse.get_by_role("row", name="seller Mill 16 Mill 16 <b>Mall</b>")).to_be_visible()
        assert judged.locator("details b").count() == 0
        expect(worse.get_by_role("link")).to_have_attribute("href", "#fields/16")
        expect(page.get_by_role("button", name="Roll back")).to_have_count(0)
        page.context.close()
        screenshots(browser, f"{server.address}#models/{RUN}", "compare-documents", "#judged article", tmp_path)
    finally:
        server.kill()
