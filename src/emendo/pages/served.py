"""A bundle of fields as `mlflow models serve` runs it: documents in, fields out.

A row of the input holds a document (an image, or a PDF or TIFF of any number of pages) as base64 in the column `image`.
A row of the output holds `fields` (canonical JSON by the schema `emendo.fields`, with the places of the values),
`confidence` in [0, 1], `certainty` (a JSON object, by the path of a field), `findings` (a JSON list: what does not add
up) and `error`: one sentence for a document that cannot be read or shows no field, "" for the others. Imported only by
mlflow and by those who register.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas  # type: ignore[import-untyped]
from mlflow.models.signature import ModelSignature
from mlflow.pyfunc import PythonModel
from mlflow.types import ColSpec, Schema

from emendo.errors import BadInput, DocumentError
from emendo.fields import read_document
from emendo.fields.validate import validate_document
from emendo.image.load import LayeredPages, open_content
from emendo.models.registry.served import IMAGE, decoded
from emendo.settings import Settings, load_settings
from emendo.types import Image, Reading

_OUTPUT: Final = {
    "fields": "string",
    "confidence": "double",
    "certainty": "string",
    "findings": "string",
    "error": "string",
}
_NOTHING: Final = {"fields": "", "confidence": 0.0, "certainty": "{}", "findings": "[]", "error": ""}


def signature() -> ModelSignature:
    """Column `image` (base64) in; `fields`, `confidence`, `certainty`, `findings`, `error` out."""
    return ModelSignature(
        Schema([ColSpec("string", IMAGE)]), Schema([ColSpec(kind, name) for name, kind in _OUTPUT.items()])
    )


class DocumentModel(PythonModel):  # type: ignore[misc]
    """Reads rows of documents with the bundle beside it; limits and threads are those of the environment."""

    def __init__(self) -> None:
        self._reader: Any = None
        self._settings = Settings()

    def load_context(self, context: Any) -> None:
        """Verify and open the bundle, once."""
        from emendo.pages.fields import load_document_reader

        self._settings = load_settings()
        threads, engine = self._settings.threads or 1, self._settings.read.engine
        folder = Path(context.artifacts["bundle"])
        self._reader = load_document_reader(str(folder), threads=threads, engine=engine)

    def predict(self, context: Any, model_input: pandas.DataFrame, params: Any = None) -> Any:
        """One row of output for each row of input, in order."""
        rows = [self._row(held) for held in model_input[IMAGE]]
        return model_input.assign(**{name: [row[name] for row in rows] for name in _OUTPUT})[list(_OUTPUT)]

    def _row(self, held: Any) -> dict[str, Any]:
        try:
            reading = self._read(decoded(held, self._settings.limits.upload_bytes))
        except BadInput as error:
            return {**_NOTHING, "error": f"{error.what}; {error.remedy}" if error.remedy else error.what}
        if reading.fields is None:
            return {**_NOTHING, "error": "no field was found"}
        findings = validate_document(read_document(reading.fields)).findings
        return {
            "fields": reading.text,
            "confidence": float(reading.confidence),
            "certainty": json.dumps(dict(reading.certainty)),
            "findings": json.dumps([one.to_dict() for one in findings], ensure_ascii=False),
            "error": "",
        }

    def _read(self, content: bytes) -> Reading:
        with open_content(content, IMAGE, self._settings.limits, dpi=self._settings.read.dpi) as document:
            if not len(document):
                raise DocumentError("has no page", where=IMAGE)
            pages: Sequence[Image] = [document.frame(at) for at in range(len(document))]
            if self._settings.read.text_layer == "auto":
                pages = LayeredPages(pages, document.layer)
            reading: Reading = self._reader.read_documents([pages])[0]
        return reading
