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
from .labels import LABELS, TYPES
from .layout import lay_out
from .parties import recognised
from .parts import Part, amounts_and_tables, credited, days, texts
from .tagger import Tags


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
    amounts_and_tables(scene, tags.rows, currency, known, parts, faults, sums=sums)
    said = {"currency": (currency, 0.5 + 0.49 * agreed), "type": _kind(tags)}
    if said["type"][0] == "credit_note":
        parts = credited(parts)
    return _assembled(scene, parts, faults, said, known)


def _kind(tags: Tags) -> tuple[str | None, float]:
    """The likeliest kind of document, and its chance."""
    kinds = np.nan_to_num(np.asarray(tags.kinds, np.float64)).reshape(-1)
    if len(kinds) != len(TYPES) or kinds.max() <= 0:
        return None, 0.0
    return TYPES[int(kinds.argmax())], float(min(1.0, kinds.max()))


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
    told = recognised(raw.get("seller"), raw.get("seller_address"), known.parties)
    raw |= {name: value for name, value in zip(("seller", "seller_address"), told, strict=True) if value is not None}
    read = read_document(raw)
    left_out = {one.path for one in read.faults}
    kept = {path: chance for path, chance in certainty.items() if path not in left_out}
    return Extraction(read.document, kept, (*faults, *read.faults), seen)


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
