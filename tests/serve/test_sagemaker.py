"""The contract of a SageMaker container: a real process as the image starts it, and what each request is answered."""

from __future__ import annotations

import base64
import http.client
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image as Pillow

from emendo.cli import main
from emendo.errors import BundleError, SettingsError
from emendo.image.load import open_document, read_image
from emendo.models.references import load_recognizer
from emendo.serve.container import sagemaker_start, with_defaults
from emendo.serve.http.app import create_app
from emendo.serve.service import Service
from emendo.settings import Limits
from emendo.tools.archives import unpack

from .served import HOST, LINES, Slow, client_of, colour_model, png, png_of, settings_of, stripes

ROOT = Path(__file__).resolve().parents[2]
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


def pdf(*texts: str) -> bytes:
    """A PDF with a page of stripes for each text."""
    pages = [Pillow.fromarray(stripes(text)) for text in texts]
    held = io.BytesIO()
    pages[0].save(held, "PDF", save_all=True, append_images=pages[1:], resolution=200)
    return held.getvalue()


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    model = colour_model(tmp_path_factory.mktemp("models") / "model")
    with client_of(Service(settings_of(model=str(model), **LINES))) as opened:
        yield opened


class Container:
    """`serve` of the image, in this system: the script that is copied into it, with `emendo` on its path."""

    def __init__(self, place: Path, model: Path, **more: str) -> None:
        shim = place / "emendo"
        shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m emendo "$@"\n', encoding="utf-8")
        shim.chmod(0o755)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("EMENDO_SERVE", "OCR"))
        }
        environment |= {"PATH": f"{place}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1"}
        environment |= {"SM_MODEL_DIR": str(model), "SAGEMAKER_BIND_TO_PORT": "0", "EMENDO_SERVE__WORKERS": "1", **more}
        script = ROOT / "deploy" / "sagemaker" / "serve"
        self.process = subprocess.Popen([script], stderr=subprocess.PIPE, text=True, env=environment, cwd=place)
        assert self.process.stderr is not None
        shown = self.process.stderr.readline()
        found = re.search(r"http://0\.0\.0\.0:(\d+)", shown)
        assert found, shown + self.process.stderr.read()
        self.port = int(found.group(1))

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def read(self, body: bytes, kind: str, **headers: str) -> Any:
        status, content = self.ask("POST", "/invocations", body, Content_Type=kind, **headers)
        assert status == 200, content
        return json.loads(content)

    def wait_ready(self) -> set[int]:
        """Until /ping answers 200; what it answered until then."""
        seen = set()
        while 200 not in seen:
            assert self.process.poll() is None
            seen.add(self.ask("GET", "/ping")[0])
            threading.Event().wait(0.05)
        return seen


@contextmanager
def container(place: Path, model: Path, **more: str) -> Iterator[Container]:
    started = Container(place, model, **more)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def test_the_exported_model_reads_in_the_container_what_emendo_reads(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "base", "--to", "sagemaker", "--out", str(tmp_path / "out"), "--json"]) == 0
    exported = json.loads(capsys.readouterr().out)
    unpack(tmp_path / "out" / "model.tar.gz", tmp_path / "model", Limits())  # as SageMaker does to /opt/ml/model
    (tmp_path / "bin").mkdir()
    lines = sorted((data / "peraire" / "images").glob("test_*"))[:3]
    with open_document(data / "peraire" / "notebook_D2.pdf", dpi=200) as notebook:
        page = png_of(notebook.frame(0)[300:900])
    (tmp_path / "page.png").write_bytes(page)
    with container(tmp_path / "bin", tmp_path / "model") as service:
        assert service.wait_ready() <= {503, 200}
        read = [service.read(line.read_bytes(), "image/jpeg") for line in lines]
        listed = {"instances": [b64(line.read_bytes()) for line in lines]}
        many = service.read(json.dumps(listed).encode(), "application/json")["predictions"]
        whole = service.read(page, "image/png", **{ATTRIBUTES.replace("-", "_"): "kind=page,document=D2"})
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(60) == 0
    model = load_recognizer(str(tmp_path / "model" / "bundle"), engine="auto")
    own = [model.read([read_image(line)])[0] for line in lines]  # one by one, as the service was asked
    assert [one["text"] for one in read] == [one["text"] for one in many] == [one.text for one in own]
    assert any(len(one.text) > 20 for one in own)
    assert {one["model"] for one in read} == {f"base@{exported['model']}"}
    command = ["read", str(tmp_path / "page.png"), "--model", str(tmp_path / "model" / "bundle")]
    assert main([*command, "--out", str(tmp_path / "notes")]) == 0
    assert whole["text"].split() == (tmp_path / "notes" / "page.txt").read_text(encoding="utf-8").split()
    assert len(whole["lines"]) > 3


def test_ping_answers_200_only_when_a_model_reads() -> None:
    slow = Slow()
    service = slow.service()
    with TestClient(create_app(service), base_url=HOST) as client:
        assert client.get("/ping").status_code == 503
        assert client.post("/invocations", content=png("a")).json()["error"]["code"] == "loading"
        service.start()
        assert (client.get("/ping").status_code, client.get("/ping").content) == (200, b"")
        service.drain()
        assert client.get("/ping").status_code == 503
    service.stop(1)


def test_an_image_is_answered_as_by_read(client: TestClient) -> None:
    for kind in ("image/png", "application/x-image", "application/octet-stream", "image/png; charset=binary"):
        said = client.post("/invocations", content=png("fed"), headers={"Content-Type": kind}).json()
        own = client.post("/v1/read", content=png("fed")).json()
        assert {**said, "id": ""} == {**own, "id": ""} and said["text"] == "fed"
    said = client.post("/invocations", json={"image": b64(png("ab")), "characters": True}).json()
    assert [one["text"] for one in said["characters"]] == ["a", "b"]


def test_instances_are_answered_in_order_and_a_bad_one_in_its_place(client: TestClient) -> None:
    body = {
        "instances": [b64(png("ab")), {"image": b64(b"no image"), "name": "scan 7"}, {"image": b64(pdf("cd", "ef"))}],
        "parameters": {"characters": True},
    }
    first, second, third = client.post("/invocations", json=body).json()["predictions"]
    assert first["text"] == "ab" and len(first["characters"]) == 2
    assert second["error"]["code"] == "bad_image" and second["error"]["message"].startswith("scan 7: ")
    assert [(row["page"], row["reading"]["text"]) for row in third["pages"]] == [(1, "cd"), (2, "ef")]


def test_what_is_not_in_base64_has_its_error_in_its_place(client: TestClient) -> None:
    wrong = [{"image": "!!", "name": "scan 8"}, "s3://bucket/a.png"]
    body = {"instances": [b64(png("ab")), b64(b"no image"), *wrong]}
    read, garbage, unreadable, address = client.post("/invocations", json=body).json()["predictions"]
    assert read["text"] == "ab" and garbage["error"]["code"] == "bad_image"
    assert unreadable["error"]["code"] == "bad_request"
    assert unreadable["error"]["message"].startswith("scan 8 is not in base64")
    assert address["error"]["message"].startswith("image 4 is an address")
    answer = client.post("/invocations", json={"instances": wrong})
    assert (answer.status_code, answer.json()) == (200, {"predictions": [unreadable, answer.json()["predictions"][1]]})


def test_of_a_pdf_all_pages_are_read_or_the_one_that_is_named(client: TestClient) -> None:
    headers = {"Content-Type": "application/pdf"}
    both = client.post("/invocations", content=pdf("cd", "ef"), headers=headers).json()["pages"]
    assert [row["reading"]["text"] for row in both] == ["cd", "ef"]
    assert len({row["reading"]["id"] for row in both}) == 2
    one = client.post("/invocations", content=pdf("cd"), headers=headers).json()
    assert [row["page"] for row in one["pages"]] == [1]
    second = client.post("/invocations", content=pdf("cd", "ef"), headers={**headers, ATTRIBUTES: "page=2"}).json()
    assert second["text"] == "ef"


@pytest.mark.parametrize(
    ("headers", "document"),
    [({}, ""), ({ATTRIBUTES: "invoice-17"}, "invoice-17"), ({ATTRIBUTES: "kind=line, document=a%2Cb"}, "a,b")],
)
def test_custom_attributes_name_the_document(tmp_path: Path, headers: dict[str, str], document: str) -> None:
    model = colour_model(tmp_path / "model")
    seen: list[Any] = []
    service = Service(settings_of(model=str(model), **LINES), observers=[lambda one, _: seen.append(one)])
    with client_of(service) as client:
        assert client.post("/invocations", content=png("a"), headers=headers).status_code == 200
    assert [one.document for one in seen] == [document]


@pytest.mark.parametrize(
    ("headers", "content", "status", "sentence"),
    [
        ({"Content-Type": "text/csv"}, b"a,b", 415, "Content-Type is 'text/csv'"),
        ({"Accept": "text/csv"}, png("a"), 406, "send Accept: application/json"),
        ({}, b"", 400, "no image was sent"),
        ({}, b"no image", 422, "is no image or PDF"),
        ({"Content-Type": "application/pdf"}, b"%PDF-1.7 cut", 422, "damaged or cut short"),
        ({"Content-Type": "application/json"}, b"{", 400, "the body is no JSON"),
        ({"Content-Type": "application/json"}, b"[" * 100_000, 400, "the body is no JSON"),
        ({"Content-Type": "application/json"}, b"[]", 400, "the body has no image"),
        ({"Content-Type": "application/json"}, b'{"instances": []}', 400, "instances: list should have at least 1"),
        ({"Content-Type": "application/json"}, b'{"instances": [7]}', 400, "the body: instances.0"),
        ({"Content-Type": "application/json"}, b'{"image": "YQ==", "colour": 1}', 400, "colour: is unknown here"),
        ({"Content-Type": "application/json"}, b'{"image": "*"}', 400, "not in base64"),
        ({"Content-Type": "application/json"}, b'{"image": "s3://bucket/a.png"}', 400, "none is followed"),
        ({ATTRIBUTES: "knid=page"}, png("a"), 400, "did you mean 'kind'?"),
        ({ATTRIBUTES: "kind=poem"}, png("a"), 400, "custom attributes: kind"),
        ({ATTRIBUTES: "kind=page"}, png("a"), 422, "reads no pages"),
        ({ATTRIBUTES: "page=2"}, png("a"), 422, "no page 2"),
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(
    client: TestClient, headers: dict[str, str], content: bytes, status: int, sentence: str
) -> None:
    answer = client.post("/invocations", content=content, headers=headers)
    assert answer.status_code == status, answer.text
    message = answer.json()["error"]["message"]
    assert sentence in message and "\n" not in message


def test_more_pages_than_may_wait_are_refused(tmp_path: Path) -> None:
    model = colour_model(tmp_path / "model")
    with client_of(Service(settings_of(model=str(model), serve__batch_images=2, **LINES))) as client:
        answer = client.post("/invocations", content=pdf("a", "b", "c"))
        assert (answer.status_code, "3 pages" in answer.text) == (413, True)
        assert client.post("/invocations", json={"instances": [b64(png("a"))] * 3}).status_code == 413
        told = client.get("/execution-parameters").json()
    assert told == {"MaxConcurrentTransforms": 1, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 32}


def test_what_the_environment_says_of_the_start(tmp_path: Path) -> None:
    assert sagemaker_start({"SM_MODEL_DIR": str(tmp_path / "none")}).model == ""
    (tmp_path / "empty").mkdir()
    start = sagemaker_start({"SM_MODEL_DIR": str(tmp_path / "empty"), "SAGEMAKER_BIND_TO_PORT": "9000"})
    assert (start.host, start.port, start.model) == ("0.0.0.0", 9000, "")
    colour_model(tmp_path / "flat")
    assert sagemaker_start({"SM_MODEL_DIR": str(tmp_path / "flat")}).model == str(tmp_path / "flat")
    assert sagemaker_start({"SM_MODEL_DIR": str(tmp_path / "flat"), "OCR_MODEL": "base"}).model == "base"
    (tmp_path / "empty" / "weights.bin").write_bytes(b"x")
    with pytest.raises(BundleError, match="--to sagemaker"):
        sagemaker_start({"SM_MODEL_DIR": str(tmp_path / "empty")})
    with pytest.raises(SettingsError, match="no port"):
        sagemaker_start({"SAGEMAKER_BIND_TO_PORT": "http"})
    given = with_defaults({"serve__queue": 3, "serve__wait_seconds": 1.0, "model": None}, start, {})
    assert (given["serve__grace_seconds"], given["serve__queue"], given["serve__wait_seconds"]) == (25.0, 3, 1.0)
    assert "serve__grace_seconds" not in with_defaults({}, start, {"EMENDO_SERVE__GRACE_SECONDS": "5"})
