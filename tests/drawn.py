"""A small workspace with drawn lines, as `emendo read` and `emendo collect` leave it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from emendo.types import Character, Reading
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Line

WORDS = ("the rain fell", "over the hills", "and we walked", "home in silence", "until the bells", "called us back")


def drawn_rows(count: int, texts: tuple[str, ...] = WORDS) -> list[tuple[Line, Reading]]:
    """`count` lines of the document `notes` on pages of six, with their readings."""
    rows = []
    for at in range(count):
        text = f"{texts[at % len(texts)]} {at + 1}"
        top = 40.0 + 80 * (at % 6)
        characters = tuple(
            Character(char, 0.6 if place == 4 else 0.99, 10.0 * place, 10.0 * place + 10)
            for place, char in enumerate(text)
        )
        line = Line(
            id=f"{at:016x}",
            document="notes",
            number=at + 1,
            text_line=at + 1,
            page=at // 6 + 1,
            image=f"notes_lines/line_{at + 1:03}.png",
            sha256="0" * 64,
            polygon=((100, top), (700, top), (700, top + 60), (100, top + 60)),
            box=(100, top, 700, top + 60),
            page_width=800,
            page_height=600,
        )
        rows.append((line, Reading(text, 0.9 - 0.01 * at, characters, "drawn")))
    return rows


def small_workspace(root: Path, count: int = 12, texts: tuple[str, ...] = WORDS) -> Workspace:
    """`count` lines on pages of six, the picture of each page beside them."""
    workspace = Workspace.init(root)
    (root / "notes_lines").mkdir()
    rows = drawn_rows(count, texts)
    page = np.full((600, 800, 3), 240, np.uint8)
    for line, reading in rows:
        crop = np.full((60, 600, 3), 245, np.uint8)
        shown = reading.text.encode("ascii", "replace").decode()
        cv2.putText(crop, shown, (8, 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (30, 30, 90), 2)
        cv2.imwrite(str(root / line.image), crop)
        top = int(line.box[1])
        page[top : top + 60, 100:700] = crop
    cv2.imwrite(str(root / "notes.png"), page)
    with workspace.store() as store:
        store.put_document("notes", rows)
    return workspace
