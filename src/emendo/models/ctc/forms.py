"""Other forms of the line network, made inside its ONNX graph: narrower blocks, and columns halved earlier.

Only the shapes of tensors and the attributes of two nodes change; the graph's nodes stay as they are. So what walks the
graph (`weights.py`) walks every form of it alike. No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emendo.errors import BundleError

from ..graph import Graph, Node
from .weights import Layer, layers

BLOCKS: tuple[tuple[int, int, int, bool], ...] = (
    (96, 96, 1, True),
    *[(96, 96, 1, False)] * 2,
    (96, 192, 2, False),
    *[(192, 192, 1, True), (192, 192, 1, False)] * 3,
    (192, 384, 2, False),
    (384, 384, 1, True),
    (384, 384, 1, False),
)
"""Channels in, channels out, vertical stride, squeeze-and-excitation: PP-LCNetV4 in its small form."""
STEM = 5
"""Convolutions in front of the blocks."""
_REMEDY = "use PP-OCRv6 small"


@dataclass(frozen=True, slots=True)
class Form:
    """What may differ between line networks: how wide each block is inside, and where the columns are halved.

    `hidden` holds the channels between the two pointwise convolutions of each block. From the block `halved` on there
    is one column for 8 pixels; 13 stands for the pooling behind the last block, where the base has it.
    """

    hidden: tuple[int, ...] = tuple(2 * row[0] for row in BLOCKS)
    halved: int = len(BLOCKS)


BASE = Form()


def form_of(model: Graph) -> Form:
    """The form of the network in a graph; raises BundleError when the graph is of another network."""
    shapes = {name: tensor.dims for name, tensor in model.tensors.items()}
    blocks = _blocks(model)
    hidden = tuple(int(shapes[wide.weight][0]) for _, wide, _ in blocks)
    halved = [at for at, (depthwise, _, _) in enumerate(blocks) if shapes[depthwise.weight][-1] == 4]
    return Form(hidden, halved[0] if halved else len(BLOCKS))


def reform(model: Graph, form: Form) -> None:
    """Give the graph another form, in place; the weights that change their shape are zero until they are written.

    Raises BundleError when the graph is of another network or its columns are halved elsewhere already.
    """
    now = form_of(model)
    if now.halved not in {form.halved, len(BLOCKS)}:
        raise BundleError(f"the graph halves its columns at block {now.halved} already", remedy="begin with its base")

    def empty(name: str, *shape: int) -> None:
        model.tensors[name].put(np.zeros(shape, np.float32))

    for at, (depthwise, wide, narrow) in enumerate(_blocks(model)):
        inputs, outputs, _, _ = BLOCKS[at]
        hidden = form.hidden[at]
        if hidden != now.hidden[at]:
            empty(wide.weight, hidden, inputs, 1, 1)
            empty(wide.bias, *(hidden if size == now.hidden[at] else 1 for size in model.tensors[wide.bias].dims))
            empty(narrow.weight, outputs, hidden, 1, 1)
        if at == form.halved != now.halved:
            empty(depthwise.weight, inputs, 1, 3, 4)
            _node(model, "Conv", depthwise.weight).set_integers(kernel_shape=(3, 4), strides=(BLOCKS[at][2], 2))
            _node(model, "AveragePool").set_integers(kernel_shape=(3, 1), strides=(3, 1))
    model.forget_shapes()


def _blocks(model: Graph) -> list[tuple[Layer, Layer, Layer]]:
    """Depthwise, widening and narrowing convolution of each block."""
    convolutions = [layer for layer in layers(model) if layer.kind == "convolution"]
    if len(convolutions) != STEM + sum(5 if row[3] else 3 for row in BLOCKS) + 3:
        raise BundleError(f"the graph has {len(convolutions)} convolutions", remedy=_REMEDY)
    found = []
    at = STEM
    for _, _, _, squeeze in BLOCKS:
        wide = at + (3 if squeeze else 1)
        found.append((convolutions[at], convolutions[wide], convolutions[wide + 1]))
        at = wide + 2
    return found


def _node(model: Graph, kind: str, weight: str = "") -> Node:
    fitting = [node for node in model.nodes if node.op_type == kind and (not weight or weight in node.input)]
    if len(fitting) != 1:
        raise BundleError(f"the graph has {len(fitting)} nodes {kind}, not one", remedy=_REMEDY)
    return fitting[0]
