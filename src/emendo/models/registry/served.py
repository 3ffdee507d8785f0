"""A bundle as `mlflow models serve` runs it: pictures of lines in, texts out.

A row of the input holds a picture (PNG, JPEG, TIFF, WebP; the first page of a PDF) as base64 in the column `image`. A
row of the output holds `text`, `confidence` in [0, 1], and `error`: one sentence for a picture that cannot be read,
whose text is then empty, and "" for the others. Imported only by mlflow and by those who register.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pandas  # type: ignore[import-untyped]
from mlflow.models.signature import ModelSignature
from mlflow.pyfunc import PythonModel
from mlflow.types import ColSpec, Schema

from emendo.errors import BadInput
from emendo.image.load import read_image
from emendo.settings import Settings, load_settings
from emendo.types import Image

IMAGE: Final = "image"
_OUTPUT: Final = {"text": "string", "confidence": "double", "error": "string"}


def signature() -> ModelSignature:
    """Column `image` (base64) in; `text`, `confidence`, `error` out."""
    return ModelSignature(
        Schema([ColSpec("string", IMAGE)]), Schema([ColSpec(kind, name) for name, kind in _OUTPUT.items()])
    )


class LineReader(PythonModel):  # type: ignore[misc]
    """Reads rows of pictures with the bundle beside it; limits and threads are those of the environment."""

    def __init__(self) -> None:
        self._recognizer: Any = None
        self._settings = Settings()

    def load_context(self, context: Any) -> None:
        """Verify and open the bundle, once."""
        from emendo.models.bundle import read_bundle
        from emendo.models.references import open_recognizer

        self._settings = load_settings()
        bundle = read_bundle(Path(context.artifacts["bundle"]))
        read = self._settings.read
        self._recognizer = open_recognizer(
            bundle, threads=self._settings.threads or 1, language=read.language, engine=read.engine
        )

    def predict(self, context: Any, model_input: pandas.DataFrame, params: Any = None) -> Any:
        """One row of output for each row of input, in order."""
        rows: list[dict[str, Any]] = []
        pictures: dict[int, Image] = {}
        for number, held in enumerate(model_input[IMAGE]):
            rows.append({"text": "", "confidence": 0.0, "error": ""})
            try:
                pictures[number] = self._picture(held)
            except BadInput as error:
                rows[number]["error"] = f"{error.what}; {error.remedy}" if error.remedy else error.what
        for number, reading in zip(pictures, self._recognizer.read(list(pictures.values())), strict=True):
            rows[number] |= {"text": reading.text, "confidence": float(reading.confidence)}
        return model_input.assign(**{name: [row[name] for row in rows] for name in _OUTPUT})[list(_OUTPUT)]

    def _picture(self, held: Any) -> Image:
        content = decoded(held, self._settings.limits.upload_bytes)
        with TemporaryDirectory() as work:
            path = Path(work) / IMAGE
            path.write_bytes(content)
            return read_image(path, self._settings.limits)


def decoded(held: Any, limit: int) -> bytes:
    """The file in a row of the input. Raises BadInput for what is no base64 of at most `limit` bytes."""
    if not isinstance(held, str) or not held:
        raise BadInput("holds no picture", remedy=f"send it as base64 in the column {IMAGE!r}")
    if len(held) > 4 * (limit // 3 + 1):
        raise BadInput(f"is larger than {limit} bytes", remedy="scale it down or raise limits.upload_bytes")
    try:
        return b64decode(held, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput("is no base64", remedy="encode the bytes of the picture file") from error
