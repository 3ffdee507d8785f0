"""Doubtful labels of plates, each with the ways to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..datasets.check import Severity
from ..datasets.plates import contradict, text_fault
from ..image.likeness import alike
from ..models.plates import within
from ..settings import PlateSettings
from ..workspace.store import Store
from .plates import Plate, PlateBook

KEPT = "plate-kept"
"""Kind of the event that says that a doubtful label is right as it is (or, `kept` false, doubtful again)."""
CONFLICT, DUPLICATE = "conflict", "duplicate"


@dataclass(frozen=True, slots=True)
class Fix:
    """One way to mend a fault: `use` a text for some plates, `skip` them, `keep` all as it is, or `edit` one."""

    name: str
    plates: tuple[str, ...]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Fault:
    """A doubtful label, or two that contradict or repeat each other; the first fix is the most likely."""

    kind: str
    severity: Severity
    what: str
    plates: tuple[Plate, ...]
    fixes: tuple[Fix, ...]

    @property
    def key(self) -> str:
        """Names this fault as long as the labels are these."""
        return " ".join([self.kind, *(f"{one.unit.id}={_text(one)}" for one in self.plates)])

    def to_dict(self) -> dict[str, Any]:
        """For the page."""
        fixes = [{"name": one.name, "plates": list(one.plates), "text": one.text} for one in self.fixes]
        head = {"key": self.key, "kind": self.kind, "severity": self.severity.value, "what": self.what}
        return {**head, "plates": [one.to_dict() for one in self.plates], "fixes": fixes}


def find_faults(book: PlateBook) -> list[Fault]:
    """Every doubtful label that nobody said is right: conflicts, then texts, then duplicates."""
    labelled = [one for one in book.plates() if one.verdict is not None and one.verdict.text]
    by_id = {one.unit.id: one for one in labelled}
    conflicts, duplicates = [], []
    for one, other in alike({unit: str(plate.unit.attributes["likeness"]) for unit, plate in by_id.items()}):
        pair = (by_id[one], by_id[other])
        if contradict(_text(pair[0]), _text(pair[1])):
            conflicts.append(_conflict(pair))
        else:
            duplicates.append(_duplicate(pair))
    texts = [fault for one in labelled if (fault := _text_fault(one, book.settings.plates)) is not None]
    kept = kept_keys(book.store)
    return [one for one in (*conflicts, *texts, *duplicates) if one.key not in kept]


def keep(store: Store, key: str, *, kept: bool, author: str) -> None:
    """Remember that what a fault doubts is right, or take that back."""
    store.add_event(KEPT, {"key": key, "kept": kept, "author": author})


def kept_keys(store: Store) -> frozenset[str]:
    """Keys of the faults that somebody said are none."""
    said = {str(event.data["key"]): bool(event.data["kept"]) for event in store.events(KEPT, limit=1_000_000)[::-1]}
    return frozenset(key for key, kept in said.items() if kept)


def _text(plate: Plate) -> str:
    return (plate.verdict.text if plate.verdict else None) or ""


def _ids(plates: Sequence[Plate]) -> tuple[str, ...]:
    return tuple(one.unit.id for one in plates)


def _text_fault(plate: Plate, settings: PlateSettings) -> Fault | None:
    found = text_fault(_text(plate), settings)
    if found is None:
        return None
    row, what = found
    ids = _ids([plate])
    clean = within(_text(plate), settings.alphabet) if row.name == "alphabet" else ""
    fixes = [Fix("use", ids, clean)] if clean else []
    fixes += [Fix("skip", ids), Fix("keep", ids), Fix("edit", ids)]
    return Fault(row.name, row.severity, what, (plate,), tuple(fixes))


def _conflict(pair: tuple[Plate, Plate]) -> Fault:
    first, second = pair
    what = f"the same picture is labelled {_text(first)} and {_text(second)}"
    fixes = (
        Fix("use", _ids(pair), _text(first)),
        Fix("use", _ids(pair), _text(second)),
        Fix("edit", _ids([first])),
        Fix("edit", _ids([second])),
        Fix("keep", _ids(pair)),
    )
    return Fault(CONFLICT, Severity.ERROR, what, pair, fixes)


def _duplicate(pair: tuple[Plate, Plate]) -> Fault:
    what = f"the same picture twice, both labelled {_text(pair[0])}"
    return Fault(DUPLICATE, Severity.WARNING, what, pair, (Fix("skip", _ids(pair[1:])), Fix("keep", _ids(pair))))
