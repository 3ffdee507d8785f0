"""What was read on the pages of a document, or in crops of its regions, as one document.

Who sells, who buys, number and dates are what the first page says that has them; rows are appended page by page; rates
of tax and sums are those of the last page that has them, for what stands before is carried forward.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .names import REGIONS
from .schema import ROWS, Document, Fault, read_document

_LAST = ("tax_section", "totals_section")
_APPENDED = "lines"


@dataclass(frozen=True, slots=True)
class Part:
    """What one page (from 1), or a crop of it, says; `certainty` in [0, 1] by the path of the value."""

    page: int
    document: Document
    certainty: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def merged(parts: Sequence[Part]) -> Part:
    """One part for all, in the order of the pages; its faults tell the page."""
    parts = sorted(parts, key=lambda part: part.page)
    values: dict[str, Any] = {}
    certainty: dict[str, float] = {}
    faults = [Fault(fault.path, f"page {part.page}: {fault.what}") for part in parts for fault in part.faults]

    def take(part: Part, name: str, value: Any) -> None:
        values[name] = value
        mark = f"{name}."
        certainty.update({path: one for path, one in part.certainty.items() if path == name or path.startswith(mark)})

    last = {name for region in _LAST for name in REGIONS[region]}
    for part in parts:
        for name, value in part.document.values().items():
            if name == _APPENDED:
                _append(part, values.setdefault(name, []), value, certainty)
            elif name in last:
                continue
            elif name not in values:
                take(part, name, value)
            elif values[name] != value:
                what = f"page {part.page}: says {_shown(value)}, an earlier page {_shown(values[name])}, which was kept"
                faults.append(Fault(name, what))
    for region in _LAST:
        chosen = _last(parts, REGIONS[region])
        if chosen is not None:
            for name, value in chosen.document.values().items():
                if name in REGIONS[region]:
                    take(chosen, name, value)
    return Part(parts[0].page if parts else 1, read_document(values).document, certainty, tuple(faults))


def _append(part: Part, rows: list[Any], more: Sequence[Any], certainty: dict[str, float]) -> None:
    before = len(rows)
    rows.extend(more)
    for path, one in part.certainty.items():
        table, _, rest = path.partition(".")
        row, _, cell = rest.partition(".")
        if table == _APPENDED and table in ROWS:
            certainty[f"{table}.{before + int(row)}.{cell}"] = one


def _last(parts: Sequence[Part], names: Sequence[str]) -> Part | None:
    """The last part that says the total, where totals are asked for, else the last that says anything."""
    saying = [part for part in parts if {*names} & {*part.document.values()}]
    whole = [part for part in saying if "total" in names and part.document.total is not None]
    return (whole or saying or [None])[-1]  # type: ignore[list-item]


def _shown(value: object) -> str:
    text = " ".join(str(value).split())
    return repr(text if len(text) <= 40 else text[:40] + "…")
