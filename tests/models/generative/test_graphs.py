"""A TrOCR as ONNX graphs: the same tokens as torch writes, without torch; what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from emendo.cli import main
from emendo.datasets.dataset import open_dataset
from emendo.errors import BundleError, EngineError, Refused, UsageError
from emendo.image.load import sample_image
from emendo.models.bundle import BundleInfo, write_bundle
from emendo.models.certificate import read_certificate
from emendo.models.generative import write_graphs
from emendo.models.generative.graphs import DECODER_FILE, ENCODER_FILE, GraphRecognizer
from emendo.models.generative.network import Loading
from emendo.models.generative.recognizer import GenerativeRecognizer, load_network
from emendo.models.generative.source import from_bundle, from_folder
from emendo.models.references import load_recognizer
from emendo.release.export import Exported, Order
from emendo.release.export import export as export_order
from emendo.tools.signing import load_key, make_key

MOST = 16


def export(model, form: str, out: Path, samples, **more) -> Exported:
    place = out.parent / "key.pem"
    signer = load_key(place) if place.exists() else make_key(place)
    return export_order(Order(model=model, form=form, samples=samples, **more), out, signer)


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (40, 300, 3), dtype=np.uint8)


PICTURES = [*map(picture, range(6)), *(np.full((40, 300, 3), shade, np.uint8) for shade in (0, 128, 255))]


def limited(network, folder: Path):
    """The source of a network that writes `MOST` tokens at most."""
    network.save(folder / "saved")
    info = BundleInfo(family="trocr", preprocessing=network.preprocessing, decoding={"most_tokens": MOST})
    files = {path.name: path for path in (folder / "saved").iterdir()}
    return from_bundle(write_bundle(folder / "limited", info, files))


@pytest.fixture(scope="module")
def network(tiny_trocr: Path, tmp_path_factory: pytest.TempPathFactory):
    """A tiny TrOCR with weights so large that it writes other tokens for other pictures, and sometimes ends early."""
    network = load_network(from_folder(tiny_trocr), Loading())
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weights in network.model.named_parameters():
            if weights.ndim > 1 and "patch" not in name:
                weights.normal_(0, 0.24)
        network.model.config.decoder_start_token_id = 0
        rows = [one.tokens for one in network.write(PICTURES, most=MOST)]
        later = next(token for row in rows for token in row[2:] if token != row[0])
        words = network.model.decoder.get_input_embeddings().weight
        words[[network.end, later]] = words[[later, network.end]]
    return load_network(limited(network, tmp_path_factory.mktemp("lively")), Loading())


@pytest.fixture(scope="module")
def bundle(network, data: Path, tmp_path_factory: pytest.TempPathFactory):
    out = tmp_path_factory.mktemp("graphs") / "onnx"
    return export(network.source, "onnx", out, open_dataset(data / "peraire").split("val")[:6]).bundle


def with_decoding(bundle, folder: Path, **changes: object):
    info = bundle.info.model_copy(update={"decoding": {**bundle.info.decoding, **changes}})
    return write_bundle(folder, info, {name: bundle.path(name) for name in bundle.info.files})


def test_the_graphs_write_the_same_tokens_with_the_same_confidence(network, bundle, tmp_path: Path) -> None:
    reader = GraphRecognizer(with_decoding(bundle, tmp_path / "short", most_tokens=MOST))
    expected = network.write(PICTURES, most=MOST)
    found = reader.write(PICTURES)
    assert [(one.text, one.tokens) for one in found] == [(one.text, one.tokens) for one in expected]
    assert len({one.tokens for one in found}) > 3
    assert {len(one.tokens) for one in found} > {MOST}
    for a, b in zip(found, expected, strict=True):
        assert a.confidence == pytest.approx(b.confidence, rel=1e-3)
    alone = [reader.write([one])[0] for one in PICTURES]
    assert [one.tokens for one in alone] == [one.tokens for one in found]


def test_what_is_exported_says_how_it_was_proven(network, bundle) -> None:
    torch_row, row = read_certificate(bundle).rows
    assert (torch_row.form, row.form, row.lines, row.same) == ("torch", "onnx", 6, 6)
    assert row.logit_difference < 1e-4 and row.cer == torch_row.cer and row.milliseconds > 0
    assert bundle.info.parity["bundle"] == bundle.id
    assert set(bundle.info.files) == {ENCODER_FILE, DECODER_FILE, "tokenizer.json", "config.json"}
    assert bundle.info.decoding["start"] == 0 and bundle.info.preprocessing == network.preprocessing


def test_a_step_multiplies_six_matrices_a_layer(bundle) -> None:
    made = [node.op_type for node in onnx.load(bundle.path(DECODER_FILE)).graph.node]
    assert sum(made.count(kind) for kind in ("MatMul", "Gemm")) == 2 * (6 + 4) + 1  # 4: own tokens, image; 1: the words


def test_a_forced_first_token_is_written_first(network, bundle, tmp_path: Path) -> None:
    reader = GraphRecognizer(with_decoding(bundle, tmp_path / "forced", most_tokens=6, first=77))
    network.model.generation_config.forced_bos_token_id = 77
    expected = network.write(PICTURES[:3], most=6)
    network.model.generation_config.forced_bos_token_id = None
    found = reader.write(PICTURES[:3])
    assert all(one.tokens[0] == 77 for one in found)
    assert [one.tokens for one in found] == [one.tokens for one in expected]
    for a, b in zip(found, expected, strict=True):
        assert a.confidence == pytest.approx(b.confidence, rel=1e-3)


def test_reading_needs_neither_torch_nor_transformers(network, bundle, tmp_path: Path) -> None:
    short = with_decoding(bundle, tmp_path / "short", most_tokens=5)
    code = (
        "import sys, json; sys.modules['torch'] = sys.modules['transformers'] = None\n"
        "import numpy as np\n"
        "from emendo.models.references import load_recognizer\n"
        "picture = np.random.default_rng(0).integers(0, 255, (40, 300, 3), dtype=np.uint8)\n"
        f"print(json.dumps([one.text for one in load_recognizer({str(short.folder)!r}).read([picture])]))"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert json.loads(ran.stdout) == [network.write([picture(0)], most=5)[0].text]


def test_int8_is_written_where_it_is_worth_it(tiny_trocr: Path, data: Path, tmp_path: Path) -> None:
    own = open_dataset(data / "peraire").split("val")[:3]
    out = tmp_path / "int8"
    source = limited(load_network(from_folder(tiny_trocr), Loading()), tmp_path)

    def timed(form, call):
        return call(), {"onnx-int8": 0.5}.get(form, 1.0)

    done = export(source, "onnx-int8", out, own, timed=timed)
    assert [(row.form, row.same) for row in done.certificate.rows] == [("torch", 3), ("onnx", 3), ("onnx-int8", 3)]
    assert done.certificate.budget == 0.003
    operations = {node.op_type for node in onnx.load(out / DECODER_FILE).graph.node}
    assert {"MatMulInteger", "DynamicQuantizeLinear"} <= operations
    images = [sample_image(one) for one in own]
    plain = [one.text for one in GenerativeRecognizer(source).read(images)]
    for engine in ("onnxruntime", "openvino"):
        assert [one.text for one in load_recognizer(str(out), engine=engine).read(images)] == plain


def test_the_encoder_by_openvino_reads_the_same(bundle, network, tmp_path: Path) -> None:
    reader = GraphRecognizer(with_decoding(bundle, tmp_path / "short", most_tokens=1), engine="openvino")
    expected = GraphRecognizer(reader.bundle)
    for one, other in zip(reader.encode(PICTURES[0]), expected.encode(PICTURES[0]), strict=True):
        assert one.shape == other.shape
        assert float(np.abs(one - other).mean()) < 0.02 * float(np.abs(other).mean())


def test_int8_that_reads_otherwise_is_refused(bundle, network, data: Path, tmp_path: Path, monkeypatch) -> None:
    def kept(_network: object, _folder: Path) -> dict[str, Path]:
        return {name: bundle.path(name) for name in (ENCODER_FILE, DECODER_FILE)}

    def spoilt(graph: Path, target: Path) -> None:
        model = onnx.load(graph)
        for held in model.graph.initializer:
            if len(held.dims) == 2:
                turned = onnx.numpy_helper.to_array(held)[::-1].copy()
                held.CopyFrom(onnx.numpy_helper.from_array(turned, held.name))
        onnx.save(model, target)

    def spoilt_graphs(_network: object, folder: Path) -> dict[str, Path]:
        for name in (ENCODER_FILE, DECODER_FILE):
            spoilt(bundle.path(name), folder / name)
        return {name: folder / name for name in (ENCODER_FILE, DECODER_FILE)}

    monkeypatch.setattr(write_graphs, "write_graphs", kept)
    samples = open_dataset(data / "peraire").split("val")[:2]
    monkeypatch.setattr(write_graphs, "quantise", spoilt)
    untold = [replace(one, text=None) for one in samples]
    sentence = (
        r"is .*not faster, 2 of 2 lines read otherwise, and no truth to judge by \(onnx: .*; onnx-int8-decoder: .*MB\)"
    )
    with pytest.raises(Refused, match=sentence):
        export(network.source, "onnx-int8-decoder", tmp_path / "out", untold, timed=lambda form, call: (call(), 1.0))
    monkeypatch.setattr(write_graphs, "write_graphs", spoilt_graphs)
    with pytest.raises(EngineError, match="onnx reads 2 of 2 lines otherwise than torch"):
        export(network.source, "onnx", tmp_path / "out", samples)
    assert not (tmp_path / "out").exists()


def test_what_has_no_such_form_is_refused(tiny_vlm, bundle, tmp_path: Path, monkeypatch, capsys) -> None:
    with pytest.raises(UsageError, match="'vlm' is not written as 'onnx'; it can be written as safetensors"):
        export(from_folder(tiny_vlm("qwen2_vl")), "onnx", tmp_path / "out", ())
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert main(["export", "base", "--to", "onnx-int8-decoder", "--out", str(tmp_path / "out")]) == 2
    assert (
        "'ctc' is not written as 'onnx-int8-decoder'; it can be written as onnx, onnx-int8" in capsys.readouterr().err
    )
    with pytest.raises(BundleError, match="holds graphs that only read, and no weights; give the model"):
        load_network(from_bundle(bundle), Loading())


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"decoding": {"most_tokens": 5}}, "does not say how its graphs are used"),
        ({"preprocessing": {"height": 64, "width": 32}}, "graphs that do not fit each other"),
    ],
)
def test_a_bundle_that_does_not_fit_its_graphs_is_refused(bundle, tmp_path: Path, changes, sentence: str) -> None:
    info = BundleInfo(**{**bundle.info.model_dump(), **changes})
    odd = write_bundle(tmp_path / "odd", info, {name: bundle.path(name) for name in bundle.info.files})
    with pytest.raises(BundleError, match=sentence):
        GraphRecognizer(odd)


def test_a_broken_tokenizer_is_refused(bundle, tmp_path: Path) -> None:
    shutil.copyfile(bundle.path("config.json"), tmp_path / "tokenizer.json")
    files = {name: bundle.path(name) for name in bundle.info.files} | {"tokenizer.json": tmp_path / "tokenizer.json"}
    with pytest.raises(BundleError, match=r"tokenizer\.json: is no tokenizer"):
        GraphRecognizer(write_bundle(tmp_path / "odd", bundle.info, files))
