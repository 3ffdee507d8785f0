"""A service that reads elsewhere (`emendo serve`), behind the interface of a recogniser.

It is evaluated and compared like a model in this process: what comes back is what its users get.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import Final

from emendo.client import Client, Result
from emendo.errors import EngineError
from emendo.types import Image, Reading

SCHEMES: Final = ("http://", "https://")
"""Beginnings of a model reference that names a service."""
KEY_VARIABLE: Final = "EMENDO_API_KEY"
"""Environment variable with the API key that is sent."""
AT_ONCE: Final = 4
"""Images in one request: few, for a queue takes them all or none."""


class RemoteRecognizer:
    """Reads with the service at an address; may be shared by threads.

    `kind` is what the images show: line, page or plate. Raises EngineError when the service cannot be reached or does
    not read an image.
    """

    def __init__(self, address: str, *, kind: str = "line", patience: float = 60.0) -> None:
        self.client = Client(address, key=os.environ.get(KEY_VARIABLE, ""), patience=patience)
        self.kind = kind
        self._model = str(self.client.model()["model"])

    @property
    def model(self) -> str:
        """The model that was in use there when this was made; each reading names the one that read it."""
        return self._model

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per image (H, W, 3) uint8 RGB, in order."""
        found: list[Reading] = []
        for start in range(0, len(images), AT_ONCE):
            part = [_png(image) for image in images[start : start + AT_ONCE]]
            results = self.client.batch(part, kind=self.kind, characters=True)
            found += [self._reading(result) for result in results]
        return found

    def _reading(self, result: Result) -> Reading:
        if result.read is None:
            raise EngineError(f"does not read {result.error}", where=self.client.address)
        return result.read.reading


def is_remote(reference: str) -> bool:
    """Whether a model reference names a service."""
    return reference.startswith(SCHEMES)


def _png(image: Image) -> bytes:
    from PIL import Image as Pillow

    held = io.BytesIO()
    Pillow.fromarray(image).save(held, "PNG", compress_level=1)
    return held.getvalue()
