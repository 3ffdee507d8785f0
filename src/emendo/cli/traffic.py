"""Which traffic a command looks at: what the service captured, the notes of a workspace, or a file of readings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from . import output
from .context import Context

if TYPE_CHECKING:
    from ..monitor.seen import Seen, Truth
    from ..workspace.folder import Workspace

Folder = Annotated[Path, typer.Option("--workspace", metavar="DIR", help="Workspace whose service is watched.")]
Since = Annotated[
    str | None, typer.Option(metavar="TIME", help="Only what was read from then on: 2026-11-29 or 2026-11-29T14:00.")
]
Until = Annotated[str | None, typer.Option(metavar="TIME", help="Only what was read before then.")]
Notes = Annotated[
    bool, typer.Option("--notes", help="The lines of the workspace's notes, not what the service captured.")
]
File = Annotated[
    Path | None, typer.Option("--seen", metavar="FILE", help="Readings in a JSONL file, not what was captured.")
]
TruthFile = Annotated[
    Path | None, typer.Option("--truths", metavar="FILE", help="With --seen: what people said of them, JSONL.")
]


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the options name: the `notes` of the workspace, a `file` of readings with that of their `truths`, else what
    was captured; of it what was read from `since` on and before `until`."""

    context: Context
    notes: bool
    file: Path | None
    truths: Path | None
    since: datetime | None
    until: datetime | None

    @property
    def captured(self) -> bool:
        """Whether it is what the service captured."""
        return not self.notes and self.file is None

    def read(self) -> tuple[str, list[Seen], list[Truth]]:
        """The source's name, its readings of the time, and all that people said. Raises UsageError for options that
        name two sources, or none."""
        if self.notes and self.file is not None:
            raise UsageError("--notes and --seen name two sources", remedy="name one")
        if self.truths is not None and self.file is None:
            raise UsageError("--truths goes with --seen", remedy="name the file with the readings too")
        source, found, said = self._source()
        since, until = self.since, self.until
        kept = [one for one in found if (since is None or one.at >= since) and (until is None or one.at < until)]
        times = [f"from {since:%F %R}" if since else "", f"until {until:%F %R}" if until else ""]
        return " ".join([source, *filter(None, times)]), kept, said

    def _source(self) -> tuple[str, list[Seen], list[Truth]]:
        from ..monitor import Captures
        from ..monitor.traffic import seen_of_file, seen_of_workspace, truths_of_file

        if self.file is not None:
            said = truths_of_file(self.truths) if self.truths is not None else []
            return str(self.file), seen_of_file(self.file), said
        workspace = workspace_of(self.context, "name a file with --seen")
        if self.notes:
            return f"notes in {workspace.root}", *seen_of_workspace(workspace)
        captures = Captures(workspace.captures)
        found, said = list(captures.seen(self.since, self.until)), list(captures.truths(self.since))
        if captures.torn:
            output.note(f"{captures.torn} captured lines were torn by a crash and left out")
        return "captures", found, said


def workspace_of(context: Context, remedy: str) -> Workspace:
    """The workspace of a command. Raises UsageError, with what to do, where there is none."""
    if context.workspace is None:
        raise UsageError("this is no workspace", where=str(Path().resolve()), remedy=remedy)
    return context.workspace


def time_of(text: str | None) -> datetime | None:
    """A time as people write it, in UTC unless it names another zone. Raises UsageError for what is none."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no time", remedy="write 2026-11-29 or 2026-11-29T14:00") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
