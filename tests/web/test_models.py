"""Models over HTTP: what was trained, how it was judged, put in use through the gate, rolled back; and who may."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from emendo.datasets.build import build
from emendo.errors import FormatError
from emendo.label import models as label_models
from emendo.label import training
from emendo.label.desk import Desk
from emendo.learn.round import JUDGEMENT
from emendo.release import consider, read_judgement
from emendo.types import Split
from emendo.web.app import create_app
from emendo.web.guard import Guard, one_person
from emendo.workspace.folder import Workspace
from emendo.workspace.people import Person, Role

from ..release.colours import colour_samples, write_colour_bundle
from ..release.test_gate import TEXTS, Lines

HOST = "127.0.0.1:8765"
RUN = "0123-5"


def client_of(workspace: Workspace, role: Role = Role.ADMIN) -> TestClient:
    app = create_app(Desk.open(workspace), Guard(one_person("secret", Person("ann", role)), frozenset({HOST})))
    return TestClient(app, base_url=f"http://{HOST}", headers={"Authorization": "Bearer secret"})


@pytest.fixture
def taught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with a model that confuses letters, and a finished run whose model does not."""
    workspace = Workspace.init(tmp_path / "notes")
    old = write_colour_bundle(tmp_path / "old", wrong={"a": "b", "c": "d"}, name="old")
    write_colour_bundle(workspace.models / old.id, wrong={"a": "b", "c": "d"}, name="old")
    workspace.set_champion(old.id, "set by the test")
    lines = [replace(one, split=Split.TEST, group="p") for one in colour_samples(tmp_path / "lines", TEXTS)]
    dataset = build(lines, workspace, name="corrections").dataset
    monkeypatch.setattr(label_models, "general_set", lambda *_: Lines(tuple(lines[:2]), name="general"))
    run = workspace.runs / RUN
    made = write_colour_bundle(run / "bundle", name="new", dataset={"usable": 40})
    report = {"model": made.id, "lines": 40, "seconds": 3.5, "cer_before": 0.2, "cer_after": 0.1, "judged_on": "own"}
    (run / "report.json").write_text(json.dumps(report))
    consider(workspace, run / "bundle", dataset, split=Split.TEST, keep=run / JUDGEMENT)
    return workspace


@pytest.fixture
def client(taught: Workspace) -> Iterator[TestClient]:
    with client_of(taught) as opened:
        yield opened


def test_compared_put_in_use_and_rolled_back(client: TestClient, taught: Workspace) -> None:
    seen = client.get("/api/models").json()
    assert [(one["name"], one["state"]) for one in seen["models"]] == [
        ("embedded base", "earlier"),
        ("old", "champion"),
    ]
    assert seen["models"][1]["measured"]["tested"] == 20 and seen["models"][1]["measured"]["error"] > 0.3
    run = seen["runs"][0]
    assert (run["name"], run["state"], run["passed"], run["learned"]) == (RUN, "candidate", True, 40)

    judged = client.get(f"/api/runs/{RUN}").json()
    assert judged["passed"] and {one["name"] for one in judged["findings"]} >= {"bundle", "lines", "better"}
    comparison = judged["comparison"]
    assert comparison["new"]["edits"] == 0 and comparison["old"]["cer_low"] > 0
    assert comparison["better"]["count"] == len(comparison["better"]["lines"]) == 20 - comparison["same"]
    assert (comparison["worse"], comparison["worst"]) == ({"count": 0, "lines": []},) * 2
    first = comparison["better"]["lines"][0]
    assert "".join(truth for _, truth, _ in first["old"]["spans"]) == first["truth"]
    assert {kind for kind, _, _ in first["old"]["spans"]} > {"equal"}
    assert [kind for kind, _, _ in first["new"]["spans"]] == ["equal"]

    decision = client.post(f"/api/runs/{RUN}/promote").json()
    assert decision["passed"] and "on your test lines" in decision["reason"]
    assert client.get("/api/models").json()["runs"][0]["state"] == "champion"
    again = client.post(f"/api/runs/{RUN}/promote")
    assert again.status_code == 409 and "in use already" in again.json()["error"]
    back = client.post("/api/models/rollback").json()
    champion = taught.champion()
    assert champion is not None and back["model"] == champion.model
    assert client.get("/api/models").json()["runs"][0]["state"] == "kept"
    client.post("/api/models/rollback")
    last = client.post("/api/models/rollback")
    assert last.status_code == 409 and "no earlier model" in last.json()["error"]


def test_the_gate_keeps_a_worse_model_out(client: TestClient, taught: Workspace) -> None:
    champion = taught.champion()
    wrong = {"a": "b", "c": "d", "e": "f"}
    bundle = taught.runs / RUN / "bundle"
    shutil.rmtree(bundle)
    write_colour_bundle(bundle, wrong=wrong, name="worse")
    refused = client.post(f"/api/runs/{RUN}/promote")
    assert refused.status_code == 409 and "not promoted" in refused.json()["error"]
    assert taught.champion() == champion
    judged = client.get(f"/api/runs/{RUN}").json()
    assert not judged["passed"]
    assert (
        judged["comparison"]["worse"]["lines"][0]["new"]["edits"]
        > judged["comparison"]["worse"]["lines"][0]["old"]["edits"]
    )


@pytest.mark.parametrize("name", ["none", "..", "%2e%2e%2fmodels", "..%2f..%2fetc"])
def test_a_run_that_is_none_is_not_found(client: TestClient, name: str) -> None:
    assert client.get(f"/api/runs/{name}").status_code == 404
    assert client.post(f"/api/runs/{name}/promote").status_code in {404, 405}


def test_what_is_damaged_is_left_out_or_named(client: TestClient, taught: Workspace) -> None:
    decision = taught.runs / RUN / JUDGEMENT / "decision.json"
    for content in ("{", "[]", '{"format": "emendo-judgement/1"}', '{"format": "other"}'):
        decision.write_text(content)
        with pytest.raises(FormatError):
            read_judgement(decision.parent)
    assert client.get("/api/models").json()["runs"] == []
    assert client.get(f"/api/runs/{RUN}").status_code == 404
    decision.unlink()
    (run,) = client.get("/api/models").json()["runs"]
    assert (run["passed"], run["reason"]) == (None, "")
    assert "was not judged yet" in client.get(f"/api/runs/{RUN}").json()["error"]
    (taught.runs / RUN / "report.json").write_text("{}")
    assert client.get("/api/models").json()["runs"] == []


ACTS = (
    "/api/training",
    "/api/training/stop",
    "/api/training/give-up",
    f"/api/runs/{RUN}/promote",
    "/api/models/rollback",
)


@pytest.mark.parametrize("path", ACTS)
def test_only_an_admin_trains_and_promotes(taught: Workspace, path: str) -> None:
    before = taught.champion()
    for role in (Role.ANNOTATOR, Role.REVIEWER):
        with client_of(taught, role) as client:
            answer = client.post(path)
            assert answer.status_code == 403 and "this needs the role admin" in answer.json()["error"]
            assert client.get("/api/models").status_code == (403 if role is Role.ANNOTATOR else 200)
            assert client.get("/api/training").status_code == (403 if role is Role.ANNOTATOR else 200)
    assert taught.champion() == before
    assert not (taught.hidden / training.RECORD).exists()


def test_training_over_http(drawn_workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ends = (sys.executable, "-c", "import sys; sys.exit('error: no torch here')")
    monkeypatch.setattr(training, "COMMAND", ends)
    with client_of(drawn_workspace) as client:
        few = client.post("/api/training")
        assert few.status_code == 400 and "0 corrected lines cannot train" in few.json()["error"]
        for number in range(4):
            saving = {"text": f"text {number}", "verdict": "edited", "version": 0}
            assert client.post(f"/api/lines/{number:016x}", json=saving).status_code == 200
        assert client.get("/api/training").json()["waiting"] == 4
        begun = client.post("/api/training").json()["phase"]
        assert begun in {"running", "failed"}, "it may have ended before the answer"
        status: dict[str, Any] = {"phase": "running"}
        while status["phase"] == "running":
            status = client.get("/api/training").json()
        assert (status["phase"], status["fault"]) == ("failed", "no torch here")
        assert client.post("/api/training/stop").status_code == 400
        assert client.post("/api/training/give-up").json()["phase"] == "none"
