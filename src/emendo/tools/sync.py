"""What sync clients leave in a folder: conflict copies, by the names that they give them."""

from __future__ import annotations

import re
from collections.abc import Collection

_PATTERNS = (
    re.compile(r"^(?P<name>.+?) ?\([^()]*(conflict|conflit|conflicto|konflikt|conflitt)[^()]*\)(?P<rest>.*)$", re.I),
    re.compile(r"^(?P<name>.+?)\.sync-conflict-\d{8}-\d{6}(-[A-Z0-9]{7})?(?P<rest>\..*)?$"),
    re.compile(r"^(?P<name>.+?)_conflict-\d{8}-\d{6}(?P<rest>\..*)?$"),
    re.compile(r"^(?P<name>.+?)\.conflict(ed)?\d*(?P<rest>\..*)?$", re.I),
)
"""Dropbox, Nextcloud, ownCloud, Box; Syncthing; old ownCloud; Resilio."""
_KIND = "(DESKTOP|LAPTOP|WIN|PC|NB|MAC|SURFACE)"
_COMPUTER = rf"({_KIND}-[A-Z0-9]{{2,13}}|[A-Z0-9]{{2,13}}-{_KIND}|\w+-?MacBook\S*?)"
_ONEDRIVE = re.compile(rf"^(?P<name>.+?)-{_COMPUTER}(-\d+)?(?P<rest>\.[^.]*)?$")
"""OneDrive adds the name of the computer. Only the names that Windows, macOS and most offices give count: a document
called `journal-PARIS.pdf` beside `journal.pdf` is a document."""


def conflict_of(name: str, beside: Collection[str] = ()) -> str | None:
    """The file name that `name` is a conflict copy of, None when it is none.

    `journal (Anna's conflicted copy 2026-11-20).txt` and `journal.sync-conflict-20261120-101500-ABCDEFG.txt` are
    copies of `journal.txt`; `journal-DESKTOP-4Q2K7AB.txt` is one when `journal.txt` is among the names `beside` it.
    """
    for pattern in _PATTERNS:
        match = pattern.match(name)
        if match:
            return match["name"] + (match["rest"] or "")
    match = _ONEDRIVE.match(name)
    original = match["name"] + (match["rest"] or "") if match else ""
    return original if original in beside else None
