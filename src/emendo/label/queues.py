"""In which order lines are shown, and which of them.

An order is worked out once and kept as a list of line ids, so that the next line costs one look-up however many lines
there are. Without a filter the orders hold what waits for a verdict; a filter that asks for verdicts or for authors
looks at all lines.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from ..errors import UsageError
from ..mine.workspace import workspace_queue
from ..text.searched import words_of
from ..types import Verdict
from ..workspace.doubts import Doubts
from ..workspace.folder import Workspace
from ..workspace.store import Store
from .search import WAITING, Index, Known

ORDERS: Mapping[str, str] = {
    "document": "as they stand in the documents",
    "confidence": "least sure first",
    "instructive": "those that teach most first",
    "done": "those that have a verdict, to look over again",
    "doubtful": "those whose text is most likely wrong first",
    "second": "those that another person has read, without their text",
}
HANDED = frozenset({"document", "confidence", "instructive"})
"""Orders of lines that wait for a verdict: each person is handed lines that nobody else has in work."""
ANY = "any"
VERDICTS = (WAITING, ANY, *(verdict.value for verdict in Verdict))
"""What a filter may ask for."""
MOST_LINES = 1_000_000
MOST_KEPT = 32
"""Orders with their filters that are kept."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines of an order are shown; what is empty asks for nothing.

    `document` is a document or a folder of them, `verdict` one of `VERDICTS`, `low` and `high` bound the confidence of
    the reading, `text` is searched as by `Index.search`.
    """

    document: str = ""
    verdict: str = ""
    author: str = ""
    low: float = 0.0
    high: float = 1.0
    text: str = ""

    def __post_init__(self) -> None:
        if self.verdict and self.verdict not in VERDICTS:
            raise UsageError(f"unknown verdict {self.verdict!r}", remedy=f"use {', '.join(VERDICTS)}")
        if not 0 <= self.low <= self.high <= 1:
            raise UsageError(f"no confidence is between {self.low} and {self.high}", remedy="give two parts of 1")

    def of(self, default: str) -> Callable[[Known], bool]:
        """Whether a line is shown in an order that shows lines of the verdict `default` when nothing else is asked."""
        verdict = self.verdict or (ANY if self.author else default)
        words = words_of(self.text)

        def shown(line: Known) -> bool:
            return (
                (verdict in (ANY, line.verdict) or (verdict == _JUDGED and line.verdict != WAITING))
                and (not self.document or line.document == self.document or line.document.startswith(self._folder))
                and (not self.author or line.author == self.author)
                and self.low <= line.confidence <= self.high
                and all(word in line.folded for word in words)
            )

        return shown

    @property
    def waits(self) -> bool:
        """Whether all lines that are shown wait for a verdict, in an order of such."""
        return self.verdict in ("", WAITING) and not self.author

    @property
    def _folder(self) -> str:
        return self.document.rstrip("/") + "/"


_JUDGED = "judged"
EVERYTHING = Filter()


class Queues:
    """The orders of one workspace; may be shared by threads."""

    def __init__(self, workspace: Workspace, store: Store, index: Index) -> None:
        self._workspace = workspace
        self._store = store
        self._index = index
        self._kept: OrderedDict[tuple[str, Filter], list[str]] = OrderedDict()
        self._lock = Lock()

    def order(self, name: str, only: Filter = EVERYTHING, *, fresh: bool = False) -> list[str]:
        """Ids of the lines in an order of `ORDERS`, worked out at the first call or anew with `fresh`."""
        if name not in ORDERS:
            raise UsageError(f"unknown order {name!r}", remedy=f"use {', '.join(ORDERS)}")
        with self._lock:
            key = name, only
            if fresh or key not in self._kept:
                self._kept[key] = self._plain(name) if only == EVERYTHING else self._filtered(name, only)
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def _plain(self, name: str) -> list[str]:
        if name == "instructive":
            return [line.id for line, _ in workspace_queue(self._workspace)]
        if name == "done":
            return self._store.verdict_ids()
        if name == "doubtful":
            return Doubts(self._store.database).open()
        return self._store.waiting_ids(name, limit=MOST_LINES)

    def _filtered(self, name: str, only: Filter) -> list[str]:
        if name in ("instructive", "doubtful"):
            shown = only.of(ANY)
            there = {line.id for line in self._index.lines() if shown(line)}
            return [line for line in self._plain(name) if line in there]
        shown = only.of(_JUDGED if name == "done" else WAITING)
        found = [line for line in self._index.lines() if shown(line)]
        if name == "confidence":
            found.sort(key=lambda line: (line.confidence, line.place))
        elif name == "done":
            found.sort(key=lambda line: -line.said)
        return [line.id for line in found]
