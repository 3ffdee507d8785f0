"""What was sent: one image, or several, as the body itself, as a form with files, or as JSON with base64."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

from fastapi import Request
from starlette.datastructures import UploadFile

from .faults import Fault

FORM: Final = "multipart/form-data"
NAME_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class File:
    """A file that was sent."""

    name: str
    content: bytes


_BINARY: Final = {"schema": {"type": "string", "format": "binary"}}
_ONE: Final = {"schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}}
_MANY: Final = {
    "schema": {
        "type": "object",
        "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
    }
}
_JSON: Final = {"schema": {"type": "array", "items": {"type": "string", "format": "byte"}}, "example": ["iVBORw0KGgo="]}
ONE_FILE: Final[dict[str, Any]] = {
    "requestBody": {"required": True, "content": {"image/*": _BINARY, "application/pdf": _BINARY, FORM: _ONE}}
}
"""For the description of a route that takes one file."""
FILES: Final[dict[str, Any]] = {"requestBody": {"required": True, "content": {FORM: _MANY, "application/json": _JSON}}}
"""For the description of a route that takes many."""
ANY_FILES: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {"image/*": _BINARY, "application/pdf": _BINARY, FORM: _MANY, "application/json": _JSON},
    }
}
"""For the description of a route that takes either."""


async def one_file(request: Request) -> File:
    """The one file of a request. Raises Fault when there is none or there are several."""
    files = await sent_files(request, most=1)
    return files[0]


async def sent_files(request: Request, *, most: int) -> list[File]:
    """The files of a request, at least one and at most `most`. Raises Fault for anything else."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        files = await _of_form(request, most)
    elif kind == "application/json":
        files = _of_json(await request.body(), most)
    else:
        files = [File("image", await request.body())]
    if not files or not any(one.content for one in files):
        raise Fault(400, "bad_request", "no image was sent", remedy="send it as the body, or as files of a form")
    return files


async def _of_form(request: Request, most: int) -> list[File]:
    async with request.form(max_files=most, max_fields=16) as form:
        parts = [part for _, part in form.multi_items() if isinstance(part, UploadFile)]
        return [File(_name(part.filename, at), await part.read()) for at, part in enumerate(parts, start=1)]


def _of_json(body: bytes, most: int) -> list[File]:
    try:
        listed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Fault(400, "bad_request", "the body is no JSON") from error
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise Fault(400, "bad_request", "the body is no JSON list of images in base64")
    if len(listed) > most:
        raise too_many(most)
    try:
        return [File(f"image {at}", base64.b64decode(one, validate=True)) for at, one in enumerate(listed, start=1)]
    except binascii.Error as error:
        raise Fault(400, "bad_request", f"an image is not in base64 ({error})") from error


def too_many(most: int) -> Fault:
    """The fault of more images than one request may have."""
    return Fault(413, "too_large", f"more than {most} images were sent", remedy="send fewer at once")


def _name(given: str | None, at: int) -> str:
    """The name by which answers call a file: printable and short, whatever the client says."""
    shown = "".join(char for char in (given or "") if char.isprintable())[-NAME_LENGTH:]
    return shown or f"image {at}"
