"""Names of fields: the regions in which they stand, and what others call them."""

from __future__ import annotations

from collections.abc import Mapping

REGIONS: Mapping[str, tuple[str, ...]] = {
    "vendor_block": ("seller", "seller_address", "seller_tax_id", "iban"),
    "document": ("type", "number", "order_number", "date", "due_date", "currency"),
    "client_info": ("buyer", "buyer_address", "buyer_tax_id"),
    "line_items_table": ("lines",),
    "tax_section": ("taxes",),
    "totals_section": ("discount", "charges", "net", "tax", "rounding", "total", "prepaid", "due"),
}
"""The parts of a document in reading order, and the fields that stand in each."""

ALIASES: Mapping[str, Mapping[str, str]] = {
    "": {
        "company": "seller",
        "issuer": "seller",
        "vendor": "seller",
        "vendor_name": "seller",
        "supplier": "seller",
        "address": "seller_address",
        "vendor_address": "seller_address",
        "vat_id": "seller_tax_id",
        "customer": "buyer",
        "client": "buyer",
        "invoice_number": "number",
        "invoice_no": "number",
        "receipt_number": "number",
        "invoice_date": "date",
        "date_due": "due_date",
        "line_items": "lines",
        "items": "lines",
        "tax_basis_total": "net",
        "amount_untaxed": "net",
        "tax_total": "tax",
        "amount_tax": "tax",
        "grand_total": "total",
        "amount": "total",
        "total_amount": "total",
        "amount_due": "due",
    },
    "lines": {
        "name": "description",
        "desc": "description",
        "item": "description",
        "qty": "quantity",
        "price": "unit_price",
        "price_unit": "unit_price",
        "total": "amount",
        "price_subtotal": "amount",
        "line_total": "amount",
        "line_tax_percent": "tax_rate",
        "taxpercent": "tax_rate",
        "uom": "unit",
    },
    "taxes": {"percent": "rate", "tax_rate": "rate", "basis": "base", "tax": "amount"},
}
"""Other spellings of fields, by the table in which they stand (empty: in none)."""
