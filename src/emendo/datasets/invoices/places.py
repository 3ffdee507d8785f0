"""Where a document comes from: its language, currency, rates of tax, and how figures and days are written there.

Rates are the usual ones of each country, with the rounding of cash where it is customary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from ...fields.currencies import decimals_of

_COUNTRIES: Final[Mapping[str, tuple[str, ...]]] = {
    "US": ("United States", "USA"),
    "GB": ("United Kingdom", "England"),
    "IE": ("Ireland",),
    "MY": ("Malaysia",),
    "AU": ("Australia",),
    "DE": ("Deutschland", "Germany"),
    "AT": ("Österreich",),
    "CH": ("Schweiz", "Suisse"),
    "FR": ("France", "FRANCE"),
    "BE": ("Belgique",),
    "ES": ("España", "Spain"),
    "IT": ("Italia", "ITALIA"),
    "NL": ("Nederland",),
    "IN": ("India",),
    "SG": ("Singapore",),
    "CA": ("Canada",),
    "NZ": ("New Zealand",),
    "ZA": ("South Africa",),
    "LU": ("Luxembourg",),
    "MX": ("México",),
}


@dataclass(frozen=True, slots=True)
class Place:
    """A country as far as its invoices go.

    `marks` are pairs of the mark between thousands and the decimal mark; `signs` are forms of an amount with `{0}` for
    the figures; `days` are forms of a date for `written_day`. `rates` are the usual ones, the standard rate first.
    `towns` are (postcode form, name) with `#` for a figure and `@` for a letter. `coin` is what cash is rounded to.
    """

    code: str
    language: str
    currency: str
    rates: tuple[str, ...]
    marks: tuple[tuple[str, str], ...]
    signs: tuple[str, ...]
    days: tuple[str, ...]
    towns: tuple[tuple[str, str], ...]
    tax_ids: tuple[str, ...]
    taxes: tuple[str, ...] = ()
    """Names of the tax where they are not those of the language."""
    gross: float = 0.1
    """Share of the invoices whose prices have the tax in them."""
    coin: Decimal = Decimal(0)
    iban: str = ""
    months: tuple[str, ...] = field(default=())
    share: float = 1.0
    """How often documents come from there, relative to others."""

    @property
    def names(self) -> tuple[str, ...]:
        """What the country is called below an address."""
        return _COUNTRIES[self.code]


_EN = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
       "December")  # fmt: skip
_DE = ("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November",
       "Dezember")  # fmt: skip
_FR = ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre",
       "décembre")  # fmt: skip
_ES = ("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
       "diciembre")  # fmt: skip
_IT = ("gennaio", "febbraio", "marzo", "aprile", "maggio", "giugno", "luglio", "agosto", "settembre", "ottobre",
       "novembre", "dicembre")  # fmt: skip
_NL = ("januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november",
       "december")  # fmt: skip

PLACES: Final[tuple[Place, ...]] = (
    Place(
        "US", "en", "USD", ("8.25", "7", "6.5", "0"), ((",", "."), ("", ".")), ("${0}", "{0}", "$ {0}", "USD {0}"),
        ("M/D/Y", "m/d/Y", "B D, Y", "Y-m-d", "b D, Y"),
        (("9####", "San Lorenzo, CA"), ("1####", "Northfield, NY"), ("6####", "Elm Grove, IL")),
        ("##-#######",), ("Sales tax", "Tax"), 0.0, months=_EN,
    ),
    Place(
        "GB", "en", "GBP", ("20", "5", "0"), ((",", "."), ("", ".")), ("£{0}", "{0}", "GBP {0}"),
        ("d/m/Y", "D B Y", "d.m.Y", "d-b-Y", "d/m/y"),
        (("BS# #@@", "Bristol"), ("LS# #@@", "Leeds"), ("EH# #@@", "Edinburgh"), ("NR# #@@", "Norwich")),
        ("GB### #### ##",), ("VAT",), 0.1, iban="GB", months=_EN,
    ),
    Place(
        "IE", "en", "EUR", ("23", "13.5", "9", "0"), ((",", "."),), ("€{0}", "{0}", "EUR {0}", "{0} EUR"),
        ("d/m/Y", "D B Y"), (("D0# @#@#", "Dublin"), ("T12 @#@#", "Cork")), ("IE#######@",), ("VAT",), 0.1,
        iban="IE", months=_EN,
    ),
    Place(
        "MY", "en", "MYR", ("6", "0"), ((",", "."), ("", ".")), ("{0}", "RM{0}", "RM {0}"),
        ("d/m/Y", "d-m-Y", "D b Y", "d/m/y"),
        (("5####", "Kuala Lumpur"), ("4####", "Shah Alam"), ("8####", "Johor Bahru"), ("1####", "Penang")),
        ("0000########",), ("GST", "SST"), 0.5, Decimal("0.05"), months=_EN, share=2.0,
    ),
    Place(
        "AU", "en", "AUD", ("10", "0"), ((",", "."),), ("${0}", "A${0}", "{0}"), ("d/m/Y", "D B Y"),
        (("3###", "Melbourne VIC"), ("4###", "Brisbane QLD")), ("ABN ## ### ### ###",), ("GST",), 0.3, months=_EN,
    ),
    Place(
        "DE", "de", "EUR", ("19", "7"), ((".", ","), ("", ",")), ("{0} €", "{0}", "{0} EUR", "EUR {0}"),
        ("d.m.Y", "D. B Y", "d.m.y", "Y-m-d"),
        (("1####", "Berlin"), ("8####", "München"), ("2####", "Hamburg"), ("5####", "Köln"), ("0####", "Görlitz")),
        ("DE#########",), ("MwSt.", "USt.", "Umsatzsteuer"), 0.1, iban="DE", months=_DE,
    ),
    Place(
        "AT", "de", "EUR", ("20", "10", "13"), ((".", ","),), ("€ {0}", "{0} €", "EUR {0}"), ("d.m.Y", "D. B Y"),
        (("1##0", "Wien"), ("8010", "Graz"), ("5020", "Salzburg")), ("ATU########",), ("USt.", "MwSt."), 0.15,
        iban="AT", months=_DE,
    ),
    Place(
        "CH", "de", "CHF", ("8.1", "2.6"), (("'", "."), ("", ".")), ("CHF {0}", "{0}", "Fr. {0}"), ("d.m.Y", "D. B Y"),
        (("8###", "Zürich"), ("3###", "Bern"), ("4###", "Basel")), ("CHE-###.###.### MWST",), ("MwSt.", "MWST"), 0.2,
        Decimal("0.05"), "CH", _DE,
    ),
    Place(
        "FR", "fr", "EUR", ("20", "10", "5.5"), ((" ", ","), ("", ","), (".", ",")), ("{0} €", "{0}", "{0} EUR"),
        ("d/m/Y", "D B Y", "d-m-Y", "d/m/y"),
        (("75###", "Paris"), ("69###", "Lyon"), ("44###", "Nantes"), ("33###", "Bordeaux"), ("59###", "Lille")),
        ("FR## #########",), ("TVA",), 0.1, iban="FR", months=_FR,
    ),
    Place(
        "BE", "fr", "EUR", ("21", "12", "6"), ((".", ","), (" ", ",")), ("{0} €", "€ {0}", "{0} EUR"),
        ("d/m/Y", "D B Y"), (("1###", "Bruxelles"), ("4###", "Liège")), ("BE 0###.###.###",), ("TVA",), 0.1,
        iban="BE", months=_FR,
    ),
    Place(
        "ES", "es", "EUR", ("21", "10", "4"), ((".", ","), ("", ",")), ("{0} €", "{0}", "{0} EUR", "{0}€"),
        ("d/m/Y", "d-m-Y", "D de B de Y", "d/m/y"),
        (("28###", "Madrid"), ("08###", "Barcelona"), ("41###", "Sevilla"), ("46###", "Valencia")), ("B########",),
        ("IVA",), 0.1, iban="ES", months=_ES,
    ),
    Place(
        "IT", "it", "EUR", ("22", "10", "4"), ((".", ","), ("", ",")), ("€ {0}", "{0} €", "{0}", "EUR {0}"),
        ("d/m/Y", "D B Y", "d-m-Y"),
        (("00###", "Roma"), ("20###", "Milano"), ("10###", "Torino"), ("40###", "Bologna")), ("IT###########",),
        ("IVA",), 0.1, iban="IT", months=_IT,
    ),
    Place(
        "NL", "nl", "EUR", ("21", "9", "0"), ((".", ","), ("", ",")), ("€ {0}", "{0}", "€{0}", "EUR {0}"),
        ("d-m-Y", "D B Y", "d/m/Y", "d-m-y"),
        (("1### @@", "Amsterdam"), ("3### @@", "Utrecht"), ("9### @@", "Groningen")), ("NL#########B##",),
        ("btw", "BTW"), 0.1, iban="NL", months=_NL,
    ),
    Place(
        "IN", "en", "INR", ("18", "12", "5", "0"), ((",", "."), ("", ".")), ("Rs {0}", "Rs. {0}", "INR {0}", "{0}"),
        ("d/m/Y", "d-b-Y", "D B Y", "d-m-Y"),
        (("######", "Chennai"), ("######", "Pune, Maharashtra"), ("######", "New Delhi")),
        ("##@@@@@####@#@#",), ("GST", "IGST", "Tax"), 0.3, months=_EN, share=0.7,
    ),
    Place(
        "SG", "en", "SGD", ("9", "8", "0"), ((",", "."),), ("S${0}", "{0}", "SGD {0}"), ("d/m/Y", "D b Y", "d-m-Y"),
        (("######", "Singapore"),), ("M#-#######-#", "20######@"), ("GST",), 0.4, Decimal("0.05"),
        months=_EN, share=0.6,
    ),
    Place(
        "CA", "en", "CAD", ("13", "5", "0"), ((",", "."),), ("C${0}", "{0}", "CAD {0}"), ("Y-m-d", "B D, Y", "d/m/Y"),
        (("M#@ #@#", "Toronto, ON"), ("V#@ #@#", "Victoria, BC"), ("T#@ #@#", "Calgary, AB")),
        ("######### RT0001",), ("HST", "GST/HST", "GST"), 0.05, Decimal("0.05"), months=_EN, share=0.6,
    ),
    Place(
        "NZ", "en", "NZD", ("15", "0"), ((",", "."), ("", ".")), ("NZ${0}", "NZD {0}", "{0}"), ("d/m/Y", "D B Y"),
        (("1###", "Auckland"), ("6###", "Wellington")), ("###-###-###",), ("GST",), 0.4, months=_EN, share=0.5,
    ),
    Place(
        "ZA", "en", "ZAR", ("15", "0"), ((" ", "."), (",", "."), (" ", ",")), ("R{0}", "R {0}", "ZAR {0}"),
        ("d/m/Y", "Y/m/d", "D B Y"), (("2###", "Johannesburg"), ("8###", "Cape Town")), ("4#########",), ("VAT",), 0.2,
        months=_EN, share=0.5,
    ),
    Place(
        "LU", "fr", "EUR", ("17", "8", "3"), ((".", ","), (" ", ",")), ("{0} €", "€ {0}", "EUR {0}"),
        ("d/m/Y", "d.m.Y"),
        (("L-1###", "Luxembourg"), ("L-4###", "Esch-sur-Alzette")), ("LU########",), ("TVA",), 0.1, iban="LU",
        months=_FR, share=0.5,
    ),
    Place(
        "MX", "es", "MXN", ("16", "0"), ((",", "."), ("", ".")), ("MXN {0}", "{0} MXN", "{0}"),
        ("d/m/Y", "Y-m-d", "D de B de Y"), (("06###", "Ciudad de México"), ("44###", "Guadalajara")), ("@@@######@#@",),
        ("IVA",), 0.1, months=_ES, share=0.6,
    ),
)  # fmt: skip
"""Every place that documents come from."""


RARER_DAYS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("d-b-Y", "d b Y", "Y/m/d", "b d, Y", "B O, Y", "O B Y", "D-b-y", "B D , Y", "D/b/Y", "Y-m-d"),
    "de": ("D. b Y", "D.M.Y", "d.m.y", "d/m/Y", "Y-m-d"),
    "fr": ("d.m.Y", "Y-m-d", "d / m / Y", "d/m/y"),
    "es": ("d.m.Y", "D-b-Y", "d b Y", "Y/m/d"),
    "it": ("d.m.Y", "d/m/y", "Y-m-d"),
    "nl": ("d.m.Y", "Y-m-d", "D-M-Y"),
}
"""By language ways to write a day that are rarer than those of each place."""
_ORDINALS: Final = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}


@dataclass(frozen=True, slots=True)
class Writing:
    """How one document writes amounts and days: one of its place's ways."""

    thousands: str
    decimal: str
    sign: str
    day: str
    currency: str
    months: tuple[str, ...]

    def figures(self, value: Decimal, decimals: int | None = None) -> str:
        """A number with its decimals (those of the currency, or as many as are given)."""
        places = decimals_of(self.currency) if decimals is None else decimals
        whole, _, rest = f"{abs(value):.{places}f}".partition(".")
        groups = [whole[max(0, end - 3) : end] for end in range(len(whole), 0, -3)][::-1]
        text = self.thousands.join(groups) + (self.decimal + rest if rest else "")
        return f"-{text}" if value < 0 else text

    def amount(self, value: Decimal, *, plain: bool = False) -> str:
        """An amount of money, with the sign of the currency unless it is `plain`."""
        figures = self.figures(value)
        if plain:
            return figures
        if figures.startswith("-") and not self.sign.startswith("{0}"):
            return "-" + self.sign.format(figures[1:])
        return self.sign.format(figures)

    def quantity(self, value: Decimal) -> str:
        """A count, or a measure with the decimals it has."""
        plain = value.normalize()
        exponent = plain.as_tuple().exponent
        return self.figures(plain, max(0, -exponent) if isinstance(exponent, int) else 0)

    def written_day(self, day: date) -> str:
        """A day. In the form, D and M are figures without a zero before, d and m with one, O an English ordinal, B and
        b months' names.
        """
        month = self.months[day.month - 1]
        parts: Mapping[str, str] = {
            "D": str(day.day),
            "O": f"{day.day}{_ORDINALS.get(day.day, 'th')}",
            "d": f"{day.day:02}",
            "M": str(day.month),
            "m": f"{day.month:02}",
            "B": month,
            "b": month[:3],
            "Y": str(day.year),
            "y": f"{day.year % 100:02}",
        }
        return "".join(f" {word} " if word == "de" else _filled(word, parts) for word in _words(self.day))


def _words(form: str) -> Sequence[str]:
    """The form cut at the word ` de ` of Spanish days, which has letters that stand for nothing."""
    pieces = form.split(" de ")
    return [one for at, piece in enumerate(pieces) for one in (("de", piece) if at else (piece,))]


def _filled(form: str, parts: Mapping[str, str]) -> str:
    return "".join(parts.get(char, char) for char in form)
