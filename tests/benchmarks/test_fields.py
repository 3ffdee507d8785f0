"""The rules that are the lower bar of the benchmark of fields."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from field_rules import Rules, by_rules, lines_of

from emendo.types import Word

LINES = [
    "TAX INVOICE",
    "SANYU STATIONERY SHOP",
    "NO. 31G&33G, JALAN SETIA",
    "40170 SETIA ALAM",
    "TEL: +603-3362 4137",
    "Invoice No: A-1042",
    "Date 05/04/2018 10:44",
    "1 X 2.20 2.20",
    "Sub Total 2.20",
    "TOTAL RM",
    "2.30",
    "CASH 5.00",
]


def words() -> list[Word]:
    """Each line 20 pixels below the one before, its last word in a column of its own."""
    return [
        Word(text, (40 * place, 20 * at, 40 * place + 30, 20 * at + 12), 2 * at + (place == len(line.split()) - 1))
        for at, line in enumerate(LINES)
        for place, text in enumerate(line.split())
    ]


def test_keywords_find_what_stands_beside_them() -> None:
    assert lines_of(words()) == LINES
    assert by_rules(LINES) == {
        "seller": "SANYU STATIONERY SHOP",
        "seller_address": "NO. 31G&33G, JALAN SETIA\n40170 SETIA ALAM",
        "number": "A-1042",
        "date": "2018-04-05",
        "total": "2.30",
    }


def test_a_page_without_any_has_no_fields() -> None:
    (reading,) = Rules(lambda _: []).read_documents([[]])
    assert reading.fields is None
