"""People, their tokens, and the lines that they have in work, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from emendo.errors import UsageError
from emendo.types import Reading, Verdict
from emendo.workspace import Workspace
from emendo.workspace.leases import InWork, Leases, release
from emendo.workspace.people import REMEMBERED_SECONDS, People, Person, Role
from emendo.workspace.store import Entry, Stale, Store

from .test_store import line

IDS = [f"journal-{number}" for number in range(1, 9)]


@pytest.fixture
def store(empty_workspace: Workspace) -> Iterator[Store]:
    with empty_workspace.store() as opened:
        opened.put_document("journal", [(line(number), Reading("read", 0.5)) for number in range(1, 9)])
        yield opened


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_person_is_known_by_a_token_that_is_not_kept(store: Store) -> None:
    people = People(store.database)
    token = people.add("  Ann   Lee ", Role.ANNOTATOR)
    assert people.holder(token) == Person("Ann Lee", Role.ANNOTATOR)
    assert people.holder(token[:-1]) is people.holder("") is people.holder("\ud800") is None
    with store.database.read() as connection:
        kept = connection.exec_driver_sql("SELECT token FROM users").scalar_one()
    assert len(kept) == 64 and token not in kept
    new = people.renew("Ann Lee")
    assert people.holder(token) is None and people.holder(new) is not None
    people.set_role("Ann Lee", Role.REVIEWER)
    assert people.holder(new) == Person("Ann Lee", Role.REVIEWER)
    people.set_active("Ann Lee", False)
    assert people.holder(new) is None and not people.members()[0].active
    people.set_active("Ann Lee", True)
    assert people.holder(new) is not None
    people.remove("Ann Lee")
    assert people.holder(new) is None and people.members() == []


def test_who_is_disabled_elsewhere_is_out_within_two_seconds(store: Store) -> None:
    clock = Clock()
    here, elsewhere = People(store.database, clock), People(store.database)
    token = elsewhere.add("bob", Role.ANNOTATOR)
    assert here.holder(token) is not None
    elsewhere.set_active("bob", False)
    clock.now += REMEMBERED_SECONDS
    assert here.holder(token) is None


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\x00b", "right\u202eleft", "\ud800"])
def test_names_that_cannot_be(store: Store, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be"):
        People(store.database).add(name, Role.ADMIN)


def test_taken_and_unknown_names_are_sentences(store: Store) -> None:
    people = People(store.database)
    people.add("ann", Role.ADMIN)
    with pytest.raises(UsageError, match="a person 'ann' already"):
        people.add("ann", Role.ANNOTATOR)
    for act in (people.renew, people.remove, lambda name: people.set_role(name, Role.ADMIN)):
        with pytest.raises(UsageError, match="no person 'bob'"):
            act("bob")


def test_nobody_gets_a_line_that_somebody_has(store: Store) -> None:
    leases = Leases(store.database)
    assert leases.take([*IDS[:4], "unknown"], "ann") == set(IDS[:4])
    assert leases.take(IDS[2:6], "bob") == set(IDS[4:6])
    assert leases.take(IDS[:1], "ann") == set(IDS[:1]), "one's own are renewed"
    assert {one: lease.author for one, lease in leases.holders(IDS).items()} == {
        **dict.fromkeys(IDS[:4], "ann"),
        **dict.fromkeys(IDS[4:6], "bob"),
    }
    assert leases.in_work() == {"ann": 4, "bob": 2}
    assert leases.free(IDS, "bob") == 2 and leases.take(IDS[4:5], "ann") == {IDS[4]}
    assert leases.take([], "ann") == set()


def test_a_lease_that_ran_out_is_free(store: Store) -> None:
    Leases(store.database, minutes=-1).take(IDS, "ann")
    leases = Leases(store.database)
    assert leases.holders(IDS) == {} and leases.in_work() == {}
    assert leases.take(IDS, "bob") == set(IDS)
    assert leases.take(IDS, "ann") == set()


def test_a_verdict_ends_the_lease_and_needs_it(store: Store) -> None:
    leases = Leases(store.database)
    leases.take(IDS[:1], "ann")
    with pytest.raises(InWork, match="ann has line journal-1 in work until"):
        store.work(lambda transaction: release(transaction.connection, IDS[0], "bob"))
    assert leases.holders(IDS), "what was refused has changed nothing"
    store.work(lambda transaction: release(transaction.connection, IDS[0], "ann"))
    store.work(lambda transaction: release(transaction.connection, IDS[1], "ann"))
    assert leases.holders(IDS) == {}


def test_threads_get_different_lines(store: Store) -> None:
    leases, got, start = Leases(store.database), {}, threading.Barrier(8)

    def work(name: str) -> None:
        start.wait()
        got[name] = leases.take(IDS if int(name) % 2 else IDS[::-1], name)

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one for lines in got.values() for one in lines) == IDS


def test_of_people_who_save_one_line_at_once_one_wins(store: Store) -> None:
    for turn in range(3):
        results: list[str] = []
        start = threading.Barrier(6)

        def save(name: str, seen: int = turn, told: list[str] = results, ready: threading.Barrier = start) -> None:
            mine = Entry(
                line=IDS[0], reading="read", text=f"{name} {seen}", verdict=Verdict.EDITED, author=name, expected=seen
            )
            ready.wait()
            try:
                store.add_correction(mine)
                told.append("won")
            except Stale:
                told.append("stale")

        threads = [threading.Thread(target=save, args=(f"p{number}",)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(results) == ["stale"] * 5 + ["won"]
        assert [one.version for one in store.history(IDS[0])] == list(range(1, turn + 2))
