"""Routes of jobs: sent now, asked for later."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from ...errors import EmendoError, EngineError
from ..jobs import Job
from ..queue import Rejected
from ..reading import DOCUMENT, Answer, Task, frames_of
from ..service import Service
from .bodies import ANY_FILES, File, sent_files
from .door import Arrival, Held, caller
from .faults import Fault
from .read import FAULTS, Characters, Named, Sort, may_read, result_row
from .schemas import Error, Progress

_UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": Error, "description": "No such job, or no longer."},
    422: FAULTS[422],
}


def add(app: FastAPI, service: Service) -> None:
    """Add the routes."""

    @app.post(
        "/v1/jobs",
        status_code=202,
        response_model=Progress,
        response_model_exclude_unset=True,
        responses=FAULTS,
        openapi_extra=ANY_FILES,
        summary="Send work to be asked for later",
    )
    async def send(
        request: Request, kind: Sort = None, characters: Characters = False, document: Named = ""
    ) -> Response:
        """Take images and documents of many pages; the answer says where to ask for the results.

        Each page is read by itself (kind `page` unless another is named), but of kind `document` each file as a whole.
        """
        kind = kind or ("document" if service.kinds == ("document",) else "page")
        may_read(service, kind, waits=False)
        files = await sent_files(request, most=service.settings.serve.batch_images)
        tasks = await asyncio.to_thread(tasks_of, files, kind, service, characters)
        tasks = [replace(task, document=document, caller=caller(request).name) for task in tasks]
        arrival: Arrival = request.state.arrival
        held: Held = request.state.held
        kept = arrival.bytes
        job = service.submit_job(tasks, owner=caller(request).name, characters=characters, free=lambda: held.give(kept))
        arrival.keep()
        return JSONResponse(job.describe(), status_code=202, headers={"Location": f"/v1/jobs/{job.id}"})

    def known(request: Request, name: str) -> Job:
        job = service.jobs.get(name, caller(request).name)
        if job is None:
            raise Fault(404, "not_found", f"there is no job {name[:64]!r}", remedy="results are kept for a while only")
        return job

    @app.get(
        "/v1/jobs/{name}",
        response_model=Progress,
        response_model_exclude_unset=True,
        responses=_UNKNOWN,
        summary="State of a job",
    )
    async def ask(request: Request, name: str) -> Response:
        """State and progress of a job, and its results once it is done."""
        job = known(request, name)
        if job.ended is None:
            return JSONResponse(job.describe())
        answer = await asyncio.to_thread(lambda: JSONResponse({**job.describe(), "results": rows_of(job)}))
        service.jobs.saw(job)
        return answer

    @app.delete("/v1/jobs/{name}", status_code=204, responses=_UNKNOWN, summary="End a job and forget it")
    async def end(request: Request, name: str) -> Response:
        """What is not read yet will not be; the results are gone."""
        job = known(request, name)
        service.jobs.remove(job)
        service.abandon(job.works)
        return Response(status_code=204)


def tasks_of(files: list[File], kind: str, service: Service, characters: bool = False) -> list[Task]:
    """One task for each page of each file; a file that cannot be opened stays one, and fails when it is read.

    Of kind `document` a file is one task.
    """
    if kind == DOCUMENT:
        return [Task(kind, file.content, file.name, None, characters) for file in files]
    tasks: list[Task] = []
    for file in files:
        try:
            frames = frames_of(file.content, file.name, service.settings)
        except EmendoError:
            frames = 1
        tasks += [Task(kind, file.content, file.name, frame, characters) for frame in range(frames)]
    most = min(service.settings.limits.document_pages, service.settings.serve.job_images)
    if len(tasks) > most:
        raise Fault(
            413, "too_large", f"{len(tasks)} pages were sent, more than {most}", remedy="send them as more jobs"
        )
    return tasks


def rows_of(job: Job) -> list[dict[str, Any]]:
    """The results of a job that is at its end, a page each."""
    rows = []
    for work in job.works:
        task: Task = work.task
        found: Answer | EmendoError
        if work.result.cancelled():
            found = Rejected("cancelled", "it was not read")
        else:
            error = work.result.exception()
            found = work.result.result() if error is None else _told(error)
        rows.append(result_row(task.name, found, page=(task.frame or 0) + 1, characters=job.characters))
    return rows


def _told(error: BaseException) -> EmendoError:
    return error if isinstance(error, EmendoError) else EngineError(f"reading failed ({type(error).__name__})")
