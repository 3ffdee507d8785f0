"""Export of a model of fields: its graph says what the network says, int8 is judged by field errors."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from emendo.cli import main
from emendo.errors import BundleError, EngineError, Refused, UsageError
from emendo.models.bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, BundleInfo, read_bundle, write_bundle
from emendo.models.certificate import check_certificate
from emendo.models.extract.labels import LABELS
from emendo.models.probe import probe
from emendo.release.export import Order, documents, export, fields
from emendo.release.export.measure import Seen
from emendo.tools.signing import make_key, public_key
from emendo.types import Sample, Word

from ..fieldnet import BILLS, bill_samples


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_key(tmp_path_factory.mktemp("key") / "key.pem")


@pytest.fixture
def bills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Sample]:
    """Bills whose words are known without a reader."""
    known = {f"bill{at}": one.read()[0] for at, one in enumerate(BILLS)}

    def words_of(bundle: Bundle, *, threads: int) -> Callable[[Sample], list[Word]]:
        return lambda sample: known[sample.id]

    for module in (documents, fields):
        monkeypatch.setattr(module, "words_of", words_of)
    return [Sample(id=name, image=tmp_path / "none", fields=BILLS[at].fields) for at, name in enumerate(known)]


def test_the_graph_is_proven_on_documents_and_sheds_the_weights(
    fields_bundle: Bundle, bills: list[Sample], signer: Any, tmp_path: Path
) -> None:
    done = export(Order(model=fields_bundle, form="onnx", samples=bills), tmp_path / "out", signer, name="bills")
    held = read_bundle(tmp_path / "out")
    assert set(held.info.files) == {GRAPH_FILE} and WEIGHTS_FILE in fields_bundle.info.files
    seen = check_certificate(held, [public_key(signer)])
    assert seen == done.certificate and (seen.subject, seen.error) == ("document", "field errors")
    torch, graph = seen.rows
    assert (torch.form, graph.form) == ("torch", "onnx")
    assert (graph.lines, graph.same, graph.cer_difference) == (4, 4, 0.0)
    assert graph.cer == torch.cer == 0.0
    assert graph.logit_difference is not None and 0 < graph.logit_difference < 0.001
    assert graph.memory_megabytes is not None and graph.memory_megabytes > 30
    child = probe(held.folder, documents=[BILLS[1].read()[0]])
    assert json.loads(child.texts[0])["seller"] == "Bakery 3" and child.model == f"bills@{held.id}"


def timed(share: float) -> Callable[[str, Callable[[], Seen]], tuple[Seen, float]]:
    def by_name(form: str, call: Callable[[], Seen]) -> tuple[Seen, float]:
        return call(), share if form == "onnx-int8" else 1.0

    return by_name


def test_int8_holds_matrices_and_pieces_and_is_judged_by_field_errors(
    fields_bundle: Bundle, bills: list[Sample], signer: Any, tmp_path: Path
) -> None:
    order = Order(model=fields_bundle, form="onnx-int8", samples=bills, timed=timed(0.5), budget=0.5)
    done = export(order, tmp_path / "out", signer)
    torch, plain, small = done.certificate.rows
    assert [torch.form, plain.form, small.form] == ["torch", "onnx", "onnx-int8"]
    assert small.megabytes < 0.4 * plain.megabytes and small.cer is not None and done.certificate.budget == 0.5
    graph = onnx.load(tmp_path / "out" / GRAPH_FILE).graph
    assert "MatMulInteger" in {node.op_type for node in graph.node}
    tables = {tensor.name: tensor.data_type for tensor in graph.initializer}
    assert [kind for name, kind in tables.items() if name.startswith(fields.PIECES) and "quantized" in name]
    assert not [name for name in tables if name.startswith(("across.", "down.", "sides.")) and "quantized" in name]


@pytest.mark.parametrize(
    ("share", "damage", "sentence"),
    [
        (1.5, None, r"onnx-int8 is not faster \(onnx: field errors 0.00 %, 4 of 4 documents the same, 1000.0 ms a doc"),
        (0.5, "labels", r"onnx-int8 is loses more than 0.30 points of field errors"),
    ],
)
def test_int8_that_is_not_worth_having_is_refused(
    fields_bundle: Bundle,
    bills: list[Sample],
    signer: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    share: float,
    damage: str | None,
    sentence: str,
) -> None:
    if damage:
        whole = fields.quantised
        monkeypatch.setattr(fields, "quantised", lambda graph, work: spoiled(whole(graph, work)))
    order = Order(model=fields_bundle, form="onnx-int8", samples=bills, timed=timed(share))
    with pytest.raises(Refused, match=sentence):
        export(order, tmp_path / "out", signer)
    assert not (tmp_path / "out").exists()


def spoiled(graph: bytes) -> bytes:
    """No word is anything any more."""
    model = onnx.load_from_string(graph)
    bias = next(one for one in model.graph.initializer if one.name.startswith("labels.bias"))
    value = numpy_helper.to_array(bias).copy()
    value[0] += 100
    bias.CopyFrom(numpy_helper.from_array(value, bias.name))
    return bytes(model.SerializeToString())


Files = dict[str, Any]
Fault = Callable[[BundleInfo, Files], tuple[BundleInfo, Files]]


def told(**changes: object) -> Fault:
    def change(info: BundleInfo, files: Files) -> tuple[BundleInfo, Files]:
        return info.model_copy(update={"preprocessing": {**info.preprocessing, **changes}}), files

    return change


def decoded(info: BundleInfo, files: Files) -> tuple[BundleInfo, Files]:
    return info.model_copy(update={"decoding": {"threshold": 0.999}}), files


def graph(change: Callable[[onnx.ModelProto], object]) -> Fault:
    def changed(info: BundleInfo, files: Files) -> tuple[BundleInfo, Files]:
        model = onnx.load(files[GRAPH_FILE])
        change(model)
        return info, {**files, GRAPH_FILE: model.SerializeToString()}

    return changed


def weight(name: str, change: Callable[[Any], Any]) -> Fault:
    def changed(model: onnx.ModelProto) -> None:
        tensor = next(one for one in model.graph.initializer if one.name == name)
        value = np.ascontiguousarray(change(numpy_helper.to_array(tensor).copy()))
        tensor.CopyFrom(numpy_helper.from_array(value, name))

    return graph(changed)


def fixed_words(model: onnx.ModelProto) -> None:
    for given in model.graph.input:
        for dim in given.type.tensor_type.shape.dim:
            if dim.dim_param:
                dim.dim_value = 64


def roll(model: onnx.ModelProto, name: str) -> None:
    """Each label is said by the numbers of the one before."""
    tensor = next(one for one in model.graph.initializer if one.name == name)
    value = np.ascontiguousarray(np.roll(numpy_helper.to_array(tensor), 1, axis=0))
    tensor.CopyFrom(numpy_helper.from_array(value, name))


FAULTS: dict[str, tuple[Fault, str]] = {
    "shifted labels": (
        graph(lambda model: [roll(model, name) for name in ("labels.weight", "labels.bias")]),
        r"onnx reads \d of 4 documents otherwise than torch \(the first, bill\d: ",
    ),
    "other labels": (told(labels=[LABELS[-1], *LABELS[:-1]]), "was made for other labels than this version"),
    "other buckets": (told(buckets=64), "was made for other buckets than this version"),
    "other features": (told(features=0), "was made for other features than this version"),
    "another reader": (told(reader="base-ar"), "the exported bundle has another preprocessing"),
    "decoding": (decoded, "onnx reads|another decoding"),
    "fixed number of words": (graph(fixed_words), r"onnx does not take a document of \d+ words \("),
    "rounded pieces": (weight(fields.PIECES, lambda one: np.round(one * 4) / 4), "onnx reads|log-probabilities differ"),
    "rows of a table": (weight("row1.weight", lambda one: one * 1.5), "onnx differs from the network by"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_seeded_fault_is_caught_and_leaves_nothing(
    fields_bundle: Bundle,
    bills: list[Sample],
    signer: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    fault, sentence = FAULTS[name]
    monkeypatch.setattr(fields, "write_bundle", lambda target, info, files: write_bundle(target, *fault(info, files)))
    with pytest.raises((EngineError, BundleError), match=sentence) as caught:
        export(Order(model=fields_bundle, form="onnx", samples=bills), tmp_path / "out", signer)
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()


def test_documents_without_fields_choose_no_int8(fields_bundle: Bundle, signer: Any, tmp_path: Path) -> None:
    order = Order(model=fields_bundle, form="onnx-int8", samples=[Sample(id="x", image=tmp_path / "x.png")])
    with pytest.raises(UsageError, match="int8 is judged on documents whose fields are known, and there are none"):
        export(order, tmp_path / "out", signer)


def test_the_command_reads_the_pages_and_shows_field_errors(
    fields_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    rows = [{"image": one.image.name, "fields": one.fields} for one in bill_samples(tmp_path, BILLS[:2])]
    manifest = tmp_path / "bills.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / "out"
    command = ["export", str(fields_bundle.folder), "--to", "onnx", "--out", str(out), "--threads", "1"]
    assert main([*command, "--data", str(manifest)]) == 0
    said = capsys.readouterr().err
    assert "onnx               2 of 2 documents the same  field errors   0.00 % (+0.00)" in said
    assert main(["certificate", str(out), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["subject"], shown["error"], shown["rows"][1]["same"]) == ("document", "field errors", 2)
