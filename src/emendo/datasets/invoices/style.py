"""How one document looks and words things: drawn once, then used by all of its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeVar, get_args

import numpy as np

from ...fields.schema import Document
from .content import Content
from .places import RARER_DAYS, Place, Writing
from .sheet import BLACK, FACES, Colour, Sheet
from .terms import TERMS
from .wordings import PHRASES

Rng = np.random.Generator
_Form = TypeVar("_Form", bound=str)
Head = Literal["left", "right", "centre", "band", "window"]
Title = Literal["left", "right", "centre", "line"]
Facts = Literal["table", "strip", "lines", "stacked"]
Buyer = Literal["left", "right", "boxed"]
Grid = Literal["none", "rules", "lines", "boxes", "zebra"]
Heading = Literal["band", "rule", "plain", "box"]
Sums = Literal["right", "boxed", "wide", "band"]
A4, LETTER = (595.28, 841.89), (612.0, 792.0)
_COLOURS: Final[Sequence[Colour]] = (
    (0.1, 0.1, 0.1), (0.12, 0.25, 0.45), (0.55, 0.12, 0.12), (0.1, 0.4, 0.3), (0.85, 0.45, 0.1), (0.3, 0.2, 0.45),
    (0.25, 0.25, 0.3), (0.05, 0.5, 0.6),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Style:
    """The looks of a document: faces, sizes in points, colours, and which form each part takes."""

    plain: str
    bold: str
    size: float
    accent: Colour
    margin: float
    leading: float
    head: Head
    logo: bool
    title: Title
    facts: Facts
    buyer: Buyer
    grid: Grid
    heading: Heading
    sums: Sums
    tax_table: bool
    signs: bool
    """Whether amounts in the table carry the sign of the currency."""
    colon: str
    capitals: bool
    order: tuple[str, ...]
    """Columns of the table from left to right."""
    foot: bool


def draw_style(rng: Rng, content: Content) -> Style:
    """The looks of one document."""
    family = FACES[int(rng.choice(len(FACES), p=[0.62, 0.28, 0.1]))]
    accent = _COLOURS[int(rng.integers(len(_COLOURS)))] if rng.random() < 0.6 else BLACK
    courier = family[0].startswith("Courier")
    return Style(
        plain=family[0],
        bold=family[1],
        size=float(rng.uniform(7.2, 8.6) if courier else rng.uniform(8.2, 10.6)),
        accent=accent,
        margin=float(rng.uniform(34, 68)),
        leading=float(rng.uniform(1.25, 1.6)),
        head=_one(rng, get_args(Head)),
        logo=bool(rng.random() < 0.55),
        title=_one(rng, get_args(Title)),
        facts=_one(rng, ("table", *get_args(Facts))),
        buyer=_one(rng, ("left", *get_args(Buyer))),
        grid=_one(rng, get_args(Grid)),
        heading=_one(rng, get_args(Heading)),
        sums=_one(rng, ("right", *get_args(Sums))),
        tax_table=bool(rng.random() < 0.35),
        signs=bool(rng.random() < 0.35),
        colon=str(rng.choice([":", ":", "", " :"])),
        capitals=bool(rng.random() < 0.15),
        order=_columns(rng, content.document),
        foot=bool(rng.random() < 0.7),
    )


def _columns(rng: Rng, document: Document) -> tuple[str, ...]:
    lines = document.lines
    columns = ["description", "quantity", "unit_price", "amount"]
    if any(row.code for row in lines):
        columns.insert(int(rng.integers(2)), "code")
    if any(row.unit for row in lines) and rng.random() < 0.6:
        columns.insert(columns.index("quantity") + 1, "unit")
    if any(row.discount for row in lines):
        columns.insert(columns.index("unit_price") + 1, "row_discount")
    if len({row.tax_rate for row in lines}) > 1 or rng.random() < 0.3:
        columns.insert(columns.index("amount"), "tax_rate")
    if rng.random() < 0.25:
        columns.remove("quantity")
        columns.insert(0, "quantity")
    if rng.random() < 0.3:
        columns.insert(0, "position")
    return tuple(columns)


class Setting:
    """A document being set: its sheet, looks and words, and how far down the page it has come (`y`, in points)."""

    def __init__(self, content: Content, style: Style, sheet: Sheet, rng: Rng) -> None:
        self.content, self.style, self.sheet, self.rng = content, style, sheet, rng
        self.document = content.document
        self.writing = draw_writing(rng, content.place)
        self.y = style.margin
        self._terms: dict[str, str] = {}
        self.minus = content.document.type == "credit_note" and bool(rng.random() < 0.35)

    @property
    def left(self) -> float:
        """Where the text begins."""
        return self.style.margin

    @property
    def right(self) -> float:
        """Where it ends."""
        return self.sheet.width - self.style.margin

    @property
    def bottom(self) -> float:
        """Where the foot of the page begins."""
        return self.sheet.height - self.style.margin - 4.5 * self.step

    @property
    def step(self) -> float:
        """From one line to the next."""
        return self.style.size * self.style.leading

    def term(self, name: str) -> str:
        """What this document calls something: chosen once."""
        if name not in self._terms:
            words: Mapping[str, Sequence[str]] = TERMS[self.content.place.language]
            choice = self.content.place.taxes if name == "tax" and self.content.place.taxes else words[name]
            chosen = str(self.rng.choice(list(choice)))
            self._terms[name] = chosen.upper() if self.style.capitals else chosen
        return self._terms[name]

    def phrase(self, name: str) -> str:
        """A word for a part that no field holds: chosen once."""
        if name not in self._terms:
            chosen = str(self.rng.choice(list(PHRASES[self.content.place.language][name])))
            self._terms[name] = chosen.upper() if self.style.capitals else chosen
        return self._terms[name]

    def write(
        self,
        x: float,
        text: str,
        *,
        bold: bool = False,
        size: float = 1.0,
        align: str = "left",
        colour: Colour = BLACK,
        meaning: str = "",
        region: str = "",
        y: float | None = None,
    ) -> float:
        """Write a line at the present height (or `y`); where it ends. `size` is relative to the document's."""
        return self.sheet.text(
            x,
            self.y if y is None else y,
            text,
            face=self.style.bold if bold else self.style.plain,
            size=self.style.size * size,
            align=align,
            colour=colour,
            meaning=meaning,
            region=region,
        )

    def width(self, text: str, *, bold: bool = False, size: float = 1.0) -> float:
        """How wide a text will be."""
        return self.sheet.measure(text, self.style.bold if bold else self.style.plain, self.style.size * size)

    def shrunk(self, text: str, room: float, *, bold: bool = False, size: float = 1.0) -> float:
        """The size at which a text has room, not more than `size`."""
        wide = self.width(text, bold=bold, size=size)
        return size if wide <= room or not wide else max(0.2, 0.98 * size * room / wide)

    def amount(self, value: Decimal, *, plain: bool = False) -> str:
        """An amount as this document writes those of its sums: some that give money back write them as less."""
        return self.writing.amount(-value if self.minus else value, plain=plain)


def draw_writing(rng: Rng, place: Place) -> Writing:
    """One of a place's ways to write amounts and days."""
    thousands, decimal = place.marks[int(rng.integers(len(place.marks)))]
    days = RARER_DAYS[place.language] if rng.random() < 0.2 else place.days
    sign, day = str(rng.choice(list(place.signs))), str(rng.choice(list(days)))
    months = tuple(month.upper() for month in place.months) if rng.random() < 0.1 else place.months
    return Writing(thousands, decimal, sign, day, place.currency, months)


def _one(rng: Rng, choices: Sequence[_Form]) -> _Form:
    return choices[int(rng.integers(len(choices)))]
