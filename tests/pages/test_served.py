"""A model of fields as mlflow runs it: registered, loaded with its signature, good and bad rows."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import mlflow
import numpy as np
import pandas

from emendo.models.bundle import Bundle
from emendo.models.references import load_bundle
from emendo.models.registry import MlflowRegistry

from ..fieldnet import BILLS, PAPER
from ..models.registry.test_registries import about
from ..serve.served import png_of


def test_a_registered_model_reads_documents_and_says_what_is_wrong_with_the_others(
    fields_bundle: Bundle, registry_uri: str, tmp_path: Path
) -> None:
    MlflowRegistry(registry_uri, "emendo", 10).put(fields_bundle, "bills", about(fields_bundle))
    assert load_bundle("models:/bills/1").id == fields_bundle.id
    mlflow.set_tracking_uri(registry_uri)
    model = mlflow.pyfunc.load_model("models:/bills/1")
    outputs = [one["name"] for one in model.metadata.signature.outputs.to_dict()]
    assert outputs == ["fields", "confidence", "certainty", "findings", "error"]
    BILLS[0].draw(tmp_path / "bill.png")
    blank = np.full((PAPER[1], PAPER[0], 3), 255, np.uint8)
    files = [(tmp_path / "bill.png").read_bytes(), b"<html>", png_of(blank)]
    good, bad, nothing = model.predict(pandas.DataFrame({"image": [b64encode(one).decode() for one in files]})).to_dict(
        "records"
    )
    assert json.loads(good["fields"])["number"] == "R-700" and good["error"] == "" and 0 < good["confidence"] <= 1
    assert 0 < json.loads(good["certainty"])["total"] <= 1 and isinstance(json.loads(good["findings"]), list)
    assert "holds a web page" in bad["error"] and bad["fields"] == ""
    assert nothing["error"] == "no field was found" and json.loads(nothing["certainty"]) == {}
