"""Routes on which somebody waits for the reading: one image, or a batch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from ...errors import EmendoError
from ..queue import Rejected, Work
from ..reading import Answer, Task
from ..service import Service
from .bodies import FILES, ONE_FILE, File, one_file, sent_files
from .door import caller
from .faults import GONE, Fault, answer_to, body_of
from .schemas import Batch, Error, Kind, Reading

Characters = Annotated[bool, Query(description="Whether each character comes with its probability and its columns.")]
Named = Annotated[
    str,
    Query(max_length=200, description="Name of the document that the image belongs to, in the words of the client."),
]
Page = Annotated[
    int | None, Query(ge=1, le=100_000, description="Page to read, from 1. [default: the only one; of a document all]")
]
Sort = Annotated[
    Kind | None,
    Query(alias="kind", description="What the image shows. [default: line; of a model of fields, document]"),
]
FAULTS: dict[int | str, dict[str, Any]] = {
    400: {"model": Error, "description": "Nothing that can be read was sent."},
    401: {"model": Error, "description": "No API key, or a wrong one."},
    408: {"model": Error, "description": "The request came too slowly."},
    413: {"model": Error, "description": "The request is too large."},
    422: {"model": Error, "description": "An image that cannot or may not be decoded, or a wrong parameter."},
    503: {
        "model": Error,
        "description": "Not now: the queue is full, the deadline would pass, or the service starts or stops.",
        "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
    },
}


async def deadline(
    header: Annotated[
        int | None, Header(alias="X-Deadline-Ms", ge=1, le=600_000, description="Milliseconds to answer in.")
    ] = None,
    query: Annotated[int | None, Query(alias="deadline_ms", ge=1, le=600_000, description="The same.")] = None,
) -> float | None:
    """Seconds in which the caller wants the answer; None: as the settings say."""
    given = header if header is not None else query
    return None if given is None else given / 1000


Seconds = Annotated[float | None, Depends(deadline)]


def may_read(service: Service, kind: str, *, waits: bool = True, document: str = "", sender: str = "") -> None:
    """Raise Fault for a kind that this service does not read, before the body comes, and Rejected when somebody
    `waits` for the answer and there is no room: an image of `document` that `sender` sent is then turned away.

    While the service stops, requests are taken in whole before they are refused, so that the connection can be closed
    with nothing of the request left in it.
    """
    if service.kinds and kind not in service.kinds:
        raise Fault(422, "bad_kind", f"this service reads no {kind}s", remedy="ask GET /v1/model what it reads")
    try:
        if waits and not service.queue.closed:
            service.queue.check()
    except Rejected as error:
        service.turned_away([Task(kind, b"", document=document, caller=sender)], error.reason)
        raise


def usual_kind(service: Service) -> Kind:
    """What is read where the caller does not say: documents, where nothing else is; else lines."""
    return "document" if service.kinds == ("document",) else "line"


@dataclass(frozen=True, slots=True)
class Question:
    """What a request asks of its images, by when (`time.monotonic`), and for whom."""

    kind: Kind
    due: float
    document: str
    characters: bool
    sender: str

    @classmethod
    def of(
        cls,
        request: Request,
        service: Service,
        kind: Kind | None,
        within: float | None,
        document: str,
        characters: bool,
    ) -> Question:
        """What the parameters ask for, before the body comes. Raises what `may_read` raises."""
        due = time.monotonic() + (within or service.settings.serve.deadline_seconds)
        question = cls(kind or usual_kind(service), due, document, characters, caller(request).name)
        may_read(service, question.kind, document=document, sender=question.sender)
        return question

    def task(self, file: File, frame: int | None = None) -> Task:
        """One of its images, of several frames only the one at `frame`."""
        return Task(self.kind, file.content, file.name, frame, self.characters, self.document, self.sender)


async def gone(request: Request) -> None:
    """Wait until the client has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def answers(request: Request, service: Service, works: Sequence[Work]) -> list[Answer | EmendoError] | None:
    """What became of each image; None when the client left before, and nobody waits for the rest."""
    every: asyncio.Future[list[Any]] = asyncio.gather(
        *(asyncio.wrap_future(work.result) for work in works), return_exceptions=True
    )
    left = asyncio.ensure_future(gone(request))
    both: set[asyncio.Future[Any]] = {every, left}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not every.done():
            return None
        found: list[Answer | EmendoError] = []
        for one in every.result():
            if not isinstance(one, (Answer, EmendoError)):
                raise one
            found.append(one)
        return found
    finally:
        left.cancel()
        if not every.done():
            service.abandon(works)
            every.cancel()


def result_row(name: str, found: Answer | EmendoError, *, page: int = 1, characters: bool) -> dict[str, Any]:
    """One image of a batch or a job."""
    row: dict[str, Any] = {"name": name, "page": page}
    if isinstance(found, EmendoError):
        return {**row, **body_of(found)}
    return {**row, "reading": found.to_dict(characters=characters)}


def add(app: FastAPI, service: Service) -> None:
    """Add the routes."""
    most = min(service.settings.serve.batch_images, service.settings.serve.queue)

    @app.post(
        "/v1/read",
        response_model=Reading,
        responses=FAULTS,
        openapi_extra=ONE_FILE,
        response_model_exclude_unset=True,
        summary="Read one image",
    )
    async def read(
        request: Request,
        within: Seconds,
        kind: Sort = None,
        characters: Characters = False,
        page: Page = None,
        document: Named = "",
    ) -> Response:
        """Read one image or document, sent as the body or as the one file of a form, while the caller waits.

        The answer comes within the deadline or is 503 with `Retry-After`.
        """
        question = Question.of(request, service, kind, within, document, characters)
        task = question.task(await one_file(request), None if page is None else page - 1)
        found = await answers(request, service, service.submit([task], question.due))
        if found is None:
            return Response(status_code=GONE)
        if isinstance(found[0], EmendoError):
            return answer_to(found[0])
        return JSONResponse(found[0].to_dict(characters=characters))

    @app.post(
        "/v1/batch",
        response_model=Batch,
        responses=FAULTS,
        openapi_extra=FILES,
        summary="Read several images",
    )
    async def batch(
        request: Request, within: Seconds, kind: Sort = None, characters: Characters = False, document: Named = ""
    ) -> Response:
        """Read several images or documents, sent as files of a form or a JSON list of base64, while the caller waits.

        A bad one has its fault in its place; the others are read.
        """
        question = Question.of(request, service, kind, within, document, characters)
        files = await sent_files(request, most=most)
        found = await answers(request, service, service.submit([question.task(file) for file in files], question.due))
        if found is None:
            return Response(status_code=GONE)
        late = next((one for one in found if isinstance(one, Rejected)), None)
        if late is not None:
            return answer_to(late)
        rows = [result_row(file.name, one, characters=characters) for file, one in zip(files, found, strict=True)]
        return JSONResponse({"results": rows})
