"""The quantisation report: all forms in one run, what is refused with its figures and the reason, page and JSON."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from emendo.cli import main
from emendo.errors import DataError, UsageError
from emendo.models.bundle import Bundle
from emendo.models.generative.source import from_folder
from emendo.release.export import Order, documents, fields
from emendo.release.export.measure import Seen
from emendo.release.quantisation import quantisation, quantisation_page
from emendo.types import Sample, Word

from ..fieldnet import BILLS


@pytest.fixture
def bills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Sample]:
    """Bills whose words are known without a reader."""
    known = {f"bill{at}": one.read()[0] for at, one in enumerate(BILLS)}

    def words_of(bundle: Bundle, *, threads: int) -> Callable[[Sample], list[Word]]:
        return lambda sample: known[sample.id]

    for module in (documents, fields):
        monkeypatch.setattr(module, "words_of", words_of)
    return [Sample(id=name, image=tmp_path / "none", fields=BILLS[at].fields) for at, name in enumerate(known)]


def slow_int8(form: str, call: Callable[[], Seen]) -> tuple[Seen, float]:
    return call(), 0.003 if form == "onnx-int8" else 0.002


def quick_int8(form: str, call: Callable[[], Seen]) -> tuple[Seen, float]:
    return call(), 0.001 if form == "onnx-int8" else 0.002


def test_every_form_has_its_figures_beside_the_trained_model(fields_bundle: Bundle, bills: list[Sample]) -> None:
    made = quantisation(Order(model=fields_bundle, form="", samples=bills, timed=quick_int8), data="bills")
    assert [row.form for row in made.rows] == ["torch", "onnx", "onnx-int8"]
    torch, plain, small = made.rows
    assert not any(row.fault for row in made.rows) and (made.one, made.error) == ("document", "field errors")
    assert (torch.memory_megabytes, torch.difference) == (None, None), "only what is read with has a process of its own"
    assert plain.memory_megabytes and small.memory_megabytes and plain.megabytes and small.megabytes
    assert small.megabytes < 0.4 * plain.megabytes
    assert (plain.milliseconds, small.milliseconds, small.milliseconds_95) == (2.0, 1.0, 1.0)
    assert (torch.error, plain.error, plain.difference, plain.same) == (0.0, 0.0, 0.0, 4)
    assert (torch.error_low, torch.error_high) == (0.0, 0.0) == (plain.difference_low, plain.difference_high)
    told = made.sentences()
    assert told[0].startswith("form") and "field errors" in told[0] and len(told) == 4
    page = quantisation_page(made)
    assert page.count('<circle class="size"') == 3 and "refused</span>" not in page and "<script" not in page
    radii = [float(radius) for radius in re.findall(r' r="([\d.]+)"', page)]
    assert radii == sorted(radii, reverse=True) and radii[2] < 0.6 * radii[0], "the area is the size, the largest below"
    assert [f">{row.form}</text>" in page for row in made.rows] == [True] * 3


def test_what_is_refused_keeps_its_figures_and_says_why(fields_bundle: Bundle, bills: list[Sample]) -> None:
    made = quantisation(Order(model=fields_bundle, form="", samples=bills, timed=slow_int8))
    small = made.rows[-1]
    assert small.fault == "not faster" and small.milliseconds == 3.0 and small.error is not None
    assert made.sentences()[-1] == "refused: onnx-int8: not faster"
    page = quantisation_page(made)
    assert page.count('<circle class="size refused"') == 1 and "not faster" in page
    assert json.loads(json.dumps(made.to_dict()))["rows"][2]["fault"] == "not faster"
    alone = quantisation(Order(model=fields_bundle, form="", samples=bills, timed=quick_int8), ("onnx-int8",))
    assert [(row.form, row.fault) for row in alone.rows] == [("torch", ""), ("onnx", ""), ("onnx-int8", "")]


def test_a_form_that_this_machine_has_not_stands_there_with_the_reason(
    tiny_vlm: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "bitsandbytes" else there(name))
    cv2.imwrite(str(tmp_path / "line.png"), np.full((32, 64, 3), 200, np.uint8))
    samples = [Sample(id="one", image=tmp_path / "line.png", text="ab")]
    folder = tiny_vlm("glm_ocr")
    order = Order(model=from_folder(folder, str(folder)), form="", samples=samples)
    made = quantisation(order, ("safetensors", "bits-4"))
    assert [row.form for row in made.rows] == ["torch", "safetensors", "bits-4"]
    assert made.rows[1].fault == "" and made.rows[1].memory_megabytes and made.rows[1].same == 1
    small = made.rows[2]
    assert "loading in 4 bits needs bitsandbytes" in small.fault and small.milliseconds is None
    assert "bits-4" in quantisation_page(made)


def test_nothing_to_measure_on_or_no_such_form_is_said(fields_bundle: Bundle, bills: list[Sample]) -> None:
    order = Order(model=fields_bundle, form="", samples=bills)
    with pytest.raises(UsageError, match="'fields' has no form 'bits-4'; use onnx, onnx-int8"):
        quantisation(order, ("bits-4",))
    with pytest.raises(DataError, match="there is nothing to measure on; give --data REF"):
        quantisation(replace(order, samples=()))
    with pytest.raises(DataError, match="no document has a truth"):
        quantisation(replace(order, samples=[replace(one, fields=None) for one in bills]), ("onnx",))


def test_the_command_writes_page_and_json(
    fields_bundle: Bundle, bills: list[Sample], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"id": one.id, "image": "none.png", "fields": dict(one.fields or {})} for one in bills]
    manifest = tmp_path / "bills.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "none.png").write_bytes(cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes())
    out = tmp_path / "report.html"
    command = ["report", "quantisation", str(fields_bundle.folder), "--data", str(manifest), "--threads", "1"]
    assert main([*command, "--forms", "onnx", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert [row["form"] for row in told["rows"]] == ["torch", "onnx"] and told["rows"][1]["fault"] == ""
    assert "<h1>Quantisation</h1>" in out.read_text(encoding="utf-8")
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for file in fields_bundle.folder.iterdir():
        (damaged / file.name).write_bytes(file.read_bytes()[: -1 if file.suffix == ".onnx" else None])
    assert main(["report", "quantisation", str(damaged), "--data", str(manifest)]) == 2
    assert "model.onnx differs from its checksum" in capsys.readouterr().err
