"""Factur-X and ZUGFeRD: PDF invoices that carry their own truth, as XML of UN/CEFACT (Cross Industry Invoice, D16B).

The XML inside the PDF (`factur-x.xml`, `zugferd-invoice.xml`, `xrechnung.xml`), or beside it under the same name, is
read into fields of `emendo.fields`; both names of each element are known, those of version 1 and those of version 2.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element

import pypdfium2

from ...errors import FormatError
from ...settings import Limits
from ..base import Refusal
from ..xml import parse_xml_bytes
from .common import Images, Row

NAMES: Final = frozenset({"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "cii.xml"})
"""What the attachment is called, in small letters."""
_TRIED = 20
"""Files of a folder that are opened to see whether it holds such invoices."""
_TYPES: Final = {"381": "credit_note"}
_SECTIONS: Final = {
    "document": ("ExchangedDocument", "HeaderExchangedDocument"),
    "trade": ("SupplyChainTradeTransaction", "SpecifiedSupplyChainTradeTransaction"),
    "agreement": ("ApplicableHeaderTradeAgreement", "ApplicableSupplyChainTradeAgreement"),
    "settlement": ("ApplicableHeaderTradeSettlement", "ApplicableSupplyChainTradeSettlement"),
    "sums": ("SpecifiedTradeSettlementHeaderMonetarySummation", "SpecifiedTradeSettlementMonetarySummation"),
    "line_agreement": ("SpecifiedLineTradeAgreement", "SpecifiedSupplyChainTradeAgreement"),
    "line_delivery": ("SpecifiedLineTradeDelivery", "SpecifiedSupplyChainTradeDelivery"),
    "line_settlement": ("SpecifiedLineTradeSettlement", "SpecifiedSupplyChainTradeSettlement"),
    "line_sums": ("SpecifiedTradeSettlementLineMonetarySummation", "SpecifiedTradeSettlementMonetarySummation"),
}
_SUMS: Final = {
    "discount": "AllowanceTotalAmount",
    "charges": "ChargeTotalAmount",
    "net": "TaxBasisTotalAmount",
    "tax": "TaxTotalAmount",
    "rounding": "RoundingAmount",
    "total": "GrandTotalAmount",
    "prepaid": "TotalPrepaidAmount",
    "due": "DuePayableAmount",
}
_OFTEN_NOUGHT: Final = frozenset({"discount", "charges", "rounding", "prepaid"})
"""Sums that the XML states as nought where there are none."""


def detect(path: Path) -> bool:
    """A folder one of whose first PDFs carries such an XML."""
    if not path.is_dir():
        return False
    return any(embedded_xml(file) is not None for file in sorted(path.glob("*.pdf"))[:_TRIED])


def rows(path: Path, images: Images, limit: int) -> Iterator[tuple[int, Row | Refusal]]:
    """One row a PDF; one without such an XML is refused by name."""
    for number, file in enumerate(sorted(path.glob("*.pdf")), 1):
        try:
            content = _xml_of(file)
            if content is None:
                raise Refusal(
                    f"{file.name} carries no invoice as XML", "give it a file of the same name ending in .xml"
                )
            if len(content) > limit:
                raise Refusal(f"the XML of {file.name} is longer than {limit:,} bytes", "raise limits.json_bytes")
            fields = invoice_fields(content, file)
            yield number, {"pdf": file.name, "subset": "factur-x", "group": file.stem, "fields": fields}
        except FormatError as error:
            yield number, Refusal(str(error))
        except Refusal as refusal:
            yield number, refusal


def invoice_fields(content: bytes, where: Path, limits: Limits | None = None) -> dict[str, Any]:
    """The fields of an invoice from its XML, as texts. Raises FormatError for no well-formed XML or another kind."""
    root = parse_xml_bytes(content, where, limits)
    head, trade = _section(root, "document"), _section(root, "trade")
    if head is None or trade is None:
        raise FormatError(f"the XML is a {root.tag[:60]!r} and no invoice", where=where)
    agreement, settlement = _section(trade, "agreement"), _section(trade, "settlement")
    seller, buyer = _child(agreement, "SellerTradeParty"), _child(agreement, "BuyerTradeParty")
    sums = _section(settlement, "sums")
    fields: dict[str, Any] = {
        "type": _TYPES.get(_text(head, "TypeCode"), "invoice"),
        "number": _text(head, "ID"),
        "date": _day(_child(head, "IssueDateTime")),
        "due_date": _day(_child(_child(settlement, "SpecifiedTradePaymentTerms"), "DueDateDateTime")),
        "order_number": _text(_child(agreement, "BuyerOrderReferencedDocument"), "IssuerAssignedID", "ID"),
        "currency": _text(settlement, "InvoiceCurrencyCode"),
        "iban": _iban(settlement),
        **_party("seller", seller),
        **_party("buyer", buyer),
        **{name: _amount(sums, tag, none=name in _OFTEN_NOUGHT) for name, tag in _SUMS.items()},
        "taxes": [_tax(one) for one in _children(settlement, "ApplicableTradeTax")],
        "lines": [_line(one) for one in _children(trade, "IncludedSupplyChainTradeLineItem")],
    }
    return {name: value for name, value in fields.items() if value not in ("", [], None)}


def embedded_xml(file: Path) -> bytes | None:
    """The invoice as XML inside a PDF; None when there is none or the file is no PDF."""
    try:
        document = pypdfium2.PdfDocument(file)
    except pypdfium2.PdfiumError:
        return None
    try:
        for number in range(document.count_attachments()):
            attachment = document.get_attachment(number)
            if attachment.get_name().casefold() in NAMES:
                return bytes(attachment.get_data())
    finally:
        document.close()
    return None


def _xml_of(file: Path) -> bytes | None:
    beside = file.with_suffix(".xml")
    return beside.read_bytes() if beside.is_file() else embedded_xml(file)


def _party(name: str, party: Element | None) -> dict[str, str]:
    place = _child(party, "PostalTradeAddress")
    street = [_text(place, tag) for tag in ("LineOne", "LineTwo", "LineThree")]
    town = " ".join(filter(None, (_text(place, "PostcodeCode"), _text(place, "CityName"))))
    ids = {one.get("schemeID", ""): (one.text or "").strip() for reg in _children(party, "SpecifiedTaxRegistration")
           for one in reg.iter("ID")}  # fmt: skip
    return {
        name: _text(party, "Name"),
        f"{name}_address": "\n".join(filter(None, (*street, town))),
        f"{name}_tax_id": ids.get("VA") or ids.get("FC") or "",
    }


def _tax(row: Element) -> dict[str, str]:
    cells = {
        "rate": _amount(row, "RateApplicablePercent", "ApplicablePercent"),
        "base": _amount(row, "BasisAmount"),
        "amount": _amount(row, "CalculatedAmount"),
    }
    return {name: value for name, value in cells.items() if value}


def _line(row: Element) -> dict[str, str]:
    product = _child(row, "SpecifiedTradeProduct")
    price = _child(_section(row, "line_agreement"), "NetPriceProductTradePrice")
    quantity = _child(_section(row, "line_delivery"), "BilledQuantity")
    settled = _section(row, "line_settlement")
    cells = {
        "code": _text(product, "SellerAssignedID"),
        "description": _text(product, "Name"),
        "quantity": _plain(quantity.text if quantity is not None else ""),
        "unit_price": _amount(price, "ChargeAmount"),
        "tax_rate": _amount(_child(settled, "ApplicableTradeTax"), "RateApplicablePercent", "ApplicablePercent"),
        "amount": _amount(_section(settled, "line_sums"), "LineTotalAmount"),
    }
    return {name: value for name, value in cells.items() if value}


def _iban(settlement: Element | None) -> str:
    for means in _children(settlement, "SpecifiedTradeSettlementPaymentMeans"):
        found = _text(_child(means, "PayeePartyCreditorFinancialAccount"), "IBANID")
        if found:
            return found
    return ""


def _day(holder: Element | None) -> str:
    """A day: `20240131` of format 102, or ISO 8601, as ISO 8601."""
    found = _text(holder, "DateTimeString", "DateTime")[:10]
    return f"{found[:4]}-{found[4:6]}-{found[6:8]}" if found[:8].isdecimal() and len(found) == 8 else found


def _section(parent: Element | None, name: str) -> Element | None:
    return next((found for tag in _SECTIONS[name] if (found := _child(parent, tag)) is not None), None)


def _child(parent: Element | None, tag: str) -> Element | None:
    return parent.find(tag) if parent is not None else None


def _children(parent: Element | None, tag: str) -> list[Element]:
    return parent.findall(tag) if parent is not None else []


def _text(parent: Element | None, *tags: str) -> str:
    found = next((one for tag in tags if (one := _child(parent, tag)) is not None), None)
    return " ".join((found.text or "").split()) if found is not None else ""


def _amount(parent: Element | None, *tags: str, none: bool = False) -> str:
    """A number as text; with `none`, nought is nothing."""
    found = _plain(_text(parent, *tags))
    return "" if none and found == "0" else found


def _plain(text: str | None) -> str:
    """A number without the zeros that stand behind its last figure."""
    whole, point, rest = (text or "").strip().partition(".")
    return f"{whole}.{rest.rstrip('0')}".rstrip(".") if point else whole
