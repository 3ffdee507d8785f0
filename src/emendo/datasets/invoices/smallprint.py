"""What letters with an invoice say around it: usual sentences, with days, rates and amounts that no field holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np

from .coined import coined_name, pick
from .places import Place, Writing

Rng = np.random.Generator
_SENTENCES: Final[Mapping[str, Sequence[str]]] = {
    "en": (
        "Thank you for your order of {day}.",
        "We charge you for the following goods and services:",
        "Please pay within {days} days and quote the invoice number.",
        "Interest of {rate} % a month is charged on late payments.",
        "Goods remain our property until they are paid for in full.",
        "Please make cheques payable to {name}.",
        "If you have any questions, call {name} on {phone}.",
        "Goods sold are not returnable after {days} days.",
        "All prices are in {currency} and do not include delivery.",
        "A handling fee of {amount} applies to orders below {amount}.",
        "This is a computer generated document, no signature is required.",
        "Your payment of {amount} was received on {day}.",
        "Discount of {rate} % for payment within {days} days.",
        "Errors and omissions excepted.",
        "For direct deposit: account {number}, sort code {number}.",
        "Next bill on {day}.",
    ),
    "de": (
        "Sehr geehrte Damen und Herren,",
        "für unsere Lieferungen und Leistungen stellen wir Ihnen in Rechnung:",
        "Vielen Dank für Ihren Auftrag vom {day}.",
        "Bitte überweisen Sie den Betrag innerhalb von {days} Tagen ohne Abzug.",
        "Bei Zahlung innerhalb von {days} Tagen gewähren wir {rate} % Skonto.",
        "Die Ware bleibt bis zur vollständigen Bezahlung unser Eigentum.",
        "Das Lieferdatum entspricht dem Rechnungsdatum.",
        "Der Betrag wird am {day} von Ihrem Konto {number} abgebucht.",
        "Bei Rückfragen wenden Sie sich bitte an {name}, Tel. {phone}.",
        "Der Rechnungsbetrag enthält Lohnkosten in Höhe von {amount}.",
        "Für Mahnungen berechnen wir {amount}.",
        "Gemäß § {days} UStG wird keine Umsatzsteuer berechnet.",
        "Es gelten unsere allgemeinen Geschäftsbedingungen.",
        "Leistungszeitraum: {day} bis {day}",
        "Mit freundlichen Grüßen",
        "Gerichtsstand ist {name}.",
    ),
    "fr": (
        "Nous vous remercions de votre commande du {day}.",
        "Veuillez trouver ci-dessous le détail de nos prestations :",
        "En votre aimable règlement sous {days} jours.",
        "Pas d'escompte en cas de paiement anticipé.",
        "Indemnité forfaitaire pour frais de recouvrement en cas de retard : {amount}.",
        "Pénalités de retard : {rate} % par mois.",
        "Les marchandises restent notre propriété jusqu'au paiement complet.",
        "La somme de {amount} sera prélevée le {day} sur votre compte {number}.",
        "Pour toute question, contactez {name} au {phone}.",
        "TVA acquittée sur les encaissements.",
        "Exonération de TVA selon l'article {days} du code général des impôts.",
        "Chèque à l'ordre de {name}.",
        "Taux d'escompte : {rate} %",
        "Votre prochaine facture sera émise le {day}.",
    ),
    "es": (
        "Gracias por su pedido del {day}.",
        "Les facturamos los siguientes trabajos:",
        "El pago se hará en un plazo de {days} días.",
        "Se aplicará un interés del {rate} % por retraso en el pago.",
        "El importe de {amount} se cargará el {day} en su cuenta {number}.",
        "Para cualquier consulta llame a {name}, teléfono {phone}.",
        "No se admiten devoluciones pasados {days} días.",
        "Operación exenta según el artículo {days} de la Ley del IVA.",
    ),
    "it": (
        "Vi ringraziamo per l'ordine del {day}.",
        "Vi fatturiamo quanto segue:",
        "Pagamento entro {days} giorni dalla data della fattura.",
        "In caso di ritardo si applicano interessi del {rate} %.",
        "L'importo di {amount} sarà addebitato il {day} sul conto {number}.",
        "Per informazioni rivolgersi a {name}, tel. {phone}.",
        "Contributo ambientale assolto ove dovuto.",
        "Operazione esente ai sensi dell'articolo {days}.",
    ),
    "nl": (
        "Hartelijk dank voor uw bestelling van {day}.",
        "Hierbij brengen wij u het volgende in rekening:",
        "Gelieve binnen {days} dagen te betalen onder vermelding van het factuurnummer.",
        "Bij te late betaling berekenen wij {rate} % rente.",
        "Het bedrag van {amount} wordt op {day} van rekening {number} afgeschreven.",
        "Voor vragen kunt u bellen met {name}, {phone}.",
        "De geleverde goederen blijven ons eigendom tot alles betaald is.",
        "Op al onze leveringen zijn onze voorwaarden van toepassing.",
    ),
}


def usual_sentence(rng: Rng, place: Place, writing: Writing) -> str:
    """One of the sentences of a place's language, filled in."""
    form = pick(rng, _SENTENCES[place.language])
    while "{" in form:
        before, _, rest = form.partition("{")
        name, _, after = rest.partition("}")
        form = before + _filling(rng, place, writing, name) + after
    return form


def some_day(rng: Rng, writing: Writing) -> str:
    """A day of no document."""
    return writing.written_day(date(int(rng.integers(2012, 2027)), int(rng.integers(1, 13)), int(rng.integers(1, 29))))


def _filling(rng: Rng, place: Place, writing: Writing, name: str) -> str:
    if name == "day":
        return some_day(rng, writing)
    if name == "days":
        return str(rng.choice([7, 8, 10, 14, 15, 19, 21, 30, 45, 60]))
    if name == "rate":
        return writing.figures(Decimal(int(rng.integers(1, 24))) / 2, int(rng.choice([0, 1, 2])))
    if name == "amount":
        return writing.amount(Decimal(int(rng.integers(50, 60000))) / 100)
    if name == "currency":
        return place.currency
    if name == "name":
        return f"{coined_name(rng)} {coined_name(rng)}" if rng.random() < 0.5 else coined_name(rng)
    return "".join(str(rng.integers(10)) for _ in range(int(rng.integers(4, 13))))
