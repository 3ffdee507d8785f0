"""The fewest keys that turn one line into another in a plain text field: the cheapest of all ways to work.

Keys: arrows, word jumps (Ctrl+arrow), Home, End, Backspace, Delete, the same with Ctrl for a word, Shift+End to select
the rest, and typing. Word jumps are those of browsers and editors on Linux: to the right to the end of a word, to the
left to its beginning. A key that is pressed while Ctrl or Shift is held counts once; the held key counts nothing.
The caret begins at the start of the line. The line is worked through from there to some place, and from the end back
to it; each text in between is moved over, typed or deleted as costs least.
"""

from __future__ import annotations

import re
from collections import deque

from .align import nfc

_WORD = re.compile(r"\w+(?:['’.]\w+)*")
MOST_DELETED = 8
"""Characters that are deleted backwards one by one at most; more are deleted by words or from the front."""
Costs = list[list[int]]


def fewest_keys(reference: str, hypothesis: str) -> int:
    """Keys that turn the line `hypothesis` into `reference`, without the one that goes on to the next line.

    O(n * m) states for lines of n and m characters.
    """
    reference, hypothesis = nfc(reference), nfc(hypothesis)
    if reference == hypothesis:
        return 0
    n, m = len(hypothesis), len(reference)
    distances = _distances(hypothesis)
    fore = _sweep(hypothesis, reference, distances)
    turned = [[distances[n - a][n - b] for b in range(n + 1)] for a in range(n + 1)]
    back = _sweep(hypothesis[::-1], reference[::-1], turned)
    best = 1 + back[n][m]
    for i in range(n + 1):
        for j in range(m + 1):
            if fore[i][j] < best:
                rest = 0 if hypothesis[i:] == reference[j:] else min(1 + back[n - i][m - j], _cut(i, j, n, m))
                best = min(best, fore[i][j] + rest)
    return best


def _cut(i: int, j: int, n: int, m: int) -> int:
    """Select the rest and type over it, or delete it."""
    return 1 + max(1, m - j) if i < n else m - j


def word_jumps(text: str) -> list[int]:
    """Where Ctrl+arrow right leads from each place: to the end of the next word (as in browsers on Linux)."""
    ends = [match.end() for match in _WORD.finditer(text)]
    return [next((end for end in ends if end > at), len(text)) for at in range(len(text) + 1)]


def _distances(text: str) -> Costs:
    """Keys that move the caret from each place to each other."""
    last = len(text)
    ways: list[set[int]] = [{0, last, max(0, at - 1), min(last, at + 1)} for at in range(last + 1)]
    for at, end in enumerate(word_jumps(text)):
        ways[at].add(end)
    for at, end in enumerate(word_jumps(text[::-1])):
        ways[last - at].add(last - end)
    found = []
    for start in range(last + 1):
        keys = [-1] * (last + 1)
        keys[start] = 0
        waiting = deque([start])
        while waiting:
            at = waiting.popleft()
            for next_ in ways[at]:
                if keys[next_] < 0:
                    keys[next_] = keys[at] + 1
                    waiting.append(next_)
        found.append(keys)
    return found


def _sweep(source: str, target: str, distances: Costs) -> Costs:
    """Cost of having made target[:j] of source[:i], the caret between, for each i and j; from the start onwards."""
    n, m = len(source), len(target)
    far = 10**9
    cost = [[far] * (m + 1) for _ in range(n + 1)]
    cost[0][0] = 0
    jumps = word_jumps(source)
    for i in range(n + 1):
        row = cost[i]
        for j in range(m + 1):
            held = row[j]
            if held == far:
                continue
            if j < m and held + 1 < row[j + 1]:
                row[j + 1] = held + 1
            for end in {i + 1, jumps[i]} if i < n else ():
                cost[end][j] = min(cost[end][j], held + 1)
            same = 0
            while True:
                # over `same` right characters, then past some wrong ones that are deleted backwards
                at, to = i + same, j + same
                if same:
                    cost[at][to] = min(cost[at][to], held + distances[i][at])
                for end in range(at + 1, min(n, at + MOST_DELETED) + 1):
                    keys = held + distances[i][end] + end - at
                    cost[end][to] = min(cost[end][to], keys)
                end = jumps[at]
                cost[end][to] = min(cost[end][to], held + distances[i][end] + 1)
                if at == n or to == m or source[at] != target[to]:
                    break
                same += 1
    return cost
