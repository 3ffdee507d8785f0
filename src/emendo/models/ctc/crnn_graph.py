"""The CRNN of `crnn` as an ONNX graph, written node by node from its weights: no exporter, no torch.

Batch normalisations are folded into their convolutions. Lines and columns are free in number. The gates of an LSTM
stand in the order input, output, forget, cell in ONNX (operator `LSTM`, opset 17), and input, forget, cell, output in
the weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from emendo.image.line import LineGeometry

from ..base import INPUT, OUTPUT

if TYPE_CHECKING:
    import onnx

Array = npt.NDArray[np.float32]
HEIGHT: Final = 48
CHANNELS: Final = (32, 64, 128, 192, 256)
KERNELS: Final = (5, 3, 3, 3, 3)
STRIDES: Final = (2, 1, 1, 1, 1)
PADS: Final = ((2, 2), (1, 1), (1, 1), (1, 1), (0, 1))
POOLS: Final = (None, (2, 2), (2, 1), (2, 1), None)
"""Rows and columns that become one behind each block. The first block strides instead, for pooling its large maps took
a quarter of a training step; the kernel of the last takes the three rows that are left."""
HIDDEN: Final = 128
COLUMNS_PER_FRAME: Final = 4
GREY: Final = (0.114, 0.587, 0.299)
"""Shares of blue, green and red in the grey that is looked at (ITU-R BT.601)."""
EPSILON: Final = 1e-3
"""Least variance of a line's grey, in [-1, 1]: an empty line stays as good as empty."""
NORM_EPSILON: Final = 1e-5
OPSET, IR_VERSION = 17, 8


def plate_geometry(columns: int) -> LineGeometry:
    """All rows of a crop, and its width brought to `columns` (a multiple of 32), whatever the shape of the plate."""
    return LineGeometry(
        height=HEIGHT, crop="none", stretch=4.0, right_pixels=0, bucket_pixels=32, min_width=columns, max_width=columns
    )


def build(arrays: Mapping[str, Array]) -> onnx.ModelProto:
    """The graph (lines, 3, 48, columns) in [-1, 1] -> (lines, frames, classes) natural logarithms of probabilities."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes: list[Any] = []
    tensors: list[Any] = []

    def hold(name: str, array: npt.NDArray[Any]) -> str:
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output

    grey = add("Conv", [INPUT, hold("grey", np.asarray(GREY, np.float32).reshape(1, 3, 1, 1))], "grey_image")
    x = _standardised(grey, add, hold)
    for at, (stride, pads, pool) in enumerate(zip(STRIDES, PADS, POOLS, strict=True)):
        weight, bias = _folded(arrays, at)
        names = [x, hold(f"block{at}_weight", weight), hold(f"block{at}_bias", bias)]
        convolved = add("Conv", names, f"block{at}_conv", pads=[*pads, *pads], strides=[stride, stride])
        x = add("Relu", [convolved], f"block{at}")
        if pool is not None:
            x = add("MaxPool", [x], f"block{at}_pooled", kernel_shape=list(pool), strides=list(pool))
    x = add("Squeeze", [x, hold("rows", np.asarray([2], np.int64))], "columns_first")
    x = add("Transpose", [x], "sequence", perm=[2, 0, 1])
    shape = hold("both_ways", np.asarray([0, 0, -1], np.int64))
    for layer in range(2):
        names = [hold(f"lstm{layer}_{key}", array) for key, array in _recurrent(arrays, layer).items()]
        y = add("LSTM", [x, *names], f"lstm{layer}", hidden_size=HIDDEN, direction="bidirectional")
        y = add("Transpose", [y], f"lstm{layer}_turned", perm=[0, 2, 1, 3])
        x = add("Reshape", [y, shape], f"lstm{layer}_joined")
    x = add("Transpose", [x], "by_line", perm=[1, 0, 2])
    x = add("MatMul", [x, hold("head_weight", arrays["head.weight"].T)], "head_product")
    x = add("Add", [x, hold("head_bias", arrays["head.bias"])], "logits")
    add("LogSoftmax", [x], OUTPUT, axis=-1)
    classes = len(arrays["head.bias"])
    ends = (
        helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["lines", 3, HEIGHT, "columns"]),
        helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["lines", "frames", classes]),
    )
    graph = helper.make_graph(nodes, "crnn", [ends[0]], [ends[1]], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="emendo")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return model


def _standardised(grey: str, add: Any, hold: Any) -> str:
    """The grey of each line with mean 0 and deviation 1."""
    centred = add("Sub", [grey, add("ReduceMean", [grey], "mean", axes=[2, 3], keepdims=1)], "centred")
    squared = add("Mul", [centred, centred], "squared")
    variance = add("ReduceMean", [squared], "variance", axes=[2, 3], keepdims=1)
    least = add("Add", [variance, hold("epsilon", np.asarray(EPSILON, np.float32))], "variance_least")
    return str(add("Div", [centred, add("Sqrt", [least], "deviation")], "standardised"))


def _folded(arrays: Mapping[str, Array], at: int) -> tuple[Array, Array]:
    """Weight and bias of a convolution with the batch normalisation behind it."""
    norm = {key: arrays[f"norms.{at}.{key}"] for key in ("weight", "bias", "running_mean", "running_var")}
    factor = norm["weight"] / np.sqrt(norm["running_var"] + np.float32(NORM_EPSILON))
    weight = arrays[f"convolutions.{at}.weight"] * factor[:, None, None, None]
    return weight.astype(np.float32), (norm["bias"] - norm["running_mean"] * factor).astype(np.float32)


def _recurrent(arrays: Mapping[str, Array], layer: int) -> dict[str, Array]:
    """Weights of a bidirectional layer as ONNX takes them: (2, 4 H, inputs), (2, 4 H, H), (2, 8 H)."""

    def gates(name: str) -> Array:
        entered, forgot, cell, left = np.split(arrays[name], 4)
        return np.concatenate([entered, left, forgot, cell])

    ways = (f"l{layer}", f"l{layer}_reverse")
    return {
        "weight": np.stack([gates(f"lstm.weight_ih_{way}") for way in ways]),
        "recurrence": np.stack([gates(f"lstm.weight_hh_{way}") for way in ways]),
        "bias": np.stack(
            [np.concatenate([gates(f"lstm.bias_ih_{way}"), gates(f"lstm.bias_hh_{way}")]) for way in ways]
        ),
    }
