"""Pictures as files: what is kept of a crop."""

from __future__ import annotations

from emendo.image.pixels import cv2

from ..errors import ImageError
from ..types import Image


def jpeg_bytes(image: Image, quality: int = 95) -> bytes:
    """A picture (H, W, 3) uint8 RGB or (H, W) grey as JPEG; the same pixels give the same bytes. Raises ImageError."""
    return _encoded(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])


def png_bytes(image: Image) -> bytes:
    """The same as PNG, without loss."""
    return _encoded(".png", image, [])


def _encoded(kind: str, image: Image, how: list[int]) -> bytes:
    done, data = cv2.imencode(kind, image[:, :, ::-1] if image.ndim == 3 else image, how)
    if not done:
        raise ImageError(f"a picture cannot be made a {kind}")
    return bytes(data.tobytes())
