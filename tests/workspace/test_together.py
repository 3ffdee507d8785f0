"""Group commit: one transaction for all that waits, each answered for itself, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, event

from emendo.errors import UsageError
from emendo.types import Correction, Reading, Verdict
from emendo.workspace import Workspace
from emendo.workspace.database import Collided
from emendo.workspace.store import Entry, Store, Transaction

from .test_store import line

T = TypeVar("T")
IDS = [f"journal-{number}" for number in range(1, 9)]


@pytest.fixture
def store(empty_workspace: Workspace) -> Iterator[Store]:
    with empty_workspace.store() as opened:
        opened.put_document("journal", [(line(number), Reading("read", 0.5)) for number in range(1, 9)])
        yield opened


def saying(one: str, text: str = "said") -> Callable[[Transaction], Correction]:
    entry = Entry(line=one, reading="read", text=text, verdict=Verdict.EDITED, author="ann", expected=0)
    return lambda transaction: transaction.add_corrections([entry])[0][0]


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns, in a thread of its own: another test of this process may hold this one's loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def behind(store: Store, *works: Callable[[Transaction], object], cancel: int = -1) -> list[object]:
    """What becomes of works that all came while another transaction was on its way; one of them may be cancelled."""
    begun, go = Event(), Event()

    def first(_: Transaction) -> None:
        begun.set()
        assert go.wait(10)

    holding = asyncio.create_task(store.soon(first))
    await asyncio.to_thread(begun.wait, 10)
    tasks = [asyncio.create_task(store.soon(work)) for work in works]
    await asyncio.sleep(0)
    if cancel >= 0:
        tasks[cancel].cancel()
        await asyncio.sleep(0)
    go.set()
    await holding
    return list(await asyncio.gather(*tasks, return_exceptions=True))


def test_what_waits_at_the_same_time_is_one_transaction(store: Store) -> None:
    commits: list[Connection] = []
    event.listen(store.database.engine, "commit", commits.append)
    found = in_a_loop(behind(store, *(saying(one) for one in IDS)))
    assert [one.line for one in found if isinstance(one, Correction)] == IDS
    assert len(commits) == 2
    assert all(len(store.history(one)) == 1 for one in IDS)


def test_a_refusal_undoes_its_own_work_only(store: Store) -> None:
    def refused(transaction: Transaction) -> None:
        saying(IDS[1])(transaction)
        raise UsageError("this cannot be")

    said, error, other = in_a_loop(behind(store, saying(IDS[0]), refused, saying(IDS[2])))
    assert isinstance(error, UsageError) and isinstance(said, Correction) and isinstance(other, Correction)
    assert [len(store.history(one)) for one in IDS[:3]] == [1, 0, 1]


def test_what_is_given_up_before_its_turn_is_not_done(store: Store) -> None:
    _, given_up, _ = in_a_loop(behind(store, *(saying(one) for one in IDS[:3]), cancel=1))
    assert isinstance(given_up, asyncio.CancelledError)
    assert [len(store.history(one)) for one in IDS[:3]] == [1, 0, 1]


@pytest.mark.parametrize("soon", [True, False])
def test_work_that_collided_is_done_again(store: Store, soon: bool) -> None:
    tried: list[int] = []

    def work(transaction: Transaction) -> Correction:
        tried.append(len(tried))
        said = saying(IDS[0], f"try {len(tried)}")(transaction)
        if len(tried) < 3:
            raise Collided("somebody else wrote the same at this moment")
        return said

    said = in_a_loop(store.soon(work)) if soon else store.work(work)
    assert (said.text, said.version, len(tried)) == ("try 3", 1, 3)
    assert [one.text for one in store.history(IDS[0])] == ["try 3"]


def test_closing_waits_for_what_was_begun_and_the_database_can_be_used_again(store: Store) -> None:
    told = store.database.begin(lambda connection: saying(IDS[0])(Transaction(connection)))
    store.close()
    assert told.done() and told.result().text == "said"
    assert store.work(saying(IDS[1])).version == 1
