"""Made-up invoices and receipts, exact to the last coin: content, looks, sheets, scans."""

from .build import synth_invoices

__all__ = ["synth_invoices"]
