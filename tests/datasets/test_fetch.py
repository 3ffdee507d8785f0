"""Fetching from a local server: resume, checksums, limits, and archives that try to escape."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from emendo.datasets.faces import Hand
from emendo.datasets.fetch import SOURCES, Source, fetch
from emendo.datasets.notebook import draw_page
from emendo.errors import BadInput, DataError, UsageError
from emendo.formats import by_name
from emendo.image.load import open_document, sample_image
from emendo.settings import Limits
from emendo.types import Sample


@dataclass
class Server:
    """What is served, how, and what was asked."""

    body: bytes = b""
    cut_after: list[int] = field(default_factory=list)
    ranges: bool = True
    status: int = 200
    asked: list[str] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "")
            state.asked.append(wanted)
            if state.status != 200:
                self.send_error(state.status)
                return
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and state.ranges else 0
            if start > len(state.body):
                self.send_error(416)
                return
            part = state.body[start:]
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(state.body) - 1}/{len(state.body)}")
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            limit = state.cut_after.pop(0) if state.cut_after else len(part)
            with suppress(ConnectionError):  # the client may hang up when it has seen enough
                self.wfile.write(part[:limit])
                self.wfile.flush()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{http.server_port}/commit.tar.gz"
    yield state
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small archive laid out as the real one: NAME-COMMIT/data/{train,test}/PAGE.{xml,jpg}."""
    import cv2

    folder = tmp_path_factory.mktemp("source")
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.PAX_FORMAT, pax_headers={"comment": "61b321ed"}) as tar:
        for number in range(6):
            part = "test" if number == 5 else "train"
            page, lines = draw_page(Hand(7), 7, number, "fr")
            image = folder / f"D.2_{number:04}.png"
            image.write_bytes(cv2.imencode(".png", page[:500])[1].tobytes())
            entries = [
                {"text": f"  {text}", "poly": [[x0, y0], [x1, y0], [x1, y1], [x0, y1]], "type": "DefaultLine"}
                for text, (x0, y0, x1, y1) in lines[:4]
            ]
            entries.append({"text": "", "poly": [[0, 0], [9, 0], [9, 9]]})
            written = by_name("alto").write(
                [Sample(id="p", image=image, attributes={"lines": entries})], folder / str(number)
            )
            for file in sorted(written.iterdir()):
                tar.add(file, f"peraire-ground-truth-61b321ed/data/{part}/{file.name}")
        readme = b"# read me"
        info = tarfile.TarInfo("peraire-ground-truth-61b321ed/README.md")
        info.size = len(readme)
        tar.addfile(info, io.BytesIO(readme))
    return out.getvalue()


def source(server: Server, sha256: str | None = None) -> Source:
    return replace(SOURCES[0], url=server.url, sha256=sha256)


def test_fetched_pages_become_line_crops(server: Server, archive: bytes, tmp_path: Path) -> None:
    server.body = archive
    seen: list[tuple[int, int]] = []
    out = tmp_path / "peraire"
    dataset = fetch("peraire", out, cache=tmp_path / "cache", source=source(server), progress=lambda *n: seen.append(n))
    assert [len(dataset.split(part)) for part in ("train", "val", "test")] == [16, 4, 4]
    assert {sample.group for sample in dataset.split("test")} == {"D.2_0005"}
    first = dataset.samples[0]
    assert (
        first.text == (first.text or "").strip()
        and first.language == "fr"
        and first.attributes["line_type"] == "DefaultLine"
    )
    assert sample_image(first).shape[0] > 20 and first.image.is_relative_to(out)
    assert seen[-1] == (len(archive), len(archive))
    assert "CC-BY-4.0" in (out / "README.md").read_text(encoding="utf-8")
    truth = json.loads((out / "notebook.json").read_text(encoding="utf-8"))
    assert truth[0]["lines"] == [sample.text for sample in dataset.split("test")]
    with open_document(out / "notebook.pdf") as document:
        assert len(document) == 1
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["checksums.json", "peraire.tar.gz"]
    fetch("peraire", tmp_path / "again", cache=tmp_path / "cache", source=source(server))
    assert len(server.asked) == 1, "the archive is kept"


def test_a_cut_connection_is_resumed(server: Server, archive: bytes, tmp_path: Path) -> None:
    server.body, server.cut_after = archive, [1000, 5000]
    fetch("peraire", tmp_path / "out", cache=tmp_path / "cache", source=source(server))
    assert server.asked == ["", "bytes=1000-", "bytes=6000-"]
    assert (tmp_path / "cache" / "peraire.tar.gz").read_bytes() == archive


def test_a_later_call_resumes_too(server: Server, archive: bytes, tmp_path: Path) -> None:
    server.body, server.cut_after = archive, [100, 100, 100, 100]
    with pytest.raises(DataError, match=r"cannot be fetched \(.*\); try again later: what came is kept"):
        fetch("peraire", tmp_path / "out", cache=tmp_path / "cache", source=source(server))
    assert not (tmp_path / "out").exists() and (tmp_path / "cache" / "peraire.tar.gz.part").stat().st_size == 400
    fetch("peraire", tmp_path / "out", cache=tmp_path / "cache", source=source(server))
    assert server.asked[-1] == "bytes=400-"


def test_a_server_without_ranges_begins_again(server: Server, archive: bytes, tmp_path: Path) -> None:
    server.body, server.cut_after, server.ranges = archive, [1000], False
    fetch("peraire", tmp_path / "out", cache=tmp_path / "cache", source=source(server))
    assert (tmp_path / "cache" / "peraire.tar.gz").read_bytes() == archive


def test_a_part_that_does_not_fit_is_dropped(server: Server, archive: bytes, tmp_path: Path) -> None:
    server.body = archive
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "peraire.tar.gz.part").write_bytes(b"x" * (len(archive) + 5))
    fetch("peraire", tmp_path / "out", cache=tmp_path / "cache", source=source(server))
    assert (tmp_path / "cache" / "peraire.tar.gz").read_bytes() == archive


def test_a_wrong_checksum_is_refused_and_the_archive_removed(server: Server, archive: bytes, tmp_path: Path) -> None:
    server.body = archive
    with pytest.raises(BadInput, match=r"has SHA-256 .*, not 0000000000000000…; the archive was removed"):
        fetch("peraire", tmp_path / "out", cache=tmp_path / "cache", source=source(server, "0" * 64))
    assert not (tmp_path / "out").exists() and not (tmp_path / "cache" / "peraire.tar.gz").exists()
    right = hashlib.sha256(archive).hexdigest()
    fetch("peraire", tmp_path / "out", cache=tmp_path / "cache", source=source(server, right))


def test_the_first_fetch_is_remembered(server: Server, archive: bytes, tmp_path: Path) -> None:
    server.body = archive
    fetch("peraire", tmp_path / "out", cache=tmp_path / "cache", source=source(server))
    (tmp_path / "cache" / "peraire.tar.gz").write_bytes(archive + b"\0")
    with pytest.raises(BadInput, match="has SHA-256"):
        fetch("peraire", tmp_path / "two", cache=tmp_path / "cache", source=source(server))
    (tmp_path / "cache" / "peraire.tar.gz").write_bytes(archive + b"\0")
    fetch("peraire", tmp_path / "two", cache=tmp_path / "cache", source=source(server), trust_new=True)


@pytest.mark.parametrize(("status", "sentence"), [(404, "the server answers 404"), (503, "cannot be fetched")])
def test_a_server_that_refuses(server: Server, tmp_path: Path, status: int, sentence: str) -> None:
    server.status = status
    with pytest.raises(DataError, match=sentence):
        fetch("peraire", tmp_path / "out", cache=tmp_path / "cache", source=source(server))


def test_no_server_at_all(tmp_path: Path) -> None:
    nowhere = replace(SOURCES[0], url="http://127.0.0.1:9/x.tar.gz")
    with pytest.raises(DataError, match=r"127.0.0.1:9.*cannot be fetched"):
        fetch("peraire", tmp_path / "out", cache=tmp_path / "cache", source=nowhere)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x.tar.gz"])
def test_other_addresses_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="use an http or https address"):
        fetch("peraire", tmp_path / "out", cache=tmp_path, source=replace(SOURCES[0], url=url))


def test_a_large_archive_is_refused_early(server: Server, archive: bytes, tmp_path: Path) -> None:
    server.body = archive
    with pytest.raises(BadInput, match="the limit is 1,000"):
        fetch("peraire", tmp_path / "o", cache=tmp_path / "c", source=source(server), limits=Limits(archive_bytes=1000))
    assert not (tmp_path / "c" / "peraire.tar.gz.part").exists()


def test_unknown_name_and_existing_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown data set 'perraire'; use peraire"):
        fetch("perraire", tmp_path / "out", cache=tmp_path)
    with pytest.raises(UsageError, match="exists; name a new folder"):
        fetch("peraire", tmp_path, cache=tmp_path)


def test_the_table_pins_a_commit_and_names_its_licence() -> None:
    for row in SOURCES:
        assert row.url.startswith("https://") and row.licence and row.credit
        assert any(len(part.split(".")[0]) == 40 for part in row.url.split("/"))
