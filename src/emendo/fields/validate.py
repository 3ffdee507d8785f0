"""Whether the fields of a document hold together: sums exact in the smallest coin, or within a tolerance.

Each rule is a function in `RULES`: it looks at a document and yields what it finds. The rules hold for every caller: a
person's form, a model's output, a made invoice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from .currencies import DECIMALS, decimals_of
from .schema import Document, Fault, ReadDocument
from .values import amount_text

ZERO = Decimal(0)
TOLERANCE = Decimal("0.05")
"""A sum that is off by so little may be a matter of rounding."""
FIRST_DAY = date(1950, 1, 1)
"""No invoice that is read is older."""
AHEAD = timedelta(days=366)
"""A date may lie so far in the future (an invoice in advance)."""


class Severity(StrEnum):
    """How bad a finding is: `error` cannot be right, `missing` lacks what documents have, `warning` may be right."""

    ERROR = "error"
    MISSING = "missing"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found: a sentence, and the places (`total`, `lines.2.amount`) that it concerns."""

    rule: str
    severity: Severity
    what: str
    paths: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {"rule": self.rule, "severity": self.severity.value, "what": self.what, "paths": list(self.paths)}


@dataclass(frozen=True, slots=True)
class Validation:
    """All findings on one document, and how many sums were checked."""

    findings: tuple[Finding, ...]
    checked: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong or missing. A document without any sum to check can be ok only with a total."""
        return all(one.severity is Severity.WARNING for one in self.findings)

    @property
    def exact(self) -> bool:
        """Whether all sums hold to the last coin."""
        return self.ok and not any(one.rule in _SUMS for one in self.findings)


class Sum(NamedTuple):
    """One sum that was checked: its rule, the places that it binds together, whether it holds exactly, and by how much
    what was found is more than it should be."""

    rule: str
    paths: tuple[str, ...]
    holds: bool
    gap: Decimal


@dataclass(slots=True)
class _Sums:
    """Compares amounts of one document and notes what was compared."""

    document: Document
    tolerance: Decimal
    compared: list[Sum] = field(default_factory=list)

    def shown(self, value: Decimal) -> str:
        return amount_text(value, least=decimals_of(self.document.currency))

    @property
    def coin(self) -> Decimal:
        return Decimal(1).scaleb(-decimals_of(self.document.currency))

    def rounded(self, value: Decimal) -> Decimal:
        return value.quantize(self.coin, ROUND_HALF_UP)

    def differ(
        self, rule: str, found: Decimal, expected: Decimal, paths: Sequence[str], what: str, *, slack: Decimal = ZERO
    ) -> Iterator[Finding]:
        """A finding when two amounts differ by more than `slack`; only a warning within the tolerance.

        `what` has places for `{expected}` and `{found}`.
        """
        gap = abs(found - expected)
        self.compared.append(Sum(rule, tuple(paths), gap <= slack, found - expected))
        if gap <= slack:
            return
        severity = Severity.WARNING if gap <= self.tolerance + slack else Severity.ERROR
        shown = self.rounded(expected) if slack else expected
        sentence = what.format(expected=self.shown(shown), found=self.shown(found))
        yield Finding(rule, severity, sentence, tuple(paths))


Rule = Callable[[Document, _Sums], Iterator[Finding]]


def validate_document(
    document: Document | ReadDocument, *, tolerance: Decimal = ZERO, today: date | None = None
) -> Validation:
    """Check a document against all rules.

    `tolerance` is the greatest difference of a sum that is only a warning, in the document's currency. Values that
    could not be read (see `read_document`) are errors too. `today` is the day against which dates are judged.
    """
    faults: tuple[Fault, ...] = ()
    if isinstance(document, ReadDocument):
        faults = document.faults
        document = document.document
    findings = [Finding("value", Severity.ERROR, one.what, (one.path,)) for one in faults]
    unread = {one.path for one in faults}
    sums = _Sums(document, abs(tolerance))
    for rule in RULES:
        findings += rule(document, sums)
    findings += _dates(document, today or date.today())
    findings = [one for one in findings if one.severity is not Severity.MISSING or not unread.intersection(one.paths)]
    return Validation(tuple(findings), len(sums.compared))


def check_sums(document: Document, *, products: bool = True) -> list[Sum]:
    """The sums of a document that can be checked, exact; those within its rows only with `products`."""
    sums = _Sums(document, ZERO)
    for rule in ((_products,) if products else ()) + (_rows, _tax_rows, _line_rates, _total, _due):
        for _ in rule(document, sums):
            pass
    return sums.compared


def _products(document: Document, sums: _Sums) -> Iterator[Finding]:
    """Quantity x unit price less discount is the row's amount, rounded to a coin."""
    for at, row in enumerate(document.lines):
        if row.quantity is None or row.unit_price is None or row.amount is None:
            continue
        exact = row.quantity * row.unit_price - (row.discount or ZERO)
        less = f" - {sums.shown(row.discount)}" if row.discount else ""
        factors = f"{amount_text(row.quantity)} x {sums.shown(row.unit_price)}{less}"
        what = f"row {at + 1}: {factors} is {{expected}}, not {{found}}"
        paths = [f"lines.{at}.{name}" for name in ("quantity", "unit_price", "amount")]
        slack = sums.coin / 2 if exact % sums.coin else ZERO  # a half may go either way
        yield from sums.differ("product", row.amount, exact, paths, what, slack=slack)


def _rows(document: Document, sums: _Sums) -> Iterator[Finding]:
    """The rows add up to what is taxed, or with tax in the prices to the total."""
    amounts = [row.amount for row in document.lines if row.amount is not None]
    if not document.lines:
        return
    lacking = [at for at, row in enumerate(document.lines) if row.amount is None]
    if lacking:
        places = tuple(f"lines.{at}.amount" for at in lacking)
        shown = ", ".join(str(at + 1) for at in lacking[:5])
        yield Finding("row_amount", Severity.MISSING, f"the amount of row {shown} is missing", places)
        return
    added = sum(amounts, ZERO) - (document.discount or ZERO) + (document.charges or ZERO)
    rest = " with discount and charges" if document.discount or document.charges else ""
    targets = {}
    if document.net is not None:
        targets["net"] = document.net
    if document.total is not None:
        targets["total"] = document.total - (document.rounding or ZERO)
    if not targets:
        return
    if document.net is None and document.tax:
        targets["total less tax"] = document.total - (document.rounding or ZERO) - document.tax  # type: ignore[operator]
    name = min(targets, key=lambda one: abs(targets[one] - added))
    where = {"net": "net", "total less tax": "total"}.get(name, "total")
    said = {"net": "net amount", "total": "total"}.get(name, name)
    if name == "total" and document.rounding:
        said = "total before rounding"
    what = f"lines add up to {sums.shown(added)}{rest}, {said} says {{found}}"
    paths = [where, *(f"lines.{at}.amount" for at in range(len(document.lines)))]
    yield from sums.differ("lines", targets[name], added, paths, what)


def _total(document: Document, sums: _Sums) -> Iterator[Finding]:
    """Net + tax + rounding is the total."""
    if document.net is None or document.total is None or (document.tax is None and not document.taxes):
        if document.net is None or document.total is None or document.net == document.total:
            return
        gap = document.total - document.net - (document.rounding or ZERO)
        if gap:
            what = f"total is {sums.shown(gap)} more than net, and no tax says why"
            yield Finding("total", Severity.MISSING, what, ("tax",))
        return
    tax = document.tax
    if tax is None:
        tax = sum((row.amount or ZERO for row in document.taxes), ZERO)
    exact = document.net + tax + (document.rounding or ZERO)
    rounding = f" and rounding {sums.shown(document.rounding)}" if document.rounding else ""
    what = f"net {sums.shown(document.net)} and tax {sums.shown(tax)}{rounding} make {{expected}}, total says {{found}}"
    yield from sums.differ("total", document.total, exact, ("net", "tax", "total"), what)


def _tax_rows(document: Document, sums: _Sums) -> Iterator[Finding]:
    """Each rate gives its tax, and the rows of the tax table add up."""
    for at, row in enumerate(document.taxes):
        if row.rate is not None and row.base is not None and row.amount is not None:
            exact = row.base * row.rate / 100
            share = f"{amount_text(row.rate)} % of {sums.shown(row.base)}"
            what = f"{share} is {{expected}}, not {{found}}"
            paths = [f"taxes.{at}.{name}" for name in ("rate", "base", "amount")]
            slack = sums.coin / 2 if exact % sums.coin else ZERO
            yield from sums.differ("tax_rate", row.amount, exact, paths, what, slack=slack)
    amounts = [row.amount for row in document.taxes]
    bases = [row.base for row in document.taxes]
    if amounts and document.tax is not None and None not in amounts:
        what = "the rows of tax add up to {expected}, tax says {found}"
        paths = ["tax", *(f"taxes.{at}.amount" for at in range(len(amounts)))]
        yield from sums.differ("taxes", document.tax, _added(amounts), paths, what)
    if bases and document.net is not None and None not in bases:
        what = "what is taxed adds up to {expected}, net says {found}"
        paths = ["net", *(f"taxes.{at}.base" for at in range(len(bases)))]
        yield from sums.differ("tax_base", document.net, _added(bases), paths, what)


def _line_rates(document: Document, sums: _Sums) -> Iterator[Finding]:
    """Where every row tells its rate and prices are without tax, the rates give the tax: rounded by rate, or by row."""
    lines = document.lines
    simple = lines and not (document.discount or document.charges) and document.tax is not None
    if not simple or any(row.tax_rate is None or row.amount is None for row in lines):
        return
    rows = [(row.tax_rate or ZERO, row.amount or ZERO) for row in lines]
    if document.net is None or sum(amount for _, amount in rows) != document.net:
        return
    groups: dict[Decimal, Decimal] = {}
    for rate, amount in rows:
        groups[rate] = groups.get(rate, ZERO) + amount
    ways = (
        sum((sums.rounded(base * rate / 100) for rate, base in groups.items()), ZERO),
        sum((sums.rounded(amount * rate / 100) for rate, amount in rows), ZERO),
    )
    tax = document.tax or ZERO
    expected = min(ways, key=lambda way: abs(way - tax))
    paths = ("tax", *(f"lines.{at}.tax_rate" for at in range(len(lines))))
    what = "the rates of the rows make {expected} of tax, tax says {found}"
    yield from sums.differ("line_rates", tax, expected, paths, what, slack=sums.coin / 2 * max(0, len(groups) - 1))


def _due(document: Document, sums: _Sums) -> Iterator[Finding]:
    """What is due is the total less what was paid before."""
    if document.due is None or document.total is None:
        return
    if document.prepaid is None and document.due < document.total:
        gap = sums.shown(document.total - document.due)
        what = f"due is {gap} less than total, and nothing says that it was paid before"
        yield Finding("due", Severity.MISSING, what, ("prepaid",))
        return
    exact = document.total - (document.prepaid or ZERO)
    paid = f" less {sums.shown(document.prepaid)} paid before" if document.prepaid else ""
    what = f"total {sums.shown(document.total)}{paid} leaves {{expected}}, due says {{found}}"
    yield from sums.differ("due", document.due, exact, ("total", "prepaid", "due"), what)


def _coins(document: Document, sums: _Sums) -> Iterator[Finding]:
    """No amount is finer than the smallest coin of its currency."""
    if document.currency is not None and document.currency not in DECIMALS:
        yield Finding("currency", Severity.ERROR, f"{document.currency!r} is no currency code", ("currency",))
    names = ("discount", "charges", "net", "tax", "rounding", "total", "prepaid", "due")
    amounts = [(name, getattr(document, name)) for name in names]
    amounts += [
        (f"lines.{at}.{name}", getattr(row, name))
        for at, row in enumerate(document.lines)
        for name in ("discount", "amount")
    ]
    amounts += [
        (f"taxes.{at}.{name}", getattr(row, name))
        for at, row in enumerate(document.taxes)
        for name in ("base", "amount")
    ]
    for path, amount in amounts:
        if amount is not None and amount % sums.coin:
            of = f"an amount in {document.currency}" if document.currency else "an amount"
            decimals = decimals_of(document.currency)
            what = f"{amount_text(amount)} is finer than {of} can be, which has {decimals} decimals"
            yield Finding("decimals", Severity.ERROR, what, (path,))


def _present(document: Document, _: _Sums) -> Iterator[Finding]:
    """Every document names who sells, when, and for how much; an invoice has a number."""
    needed = {"seller": "who sells", "date": "the date", "total": "the total"}
    if document.type in ("invoice", "credit_note"):
        needed["number"] = "the number"
    for name, said in needed.items():
        if getattr(document, name) is None:
            yield Finding("present", Severity.MISSING, f"{said} is missing", (name,))
    if document.currency is None:
        yield Finding("present", Severity.WARNING, "the currency is not told", ("currency",))


def _ids(document: Document, _: _Sums) -> Iterator[Finding]:
    """Names have letters, numbers of documents have a figure or letter, an IBAN has its check digits."""
    for name in ("seller", "buyer"):
        value = getattr(document, name)
        if value is not None and not any(char.isalpha() for char in value):
            yield Finding("name", Severity.ERROR, f"{value[:40]!r} is no name: it has no letter", (name,))
    for name in ("number", "order_number", "seller_tax_id", "buyer_tax_id"):
        value = getattr(document, name)
        if value is not None and not any(char.isdecimal() for char in value):
            severity = Severity.ERROR if name.endswith("tax_id") else Severity.WARNING
            yield Finding("id", severity, f"{value[:40]!r} has no figure", (name,))
    if document.iban is not None and not iban_holds(document.iban):
        what = f"{document.iban[:40]!r} is no IBAN: its check digits do not fit"
        yield Finding("iban", Severity.ERROR, what, ("iban",))


def iban_holds(text: str) -> bool:
    """Whether the check digits of an IBAN fit (ISO 13616: the number modulo 97 is 1)."""
    plain = "".join(text.split()).upper()
    if not 15 <= len(plain) <= 34 or not plain.isascii() or not plain.isalnum():
        return False
    if not (plain[:2].isalpha() and plain[2:4].isdecimal()):
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def _dates(document: Document, today: date) -> Iterator[Finding]:
    """Dates lie where documents are from, and nothing is due before it was written."""
    for name in ("date", "due_date"):
        day = getattr(document, name)
        if day is not None and not FIRST_DAY <= day <= today + AHEAD:
            yield Finding("date", Severity.ERROR, f"{day.isoformat()} is no date of a document", (name,))
    if document.date and document.due_date and document.due_date < document.date:
        what = f"due on {document.due_date.isoformat()}, before its date {document.date.isoformat()}"
        yield Finding("due_date", Severity.ERROR, what, ("date", "due_date"))


def _added(values: Sequence[Decimal | None]) -> Decimal:
    return sum((value for value in values if value is not None), ZERO)


RULES: tuple[Rule, ...] = (_present, _products, _rows, _tax_rows, _line_rates, _total, _due, _coins, _ids)
_SUMS = frozenset({"product", "lines", "tax_rate", "taxes", "tax_base", "line_rates", "total", "due"})
"""Rules that compare amounts."""
