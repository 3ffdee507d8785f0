"""What the captures of a workspace hold of documents that the service read, by the names that clients sent."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from ..monitor.captures import all_captures
from ..types import Sample
from ..workspace.erasure import values_of
from ..workspace.folder import Workspace

_SOURCE = "capture "
"""How the source of a sample begins that `emendo monitor collect` made; the id of the reading follows."""


@dataclass(frozen=True, slots=True)
class Captured:
    """The readings of some documents: their ids, and all texts that were read in them or said of them."""

    ids: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    def owns(self, sample: Sample, names: Collection[str]) -> bool:
        """Whether a sample was collected from these readings, or from a document called one of `names` whose captures
        are gone by now. The group of a plate is its text, so that its reading alone tells the document."""
        reading = sample.source.removeprefix(_SOURCE)
        return reading != sample.source and (reading in self.ids or sample.group in names)


def captured_of(workspace: Workspace, names: Collection[str]) -> Captured:
    """What was captured of the documents called `names`; a reading without a document is called by its id."""
    ids: set[str] = set()
    texts: set[str] = set()
    for captures in all_captures(workspace):
        seen = [one for one in captures.seen() if one.group in names]
        here = {one.id for one in seen}
        said = [one for one in captures.truths() if one.id in here] if here else []
        texts.update(line.text for one in seen for line in one.lines)
        texts.update(line for one in said for line in (one.text or "").split("\n"))
        filled = [one.fields for one in seen] + [one.fields for one in said]
        texts.update(json.dumps(dict(one), ensure_ascii=False) for one in filled if one)
        ids |= here
    return Captured(frozenset(ids), frozenset(values_of(texts)))


def captured_documents(workspace: Workspace) -> set[str]:
    """Names of the documents among the captures."""
    return {one.document for captures in all_captures(workspace) for one in captures.seen() if one.document}
