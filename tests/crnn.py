"""A CRNN that learned nothing, as a bundle: enough to look at roads, threads and sums."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.numpy import save

from emendo.models.bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, BundleInfo, write_bundle
from emendo.models.ctc.crnn import Crnn, arrays_of
from emendo.models.ctc.crnn_graph import build, plate_geometry

ALPHABET = tuple("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")


def random_crnn(folder: Path, *, columns: int = 96, loud: float = 3.0) -> Bundle:
    """A bundle with random weights; `loud` makes its head say something."""
    torch.manual_seed(0)
    network = Crnn(1 + len(ALPHABET))
    with torch.no_grad():
        network.head.weight *= 20 * loud
    arrays = arrays_of(network)
    info = BundleInfo(
        family="crnn", name="random", alphabet=ALPHABET, preprocessing=plate_geometry(columns).model_dump()
    )
    files = {GRAPH_FILE: build(arrays).SerializeToString(), WEIGHTS_FILE: bytes(save(arrays))}
    return write_bundle(folder, info, files)
