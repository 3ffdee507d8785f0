"""Readers of documents to hold models against: keywords and regular expressions, and invoice2data on the same words."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from emendo.fields.values import parse_amount, parse_date
from emendo.types import Image, Reading, Word

Words = Callable[[Sequence[Image]], Sequence[Word]]
"""The words of a document, page by page in reading order."""
AMOUNT = re.compile(r"(?<![\d.,])\d{1,3}(?:[ ,.']?\d{3})*[.,]\d{2}(?!\d)")
DATE = re.compile(
    r"\b\d{1,2}[-/. ]\d{1,2}[-/. ](?:20)?\d{2}\b|\b20\d\d-\d\d-\d\d\b|"
    r"\b\d{1,2}[-/. ](?:[A-Za-zéûä]{3,9})\.?[-/. ,]+(?:20)?\d{2}\b"
)
TOTAL = re.compile(r"total|amount due|gesamt|summe|betrag|payer|totale|importe", re.IGNORECASE)
NO_TOTAL = re.compile(r"sub|excl|cash|change|qty|quantity|item|disc|saving|tender|zwischen|netto|\bht\b", re.IGNORECASE)
TAX = re.compile(r"gst|tax|vat|steuer|tva|mwst", re.IGNORECASE)
WITH_TAX = re.compile(r"incl|payable|round|due", re.IGNORECASE)
NUMBER = re.compile(
    r"(?:invoice|rechnung|facture|receipt|bill|factura|fattura)\w*[\s.:#-]*(?:no|nr|number|nummer|num[eé]ro|n°|#)?"
    r"[\s.:#-]*([A-Z0-9][A-Z0-9/-]*\d[A-Z0-9/-]*)",
    re.IGNORECASE,
)
NO_NAME = re.compile(r"tax invoice|invoice|receipt|rechnung|facture|copy|welcome|seite|page", re.IGNORECASE)
END_OF_ADDRESS = re.compile(r"\btel|fax|phone|gst|\breg|invoice|receipt|\bdate|www|@|hotline", re.IGNORECASE)
REGISTERED = re.compile(r"reg|gst|co\.? ?no|\(?\d{5,8}-?[A-Z]\)?", re.IGNORECASE)
MOST_ADDRESS = 5
"""Lines of an address."""


class Rules:
    """A few keywords and regular expressions, which is what a person writes in an hour: a fair lower bar."""

    model = "rules"

    def __init__(self, words: Words) -> None:
        self.words = words

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per image."""
        return self.read_documents([[image] for image in images])

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        """One reading per document."""
        return [self._one(pages) for pages in documents]

    def _one(self, pages: Sequence[Image]) -> Reading:
        fields = by_rules(lines_of(self.words(pages)))
        return Reading(json.dumps(fields), 0.5, model=self.model, fields=fields or None)


class Invoice2data:
    """The package invoice2data with its own templates, on the words of our reader; `python` is one that has it."""

    model = "invoice2data"

    def __init__(self, words: Words, python: str) -> None:
        self.words = words
        self.python = python

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per image."""
        return self.read_documents([[image] for image in images])

    def read_documents(self, documents: Sequence[Sequence[Image]]) -> list[Reading]:
        """One reading per document, without fields where no template fits."""
        return [self._one(pages) for pages in documents]

    def _one(self, pages: Sequence[Image]) -> Reading:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "document.txt"
            place.write_text("\n".join(lines_of(self.words(pages))), encoding="utf-8")
            done = subprocess.run([self.python, "-c", _PEER, place], capture_output=True, text=True, check=False)
        try:
            fields = json.loads(done.stdout)
        except ValueError as error:
            raise SystemExit(f"invoice2data failed: {done.stderr[-400:]}") from error
        return Reading(json.dumps(fields), 0.5, model=self.model, fields=fields or None)


_PEER = """
import json, sys
from invoice2data import extract_data
from invoice2data.extract.loader import read_templates
from invoice2data.input import text
found = extract_data(sys.argv[1], templates=read_templates(), input_module=text)
print(json.dumps(found or {}, default=lambda one: one.date().isoformat() if hasattr(one, "date") else str(one)))
"""


def lines_of(words: Sequence[Word]) -> list[str]:
    """The rows of a document as texts: what stands at one height of a page, from left to right."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda one: (one.page, one.box[1] + one.box[3])):
        middle = (word.box[1] + word.box[3]) / 2
        last = rows[-1][-1] if rows else None
        if last is not None and last.page == word.page and last.box[1] < middle < last.box[3]:
            rows[-1].append(word)
        else:
            rows.append([word])
    return [" ".join(word.text for word in sorted(row, key=lambda one: one.box[0])) for row in rows]


def by_rules(lines: Sequence[str]) -> Mapping[str, Any]:
    """The fields that a document's lines tell by keywords."""
    fields: dict[str, Any] = {}
    names = [at for at, line in enumerate(lines[:8]) if sum(map(str.isalpha, line)) >= 4 and not NO_NAME.search(line)]
    if names:
        fields["seller"] = lines[names[0]]
        below = lines[names[0] + 1 :]
        start = next((at for at, line in enumerate(below[:4]) if not REGISTERED.search(line)), 0)
        rest = below[start : start + MOST_ADDRESS]
        stop = next((at for at, line in enumerate(rest) if END_OF_ADDRESS.search(line)), len(rest))
        fields["seller_address"] = "\n".join(rest[:stop])
    for line in lines:
        if "date" not in fields and (found := DATE.search(line)):
            try:
                fields["date"] = parse_date(found[0], order="dmy").isoformat()
            except ValueError:
                continue
        if "number" not in fields and (numbered := NUMBER.search(line)):
            fields["number"] = numbered[1]
    fields["total"] = _total(lines)
    return {name: value for name, value in fields.items() if value}


def _total(lines: Sequence[str]) -> str:
    """The largest amount on a line that speaks of a total, or on one of the two below it where it has none."""
    found = []
    for at, line in enumerate(lines):
        taxed = TAX.search(line) and not WITH_TAX.search(line)
        if TOTAL.search(line) and not NO_TOTAL.search(line) and not taxed:
            near = (AMOUNT.findall(one) for one in lines[at : at + 3])
            found += next((here[-1:] for here in near if here), [])
    try:
        return str(max((parse_amount(one) for one in found), default=""))
    except ValueError:
        return ""
