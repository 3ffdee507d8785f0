"""What correcting has cost: kept with the verdict, summed by person and day, shown on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from emendo.cli import main
from emendo.errors import UsageError
from emendo.label.desk import Desk
from emendo.types import Verdict
from emendo.workspace.efforts import Effort, Spent, add_effort, spent, totals
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry, Line, Stale


def line(number: int) -> str:
    return f"{number - 1:016x}"


def test_effort_is_kept_with_a_verdict_and_only_with_one(drawn_workspace: Workspace) -> None:
    desk = Desk.open(drawn_workspace)
    spent_once = Effort(12, 8.5)
    desk.save(line(1), "0123456789", Verdict.EDITED, expected=0, author="ann", effort=spent_once)
    desk.save(line(1), "0123456789", Verdict.EDITED, expected=0, author="ann", effort=spent_once)
    desk.save(line(2), "over the hills 2", Verdict.EDITED, expected=0, author="ann", effort=Effort(1, 1.5))
    desk.save(line(3), None, Verdict.SKIPPED, expected=0, author="ann", effort=Effort(1, 2.0))
    desk.save(line(4), "uncounted", Verdict.EDITED, expected=0, author="ann")
    with pytest.raises(Stale):
        desk.save(line(1), "other", Verdict.EDITED, expected=0, author="bob", effort=spent_once)
    with pytest.raises(UsageError):
        desk.save(line(5), "", Verdict.EDITED, expected=0, author="bob", effort=spent_once)
    (day,) = spent(desk.store)
    desk.close()
    assert day.day == datetime.now(UTC).date().isoformat()
    assert replace(day, day="") == Spent("ann", "", 3, 1, 1, 26, 14, 12.0)
    shown = day.to_dict()
    assert (shown["keys_per_thousand"], shown["seconds_per_thousand"]) == (538.5, 461.5)
    assert shown["accepted_share"] == 0.5


def on_days(workspace: Workspace) -> None:
    with workspace.store() as store, store.transaction() as transaction:
        for number, (author, day) in enumerate([("bob", 2), ("ann", 1), ("ann", 2), ("ann", 2)], start=1):
            said = Entry(line=line(number), reading="x", text="ten chars!", verdict=Verdict.EDITED, author=author)
            correction = transaction.add_corrections([said])[0][0]
            at = datetime(2026, 11, day, 23, 59, tzinfo=UTC)
            add_effort(transaction.connection, replace(correction, at=at), Effort(number, 2.0 * number))


def test_sums_by_person_and_day(empty_workspace: Workspace) -> None:
    with empty_workspace.store() as store:
        lines = [
            Line(id=line(n), document="d", number=n, text_line=n, page=1, image="i", sha256="") for n in range(1, 5)
        ]
        store.put_document("d", [(one, None) for one in lines])
    on_days(empty_workspace)
    with empty_workspace.store() as store:
        rows, bob = spent(store), spent(store, "bob")
        assert spent(store, "nobody") == []
    assert [(row.author, row.day, row.lines, row.keys) for row in rows] == [
        ("ann", "2026-11-01", 1, 2),
        ("ann", "2026-11-02", 2, 7),
        ("bob", "2026-11-02", 1, 1),
    ]
    assert [row.author for row in bob] == ["bob"]
    assert [(row.author, row.day, row.lines, row.keys, row.seconds) for row in totals(rows)] == [
        ("ann", "", 3, 9, 18.0),
        ("bob", "", 1, 1, 2.0),
    ]
    nothing = Spent("ann", "", 1, 0, 0, 0, 3, 4.0)
    assert nothing.accepted_share is None and nothing.to_dict()["keys_per_thousand"] is None


def test_the_command_line(drawn_workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    root = str(drawn_workspace.root)
    assert main(["effort", root]) == 0
    assert "nothing was corrected in the page yet" in capsys.readouterr().err
    on_days(drawn_workspace)
    assert main(["effort", root, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [row["author"] for row in shown["totals"]] == ["ann", "bob"] and len(shown["days"]) == 3
    assert main(["effort", root, "--author", "bob"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 2 and told[0].startswith("2026-11-02  bob") and "100 keys" in told[0]
