"""Names of firms and people, addresses and numbers of documents: put together from words, invented, and none is meant.

A firm is called after people, places, things or nothing at all, so half of the names are made of usual words and half
of words that nobody has: a reader must tell them by where they stand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np

from .coined import coined, coined_name, pick
from .goods import FORMS, GIVEN, STREETS, SURNAMES, TOWNS, TRADES
from .places import Place
from .vocabulary import thing

Rng = np.random.Generator
_WORDS: Final[Mapping[str, Sequence[str]]] = {
    "en": (  # noqa: SIM905
        "Global Metal Azure Northern Prime United First Blue Green Silver Golden City Royal Star Sun Ocean"
        " River Summit Office Interior Kitchen Energy Power Water Gas Telecom Mobile Data Cloud Web Media"
        " Print Travel Hotel Transport Logistics Building Steel Wood Glass Health Dental Medical Pharma Sports"
        " Music Photo Fashion Shoe Toy Pet Bike Auto Tyre Engine Tool Safety Security Cleaning Garden Farm"
        " Fruit Fish Meat Bakery Pizza Noodle Coffee Tea Wine Beer Stationery Furniture Lighting Paint Plastic"
        " Paper Book Art Gift Beauty Hair Optical Express Direct Online Smart Quality Best Value Super Happy"
        " Lucky Grand New Old Central Western Eastern National Alpha Delta Omega Apex Nova"
    ).split(),
    "de": (  # noqa: SIM905
        "Metallbau Stahl Holz Glas Haus Grund Bau Boden Dach Heizung Sanitär Elektro Technik Maschinen"
        " Werkzeug Auto Reifen Druck Papier Büro Möbel Küchen Licht Farben Textil Schuh Sport Spiel Musik Foto"
        " Reise Hotel Gast Wein Bier Brau Obst Gemüse Fleisch Fisch Back Konditorei Kaffee Tee Bio Natur"
        " Garten Pflanzen Tier Gesundheit Apotheke Pflege Physio Zahn Augen Versicherungs Verkehrs Stadt Land"
        " Nord Süd Ost West Rhein Elbe Alpen Berg See Sonnen Stern Adler Löwen Bären Wohn Immobilien Energie"
        " Strom Gas Wasser Daten Netz Funk Medien Verlags Bücher Software System"
    ).split(),
    "fr": (  # noqa: SIM905
        "Bon Belle Grand Petit Vieux Nouveau Moulin Jardin Maison Atelier Comptoir Boutique Marché Soleil"
        " Étoile Mer Lac Montagne Rivière Vallée Nord Sud Central Royal Métal Bois Verre Pierre Bâtiment"
        " Toiture Chauffage Plomberie Peinture Meubles Bureau Papier Imprimerie Livres Musique Photo Voyages"
        " Hôtel Vins Fromages Pain Chocolat Café Fleurs Bio Santé Optique Dentaire Coiffure Mode Chaussures"
        " Sports Jouets Auto Pneus Garage Transports Énergie Électrique Eau Gaz Télécom Réseau Données"
        " Informatique Conseil Formation Assurance Immobilier Services"
    ).split(),
    "es": (  # noqa: SIM905
        "Buen Bella Gran Nuevo Viejo Molino Jardín Casa Taller Tienda Mercado Sol Estrella Mar Lago Monte Río"
        " Valle Norte Sur Central Real Metal Madera Vidrio Piedra Obras Tejados Calefacción Pinturas Muebles"
        " Oficina Papel Imprenta Libros Música Foto Viajes Hotel Vinos Quesos Pan Café Flores Salud Óptica"
        " Dental Moda Zapatos Deportes Juguetes Auto Neumáticos Transportes Energía Agua Gas Telecom Red Datos"
        " Informática Asesores Seguros Inmobiliaria Servicios"
    ).split(),
    "it": (  # noqa: SIM905
        "Buon Bella Gran Nuovo Antico Mulino Giardino Casa Bottega Officina Mercato Sole Stella Mare Lago"
        " Monte Fiume Valle Nord Sud Centro Reale Metalli Legno Vetro Pietra Edile Tetti Riscaldamento Colori"
        " Mobili Ufficio Carta Stampa Libri Musica Foto Viaggi Albergo Vini Formaggi Pane Caffè Fiori Salute"
        " Ottica Dentale Moda Scarpe Sport Giochi Auto Gomme Trasporti Energia Acqua Gas Telefonia Rete Dati"
        " Informatica Consulenza Assicurazioni Servizi"
    ).split(),
    "nl": (  # noqa: SIM905
        "Goed Mooi Groot Nieuw Oud Molen Tuin Huis Werkplaats Winkel Markt Zon Ster Zee Meer Berg Rivier Dal"
        " Noord Zuid Centraal Konings Metaal Hout Glas Steen Bouw Dak Verwarming Verf Meubel Kantoor Papier"
        " Druk Boeken Muziek Foto Reizen Hotel Wijn Kaas Brood Koffie Bloemen Zorg Optiek Tand Mode Schoenen"
        " Sport Speelgoed Auto Banden Transport Energie Water Gas Telecom Net Data Software Advies Verzekering"
        " Vastgoed Diensten Techniek Groep"
    ).split(),
}  # fmt: skip
_ENDS: Final[Mapping[str, Sequence[str]]] = {
    "en": ("Services", "Solutions", "Group", "Systems", "International", "Supplies", "Partners", "Company", "Store",
           "Shop",
           "Market", "Centre", "Works", "Industries", "Studio", "Restaurant", "Mini Market", "Cash & Carry", "& Sons",
           "Association", "Holdings", "Technologies", "Wholesale", "Stationers", "Clinic", "Hardware", "Trading"),
    "de": ("Service", "Gruppe", "Systeme", "Handel", "Werke", "Betriebe", "Partner", "Dienst", "Zentrum", "Verein",
           "& Söhne",
           "Handelsgesellschaft", "Industrieservice", "Beratung", "Praxis", "Verwaltung", "Vertrieb", "Manufaktur"),
    "fr": ("Services", "Groupe", "Systèmes", "et Fils", "Distribution", "Industrie", "Associés", "Conseil", "du Midi",
           "de France", "& Cie", "International", "Diffusion"),
    "es": ("Servicios", "Grupo", "Sistemas", "e Hijos", "Distribuciones", "Industrias", "Asociados", "Hermanos",
           "del Norte"),
    "it": ("Servizi", "Gruppo", "Sistemi", "e Figli", "Distribuzione", "Industrie", "Associati", "F.lli", "Italia"),
    "nl": ("Diensten", "Groep", "Systemen", "& Zonen", "Groothandel", "Industrie", "Partners", "Nederland", "Service"),
}  # fmt: skip
_MORE_FORMS: Final[Mapping[str, Sequence[str]]] = {
    "en": ("Ltd.", "Ltd", "PLC", "Pvt. Ltd.", "Private Limited", "& Co.", "Co. Ltd", "Incorporated", "L.P.", "S/B",
           "Pte Ltd"),
    "de": ("GmbH", "mbH", "UG (haftungsbeschränkt)", "e.V.", "a.G.", "eG", "KG", "GbR", "Ges.m.b.H.", "KGaA", "SE"),
    "fr": ("SASU", "SA", "S.A.R.L.", "SCOP", "et Cie", "S.A.S.", "SNC"), "es": ("S.A.", "SL", "S. Coop.", "S.L.P.",
           "C.B."),
    "it": ("SRL", "S.a.s.", "S.p.A.", "Soc. Coop.", "srl"), "nl": ("B.V.", "N.V.", "VOF", "BV", "U.A."),
}  # fmt: skip
_ROADS: Final[Mapping[str, Sequence[str]]] = {
    "en": ("{1} {0} Street", "{1} {0} Rd", "{1} {0} Ave, Suite {2}", "Unit {2}, {0} Business Park", "P.O. Box {3}",
           "{1}-{2} {0} Close", "{3} {0} Blvd.", "Flat {2}, {1} {0} Gardens", "{0} House, {1} High Street"),
    "de": ("{0}str. {1}", "{0}weg {1}a", "{0}platz {2}", "Postfach {3}", "Am {0} {1}", "{0}gasse {1}/{2}",
           "{0}allee {1}-{2}"),
    "fr": ("{1} rue {0}", "{1}, avenue {0}", "ZI {0}, lot {2}", "BP {3}", "{1} chemin de {0}", "{1} place {0}",
           "{1} bd {0}"),
    "es": ("C/ {0}, {1}, {2}º", "Avenida {0} {1}", "Pol. Ind. {0}, nave {2}", "Apdo. {3}", "Plaza {0}, {1}",
           "Paseo {0} {1}"),
    "it": ("Via {0}, {1}", "Corso {0} {1}", "P.zza {0}, {2}", "C.P. {3}", "Largo {0} {1}/{2}", "Strada {0}, {1}"),
    "nl": ("{0}straat {1}", "{0}weg {1}-{2}", "Postbus {3}", "{0}plein {2}", "{0}kade {1}"),
}  # fmt: skip


def firm(rng: Rng, place: Place) -> tuple[str, str]:
    """A firm's name and its address of electronic mail."""
    name = _name(rng)
    shape = rng.random()
    if shape < 0.45:
        core = _coined_firm(rng, place, name)
    elif shape < 0.93:
        core = _plain_firm(rng, place, name)
    else:
        core = person(rng)
    forms = FORMS[place.code] if rng.random() < 0.65 else _MORE_FORMS[place.language]
    if rng.random() < (0.12 if place.code == "MY" else 0.03):
        core = f"{core} ({town_of(rng, place)[1].split(',')[0]})"
    full = core if shape >= 0.86 else f"{core} {rng.choice(list(forms))}".strip()
    if rng.random() < (0.7 if place.code == "MY" else 0.2):
        full = full.upper()
    return full, f"info@{''.join(char for char in name.lower() if char.isalnum())}.example"


def _coined_firm(rng: Rng, place: Place, name: str) -> str:
    trade = str(rng.choice(TRADES[place.language]))
    second = f"{rng.choice([' & ', ' ', ' & ', '-'])}{_name(rng)}" if rng.random() < 0.3 else ""
    shape = rng.random()
    if shape < 0.25:
        return f"{name}{second}"
    return f"{trade} {name}{second}" if shape < 0.5 else f"{name}{second} {trade}"


def _plain_firm(rng: Rng, place: Place, name: str) -> str:
    """Usual words, at times with a name, a place, a domain or letters."""
    words, ends = _WORDS[place.language], _ENDS[place.language]
    some = [str(one) for one in rng.choice(list(words), int(rng.integers(1, 3)), replace=False)]
    if rng.random() < 0.35:
        some[int(rng.integers(len(some)))] = thing(rng, place.language).capitalize()
    if rng.random() < 0.5:
        some.append(str(rng.choice(list(ends))))
    if rng.random() < 0.35:
        some.insert(int(rng.integers(len(some) + 1)), name)
    if rng.random() < 0.12:
        some.append(town_of(rng, place)[1].split(",")[0])
    shape = rng.random()
    if shape < 0.05:
        return f"{''.join(some[:2]).lower().replace(' ', '')}.{rng.choice(['com', 'net', 'shop', place.code.lower()])}"
    if shape < 0.1:
        return f"{''.join(word[0] for word in some).upper()}{rng.choice(list('ABKMST'))} {' '.join(some)}"
    if shape < 0.2 and len(some) > 1:
        return some[0] + some[1].lower() + "".join(f" {one}" for one in some[2:])
    return " ".join(some) if shape < 0.85 else " ".join(some).capitalize()


def _name(rng: Rng) -> str:
    return coined_name(rng) if rng.random() < 0.5 else pick(rng, SURNAMES)


def in_lines(name: str, rng: Rng, share: float) -> list[str]:
    """A name in one line; a long one in two, in this share of the cases."""
    words = name.split(" ")
    if len(words) < 3 or rng.random() >= share:
        return [name]
    at = int(rng.integers(1, len(words)))
    return [" ".join(words[:at]), " ".join(words[at:])]


def brand(name: str, rng: Rng) -> str:
    """What a firm calls itself in large letters or in its logo: the first words of its name."""
    words = " ".join(name.split(" ")[: int(rng.integers(1, 3))])
    return str(rng.choice([words, words.lower(), words.upper()]))


def person(rng: Rng) -> str:
    """Somebody's name, at times with a title."""
    title = str(rng.choice(["", "", "", "", "Mr ", "Mme ", "Herrn ", "Frau ", "Sr. ", "Dr. ", "Ms. "]))
    if rng.random() < 0.12:
        return f"{_name(rng)} {pick(rng, GIVEN)}"
    return f"{title}{pick(rng, GIVEN)} {_name(rng)}"


def town_of(rng: Rng, place: Place) -> tuple[str, str]:
    """The form of a postcode and a town."""
    return place.towns[int(rng.integers(len(place.towns)))]


def address(rng: Rng, place: Place) -> str:
    """Two to five lines."""
    if rng.random() < 0.5:
        street = str(rng.choice(STREETS[place.language])).format(_name(rng), int(rng.integers(1, 190)))
    else:
        called = str(rng.choice(list(_WORDS[place.language]))) if rng.random() < 0.5 else _name(rng)
        numbers = int(rng.integers(1, 300)), int(rng.integers(1, 40)), int(rng.integers(100, 100000))
        street = str(rng.choice(list(_ROADS[place.language]))).format(called, *numbers)
    code, town = town_of(rng, place)
    code = coded(rng, code)
    if (shape := rng.random()) < 0.6:
        other = coined_name(rng) if shape < 0.25 else pick(rng, TOWNS[place.language])
        town = " ".join([other, *town.split()[1:]])
    if place.code == "MY":
        return _malaysian(rng, code, town)
    behind = {"US", "GB", "AU", "IE", "IN", "SG", "CA", "NZ"}
    lines = [street, f"{town} {code}" if place.code in behind else f"{code} {town}"]
    if place.code in behind and rng.random() < 0.3:
        lines[-1:] = [town, code]
    elif rng.random() < 0.12:
        lines[-1] = f"{rng.choice(['D', place.code, place.code])!s}{rng.choice(['-', ' '])}{lines[-1]}"
    if rng.random() < 0.25:
        lines.insert(int(rng.integers(2)), _part_of(rng))
    if rng.random() < 0.3:
        lines.append(str(rng.choice(place.names)))
    return "\n".join(lines)


def _part_of(rng: Rng) -> str:
    """A part of a house, or who is to open the letter."""
    more = ("{} House", "Building {}", "{1}. OG", "c/o {}", "Hof {1}", "Etage {1}", "Suite {1}", "Unit {1}", "Dept. {}",
            "Attn. {2}", "z. Hd. {2}", "{2}", "Service {}")  # fmt: skip
    form = str(rng.choice(more)).replace("{}", "{0}")
    return form.format(_name(rng), int(rng.integers(1, 40)), f"{pick(rng, GIVEN)} {_name(rng)}")


def _malaysian(rng: Rng, code: str, town: str) -> str:
    """Two to five lines, as they stand on receipts there."""
    number = int(rng.integers(1, 200))
    houses = (
        "NO. {0}",
        "NO.{0}",
        "No {0}",
        "LOT {0}",
        "{0}",
        "{0}-G",
        "NO. {0}G & {0}A",
        "LOT {0}-A",
        "No: {0}",
        "GROUND FLOOR {0}",
    )
    roads = (
        "JALAN {} {0}",
        "JALAN {}",
        "JLN {} {0}/{0}",
        "JALAN {} {0}/2",
        "PERSIARAN {}",
        "LORONG {} {0}",
        "LEBUH {}",
    )
    areas = (
        "TAMAN {}",
        "BANDAR {}",
        "SEKSYEN {}",
        "KAWASAN PERINDUSTRIAN {}",
        "PUSAT {}",
        "{} AVENUE",
        "SS {}",
        "{} PERDANA",
    )
    states = (
        "SELANGOR",
        "SELANGOR DARUL EHSAN",
        "JOHOR",
        "MALAYSIA",
        "SELANGOR D.E.",
        "W.P. KUALA LUMPUR",
        "JOHOR BAHRU, JOHOR",
    )
    road = str(rng.choice(roads)).replace("{}", _name(rng).upper()).format(int(rng.integers(1, 20)))
    lines = [f"{str(rng.choice(houses)).format(number)}, {road},"]
    if rng.random() < 0.6:
        lines.append(f"{str(rng.choice(areas)).replace('{}', _name(rng).upper())},")
    lines.append(f"{code} {town.upper()}{rng.choice(['', '.', ',', ''])}")
    if rng.random() < 0.5:
        lines[-1] = lines[-1].rstrip(".,") + ","
        lines.append(str(rng.choice(states)))
    if rng.random() < 0.3:
        lines[0:2] = [" ".join(lines[0:2])] if len(lines) > 2 else lines[0:2]
    text = "\n".join(lines)
    return text if rng.random() < 0.75 else text.title()


def number(rng: Rng, day: date) -> str:
    """The number of a document."""
    year = day.year
    forms = (
        "#####", "######", "########", "##########", "@@-####", f"{year}-####", f"{year}/###", "@#######",
        f"RE{day:%y%m}-###",
        f"INV/{year}/{day:%m}/####", f"@@-{year}-####", "INV-####", "INV######", f"##.###.###.#-{year}-#", "@@@@####",
        f"{year}#####", f"F{year}-#####", f"R-{year}.###", "#### ####", f"####/{day:%y}", f"@-#####/{day:%y}",
        f"{day:%y}-###",
        f"{day:%Y%m%d}-##", "###", "####", "#-###-######", "@@#/##", "@@@/###-##", f"@@{day:%y%m}####", "##-######-##",
    )  # fmt: skip
    if rng.random() < 0.06:
        return f"{coined(rng, 1, 2).upper()[:6]}-{int(rng.integers(10, 10000))}"
    return coded(rng, str(rng.choice(forms)))


def coded(rng: Rng, form: str) -> str:
    """The form with a random figure for each `#` and a random capital for each `@`."""
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
    drawn = {"#": lambda: str(rng.integers(10)), "@": lambda: letters[int(rng.integers(len(letters)))]}
    return "".join(drawn[char]() if char in drawn else char for char in form)


def iban(rng: Rng, country: str) -> str:
    """An IBAN of no bank with the right check digits (ISO 13616), in groups of four."""
    account = "".join(str(rng.integers(10)) for _ in range(18))
    check = 98 - int("".join(str(int(char, 36)) for char in f"{account}{country}00")) % 97
    plain = f"{country}{check:02}{account}"
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))
