"""The client: what it sends, what it waits for, and a running service as a model."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from emendo.cli import main
from emendo.client import Client, ServiceError
from emendo.errors import EngineError, UsageError
from emendo.models.plates import load_plate_recognizer
from emendo.models.references import load_recognizer
from emendo.models.remote import RemoteRecognizer
from emendo.serve.http.app import create_app
from emendo.serve.keys import Access, add_key
from emendo.serve.service import Service
from emendo.tools.listen import bound, listening
from emendo.types import Recognizer

from .release.colours import colour_samples
from .serve.served import LINES, Slow, colour_model, png, settings_of, stripes


@contextmanager
def running(service: Service) -> Iterator[str]:
    """The address of a service that this process serves."""
    service.start()
    opened = bound("127.0.0.1", 0)
    config = uvicorn.Config(create_app(service), log_level="warning", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]}, daemon=True)
    thread.start()
    try:
        yield f"http://{listening(opened)}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(10)
        service.stop(2)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    model = colour_model(tmp_path_factory.mktemp("models") / "model")
    values = {**LINES, "serve__kinds": ["line", "plate"]}
    with running(Service(settings_of(model=str(model), **values))) as found:
        yield found


Say = Callable[[int], tuple[int, dict[str, str], bytes]]


@contextmanager
def scripted(say: Say) -> Iterator[str]:
    """A server that answers its requests, counted from 0, as `say` tells it; status 0 drops the connection."""
    count = iter(range(1000))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

        def do_GET(self) -> None:
            status, headers, body = say(next(count))
            if not status:
                self.connection.close()
                return
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_files_and_bytes_are_read(address: str, tmp_path: Path) -> None:
    client = Client(address)
    (tmp_path / "x.png").write_bytes(png("gab"))
    assert client.ready() and client.model()["model"].startswith("colours@")
    read = client.read(tmp_path / "x.png", characters=True)
    assert (read.text, read.size, read.lines) == ("gab", (96, 48), ())
    assert [one.text for one in read.reading.characters] == ["g", "a", "b"]
    assert client.read(png("a"), kind="plate").text == "A"
    found = client.batch([png("a"), b"bad", tmp_path / "x.png"])
    assert [one.read.text if one.read else "" for one in found] == ["a", "", "gab"]
    assert [one.name for one in found] == ["image 1", "image 2", "x.png"] and "is no image" in found[1].error


def test_names_of_files_arrive_as_they_are(address: str, tmp_path: Path) -> None:
    for name in ('a "b".png', "größe.png"):
        (tmp_path / name).write_bytes(png("a"))
    found = Client(address).batch(sorted(tmp_path.iterdir()))
    assert [one.name for one in found] == ["a %22b%22.png", "größe.png"] and all(one.read for one in found)


def test_a_job_is_waited_for(address: str) -> None:
    client = Client(address)
    job = client.job([png("ab"), png("cd")], kind="line")
    assert job.total == 2
    assert [one.read.text if one.read else "" for one in job.wait(30, pause=0.01)] == ["ab", "cd"]
    assert job.done() == 2
    job.cancel()
    with pytest.raises(ServiceError, match="there is no job") as caught:
        job.done()
    assert (caught.value.status, caught.value.code) == (404, "not_found")


def test_a_job_that_takes_too_long_is_told() -> None:
    slow = Slow()
    with running(slow.service()) as place:
        job = Client(place).job([png("a")], kind="line")
        with pytest.raises(ServiceError, match="has read 0 of 1 images after 0 s"):
            job.wait(0)
        slow.go.set()
        assert len(job.wait(30, pause=0.01)) == 1


def test_what_is_wrong_with_an_image_is_an_error_with_its_name(address: str, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"bad")
    with pytest.raises(ServiceError, match=r"x\.png: image: is no image") as caught:
        Client(address).read(tmp_path / "x.png")
    assert (caught.value.status, caught.value.code) == (422, "bad_image")
    with pytest.raises(UsageError, match="cannot be read"):
        Client(address).read(tmp_path / "nothing")


def test_a_service_that_is_full_is_asked_again_when_it_says_so() -> None:
    full = json.dumps({"error": {"code": "full", "message": "4 images wait"}}).encode()

    def say(number: int) -> tuple[int, dict[str, str], bytes]:
        return (503, {"Retry-After": "0"}, full) if number < 3 else (200, {}, b'{"model": "m"}')

    with scripted(say) as place:
        assert Client(place).model() == {"model": "m"}
    with scripted(lambda _: (503, {"Retry-After": "9"}, full)) as place:
        with pytest.raises(ServiceError, match="4 images wait") as caught:
            Client(place, patience=0.5).model()
        assert (caught.value.status, caught.value.code) == (503, "full")
        assert not Client(place).ready()


def test_a_dropped_connection_is_made_again() -> None:
    with scripted(lambda number: (200 if number else 0, {}, b"{}")) as place:
        assert Client(place).model() == {}


def test_a_service_that_is_not_there_is_told() -> None:
    with bound("127.0.0.1", 0) as opened:
        place = f"http://{listening(opened)}"
    with pytest.raises(ServiceError, match="cannot be reached") as caught:
        Client(place, patience=0.3).model()
    assert caught.value.status == 0
    with pytest.raises(EngineError, match="cannot be reached"):
        RemoteRecognizer(place, patience=0.0)


def test_of_a_document_the_pages_read_by_their_text_layer_arrive() -> None:
    row = {"text": "{}", "confidence": 0.9, "model": "m", "width": 1, "height": 1, "fields": {"total": "3.20"}}
    body = json.dumps({**row, "certainty": {"total": 0.9}, "faults": {}, "findings": [], "pages": 2, "text_layer": [2]})
    with scripted(lambda _: (200, {}, body.encode())) as address:
        read = Client(address).read(b"x")
    assert read.reading.text_layer == (2,) and read.reading.fields == {"total": "3.20"} and read.pages == 2


@pytest.mark.parametrize("body", [b"no json", b"[]"])
def test_an_answer_that_is_no_object_is_told(body: bytes) -> None:
    with scripted(lambda _: (200, {}, body)) as place, pytest.raises(ServiceError, match="what is no JSON"):
        Client(place).model()
    with scripted(lambda _: (500, {}, body)) as place, pytest.raises(ServiceError, match="answered with status 500"):
        Client(place).model()


@pytest.mark.parametrize("place", ["ftp://host", "host:80", "http://", "http://key@host", ""])
def test_what_is_no_address_is_told(place: str) -> None:
    with pytest.raises(UsageError, match="is no address of a service"):
        Client(place)


def test_a_running_service_is_a_model(
    address: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = load_recognizer(address)
    assert isinstance(remote, Recognizer) and remote.model.startswith("colours@")
    readings = remote.read([stripes(text) for text in ("a", "bc", "def", "g", "ab")])
    assert [one.text for one in readings] == ["a", "bc", "def", "g", "ab"]
    assert {one.model for one in readings} == {remote.model} and len(readings[2].characters) == 3
    assert load_plate_recognizer(address, "ABDEF").read([stripes("fed")])[0].text == "FED"
    samples = colour_samples(tmp_path / "images", ["ab", "cd"])
    rows = [{"image": f"images/{one.image.name}", "text": one.text} for one in samples]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "--model", address, "--data", "set.jsonl", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert (figures["samples"], figures["cer"]) == (2, 0.0)


def test_a_remote_model_that_cannot_read_an_image_says_so(address: str) -> None:
    remote = RemoteRecognizer(address, kind="page", patience=0.0)
    with pytest.raises(EngineError, match="this service reads no pages"):
        remote.read([stripes("a")])


def test_the_key_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = colour_model(tmp_path / "model")
    key = add_key(tmp_path / "keys", "ann", Access.ADMIN)
    values = {**LINES, "serve__api_keys": str(tmp_path / "keys")}
    with running(Service(settings_of(model=str(model), **values), probe=lambda _: None)) as place:
        with pytest.raises(ServiceError, match="this needs an API key"):
            Client(place).model()
        client = Client(place, key=key)
        assert client.swap(str(model))["reference"] == str(model)
        with pytest.raises(ServiceError, match="the old model stays"):
            client.swap(str(tmp_path / "nothing"))
        monkeypatch.setenv("EMENDO_API_KEY", key)
        assert load_recognizer(place).read([stripes("a")])[0].text == "a"


def test_threads_share_a_client_and_a_model_read_the_same(address: str) -> None:
    client = Client(address)
    texts = ["ab", "cde", "fg", "bed"] * 5
    found: dict[int, str] = {}

    def read(at: int) -> None:
        found[at] = client.read(png(texts[at])).text

    threads = [threading.Thread(target=read, args=(at,)) for at in range(len(texts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [found[at] for at in range(len(texts))] == texts


def test_the_client_is_light() -> None:
    heavy = ["cv2", "onnxruntime", "fastapi", "pydantic", "PIL", "prometheus_client"]
    code = f"import sys, emendo.client; print([one for one in {heavy} if one in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
