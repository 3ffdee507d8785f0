"""Bundles: whole, verified, safe to open, and one sentence for each that is not."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from emendo.errors import BundleError
from emendo.models.base import base_bundle
from emendo.models.bundle import BundleInfo, dump_info, read_bundle, update_info, write_bundle
from emendo.models.ctc.recognizer import CtcRecognizer


def graph(classes: int = 3, height: int = 48) -> bytes:
    """A line recogniser of one layer: the mean of the rows, then a linear layer."""
    weight = numpy_helper.from_array(np.ones((3, classes), np.float32), "weight")
    bias = numpy_helper.from_array(np.zeros(classes, np.float32), "bias")
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["rows"], axes=[2], keepdims=0),
        helper.make_node("Transpose", ["rows"], ["columns"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["columns", "weight"], ["product"]),
        helper.make_node("Add", ["product", "bias"], ["scores"]),
        helper.make_node("LogSoftmax", ["scores"], ["log_probs"], axis=-1),
    ]
    taken = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, height, "w"])
    given_back = helper.make_tensor_value_info("log_probs", TensorProto.FLOAT, ["n", "t", classes])
    made = helper.make_graph(nodes, "line", [taken], [given_back], [weight, bias])
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "model", BundleInfo(name="small", alphabet=("a", "b")), {"model.onnx": graph()})
    return tmp_path / "model"


def edit(folder: Path, **changes: object) -> None:
    info = yaml.safe_load((folder / "bundle.yaml").read_text())
    info.update(changes)
    (folder / "bundle.yaml").write_text(yaml.safe_dump(info, allow_unicode=True))


characters = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=4)


@given(st.lists(characters, unique=True, max_size=40), st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_alphabet_survives_bundle_yaml(alphabet: list[str], note: str) -> None:
    info = BundleInfo(alphabet=tuple(alphabet), run={"note": note.encode("utf-8", "replace").decode()})
    assert BundleInfo.model_validate(yaml.safe_load(dump_info(info))) == info


def test_a_written_bundle_reads_back(folder: Path) -> None:
    bundle = read_bundle(folder)
    assert bundle.info.alphabet == ("a", "b")
    assert set(bundle.info.files) == {"model.onnx"}
    assert len(bundle.id) == 16
    readings = CtcRecognizer(bundle).read([np.full((20, 60, 3), 255, np.uint8)])
    assert readings[0].model == f"small@{bundle.id}"


def test_the_id_follows_the_content_and_not_the_marks(folder: Path, tmp_path: Path) -> None:
    bundle = read_bundle(folder)
    assert update_info(bundle, metrics={"cer": 0.05}, name="other").id == bundle.id
    assert read_bundle(folder).info.metrics == {"cer": 0.05}
    changed = write_bundle(tmp_path / "b", BundleInfo(alphabet=("b", "a")), {"model.onnx": graph()})
    assert changed.id != bundle.id
    with pytest.raises(BundleError, match="alphabet of a written bundle never changes"):
        update_info(bundle, alphabet=("x",))


def test_a_written_bundle_is_not_overwritten(folder: Path) -> None:
    with pytest.raises(FileExistsError):
        write_bundle(folder, BundleInfo(), {})


def external() -> bytes:
    model = onnx.load_from_string(graph())
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")
    return model.SerializeToString()


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (lambda f: (f / "model.onnx").unlink(), "model.onnx is missing or no regular file"),
        (lambda f: (f / "bundle.yaml").unlink(), "is no model bundle"),
        (lambda f: (f / "model.onnx").write_bytes(graph()[:-1] + b"\x00"), "differs from its checksum"),
        (lambda f: (f / "model.onnx").write_bytes(graph()[:-5]), "differs from its checksum"),
        (lambda f: (f / "weights.pkl").write_bytes(pickle.dumps([1])), "'weights.pkl' is not listed"),
        (lambda f: edit(f, format="emendo-bundle/9"), "format 'emendo-bundle/9' is not"),
        (lambda f: edit(f, family="crystal"), "family 'crystal' is not one of"),
        (lambda f: edit(f, surprise=1), "surprise: unknown key"),
        (lambda f: edit(f, alphabet=["a", "a"]), "alphabet entry 'a' stands twice"),
        (lambda f: edit(f, alphabet=["a", ""]), "alphabet entry '' is no character"),
        (lambda f: edit(f, files={"../x.onnx": {"sha256": "0" * 64, "size": 1}}), "is not a plain name"),
        (lambda f: edit(f, files={"w.pkl": {"sha256": "0" * 64, "size": 1}}), "of a kind that a bundle never holds"),
        (lambda f: (f / "bundle.yaml").write_text("a: &x [1]\nb: *x"), "aliases or too deep nesting"),
        (lambda f: (f / "bundle.yaml").write_text("[" * 5000), "aliases or too deep nesting"),
        (lambda f: (f / "bundle.yaml").write_text("a: [b"), "is not valid YAML"),
        (lambda f: (f / "bundle.yaml").write_text("- a"), "holds no mapping"),
        (lambda f: (f / "bundle.yaml").write_bytes(b"\xff\xfe\x00"), "is not UTF-8"),
        (lambda f: (f / "bundle.yaml").write_text("!!python/object/apply:os.system ['true']"), "is not valid YAML"),
    ],
)
def test_a_bad_bundle_is_refused_with_one_sentence(folder: Path, fault: object, sentence: str) -> None:
    fault(folder)  # type: ignore[operator]
    with pytest.raises(BundleError, match=sentence) as caught:
        read_bundle(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("model.onnx", pickle.dumps({"a": np.zeros(3)}), "holds a pickle"),
        ("model.safetensors", b"PK\x03\x04rest", "holds a pickle"),
        ("model.onnx", external(), "points to data outside the file"),
        ("model.onnx", b"\xff" * 40, "is no ONNX file"),
        ("../model.onnx", b"", "is not a plain name"),
        ("model.pt", b"", "of a kind that a bundle never holds"),
        ("adapter/deeper/model.json", b"{}", "is not a plain name"),
        ("adapter/../../model.json", b"{}", "is not a plain name"),
    ],
)
def test_what_must_not_be_in_a_bundle_is_not_written(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    with pytest.raises(BundleError, match=sentence):
        write_bundle(tmp_path / "model", BundleInfo(), {name: content})
    assert list(tmp_path.iterdir()) == []


def test_one_level_of_folders_is_listed_and_guarded(tmp_path: Path) -> None:
    content = {"config.json": b"{}", "adapter/config.json": b"{}", "chat_template.jinja": b"{{ x }}"}
    bundle = write_bundle(tmp_path / "model", BundleInfo(family="vlm"), content)
    assert read_bundle(bundle.folder).path("adapter/config.json").read_bytes() == b"{}"
    (bundle.folder / "adapter" / "more.json").write_bytes(b"")
    with pytest.raises(BundleError, match=r"'adapter/more.json' is not listed"):
        read_bundle(bundle.folder)


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "model", BundleInfo(family="vlm"), {"adapter/config.json": b"{}"})
    shutil.move(bundle.folder / "adapter", tmp_path / "elsewhere")
    (bundle.folder / "adapter").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BundleError, match="'adapter' is not listed"):
        read_bundle(bundle.folder)


def test_a_short_safetensors_header_is_no_pickle(tmp_path: Path) -> None:
    from safetensors.numpy import save

    tensors = {f"w{'x' * 10}{i}": np.zeros(1, np.float32) for i in range(8)}
    spare = next(n for n in range(700) if save(tensors, {"note": "n" * n})[:2] == b"\x80\x02")
    write_bundle(tmp_path / "model", BundleInfo(), {"model.safetensors": save(tensors, {"note": "n" * spare})})


def test_links_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.move(folder / "model.onnx", tmp_path / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    with pytest.raises(BundleError, match="no regular file"):
        read_bundle(folder)


@pytest.mark.parametrize(
    ("content", "changes", "sentence"),
    [
        (graph(7), {}, "has 7 classes but the alphabet 2 characters"),
        (graph(3, 32), {}, "takes lines 32 high, the preprocessing makes 48"),
        (b"", {}, "cannot be opened by ONNX Runtime"),
        (graph(), {"preprocessing": {"height": 9}}, "the preprocessing makes 9"),
        (graph(), {"preprocessing": {"stretch": 0}}, "preprocessing.stretch"),
        (graph(), {"preprocessing": {"colour": 1}}, "preprocessing.colour"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(
    tmp_path: Path, content: bytes, changes: dict[str, dict[str, int]], sentence: str
) -> None:
    info = BundleInfo(alphabet=("a", "b"), **changes)  # type: ignore[arg-type]
    with pytest.raises(BundleError, match=sentence):
        CtcRecognizer(write_bundle(tmp_path / "model", info, {"model.onnx": content}))


def test_a_damaged_cache_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMENDO_CACHE", str(tmp_path))
    first = base_bundle()
    (first.folder / "model.onnx").write_bytes(b"")
    again = base_bundle()
    assert again.id == first.id
    assert read_bundle(again.folder).info.alphabet[-1] == " "
