"""The curve of a run while it grows: a row a step in `curve.jsonl`, for whoever watches from another process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emendo.tools.files import write_text

ROWS = "curve.jsonl"


@dataclass(frozen=True, slots=True)
class Curve:
    """Steps in all (0: not known yet), (step, loss) of each step and (step, CER) of each validation."""

    total: int = 0
    losses: tuple[tuple[int, float], ...] = ()
    cers: tuple[tuple[int, float], ...] = ()

    @property
    def steps(self) -> int:
        """Steps done."""
        return self.losses[-1][0] if self.losses else 0

    def thinned(self, most: int) -> Curve:
        """At most `most` losses, spread evenly, the last one among them."""
        count = len(self.losses)
        if count <= most:
            return self
        kept = tuple(self.losses[(at + 1) * count // most - 1] for at in range(most))
        return Curve(self.total, kept, self.cers)


def read_curve(run: Path) -> Curve:
    """The curve of a run so far; empty before its first step. A row that is being written is left out."""
    total, losses, cers = 0, [], []
    for row in _rows(run / ROWS):
        if "loss" in row:
            losses.append((int(row["step"]), float(row["loss"])))
            total = int(row["total"])
        else:
            cers.append((int(row["step"]), float(row["cer"])))
    return Curve(total, tuple(losses), tuple(cers))


def begin_curve(run: Path, step: int) -> None:
    """Forget what lies beyond `step`, where the run goes on; 0 forgets all."""
    kept = [row for row in _rows(run / ROWS) if row["step"] <= step] if step else []
    write_text(run / ROWS, "".join(json.dumps(row) + "\n" for row in kept))


def add_to_curve(run: Path, **row: float) -> None:
    """Append a row: `step` and `total` with `loss`, or `step` with `cer`."""
    with (run / ROWS).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(row) + "\n")


def _rows(path: Path) -> list[dict[str, Any]]:
    found = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if (isinstance(row, dict) and {"step", "loss", "total"} <= set(row)) or {"step", "cer"} <= set(row):
            found.append(row)
    return found
