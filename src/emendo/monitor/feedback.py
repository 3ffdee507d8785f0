"""What a client may say of an answer, checked against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from ..errors import BadInput
from ..fields import read_document
from ..text.normalize import normalize_text
from ..tools.counts import counted
from .seen import Outcome, Seen, Truth

MOST_CHARACTERS: Final = 100_000
"""Most characters of a text."""
MOST_FIELD_BYTES: Final = 1_000_000
"""Most bytes of the fields of a document, as JSON."""


def truth_of(
    seen: Seen,
    *,
    text: str | None = None,
    fields: Mapping[str, Any] | None = None,
    line: int | None = None,
    author: str,
) -> Truth:
    """The truth of a reading as it is kept: texts normalised, fields in their canonical form.

    Of a document `fields` are told, of anything else `text`; of a page that of its `line` (from 0), or of all lines,
    each on a line of its own. Raises BadInput for what cannot be the truth of this reading.
    """
    if seen.outcome is not Outcome.READ:
        raise BadInput(f"{seen.id} was not read, so nothing can be said of what it reads")
    document = not seen.lines and (seen.kind == "document" or seen.fields is not None)
    if (fields is None) is (text is None) or (fields is not None) is not document:
        wanted = "fields" if document else "text"
        raise BadInput(f"{seen.id} is a {seen.kind}: {wanted} is to be told of it", remedy=f"send {wanted} alone")
    at = datetime.now(UTC)
    if fields is not None:
        if line is not None:
            raise BadInput(f"{seen.id} is a document and has no lines", remedy="leave line out")
        return Truth(id=seen.id, at=at, author=author, fields=_checked(fields))
    assert text is not None
    if len(text) > MOST_CHARACTERS:
        raise BadInput(f"the text has more than {MOST_CHARACTERS:,} characters", remedy="tell it line by line")
    whole = seen.kind == "page" and line is None
    rows = [normalize_text(row) for row in text.splitlines()] or [""]
    if not whole and len(rows) > 1:
        raise BadInput(f"one line is asked for and {len(rows)} were sent", remedy="send one line of text")
    if line is not None and not 0 <= line < len(seen.lines):
        raise BadInput(
            f"{seen.id} has {counted(len(seen.lines), 'line')} and no line {line}", remedy="count them from 0"
        )
    return Truth(id=seen.id, at=at, author=author, text="\n".join(rows), line=line if seen.kind == "page" else None)


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    if len(json.dumps(fields)) > MOST_FIELD_BYTES:
        raise BadInput(f"the fields are more than {MOST_FIELD_BYTES:,} bytes", remedy="send the fields alone")
    found = read_document(fields)
    if found.faults:
        first = found.faults[0]
        raise BadInput(f"{first.path}: {first.what}", remedy="see emendo.fields")
    return found.document.values()
