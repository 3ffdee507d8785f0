"""TEDS: how alike two tables are, structure and content together (Zhong et al., 2020, arXiv:1911.10683).

A table is a tree of rows and cells. The distance is the least cost of insertions, deletions and changes that turn one
tree into the other (Zhang and Shasha, 1989); a change of a cell costs the normalised edit distance of its texts.
TEDS = 1 - distance / size of the larger tree, in [0, 1].
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

Table = Sequence[Sequence[str]]
"""Rows of cells from top to bottom and left to right."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node of a tree: `table`, `tr` or `td`, and the text of a cell."""

    tag: str
    text: str = ""
    children: tuple[Node, ...] = ()

    @property
    def size(self) -> int:
        """Nodes of the tree below and with this one."""
        return 1 + sum(child.size for child in self.children)


def table_tree(table: Table) -> Node:
    """The tree of a table: its rows, and below each its cells."""
    rows = (Node("tr", children=tuple(Node("td", cell) for cell in row)) for row in table)
    return Node("table", children=tuple(rows))


def teds(truth: Table, found: Table, *, structure_only: bool = False) -> float:
    """Likeness of two tables in [0, 1]; with `structure_only` the texts of cells do not count (TEDS-Struct)."""
    if structure_only:
        truth, found = [[""] * len(row) for row in truth], [[""] * len(row) for row in found]
    one, other = table_tree(truth), table_tree(found)
    return 1.0 - tree_distance(one, other) / max(one.size, other.size)


def tree_distance(one: Node, other: Node) -> float:
    """Least cost of edits between two ordered trees; every insertion and deletion of a node costs 1."""
    first, second = _Numbered(one), _Numbered(other)
    between = [[0.0] * len(second.nodes) for _ in first.nodes]
    for at in first.roots:
        for to in second.roots:
            _subtrees(first, second, at, to, between)
    return between[-1][-1]


class _Numbered:
    """The nodes of a tree in postorder, the leftmost leaf below each, and the roots that have a left sibling."""

    def __init__(self, root: Node) -> None:
        self.nodes: list[Node] = []
        self.leftmost: list[int] = []
        self._walk(root)
        last = {leaf: number for number, leaf in enumerate(self.leftmost)}
        self.roots = sorted(last.values())

    def _walk(self, node: Node) -> int:
        leaves = [self._walk(child) for child in node.children]
        leaf = leaves[0] if leaves else len(self.nodes)
        self.nodes.append(node)
        self.leftmost.append(leaf)
        return leaf


def _subtrees(first: _Numbered, second: _Numbered, at: int, to: int, between: list[list[float]]) -> None:
    """The distances of all subtrees whose leftmost leaves are those of the trees below `at` and `to`."""
    low, left = first.leftmost[at], second.leftmost[to]
    height, width = at - low + 2, to - left + 2
    cost = [[0.0] * width for _ in range(height)]
    for i in range(1, height):
        cost[i][0] = cost[i - 1][0] + 1
    for j in range(1, width):
        cost[0][j] = cost[0][j - 1] + 1
    for i in range(1, height):
        for j in range(1, width):
            x, y = low + i - 1, left + j - 1
            whole = first.leftmost[x] == low and second.leftmost[y] == left
            if whole:
                kept = cost[i - 1][j - 1] + _change(first.nodes[x], second.nodes[y])
            else:
                kept = cost[first.leftmost[x] - low][second.leftmost[y] - left] + between[x][y]
            cost[i][j] = min(cost[i - 1][j] + 1, cost[i][j - 1] + 1, kept)
            if whole:
                between[x][y] = cost[i][j]


def _change(one: Node, other: Node) -> float:
    return _text_cost(one.text, other.text) if one.tag == other.tag else 1.0


@lru_cache(maxsize=65536)
def _text_cost(one: str, other: str) -> float:
    return 0.0 if one == other else float(Levenshtein.normalized_distance(one, other))
