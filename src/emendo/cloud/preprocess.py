"""Uploads become page images, once each, whatever is told how often.

    incoming/NAME               what somebody uploaded
    processed/ID/page-0001.png  its pages, ID being the hash of its content
    processed/ID/pages.jsonl    a row for each page, in the form of a data set; it comes last
    refused/ID.json             the sentence that says why it is no document
    index/NAME.json             what became of the upload of that name

The same content gives the same keys and bytes, so that an event that comes twice changes nothing. What cannot be read
is refused once and not tried again; what fails for want of a service or of time raises, is tried again, and goes on
with the page that is missing.
"""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import BadInput, FormatError
from ..image.encode import png_bytes
from ..image.load import open_content
from ..settings import Settings
from ..tools.files import sha256_bytes
from .aws import MISSING, CloudError, asking
from .s3 import Store

INCOMING: Final = "incoming/"
PROCESSED: Final = "processed"
REFUSED: Final = "refused"
INDEX: Final = "index"
PAGES: Final = "pages.jsonl"
LAST_SECONDS: Final = 20.0
"""Seconds before the end of its time at which no further page is begun."""
INDEX_BYTES: Final = 1_000_000
Remaining = Callable[[], float]
"""Seconds that are left."""


@dataclass(frozen=True, slots=True)
class Upload:
    """One object that came: of several versions of a key, `sequencer` (hexadecimal) tells which is the later."""

    bucket: str
    key: str
    version: str = ""
    sequencer: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an upload: `ready` (new pages), `same` (they were there), `refused`, `gone`, `passed over`.

    `document` is the id of its content, `faults` are the pages that cannot be read, by their number.
    """

    upload: Upload
    state: str
    document: str = ""
    pages: int = 0
    message: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; what is empty is left out."""
        row = {
            "source": f"s3://{self.upload.bucket}/{self.upload.key}",
            "state": self.state,
            "document": self.document,
            "pages": self.pages,
            "message": self.message,
            "faults": dict(self.faults),
            "sequencer": self.upload.sequencer,
        }
        return {name: value for name, value in row.items() if value}


def uploads_of(event: Mapping[str, Any]) -> list[Upload]:
    """The uploads that an event tells of: one of EventBridge, or a notification of S3 (whose keys are encoded).

    Raises FormatError for an event of another kind.
    """
    try:
        if event.get("detail-type") == "Object Created":
            detail, made = event["detail"], event["detail"]["object"]
            version, sequencer = str(made.get("version-id", "")), str(made.get("sequencer", ""))
            return [Upload(str(detail["bucket"]["name"]), str(made["key"]), version, sequencer)]
        if event.get("Event") == "s3:TestEvent":
            return []
        found = []
        for record in event["Records"]:
            made = record["s3"]["object"]
            key = urllib.parse.unquote_plus(made["key"])
            version, sequencer = str(made.get("versionId", "")), str(made.get("sequencer", ""))
            found.append(Upload(str(record["s3"]["bucket"]["name"]), key, version, sequencer))
        return found
    except (KeyError, TypeError, AttributeError) as error:
        raise FormatError("the event tells of no upload", remedy="send events `Object Created` of S3") from error


def preprocess(client: Any, upload: Upload, settings: Settings, remaining: Remaining = lambda: 900.0) -> Result:
    """Make page images of an upload. Raises CloudError when it should be tried again."""
    if not upload.key.startswith(INCOMING) or upload.key.endswith("/"):
        return Result(upload, "passed over", message=f"lies not in {INCOMING}")
    store = Store(client, upload.bucket)
    try:
        content = _content(store, upload, settings.limits.upload_bytes)
    except CloudError as error:
        if error.code in MISSING or error.code == "NoSuchVersion":
            return Result(upload, "gone", message="was deleted before it was looked at")
        raise
    except BadInput as error:
        return _noted(store, Result(upload, "refused", message=str(error)))
    document = sha256_bytes(content)[:32]
    place = store.below(PROCESSED).below(document)
    known = _rows(place)
    if known is not None:
        return _noted(store, Result(upload, "same", document, len(known)))
    try:
        rows, faults = _pages(place, content, upload, document, settings, remaining)
        if not rows:
            raise BadInput(next(iter(faults.values())))
    except BadInput as error:
        result = Result(upload, "refused", document, message=str(error))
        body = {"document": document, "message": result.message}
        store.put_bytes(_json(body), f"{REFUSED}/{document}.json", kind="application/json")
        return _noted(store, result)
    listed = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    new = place.put_bytes(listed.encode(), PAGES, kind="application/x-ndjson", only_new=True)
    return _noted(store, Result(upload, "ready" if new else "same", document, len(rows), faults=faults))


def _content(store: Store, upload: Upload, most: int) -> bytes:
    """The file that was uploaded. Raises BadInput when it is too large, CloudError."""
    name = upload.key.removeprefix(INCOMING)
    more = {"VersionId": upload.version} if upload.version else {}
    with asking(store.uri(upload.key)):
        found = store.client.get_object(Bucket=upload.bucket, Key=upload.key, **more)
        if found["ContentLength"] > most:
            found["Body"].close()
            what = f"has {found['ContentLength']:,} bytes, more than the {most:,} that are taken"
            raise BadInput(what, where=name, remedy="split it, or raise limits.upload_bytes")
        return bytes(found["Body"].read())


def _pages(
    place: Store, content: bytes, upload: Upload, document: str, settings: Settings, remaining: Remaining
) -> tuple[Sequence[dict[str, Any]], dict[str, str]]:
    """Put the pages that are not there yet: a row for each page, and a sentence for each that cannot be read."""
    there = set(place.keys())
    rows: list[dict[str, Any]] = []
    faults: dict[str, str] = {}
    name = upload.key.removeprefix(INCOMING)
    with open_content(content, name, settings.limits, dpi=settings.read.dpi) as opened:
        for number in range(1, len(opened) + 1):
            if remaining() < LAST_SECONDS:
                what = f"{number - 1} of {len(opened)} pages were done in time"
                raise CloudError(what, where=upload.key, remedy="the next try goes on there")
            key = f"page-{number:04}.png"
            try:
                image = opened.frame(number - 1)
            except BadInput as error:
                faults[str(number)] = str(error)
                continue
            if key not in there:
                place.put_bytes(png_bytes(image), key, kind="image/png")
            height, width = image.shape[:2]
            rows.append(
                {
                    "image": key,
                    "document": document,
                    "page": number,
                    "pages": len(opened),
                    "width": width,
                    "height": height,
                    "source": name,
                }
            )
    return rows, faults


def _rows(place: Store) -> list[str] | None:
    """Rows of the pages that are there; None when they are not all there."""
    if place.size(PAGES) is None:
        return None
    return place.get(PAGES, INDEX_BYTES).decode().splitlines()


def _noted(store: Store, result: Result) -> Result:
    """Write down what became of the upload of this name, unless a later upload of the name did so before."""
    key = f"{INDEX}/{result.upload.key.removeprefix(INCOMING)}.json"
    if store.size(key) is not None:
        before = json.loads(store.get(key, INDEX_BYTES))
        if _later(str(before.get("sequencer", "")), result.upload.sequencer):
            return result
    row = {**result.to_dict(), "state": "ready" if result.state == "same" else result.state}
    store.put_bytes(_json(row), key, kind="application/json")
    return result


def _later(one: str, other: str) -> bool:
    """Whether a sequencer is later than another: hexadecimal, the shorter filled up with zeros on the right (AWS,
    "Event message structure" of Amazon S3)."""
    length = max(len(one), len(other))
    return one.upper().ljust(length, "0") > other.upper().ljust(length, "0")


def _json(row: Mapping[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()
