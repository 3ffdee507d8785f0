"""Export: what is written reads what was trained, is signed, and every seeded fault is caught and leaves nothing."""

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
from emendo.datasets.dataset import open_dataset
from emendo.errors import BundleError, EngineError, UsageError
from emendo.models.base import base_bundle, head_tensors, set_head
from emendo.models.bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, BundleInfo, read_bundle, write_bundle
from emendo.models.certificate import check_certificate, read_certificate
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.models.graph import Graph
from emendo.release.export import WRITERS, Order, ctc, export
from emendo.release.export.measure import Seen
from emendo.release.keys import release_key, trusted_keys
from emendo.tools.signing import make_key, public_key
from emendo.train.families import FAMILIES, family
from emendo.types import Sample
from emendo.workspace.folder import Workspace


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The base as a trained model is: without further looks, so that a line is read once."""
    base = base_bundle()
    info = base.info.model_copy(update={"name": "trained", "looks": (), "decoding": {}})
    files = {name: base.path(name) for name in base.info.files}
    return write_bundle(tmp_path_factory.mktemp("trained") / "bundle", info, files)


@pytest.fixture(scope="module")
def lines(data: Path) -> list[Sample]:
    """Three short validation lines."""
    return sorted(open_dataset(data / "peraire").split("val"), key=lambda one: len(one.text or ""))[4:7]


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_key(tmp_path_factory.mktemp("key") / "key.pem")


def test_the_graph_is_proven_signed_and_sheds_what_only_training_needs(
    trained: Bundle, lines: list[Sample], signer: Any, tmp_path: Path
) -> None:
    done = export(Order(model=trained, form="onnx", samples=lines), tmp_path / "out", signer, name="three lines")
    held = read_bundle(tmp_path / "out")
    assert set(held.info.files) == set(trained.info.files) - {WEIGHTS_FILE}
    seen = check_certificate(held, [public_key(signer)])
    assert seen == done.certificate and seen.bundle == held.id and seen.reference == trained.id
    assert [row.form for row in seen.rows] == ["torch", "onnx"]
    torch, graph = seen.rows
    assert (graph.lines, graph.same, graph.cer_difference) == (3, 3, 0.0) and graph.cer == torch.cer
    assert graph.logit_difference is not None and 0 < graph.logit_difference < 0.01
    assert 0 < graph.megabytes < torch.megabytes and graph.milliseconds > 0
    assert graph.memory_megabytes is not None and 50 < graph.memory_megabytes < 3000
    assert seen.data.endswith(" three lines") and seen.budget == 0
    assert held.info.parity["bundle"] == held.id


def test_int8_is_written_with_every_form_beside_it(
    trained: Bundle, lines: list[Sample], signer: Any, tmp_path: Path
) -> None:
    def timed(form: str, call: Callable[[], Seen]) -> tuple[Seen, float]:
        return call(), 0.5 if form == "onnx-int8" else 1.0

    order = Order(model=trained, form="onnx-int8", samples=lines, calibration=lines, budget=0.5, timed=timed)
    done = export(order, tmp_path / "out", signer)
    torch, plain, small = done.certificate.rows
    assert [torch.form, plain.form, small.form] == ["torch", "onnx", "onnx-int8"]
    assert small.megabytes < 0.6 * plain.megabytes and plain.same == 3
    assert plain.memory_megabytes and small.memory_megabytes and done.certificate.budget == 0.5
    assert any("pointwise (29 layers): CER" in told for told in done.figures()["tried"])
    kinds = {node.op_type for node in onnx.load(tmp_path / "out" / GRAPH_FILE).graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    assert done.bundle.info.alphabet == trained.info.alphabet
    with pytest.raises(BundleError, match="holds a graph in int8 and no weights; give the model that it was exported"):
        export(Order(model=done.bundle, form="onnx", samples=lines), tmp_path / "again", signer)


Files = dict[str, Any]
Fault = Callable[[BundleInfo, Files], tuple[BundleInfo, Files]]


def told(**changes: object) -> Fault:
    """Another preprocessing than the model was trained with."""

    def change(info: BundleInfo, files: Files) -> tuple[BundleInfo, Files]:
        return info.model_copy(update={"preprocessing": {**info.preprocessing, **changes}}), files

    return change


def shifted(info: BundleInfo, files: Files) -> tuple[BundleInfo, Files]:
    return info.model_copy(update={"alphabet": (info.alphabet[-1], *info.alphabet[:-1])}), files


def decoded(info: BundleInfo, files: Files) -> tuple[BundleInfo, Files]:
    return info.model_copy(update={"decoding": {"blank_cost": 3.0}}), files


def graph(change: Callable[[onnx.ModelProto], None]) -> Fault:
    def changed(info: BundleInfo, files: Files) -> tuple[BundleInfo, Files]:
        model = onnx.load(files[GRAPH_FILE])
        change(model)
        return info, {**files, GRAPH_FILE: model.SerializeToString()}

    return changed


def fixed(axis: int, size: int) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = size

    return change


def folded_into_one(model: onnx.ModelProto) -> None:
    """The trap of an export with a batch of one: the graph takes several lines and makes one of them."""
    last = model.graph.output[0]
    classes = last.type.tensor_type.shape.dim[2].dim_value
    shape = numpy_helper.from_array(np.array([1, -1, classes], np.int64), "one")
    model.graph.initializer.append(shape)
    made = next(node for node in model.graph.node if last.name in node.output)
    made.output[:] = ["many"]
    model.graph.node.append(onnx.helper.make_node("Reshape", ["many", "one"], [last.name]))


def swapped_rows(model: onnx.ModelProto) -> None:
    """Two characters that stand in none of the lines."""
    held = Graph(model.SerializeToString())
    weight, bias = (tensor.array().copy() for tensor in head_tensors(held))
    alphabet = base_bundle().info.alphabet
    a, b = [at + 1 for at, char in enumerate(alphabet) if "\u0100" < char < "\u0180"][:2]
    weight[:, [a, b]], bias.reshape(-1)[[a, b]] = weight[:, [b, a]], bias.reshape(-1)[[b, a]]
    set_head(held, weight, bias.reshape(-1))
    model.ParseFromString(held.SerializeToString())


def rounded(model: onnx.ModelProto) -> None:
    """Weights that went through eight bits on the way, unsaid."""
    for tensor in model.graph.initializer:
        if len(tensor.dims) == 4 and tensor.dims[1] > 1:
            weight = numpy_helper.to_array(tensor)
            step = np.abs(weight).max() / 127
            tensor.CopyFrom(numpy_helper.from_array((np.round(weight / step) * step).astype(np.float32), tensor.name))


FAULTS: dict[str, tuple[Fault, str]] = {
    "shifted alphabet": (shifted, r"onnx reads \d of 3 lines otherwise than torch \(the first, .*: "),
    "scale": (told(scale=1 / 255), "onnx (reads|sees)"),
    "offset": (told(offset=0.0), "onnx (reads|sees|read)"),
    "channel order": (told(channels="rgb"), "onnx (reads|sees)"),
    "stretch": (told(stretch=1.0), "onnx (reads|sees)"),
    "height": (told(height=32), "the graph takes lines 48 high, the preprocessing makes 32"),
    "a limit that no line reaches": (told(max_width=3000), "the exported bundle has another preprocessing"),
    "decoding": (decoded, "onnx (reads|sees)|another decoding"),
    "fixed batch": (graph(fixed(0, 1)), r"onnx does not take 3 lines of 384 columns \("),
    "batch of one, folded": (graph(folded_into_one), r"onnx makes \(1, 144, \d+\) of 3 lines of 384 columns"),
    "fixed width": (graph(fixed(3, 320)), "onnx (fails on the line|does not take)"),
    "swapped rows of the head": (graph(swapped_rows), "the same texts as torch, but its log-probabilities differ"),
    "rounded weights": (graph(rounded), "onnx reads"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_seeded_fault_is_caught_and_leaves_nothing(
    trained: Bundle, lines: list[Sample], signer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fault, sentence = FAULTS[name]

    def faulty(target: Path, info: BundleInfo, files: Files) -> Bundle:
        return write_bundle(target, *fault(info, files))

    monkeypatch.setattr(ctc, "write_bundle", faulty)
    with pytest.raises((EngineError, BundleError), match=sentence) as caught:
        export(Order(model=trained, form="onnx", samples=lines), tmp_path / "out", signer)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_or_there_already_is_refused(trained: Bundle, lines: list[Sample], signer: Any) -> None:
    with pytest.raises(UsageError, match="'ctc' is not written as 'tflite'; it can be written as onnx, onnx-int8"):
        export(Order(model=trained, form="tflite", samples=lines), Path("out"), signer)
    with pytest.raises(UsageError, match="is there already"):
        export(Order(model=trained, form="onnx", samples=lines), trained.folder, signer)
    with pytest.raises(UsageError, match="there is no line to compare the forms on"):
        export(Order(model=trained, form="onnx", samples=()), Path("out"), signer)


def test_every_family_can_be_written_as_its_row_says() -> None:
    assert set(WRITERS) == set(FAMILIES)
    for name, writers in WRITERS.items():
        assert set(family(name).exports) == set(writers)


def test_the_key_is_the_workspace_s_or_the_user_s_and_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace.init(tmp_path / "ws")
    first = release_key(workspace)
    private = tmp_path / "ws" / ".emendo" / "keys" / "release.pem"
    assert private.stat().st_mode & 0o777 == 0o600 and private.parent.stat().st_mode & 0o777 == 0o700
    assert public_key(release_key(workspace)) == public_key(first) == trusted_keys(workspace)[0]
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with pytest.raises(UsageError, match=r"there is no public key in .*release\.pub\.json .*; give --key FILE"):
        trusted_keys(None)
    own = release_key(None)
    assert (tmp_path / "config" / "emendo" / "keys" / "release.pem").is_file()
    assert public_key(own) != public_key(first)
    assert public_key(release_key(None, private)) == public_key(first)
    (tmp_path / "no.json").write_text("[]", encoding="utf-8")
    with pytest.raises(UsageError, match=r"no\.json holds no public key"):
        trusted_keys(None, [tmp_path / "no.json"])


def test_the_command_line_exports_shows_and_checks(
    trained: Bundle, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    rows = [{"image": one.image.name, "text": one.text} for one in open_dataset(data / "peraire").split("val")[:4]]
    manifest = tmp_path / "lines.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / "out"
    command = ["export", str(trained.folder), "--to", "onnx", "--out", str(out), "--threads", "1", "--json"]
    assert main([*command, "--lines", "2", "--data", f"lines={manifest}:{data / 'peraire' / 'images'}"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["model"] == read_bundle(out).id and figures["certificate"]["rows"][1]["same"] == 2
    assert main(["certificate", str(out), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["rows"] == figures["certificate"]["rows"] and len(shown["keyid"]) == 64
    assert main(["certificate", str(out)]) == 0
    assert "2 of 2 lines the same" in capsys.readouterr().err
    make_key(tmp_path / "other.pem")
    (tmp_path / "other.json").write_text(json.dumps(public_key(make_key(tmp_path / "third.pem"))), encoding="utf-8")
    assert main(["certificate", str(out), "--key", str(tmp_path / "other.json")]) == 2
    assert "which is not trusted" in capsys.readouterr().err
    assert main(["certificate", str(trained.folder)]) == 2
    assert "has no parity certificate; export it with `emendo export`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--to", "onnx", "--name", "x"], "--name has no use with --to onnx"),
        (["--to", "onnx", "--calibration", "x"], "--calibration has no use with --to onnx"),
        (["--to", "folder", "--key", "x"], "--key has no use with --to folder"),
        (["--to", "onnx", "--key", "missing.pem"], "missing.pem holds no private key"),
    ],
)
def test_what_a_form_has_no_use_for_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["export", "base", *arguments, "--out", str(tmp_path / "out")]) == 2
    assert sentence in capsys.readouterr().err


def test_an_unsigned_or_altered_bundle_is_not_passed_on(trained: Bundle) -> None:
    with pytest.raises(BundleError, match="has no parity certificate"):
        read_certificate(trained)


def test_the_trained_network_reads_what_the_graph_reads(trained: Bundle, lines: list[Sample]) -> None:
    from emendo.image.load import sample_image

    images = [sample_image(one) for one in lines]
    assert [one.text for one in CtcRecognizer(trained, engine="torch").read(images)] == [
        one.text for one in CtcRecognizer(trained).read(images)
    ]


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            lambda held, name: held | {name: np.zeros((1, 2, 3), np.float32)},
            r"has \[1, 2, 3\] in model\.safetensors, not",
        ),
        (
            lambda held, name: {other: one for other, one in held.items() if other != name},
            r"is not in model\.safetensors",
        ),
    ],
)
def test_weights_of_another_network_are_refused(
    trained: Bundle, tmp_path: Path, fault: Callable[[Files, str], Files], sentence: str
) -> None:
    from safetensors.numpy import load_file, save

    held = load_file(trained.path(WEIGHTS_FILE))
    weights = save(fault(held, next(iter(held))))
    files = {**{one: trained.path(one) for one in trained.info.files}, WEIGHTS_FILE: weights}
    with pytest.raises(BundleError, match=sentence):
        CtcRecognizer(write_bundle(tmp_path / "odd", trained.info, files), engine="torch")
