"""Taxes, totals, and what stands below them."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from .extras import company_line, sentence
from .heads import VENDOR, WHITE
from .sheet import BLACK, Colour
from .style import Setting

TOTALS, TAXES = "totals_section", "tax_section"


class Row(NamedTuple):
    """A line of the totals: label, rate of tax behind it with its meaning (or nothing), value, its meaning."""

    label: str
    value: str
    meaning: str
    bold: bool = False
    region: str = TOTALS
    rate: str = ""
    rate_meaning: str = ""
    after: str = ""
    """What stands behind the rate and tells nothing."""

    def wide(self, page: Setting, size: float = 1.0) -> float:
        """Width of label and rate."""
        return page.width(f"{self.label} {self.rate} {self.after}".rstrip(), bold=self.bold, size=size)

    def write(
        self, page: Setting, left: float, right: float, colour: Colour, size: float = 1.0, *, below: bool = False
    ) -> None:
        """Write it between two edges at the present height; with `below` the value below the label."""
        end = page.write(left, self.label, bold=self.bold, size=size, colour=colour, region=self.region)
        if self.rate:
            x = end + page.width(" ", bold=self.bold, size=size)
            end = page.write(
                x, self.rate, bold=self.bold, size=size, colour=colour, meaning=self.rate_meaning, region=self.region
            )
        if self.after:
            x = end + page.width(" ", bold=self.bold, size=size)
            page.write(x, self.after, bold=self.bold, size=size, colour=colour, region=self.region)
        if below:
            page.y += page.step
            page.write(left, self.value, bold=self.bold, colour=colour, meaning=self.meaning, region=self.region)
            return
        page.write(right, self.value, bold=self.bold, size=size, align="right", colour=colour, meaning=self.meaning,
                   region=self.region)  # fmt: skip


def set_sums(page: Setting) -> None:
    """The table of taxes where there is one, then the totals; on a new page when they do not fit."""
    rows = total_rows(page)
    style, document = page.style, page.document
    depth = page.step * (len(rows) + 2 + (len(document.taxes) + 1 if style.tax_table else 0))
    if page.y + depth > page.bottom:
        page.sheet.new_page()
        page.y = style.margin + style.size
    page.y += page.step * 0.8
    if style.tax_table and document.taxes:
        _tax_table(page)
    wide = max(row.wide(page) for row in rows) + max(page.width(row.value, bold=row.bold) for row in rows)
    left = page.left if style.sums == "wide" else max(page.left, page.right - wide - 42)
    top = page.y - style.size * 1.2
    for row in rows:
        banded = row.bold and style.sums == "band"
        if banded:
            ends = (page.y - style.size * 1.0, page.y + style.size * 0.45)
            page.sheet.box(left - 4, ends[0], page.right, ends[1], fill=style.accent)
        row.write(page, left, page.right - 2, WHITE if banded else BLACK)
        if row.bold and style.sums == "right":
            page.sheet.rule(left, page.y - style.size * 1.05, page.right, page.y - style.size * 1.05)
        page.y += page.step * 1.1
    if style.sums == "boxed":
        page.sheet.box(left - 6, top, page.right + 2, page.y - style.size * 0.7, edge=style.accent)


def total_rows(page: Setting) -> list[Row]:
    """The lines of the totals, in the usual order."""
    document, amount = page.document, page.amount
    rows: list[Row] = []

    def add(name: str, value: Decimal | None, *, bold: bool = False, label: str = "", region: str = TOTALS) -> None:
        if value is not None:
            rows.append(Row(label or page.term(name), amount(value), name, bold, region))

    add("discount", -document.discount if document.discount is not None else None)
    add("charges", document.charges)
    add("net", document.net)
    single = len(document.taxes) == 1
    bracketed = page.rng.random() < 0.5
    for at, tax in enumerate(document.taxes):
        if not page.style.tax_table or single:
            rate = page.writing.quantity(tax.rate or Decimal(0))
            shown = f"({rate} %)" if bracketed else f"{rate}%"
            meaning = "tax" if single else f"taxes.{at}.amount"
            value = amount(tax.amount or Decimal(0))
            rows.append(Row(page.term("tax"), value, meaning, False, TAXES, shown, f"taxes.{at}.rate"))
    if not single and document.taxes:
        add("tax", document.tax, label=f"{page.term('total')} {page.term('tax')}")
    if document.rounding is not None and document.total is not None and page.rng.random() < 0.55:
        word = str(
            page.rng.choice([page.term("total"), page.phrase("subtotal"), page.phrase("lines"), page.term("net")])
        )
        rows.append(Row(word, amount(document.total - document.rounding), ""))  # what it came to before
    add("rounding", document.rounding)
    add("total", document.total, bold=True)
    if document.prepaid is not None:
        add("prepaid", -document.prepaid)
        add("due", document.due, bold=True)
    return rows


def _tax_table(page: Setting) -> None:
    labels = (f"{page.term('tax')} %", page.term("tax_base"), page.term("tax"))
    columns, x = [], page.left
    for label in labels:
        x += max(52.0, page.width(label, bold=True)) + 14
        columns.append(x)
        page.write(x, label, bold=True, align="right", region=TAXES)
    page.y += page.step
    for at, tax in enumerate(page.document.taxes):
        cells = (
            ("rate", page.writing.quantity(tax.rate or Decimal(0)) + " %"),
            ("base", page.writing.amount(tax.base or Decimal(0), plain=True)),
            ("amount", page.writing.amount(tax.amount or Decimal(0), plain=True)),
        )
        for x, (name, text) in zip(columns, cells, strict=True):
            page.write(x, text, align="right", meaning=f"taxes.{at}.{name}", region=TAXES)
        page.y += page.step
    page.y += page.step * 0.6


def set_foot(page: Setting) -> None:
    """Terms, thanks, the account, page numbers on every page, and at times a stamp."""
    style, document = page.style, page.document
    page.y += page.step * 1.2
    notes = []
    if page.rng.random() < 0.6:
        notes.append(page.term("terms").format(page.content.place.currency))
    if page.rng.random() < 0.5:
        notes.append(page.term("thanks"))
    for _ in range(int(page.rng.choice([0, 0, 1, 3]))):
        notes.insert(int(page.rng.integers(len(notes) + 1)), sentence(page.rng, page.content.place, page.writing)[:70])
    for note in notes:
        if page.y < page.bottom + page.step:
            page.write(page.left, note)
            page.y += page.step
    if style.foot and page.rng.random() < 0.5:
        _small_print(page)
    if document.iban:
        low = page.sheet.height - style.margin - page.step * 1.6
        y = low if style.foot else min(page.y, low)
        end = page.write(page.left, f"{page.term('iban')}{style.colon}", y=y, region=VENDOR)
        page.write(end + 4, document.iban, meaning="iban", y=y, region=VENDOR)
    if page.rng.random() < 0.12:
        page.sheet.slanted(
            float(page.rng.uniform(page.left, page.right - 160)),
            float(page.rng.uniform(page.sheet.height * 0.35, page.sheet.height * 0.8)),
            page.term("paid"), face=style.bold, size=float(page.rng.uniform(26, 44)),
            angle=float(page.rng.uniform(-25, 25)), colour=(0.75, 0.15, 0.15),
        )  # fmt: skip
    number_pages(page)


def _small_print(page: Setting) -> None:
    """What a firm says of itself at the foot of the page, in columns above the account."""
    rng, place, columns = page.rng, page.content.place, int(page.rng.integers(1, 4))
    wide = (page.right - page.left) / columns
    for column in range(columns):
        lines = [company_line(rng, place) for _ in range(int(rng.integers(1, 3)))]
        if column == 0 and rng.random() < 0.5:
            lines[0] = page.document.seller or ""
        for at, line in enumerate(lines):
            size = 0.75
            while page.width(line, size=size) > wide - 6 and size > 0.3:
                size *= 0.9
            y = page.sheet.height - page.style.margin - page.step * (3.6 - 0.8 * at)
            page.write(page.left + column * wide, line, size=size, y=y, region=VENDOR)


def number_pages(page: Setting) -> None:
    """Number the pages at their feet, where there are several or the document does so anyway."""
    count = len(page.sheet.pages)
    if count == 1 and page.rng.random() < 0.6:
        return
    form = page.term("page")
    last = page.sheet.pages
    for at in range(count):
        page.sheet.pages = last[: at + 1]
        text = form.format(at + 1, count)
        page.write(page.right, text, align="right", size=0.85, y=page.sheet.height - page.style.margin * 0.6)
    page.sheet.pages = last
