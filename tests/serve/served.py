"""What the tests of the service share: a small model, pictures for it, and services whose readers wait for a test."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Semaphore
from typing import Any

import numpy as np
from fastapi.testclient import TestClient
from PIL import Image as Pillow

from emendo.serve.http.app import create_app
from emendo.serve.reading import Answer, Served
from emendo.serve.service import Service
from emendo.settings import Settings, load_settings
from emendo.types import Image, Reading

from ..release.colours import COLOURS, write_colour_bundle

HOST = "http://127.0.0.1:8080"
LINES: dict[str, Any] = {"serve__kinds": ["line"], "serve__workers": 1}
"""Settings of a service that reads lines only, which is ready at once."""


def stripes(text: str) -> Image:
    """The picture that the colour model reads as `text`, in which no colour may hold half of the columns: the paper is
    what most of them are."""
    image = np.full((48, 24 * len(text) + 24, 3), 255, np.uint8)
    for place, character in enumerate(text):
        image[:, 24 * place + 8 : 24 * place + 24] = COLOURS[character]
    return image


def png(text: str) -> bytes:
    """The same as a file."""
    return png_of(stripes(text))


def png_of(image: Image) -> bytes:
    """A picture as a PNG file."""
    held = io.BytesIO()
    Pillow.fromarray(image).save(held, "PNG")
    return held.getvalue()


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that is about to."""
    for _ in range(2000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came about")


def colour_model(folder: Path, **more: Any) -> Path:
    """The folder of a bundle that reads stripes."""
    return write_colour_bundle(folder, **more).folder


def settings_of(**values: Any) -> Settings:
    """Settings without those of the environment."""
    return load_settings(environment={}, **values)


@contextmanager
def client_of(service: Service, **more: Any) -> Iterator[TestClient]:
    """A started service behind its routes, in this process."""
    service.start()
    try:
        with TestClient(create_app(service), base_url=HOST, raise_server_exceptions=False, **more) as client:
            yield client
    finally:
        service.stop(2.0)


class Slow:
    """A model whose readings wait until they are let go; `begun` counts those that wait."""

    def __init__(self, name: str = "slow", seconds: float = 0.01) -> None:
        self.name, self.seconds = name, seconds
        self.begun, self.go = Semaphore(0), Event()

    def load(self, reference: str) -> Served:
        """As `load_served`."""
        return Served(reference, self.name, {"line": self._read}, "", {"line": self.seconds})

    def service(self, **values: Any) -> Service:
        """A service with this model."""
        return Service(settings_of(**{**LINES, **values}), load=self.load)

    def _read(self, image: Image, stopped: Any) -> Answer:
        self.begun.release()
        assert self.go.wait(20)
        return Answer(Reading("read", 1.0, (), self.name), (image.shape[1], image.shape[0]))
