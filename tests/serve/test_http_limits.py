"""What is refused: too much, too large, too slow, too many, from the wrong place, without a key."""

from __future__ import annotations

import hashlib
import struct
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image as Pillow

from emendo.errors import SettingsError, UsageError
from emendo.models.references import load_recognizer
from emendo.serve.http.app import create_app
from emendo.serve.http.server import own_hosts
from emendo.serve.keys import Access, Keys, add_key
from emendo.serve.reading import Task
from emendo.serve.service import Service
from emendo.tools.listen import bound, listening

from .served import LINES, Slow, client_of, colour_model, png, png_of, settings_of, stripes, until


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_model(tmp_path_factory.mktemp("models") / "model")


@pytest.fixture
def client(model: Path) -> Iterator[TestClient]:
    values: dict[str, Any] = {
        **LINES,
        "serve__body_bytes": 20_000,
        "serve__batch_images": 3,
        "limits__image_megapixels": 0.5,
        "limits__document_pages": 4,
    }
    with client_of(Service(settings_of(model=str(model), **values))) as opened:
        yield opened


def said(answer: Any, status: int, code: str) -> str:
    """The sentence of an error, which has the form of all of them."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error"} and set(body["error"]) == {"code", "message"} and body["error"]["code"] == code
    assert answer.headers["x-content-type-options"] == "nosniff"
    return str(body["error"]["message"])


def huge_png(width: int, height: int) -> bytes:
    """A small file that says it holds so many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return b"\x89PNG\r\n\x1a\n" + chunk


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<!doctype html><p>x", "image: holds a web page (HTML), not an image; emendo reads PNG, JPEG, TIFF"),
        (huge_png(40_000, 40_000), "image: is 40000 x 40000 pixels, more than the limit of 0.5 megapixels"),
        (huge_png(0, 5), "image: is 0 x 5 pixels, so it shows nothing"),
        (png("fed")[:60], "image: the PNG image is damaged or cut short"),
        (b"%PDF-1.4 nothing", "image: "),
    ],
)
def test_what_cannot_be_decoded_is_told(client: TestClient, content: bytes, sentence: str) -> None:
    assert said(client.post("/v1/read", content=content), 422, "bad_image").startswith(sentence)
    assert client.post("/v1/read", content=png("a")).json()["text"] == "a"


def test_the_smallest_images_are_read(client: TestClient) -> None:
    for shape in ((1, 1), (1, 400), (400, 1)):
        answer = client.post("/v1/read", content=png_of(np.zeros((*shape, 3), np.uint8)))
        assert answer.status_code == 200, answer.text


def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(client: TestClient) -> None:
    sentence = said(client.post("/v1/read", content=b"x" * 20_001), 413, "too_large")
    assert sentence == "the request is larger than 20,000 bytes; send less at once"


@pytest.mark.parametrize("route", ["/v1/read", "/v1/batch", "/v1/jobs?kind=line"])
@pytest.mark.parametrize("kind", ["application/octet-stream", "application/json", "multipart/form-data; boundary=x"])
def test_a_body_without_a_length_is_counted_as_it_comes(client: TestClient, route: str, kind: str) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        start = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n' if "form" in kind else b""
        for piece in (start, *[b"x" * 4000] * 1000):
            sent += len(piece)
            yield piece

    answer = client.post(route, content=endless(), headers={"Content-Type": kind})
    assert said(answer, 413, "too_large").startswith("the request is larger")
    assert "emendo_held_bytes 0.0" in client.get("/metrics").text


def test_all_requests_together_have_a_bound_too(model: Path) -> None:
    values = {**LINES, "serve__held_bytes": 1000}
    with client_of(Service(settings_of(model=str(model), **values))) as client:
        answer = client.post("/v1/read", content=b"x" * 1001)
        assert said(answer, 503, "memory").startswith("the requests that wait take all memory")
        assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize(
    ("route", "more", "status", "code", "sentence"),
    [
        ("/v1/read", {"content": b""}, 400, "bad_request", "no image was sent"),
        ("/v1/batch", {"json": []}, 400, "bad_request", "no image was sent"),
        ("/v1/batch", {"json": {"a": 1}}, 400, "bad_request", "the body is no JSON list of images in base64"),
        ("/v1/batch", {"json": ["%%%"]}, 400, "bad_request", "an image is not in base64"),
        ("/v1/batch", {"json": ["YQ=="] * 4}, 413, "too_large", "more than 3 images were sent"),
        ("/v1/read", {"files": [("a", b"x"), ("b", b"y")]}, 400, "bad_request", "too many files"),
        ("/v1/read?kind=word", {"content": b"x"}, 422, "bad_request", "query kind: "),
        ("/v1/read?kind=page", {"content": b"x"}, 422, "bad_kind", "this service reads no pages"),
        ("/v1/jobs", {"content": b"x"}, 422, "bad_kind", "this service reads no pages"),
        ("/v1/read?deadline_ms=0", {"content": b"x"}, 422, "bad_request", "query deadline_ms: "),
        ("/v1/read", {"content": b"x", "headers": {"X-Deadline-Ms": "soon"}}, 422, "bad_request", "header X-Dead"),
        ("/v1/nothing", {"content": b"x"}, 404, "not_found", "not found"),
        ("/healthz", {"content": b"x"}, 405, "not_allowed", "method not allowed"),
        (
            "/v1/read",
            {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}},
            400,
            "bad_request",
            "missing boundary",
        ),
        (
            "/v1/batch",
            {"content": b"[" * 10_000, "headers": {"Content-Type": "application/json"}},
            400,
            "bad_request",
            "the body is no JSON",
        ),
    ],
)
def test_a_request_that_cannot_be_is_told_why(
    client: TestClient, route: str, more: dict[str, Any], status: int, code: str, sentence: str
) -> None:
    assert said(client.post(route, **more), status, code).startswith(sentence)


def test_a_document_of_many_pages_is_for_a_job_and_has_a_limit(client: TestClient, tmp_path: Path) -> None:
    sheets = [Pillow.new("RGB", (20, 20), "white") for _ in range(3)]
    sheets[0].save(tmp_path / "book.tif", save_all=True, append_images=sheets[1:])
    book = (tmp_path / "book.tif").read_bytes()
    sentence = said(client.post("/v1/read", content=book), 422, "bad_image")
    assert sentence == "image: has 3 pages, and one image is read at once; send it as a job"
    twice = [("files", ("a", book)), ("files", ("b", book))]
    answer = client.post("/v1/jobs?kind=line", files=twice)
    assert said(answer, 413, "too_large") == "6 pages were sent, more than 4; send them as more jobs"


def test_a_full_queue_answers_503_and_says_when_to_come_again() -> None:
    slow = Slow()
    service = slow.service(serve__queue=2)
    with client_of(service) as client:
        works = service.submit(_tasks(1), _far())
        assert slow.begun.acquire(timeout=10)
        works += service.submit(_tasks(2), _far())
        answer = client.post("/v1/read", content=png("a"))
        assert said(answer, 503, "full").startswith("2 images wait already, of 2 that may; ask again in")
        assert int(answer.headers["retry-after"]) >= 1
        batch = client.post("/v1/batch", files=[("files", (name, png("a"))) for name in "abc"])
        assert said(batch, 503, "full")
        assert client.post("/v1/jobs?kind=line", content=png("a")).status_code == 202
        slow.go.set()
        assert [work.result.result(10).reading.text for work in works] == ["read"] * 3
        assert client.post("/v1/read", content=png("a")).status_code == 200
        many = client.post("/v1/batch", files=[("files", (name, png("a"))) for name in "abc"])
        assert said(many, 400, "bad_request").startswith("too many files")
        assert 'emendo_rejects_total{reason="full"} 2.0' in client.get("/metrics").text


def test_a_deadline_that_cannot_be_kept_is_refused_at_once_and_one_that_passed_is_not_read() -> None:
    slow = Slow(seconds=5.0)
    service = slow.service(serve__wait_seconds=600)
    with client_of(service) as client:
        first = service.submit(_tasks(1), _far())
        assert slow.begun.acquire(timeout=10)
        answer = client.post("/v1/read", content=png("a"), headers={"X-Deadline-Ms": "3000"})
        assert said(answer, 503, "deadline").startswith("the answer would take")
        second = service.submit(_tasks(1), _far())
        second[0].due = 0.0
        slow.go.set()
        assert first[0].result.result(10).reading.text == "read"
        assert "the deadline would pass" in str(second[0].result.exception(10))
        text = client.get("/metrics").text
        assert 'emendo_rejects_total{reason="expired"} 1.0' in text
        assert 'emendo_rejects_total{reason="deadline"} 1.0' in text


def test_jobs_have_a_bound_and_the_oldest_result_makes_room() -> None:
    slow = Slow()
    service = slow.service(serve__jobs=2)
    with client_of(service) as client:
        places = [client.post("/v1/jobs?kind=line", content=png("a")).headers["location"] for _ in range(2)]
        full = client.post("/v1/jobs?kind=line", content=png("a"))
        assert said(full, 503, "jobs").startswith("2 jobs with 2 images are at work already")
        slow.go.set()
        until(lambda: not service.jobs.unfinished())
        assert client.post("/v1/jobs?kind=line", content=png("a")).status_code == 202
        assert [client.get(place).status_code for place in places].count(404) == 1
        service.queue.wait_idle(10)


def test_the_images_of_all_jobs_have_a_bound_and_a_job_that_is_done_holds_no_files() -> None:
    slow = Slow()
    service = slow.service(serve__job_images=3)
    with client_of(service) as client:
        two = [("files", ("a", png("a"))), ("files", ("b", png("b")))]
        job = client.post("/v1/jobs?kind=line", files=two).json()["id"]
        full = client.post("/v1/jobs?kind=line", files=two)
        assert said(full, 503, "jobs").startswith("1 jobs with 2 images are at work already")
        held = service.jobs.get(job, "")
        assert held is not None and held.works[1].task.content == png("b")
        slow.go.set()
        until(lambda: held.ended is not None)
        assert client.post("/v1/jobs?kind=line", files=two).status_code == 202
        assert held.works[1].task.content == b"" and client.get(f"/v1/jobs/{job}").status_code == 404
        until(lambda: "emendo_held_bytes 0.0" in client.get("/metrics").text)


def test_results_are_kept_for_a_while_only() -> None:
    slow = Slow()
    slow.go.set()
    service = slow.service(serve__job_minutes=1e-9)
    with client_of(service) as client:
        place = client.post("/v1/jobs?kind=line", content=png("a")).headers["location"]
        until(lambda: client.get(place).status_code == 404)


def test_a_reader_that_breaks_is_one_answer_and_not_the_end(caplog: pytest.LogCaptureFixture) -> None:
    slow = Slow()
    slow.go.set()
    service = slow.service()
    with client_of(service) as client:
        object.__setattr__(service.keeper.served, "readers", {"line": lambda image, stopped: 1 / 0})
        assert said(client.post("/v1/read", content=png("a")), 500, "failed").startswith("image: reading failed")
        assert "ZeroDivisionError" in caplog.text
        object.__setattr__(service.keeper.served, "readers", slow.load("").readers)
        assert client.post("/v1/read", content=png("a")).status_code == 200


def test_with_keys_only_their_holders_may_ask_and_only_some_may_change_the_model(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys"
    reader, admin = add_key(file, "scanner", Access.READ), add_key(file, "ann", Access.ADMIN)
    assert reader not in file.read_text() and hashlib.sha256(admin.encode()).hexdigest() in file.read_text()
    with client_of(Service(settings_of(model=str(model), serve__api_keys=str(file), **LINES))) as client:
        for key in ("", "wrong", reader[:-1], hashlib.sha256(reader.encode()).hexdigest()):
            answer = client.post("/v1/read", content=png("a"), headers={"Authorization": f"Bearer {key}"})
            assert said(answer, 401, "unauthorized").startswith("this needs an API key")
            assert answer.headers["www-authenticate"] == "Bearer"
        for route in ("/metrics", "/v1/model", "/v1/jobs/x"):
            assert client.get(route).status_code == 401
        for route in ("/healthz", "/readyz", "/openapi.json"):
            assert client.get(route).status_code == 200
        for headers in ({"Authorization": f"Bearer {reader}"}, {"X-API-Key": admin}):
            assert client.post("/v1/read", content=png("a"), headers=headers).json()["text"] == "a"
        wanted = {"reference": str(model)}
        refused = client.post("/v1/model", json=wanted, headers={"X-API-Key": reader})
        assert said(refused, 403, "forbidden").startswith("this needs an API key with the role admin")
        assert client.post("/v1/model", json=wanted, headers={"X-API-Key": admin}).status_code == 200
        place = client.post("/v1/jobs?kind=line", content=png("a"), headers={"X-API-Key": admin}).headers["location"]
        assert client.get(place, headers={"X-API-Key": reader}).status_code == 404
        assert client.get(place, headers={"X-API-Key": admin}).status_code == 200


def test_without_keys_nobody_may_change_the_model(client: TestClient, model: Path) -> None:
    assert said(client.post("/v1/model", json={"reference": str(model)}), 403, "forbidden")


def test_keys_are_taken_and_taken_back_while_the_service_runs(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    first = add_key(file, "one", Access.READ)
    keys = Keys(file)
    second = add_key(file, "two", Access.ADMIN)
    assert keys.holder(second) is None
    keys.refresh()
    found = keys.holder(second)
    assert found is not None and (found.name, found.access) == ("two", Access.ADMIN)
    file.write_text("".join(f"# remark\n{line}\n" for line in file.read_text().splitlines() if " one " not in line))
    keys.refresh()
    assert keys.holder(first) is None and keys.holder(second) is not None
    file.write_text("admin evil short\n")
    with pytest.raises(SettingsError, match="keys:1: is no key"):
        keys.refresh()
    assert keys.holder(second) is not None


@pytest.mark.parametrize("text", ["", "# none\n", "read x\n", "boss x " + "0" * 64, "read x " + "0" * 64 + " more"])
def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "keys").write_text(text)
    with pytest.raises(SettingsError, match="emendo api-key"):
        Keys(tmp_path / "keys")


def test_a_key_has_a_name_of_its_own(tmp_path: Path) -> None:
    add_key(tmp_path / "keys", "one", Access.READ)
    with pytest.raises(UsageError, match="'one' has a key already"):
        add_key(tmp_path / "keys", "one", Access.READ)
    with pytest.raises(UsageError, match="is no name"):
        add_key(tmp_path / "keys", "a b", Access.READ)


def test_on_loopback_a_foreign_host_or_page_is_refused() -> None:
    slow = Slow()
    slow.go.set()
    service = slow.service()
    with bound("127.0.0.1", 0) as opened:
        hosts, address = own_hosts(service, opened), listening(opened)
    assert hosts == {address, f"localhost:{address.rpartition(':')[2]}"}
    service.start()
    with TestClient(create_app(service, hosts), base_url=f"http://{address}") as client:
        assert client.post("/v1/read", content=png("a")).status_code == 200
        answer = client.post("/v1/read", content=png("a"), headers={"Host": "evil.example"})
        assert said(answer, 403, "forbidden") == "this host name is not served here"
        answer = client.post("/v1/read", content=png("a"), headers={"Origin": "http://evil.example"})
        assert said(answer, 403, "forbidden") == "requests from other pages are not taken"
    service.stop(1)


def test_other_addresses_take_any_host_unless_the_settings_name_some() -> None:
    with bound("0.0.0.0", 0) as opened:
        assert own_hosts(Slow().service(), opened) is None
        named = Slow().service(serve__hosts=["ocr.example:80"])
        assert own_hosts(named, opened) == {"ocr.example:80"}


def test_threads_share_a_model_and_read_the_same(model: Path) -> None:
    reader = load_recognizer(str(model))
    texts = ["gab", "g", "fed", "ab", "cdefg"] * 8
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda text: reader.read([stripes(text)])[0], texts))
    assert found == [reader.read([stripes(text)])[0] for text in texts]
    assert [one.text for one in found] == texts


def _tasks(count: int) -> list[Task]:
    return [Task("line", png("a"))] * count


def _far() -> float:
    return time.monotonic() + 600
