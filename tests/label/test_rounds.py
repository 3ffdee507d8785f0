"""Handing out: everybody gets lines of their own, however many begin at once, on both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection

from emendo.label.rounds import MOST_AT_ONCE, Rounds
from emendo.types import Verdict
from emendo.workspace import Workspace
from emendo.workspace.leases import Leases
from emendo.workspace.store import Entry, Store

from ..drawn import drawn_rows

PEOPLE, EACH = 12, 5


class CountedLeases(Leases):
    """Leases that count their statements."""

    taken = 0

    def take_in(self, connection: Connection, lines: Sequence[str], author: str) -> set[str]:
        self.taken += bool(lines)
        return super().take_in(connection, lines, author)


@pytest.fixture
def store(empty_workspace: Workspace) -> Iterator[Store]:
    with empty_workspace.store() as opened:
        opened.put_document("notes", drawn_rows(PEOPLE * EACH + 2 * MOST_AT_ONCE))
        yield opened


def test_people_who_begin_at_once_get_lines_at_the_first_try(store: Store) -> None:
    leases, start = CountedLeases(store.database), threading.Barrier(PEOPLE)
    rounds, order = Rounds(store, leases), store.waiting_ids(limit=2000)

    def begin(author: str) -> list[str]:
        start.wait()
        return rounds.hand(author, "document", lambda: order, 0, EACH, fresh=True).lines

    with ThreadPoolExecutor(PEOPLE) as pool:
        given = list(pool.map(begin, [f"p{number}" for number in range(PEOPLE)]))
    assert all(len(lines) == EACH for lines in given)
    assert sorted(one for lines in given for one in lines) == order[: PEOPLE * EACH], "none left out, none twice"
    assert leases.taken == PEOPLE, "nobody tried for lines that somebody else had just got"


def test_a_long_stretch_that_others_have_done_is_passed(store: Store) -> None:
    leases = CountedLeases(store.database)
    rounds, order = Rounds(store, leases), store.waiting_ids(limit=2000)
    assert rounds.hand("ann", "document", lambda: order, 0, 2, fresh=True).lines == order[:2]
    done = [
        Entry(line=one, reading="", text=None, verdict=Verdict.SKIPPED, author="bob")
        for one in order[2 : 2 * MOST_AT_ONCE]
    ]
    store.add_corrections(done)
    hand = rounds.hand("ann", "document", lambda: order, 2, 3, fresh=False)
    assert hand.lines == order[2 * MOST_AT_ONCE : 2 * MOST_AT_ONCE + 3]
    assert leases.taken == 2
