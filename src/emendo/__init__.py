"""emendo: OCR that learns from your corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models.plate_service import CRNNOCRService

__version__ = "0.1.0"
__all__ = ["CRNNOCRService", "__version__"]


def __getattr__(name: str) -> Any:
    """Names that are loaded when they are first asked for, so that `import emendo` stays light."""
    if name == "CRNNOCRService":
        from .models.plate_service import CRNNOCRService

        return CRNNOCRService
    raise AttributeError(f"module 'emendo' has no attribute {name!r}")
