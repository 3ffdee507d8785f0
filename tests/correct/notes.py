"""Notes for tests: a folder as `emendo read` leaves it, from real lines or from made-up ones."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"


def make_note(
    root: Path,
    readings: Sequence[str],
    *,
    name: str = "journal",
    crops: Sequence[bytes] | None = None,
    pages: Sequence[int] | None = None,
    confidence: float = 0.5,
) -> Path:
    """Write `name.txt`, `.txt.orig` and `name_lines/`; returns the path of `name.txt`, an hour old."""
    folder = root / f"{name}_lines"
    folder.mkdir(parents=True)
    rows, lines = [], []
    for i, reading in enumerate(readings):
        page = pages[i] if pages else 1
        if pages and i and page != pages[i - 1]:
            lines.append("")
        lines.append(reading)
        content = crops[i] if crops else PNG + f"{name} {i} {reading}".encode()
        image = f"line_{i + 1:03d}.jpg"
        (folder / image).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        rows.append(
            {
                "id": digest[:16],
                "number": i + 1,
                "text_line": len(lines),
                "page": page,
                "region": 0,
                "polygon": [[0, 50 * i], [400, 50 * i], [400, 50 * i + 40], [0, 50 * i + 40]],
                "box": [0, 50 * i, 400, 50 * i + 40],
                "page_width": 400,
                "page_height": 2000,
                "image": image,
                "sha256": digest,
                "text": reading,
                "confidence": confidence,
                "model": "test@1",
                "characters": [],
            }
        )
    (folder / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    text = "\n".join(lines) + "\n"
    note = root / f"{name}.txt"
    note.write_text(text, encoding="utf-8")
    (root / f"{name}.txt.orig").write_text(text, encoding="utf-8")
    age(root)
    return note


def age(root: Path, seconds: float = 3600) -> None:
    """Let every fresh file under `root` outside `.emendo` be that old, so that it counts as settled."""
    now = time.time()
    for path in root.rglob("*"):
        fresh = ".emendo" not in path.parts and path.is_file() and not path.is_symlink()
        if fresh and path.stat().st_mtime > now - seconds / 2:
            os.utime(path, (now - seconds, now - seconds))
