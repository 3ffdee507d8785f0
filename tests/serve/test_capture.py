"""What the service keeps of what it reads, what can be told of its answers, and what it shows of both."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fastapi.testclient import TestClient

from emendo.monitor import Captures, Outcome
from emendo.monitor.capture import Capture
from emendo.serve.http import schemas
from emendo.serve.keys import Access, add_key
from emendo.serve.reading import Task
from emendo.serve.service import Service

from .served import LINES, Slow, client_of, colour_model, png, png_of, settings_of, until


@contextmanager
def capturing(folder: Path, **values: Any) -> Iterator[tuple[TestClient, Captures]]:
    """A service that captures, and its captures."""
    settings = settings_of(**{**LINES, "capture__share": 1.0, "model": str(colour_model(folder / "model")), **values})
    captures = Captures(folder / "captures")
    with client_of(Service(settings, capture=Capture(captures, settings.capture))) as client:
        yield client, captures


def written(client: TestClient, count: int) -> None:
    """Wait until so many readings are on the disk."""
    until(lambda: f"emendo_captured_total {count}.0" in client.get("/metrics").text.splitlines())


def test_a_reading_is_kept_with_its_picture_and_how_good_that_is(tmp_path: Path) -> None:
    with capturing(tmp_path) as (client, captures):
        said = client.post("/v1/read", params={"document": "book"}, content=png("fed")).json()
        client.post("/v1/read", content=b"no image")
        client.post("/v1/jobs", params={"kind": "line", "document": "job"}, files=[("files", ("a.png", png("ab")))])
        written(client, 3)
        lines = client.get("/metrics").text.splitlines()
    row, failed, job = captures.seen()
    assert (row.id, row.text, row.document, row.model) == (said["id"], "fed", "book", said["model"])
    assert row.quality is not None and (row.quality.width, row.quality.height) == (96, 48) and row.quality.sharpness > 0
    assert (captures.folder / row.image).read_bytes() == png("fed") and row.seconds > 0
    assert (failed.outcome, failed.image) == (Outcome.FAILED, "") and failed.reason.startswith("is no image")
    assert job.document == "job" and job.image
    assert "emendo_captured_pictures_total 2.0" in lines and 'emendo_capture_dropped_total{reason="queue"} 0.0' in lines
    assert 'emendo_characters_total{kind="line"} 5.0' in lines and 'emendo_confidence_count{kind="line"} 2.0' in lines


def test_what_was_let_in_is_on_the_disk_when_the_service_has_stopped(tmp_path: Path) -> None:
    with capturing(tmp_path) as (client, captures):
        for text in ("a", "b", "c"):
            assert client.post("/v1/read", content=png(text)).status_code == 200
    assert [one.text for one in captures.seen()] == ["a", "b", "c"]


def test_whoever_is_turned_away_is_seen_before_the_body_came_and_in_the_queue(tmp_path: Path) -> None:
    model, captures = Slow(), Captures(tmp_path)
    settings = settings_of(**LINES, serve__queue=1, capture__share=1.0)
    service = Service(settings, load=model.load, capture=Capture(captures, settings.capture))
    with client_of(service) as client:
        job = client.post("/v1/jobs", params={"kind": "line"}, files=[("files", ("a", png("a")))])
        assert job.status_code == 202 and model.begun.acquire(timeout=20)
        service.submit([Task("line", png("a"))], due=1e12)
        refused = client.post("/v1/read", params={"document": "book"}, content=png("b"))
        assert refused.status_code == 503
        model.go.set()
    rejected = [one for one in captures.seen() if one.outcome is Outcome.REJECTED]
    assert [(one.reason, one.document, one.image) for one in rejected] == [("full", "book", "")]


def test_a_truth_is_told_once_and_a_later_one_holds(tmp_path: Path) -> None:
    with capturing(tmp_path) as (client, captures):
        name = client.post("/v1/read", content=png("fed")).json()["id"]
        answers = [client.post("/v1/feedback", json={"id": name, "text": text}) for text in ("fad", " fad ", "bad")]
        for answer in answers:
            schemas.Told.model_validate_json(answer.content)
        assert [answer.json()["kept"] for answer in answers] == [True, False, True]
        lines = client.get("/metrics").text.splitlines()
    assert [(one.id, one.text, one.author) for one in captures.truths()] == [
        (name, "fad", "anonymous"),
        (name, "bad", "anonymous"),
    ]
    assert (
        'emendo_feedback_total{result="kept"} 2.0' in lines and 'emendo_feedback_total{result="repeated"} 1.0' in lines
    )


WRONG: list[tuple[dict[str, Any], int, str]] = [
    ({"id": "0" * 32, "text": "a"}, 404, "there is no answer"),
    ({"id": "../etc", "text": "a"}, 422, "id"),
    ({"text": "a"}, 422, "id"),
    ({"id": None}, 422, "text is to be told of it"),
    ({"id": None, "text": "a", "fields": {}}, 422, "text is to be told of it"),
    ({"id": None, "fields": {"total": "1.00"}}, 422, "text is to be told of it"),
    ({"id": None, "text": "a\nb"}, 422, "one line is asked for and 2 were sent"),
    ({"id": None, "text": "a", "line": 1}, 422, "has 1 line and no line 1"),
    ({"id": None, "text": "a", "line": -1}, 422, "line"),
    ({"id": None, "text": "x" * 100_001}, 422, "text"),
    ({"id": None, "text": "a", "author": "x" * 101}, 422, "author"),
    ({"id": None, "text": "a", "more": 1}, 422, "more"),
]
"""What is sent (id None: that of an answer), and the status and words with which it is refused."""


def test_what_cannot_be_the_truth_is_refused(tmp_path: Path) -> None:
    with capturing(tmp_path) as (client, captures):
        name = client.post("/v1/read", content=png("fed")).json()["id"]
        for body, status, what in WRONG:
            answer = client.post("/v1/feedback", json={**body, **({"id": name} if body.get("id", 0) is None else {})})
            assert (answer.status_code, what in answer.json()["error"]["message"]) == (status, True), answer.text
        answer = client.post("/v1/feedback", content=b"no json")
        assert answer.status_code == 422
        assert answer.json()["error"]["message"].startswith("the body: invalid json")
        assert client.post("/v1/feedback", content=b" " * 2_000_001).status_code == 413
        assert f'emendo_feedback_total{{result="refused"}} {len(WRONG) + 2}.0' in client.get("/metrics").text
    assert not list(captures.truths())


def test_nothing_can_be_told_where_nothing_or_no_text_is_kept(tmp_path: Path) -> None:
    with capturing(tmp_path / "texts", capture__texts=False) as (client, _):
        name = client.post("/v1/read", content=png("fed")).json()["id"]
        answer = client.post("/v1/feedback", json={"id": name, "text": "a"})
        assert answer.status_code == 409 and "keeps no texts" in answer.json()["error"]["message"]
    with client_of(Service(settings_of(**LINES, model=str(colour_model(tmp_path / "model"))))) as client:
        name = client.post("/v1/read", content=png("fed")).json()["id"]
        answer = client.post("/v1/feedback", json={"id": name, "text": "a"})
        assert answer.status_code == 409 and "--capture" in answer.json()["error"]["message"]
        assert "emendo_captured_total" not in client.get("/metrics").text


def test_the_author_is_who_holds_the_key_unless_the_request_says(tmp_path: Path) -> None:
    key = add_key(tmp_path / "keys", "shop", Access.READ)
    with capturing(tmp_path, serve__api_keys=str(tmp_path / "keys")) as (client, captures):
        mine = {"Authorization": f"Bearer {key}"}
        name = client.post("/v1/read", content=png("fed"), headers=mine).json()["id"]
        assert client.post("/v1/feedback", json={"id": name, "text": "a"}).status_code == 401
        client.post("/v1/feedback", json={"id": name, "text": "a"}, headers=mine)
        client.post("/v1/feedback", json={"id": name, "text": "b", "author": "ann"}, headers=mine)
    assert [one.author for one in captures.truths()] == ["shop", "ann"]
    assert [one.caller for one in captures.seen()] == ["shop"]


def test_of_a_page_one_line_or_all_lines_are_told(tmp_path: Path) -> None:
    page = np.full((400, 600, 3), 255, np.uint8)
    for number, bottom in enumerate((80, 140, 300), start=1):
        cv2.putText(page, f"the train is late {number}", (40, bottom), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2)
    with capturing(tmp_path, serve__kinds=["page"]) as (client, captures):
        said = client.post("/v1/read", params={"kind": "page"}, content=png_of(page)).json()
        for body in ({"text": "one", "line": 1}, {"text": "one\ntwo\nthree\n"}):
            answer = client.post("/v1/feedback", json={"id": said["id"], **body})
            assert answer.json().get("kept"), answer.text
        written(client, 1)
    (row,) = captures.seen()
    assert [line.text for line in row.lines] == [line["text"] for line in said["lines"]]
    assert [list(map(list, line.polygon)) for line in row.lines] == [line["polygon"] for line in said["lines"]]
    assert [(one.line, one.text) for one in captures.truths()] == [(1, "one"), (None, "one\ntwo\nthree")]


def test_what_the_monitor_says_is_shown(tmp_path: Path) -> None:
    with capturing(tmp_path) as (client, captures):
        assert "emendo_alerts" not in client.get("/metrics").text
        captures.folder.mkdir(exist_ok=True)
        state = {"alerts": [{"name": 'drift "x"'}], "measures": {"cer": 0.05}}
        (captures.folder / "monitor.json").write_text(json.dumps(state))
        lines = client.get("/metrics").text.splitlines()
    assert "emendo_alerts 1.0" in lines and 'emendo_alert{name="drift \\"x\\""} 1.0' in lines
    assert 'emendo_monitor_measure{name="cer"} 0.05' in lines
    assert any(line.startswith("emendo_monitor_age_seconds ") for line in lines)
    assert any(line.startswith("process_resident_memory_bytes ") for line in lines)
