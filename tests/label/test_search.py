"""The index keeps up with the database, whoever writes; orders with their filters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from emendo.errors import UsageError
from emendo.label.desk import Desk
from emendo.label.queues import EVERYTHING, MOST_KEPT, ORDERS, Filter
from emendo.types import Reading, Verdict
from emendo.workspace.doubts import Doubt
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry, Kind, Line

from ..postgres import Cluster


@pytest.fixture
def desk(drawn_workspace: Workspace) -> Iterator[Desk]:
    opened = Desk.open(drawn_workspace)
    yield opened
    opened.close()


def line(number: int) -> str:
    return f"{number - 1:016x}"


def numbers(ids: list[str]) -> list[int]:
    return [int(one, 16) + 1 for one in ids]


def hits(desk: Desk, query: str) -> list[int]:
    return numbers([one.id for one in desk.index.search(query)])


def elsewhere(workspace: Workspace, number: int, text: str | None, author: str = "bob") -> None:
    """Another process gives a verdict."""
    verdict = Verdict.EDITED if text else Verdict.SKIPPED
    with workspace.store() as store:
        store.add_correction(Entry(line=line(number), reading="", text=text, verdict=verdict, author=author))


def test_search_follows_what_others_write(desk: Desk, drawn_workspace: Workspace) -> None:
    assert hits(desk, "RAIN fell") == [1, 7] and hits(desk, '"fell rain"') == [] and hits(desk, "  ") == []
    elsewhere(drawn_workspace, 7, "Le train est tombé")
    assert hits(desk, "rain fell") == [1] and hits(desk, "TOMBE") == [7]
    elsewhere(drawn_workspace, 1, None)
    assert hits(desk, "rain fell") == [1], "a skipped line keeps its reading"
    elsewhere(drawn_workspace, 7, None)
    assert hits(desk, "rain fell") == [1, 7] and hits(desk, "tombe") == [], "also after it was corrected"
    elsewhere(drawn_workspace, 7, "Le train est tombé")
    with drawn_workspace.store() as store:
        first, second = store.lines()[1:3]
        store.put_document("notes", [(first, Reading("read anew", 0.5)), (second, None)])
        assert hits(desk, "anew") == [2], "a new reading is seen at once"
        store.add_event("collect", {"document": "notes"})
    assert hits(desk, "hills") == [] and hits(desk, "walked") == [3] and hits(desk, "home") == []
    with drawn_workspace.store() as store:
        moved = replace(first, document="other", id="f" * 16)
        store.put_document("other", [(moved, Reading("of another page", 0.5))])
    assert [one.document for one in desk.index.search("another page")] == ["other"]


def test_a_reading_never_covers_a_correction(desk: Desk, drawn_workspace: Workspace) -> None:
    elsewhere(drawn_workspace, 2, "what a person wrote")
    assert hits(desk, "person") == [2]
    with drawn_workspace.store() as store:
        lines = store.lines()
        store.put_document("notes", [(one, Reading("machine", 0.2)) for one in lines])
    assert hits(desk, "person") == [2] and 2 not in hits(desk, "machine") and len(hits(desk, "machine")) == 11


def test_readings_of_plates_do_not_load_all_lines_anew(desk: Desk, drawn_workspace: Workspace) -> None:
    desk.index.lines()
    with drawn_workspace.store() as store:
        plate = replace(store.lines()[0], id="p", document="plates", kind=Kind.PLATE)
        store.put_document("plates", [(plate, Reading("AB 12", 0.5))])
        first = desk.index.lines()
        store.put_document("plates", [(plate, Reading("AB 13", 0.5))])
    assert desk.index.lines() is first and len(first) == 12


def test_filters_narrow_every_order(desk: Desk, drawn_workspace: Workspace) -> None:
    elsewhere(drawn_workspace, 3, "corrected by bob")
    elsewhere(drawn_workspace, 4, None)
    elsewhere(drawn_workspace, 9, "corrected by ann", "ann")
    waiting = [1, 2, 5, 6, 7, 8, 10, 11, 12]

    def shown(order: str, **filters: object) -> list[int]:
        return numbers(desk.order(order, Filter(**filters), fresh=True))  # type: ignore[arg-type]

    assert shown("document") == waiting == shown("document", verdict="waiting")
    assert shown("document", verdict="any") == list(range(1, 13))
    assert shown("document", verdict="skipped") == [4]
    assert shown("document", author="bob") == [3, 4] and shown("done", author="bob") == [4, 3]
    assert shown("done") == [9, 4, 3] and shown("done", text="corrected") == [9, 3]
    assert shown("confidence", low=0.8, high=0.86) == [11, 10, 8, 7, 6, 5]
    assert shown("confidence", text="called us back") == [12, 6]
    assert shown("document", document="notes", text="12") == [12] and shown("document", document="note") == []
    assert sorted(shown("instructive", text="hills")) == [2, 8]
    assert desk.hand("ann", "document", 0, 5, only=Filter(text="hills")).lines == [line(2), line(8)]
    assert desk.place("document", Filter(verdict="any", text="rain"), line(7)) == 1
    assert desk.place("document", Filter(verdict="any"), "gone") == 0


def test_a_filter_that_cannot_be_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match=r"unknown verdict 'best'; use waiting, any, accepted"):
        Filter(verdict="best")
    with pytest.raises(UsageError, match="no confidence is between"):
        Filter(low=0.9, high=0.2)
    with pytest.raises(UsageError, match="no confidence is between"):
        Filter(low=float("nan"))
    for number in range(MOST_KEPT + 5):
        desk.order("document", Filter(text=str(number)))
    assert desk.order("document", Filter(text="7")) == [line(7)] and set(ORDERS) >= {"doubtful"}


def test_doubtful_texts_come_first_until_somebody_looked(desk: Desk, drawn_workspace: Workspace) -> None:
    for number in (1, 2, 3):
        elsewhere(drawn_workspace, number, f"label {number}")
    found = [Doubt(line(n), 1, wrong, f"reading {n}", "base-hand") for n, wrong in ((1, 0.4), (2, 0.9), (3, 0.6))]
    desk.doubts.keep(found)
    assert numbers(desk.order("doubtful", fresh=True)) == [2, 3, 1]
    card = desk.card(line(2)).to_dict()
    assert (card["doubt"]["wrong"], card["doubt"]["model"]) == (0.9, "base-hand")
    assert "".join(text for text, _ in card["doubt"]["reading"]) == "reading 2"
    elsewhere(drawn_workspace, 2, "corrected now")
    assert desk.doubts.settle(line(3), "ann") and not desk.doubts.settle(line(9), "ann")
    assert numbers(desk.order("doubtful", fresh=True)) == [1]
    assert desk.card(line(2)).doubt is None
    desk.doubts.keep(found)
    assert numbers(desk.order("doubtful", EVERYTHING, fresh=True)) == [1], "what was looked at is not asked again"
    assert numbers(desk.order("doubtful", Filter(text="label"), fresh=True)) == [1]


def test_index_and_doubts_on_either_database(empty_workspace: Workspace) -> None:
    desk = Desk.open(empty_workspace)
    drawn = Line(id="a", document="d", number=1, text_line=1, page=1, image="a.png", sha256="0")
    with empty_workspace.store() as store:
        store.put_document("d", [(drawn, Reading("Première ligne", 0.5))])
        assert [one.text for one in desk.index.search("PREMIERE")] == ["Première ligne"]
        store.add_correction(Entry(line="a", reading="", text="Dernière", verdict=Verdict.EDITED, author="bob"))
    assert not desk.index.search("premiere") and desk.index.search("derniere")[0].author == "bob"
    desk.doubts.keep([Doubt("a", 1, 0.5, "x", "base")])
    desk.doubts.keep([Doubt("a", 1, 0.6, "y", "base")])
    assert desk.doubts.of(["a"])["a"].reading == "y" and desk.doubts.open() == ["a"]
    assert desk.doubts.settle("a", "ann") and not desk.doubts.open()
    desk.close()


def test_a_slower_writer_is_not_missed(postgres: Cluster, tmp_path: Path) -> None:
    """It has taken a lower number than one that was seen already, and ends later."""
    workspace = Workspace.init(tmp_path / "ws")
    (workspace.root / "emendo.toml").write_text(f'database = "{postgres.database()}"\n', encoding="utf-8")
    desk = Desk.open(workspace)
    drawn = [
        Line(id=one, document="d", number=at, text_line=at, page=1, image=f"{one}.png", sha256="0")
        for at, one in enumerate("ab", start=1)
    ]
    with workspace.store() as slow, workspace.store() as quick:
        quick.put_document("d", [(one, Reading("read", 0.5)) for one in drawn])
        with slow.transaction() as transaction:
            transaction.add_corrections(
                [Entry(line="a", reading="", text="slow", verdict=Verdict.EDITED, author="ann")]
            )
            quick.add_correction(Entry(line="b", reading="", text="quick", verdict=Verdict.EDITED, author="bob"))
            assert [one.text for one in desk.index.lines()] == ["read", "quick"]
        assert [one.text for one in desk.index.lines()] == ["slow", "quick"]
    desk.close()
