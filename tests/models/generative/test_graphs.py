"""A TrOCR as ONNX graphs: the same tokens as torch writes, without torch; what is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from emendo.cli import main
from emendo.datasets.dataset import open_dataset
from emendo.errors import BundleError, EngineError, Refused, UsageError
from emendo.image.load import sample_image
from emendo.models.base import base_bundle
from emendo.models.bundle import BundleInfo, read_bundle, write_bundle
from emendo.models.generative import write_graphs
from emendo.models.generative.graphs import DECODER_FILE, ENCODER_FILE, GraphRecognizer
from emendo.models.generative.network import Loading
from emendo.models.generative.recognizer import GenerativeRecognizer, load_network
from emendo.models.generative.source import from_bundle, from_folder
from emendo.models.references import load_recognizer
from emendo.release import export as export_module
from emendo.release.export import export

MOST = 16


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (40, 300, 3), dtype=np.uint8)


PICTURES = [*map(picture, range(6)), *(np.full((40, 300, 3), shade, np.uint8) for shade in (0, 128, 255))]


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
    folder = tmp_path_factory.mktemp("lively")
    network.save(folder)
    return load_network(from_folder(folder), Loading())


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
    parity = bundle.info.parity
    assert (parity["lines"], parity["same"], parity["bundle"]) == (6, 6, bundle.id)
    assert parity["confidence_difference"] < 1e-4 and parity["tokens_a_line"] >= 1
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


def test_int8_by_the_command_line_and_openvino(tiny_trocr: Path, data: Path, tmp_path: Path, capsys) -> None:
    own = open_dataset(data / "peraire").split("val")[:3]
    rows = [{"image": str(one.image.relative_to(data / "peraire")), "text": one.text} for one in own]
    manifest = tmp_path / "lines.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / "int8"
    command = ["export", str(tiny_trocr), "--to", "onnx-int8", "--out", str(out), "--threads", "1", "--json"]
    command += ["--data", f"lines={manifest}:{data / 'peraire'}"]
    assert main(command) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["model"] == read_bundle(out).id and figures["parity"]["same"] == 3
    operations = {node.op_type for node in onnx.load(out / DECODER_FILE).graph.node}
    assert {"MatMulInteger", "DynamicQuantizeLinear"} <= operations
    images = [sample_image(one) for one in own]
    plain = [one.text for one in GenerativeRecognizer(from_folder(tiny_trocr)).read(images)]
    for engine in ("onnxruntime", "openvino"):
        assert [one.text for one in load_recognizer(str(out), engine=engine).read(images)] == plain
    assert main(command) == 2
    assert "is there already" in capsys.readouterr().err


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

    monkeypatch.setattr(write_graphs, "write_graphs", kept)
    samples = open_dataset(data / "peraire").split("val")[:2]
    monkeypatch.setattr(write_graphs, "quantise", spoilt)
    with pytest.raises(Refused, match=r"onnx-int8-decoder reads 2 of 2 lines otherwise .*; export it as onnx"):
        export(network.source, "onnx-int8-decoder", tmp_path / "out", samples)
    assert not (tmp_path / "out").exists()
    monkeypatch.setattr(export_module, "FORMS", {"onnx": ("int8", "int8")})
    with pytest.raises(EngineError, match=r"onnx reads 2 of 2 lines otherwise .*; read it with torch"):
        export(network.source, "onnx", tmp_path / "out", samples)


def test_what_has_no_such_form_is_refused(tiny_vlm, bundle, tmp_path: Path, capsys) -> None:
    with pytest.raises(UsageError, match="a model of the family 'vlm' is not written as 'onnx'; it reads with torch"):
        export(from_folder(tiny_vlm("qwen2_vl")), "onnx", tmp_path / "out", ())
    assert main(["export", "base", "--to", "onnx-int8", "--out", str(tmp_path / "out")]) == 2
    assert "of the family 'ctc' is not written as 'onnx-int8'; it can be written as onnx" in capsys.readouterr().err
    with pytest.raises(BundleError, match="holds graphs that only read, and no weights; give the model"):
        load_network(from_bundle(bundle), Loading())


def test_the_line_network_sheds_what_only_training_needs(tmp_path: Path) -> None:
    base = base_bundle("base")
    done = export(base, "onnx", tmp_path / "light", ())
    assert set(done.bundle.info.files) == set(base.info.files) - {"model.safetensors"}
    line = np.full((48, 200, 3), 255, np.uint8)
    line[20:30, 30:60] = 0
    assert load_recognizer(str(tmp_path / "light")).read([line])[0].text == load_recognizer("base").read([line])[0].text


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
