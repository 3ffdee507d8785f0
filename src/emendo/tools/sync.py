"""What sync clients leave in a folder: conflict copies, by the names that they give them."""

from __future__ import annotations

import re

_PATTERNS = (
    re.compile(r"^(?P<name>.+?) ?\([^()]*(conflict|conflit|conflicto|konflikt|conflitt)[^()]*\)(?P<rest>.*)$", re.I),
    re.compile(r"^(?P<name>.+?)\.sync-conflict-\d{8}-\d{6}(-[A-Z0-9]{7})?(?P<rest>\..*)?$"),
    re.compile(r"^(?P<name>.+?)_conflict-\d{8}-\d{6}(?P<rest>\..*)?$"),
    re.compile(r"^(?P<name>.+?)\.conflict(ed)?\d*(?P<rest>\..*)?$", re.I),
)
"""Dropbox, Nextcloud, ownCloud, Box; Syncthing; old ownCloud; Resilio."""


def conflict_of(name: str) -> str | None:
    """The file name that `name` is a conflict copy of, None when it is none.

    `journal (Anna's conflicted copy 2026-11-20).txt` and `journal.sync-conflict-20261120-101500-ABCDEFG.txt` are
    copies of `journal.txt`.
    """
    for pattern in _PATTERNS:
        match = pattern.match(name)
        if match:
            return match["name"] + (match["rest"] or "")
    return None
