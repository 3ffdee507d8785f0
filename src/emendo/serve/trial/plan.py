"""What is tried, and which model a document falls to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ...errors import WorkspaceError
from ...monitor.captures import Captures
from ...monitor.trial import Judgement, Rules, judge, witnesses
from ...settings import TrialSettings
from ..reading import Task

FORMAT: Final = "emendo-trial/1"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried, as it stands in the file: the trial's name, the reference of the candidate, names of both models,
    how (see `TrialSettings`), and when it began (ISO 8601 UTC)."""

    id: str
    reference: str
    champion: str
    candidate: str
    how: TrialSettings
    started: str

    @property
    def rules(self) -> Rules:
        """What the verdict is given by."""
        how = self.how
        paired = how.mode == "shadow" or how.pairs
        return Rules(how.alpha, how.harm, how.documents, how.gain, paired, how.share, how.basis)

    def chosen(self, key: str) -> bool:
        """Whether a document falls to the candidate: a fixed share of all, by the hash of its name."""
        digest = hashlib.blake2b(f"{self.id}\0{key}".encode("utf-8", "replace"), digest_size=8).digest()
        return int.from_bytes(digest, "big") < self.how.share * 2**64

    def key(self, task: Task) -> str:
        """What stays with one model."""
        if self.how.sticky == "caller":
            return f"caller {task.caller}"
        return f"document {task.document}" if task.document else hashlib.sha256(task.content).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `read_plan` takes it back."""
        names = ("id", "reference", "champion", "candidate", "started")
        return {"format": FORMAT, **{name: getattr(self, name) for name in names}, "how": self.how.model_dump()}


def read_plan(row: Mapping[str, Any], where: Path) -> Plan:
    """The plan in a trial's file. Raises WorkspaceError when it holds none."""
    try:
        if row["format"] != FORMAT:
            raise ValueError(f"format {row['format']!r}")
        reference, champion, candidate, started = (
            str(row[name]) for name in ("reference", "champion", "candidate", "started")
        )
        return Plan(str(row["id"]), reference, champion, candidate, TrialSettings(**row["how"]), started)
    except (KeyError, TypeError, ValueError) as error:
        raise WorkspaceError("holds no trial", where=where, remedy="remove it to begin anew") from error


def judged(captures: Captures, rules: Rules, before: datetime | None = None) -> Judgement:
    """The verdict on what was captured of a trial; documents that became known `before` count."""
    return judge(witnesses(captures.seen(), captures.truths(), rules=rules, before=before), rules)
