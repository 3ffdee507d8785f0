"""The fields of an invoice or receipt, versioned, with one spelling of each.

Amounts are exact decimals and are written as strings with a dot, dates as ISO 8601, currencies as ISO 4217. Unknown
fields are kept as they are. `sources` say where on the pages a value was taken from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PlainSerializer,
    SerializationInfo,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from ..errors import FormatError
from ..text.normalize import normalize_text
from .currencies import currency_of, decimals_of
from .names import ALIASES
from .values import Order, amount_text, parse_amount, parse_date

SCHEMA = "emendo.fields/1"
"""Name and version of the schema, in each text."""
MOST_ROWS, MOST_CHARACTERS, MOST_DEPTH = 2000, 10_000, 20
"""Rows of a table, characters of a value, and how deeply values nest."""


class Kind(StrEnum):
    """How a value is written."""

    TEXT = "text"
    BLOCK = "block"
    MONEY = "money"
    PRICE = "price"
    NUMBER = "number"
    RATE = "rate"
    DATE = "date"
    CURRENCY = "currency"
    CHOICE = "choice"


def _text(value: object) -> object:
    """A text clean as all texts are, line by line; numbers become texts; an empty text is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal | None):
        raise ValueError("is no text")
    if value is None:
        return None
    if len(str(value)) > MOST_CHARACTERS:
        raise ValueError(f"is longer than {MOST_CHARACTERS:,} characters")
    lines = [normalize_text(line) for line in str(value).splitlines()]
    return "\n".join(line for line in lines if line) or None


def _line(value: object) -> object:
    """The same in one line."""
    cleaned = _text(value)
    return cleaned.replace("\n", " ") if isinstance(cleaned, str) else cleaned


def _number(value: object, info: ValidationInfo) -> object:
    if isinstance(value, Decimal):
        return parse_amount(f"{value:f}") if value.is_finite() else parse_amount(str(value))
    if isinstance(value, float):  # a number of JSON: its shortest spelling
        return parse_amount(f"{Decimal(repr(value)):f}")
    cleaned = _line(value)
    mark = (info.context or {}).get("mark", "")
    return parse_amount(cleaned, mark=mark) if isinstance(cleaned, str) else None


def _rate(value: object, info: ValidationInfo) -> object:
    return _number(value.strip().removesuffix("%") if isinstance(value, str) else value, info)


def _date(value: object, info: ValidationInfo) -> object:
    cleaned = value.isoformat() if isinstance(value, date) else _line(value)
    order = (info.context or {}).get("order")
    return parse_date(cleaned, order=order) if isinstance(cleaned, str) else None


def _currency(value: object) -> object:
    cleaned = _line(value)
    return currency_of(cleaned) if isinstance(cleaned, str) else None


def _choice(value: object) -> object:
    cleaned = _line(value)
    return cleaned.casefold().replace(" ", "_") if isinstance(cleaned, str) else None


def _money_text(value: Decimal | None, info: SerializationInfo) -> str | None:
    return None if value is None else amount_text(value, least=(info.context or {}).get("decimals", 2))


def _number_text(value: Decimal | None) -> str | None:
    return None if value is None else amount_text(value)


Text = Annotated[str | None, BeforeValidator(_line), Kind.TEXT]
Block = Annotated[str | None, BeforeValidator(_text), Kind.BLOCK]
Money = Annotated[Decimal | None, BeforeValidator(_number), PlainSerializer(_money_text), Kind.MONEY]
Price = Annotated[Decimal | None, BeforeValidator(_number), PlainSerializer(_money_text), Kind.PRICE]
Number = Annotated[Decimal | None, BeforeValidator(_number), PlainSerializer(_number_text), Kind.NUMBER]
Rate = Annotated[Decimal | None, BeforeValidator(_rate), PlainSerializer(_number_text), Kind.RATE]
Date = Annotated[date | None, BeforeValidator(_date), Kind.DATE]
Currency = Annotated[str | None, BeforeValidator(_currency), Kind.CURRENCY]
Type = Annotated[Literal["invoice", "receipt", "credit_note"] | None, BeforeValidator(_choice), Kind.CHOICE]


class Source(BaseModel):
    """Where a value stands: page from 1, and its box (left, top, right, bottom) in pixels of the page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    page: int = Field(1, ge=1, le=100_000)
    box: tuple[FiniteFloat, FiniteFloat, FiniteFloat, FiniteFloat]


class _Part(BaseModel):
    """What the document and the rows of its tables have in common."""

    model_config = ConfigDict(extra="allow", frozen=True)

    sources: dict[str, Source] = Field({}, max_length=200)

    def extras(self) -> dict[str, Any]:
        """Fields that the schema does not know, by name."""
        return dict(sorted((self.__pydantic_extra__ or {}).items()))


class LineItem(_Part):
    """One row of what was sold. `amount` is quantity x unit price, less the row's own discount."""

    code: Text = None
    description: Text = None
    quantity: Number = None
    unit: Text = None
    unit_price: Price = None
    discount: Money = None
    tax_rate: Rate = None
    amount: Money = None


class TaxRow(_Part):
    """One rate of tax: percent, the amount that is taxed, and the tax."""

    rate: Rate = None
    base: Money = None
    amount: Money = None


class Document(_Part):
    """An invoice or a receipt.

    `net` is what is taxed: the rows less `discount`, plus `charges`. `total` is net + tax + `rounding`; `due` is what
    is left of it after `prepaid`. On a receipt the prices of the rows usually have the tax in them.
    """

    type: Type = None
    seller: Text = None
    seller_address: Block = None
    seller_tax_id: Text = None
    buyer: Text = None
    buyer_address: Block = None
    buyer_tax_id: Text = None
    number: Text = None
    date: Date = None
    due_date: Date = None
    order_number: Text = None
    currency: Currency = None
    lines: list[LineItem] = Field([], max_length=MOST_ROWS)
    discount: Money = None
    charges: Money = None
    net: Money = None
    taxes: list[TaxRow] = Field([], max_length=MOST_ROWS)
    tax: Money = None
    rounding: Money = None
    total: Money = None
    prepaid: Money = None
    due: Money = None
    iban: Text = None

    @field_validator("lines", "taxes", mode="before")
    @classmethod
    def _rows(cls, value: object) -> object:
        return [] if value is None else value

    def values(self, *, sources: bool = False) -> dict[str, Any]:
        """The fields as JSON values in the order of the schema, without those that are empty.

        `sources` keeps where each was taken from.
        """
        context = {"decimals": decimals_of(self.currency)}
        dumped = self.model_dump(mode="json", context=context, exclude=None if sources else _SOURCES)
        return _ordered(dumped, type(self))


_SOURCES: Any = {"sources": True, "lines": {"__all__": {"sources"}}, "taxes": {"__all__": {"sources"}}}
ROWS: Mapping[str, type[_Part]] = {"lines": LineItem, "taxes": TaxRow}
"""The tables of a document."""


class Spec(NamedTuple):
    """One field for a form: its name, and how its value is written."""

    name: str
    kind: Kind


def specs(part: type[_Part]) -> list[Spec]:
    """The fields of a part that hold one value, in order."""
    marked = ((name, info.metadata) for name, info in part.model_fields.items())
    return [Spec(name, one) for name, metadata in marked for one in metadata if isinstance(one, Kind)]


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that is not what its field asks for: its place (`lines.0.amount`), and a sentence."""

    path: str
    what: str


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document as far as its values can be understood, what cannot be, and fields that had another name."""

    document: Document
    faults: tuple[Fault, ...] = ()
    renamed: Mapping[str, str] | None = None


def read_document(raw: Mapping[str, Any], *, mark: str = "", order: Order | None = None) -> ReadDocument:
    """A document from JSON values as people or programs write them; a faulty value is left out and told.

    `mark` is the decimal mark of the document and `order` that of its dates, where they are known. Raises FormatError
    for values of another version of the schema.
    """
    given = raw.get("schema", SCHEMA)
    if given != SCHEMA:
        raise FormatError(f"the fields are of schema {str(given)[:40]!r}, this emendo knows {SCHEMA!r}")
    renamed: dict[str, str] = {}
    known = _renamed({key: value for key, value in raw.items() if key != "schema"}, "", "", renamed)
    faults: dict[str, Fault] = {}
    _extras(known, Document, "", faults)
    context = {"mark": mark, "order": order}
    while True:
        try:
            document = Document.model_validate(known, context=context)
            return ReadDocument(document, tuple(faults.values()), renamed)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                place = _leave_out(known, one["loc"])
                faults.setdefault(place, Fault(place, _sentence(one)))


def read_text(text: str, **known: Any) -> ReadDocument:
    """The same from JSON. Raises FormatError when it is no JSON object."""
    try:
        raw = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except RecursionError as error:
        raise FormatError("the fields nest too deeply") from error
    except ValueError as error:
        raise FormatError(f"the fields are not JSON ({str(error)[:120]})") from error
    if not isinstance(raw, dict):
        raise FormatError("the fields are JSON but not an object")
    return read_document(raw, **known)


def canonical(document: Document, *, sources: bool = True) -> str:
    """The one JSON text of a document: in the order of the schema, no blanks between, what is empty left out."""
    values = {"schema": SCHEMA, **document.values(sources=sources)}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _renamed(values: Mapping[str, Any], table: str, place: str, renamed: dict[str, str]) -> dict[str, Any]:
    """The values under the names of the schema, where these are free."""
    aliases, part = ALIASES[table], ROWS.get(table, Document)
    values = {normalize_text(str(key)): value for key, value in values.items() if not _is_empty(value)}
    known: dict[str, Any] = {}
    for name, value in values.items():
        target = aliases.get(name)
        if target is not None and name not in part.model_fields and target not in values and target not in known:
            renamed[place + name] = target
        else:
            target = name
        if not table and target in ROWS and isinstance(value, list):
            known[target] = [
                _renamed(row, target, f"{target}.{at}.", renamed) if isinstance(row, Mapping) else row
                for at, row in enumerate(value)
            ]
        else:
            known[target] = value
    return known


def _is_empty(value: object) -> bool:
    return value in (None, [], {}) or (isinstance(value, str) and not _text(value[:MOST_CHARACTERS]))


def _extras(values: dict[str, Any], part: type[_Part], place: str, faults: dict[str, Fault]) -> None:
    """Clean the fields that the schema does not know; one that cannot be kept is taken out and told."""
    for key in [key for key in values if key not in part.model_fields]:
        value = values.pop(key)
        try:
            kept = _plain(value, MOST_DEPTH)
        except ValueError as error:
            faults[place + key] = Fault(place + key, str(error))
            continue
        if key and kept not in (None, "", [], {}):
            values[key] = kept
    for table, row_part in ROWS.items() if part is Document else ():
        rows = values.get(table)
        for at, row in enumerate(rows if isinstance(rows, list) else ()):
            if isinstance(row, dict):
                _extras(row, row_part, f"{table}.{at}.", faults)


def _plain(value: object, depth: int) -> object:
    """A JSON value with clean texts."""
    if not depth:
        raise ValueError("nests too deeply")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        kept = {normalize_text(str(key)): _plain(one, depth - 1) for key, one in value.items()}
        return dict(sorted(kept.items()))
    if isinstance(value, list | tuple):
        return [_plain(one, depth - 1) for one in value]
    if isinstance(value, Decimal | float):
        return amount_text(parse_amount(f"{Decimal(str(value)):f}"))
    if isinstance(value, int) and len(str(abs(value))) > MOST_CHARACTERS // 10:
        raise ValueError("is too long a number")
    return value


def _leave_out(values: Any, place: tuple[int | str, ...]) -> str:
    """Take the faulty value out; its path. What lies deeper than a row's field is the fault of that field."""
    depth = 3 if place[0] in ROWS and len(place) > 2 else 1 if place[0] not in ROWS else min(2, len(place))
    shown, holder = place[:depth], values
    for key in shown[:-1]:
        holder = holder[key]
    if isinstance(holder, list):
        holder[int(shown[-1])] = {}
    else:
        holder.pop(shown[-1], None)
    return ".".join(map(str, shown))


def _sentence(error: Any) -> str:
    """What is said of a fault that pydantic found."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "literal_error":
        return f"{str(error['input'])[:40]!r} is no kind of document; use invoice, receipt or credit_note"
    return str(error["msg"]).removeprefix("Input ")


def _ordered(dumped: Mapping[str, Any], part: type[_Part]) -> dict[str, Any]:
    """Without what is empty, `sources` last, extras by name."""
    names = [name for name in part.model_fields if name != "sources"]
    extras = sorted(name for name in dumped if name not in part.model_fields)
    kept: dict[str, Any] = {}
    for name in (*names, *extras, "sources"):
        value = dumped.get(name)
        if name in ROWS and part is Document:
            value = [_ordered(row, ROWS[name]) for row in value or ()]
        if name == "sources" and value:
            value = dict(sorted(value.items()))
        if value not in (None, "", [], {}):
            kept[name] = value
    return kept


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")
