"""Pictures as files: what is kept of a crop."""

from __future__ import annotations

from emendo.image.pixels import cv2

from ..errors import ImageError
from ..types import Image


def jpeg_bytes(image: Image, quality: int = 95) -> bytes:
    """A picture (H, W, 3) uint8 RGB as JPEG; the same pixels give the same bytes. Raises ImageError."""
    done, data = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ImageError("a picture cannot be made a JPEG")
    return data.tobytes()
