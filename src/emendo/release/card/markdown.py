"""Markdown with figures that name the file and key that they were taken from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...tools.files import sha256_file

UNKNOWN = "unknown"


def line(value: object) -> str:
    """A value as one line that Markdown shows as it is."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(number(value).split()))


def number(value: object) -> str:
    """A number with four digits, anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, float):
        return str(value)
    return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"


def percent(share: float | None) -> str:
    """A share as percent with two decimals."""
    return UNKNOWN if share is None else f"{100 * share:.2f} %"


def points(share: float) -> str:
    """A difference of shares in points of percent, with its sign."""
    return f"{100 * share:+.2f}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table of cells that are Markdown already."""
    return [
        f"| {' | '.join(heads)} |",
        f"|{'|'.join('---' for _ in heads)}|",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


class Sources:
    """The files that a card's figures come from: each has a label by which it is cited.

    Those of the folder `own` (the bundle) are named by their place in it, others with the two folders around them.
    """

    def __init__(self, own: Path) -> None:
        self._own = own.resolve()
        self._labels: dict[Path, str] = {}

    def cite(self, path: Path, key: str = "") -> str:
        """The label of a file, and the key of the figure in it."""
        label = self._labels.setdefault(path.resolve(), f"S{len(self._labels) + 1}")
        return f"{label} `{key}`" if key else label

    def listed(self) -> list[list[str]]:
        """Rows for a table: label, the file with the folders around it, its SHA-256."""
        return [[label, f"`{self._name(path)}`", f"`{sha256_file(path)}`"] for path, label in self._labels.items()]

    def _name(self, path: Path) -> str:
        inside = path.is_relative_to(self._own)
        return path.relative_to(self._own).as_posix() if inside else "/".join(path.parts[-3:])
