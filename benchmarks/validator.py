"""The validator of fields on made-up documents: none of the right ones refused, every corrupted sum caught.

    python benchmarks/validator.py [--documents 1000] [--seed 1]

Each document is corrupted in one way, drawn from: one coin more or less in any amount that is part of a sum, two
amounts of rows exchanged with those of the totals, a row lost, a rate of tax changed, the tax of one row of the tax
table moved. Corruptions that leave every printed sum right (two equal values exchanged) are drawn again. Beside them:
a date after its due date, and a currency in which the amounts cannot be.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from emendo.datasets.invoices.content import draw_content
from emendo.fields import Document, validate_document

Rng = np.random.Generator
COIN = Decimal("0.01")


def coin(document: Document, rng: Rng) -> Document | None:
    """One coin more or less in one amount of the totals or of a row."""
    delta = COIN if rng.random() < 0.5 else -COIN
    names = [name for name in ("net", "tax", "total") if getattr(document, name) is not None]
    at = int(rng.integers(len(names) + len(document.lines)))
    if at < len(names):
        return document.model_copy(update={names[at]: getattr(document, names[at]) + delta})
    return with_row(document, at - len(names), amount=(document.lines[at - len(names)].amount or Decimal(0)) + delta)


def swapped(document: Document, rng: Rng) -> Document | None:
    """The amounts of two totals exchanged."""
    if document.net == document.total or document.net is None:
        return None
    return document.model_copy(update={"net": document.total, "total": document.net})


def exchanged(document: Document, rng: Rng) -> Document | None:
    """The amounts of two rows exchanged."""
    if len(document.lines) < 2:
        return None
    one, other = (int(at) for at in rng.choice(len(document.lines), 2, replace=False))
    first, second = document.lines[one].amount, document.lines[other].amount
    return None if first == second else with_row(with_row(document, one, amount=second), other, amount=first)


def lost(document: Document, rng: Rng) -> Document | None:
    """A row left out."""
    at = int(rng.integers(len(document.lines)))
    if len(document.lines) < 2 or not document.lines[at].amount:
        return None
    return document.model_copy(update={"lines": [*document.lines[:at], *document.lines[at + 1 :]]})


def rate(document: Document, rng: Rng) -> Document | None:
    """Another rate of tax in the tax table."""
    row = document.taxes[0]
    if not row.base or row.base < 1:
        return None
    changed = row.model_copy(update={"rate": (row.rate or Decimal(0)) + 3})
    return document.model_copy(update={"taxes": [changed, *document.taxes[1:]]})


def with_row(document: Document, at: int, **changes: Decimal | None) -> Document:
    """The document with one row changed."""
    row = document.lines[at].model_copy(update=changes)
    return document.model_copy(update={"lines": [*document.lines[:at], row, *document.lines[at + 1 :]]})


ARITHMETIC: dict[str, Callable[[Document, Rng], Document | None]] = {
    "one coin": coin,
    "net and total exchanged": swapped,
    "rows exchanged": exchanged,
    "row lost": lost,
    "other rate": rate,
}


def main() -> int:
    """Print the counts; exit status 1 when a right document was refused or a wrong sum was not caught."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    seen: Counter[str] = Counter()
    caught: Counter[str] = Counter()
    refused, made, index = 0, 0, 0
    while made < given.documents:
        rng = np.random.default_rng([given.seed, index])
        index += 1
        document = draw_content(rng).document
        kind = list(ARITHMETIC)[int(rng.integers(len(ARITHMETIC)))]
        wrong = ARITHMETIC[kind](document, rng)
        if wrong is None:
            continue
        made += 1
        refused += not validate_document(document).exact
        seen[kind] += 1
        caught[kind] += not validate_document(wrong).exact
        if document.due_date:
            seen["due before date"] += 1
            late = document.model_copy(update={"date": document.due_date, "due_date": document.date})
            caught["due before date"] += not validate_document(late).exact
        seen["currency without coins"] += 1
        caught["currency without coins"] += not validate_document(document.model_copy(update={"currency": "JPY"})).exact
    for kind, count in seen.items():
        print(f"{kind:26} {caught[kind]:5} of {count} caught")
    print(f"right documents refused: {refused} of {made}")
    print(json.dumps({"caught": caught, "seen": seen, "refused": refused, "documents": made}))
    return int(refused > 0 or any(caught[kind] < seen[kind] for kind in ARITHMETIC))


if __name__ == "__main__":
    raise SystemExit(main())
