"""The fields of invoices and receipts: one spelling of each, how values are written, and whether they add up."""

from .schema import Document, Fault, LineItem, ReadDocument, Source, TaxRow, canonical, read_document, read_text
from .validate import Finding, Severity, Validation, validate_document

__all__ = [
    "Document",
    "Fault",
    "Finding",
    "LineItem",
    "ReadDocument",
    "Severity",
    "Source",
    "TaxRow",
    "Validation",
    "canonical",
    "read_document",
    "read_text",
    "validate_document",
]
