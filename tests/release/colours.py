"""A real bundle of a few kilobytes: a CTC network that reads coloured stripes, right or wrong as a test wants it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from emendo.image.line import LineGeometry
from emendo.models.bundle import Bundle, BundleInfo, write_bundle
from emendo.types import Sample

COLOURS = {
    character: tuple(colour)
    for character, colour in zip("abcdefg", itertools.product((0, 255), repeat=3), strict=False)
}
"""Each character is one corner of the colour cube; white, the eighth, is paper and blank."""

GEOMETRY = LineGeometry(crop="none", stretch=1.0)


def write_colour_bundle(
    folder: Path,
    *,
    wrong: Mapping[str, str] | None = None,
    drop: str = "",
    name: str = "colours",
    geometry: LineGeometry = GEOMETRY,
    **info: Any,
) -> Bundle:
    """A bundle that reads `wrong[c]` where c stands, and lacks the characters of `drop` (they are read as blank)."""
    alphabet = tuple(c for c in COLOURS if c not in drop)
    rows = [(255, 255, 255)] + [COLOURS[c] for c in alphabet]
    for seen, said in (wrong or {}).items():
        rows[1 + alphabet.index(seen)], rows[1 + alphabet.index(said)] = (
            rows[1 + alphabet.index(said)],
            rows[1 + alphabet.index(seen)],
        )
    weight = 8 * (np.array(rows, np.float32)[:, ::-1].T / 127.5 - 1)
    content = BundleInfo(
        name=name,
        base="colours",
        alphabet=alphabet,
        preprocessing=geometry.model_dump(),
        licences=("Apache-2.0",),
        **info,
    )
    return write_bundle(folder, content, {"model.onnx": _graph(np.ascontiguousarray(weight), geometry.height)})


def colour_samples(folder: Path, texts: Sequence[str], **attributes: Sequence[str]) -> tuple[Sample, ...]:
    """One PNG of stripes for each text."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for number, text in enumerate(texts):
        image = np.full((48, 24 * len(text) + 24, 3), 255, np.uint8)
        for place, character in enumerate(text):
            image[:, 24 * place + 8 : 24 * place + 24] = COLOURS[character]
        path = folder / f"{number:03d}.png"
        assert cv2.imwrite(str(path), image[..., ::-1])
        values = {key: column[number] for key, column in attributes.items()}
        samples.append(Sample(id=f"s{number}", image=path, text=text, attributes=values))
    return tuple(samples)


def _graph(weight: np.ndarray, height: int) -> bytes:
    classes = weight.shape[1]
    nodes = [
        helper.make_node("AveragePool", ["image"], ["cells"], kernel_shape=[height, 8], strides=[height, 8]),
        helper.make_node("Squeeze", ["cells", "two"], ["columns"]),
        helper.make_node("Transpose", ["columns"], ["frames"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["frames", "weight"], ["logits"]),
        helper.make_node("LogSoftmax", ["logits"], ["log_probs"], axis=-1),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["lines", 3, height, "columns"])],
        [helper.make_tensor_value_info("log_probs", TensorProto.FLOAT, ["lines", "frames", classes])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(np.array([2]), "two")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
