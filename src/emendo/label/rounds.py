"""Handing out: each person goes through an order, and nobody is given a line that somebody else has in work.

A round is one person's way through an order: the lines that were given to them, in the order they were given, so that
going back shows the same lines again. It is worked out once however many people begin at the same moment.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from ..workspace.leases import Leases, others_in
from ..workspace.store import Store, Transaction

MOST_ROUNDS = 8
"""Rounds of one person, and orders of all, that are remembered."""

MOST_AT_ONCE = 512
"""Lines of an order that are looked at together."""


@dataclass(frozen=True, slots=True)
class Hand:
    """Lines that a person is given: those asked for, how many the round has as far as is known, and how many of the
    last ones are not given because others have them in work."""

    lines: list[str]
    total: int
    elsewhere: int = 0


@dataclass
class _Round:
    order: tuple[str, ...]
    given: list[str] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    at: int = 0
    lock: Lock = field(default_factory=Lock)


@dataclass(frozen=True, slots=True)
class _Dealt:
    """Lines that were given, and what has become of the rest of the round."""

    given: list[str]
    passed: list[str]
    at: int


class Rounds:
    """The rounds of all people. Safe to share between threads."""

    def __init__(self, store: Store, leases: Leases) -> None:
        self._store, self._leases, self._lock = store, leases, Lock()
        self._rounds: dict[tuple[str, str], _Round] = {}
        self._orders: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._making: dict[str, Lock] = {}

    def hand(
        self, author: str, name: str, order: Callable[[], Sequence[str]], start: int, count: int, *, fresh: bool
    ) -> Hand:
        """Lines `start` and after of the author's round through an order, `count` at most; they are theirs then.

        The round begins anew with `fresh`; `order` is asked when it begins.
        """
        one = None if fresh else self._rounds.get((author, name))
        if one is None:
            one = self._remember(author, name, self._order(name, order))
        with one.lock:
            if len(one.given) < start + count:
                self._extend(one, author, start + count - len(one.given))
            left = len(one.order) - one.at
            total = len(one.given) + left + (len(one.passed) if left else 0)
            return Hand(one.given[start : start + count], total, 0 if left else len(one.passed))

    def own(
        self, author: str, name: str, order: Callable[[], Sequence[str]], start: int, count: int, *, fresh: bool
    ) -> Hand:
        """The same for an order of the author's own, of which nothing is kept from others."""
        with self._lock:
            one = self._rounds.get((author, name))
        if fresh or one is None:
            one = self._remember(author, name, tuple(order()))
        return Hand(list(one.order[start : start + count]), len(one.order))

    def _remember(self, author: str, name: str, order: tuple[str, ...]) -> _Round:
        with self._lock:
            self._rounds.pop((author, name), None)
            self._rounds[author, name] = one = _Round(order)
            for key in [key for key in self._rounds if key[0] == author][:-MOST_ROUNDS]:
                del self._rounds[key]
        return one

    def _order(self, name: str, order: Callable[[], Sequence[str]]) -> tuple[str, ...]:
        """The order as it was at some moment after now; of people who ask meanwhile one works it out."""
        asked = time.monotonic()
        with self._lock:
            making = self._making.setdefault(name, Lock())
        with making:
            made = self._orders.get(name)
            if made is None or made[0] < asked:
                made = (time.monotonic(), tuple(sys.intern(line) for line in order()))
                with self._lock:
                    self._orders[name] = made
                    for old in [key for key in self._orders if key != name][: 1 - MOST_ROUNDS]:
                        del self._orders[old], self._making[old]
            return made[1]

    def _extend(self, one: _Round, author: str, count: int) -> None:
        """Give up to `count` more lines; at the end of the order also those that others had and have no more."""
        dealt = self._store.work(lambda transaction: self._deal(transaction, one, author, count))
        one.given += dealt.given
        one.passed, one.at = dealt.passed, dealt.at

    def _deal(self, transaction: Transaction, one: _Round, author: str, count: int) -> _Dealt:
        """Lines for a person, leased to them; found in the transaction that leases them, so that people who come at
        the same time do not all try for the same ones.
        """
        others = others_in(transaction.connection, author)
        given: list[str] = []
        passed, at, step = list(one.passed), one.at, count
        while len(given) < count and at < len(one.order):
            some, step = one.order[at : at + step], min(2 * step, MOST_AT_ONCE)
            done = transaction.judged(line for line in some if line not in others)
            wanted: list[str] = []
            for line in some:
                if len(given) + len(wanted) == count:
                    break
                at += 1
                if line in others:
                    passed.append(line)
                elif line not in done:
                    wanted.append(line)
            self._lease(transaction, author, wanted, given, passed)
        if at == len(one.order) and passed:
            done = transaction.judged(passed)
            left = [line for line in passed if line not in done]
            again = [line for line in left if line not in others][: count - len(given)]
            passed = [line for line in left if line not in again]
            self._lease(transaction, author, again, given, passed)
        return _Dealt(given, passed, at)

    def _lease(
        self, transaction: Transaction, author: str, wanted: list[str], given: list[str], passed: list[str]
    ) -> None:
        """Lease lines; those that another process was quicker to take are passed."""
        got = self._leases.take_in(transaction.connection, wanted, author)
        given += [line for line in wanted if line in got]
        passed += [line for line in wanted if line not in got]
