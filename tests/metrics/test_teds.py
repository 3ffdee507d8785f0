"""TEDS against a plain definition of the distance of trees, and against known values."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from emendo.metrics.teds import Node, table_tree, teds, tree_distance

CELLS = st.text("ab1", max_size=3)
TABLES = st.lists(st.lists(CELLS, max_size=3), max_size=3)


def plain_distance(one: tuple[Node, ...], other: tuple[Node, ...]) -> float:
    """Distance of two forests by the recursion that defines it."""

    @cache
    def distance(first: tuple[Node, ...], second: tuple[Node, ...]) -> float:
        if not first or not second:
            return float(sum(node.size for node in (*first, *second)))
        x, y = first[-1], second[-1]
        same = Levenshtein.normalized_distance(x.text, y.text) if x.tag == y.tag else 1.0
        return min(
            distance((*first[:-1], *x.children), second) + 1,
            distance(first, (*second[:-1], *y.children)) + 1,
            distance(x.children, y.children) + distance(first[:-1], second[:-1]) + same,
        )

    return distance(one, other)


@given(TABLES, TABLES)
@settings(max_examples=80, deadline=None)
def test_it_is_the_distance_that_the_definition_gives(one: list[list[str]], other: list[list[str]]) -> None:
    first, second = table_tree(one), table_tree(other)
    assert tree_distance(first, second) == pytest.approx(plain_distance((first,), (second,)))
    assert 0 <= teds(one, other) <= 1 and teds(one, one) == 1
    assert teds(one, other) == pytest.approx(teds(other, one))


def test_known_values() -> None:
    table = [["a", "b"], ["c", "d"]]
    assert teds(table, [["a", "b"]]) == pytest.approx(1 - 3 / 7)
    assert teds(table, [["a", "x"], ["c", "d"]]) == pytest.approx(1 - 1 / 7)
    assert teds(table, [["a", "x"], ["c", "d"]], structure_only=True) == 1
    assert teds([], []) == 1
