"""The routes of a SageMaker container: /ping, /invocations, and for batch transform /execution-parameters.

They read with the same queue, models and faults as /v1/read. What SageMaker hands through is the body, its
Content-Type, Accept and the header of custom attributes; so what is a parameter elsewhere stands in that header
(`kind=page,document=invoice-17`) or in the JSON. Images are sent, never fetched: a batch transform or an asynchronous
endpoint takes them from S3 before it comes here.
"""

from __future__ import annotations

import asyncio
import base64
import difflib
import json
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Final, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...errors import EmendoError
from ...image.load import sniff
from ...image.raster import SNIFF
from ..queue import Rejected
from ..reading import DOCUMENT, Answer, Task, frames_of
from ..service import Service
from .bodies import FORM, ONE_FILE, File, one_file, too_many
from .door import caller
from .faults import GONE, Fault, answer_to, body_of
from .read import FAULTS, answers, may_read, result_row, usual_kind
from .schemas import Error, Kind

ATTRIBUTES: Final = "x-amzn-sagemaker-custom-attributes"
"""Header of at most 1,024 visible ASCII characters that SageMaker hands to the container as it came."""
PAYLOAD_MEGABYTES: Final = 100
"""Most that the payloads of a batch transform may be together: MaxConcurrentTransforms * MaxPayloadInMB."""
TYPES: Final = ("", FORM, "application/pdf", "application/x-image", "application/octet-stream")
"""Content types of one file, beside image/*."""
FORMS: Final = 'send {"image": BASE64} or {"instances": [BASE64, ...]}'
Text = Annotated[str, Field(min_length=1, max_length=200)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Asked(_Form):
    """What is wanted of an image; what is None is as usual."""

    kind: Kind | None = Field(None, description="What the image shows. [default: line; PDF: page]")
    page: int | None = Field(None, ge=1, le=100_000, description="The only page to read, from 1.")
    characters: bool | None = Field(None, description="Whether each character comes with its probability and columns.")
    document: Text | None = Field(None, description="Name of what the image belongs to.")


class Instance(Asked):
    """One image in base64 and what is wanted of it."""

    image: str = Field(description="The file in base64.", examples=["iVBORw0KGgo="])
    name: Text | None = Field(None, description="What errors call it.")


class Instances(_Form):
    """Several; a bare string is an image in base64. `parameters` hold for those that do not say otherwise."""

    instances: list[str | Instance] = Field(min_length=1)
    parameters: Asked = Asked()


Form = TypeVar("Form", bound=_Form)
_JSON: Final = {"schema": {"anyOf": [form.model_json_schema() for form in (Instance, Instances)]}}
_BODIES: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {**ONE_FILE["requestBody"]["content"], "application/json": _JSON},
    }
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One file and what is wanted of it; `fault` where no file could be made of what was sent."""

    file: File
    asked: Asked
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """The tasks of one file: its only one, or one for each page (`paged`); with a `fault` none."""

    tasks: tuple[Task, ...]
    paged: bool = False
    fault: Fault | None = None

    def told(self, found: Sequence[Answer | EmendoError]) -> dict[str, Any]:
        """What is said of the file."""
        if self.fault is not None:
            return body_of(self.fault)
        rows = [
            result_row(task.name, one, page=(task.frame or 0) + 1, characters=task.characters)
            for task, one in zip(self.tasks, found, strict=True)
        ]
        if self.paged:
            return {"pages": rows}
        reading: dict[str, Any] = rows[0].get("reading") or {"error": rows[0]["error"]}
        return reading


def add(app: FastAPI, service: Service) -> None:
    """Add the routes."""

    @app.get("/ping", summary="Whether SageMaker may send work", responses={503: {"description": "Not yet."}})
    async def ping() -> Response:
        """200 with an empty body once a model is loaded and warmed up, 503 before and while the service stops."""
        return Response(status_code=503 if service.ready else 200)

    @app.get("/execution-parameters", summary="How a batch transform sends its work")
    async def parameters() -> Response:
        """As many at once as there are workers, one image in each request."""
        at_once = max(1, min(service.workers, PAYLOAD_MEGABYTES))
        largest = max(1, min(PAYLOAD_MEGABYTES // at_once, service.settings.serve.body_bytes // 1_000_000))
        told = {"MaxConcurrentTransforms": at_once, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": largest}
        return JSONResponse(told)

    @app.post(
        "/invocations",
        responses={**FAULTS, 406: _refused("The answer may not be JSON."), 415: _refused("Not a type of image.")},
        openapi_extra=_BODIES,
        summary="Read as a SageMaker endpoint",
    )
    async def invocations(request: Request) -> Response:
        """Read one image or document sent as the body (image/*, application/pdf), or JSON with images in base64.

        `{"image": "..."}` is answered like /v1/read, `{"instances": [...]}` with `{"predictions": [...]}`. Of a PDF all
        pages are read, each for itself: `{"pages": [...]}`; of kind `document` they are one reading.
        """
        due = time.monotonic() + service.settings.serve.deadline_seconds
        _accepted(request.headers.get("accept", ""))
        asked = attributes_of(request.headers.get(ATTRIBUTES, ""))
        may_read(service, asked.kind or _usual(service))
        several, wanted = await _sent(request, asked)
        groups = await asyncio.to_thread(lambda: [_group(one, service, caller(request).name) for one in wanted])
        tasks = [task for group in groups for task in group.tasks]
        if len(tasks) > _most(service):
            raise too_many(_most(service))
        for kind in {task.kind for task in tasks}:
            may_read(service, kind)
        found = await answers(request, service, service.submit(tasks, due)) if tasks else []
        if found is None:
            return Response(status_code=GONE)
        late = next((one for one in found if isinstance(one, Rejected)), None)
        if late is not None:
            return answer_to(late)
        rest = iter(found)
        parts = [list(islice(rest, len(group.tasks))) for group in groups]
        if several:
            return JSONResponse({"predictions": [group.told(part) for group, part in zip(groups, parts, strict=True)]})
        only = parts[0][0]
        if isinstance(only, EmendoError) and not groups[0].paged:
            return answer_to(only)
        return JSONResponse(groups[0].told(parts[0]))


def attributes_of(header: str) -> Asked:
    """What the header of custom attributes asks for: `kind=page,document=NAME`, percent-encoded where a name needs it.

    A value without `=` is the name of the document. Raises Fault for anything else.
    """
    if not header.strip():
        return Asked()
    if "=" not in header:
        return _checked(Asked, {"document": urllib.parse.unquote(header.strip())}, "custom attributes")
    given: dict[str, Any] = {}
    for part in header.split(","):
        name, _, value = part.strip().partition("=")
        if name not in Asked.model_fields or name in given:
            close = difflib.get_close_matches(name, [one for one in Asked.model_fields if one not in given], n=1)
            meant = f", did you mean {close[0]!r}?" if close else ""
            what = f"custom attributes: {part.strip()[:80]!r} is nothing that can be asked for{meant}"
            raise Fault(400, "bad_request", what, remedy=f"give {', '.join(Asked.model_fields)} as NAME=VALUE, once")
        given[name] = urllib.parse.unquote(value)
    return _checked(Asked, given, "custom attributes")


def _refused(why: str) -> dict[str, Any]:
    return {"model": Error, "description": why}


def _usual(service: Service) -> Kind:
    """What is read where nothing is said: the only kind that is read, else as everywhere."""
    only: Kind | None = service.kinds[0] if len(service.kinds) == 1 else None  # type: ignore[assignment]
    return only or usual_kind(service)


def _most(service: Service) -> int:
    """Images that one request may have."""
    return min(service.settings.serve.batch_images, service.settings.serve.queue)


def _accepted(accept: str) -> None:
    """Raise Fault unless the answer may be JSON."""
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    if not kinds & {"", "*/*", "application/*", "application/json"}:
        raise Fault(406, "not_acceptable", "answers are JSON", remedy="send Accept: application/json")


async def _sent(request: Request, asked: Asked) -> tuple[bool, list[Wanted]]:
    """Whether several were sent, and each with what is wanted of it. Raises Fault."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _of_json(await request.body(), asked)
    if kind not in TYPES and not kind.startswith("image/"):
        remedy = "send image/*, application/pdf or application/json"
        raise Fault(415, "bad_type", f"Content-Type is {kind[:80]!r}, which is not read here", remedy=remedy)
    return False, [Wanted(await one_file(request), asked)]


def _of_json(body: bytes, asked: Asked) -> tuple[bool, list[Wanted]]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Fault(400, "bad_request", "the body is no JSON", remedy=FORMS) from error
    if not isinstance(given, dict) or not {"image", "instances"} & set(given):
        raise Fault(400, "bad_request", "the body has no image", remedy=FORMS)
    if "instances" not in given:
        return False, [_instance(_checked(Instance, given, "the body"), asked, "image")]
    many = _checked(Instances, given, "the body")
    defaults = _joined(many.parameters, asked)
    listed = [one if isinstance(one, Instance) else Instance(image=one) for one in many.instances]
    return True, [_in_its_place(one, defaults, f"image {at}") for at, one in enumerate(listed, start=1)]


def _in_its_place(one: Instance, defaults: Asked, name: str) -> Wanted:
    """One of several: what is wrong with it is kept, so that the others are read."""
    try:
        return _instance(one, defaults, name)
    except Fault as fault:
        return Wanted(File(one.name or name, b""), _joined(one, defaults), fault)


def _instance(one: Instance, defaults: Asked, name: str) -> Wanted:
    """One image. Raises Fault when it is not in base64."""
    name = one.name or name
    try:
        content = base64.b64decode(one.image, validate=True)
    except ValueError as error:
        if "://" in one.image[:16]:
            remedy = "send the image itself; batch transform and asynchronous endpoints fetch from S3"
            raise Fault(400, "bad_request", f"{name} is an address, and none is followed", remedy=remedy) from error
        raise Fault(400, "bad_request", f"{name} is not in base64 ({error})") from error
    return Wanted(File(name, content), _joined(one, defaults))


def _joined(one: Asked, defaults: Asked) -> Asked:
    """What `one` says, else the defaults."""
    said = {name: getattr(one, name) for name in Asked.model_fields}
    return Asked.model_validate({**defaults.model_dump(), **{name: it for name, it in said.items() if it is not None}})


def _checked(form: type[Form], given: Mapping[str, Any], where: str) -> Form:
    """What was given, in its form. Raises Fault with the first thing that is wrong."""
    try:
        return form.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part not in {"Instance", "str"})
        what = "is unknown here" if first["type"] == "extra_forbidden" else first["msg"].lower()
        raise Fault(400, "bad_request", f"{where}: {place}: {what}", remedy=FORMS) from error


def _group(wanted: Wanted, service: Service, sender: str) -> Group:
    """The tasks of a file; one that cannot be opened fails when it is read. Raises Fault when it has too many pages."""
    file, asked = wanted.file, wanted.asked
    if wanted.fault is not None:
        return Group((), fault=wanted.fault)
    pdf = sniff(file.content[:SNIFF]) == "pdf"
    kind = asked.kind or ("page" if pdf and "page" in service.kinds else _usual(service))

    def task(frame: int | None) -> Task:
        return Task(kind, file.content, file.name, frame, bool(asked.characters), asked.document or "", sender)

    if kind == DOCUMENT or asked.page is not None:
        return Group((task(None if asked.page is None else asked.page - 1),))
    try:
        frames = frames_of(file.content, file.name, service.settings)
    except EmendoError:
        return Group((task(None),))
    if frames > _most(service):
        what = f"{file.name} has {frames} pages, more than the {_most(service)} that are read at once"
        raise Fault(413, "too_large", what, remedy="send it in parts")
    if frames == 1 and not pdf:
        return Group((task(None),))
    return Group(tuple(task(at) for at in range(frames)), paged=True)
