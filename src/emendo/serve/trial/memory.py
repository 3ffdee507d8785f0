"""What is remembered of a trial: the row in the file of its workspace, by which it goes on after a restart, and the
event that tells how it ended. Without a workspace it is remembered for as long as the service runs.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from ...monitor.trial import ARMS, Judgement, Verdict
from ...tools.files import write_json
from ...workspace.folder import Workspace, read_object, timestamp
from .plan import FORMAT, Plan, read_plan

EVENT: Final = "trial"
"""Kind of the event in the workspace that tells how a trial ended."""


class Memory:
    """The last trial of a workspace, or of a service without one."""

    def __init__(self, workspace: Workspace | None) -> None:
        self._workspace = workspace
        self._last: dict[str, Any] = {}
        self._owned: ExitStack | None = None

    def folder(self, plan: Plan) -> Path:
        """Where is kept what both models read in a trial."""
        return self._workspace.trials / plan.id if self._workspace is not None else Path(tempfile.mkdtemp())

    def claim(self) -> None:
        """From now until `free` no other service changes the trial of the workspace. Raises Busy when one has it."""
        if self._workspace is not None and self._owned is None:
            owned = ExitStack()
            owned.enter_context(self._workspace.lock(EVENT))
            self._owned = owned

    def free(self) -> None:
        """Leave the trial to whoever comes next."""
        owned, self._owned = self._owned, None
        if owned is not None:
            owned.close()

    def recall(self) -> Plan | None:
        """The last trial of the workspace, from its file. Raises WorkspaceError when that is damaged."""
        if self._workspace is None or not self._workspace.trial_file.is_file():
            return None
        self._last = read_object(self._workspace.trial_file)
        return read_plan(self._last, self._workspace.trial_file)

    @property
    def unfinished(self) -> bool:
        """Whether the last trial still went on when it was last written down."""
        return self._last.get("state") == "running"

    @property
    def counts(self) -> Counter[str]:
        """Of the last trial."""
        return Counter(self._last.get("counts") or {})

    @property
    def verdict(self) -> str:
        """Of the last trial, a value of `Verdict`."""
        return str((self._last.get("judgement") or {}).get("verdict", Verdict.OPEN.value))

    def describe(self) -> dict[str, Any]:
        """The last trial as JSON; its `state` is none when there was none. Raises WorkspaceError as `recall` does."""
        if not self._last:
            self.recall()
        return dict(self._last) or {"format": FORMAT, "state": "none"}

    def row(
        self, plan: Plan, state: str, counts: Mapping[str, int], judgement: Judgement | None, why: str = ""
    ) -> dict[str, Any]:
        """A trial as JSON. One that is not judged yet since a restart has the judgement from before."""
        judged = judgement.to_dict() if judgement is not None else None
        if judged is None and self._last.get("id") == plan.id:
            judged = self._last.get("judgement")
        told = {name: counts.get(name, 0) for name in (*ARMS, "lost", "failed", "kept")}
        ended = timestamp() if state == "ended" else ""
        return {**plan.to_dict(), "state": state, "ended": ended, "why": why, "counts": told, "judgement": judged}

    def save(self, row: dict[str, Any]) -> None:
        """Remember this of the last trial. Raises OSError when it cannot be written."""
        self._last = row
        if self._workspace is not None:
            write_json(self._workspace.trial_file, row)

    def note_end(self, plan: Plan, verdict: Verdict, why: str) -> None:
        """Put the end of a trial into the log of the workspace. Raises WorkspaceError when that cannot be written."""
        if self._workspace is None:
            return
        told = {"id": plan.id, "champion": plan.champion, "candidate": plan.candidate}
        with self._workspace.store() as store:
            store.add_event(EVENT, {**told, "verdict": verdict.value, "why": why})
