"""The weights of a CTC recogniser inside its ONNX graph: read out, and written back after training.

The graph is walked in its own order, so nothing depends on what its tensors are called. Each convolution, linear layer
and layer normalisation is one `Layer`; a convolution's bias and a batch normalisation behind it are folded into one
weight and one bias, and written back as such (the normalisation then does nothing but add the bias). So training needs
no exporter: the graph that reads is the graph that was loaded, with other numbers in it.

No torch here: arrays only.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from emendo.errors import BundleError
from emendo.models.graph import Graph, Node

Array = npt.NDArray[np.float32]
Kind = Literal["convolution", "linear", "norm"]
_REMEDY = "use a bundle that this version wrote"


@dataclass(frozen=True, slots=True)
class Layer:
    """Names of the tensors of one layer.

    `weight` is (out, in / groups, kh, kw) for a convolution, (in, out) for a linear layer, (features,) for a layer
    normalisation; `bias` holds `out` values in any shape. `scale`, `mean`, `variance` and `epsilon` are those of a
    batch normalisation behind a convolution; `bias` is then its own.
    """

    kind: Kind
    weight: str
    bias: str
    scale: str = ""
    mean: str = ""
    variance: str = ""
    epsilon: float = 0.0


def layers(model: Graph) -> list[Layer]:
    """All layers with weights in the order of the graph; raises BundleError when one has a form we do not know."""
    tensors = set(model.tensors)
    after: dict[str, list[Node]] = {}
    for node in model.nodes:
        for name in node.input:
            after.setdefault(name, []).append(node)
    found = []
    for node in model.nodes:
        held = [name for name in node.input if name in tensors]
        following = after.get(node.output[0], [])
        if node.op_type == "Conv":
            found.append(_convolution(node, following, tensors))
        elif node.op_type == "MatMul" and held:
            found.append(Layer("linear", held[0], _added(following, tensors, node)))
        elif node.op_type == "Mul" and held and _is_norm(node, model):
            found.append(Layer("norm", held[0], _added(following, tensors, node)))
    return found


def _convolution(node: Node, following: list[Node], tensors: set[str]) -> Layer:
    weight = node.input[1]
    if len(node.input) > 2:
        return Layer("convolution", weight, node.input[2])
    if len(following) == 1 and following[0].op_type == "BatchNormalization":
        normal = following[0]
        _, scale, bias, mean, variance = normal.input
        return Layer("convolution", weight, bias, scale, mean, variance, normal.real("epsilon", 1e-5))
    return Layer("convolution", weight, _added(following, tensors, node))


def _added(following: list[Node], tensors: set[str], node: Node) -> str:
    names = [name for other in following if other.op_type == "Add" for name in other.input if name in tensors]
    if len(names) != 1:
        raise BundleError(f"the graph's node {node.output[0]!r} has no bias behind it", remedy=_REMEDY)
    return names[0]


def _is_norm(node: Node, model: Graph) -> bool:
    makers = {output: other for other in model.nodes for output in other.output}
    return any(name in makers and makers[name].op_type == "Div" for name in node.input) and any(
        name in model.tensors and len(model.tensors[name].dims) == 1 for name in node.input
    )


def read_layers(model: Graph) -> list[tuple[Layer, Array, Array]]:
    """Each layer with its weight and bias as torch lays them out: linear weights are (out, in), biases (out,)."""
    read = []
    for layer in layers(model):

        def values(name: str) -> Array:
            return model.tensors[name].array().astype(np.float32)

        weight, bias = values(layer.weight), values(layer.bias).reshape(-1)
        if layer.kind == "linear":
            weight = weight.T
        if layer.scale:
            factor = values(layer.scale) / np.sqrt(values(layer.variance) + np.float32(layer.epsilon))
            weight = weight * factor[:, None, None, None]
            bias = bias - values(layer.mean) * factor
        read.append((layer, np.ascontiguousarray(weight), np.ascontiguousarray(bias)))
    return read


def write_layers(model: Graph, new: Sequence[tuple[Array, Array]]) -> None:
    """Put weights and biases, laid out as `read_layers` gives them, into the graph, in place.

    The last layer may have another number of classes than the graph had. Raises BundleError when the number of layers
    or a shape does not fit.
    """
    known = layers(model)
    if len(known) != len(new):
        raise BundleError(f"the graph has {len(known)} layers, the network {len(new)}", remedy=_REMEDY)

    def put(name: str, array: Array, *, any_size: bool = False) -> None:
        old = model.tensors[name]
        if not any_size and int(np.prod(old.dims)) != array.size:
            raise BundleError(f"tensor {name!r} has {list(old.dims)}, not {list(array.shape)}", remedy=_REMEDY)
        old.put(np.asarray(array if any_size else array.reshape(old.dims), np.float32))

    for at, (layer, (weight, bias)) in enumerate(zip(known, new, strict=True)):
        last = at == len(known) - 1
        put(layer.weight, weight.T if layer.kind == "linear" else weight, any_size=last)
        put(layer.bias, bias, any_size=last)
        if layer.scale:
            size = len(bias)
            put(layer.scale, np.ones(size, np.float32))
            put(layer.mean, np.zeros(size, np.float32))
            put(layer.variance, np.full(size, 1 - layer.epsilon, np.float32))
    model.set_classes(len(new[-1][1]))


@dataclass(frozen=True, slots=True)
class Head:
    """The last linear layer for an alphabet: `weight` (1 + characters, features), `bias` alike, the blank first.

    `copied` maps each new character to the one whose row it began with, `random` names those that began at random.
    """

    alphabet: tuple[str, ...]
    weight: Array
    bias: Array
    copied: dict[str, str]
    random: tuple[str, ...]


LOOK_ALIKES: dict[str, str] = {
    "’": "'", "‘": "'", "ʼ": "'", "′": "'", "`": "'", "“": '"', "”": '"', "„": '"', "«": "<", "»": ">", "–": "-",
    "—": "-", "‐": "-", "−": "-", "⋎": "v", "⟦": "[", "⟧": "]", "œ": "o", "æ": "a", "ß": "B", "ſ": "f", "ı": "i",
    "ł": "l", "ø": "o", "đ": "d", "…": ".", "¬": "-", "×": "x", "⁊": "7", "ꝑ": "p", "ꝯ": "9", "°": "o", "№": "N",
    "،": ",", "؛": ";", "؟": "?",
}  # fmt: skip
"""Pairs whose shapes are close though Unicode decomposes neither into the other."""


def look_alike(character: str, known: Sequence[str] | dict[str, int]) -> str | None:
    """The character of `known` that looks most like `character`, None when there is none."""
    if character in LOOK_ALIKES and LOOK_ALIKES[character] in known:
        return LOOK_ALIKES[character]
    plain = unicodedata.normalize("NFKD", character)
    for candidate in (plain, plain[:1], character.lower(), character.upper(), plain[:1].lower()):
        if candidate and candidate != character and candidate in known:
            return candidate
    return None


def grow_head(
    weight: Array,
    bias: Array,
    alphabet: Sequence[str],
    wanted: Sequence[str],
    *,
    further: tuple[Array, Array, Sequence[str]] | None = None,
    seed: int = 0,
) -> Head:
    """The head with exactly the characters `wanted`, in that order.

    A row comes from the same character of `alphabet`, else from the same one of `further` (a fuller head with the
    same features), else from the nearest look-alike of either, else (and where it is a whole phrase) it is small and
    random with a mean bias.
    """
    rows: dict[str, tuple[Array, np.float32]] = {}
    if further is not None:
        rows.update({char: (further[0][i + 1], further[1][i + 1]) for i, char in enumerate(further[2])})
    rows.update({char: (weight[i + 1], bias[i + 1]) for i, char in enumerate(alphabet)})
    index = {char: i for i, char in enumerate(rows)}
    generator = np.random.default_rng(seed)
    new_weight, new_bias = [weight[0]], [bias[0]]
    copied, random = {}, []
    for char in wanted:
        source = char if char in rows else look_alike(char, index) if len(char) == 1 else None
        if source is None:
            random.append(char)
            new_weight.append(np.float32(0.02) * generator.standard_normal(weight.shape[1], np.float32))
            new_bias.append(np.float32(bias[1:].mean()))
            continue
        if source != char:
            copied[char] = source
        new_weight.append(rows[source][0])
        new_bias.append(rows[source][1])
    return Head(tuple(wanted), np.stack(new_weight), np.asarray(new_bias, np.float32), copied, tuple(random))
