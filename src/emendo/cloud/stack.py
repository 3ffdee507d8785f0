"""One stack of CloudFormation: brought about by a change set, watched to its end, gone on with where it was left.

A change that fails is rolled back by CloudFormation: what was there before (an endpoint that answers) stays.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from .aws import CloudError, asking
from .plan import Part

PAUSE: Final = 5.0
"""Seconds between two looks."""
_UNCHANGED: Final = ("didn't contain changes", "No updates are to be performed")
"""How CloudFormation says that there is nothing to do: it has no code for that (`aws deploy` looks for the same)."""
_DEAD: Final = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED"})
"""A stack whose first creation failed: it can only be deleted."""
GONE: Final = "DELETE_COMPLETE"
REVIEW: Final = "REVIEW_IN_PROGRESS"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that became of a resource of a stack, or of the stack."""

    id: str
    at: datetime
    resource: str
    kind: str
    status: str
    reason: str

    def __str__(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.at:%H:%M:%S} {self.status.lower().replace('_', ' ')} {self.resource} ({self.kind}){reason}"

    def to_dict(self) -> dict[str, str]:
        """For JSON."""
        row = {"at": self.at.isoformat(), "resource": self.resource, "type": self.kind, "status": self.status}
        return {**row, "reason": self.reason}


@dataclass(slots=True)
class Stack:
    """A stack by its name. `tell` hears of each event, `minutes` is how long an end is waited for."""

    client: Any
    name: str
    tell: Callable[[str], None] = lambda _: None
    minutes: float = 60.0
    pause: float = PAUSE
    _seen: set[str] = field(default_factory=set)

    def describe(self) -> Mapping[str, Any] | None:
        """What CloudFormation says of it; None when it is not there."""
        try:
            with asking(self.name):
                found = self.client.describe_stacks(StackName=self.name)["Stacks"][0]
        except CloudError as error:
            if error.code == "ValidationError":  # of a name that may be one: there is no such stack
                return None
            raise
        return None if found["StackStatus"] == GONE else dict(found)

    @property
    def status(self) -> str:
        """Its status; empty when it is not there."""
        found = self.describe()
        return str(found["StackStatus"]) if found else ""

    def apply(self, part: Part, tags: Mapping[str, str]) -> str:
        """Bring a part about: `created`, `updated` or `unchanged`. Raises CloudError when it was rolled back."""
        status = self._settled()
        if status in _DEAD:
            self.tell(f"{self.name}: what an earlier try left is removed first")
            self.delete()
            status = ""
        if status in {"UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"}:
            remedy = "continue the roll-back in the console of CloudFormation, then run it again"
            raise CloudError(f"is {_words(status)}", where=self.name, remedy=remedy)
        new = status in {"", REVIEW}
        change = self._change_set(part, tags, new=new)
        if not change:
            return "unchanged"
        self._mark()
        with asking(self.name):
            self.client.execute_change_set(ChangeSetName=change, StackName=self.name)
        end = self._watched()
        if end not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            raise self._failed(end, new=new)
        return "created" if new else "updated"

    def delete(self) -> None:
        """Delete it and wait for the end; nothing is done when it is not there. Raises CloudError."""
        found = self.describe()
        if found is None:
            return
        self._mark()
        with asking(self.name):
            self.client.delete_stack(StackName=self.name)
        end = self._watched()
        if end:
            raise self._failed(end, new=False)

    def resources(self) -> dict[str, str]:
        """Physical ids of its resources by their logical ids."""
        with asking(self.name):
            pages = self.client.get_paginator("list_stack_resources").paginate(StackName=self.name)
            rows = [one for page in pages for one in page["StackResourceSummaries"]]
        return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in rows if one.get("PhysicalResourceId")}

    def events(self, most: int = 20) -> list[Event]:
        """Its last events, the latest first."""
        found: list[Event] = []
        with asking(self.name):
            for page in self.client.get_paginator("describe_stack_events").paginate(StackName=self.name):
                found += [_event(one) for one in page["StackEvents"]]
                if len(found) >= most:
                    break
        return found[:most]

    def _change_set(self, part: Part, tags: Mapping[str, str], *, new: bool) -> str:
        """The change set that brings a part about; empty when nothing changes."""
        with asking(self.name):
            change = self.client.create_change_set(
                StackName=self.name,
                ChangeSetName=f"emendo-{uuid.uuid4().hex[:12]}",
                ChangeSetType="CREATE" if new else "UPDATE",
                TemplateBody=part.template,
                Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in part.parameters.items()],
                Capabilities=["CAPABILITY_IAM"],
                Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
            )["Id"]
        until = time.monotonic() + 60 * self.minutes
        while True:
            with asking(self.name):
                found = self.client.describe_change_set(ChangeSetName=change, StackName=self.name)
            if found["Status"] == "CREATE_COMPLETE":
                return str(change)
            if found["Status"] == "FAILED":
                break
            self._wait(until)
        with asking(self.name):
            self.client.delete_change_set(ChangeSetName=change, StackName=self.name)
        reason = str(found.get("StatusReason") or "no reason was given")
        if any(words in reason for words in _UNCHANGED):
            return ""
        raise CloudError(f"cannot be changed so ({' '.join(reason.split())[:300]})", where=self.name)

    def _settled(self) -> str:
        """Its status once nothing goes on there; somebody's (or our own earlier) change is waited for."""
        status = self.status
        if not status.endswith("_IN_PROGRESS") or status == REVIEW:
            return status
        self.tell(f"{self.name}: {_words(status)}; waiting for its end")
        self._mark()
        return self._watched()

    def _mark(self) -> None:
        """Events so far are no news."""
        if self.describe() is not None:
            self._seen = {event.id for event in self.events(100)}

    def _watched(self) -> str:
        """Tell what happens until nothing goes on any more; the status then, empty when the stack is gone."""
        until = time.monotonic() + 60 * self.minutes
        while True:
            status = self.status
            for event in reversed(self.events(100) if status else []):
                if event.id not in self._seen:
                    self._seen.add(event.id)
                    self.tell(str(event))
            if not status.endswith("_IN_PROGRESS"):
                return status
            self._wait(until)

    def _wait(self, until: float) -> None:
        if time.monotonic() > until:
            what = f"is not at its end after {self.minutes:g} minutes"
            raise CloudError(what, where=self.name, remedy="run the same command again to go on waiting")
        time.sleep(self.pause)

    def _failed(self, end: str, *, new: bool) -> CloudError:
        """The first thing that went wrong in what was just tried: what came after followed from it."""
        reason = f"it is {_words(end)}"
        for event in self.events(100):
            if event.resource == self.name and event.reason == "User Initiated":
                break
            if event.status.endswith("_FAILED"):
                reason = f"{event.resource} ({event.kind}): {event.reason.rstrip('.') or _words(event.status)}"
        if end.startswith("DELETE"):
            return CloudError(f"could not be deleted: {reason}", where=self.name)
        kept = "nothing of it is left" if new else "what was there before stays as it was"
        return CloudError(
            f"was rolled back, {kept}: {reason}", where=self.name, remedy="put that right and run it again"
        )


def _event(row: Mapping[str, Any]) -> Event:
    return Event(
        row["EventId"],
        row["Timestamp"],
        row.get("LogicalResourceId", ""),
        row.get("ResourceType", ""),
        row.get("ResourceStatus", ""),
        " ".join(str(row.get("ResourceStatusReason", "")).split()),
    )


def _words(status: str) -> str:
    return status.lower().replace("_", " ")
