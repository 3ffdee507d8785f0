"""What is sold and by whom, by language: goods with their unit and price, parts of which names are put together.

The lists are written by hand; firms, people and streets are invented, and none is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final, NamedTuple


class Good(NamedTuple):
    """Something sold: what it is called, its unit (empty: pieces without a word for it), its usual price."""

    name: str
    unit: str
    price: float


@cache
def goods_of(language: str) -> tuple[Good, ...]:
    """What is sold in a language: the rows of `goods.tsv`."""
    text = (resources.files(__package__) / "goods.tsv").read_text(encoding="utf-8")
    rows = (row.split("\t") for row in text.splitlines()[1:])
    return tuple(Good(name, unit, float(price)) for tongue, name, unit, price in rows if tongue == language)


SURNAMES: Final = (  # noqa: SIM905
    "Aldermoor Brenkamp Castelli Dorvain Ebersol Falconi Grenfeld Halvorn Ibarrola Jansonius Kestrel Lindwurm"
    " Marchetti Norvall Ostermann Pellerin Quintero Rosendal Sandoval Tervoort Urbani Vantour Westerhof Ximenez"
    " Yardley Zellweg Ashcombe Bellandi Corvino Delacour Engelhart Fontaine Garrido Hollis Isenburg Kirchner"
    " Lombard Moreau Navarro Okonjo Petrelli Rahman Schulten Tan Velasco Wong Lim Abdullah Perera Nair"
).split()
GIVEN: Final = (  # noqa: SIM905
    "Anna Bruno Clara David Elena Felix Giulia Hugo Irene Jan Karin Luca Marta Nils Olga Pablo Rosa Simon Theo"
    " Vera Wim Amir Mei Nora Paul Sofia Thomas Lea Marc Ines"
).split()
TRADES: Final[Mapping[str, Sequence[str]]] = {
    "en": (
        "Trading",
        "Hardware",
        "Foods",
        "Books",
        "Motors",
        "Supplies",
        "Design",
        "Electrical",
        "Garden Centre",
        "Café",
    ),
    "de": (
        "Handel",
        "Baumarkt",
        "Lebensmittel",
        "Buchhandlung",
        "Autohaus",
        "Bürobedarf",
        "Elektrotechnik",
        "Bäckerei",
    ),
    "fr": ("Distribution", "Quincaillerie", "Alimentation", "Librairie", "Automobiles", "Électricité", "Boulangerie"),
    "es": ("Distribuciones", "Ferretería", "Alimentación", "Librería", "Automóviles", "Electricidad", "Panadería"),
    "it": ("Distribuzione", "Ferramenta", "Alimentari", "Libreria", "Auto", "Elettrica", "Panificio", "Arredamenti"),
    "nl": ("Handel", "Bouwmarkt", "Levensmiddelen", "Boekhandel", "Autobedrijf", "Kantoor", "Elektro", "Bakkerij"),
}
FORMS: Final[Mapping[str, Sequence[str]]] = {
    "US": ("Inc.", "LLC", "Corp.", "Co.", ""), "GB": ("Ltd", "Limited", "LLP", "plc", ""), "IE": ("Ltd", "DAC", ""),
    "MY": ("SDN BHD", "Sdn. Bhd.", "ENTERPRISE", "(M) SDN BHD"), "AU": ("Pty Ltd", "Pty Limited", ""),
    "DE": ("GmbH", "GmbH & Co. KG", "AG", "e.K.", "OHG", ""), "AT": ("GmbH", "KG", "e.U."), "CH": ("AG", "GmbH"),
    "FR": ("SARL", "SAS", "SA", "EURL", ""), "BE": ("SRL", "SA"), "ES": ("S.L.", "S.A.", "S.L.U.", ""),
    "IT": ("S.r.l.", "S.p.A.", "s.n.c.", ""), "NL": ("B.V.", "BV", "V.O.F.", ""),
    "IN": ("Pvt. Ltd.", "Private Limited", "LLP", ""), "SG": ("Pte Ltd", "PTE. LTD.", "Pte. Ltd."), "CA": ("Inc.",
           "Ltd.", ""),
    "NZ": ("Ltd", "Limited", ""), "ZA": ("(Pty) Ltd", "CC", "Pty Ltd"), "LU": ("S.à r.l.", "S.A.", "SARL"),
    "MX": ("S.A. de C.V.", "S. de R.L.", ""),
}  # fmt: skip
STREETS: Final[Mapping[str, Sequence[str]]] = {
    "en": ("{1} Mill Lane", "{1} Station Road", "{1} Harbour Street", "{1} Orchard Avenue", "No. {1}, Jalan Kenanga"),
    "de": ("Mühlweg {1}", "Bahnhofstraße {1}", "Lindenallee {1}", "Am Hafen {1}", "{0}straße {1}"),
    "fr": ("{1}, rue du Moulin", "{1} avenue de la Gare", "{1} bis, quai du Port", "{1} rue {0}"),
    "es": ("Calle del Molino {1}", "Avda. de la Estación, {1}", "Plaza Mayor {1}", "C/ {0}, {1}"),
    "it": ("Via del Mulino {1}", "Viale della Stazione, {1}", "Piazza Grande {1}", "Via {0} {1}"),
    "nl": ("Molenweg {1}", "Stationsstraat {1}", "Havenkade {1}", "{0}laan {1}"),
}
