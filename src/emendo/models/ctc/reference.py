"""The trained network itself as an engine: what every exported form of it is compared with. Needs torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import torch
from safetensors.numpy import load_file

from emendo.errors import BundleError
from emendo.models.bundle import GRAPH_FILE, LINE_HEIGHT, WEIGHTS_FILE, Bundle
from emendo.models.engine import Array, End
from emendo.models.graph import FLOAT, load_graph

from .crnn import network_of
from .network import LineNetwork, load_network


class TorchEngine:
    """The network of a bundle on torch, with the weights from which training goes on where it holds them.

    Lines (N, 3, height, W) in, log-probabilities (N, frames, classes) out, as from the graph. Raises BundleError when
    the weights are those of another network.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        torch.set_num_threads(max(1, threads))
        self._network = NETWORKS[bundle.info.family](bundle)
        self._network.eval()
        height = int(bundle.info.preprocessing.get("height", LINE_HEIGHT))
        classes = self.run(np.zeros((1, 3, height, 96), np.float32)).shape[-1]
        self.inputs: tuple[End, ...] = (End("image", (None, 3, height, None)),)
        self.outputs: tuple[End, ...] = (End("log_probs", (None, None, classes)),)

    def run(self, batch: Array) -> Array:
        """Lines (N, 3, height, W) -> (N, frames, classes)."""
        with torch.inference_mode():
            found: Array = self._network(torch.from_numpy(batch)).log_softmax(-1).numpy()
        return found


def trained_network(bundle: Bundle) -> LineNetwork:
    """The network with the weights of `model.safetensors`, or of the graph where the bundle only reads.

    Raises BundleError when the weights are those of another network, or only in int8.
    """
    graph = load_graph(bundle.path(GRAPH_FILE))
    if WEIGHTS_FILE in bundle.info.files:
        trained = load_file(bundle.path(WEIGHTS_FILE))
        for name, tensor in graph.tensors.items():
            if tensor.kind != FLOAT:
                continue
            weight = trained.get(name)
            if weight is None or tuple(weight.shape) != tensor.dims:
                held = "is not" if weight is None else f"has {list(weight.shape)}"
                what = f"tensor {name!r} {held} in {WEIGHTS_FILE}, not {list(tensor.dims)}"
                raise BundleError(what, where=bundle.folder, remedy="use a bundle that this version wrote")
            tensor.put(np.ascontiguousarray(weight, np.float32))
    elif any(node.op_type == "DequantizeLinear" for node in graph.nodes):
        what = "holds a graph in int8 and no weights"
        raise BundleError(what, where=bundle.folder, remedy="give the model that it was exported from")
    return load_network(graph)


def trained_crnn(bundle: Bundle) -> torch.nn.Module:
    """The trained CRNN of a bundle, from its weights."""
    return network_of(load_file(bundle.path(WEIGHTS_FILE)))


NETWORKS: Final[Mapping[str, Callable[[Bundle], torch.nn.Module]]] = {"ctc": trained_network, "crnn": trained_crnn}
"""How the trained network of a bundle is made, by its family."""
