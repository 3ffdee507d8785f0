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
    " Lombard Moreau Navarro Okonjo Petrelli Rahman Schulten Tan Velasco Wong Lim Abdullah Perera Nair Smith"
    " Jones Taylor Brown Davies Evans Wilson Clark Walker Hall Young King Wright Baker Cooper Ward Hill Green"
    " Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Koch Richter Klein Wolf"
    " Neumann Braun Krüger Hofmann Lange Krause Lehmann Maier Köhler Herrmann König Walter Huber Kaiser Fuchs"
    " Scholz Weiß Jung Hahn Martin Bernard Dubois Robert Petit Durand Leroy Simon Laurent Lefebvre Michel"
    " Girard Bonnet Dupont Lambert Mercier Fournier Roussel Blanc Guérin Boyer Chevalier Gauthier Perrin Masson"
    " García Fernández González Rodríguez López Martínez Sánchez Pérez Gómez Ruiz Díaz Moreno Muñoz Álvarez"
    " Romero Alonso Torres Ramírez Gil Serrano Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino"
    " Greco Bruno Gallo Conti Costa Giordano Mancini Rizzo Jansen Vries Berg Bakker Dijk Visser Smit Meijer"
    " Boer Mulder Groot Bos Vos Peters Hendriks Dekker Brouwer Singh Kumar Sharma Patel Khan Tay Chan Ng Goh"
    " Ismail Rajan"
).split()
GIVEN: Final = (  # noqa: SIM905
    "Anna Bruno Clara David Elena Felix Giulia Hugo Irene Jan Karin Luca Marta Nils Olga Pablo Rosa Simon Theo"
    " Vera Wim Amir Mei Nora Paul Sofia Thomas Lea Marc Ines"
    " John Mary James Sarah Peter Emily George Alice Henry Kate Hans Peter Klaus Ursula Max Erika Jürgen Sabine Stefan"
    " Monika Andreas Petra Michael Julia Jean Marie Pierre Claire Jacques Sophie Michel Camille Luc Élodie José Carmen"
    " Antonio Pilar Manuel Lucía Javier Isabel Giovanni Francesca Mario Chiara Paolo Laura Willem Anneke Pieter Sanne"
    " Daan Fatima Ali Priya Ravi Li Nurul Ahmad"
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
TOWNS: Final[Mapping[str, Sequence[str]]] = {
    "en": (  # noqa: SIM905
        "London Manchester Birmingham Oxford Cambridge York Bath Exeter Newcastle Boston Chicago Houston Seattle"
        " Denver Atlanta Portland Austin Springfield Sydney Perth Adelaide Hamilton Durban Pretoria Mumbai"
        " Bangalore Delhi Limerick Galway Ottawa Halifax Richmond Kingston Georgetown Ipoh Klang Melaka"
    ).split(),
    "de": (  # noqa: SIM905
        "Frankfurt Stuttgart Düsseldorf Dortmund Essen Leipzig Bremen Dresden Hannover Nürnberg Duisburg Bochum"
        " Bonn Münster Karlsruhe Mannheim Augsburg Kiel Mainz Freiburg Kassel Rostock Erfurt Halle Ulm Würzburg"
        " Regensburg Linz Innsbruck Klagenfurt Luzern Winterthur Musterstadt Musterhausen Neustadt"
    ).split(),
    "fr": (  # noqa: SIM905
        "Marseille Toulouse Nice Strasbourg Montpellier Rennes Reims Toulon Grenoble Dijon Angers Nîmes Avignon"
        " Tours Limoges Amiens Metz Besançon Orléans Rouen Caen Nancy Pau Poitiers Bruxelles Namur Liège Genève"
        " Lausanne"
    ).split(),
    "es": (  # noqa: SIM905
        "Zaragoza Málaga Murcia Bilbao Alicante Córdoba Valladolid Vigo Gijón Granada Oviedo Cartagena Pamplona"
        " Almería Burgos Salamanca Huelva Logroño Badajoz Lleida León Cádiz Monterrey Puebla Toluca"
    ).split(),
    "it": (  # noqa: SIM905
        "Napoli Genova Firenze Bari Catania Venezia Verona Messina Padova Trieste Brescia Parma Modena Prato"
        " Perugia Livorno Ravenna Rimini Ferrara Bergamo Trento Vicenza Bolzano Novara Pisa Lucca"
    ).split(),
    "nl": (  # noqa: SIM905
        "Rotterdam Eindhoven Tilburg Breda Nijmegen Apeldoorn Haarlem Arnhem Enschede Amersfoort Zwolle Leiden"
        " Dordrecht Maastricht Delft Alkmaar Venlo Deventer Hengelo Gouda Almelo Assen Antwerpen Gent Brugge"
    ).split(),
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
