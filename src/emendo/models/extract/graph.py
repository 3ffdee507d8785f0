"""The network that tags words as an ONNX graph, written node by node from its weights: no exporter, no torch.

One document at a time, of any number of words. The weights stand in the graph under their own names, in float32 or,
with `half`, in float16 with a cast behind each, which run times fold away when they open it: so small a file needs no
weights beside it to be trained on.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from emendo.errors import BundleError

from ..bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle
from ..graph import load_graph
from .features import FEATURES, PIECES
from .labels import LABELS, TYPES

if TYPE_CHECKING:
    import onnx

Array = npt.NDArray[np.float32]
INPUTS: Final = ("pieces", "features", "across", "down", "sides")
OUTPUTS: Final = ("labels", "rows", "kinds")
ROWS_WIDTH: Final = 64
FAR: Final = -10_000.0
"""Added to what nothing should look at."""
OPSET, IR_VERSION = 17, 8
EPSILON: Final = 1e-5


class Shape(NamedTuple):
    """Width of a word inside the network, number of layers, and of heads in each."""

    width: int = 144
    layers: int = 4
    heads: int = 6


def shape_of_weights(arrays: Mapping[str, npt.NDArray[Any]]) -> Shape:
    """The shape of the network that has these weights. Raises BundleError when they are of another family."""
    table, across = arrays.get("pieces.weight"), arrays.get("across.weight")
    layers = len([name for name in arrays if name.startswith("blocks.") and name.endswith(".qkv.weight")])
    if table is None or across is None or table.ndim != 2 or across.ndim != 2 or not layers:
        raise BundleError("the weights are of no network of fields", remedy="use a bundle that this version wrote")
    return Shape(table.shape[1], layers, across.shape[1] - 1)


def weights_of(bundle: Bundle) -> dict[str, Array]:
    """All weights of a bundle by name, from its safetensors file or else from its graph, as float32.

    Raises BundleError when they cannot be read.
    """
    if WEIGHTS_FILE in bundle.info.files:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            return {name: one.astype(np.float32) for name, one in load_file(bundle.path(WEIGHTS_FILE)).items()}
        except SafetensorError as error:
            raise BundleError(f"{WEIGHTS_FILE} is damaged", where=bundle.folder, remedy="fetch it again") from error
    return _held(bundle.path(GRAPH_FILE))


def _held(path: Path) -> dict[str, Array]:
    tensors = load_graph(path).tensors
    return {name: one.array().astype(np.float32) for name, one in tensors.items() if name.endswith(("weight", "bias"))}


class _Writer:
    """Nodes and weights of a graph as they are added."""

    def __init__(self, arrays: Mapping[str, Array], half: bool) -> None:
        self.arrays, self.half = arrays, half
        self.nodes: list[Any] = []
        self.tensors: list[Any] = []

    def add(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    def constant(self, name: str, array: npt.NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weight(self, name: str) -> str:
        """A weight under its own name, behind a cast where it is kept in half precision."""
        from onnx import TensorProto

        array = self.arrays[name]
        if not self.half:
            return self.constant(name, array)
        self.constant(name, array.astype(np.float16))
        return self.add("Cast", [name], f"{name}_single", to=TensorProto.FLOAT)

    def linear(self, x: str, name: str) -> str:
        return self.add(
            "Gemm", [x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")], f"{name}_out", transB=1
        )

    def norm(self, x: str, name: str) -> str:
        inputs = [x, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        return self.add("LayerNormalization", inputs, f"{name}_out", axis=-1, epsilon=EPSILON)

    def gelu(self, x: str) -> str:
        scaled = self.add("Mul", [x, "gelu_scale"], f"{x}_scaled")
        whole = self.add("Add", [self.add("Erf", [scaled], f"{x}_erf"), "one"], f"{x}_gate")
        return self.add("Mul", [self.add("Mul", [x, whole], f"{x}_gated"), "half"], f"{x}_gelu")


def build(arrays: Mapping[str, Array], *, half: bool = False) -> onnx.ModelProto:
    """The graph of a document: the arrays of `Encoded` -> `labels` (N, C), `rows` (N, N), `kinds` (K,), probabilities.

    Raises BundleError when the weights are of another family.
    """
    import onnx
    from onnx import TensorProto, helper

    shape = shape_of_weights(arrays)
    w = _Writer(arrays, half)
    for name, value in (("gelu_scale", 1 / math.sqrt(2)), ("one", 1.0), ("half", 0.5), ("far", FAR)):
        w.constant(name, np.asarray(value, np.float32))
    x = w.add("Add", [_text(w), w.linear(w.gelu(w.linear("features", "looks1")), "looks2")], "words")
    bias = _bias(w, shape)
    own = _part(w, bias, 0, shape.heads, 0, "heads_bias")
    for at in range(shape.layers):
        x = _block(w, x, own, at, shape)
    x = w.norm(x, "norm")
    w.add("Softmax", [w.linear(x, "labels")], OUTPUTS[0], axis=-1)
    _rows(w, x, bias, shape)
    _kinds(w, x)
    count, whole = "words_count", TensorProto.INT32
    inputs = [
        helper.make_tensor_value_info("pieces", whole, [count, PIECES]),
        helper.make_tensor_value_info("features", TensorProto.FLOAT, [count, FEATURES]),
        *(helper.make_tensor_value_info(name, whole, [count, count]) for name in INPUTS[2:]),
    ]
    shapes = ([count, len(LABELS)], [count, count], [len(TYPES)])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in zip(OUTPUTS, shapes, strict=True)
    ]
    graph = helper.make_graph(w.nodes, "fields", inputs, outputs, w.tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="emendo")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _text(w: _Writer) -> str:
    """The mean of the weights of a word's pieces, 0 for a word without any."""
    from onnx import TensorProto

    gathered = w.add("Gather", [w.weight("pieces.weight"), "pieces"], "pieces_gathered", axis=0)
    there = w.add("Cast", [w.add("Greater", ["pieces", w.constant("zero", np.asarray(0, np.int32))], "pieces_there")],
                  "pieces_real", to=TensorProto.FLOAT)  # fmt: skip
    last = w.constant("last", np.asarray([1], np.int64))
    count = w.add("Max", [w.add("ReduceSum", [there, last], "pieces_number", keepdims=1), "one"], "pieces_count")
    total = w.add("ReduceSum", [gathered, last], "pieces_sum", keepdims=0)  # the weights of padding are 0
    return w.add("Div", [total, count], "text")


def _bias(w: _Writer, shape: Shape) -> str:
    """What is added for each pair of words, (heads + 1, N, N); the last is that of the rows."""
    columns = shape.heads + 1
    never = w.constant("never", np.full((1, columns), FAR, np.float32))
    sides = w.add("Concat", [w.weight("sides.weight"), never], "sides_table", axis=0)
    found = [
        w.add("Gather", [table, name], f"{name}_bias", axis=0)
        for table, name in ((w.weight("across.weight"), "across"), (w.weight("down.weight"), "down"), (sides, "sides"))
    ]
    both = w.add("Add", [w.add("Add", found[:2], "distance_bias"), found[2]], "pair_bias")
    return w.add("Transpose", [both], "bias", perm=[2, 0, 1])


def _part(w: _Writer, x: str, first: int, last: int, axis: int, name: str) -> str:
    ends = [w.constant(f"{name}_{end}", np.asarray([at], np.int64))
            for end, at in (("first", first), ("last", last), ("axis", axis))]  # fmt: skip
    return w.add("Slice", [x, *ends], name)


def _block(w: _Writer, x: str, bias: str, at: int, shape: Shape) -> str:
    name, each = f"blocks.{at}", shape.width // shape.heads
    qkv = w.linear(w.norm(x, f"{name}.norm1"), f"{name}.qkv")
    split = w.constant(f"{name}_heads", np.asarray([0, 3 * shape.heads, each], np.int64))
    turned = w.add("Transpose", [w.add("Reshape", [qkv, split], f"{name}_split")], f"{name}_turned", perm=[1, 0, 2])
    heads = shape.heads
    q, k, v = (_part(w, turned, part * heads, (part + 1) * heads, 0, f"{name}_{part}") for part in range(3))
    scale = w.constant(f"{name}_scale", np.asarray(1 / math.sqrt(each), np.float32))
    product = w.add("MatMul", [q, w.add("Transpose", [k], f"{name}_keys", perm=[0, 2, 1])], f"{name}_product")
    scaled = w.add("Mul", [product, scale], f"{name}_scaled")
    weights = w.add("Softmax", [w.add("Add", [scaled, bias], f"{name}_logits")], f"{name}_weights", axis=-1)
    mixed = w.add("Transpose", [w.add("MatMul", [weights, v], f"{name}_mixed")], f"{name}_by_word", perm=[1, 0, 2])
    whole = w.constant(f"{name}_whole", np.asarray([0, shape.width], np.int64))
    joined = w.linear(w.add("Reshape", [mixed, whole], f"{name}_together"), f"{name}.joined")
    x = w.add("Add", [x, joined], f"{name}_attended")
    wide = w.gelu(w.linear(w.norm(x, f"{name}.norm2"), f"{name}.wide"))
    return w.add("Add", [x, w.linear(wide, f"{name}.narrow")], f"{name}_done")


def _rows(w: _Writer, x: str, bias: str, shape: Shape) -> None:
    other = w.add("Transpose", [w.linear(x, "row2")], "row2_turned", perm=[1, 0])
    scale = w.constant("rows_scale", np.asarray(1 / math.sqrt(ROWS_WIDTH), np.float32))
    product = w.add("Mul", [w.add("MatMul", [w.linear(x, "row1"), other], "rows_product"), scale], "rows_scaled")
    at = shape.heads
    own = w.add("Squeeze", [_part(w, bias, at, at + 1, 0, "rows_bias"), w.constant("first", np.asarray([0], np.int64))],
                "rows_bias_flat")  # fmt: skip
    pairs = w.add("Add", [product, own], "rows_one_way")
    both = w.add("Add", [pairs, w.add("Transpose", [pairs], "rows_other_way", perm=[1, 0])], "rows_both")
    w.add("Sigmoid", [w.add("Mul", [both, "half"], "rows_logits")], OUTPUTS[1])


def _kinds(w: _Writer, x: str) -> None:
    real = _part(w, "features", FEATURES - 1, FEATURES, 1, "is_word")
    beside = w.add("Mul", [w.add("Sub", ["one", real], "is_none"), "far"], "gaze_bias")
    weights = w.add("Softmax", [w.add("Add", [w.linear(x, "gaze"), beside], "gaze_logits")], "gaze_weights", axis=0)
    pooled = w.add("MatMul", [w.add("Transpose", [weights], "gaze_turned", perm=[1, 0]), x], "pooled")
    shares = w.add("Softmax", [w.linear(pooled, "kinds")], "kinds_shares", axis=-1)
    w.add("Reshape", [shares, w.constant("flat", np.asarray([-1], np.int64))], OUTPUTS[2])
