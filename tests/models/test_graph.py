"""Graphs rewritten without `onnx`, beside `onnx` itself. Covers N15."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from emendo.errors import BundleError
from emendo.models.base import DETECTOR, RECOGNISER, base_bundle, engine_file, head_tensors
from emendo.models.bundle import GRAPH_FILE
from emendo.models.graph import Graph, load_graph


@pytest.mark.parametrize("name", [RECOGNISER, DETECTOR])
def test_an_untouched_graph_is_written_as_it_was(name: str) -> None:
    path = engine_file(name)
    assert load_graph(path).SerializeToString() == path.read_bytes()


def test_names_and_values_are_those_of_onnx() -> None:
    path = base_bundle().path(GRAPH_FILE)
    mine, theirs = load_graph(path), onnx.load(str(path))
    assert [(n.op_type, list(n.input), list(n.output)) for n in mine.nodes] == [
        (n.op_type, list(n.input), list(n.output)) for n in theirs.graph.node
    ]
    for tensor in theirs.graph.initializer:
        assert np.array_equal(mine.tensors[tensor.name].array(), numpy_helper.to_array(tensor))
    normal = next(n for n in theirs.graph.node if n.op_type == "BatchNormalization")
    epsilon = next(a.f for a in normal.attribute if a.name == "epsilon")
    other = next(n for n in mine.nodes if n.op_type == "BatchNormalization")
    assert other.real("epsilon", 1.0) == epsilon and other.real("absent", 0.25) == 0.25


def test_what_is_rewritten_is_what_onnx_writes() -> None:
    path = base_bundle().path(GRAPH_FILE)
    mine, theirs = load_graph(path), onnx.load(str(path))
    weight = np.arange(360, dtype=np.float32).reshape(120, 3)
    kept, _ = head_tensors(mine)
    kept.put(weight)
    next(t for t in theirs.graph.initializer if t.name == kept.name).CopyFrom(
        numpy_helper.from_array(weight, kept.name)
    )
    mine.set_classes(3)
    theirs.graph.output[0].type.tensor_type.shape.dim[-1].dim_value = 3
    mine.set_ends("picture", ["n", 3, 48, "w"], "scores", ["n", "t", 3])
    old, new = (theirs.graph.input[0].name, theirs.graph.output[0].name), ("picture", "scores")
    for node in theirs.graph.node:
        node.input[:] = [dict(zip(old, new, strict=True)).get(name, name) for name in node.input]
        node.output[:] = [dict(zip(old, new, strict=True)).get(name, name) for name in node.output]
    info = onnx.helper.make_tensor_value_info
    theirs.graph.input[0].CopyFrom(info("picture", onnx.TensorProto.FLOAT, ["n", 3, 48, "w"]))
    theirs.graph.output[0].CopyFrom(info("scores", onnx.TensorProto.FLOAT, ["n", "t", 3]))
    assert mine.SerializeToString() == theirs.SerializeToString()
    assert mine.ends() == ("picture", "scores") and mine.input_shape() == (0, 3, 48, 0)


def test_other_element_types_are_read() -> None:
    arrays = [np.arange(6, dtype=kind).reshape(2, 3) for kind in (np.int64, np.int32, np.float16, np.float64)]
    tensors = [numpy_helper.from_array(array, f"t{at}") for at, array in enumerate(arrays)]
    tensors.append(onnx.helper.make_tensor("floats", onnx.TensorProto.FLOAT, [2], [1.5, -2.0]))
    graph = onnx.helper.make_graph([], "g", [], [], initializer=tensors)
    read = Graph(onnx.helper.make_model(graph).SerializeToString()).tensors
    for at, array in enumerate(arrays):
        assert np.array_equal(read[f"t{at}"].array(), array)
    assert read["floats"].array().tolist() == [1.5, -2.0]


def test_a_tensor_in_another_form_is_refused() -> None:
    text = onnx.helper.make_tensor("t", onnx.TensorProto.STRING, [1], [b"a"])
    graph = onnx.helper.make_graph([], "g", [], [], initializer=[text])
    held = Graph(onnx.helper.make_model(graph).SerializeToString()).tensors["t"]
    with pytest.raises(BundleError, match="'t' is stored in a form"):
        held.array()


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"no graph at all", b"\x3a\xff\x01abc"])
def test_what_is_no_graph_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(data)
    with pytest.raises(BundleError, match="no ONNX graph"):
        load_graph(path)
