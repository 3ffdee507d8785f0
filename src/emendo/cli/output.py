"""What commands print: one JSON object, one error line, tables, and a progress bar on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console


def complain(sentence: str) -> None:
    """One line `error: ...` on standard error."""
    one_line = " ".join(sentence.split())
    sys.stderr.write(f"error: {one_line}\n")


def note(sentence: str) -> None:
    """A line for the person, on standard error, so that standard output stays clean for pipes."""
    sys.stderr.write(sentence.rstrip("\n") + "\n")


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=False, default=str) + "\n")


def console() -> Console:
    """A rich console on standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


class Bar(Protocol):
    """Callback of long work: done so far, total (0 when unknown), and a short text."""

    def __call__(self, done: int, total: int, text: str = "") -> None:
        """Show the state."""
        ...


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Bar]:
    """A live bar with the time left; silent when `quiet` or when standard error is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total, text="": None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console(), transient=True) as bars:
        task = bars.add_task(title, total=None, text="")

        def show(done: int, total: int, text: str = "") -> None:
            bars.update(task, completed=done, total=total or None, text=text)

        yield show


def percent(value: float | None) -> str:
    """A rate in [0, 1] as percent with one decimal, `-` when unknown."""
    return "-" if value is None else f"{100 * value:.1f} %"
