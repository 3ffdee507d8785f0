"""From tagged words to a document: values that can be read, sums that hold, and how sure each field is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np

from emendo.fields.schema import MOST_ROWS, Document, Fault, Kind, Source, read_document, specs
from emendo.types import Word

from .candidates import Scene, see
from .customs import Decoding, currency_told
from .known import SURE, Read, Recognised, recognise
from .labels import LABELS, TYPES
from .layout import lay_out
from .parties import ROLES, Role
from .parts import Part, amounts_and_tables, credited, days, texts
from .tagger import Tags
from .till import Till, till_of


@dataclass(frozen=True, slots=True)
class Extraction:
    """The fields of a document with their `sources`, and the chance that each is right by its path.

    `faults` are values that a person would look at: words that were told to be a field and cannot be read as one.
    `evidence` holds for each path what its certainty follows from (`certainty.FEATURES`).
    """

    document: Document
    certainty: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    evidence: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def decode(
    words: Sequence[Word], tags: Tags, decoding: Mapping[str, Any], *, sums: bool = True, today: date | None = None
) -> Extraction:
    """The document that the tags of its words tell.

    `decoding` holds the values of `customs.Decoding`. Without `sums` each field is chosen alone, which shows what the
    sums are worth. `today` is the day after which no document is from. Never raises for what words and tags say; a
    document without any field has the fault that none was found.
    """
    known = Decoding.model_validate(decoding)
    if not words:
        return Extraction(Document(), faults=(Fault("", "no word was read on the pages of this document"),))
    layout = lay_out(words)
    labels = np.asarray(tags.labels, np.float32).reshape(len(words), len(LABELS))
    money = [at for at, name in enumerate(LABELS) if name in _MONEY or name.endswith(("amount", "unit_price"))]
    told = np.flatnonzero(np.nan_to_num(labels[:, money]).sum(axis=1) > 0.5)
    currency, agreed = currency_told(layout, (int(at) for at in told), known)
    usage = known.usage(currency)
    scene = see(layout, labels, mark=usage.mark, today=today or date.today())
    parts: list[Part] = []
    faults: list[Fault] = []
    texts(scene, known, parts)
    days(scene, usage.order, known, parts, faults)
    till = till_of(scene) if _of_a_till(tags) else Till({}, frozenset())
    amounts_and_tables(scene, tags.rows, currency, known, till, parts, faults, sums=sums)
    said = {"currency": (currency, 0.5 + 0.49 * agreed), "type": _kind(tags, parts)}
    if said["type"][0] == "credit_note":
        parts = credited(parts)
    return _assembled(scene, parts, faults, said, known)


def _of_a_till(tags: Tags) -> bool:
    """Whether a document may be a receipt: on others three amounts below each other are no cash and change."""
    kinds = np.nan_to_num(np.asarray(tags.kinds, np.float64)).reshape(-1)
    return len(kinds) != len(TYPES) or not kinds.max() > 0 or float(kinds[TYPES.index("receipt")]) > _RECEIPT


def _kind(tags: Tags, parts: Sequence[Part]) -> tuple[str | None, float]:
    """The likeliest kind of document, and its chance; an invoice of less than nothing gives money back."""
    kinds = np.nan_to_num(np.asarray(tags.kinds, np.float64)).reshape(-1)
    if len(kinds) != len(TYPES) or kinds.max() <= 0:
        return None, 0.0
    kind, chance = TYPES[int(kinds.argmax())], float(min(1.0, kinds.max()))
    if kind == "invoice" and any(part.path == "total" and part.value < 0 for part in parts):
        kind = "credit_note"
    return kind, chance


_RECEIPT = 0.015
"""Chance above which a document may be a receipt; a network that saw none is sure of it on 99 in 100 receipts."""
_MONEY = frozenset(spec.name for spec in specs(Document) if spec.kind is Kind.MONEY)


def _assembled(
    scene: Scene,
    parts: Sequence[Part],
    faults: list[Fault],
    said: Mapping[str, tuple[str | None, float]],
    known: Decoding,
) -> Extraction:
    """The document of all parts, with where each stands and how sure it is."""
    raw: dict[str, Any] = {"sources": {}}
    certainty: dict[str, float] = {}
    seen: dict[str, tuple[float, ...]] = {}
    for part in parts:
        holder, name = _holder(raw, part.path)
        if holder is None:
            continue
        holder[name] = part.value
        if part.words:
            page, box = scene.layout.outline(part.words)
            holder.setdefault("sources", {})[name] = Source(page=min(max(page, 1), 100_000), box=box).model_dump()
        certainty[part.path] = known.calibration.chance(part.evidence)
        seen[part.path] = part.evidence
    if not parts:
        faults.append(Fault("", "no field was found among the words of this document"))
        return Extraction(Document(), faults=tuple(faults))
    for name, (value, chance) in said.items():
        if value is not None:
            raw[name], certainty[name] = value, chance
    if said["type"][0] not in (None, "receipt") and "due" not in raw and "total" in raw:
        raw["due"] = raw["total"] - raw.get("prepaid", 0)  # nothing is said of it: all of the rest is due
        certainty["due"] = min(certainty["total"], certainty.get("prepaid", 1.0))
    parties = _recognised(scene, parts, known)
    raw |= parties.values
    raw["sources"] |= {name: source.model_dump() for name, source in parties.sources.items()}
    certainty |= dict.fromkeys(parties.values, SURE)
    read = read_document(raw)
    left_out = {one.path for one in read.faults}
    kept = {path: chance for path, chance in certainty.items() if path not in left_out}
    return Extraction(read.document, kept, (*faults, *read.faults), seen)


def _recognised(scene: Scene, parts: Sequence[Part], known: Decoding) -> Recognised:
    """The known seller and buyer of the document."""
    at = [at for line in scene.layout.lines for at in line]
    read: dict[Role, Read] = {}
    for role in ROLES:
        for part in parts:
            if part.path == role:
                read[role] = Read(part.value, scene.odd(part.words, role))
    words = [scene.layout.words[one] for one in at]
    return recognise(words, known.parties, read, lambda role, held: scene.odd([at[one] for one in held], role))


def _holder(raw: dict[str, Any], path: str) -> tuple[dict[str, Any] | None, str]:
    """Where a value goes, and under which name."""
    table, _, rest = path.partition(".")
    if not rest:
        return raw, path
    at, _, name = rest.partition(".")
    rows = raw.setdefault(table, [])
    if int(at) >= MOST_ROWS:
        return None, name
    while len(rows) <= int(at):
        rows.append({})
    return rows[int(at)], name
