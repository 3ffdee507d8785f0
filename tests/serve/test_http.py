"""The routes: what is answered, in which form, and to whom."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image as Pillow
from pydantic import BaseModel

from emendo.models.detector import Detector
from emendo.models.references import load_recognizer
from emendo.pages.read import read_document
from emendo.serve.http import schemas
from emendo.serve.http.app import create_app
from emendo.serve.service import Service

from .served import HOST, LINES, Slow, client_of, colour_model, png, png_of, settings_of, stripes, until


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    model = colour_model(tmp_path / "model")
    with client_of(Service(settings_of(model=str(model), **LINES))) as opened:
        yield opened


def checked(form: type[BaseModel], answer: Any) -> Any:
    """The body of an answer, held to the form that /openapi.json gives it."""
    form.model_validate_json(answer.content)
    return answer.json()


def test_one_image_as_the_body_and_as_a_form(client: TestClient) -> None:
    said = checked(schemas.Reading, client.post("/v1/read", content=png("fed")))
    assert said["text"] == "fed" and said["model"].startswith("colours@")
    assert (said["width"], said["height"]) == (96, 48) and 0 <= said["confidence"] <= 1
    assert "characters" not in said and "lines" not in said
    again = checked(schemas.Reading, client.post("/v1/read", files={"file": ("x.png", png("gab"), "image/png")}))
    assert again["text"] == "gab"


def test_characters_where_they_are_asked_for(client: TestClient) -> None:
    said = checked(schemas.Reading, client.post("/v1/read", params={"characters": True}, content=png("ab")))
    assert [one["text"] for one in said["characters"]] == ["a", "b"]
    first = said["characters"][0]
    assert 0 <= first["start"] < first["end"] <= 96 and first["probability"] > 0.9


def test_a_batch_reads_the_good_ones_and_says_what_is_wrong_with_the_others(client: TestClient) -> None:
    files = [("files", (name, data)) for name, data in (("a", png("a")), ("b", b"no image"), ("c", png("c")))]
    said = checked(schemas.Batch, client.post("/v1/batch", files=files))["results"]
    assert [one["name"] for one in said] == ["a", "b", "c"]
    assert [one.get("reading", {}).get("text") for one in said] == ["a", None, "c"]
    assert said[1]["error"]["code"] == "bad_image" and said[1]["error"]["message"].startswith("b: is no image")
    listed = [base64.b64encode(png(text)).decode() for text in ("d", "e")]
    said = checked(schemas.Batch, client.post("/v1/batch", json=listed, params={"characters": True}))["results"]
    assert [one["reading"]["text"] for one in said] == ["d", "e"] and said[0]["reading"]["characters"]


def test_the_lines_of_a_page_in_reading_order(tmp_path: Path) -> None:
    page = np.full((400, 600, 3), 255, np.uint8)
    for number, bottom in enumerate((80, 140, 300), start=1):
        cv2.putText(page, f"the train is late {number}", (40, bottom), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (0, 0, 0), 2)
    model = colour_model(tmp_path / "model")
    values = {"serve__kinds": ["page"], "serve__workers": 1}
    with client_of(Service(settings_of(model=str(model), **values))) as client:
        answer = client.post("/v1/read", params={"kind": "page", "characters": True}, content=png_of(page))
        said = checked(schemas.Reading, answer)
        assert client.post("/v1/read", content=png("a")).json()["error"]["code"] == "bad_kind"
    tops = [one["box"][1] for one in said["lines"]]
    assert len(tops) == 3 and tops == sorted(tops) and all(len(one["polygon"]) >= 3 for one in said["lines"])
    assert said["text"].replace("\n\n", "\n").split("\n") == [one["text"] for one in said["lines"]]
    assert said["confidence"] == min(one["confidence"] for one in said["lines"])
    (tmp_path / "page.png").write_bytes(png_of(page))
    note = read_document(tmp_path / "page.png", recognizer=load_recognizer(str(model)), detector=Detector())
    assert note.text.read_text(encoding="utf-8").strip() == said["text"].strip(), "as `emendo read` reads it"


def test_plates_hold_only_what_plates_may(tmp_path: Path) -> None:
    model = colour_model(tmp_path / "model")
    with client_of(Service(settings_of(model=str(model), serve__kinds=["plate"]))) as client:
        said = checked(schemas.Reading, client.post("/v1/read", params={"kind": "plate"}, content=png("fed")))
    assert said["text"] == "FED" and said["model"].startswith("plate(colours@")


def test_a_job_is_sent_asked_for_and_forgotten(client: TestClient) -> None:
    sheets = [Pillow.fromarray(stripes(text)) for text in ("ab", "cd", "ef")]
    held = io.BytesIO()
    sheets[0].save(held, "TIFF", save_all=True, append_images=sheets[1:])
    files = [("files", ("book.tif", held.getvalue())), ("files", ("bad", b"bad"))]
    sent = client.post("/v1/jobs", files=files, params={"kind": "line"})
    assert sent.status_code == 202
    job = checked(schemas.Progress, sent)
    assert sent.headers["location"] == f"/v1/jobs/{job['id']}" and job["total"] == 4
    until(lambda: client.get(sent.headers["location"]).json()["state"] == "done")
    said = checked(schemas.Progress, client.get(sent.headers["location"]))
    rows = [(one["name"], one["page"], one.get("reading", {}).get("text")) for one in said["results"]]
    assert rows == [("book.tif", 1, "ab"), ("book.tif", 2, "cd"), ("book.tif", 3, "ef"), ("bad", 1, None)]
    assert said["done"] == 4 and said["results"][3]["error"]["code"] == "bad_image"
    assert "emendo_held_bytes 0.0" in client.get("/metrics").text
    assert client.delete(sent.headers["location"]).status_code == 204
    gone = client.get(sent.headers["location"])
    assert gone.status_code == 404 and "there is no job" in gone.json()["error"]["message"]


def test_a_job_that_is_ended_is_not_read() -> None:
    model = Slow()
    service = model.service()
    with client_of(service) as client:
        files = [("files", (name, png("a"))) for name in "abc"]
        place = client.post("/v1/jobs", files=files, params={"kind": "line"}).headers["location"]
        assert model.begun.acquire(timeout=10)
        assert client.get(place).json()["state"] == "running"
        assert client.delete(place).status_code == 204
        assert service.queue.lengths == (0, 0, 1)
        model.go.set()


def test_alive_ready_model_and_counts(client: TestClient) -> None:
    assert checked(schemas.State, client.get("/healthz")) == {"status": "alive"}
    assert checked(schemas.State, client.get("/readyz")) == {"status": "ready"}
    said = checked(schemas.Model, client.get("/v1/model"))
    assert said["kinds"] == ["line"] and said["model"].startswith("colours@") and said["failure"] is None
    client.post("/v1/read", content=png("a"))
    client.post("/v1/read", content=b"bad")
    client.get("/nowhere")
    lines = client.get("/metrics").text.splitlines()
    assert 'emendo_requests_total{route="/v1/read",status="200"} 1.0' in lines
    assert 'emendo_requests_total{route="/v1/read",status="422"} 1.0' in lines
    assert 'emendo_requests_total{route="other",status="404"} 1.0' in lines
    assert 'emendo_read_seconds_count{kind="line"} 1.0' in lines and "emendo_queue_length 0.0" in lines
    assert 'emendo_read_failures_total{kind="line"} 1.0' in lines and "emendo_queue_bound 64.0" in lines
    assert any(line.startswith("emendo_model_info{") and said["model"] in line for line in lines)


def test_before_the_model_is_there_nothing_is_read_and_the_service_says_so() -> None:
    service = Slow().service()
    with TestClient(create_app(service), base_url=HOST) as client:
        assert client.get("/healthz").status_code == 200
        for answer in (client.get("/readyz"), client.post("/v1/read", content=png("a"))):
            assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
            assert answer.json()["error"] == {
                "code": "loading",
                "message": "the model is being loaded; ask again in 1 s",
            }
        assert client.get("/v1/model").json()["model"] == ""


def test_the_description_has_every_route_with_forms_for_answers_and_errors(client: TestClient) -> None:
    described = client.get("/openapi.json").json()
    paths = {f"{method} {path}" for path, methods in described["paths"].items() for method in methods}
    assert paths == {
        "post /v1/read",
        "post /v1/batch",
        "post /v1/jobs",
        "get /v1/jobs/{name}",
        "delete /v1/jobs/{name}",
        "post /v1/feedback",
        "get /v1/model",
        "post /v1/model",
        "get /v1/trial",
        "post /v1/trial",
        "delete /v1/trial",
        "get /healthz",
        "get /readyz",
        "get /metrics",
        "get /ping",
        "post /invocations",
        "get /execution-parameters",
    }
    read = described["paths"]["/v1/read"]["post"]
    assert set(read["requestBody"]["content"]) == {"image/*", "application/pdf", "multipart/form-data"}
    named = {one["name"] for one in read["parameters"]}
    assert named == {"X-Deadline-Ms", "deadline_ms", "kind", "characters", "page", "document"}
    assert set(read["responses"]) == {"200", "400", "401", "408", "413", "422", "503"}
    assert read["responses"]["503"]["content"]["application/json"]["schema"]["$ref"].endswith("/Error")
    assert all("summary" in one for methods in described["paths"].values() for one in methods.values())
    assert "HTTPValidationError" not in json.dumps(described)
