"""The queue: its bound, its estimate of the wait, its two lanes."""

from __future__ import annotations

import math
import threading
import time

import pytest

from emendo.serve.queue import TURNS, Rejected, Work, WorkQueue


def work(name: str = "x", within: float = math.inf) -> Work:
    return Work(name, "line", time.monotonic() + within)


def test_more_than_the_bound_finds_no_room_and_a_batch_comes_whole_or_not_at_all() -> None:
    queue = WorkQueue(3, 1)
    queue.offer([work(), work()])
    with pytest.raises(Rejected, match="2 images wait already, of 3 that may; ask again in 1 s") as caught:
        queue.offer([work(), work()])
    assert caught.value.reason == "full" and queue.lengths == (2, 0, 0)
    queue.offer([work()])
    with pytest.raises(Rejected, match="3 images wait"):
        queue.check()


def test_whoever_would_be_answered_too_late_is_not_let_in() -> None:
    queue = WorkQueue(100, 2)
    queue.expect("line", 1.0)
    queue.offer([work() for _ in range(10)])
    assert queue.wait() == pytest.approx(5.0)
    with pytest.raises(Rejected, match=r"the answer would take 7\.0 s") as caught:
        queue.offer([work(within=6.0)])
    assert (caught.value.reason, caught.value.retry_after) == ("deadline", 5)
    queue.offer([work(within=8.0)])


def test_a_free_worker_takes_what_comes_and_so_learns_that_work_is_quick_again() -> None:
    queue = WorkQueue(100, 1)
    queue.expect("line", 100.0)
    for _ in range(80):
        queue.offer([work(within=1.0)])
        taken = queue.take()
        assert taken is not None
        queue.done(taken, read=True)
    queue.offer([work(within=1.0)])
    queue.offer([work(within=1.0)])


def test_a_batch_takes_as_long_as_all_of_its_images() -> None:
    queue = WorkQueue(100, 2)
    queue.expect("line", 1.0)
    queue.offer([work(), work()])
    with pytest.raises(Rejected, match=r"the answer would take 7\.0 s"):
        queue.offer([work(within=6.5) for _ in range(10)])
    queue.offer([work(within=7.5) for _ in range(10)])


def test_the_wait_has_a_bound_of_its_own() -> None:
    queue = WorkQueue(100, 1, longest_wait=2.0)
    queue.expect("line", 1.0)
    queue.offer([work(), work(), work()])
    with pytest.raises(Rejected, match=r"the wait would be 3\.0 s") as caught:
        queue.offer([work()])
    assert caught.value.reason == "wait"
    with pytest.raises(Rejected, match=r"the wait would be 3\.0 s"):
        queue.check()


def test_how_long_work_takes_is_learnt_from_what_was_read_only() -> None:
    queue = WorkQueue(100, 1)
    queue.expect("line", 100.0)
    for _ in range(60):
        queue.offer([work()])
        taken = queue.take()
        assert taken is not None
        queue.done(taken, read=True)
    queue.offer([work() for _ in range(10)])
    learnt = queue.wait()
    assert learnt < 10.0
    taken = queue.take()
    assert taken is not None
    queue.done(taken, read=False)
    assert queue.wait() == pytest.approx(learnt * 9 / 10)


def test_what_expired_while_it_waited_is_answered_and_not_handed_out() -> None:
    counted: list[str] = []
    queue = WorkQueue(10, 1, expired=lambda one: counted.append(one.task))
    late = Work("late", "line", time.monotonic() + 60)
    queue.offer([late, work("next")])
    late.due = time.monotonic() - 1
    taken = queue.take()
    assert taken is not None and taken.task == "next"
    with pytest.raises(Rejected, match="it waited so long that the deadline would pass") as caught:
        late.result.result(0)
    assert caught.value.reason == "expired" and counted == ["late"]


def test_what_could_not_be_read_in_time_any_more_is_not_begun() -> None:
    queue = WorkQueue(10, 1)
    queue.expect("line", 1.0)
    first, second, third = (work(name, within=60.0) for name in ("first", "second", "third"))
    queue.offer([first])
    queue.offer([second])
    queue.offer([third])
    first.due = second.due = time.monotonic() + 0.5
    assert queue.take() is first, "it found a free worker"
    assert queue.take() is third
    assert isinstance(second.result.exception(0), Rejected)


def test_what_nobody_waits_for_leaves_and_what_is_being_read_may_stop() -> None:
    queue = WorkQueue(10, 1)
    first, second = work("first"), work("second")
    queue.offer([first, second])
    assert queue.take() is first and not first.late
    assert queue.abandon([first, second]) == 1
    assert first.late and second.result.cancelled() and queue.lengths == (0, 0, 1)


def test_jobs_come_when_nobody_waits_and_at_every_tenth_turn() -> None:
    queue = WorkQueue(100, 1)
    queue.offer([work("read") for _ in range(3 * TURNS)])
    queue.offer_job([work("job") for _ in range(4)])
    order = [taken.task for _ in range(3 * TURNS + 4) if (taken := queue.take()) is not None]
    assert [at for at, name in enumerate(order, start=1) if name == "job"] == [10, 20, 30, 34]


def test_a_closed_queue_takes_nothing_in_and_hands_out_the_rest() -> None:
    queue = WorkQueue(10, 1)
    queue.offer([work("last")])
    queue.close()
    with pytest.raises(Rejected, match="the service stops"):
        queue.offer([work()])
    with pytest.raises(Rejected, match="the service stops"):
        queue.offer_job([work()])
    taken = queue.take()
    assert taken is not None and taken.task == "last" and not queue.wait_idle(0)
    queue.done(taken, read=True)
    assert queue.take() is None and queue.wait_idle(0)


def test_what_is_dropped_at_the_end_is_told() -> None:
    queue = WorkQueue(10, 1)
    one = work()
    queue.offer([one])
    queue.clear()
    with pytest.raises(Rejected, match="the service stops"):
        one.result.result(0)


def test_a_worker_that_waits_is_woken() -> None:
    queue = WorkQueue(10, 2)
    taken: list[Work | None] = []
    threads = [threading.Thread(target=lambda: taken.append(queue.take())) for _ in range(2)]
    for thread in threads:
        thread.start()
    queue.offer([work()])
    queue.close()
    for thread in threads:
        thread.join(10)
    assert sorted(one is None for one in taken) == [False, True]
