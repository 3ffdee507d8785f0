"""A stack through what can become of it: CloudFormation as a script of statuses, since moto never fails nor waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emendo.cloud.aws import CloudError
from emendo.cloud.plan import Part
from emendo.cloud.stack import Stack

PART = Part("stores", "x-stores", "Resources: {}", {"KeepDays": "0"})


class Scripted:
    """CloudFormation whose stack has one status after the other at each look (the last one stays, "" is gone)."""

    def __init__(
        self, *statuses: str, events: Sequence[tuple[str, str, str]] = (), change: str = "", why: str = ""
    ) -> None:
        self.statuses, self.change, self.why = list(statuses), change or "CREATE_COMPLETE", why
        self.calls: list[str] = []
        self.kinds: list[str] = []
        self.rows = [
            {
                "EventId": str(at),
                "Timestamp": datetime(2026, 11, 29, 12, 0, at, tzinfo=UTC),
                "LogicalResourceId": resource,
                "ResourceType": "AWS::S3::Bucket",
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            }
            for at, (resource, status, reason) in enumerate(events)
        ]
        self.shown = 0

    def describe_stacks(self, StackName: str) -> Any:
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if not status:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "none"}}, "DescribeStacks")
        return {"Stacks": [{"StackStatus": status}]}

    def get_paginator(self, name: str) -> Any:
        class Pages:
            def paginate(inner, **_: Any) -> Iterator[Any]:
                yield {"StackEvents": list(reversed(self.rows if self.calls else []))}

        return Pages()

    def create_change_set(self, **more: Any) -> Any:
        self.kinds.append(more["ChangeSetType"])
        return {"Id": "change"}

    def describe_change_set(self, **_: Any) -> Any:
        return {"Status": self.change, "StatusReason": self.why}

    def __getattr__(self, name: str) -> Any:
        return lambda **_: self.calls.append(name)


def applied(client: Scripted, told: list[str] | None = None, minutes: float = 60) -> str:
    return Stack(client, "x-stores", (told if told is not None else []).append, minutes, 0.0).apply(PART, {})


def test_a_new_stack_is_made_and_its_events_are_told_once() -> None:
    events = [("x-stores", "CREATE_IN_PROGRESS", "User Initiated"), ("Bucket", "CREATE_COMPLETE", "")]
    client = Scripted("", "", "CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE", events=events)
    told: list[str] = []
    assert applied(client, told) == "created"
    assert client.kinds == ["CREATE"] and client.calls == ["execute_change_set"]
    assert [line for line in told if "Bucket (" in line] == ["12:00:01 create complete Bucket (AWS::S3::Bucket)"]


def test_nothing_to_change_is_no_fault_but_anything_else_is() -> None:
    why = "The submitted information didn't contain changes. Submit different information to create a change set."
    client = Scripted("CREATE_COMPLETE", change="FAILED", why=why)
    assert applied(client) == "unchanged" and client.calls == ["delete_change_set"]
    with pytest.raises(CloudError, match=r"cannot be changed so \(No such export\)"):
        applied(Scripted("CREATE_COMPLETE", change="FAILED", why="No such export"))


def test_a_failed_update_tells_its_first_cause_and_that_the_old_one_stays() -> None:
    events = [
        ("x-stores", "UPDATE_IN_PROGRESS", "User Initiated"),
        ("Endpoint", "UPDATE_FAILED", "The container did not pass the ping health check."),
        ("Scaled", "UPDATE_FAILED", "Resource update cancelled"),
        ("x-stores", "UPDATE_ROLLBACK_COMPLETE", ""),
    ]
    client = Scripted("UPDATE_COMPLETE", "", "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE", events=events)
    with pytest.raises(CloudError, match=r"what was there before stays as it was: Endpoint .* ping health check;"):
        applied(client)


def test_what_a_failed_creation_left_is_removed_before_the_next_try() -> None:
    client = Scripted("ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "", "", "", "CREATE_COMPLETE")
    assert applied(client) == "created"
    assert client.calls == ["delete_stack", "execute_change_set"] and client.kinds == ["CREATE"]


def test_a_failed_creation_leaves_nothing_and_says_why() -> None:
    events = [
        ("x-stores", "CREATE_IN_PROGRESS", "User Initiated"),
        ("Bucket", "CREATE_FAILED", "Access denied"),
        ("x-stores", "ROLLBACK_COMPLETE", ""),
    ]
    client = Scripted("", "", "CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE", events=events)
    with pytest.raises(CloudError, match=r"nothing of it is left: Bucket .*: Access denied; put that right"):
        applied(client)


def test_a_change_that_goes_on_is_waited_for() -> None:
    told: list[str] = []
    client = Scripted("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", "UPDATE_COMPLETE")
    assert applied(client, told) == "updated" and client.kinds == ["UPDATE"]
    assert told[0] == "x-stores: update in progress; waiting for its end"


def test_it_is_not_waited_for_ever_and_what_needs_a_person_says_so() -> None:
    with pytest.raises(CloudError, match="run the same command again"):
        applied(Scripted("CREATE_COMPLETE", "", "UPDATE_IN_PROGRESS"), minutes=0.0)
    with pytest.raises(CloudError, match="is update rollback failed; continue the roll-back"):
        applied(Scripted("UPDATE_ROLLBACK_FAILED"))
