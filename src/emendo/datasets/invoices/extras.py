"""What stands on documents beside the fields that are asked for: more references, notes, small print of firms.

A reader must leave these alone, so they look like what it looks for: numbers, days, names and addresses of others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from .coined import coined, coined_name, pick
from .goods import GIVEN, SURNAMES
from .places import Place, Writing
from .smallprint import some_day, usual_sentence
from .vocabulary import thing, usual_words

Rng = np.random.Generator
_USUAL: Final = 0.35
"""Share of the lines of text that letters usually have; up to the next, lines of usual words, the others coined."""
_SPOKEN: Final = 0.85
REFERENCES: Final[Mapping[str, Sequence[tuple[str, str]]]] = {
    "en": (
        ("Customer no.", "number"), ("Account", "number"), ("Reference", "number"), ("Delivery date", "day"),
        ("Ship date", "day"), ("Payment terms", "terms"), ("Sales person", "person"), ("Contact", "person"),
        ("Delivery note", "number"), ("Project", "words"), ("Ref.", "number"), ("Doc No", "number"),
        ("Service period", "period"), ("Incoterms", "words"), ("Transaction ID", "number"), ("Order date", "day"),
        ("Quote no.", "number"), ("Agreement ref.", "number"), ("Page", "page"), ("Terms", "terms"),
    ),
    "de": (
        ("Kundennummer", "number"), ("Kunden-Nr.", "number"), ("Lieferdatum", "day"), ("Leistungsdatum", "day"),
        ("Liefer- und Leistungsdatum", "day"), ("Ansprechpartner", "person"), ("Ihr Zeichen", "number"),
        ("Lieferschein", "number"), ("Projekt", "words"), ("Bearbeiter", "person"), ("Leistungszeitraum", "period"),
        ("Zahlungsreferenz", "number"), ("Steuernummer", "number"), ("Buchungsreferenz", "number"),
        ("Auftragsdatum", "day"), ("Referenz", "number"), ("Leitweg-ID", "number"), ("Seite", "page"),
    ),
    "fr": (
        ("N° client", "number"), ("Code client", "number"), ("Date de livraison", "day"), ("Contact", "person"),
        ("Votre référence", "number"), ("Affaire suivie par", "person"), ("Bon de livraison", "number"),
        ("Conditions de paiement", "terms"), ("Réf. marché", "number"), ("Période", "period"), ("Id. client", "number"),
        ("Contact commercial", "person"), ("Facture liée", "number"), ("Page", "page"),
    ),
    "es": (
        ("N.º de cliente", "number"), ("Fecha de entrega", "day"), ("Contacto", "person"), ("Referencia", "number"),
        ("Albarán", "number"), ("Forma de pago", "terms"), ("Comercial", "person"), ("Periodo", "period"),
    ),
    "it": (
        ("Cod. cliente", "number"), ("Data consegna", "day"), ("Riferimento", "number"), ("DDT n.", "number"),
        ("Pagamento", "terms"), ("Agente", "person"), ("Periodo", "period"), ("Contatto", "person"),
    ),
    "nl": (
        ("Klantnummer", "number"), ("Leverdatum", "day"), ("Uw referentie", "number"), ("Pakbon", "number"),
        ("Betalingstermijn", "terms"), ("Contactpersoon", "person"), ("Periode", "period"), ("Project", "words"),
    ),
}  # fmt: skip
"""Labels, and what stands beside them."""
_TERMS: Final[Mapping[str, Sequence[str]]] = {
    "en": ("30 days net", "immediate payment", "14 days", "30% advance payment, balance at 30 days", "C.O.D."),
    "de": ("30 Tage netto", "sofort", "14 Tage", "10 Tage 2 % Skonto"),
    "fr": ("30 jours", "Paiement immédiat", "à réception", "45 jours fin de mois"),
    "es": ("30 días", "contado", "transferencia"),
    "it": ("30 gg", "bonifico", "rimessa diretta"),
    "nl": ("30 dagen", "14 dagen", "per direct"),
}
SHIP: Final[Mapping[str, Sequence[str]]] = {
    "en": ("Ship to", "Delivery address", "Deliver to", "Service address"),
    "de": ("Lieferadresse", "Lieferanschrift", "Abweichender Warenempfänger"),
    "fr": ("Adresse de livraison", "Livré à"),
    "es": ("Dirección de entrega", "Enviar a"),
    "it": ("Luogo di consegna", "Destinazione merce"),
    "nl": ("Afleveradres", "Leveren aan"),
}
_SALUTES: Final[Mapping[str, Sequence[str]]] = {
    "en": ("To", "Messrs", "The Manager", "Attn."),
    "de": ("Firma", "An", "An die Firma"),
    "fr": ("Société", "À l'attention de", "Ets"),
    "es": ("Señores", "A la atención de"),
    "it": ("Spett.le", "Spettabile ditta", "Alla c.a."),
    "nl": ("Aan", "T.a.v.", "Firma"),
}
COMPANY: Final[Mapping[str, Sequence[str]]] = {
    "en": ("Registered in {}, No. {}", "Company Reg. No. {1}", "Directors: {}, {}", "BIC {2}", "www.{3}.example"),
    "de": (
        "Amtsgericht {} HRB {1}",
        "Geschäftsführer: {}",
        "Steuernummer: {1}",
        "BIC {2}",
        "{} Bank",
        "www.{3}.example",
    ),
    "fr": ("SIRET : {1}", "RCS {} {1}", "Capital de {1} €", "BIC {2}", "APE : {1}", "www.{3}.example"),
    "es": ("Registro Mercantil de {}", "BIC {2}", "Tomo {1}", "www.{3}.example"),
    "it": ("REA {1}", "C.F. {1}", "Capitale sociale {1}", "BIC {2}", "www.{3}.example"),
    "nl": ("KvK {1}", "BIC {2}", "{} Bank", "www.{3}.example"),
}
FORM: Final[Mapping[str, tuple[str, str, str, str, str, str]]] = {
    "en": ("Seller", "Buyer", "Name", "Address", "Items", "Totals"),
    "de": ("Verkäufer", "Käufer", "Name", "Anschrift", "Positionen", "Belegsummen"),
    "fr": ("Vendeur", "Acheteur", "Nom", "Adresse", "Lignes", "Totaux"),
    "es": ("Vendedor", "Comprador", "Nombre", "Dirección", "Líneas", "Totales"),
    "it": ("Venditore", "Acquirente", "Nome", "Indirizzo", "Righe", "Totali"),
    "nl": ("Verkoper", "Koper", "Naam", "Adres", "Regels", "Totalen"),
}
"""Headings of a form: who sells, who buys, name, address, rows, totals."""
DATED: Final[Mapping[str, Sequence[str]]] = {
    "en": ("dated", "of", "from"), "de": ("vom",), "fr": ("du", "en date du"), "es": ("de", "del"), "it": ("del",),
    "nl": ("van", "d.d."),
}  # fmt: skip
"""Between the number and the day of a document in one line."""


def reference(rng: Rng, place: Place, writing: Writing) -> tuple[str, str]:
    """A label and a value beside it that no field holds."""
    label, kind = REFERENCES[place.language][int(rng.integers(len(REFERENCES[place.language])))]
    return label, _value(rng, place, writing, kind)


def _value(rng: Rng, place: Place, writing: Writing, kind: str) -> str:
    if kind == "day":
        return some_day(rng, writing)
    if kind == "period":
        return f"{some_day(rng, writing)} - {some_day(rng, writing)}"
    if kind == "person":
        return f"{pick(rng, GIVEN)} {pick(rng, SURNAMES) if rng.random() < 0.6 else coined_name(rng)}"
    if kind == "terms":
        return str(rng.choice(list(_TERMS[place.language])))
    if kind == "words":
        known = rng.random() < 0.5
        each = range(int(rng.integers(1, 4)))
        return " ".join((thing(rng, place.language) if known else coined(rng)).capitalize() for _ in each)
    if kind == "page":
        return f"1 / {int(rng.integers(1, 4))}"
    figures = "".join(str(rng.integers(10)) for _ in range(int(rng.integers(3, 10))))
    letters = str(rng.choice(["", "", "", "K-", "AB", "C/", "P00", "KD "]))
    return letters + figures


def salutation(rng: Rng, place: Place) -> str:
    """What stands above the name of the firm that a letter goes to."""
    return str(rng.choice(list(_SALUTES[place.language])))


def company_line(rng: Rng, place: Place) -> str:
    """Small print of a firm."""
    form = str(rng.choice(list(COMPANY[place.language]))).replace("{}", "{0}")
    figures = "".join(str(rng.integers(10)) for _ in range(int(rng.integers(5, 12))))
    return form.format(coined_name(rng), figures, coined(rng, 3, 4)[:8].upper(), coined(rng))


def sentence(rng: Rng, place: Place, writing: Writing) -> str:
    """A line of text that says nothing to a reader of fields, at times with a day or a number in it."""
    shape = rng.random()
    if shape < _USUAL:
        return usual_sentence(rng, place, writing)
    count = int(rng.integers(3, 11))
    words = usual_words(rng, place.language, count) if shape < _SPOKEN else [coined(rng) for _ in range(count)]
    if rng.random() < 0.4:
        label, value = reference(rng, place, writing)
        words.insert(int(rng.integers(len(words))), f"{label} {value}")
    text = " ".join(words)
    return text[:1].upper() + text[1:] + str(rng.choice([".", "", ":", "."]))
