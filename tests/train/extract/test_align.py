"""Values found among words: by meaning, through a reader's errors, over lines, in rows; what is not told stays open."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from emendo.fields.schema import MOST_ROWS, Document, LineItem, Source, TaxRow
from emendo.models.extract.labels import INDEX, LABELS
from emendo.train.extract.align import align, dates_like, meanings, numbers_like, texts_like
from emendo.types import Word


def page(*lines: str, number: int = 1) -> list[Word]:
    """Lines of words, 20 pixels apart, as a reader gives them."""
    words = []
    for at, line in enumerate(lines):
        x = 10.0
        for text in line.split(" "):
            words.append(Word(text, (x, 20.0 * at, x + 8 * len(text), 20.0 * at + 14), at, number))
            x += 8 * len(text) + 8
    return words


def labels(words: list[Word], document: Document, **known: object) -> dict[str, set[str]]:
    """The labels that each word may have, where they are not those of a word of no field."""
    targets = align(words, document, **known)  # type: ignore[arg-type]
    plain = max(targets.allowed, key=len)
    return {
        f"{at}:{word.text}": {LABELS[label] for label in allowed}
        for at, (word, allowed) in enumerate(zip(words, targets.allowed, strict=True))
        if allowed != plain
    }


RECEIPT = page(
    "MR D.I.Y. (M) SDN BHD", "1OT 1851-A & 1851-B. JALAN KPB 6,", "KAWASAN PERINDUSTRIAN BALAK0NG,", "43300 SELANGOR",
    "DATE:18-11-18 13:58", "HAMMER 30.90", "TOTAL RM30.9O", "CASH 51.00",
)  # fmt: skip


def test_the_fields_of_a_receipt_are_found_through_the_errors_of_a_reader() -> None:
    truth = Document(
        seller="MR D.I.Y. (M) SDN BHD",
        seller_address="LOT 1851-A & 1851-B, JALAN KPB 6, KAWASAN PERINDUSTRIAN BALAKONG, 43300 SELANGOR",
        date=date(2018, 11, 18),
        total=Decimal("30.90"),
    )
    found = labels(RECEIPT, truth, order="dmy")
    sure = {word: next(iter(names)) for word, names in found.items() if len(names) == 1}
    assert [word for word, name in sure.items() if name == "seller"] == ["0:MR", "1:D.I.Y.", "2:(M)", "3:SDN", "4:BHD"]
    assert sum(name == "seller_address" for name in sure.values()) == 12
    assert sure["17:DATE:18-11-18"] == "date"
    targets = align(RECEIPT, truth, order="dmy")
    ((label, places),) = targets.choices
    assert LABELS[label] == "total" and [RECEIPT[at].text for (at,) in places] == ["30.90", "RM30.9O"]
    assert not targets.missing and set(targets.found) == {"seller", "seller_address", "date", "total"}


def test_a_field_that_is_not_told_stays_open_and_a_told_one_does_not() -> None:
    targets = align(RECEIPT, Document(total=Decimal("51.00")))
    plain = {LABELS[label] for label in targets.allowed[0]}
    assert "" in plain and "seller" in plain and "total" not in plain
    known = align(RECEIPT, Document(total=Decimal("51.00")), known=LABELS)
    assert known.allowed[0] == (0,)


def test_a_value_that_stands_nowhere_is_told_and_forbids_nothing() -> None:
    targets = align(RECEIPT, Document(total=Decimal("77.00"), number="XY-1"), known=LABELS)
    assert set(targets.missing) == {"total", "number"}
    assert set(targets.allowed[0]) == {0, INDEX["total"], INDEX["number"]}


@pytest.mark.parametrize(
    ("text", "value"),
    [("RM30.9O", "30.90"), ("1.234,50", "1234.50"), ("1,234.50", "1234.50"), ("15-00", "15.00"), ("(5,00)", "5.00"),
     ("12.50EUR", "12.50"), ("1'000.00", "1000.00"), ("3x4.50", "4.50")],
)  # fmt: skip
def test_numbers_are_found_as_they_are_printed(text: str, value: str) -> None:
    assert Decimal(value) in meanings(text)
    assert numbers_like([Word("x", (0, 0, 1, 1), 0), Word(text, (0, 0, 1, 1), 0)], Decimal(f"-{value}")) == [(1,)]


def test_words_without_figures_and_endless_figures_mean_no_number() -> None:
    assert not meanings("SOIL") and not meanings("1" * 30)


@pytest.mark.parametrize(
    ("text", "order", "words"),
    [("DATE:18-11-18", "dmy", 1), ("14 Mar 2018", None, 3), ("2018-03-14T10:00", None, 1), ("18/11/2018", None, 1),
     ("16. Januar 2018", None, 3), ("l8/11/2018", None, 1), ("20180314", None, 1), ("March 14, 2018", None, 3)],
)  # fmt: skip
def test_days_are_found_as_they_are_printed(text: str, order: str | None, words: int) -> None:
    wanted = {"DATE:18-11-18": (2018, 11, 18), "18/11/2018": (2018, 11, 18), "l8/11/2018": (2018, 11, 18)}
    day = date(*wanted.get(text, (2018, 1, 16) if "Januar" in text else (2018, 3, 14)))
    found = dates_like(page(f"on {text} at ten"), day, order)  # type: ignore[arg-type]
    assert found == [tuple(range(1, 1 + words))]


def test_short_texts_are_only_whole_words() -> None:
    words = page("OYO ROYOX OYO", "FOYO")
    assert texts_like(words, "OYO") == [(0,), (2,)]
    assert texts_like(words, "- -") == []


def test_where_a_person_saw_a_value_decides() -> None:
    box = RECEIPT[-1].box
    truth = Document(total=Decimal("30.90"), sources={"total": Source(page=1, box=box)})
    found = labels(RECEIPT, truth)
    assert found == {f"{len(RECEIPT) - 1}:51.00": {"total"}}


ROWS = page(
    "Item Qty Price Amount", "Olive oil 2 5.00 10.00", "Bread 1 10.00 10.00", "Olive oil 3 5.00 15.00", "Total 35.00",
)  # fmt: skip


def test_rows_are_told_apart_by_their_order() -> None:
    rows = [("Olive oil", "2", "5", "10"), ("Bread", "1", "10", "10"), ("Olive oil", "3", "5", "15")]
    names = ("description", "quantity", "unit_price", "amount")
    lines = [LineItem.model_validate(dict(zip(names, row, strict=True))) for row in rows]
    targets = align(ROWS, Document(lines=lines, total=Decimal(35)))
    by_row: dict[int, list[str]] = {}
    for word, at in zip(ROWS, targets.rows, strict=True):
        by_row.setdefault(at, []).append(word.text)
    assert by_row[0] == ["Olive", "oil", "2", "5.00", "10.00"]
    assert by_row[1] == ["Bread", "1", "10.00", "10.00"] and by_row[2] == ["Olive", "oil", "3", "5.00", "15.00"]
    assert not targets.missing
    taxes = align(page("A 19% 50.00 9.50"), Document(taxes=[TaxRow(rate=Decimal(19), amount=Decimal("9.50"))]))
    assert taxes.rows == (-1, MOST_ROWS, -1, MOST_ROWS)


def test_a_row_that_is_not_printed_is_missing_and_the_others_stay() -> None:
    lines = [LineItem(description="Olive oil", amount=Decimal(10)), LineItem(description="Nails", amount=Decimal(99))]
    targets = align(ROWS, Document(lines=lines))
    assert set(targets.missing) == {"lines.1.description", "lines.1.amount"} and "lines.0.amount" in targets.found


def test_real_receipts_are_found(data: Path) -> None:
    """On the text lines that come with the data; with the words of the reader 98 % of the values are found."""
    from emendo.fields.schema import read_document
    from emendo.pages.words import split_words

    found = missing = 0
    rows = [json.loads(line) for line in (data / "receipts" / "receipts.jsonl").read_text().splitlines()]
    for row in [row for row in rows if row["split"] == "train"][:20]:
        words: list[Word] = []
        for number, box in enumerate(row["boxes"]):
            corners = tuple(zip(box["poly"][::2], box["poly"][1::2], strict=True))
            words += split_words(box["text"], corners, number)
        targets = align(words, read_document(row["fields"], order="dmy").document, order="dmy")
        found, missing = found + len(targets.found), missing + len(targets.missing)
    assert found > 60 and missing <= 0.05 * found
