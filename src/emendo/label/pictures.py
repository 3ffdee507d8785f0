"""What a person sees beside a text: the crop of a line, and the page that it stands on.

Files are found by the names that the workspace itself wrote down or by the name of a document, and only inside of the
workspace: a name that leads out of it is answered like one that is not there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emendo.image.pixels import cv2

from ..errors import BadInput
from ..image.encode import jpeg_bytes
from ..image.load import read_frame
from ..pages.note import NoteFiles
from ..types import Image
from ..workspace.folder import Workspace
from ..workspace.store import Store

PAGE_SIDE = 2200
"""Longest side of a page's picture, in pixels."""
QUALITY = 82
"""Of a page's JPEG."""
WRITTEN = frozenset({".txt", ".orig", ".jsonl", ".json"})
"""Endings of what stands beside a document and is none."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a workspace; may be shared by threads."""

    workspace: Workspace
    store: Store

    def crop(self, line: str) -> Path:
        """The file of a line's picture. Raises WorkspaceError for an unknown line, BadInput when it is not there."""
        return self._inside(self.store.line(line).image)

    def page(self, document: str, number: int) -> bytes:
        """A page of a document as `jpeg` makes it, `number` from 1. Raises BadInput when it cannot be read."""
        return jpeg(read_frame(self.source(document), number - 1, self.workspace.settings().limits))

    def source(self, document: str) -> Path:
        """The file of a document. Raises BadInput when it is not there."""
        root = self.workspace.root
        job = NoteFiles(root / document).job()
        named = Path(document).parent / Path(job.source).name if job is not None else Path()
        if named.name and (root / named).is_file():
            return self._inside(str(named))
        for path in sorted(root.glob(f"{_plain(document)}.*")):
            if path.suffix.lower() not in WRITTEN and path.is_file():
                return self._inside(str(path.relative_to(root)))
        raise BadInput("its document is not there any more", where=document)

    def _inside(self, name: str) -> Path:
        path = (self.workspace.root / name).resolve()
        if not path.is_relative_to(self.workspace.root) or not path.is_file():
            raise BadInput("is not in the workspace any more", where=name, remedy="run `emendo read` again")
        return path


def jpeg(image: Image) -> bytes:
    """A page (H, W, 3) uint8 RGB as JPEG, at most `PAGE_SIDE` pixels long or wide. Raises ImageError."""
    height, width = image.shape[:2]
    scale = min(1.0, PAGE_SIDE / max(height, width))
    if scale < 1:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    return jpeg_bytes(image, QUALITY)


def _plain(document: str) -> str:
    """The name with everything escaped that a glob would understand."""
    return "".join(f"[{char}]" if char in "*?[" else char for char in document)
