"""emendo: OCR that learns from your corrections."""

__version__ = "0.1.0"
