"""A client of the service, on the standard library alone.

    from emendo.client import Client

    client = Client("http://127.0.0.1:8080")
    print(client.read(Path("line.png")).text)
    print(client.document(Path("invoice.pdf")).reading.fields)
    for result in client.job([Path("book.pdf")]).wait():
        print(result.name, result.page, result.read.text if result.read else result.error)

It may be shared by threads: each has a connection of its own. A service that is full or starts (503) is asked again
when it says so, and one that dropped the connection at once: a reading changes nothing, so it may be asked for twice.
"""

from __future__ import annotations

import http.client
import json
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from .errors import EngineError, UsageError
from .types import Character, Point, Polygon, Reading

MOST_BYTES: Final = 1_000_000_000
"""Longest answer that is taken in."""
FIRST_PAUSE: Final = 0.1
"""Seconds before a dropped connection is tried again; doubled each time."""

Source = Path | bytes
"""A file, or its content."""


class ServiceError(EngineError):
    """What the service answered in place of a reading. `status` is that of HTTP, 0 when it could not be reached;
    `code` the word for programs."""

    def __init__(self, what: str, *, where: str, status: int = 0, code: str = "unreachable", remedy: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.status, self.code = status, code


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page; coordinates in pixels of the page. `blank` asks for a blank line before it."""

    reading: Reading
    box: tuple[float, float, float, float]
    polygon: Polygon
    baseline: tuple[Point, ...]
    region: int
    blank: bool


@dataclass(frozen=True, slots=True)
class Read:
    """What was read of one image of `size` (width, height); of a page its lines in reading order.

    Of a document `reading` has `fields`, `certainty` and `faults`, `findings` (rule, severity, what, paths) say what
    does not add up, and `pages` counts what was read. `id` is the name of this answer, by which what is right can be
    told later (`Client.feedback`).
    """

    reading: Reading
    size: tuple[int, int]
    lines: tuple[Line, ...] = ()
    findings: tuple[Mapping[str, Any], ...] = ()
    pages: int = 1
    id: str = ""

    @property
    def text(self) -> str:
        """The text that was read."""
        return self.reading.text


@dataclass(frozen=True, slots=True)
class Result:
    """One image of a batch or page of a job: what was read, or the sentence that says why not. Pages count from 1."""

    name: str
    page: int
    read: Read | None
    error: str = ""


class Client:
    """Asks the service at `address` (`http://host:port`).

    `key` is an API key, where the service wants one. `timeout` is how long an answer may take, in seconds, `patience`
    for how long a service that is full or gone is asked again. Raises UsageError for what is no address.
    """

    def __init__(self, address: str, *, key: str = "", timeout: float = 120.0, patience: float = 30.0) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
            raise UsageError(f"{address!r} is no address of a service", remedy="write http://host:port")
        self.address = f"{parts.scheme}://{parts.netloc}"
        self._parts, self._path, self._key = parts, parts.path.rstrip("/"), key
        self.timeout, self.patience = timeout, patience
        self._own = threading.local()

    def read(
        self,
        image: Source,
        *,
        kind: str = "line",
        characters: bool = False,
        deadline: float | None = None,
        document: str = "",
    ) -> Read:
        """Read one image as a `line`, a `page` or a `plate`, within `deadline` seconds where it is given.

        `document` names what it belongs to. Raises ServiceError when it is not read.
        """
        name, content = _file(image, "image")
        query = {"kind": kind, "characters": json.dumps(characters), **({"document": document} if document else {})}
        headers = {"Content-Type": "application/octet-stream"}
        return _read(self._ask("POST", "/v1/read", query, content, headers, deadline=deadline, name=name))

    def document(self, document: Source, *, page: int | None = None, deadline: float | None = None) -> Read:
        """Read the fields of a document, an image or a PDF of any number of pages, or of its `page` (from 1) alone.

        Raises ServiceError when it cannot be read.
        """
        name, content = _file(document, "document")
        query = {"kind": "document", **({"page": str(page)} if page is not None else {})}
        headers = {"Content-Type": "application/octet-stream"}
        return _read(self._ask("POST", "/v1/read", query, content, headers, deadline=deadline, name=name))

    def batch(
        self,
        images: Sequence[Source],
        *,
        kind: str = "line",
        characters: bool = False,
        deadline: float | None = None,
    ) -> list[Result]:
        """Read several images in one request, in order; one that cannot be read has its error in its place."""
        query = {"kind": kind, "characters": json.dumps(characters)}
        body, headers = _form(images)
        answer = self._ask("POST", "/v1/batch", query, body, headers, deadline=deadline)
        return [_result(row) for row in answer["results"]]

    def job(self, files: Sequence[Source], *, kind: str = "page", characters: bool = False) -> Job:
        """Send images and documents of many pages; the job is asked for the results."""
        query = {"kind": kind, "characters": json.dumps(characters)}
        body, headers = _form(files)
        answer = self._ask("POST", "/v1/jobs", query, body, headers)
        return Job(self, answer["id"], answer["total"])

    def feedback(
        self,
        answer: str,
        *,
        text: str | None = None,
        fields: Mapping[str, Any] | None = None,
        line: int | None = None,
        author: str = "",
    ) -> bool:
        """Tell what is right of the answer with this id: its `text`, of a page that of its `line` (from 0) or of all
        lines, or the `fields` of a document. Told again it takes the place of what was told before.

        False when the same was known already. Raises ServiceError for an unknown id or what cannot be its truth.
        """
        told = {"id": answer, "text": text, "fields": fields, "line": line, "author": author}
        body = json.dumps({name: value for name, value in told.items() if value is not None}).encode()
        return bool(self._ask("POST", "/v1/feedback", body=body, headers={"Content-Type": "application/json"})["kept"])

    def model(self) -> dict[str, Any]:
        """The model in use, as `GET /v1/model` tells it."""
        return self._ask("GET", "/v1/model")

    def swap(self, reference: str) -> dict[str, Any]:
        """Put another model in use; needs a key with the role admin. Raises ServiceError when the old one stays."""
        body = json.dumps({"reference": reference}).encode()
        return self._ask("POST", "/v1/model", body=body, headers={"Content-Type": "application/json"}, patient=False)

    def trial(self) -> dict[str, Any]:
        """The trial that goes on, or the last one, as `GET /v1/trial` tells it."""
        return self._ask("GET", "/v1/trial")

    def start_trial(self, reference: str, **how: Any) -> dict[str, Any]:
        """Try another model beside the one in use, with settings of the section `trial` that differ (`mode`, `share`,
        `pairs`, `basis`, `documents`); needs a key with the role admin. Raises ServiceError when it cannot be tried."""
        body = json.dumps({"reference": reference, **how}).encode()
        return self._ask("POST", "/v1/trial", body=body, headers={"Content-Type": "application/json"}, patient=False)

    def stop_trial(self) -> dict[str, Any]:
        """End the trial; needs a key with the role admin. Raises ServiceError when there is none."""
        return self._ask("DELETE", "/v1/trial", patient=False)

    def ready(self) -> bool:
        """Whether the service can be asked now."""
        try:
            self._ask("GET", "/readyz", patient=False)
        except ServiceError:
            return False
        return True

    def state(self, job: str) -> dict[str, Any]:
        """The state of a job, as `GET /v1/jobs/{id}` tells it."""
        return self._ask("GET", f"/v1/jobs/{job}")

    def end(self, job: str) -> None:
        """End a job and forget it."""
        self._ask("DELETE", f"/v1/jobs/{job}")

    def close(self) -> None:
        """Close the connection of this thread."""
        connection = getattr(self._own, "connection", None)
        if connection is not None:
            connection.close()
            self._own.connection = None

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        deadline: float | None = None,
        name: str = "",
        patient: bool = True,
    ) -> dict[str, Any]:
        sent = dict(headers or {})
        if self._key:
            sent["Authorization"] = f"Bearer {self._key}"
        if deadline is not None:
            sent["X-Deadline-Ms"] = str(max(1, round(deadline * 1000)))
        target = self._path + path + (f"?{urlencode(query)}" if query else "")
        until = time.monotonic() + (self.patience if patient else 0.0)
        pause = FIRST_PAUSE
        while True:
            try:
                status, retry, content = self._once(method, target, body, sent)
                if status < 400:
                    return self._object(content)
                fault = self._fault(status, content, name)
                rest = retry if status == 503 else None
            except (OSError, http.client.HTTPException) as error:
                self.close()
                what = f"cannot be reached ({error or type(error).__name__})"
                fault, rest = ServiceError(what, where=self.address, remedy="see whether it runs"), pause
                pause *= 2
            if rest is None or time.monotonic() + rest > until:
                raise fault
            time.sleep(rest)

    def _once(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, float, bytes]:
        connection = getattr(self._own, "connection", None)
        if connection is None:
            kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
            connection = kind(self._parts.hostname or "", self._parts.port, timeout=self.timeout)
            self._own.connection = connection
        connection.request(method, target, body, dict(headers))
        answer = connection.getresponse()
        content = answer.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            self.close()
            raise ServiceError(f"answered with more than {MOST_BYTES:,} bytes", where=self.address)
        said = answer.headers.get("Retry-After", "")
        return answer.status, float(said) if said.isdigit() else 1.0, content

    def _object(self, content: bytes) -> dict[str, Any]:
        if not content:
            return {}
        try:
            found = json.loads(content)
        except ValueError as error:
            raise ServiceError("answered with what is no JSON", where=self.address, code="strange") from error
        if not isinstance(found, dict):
            raise ServiceError("answered with what is no JSON object", where=self.address, code="strange")
        return found

    def _fault(self, status: int, content: bytes, name: str) -> ServiceError:
        try:
            told = json.loads(content)["error"]
            code, message = str(told["code"]), str(told["message"])
        except (ValueError, LookupError, TypeError):
            code, message = "strange", f"answered with status {status}"
        return ServiceError(
            message, where=f"{self.address}: {name}" if name else self.address, status=status, code=code
        )


@dataclass(frozen=True, slots=True)
class Job:
    """Work that was sent; `total` images or pages."""

    client: Client
    id: str
    total: int

    def done(self) -> int:
        """How many are read."""
        return int(self.client.state(self.id)["done"])

    def wait(self, seconds: float = 3600.0, *, pause: float = 0.5) -> list[Result]:
        """The results, once all are there, asked for every `pause` seconds; in the order in which they were sent.

        Raises ServiceError when they are not there after `seconds`, or when the service has lost the job.
        """
        until = time.monotonic() + seconds
        while True:
            state = self.client.state(self.id)
            if "results" in state:
                return [_result(row) for row in state["results"]]
            if time.monotonic() + pause > until:
                what = f"has read {state['done']} of {self.total} images after {seconds:g} s"
                raise ServiceError(what, where=self.client.address, code="unfinished", remedy="wait longer")
            time.sleep(pause)

    def cancel(self) -> None:
        """End it: what is not read yet will not be."""
        self.client.end(self.id)


def _file(source: Source, name: str) -> tuple[str, bytes]:
    if isinstance(source, bytes):
        return name, source
    try:
        return source.name, source.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot be read ({error.strerror})", where=source) from error


def _form(sources: Sequence[Source]) -> tuple[bytes, dict[str, str]]:
    """Files as a form (RFC 7578)."""
    mark = secrets.token_hex(16)
    parts: list[bytes] = []
    for number, source in enumerate(sources, start=1):
        name, content = _file(source, f"image {number}")
        shown = name.replace("\\", "_").replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        head = f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{shown}"\r\n\r\n'
        parts += [head.encode(), content, b"\r\n"]
    return b"".join((*parts, f"--{mark}--\r\n".encode())), {"Content-Type": f"multipart/form-data; boundary={mark}"}


def _result(row: Mapping[str, Any]) -> Result:
    read = _read(row["reading"]) if row.get("reading") else None
    return Result(row["name"], row["page"], read, "" if read else row["error"]["message"])


def _read(row: Mapping[str, Any]) -> Read:
    lines = tuple(
        Line(
            _reading(line),
            (line["box"][0], line["box"][1], line["box"][2], line["box"][3]),
            _points(line["polygon"]),
            _points(line["baseline"]),
            line["region"],
            line["blank"],
        )
        for line in row.get("lines") or ()
    )
    findings = tuple(row.get("findings") or ())
    size = row["width"], row["height"]
    return Read(_reading(row), size, lines, findings, row.get("pages") or 1, row.get("id") or "")


def _reading(row: Mapping[str, Any]) -> Reading:
    characters = tuple(
        Character(one["text"], one["probability"], one["start"], one["end"]) for one in row.get("characters") or ()
    )
    return Reading(
        row["text"],
        row["confidence"],
        characters,
        row["model"],
        row.get("fields"),
        row.get("certainty") or {},
        row.get("faults") or {},
        tuple(row.get("text_layer") or ()),
    )


def _points(rows: Sequence[Sequence[float]]) -> tuple[Point, ...]:
    return tuple((x, y) for x, y in rows)
