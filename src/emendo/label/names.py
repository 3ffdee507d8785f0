"""Names that come from outside, made safe for a file."""

from __future__ import annotations

import re
import unicodedata

MOST_BYTES = 120
NOWHERE = "document"
_FORBIDDEN = re.compile(r'[<>:"|?*]')


def safe_name(given: str, ending: str) -> str:
    """A file name from whatever a stranger calls their document, with `ending` in place of the ending it had.

    No folders, no control or direction characters, nothing hidden, nothing that a shell or another system forbids, NFC,
    at most `MOST_BYTES` bytes before the ending.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1]
    shown = "".join(char for char in last if unicodedata.category(char)[0] != "C" or char.isspace())
    stem = re.sub(r"\.(pdf|png|jpe?g|tiff?|webp)$", "", " ".join(shown.split()), flags=re.IGNORECASE)
    stem = _FORBIDDEN.sub("_", stem).strip(". ")
    stem = stem.encode()[:MOST_BYTES].decode(errors="ignore").rstrip(". ")
    return (stem or NOWHERE) + ending
