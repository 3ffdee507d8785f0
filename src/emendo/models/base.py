"""The embedded base: PP-OCRv6 small (Apache-2.0), as the wheel of `rapidocr` carries it, made into a bundle once.

The recogniser (5.27 M parameters; PaddleOCR, https://github.com/PaddlePaddle/PaddleOCR) takes lines 48 pixels high and
emits, for every 8 columns, the probability of a blank, of each of 18,708 characters and of the space. Keeping only
the rows of the alphabet in use makes the head free and the errors fewer: nobody writes French and is read in Chinese.
The package `rapidocr` is never imported, only its file is read.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from emendo.errors import BundleError, EngineError
from emendo.image.line import LineGeometry
from emendo.tools.files import sha256_bytes, sha256_file

from .bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, BundleInfo, read_bundle, write_bundle

if TYPE_CHECKING:
    import onnx

RECOGNISER: Final = "PP-OCRv6_rec_small.onnx"
DETECTOR: Final = "PP-OCRv6_det_small.onnx"
NAMES: Final = ("base", "base-full")
CONVERSION: Final = 2
"""Raised when the conversion changes, so that an old cache is left aside."""
DECODING: Final = {"blank_cost": 0.5, "doubt": 0.05, "language": "auto", "model_weight": 0.5, "bonus": 1.0}
LOOKS: Final = ({"stretch": 0.9}, {"stretch": 1.3, "blur": 0.8}, {"stretch": 1.1, "blur": 0.8})
"""How the unadapted base reads; chosen on peraire val and train, hands_fr and hands_en (docs/decisions.md)."""
CALIBRATION: Final = {
    "intercept": 0.43,
    "weights": (0.1544, 0.3192, 3.6823, 0.1886),
    "lines": 359,
    "ece_before": 0.0658,
    "ece_after": 0.0474,
}
"""Fitted by `models.calibration.fit` on 359 of the same lines, of which the base reads 14.5 % without an error."""
INPUT, OUTPUT = "image", "log_probs"
SYMBOLS: Final = "€£§°²³½¼¾«»“”‘’„†‡•…–—′″‰→←×÷±²³µ¿¡·º№™©®"


def engine_file(name: str) -> Path:
    """Path of a model file inside the installed `rapidocr` wheel; raises EngineError when it is not there."""
    spec = importlib.util.find_spec("rapidocr")
    path = Path(spec.origin).parent / "models" / name if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise EngineError(f"the embedded model {name} is not installed", remedy="pip install 'rapidocr>=3.10,<3.11'")
    return path


def cache_folder() -> Path:
    """Where converted models are kept: `EMENDO_CACHE`, else `emendo` in `XDG_CACHE_HOME` or `~/.cache`."""
    chosen = os.environ.get("EMENDO_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "emendo"


def base_bundle(name: str = "base") -> Bundle:
    """The base as a verified bundle, converted at the first call and cached.

    `base` reads Latin letters, digits, punctuation and common symbols; `base-full` all 18,709 characters. Raises
    EngineError when the wheel is missing or the cache cannot be written.
    """
    source = engine_file(RECOGNISER)
    version = importlib.metadata.version("rapidocr")
    fixed = f"{DECODING} {LOOKS} {CALIBRATION} {LineGeometry().model_dump_json()}"
    recipe = f"{version} {source.stat().st_size} {CONVERSION} {fixed}"
    target = cache_folder() / f"{name}-{sha256_bytes(recipe.encode())[:16]}"
    return cached_bundle(target, lambda replace: _convert(name, source, target, version, replace=replace))


def cached_bundle(target: Path, make: Callable[[bool], Bundle]) -> Bundle:
    """The bundle at `target` in the cache, made when it is not there and anew (`make(True)`) when it is damaged.

    Raises EngineError when the cache cannot be written.
    """
    damaged = False
    if target.is_dir():
        try:
            return read_bundle(target)
        except BundleError:
            damaged = True
    try:
        return make(damaged)
    except FileExistsError:
        return read_bundle(target)
    except OSError as error:
        raise EngineError(
            f"cannot write the model into the cache ({error.strerror})",
            where=target,
            remedy="set EMENDO_CACHE to a folder",
        ) from error


def _convert(name: str, source: Path, target: Path, version: str, *, replace: bool) -> Bundle:
    model = load_graph(source)
    full = graph_alphabet(model, source)
    chosen = full if name == "base-full" else tuple(char for char in full if in_default_alphabet(char))
    prune_head(model, full, chosen)
    name_ends(model, len(chosen) + 1)
    info = BundleInfo(
        name=name,
        base=f"PP-OCRv6_rec_small (rapidocr {version})",
        alphabet=chosen,
        preprocessing=LineGeometry().model_dump(),
        decoding=DECODING,
        looks=LOOKS,
        calibration=CALIBRATION,
        run={"source": source.name, "source_sha256": sha256_file(source), "conversion": CONVERSION},
        licences=("Apache-2.0 (PaddleOCR: PP-OCRv6 small)",),
    )
    files = {GRAPH_FILE: model.SerializeToString(), WEIGHTS_FILE: weights_bytes(model)}
    return write_bundle(target, info, files, replace=replace)


@cache
def in_default_alphabet(character: str) -> bool:
    """Whether the default base reads this character: Latin up to Extended-A, digits, ASCII and common symbols."""
    if character in SYMBOLS:
        return True
    code = ord(character) if len(character) == 1 else 0x110000
    return 0x20 <= code < 0x7F or (0xC0 <= code < 0x180 and character.isalpha()) or character in "ȘșȚțẞ"


def load_graph(path: Path) -> onnx.ModelProto:
    """The ONNX file as a protocol-buffer message, weights inside; `onnx` is imported here and not before."""
    import onnx

    return onnx.load_model(str(path), load_external_data=False)


def graph_alphabet(model: onnx.ModelProto, where: Path) -> tuple[str, ...]:
    """The characters of the base in class order, blank left out: its `character` metadata, then the space."""
    listed = [entry.value for entry in model.metadata_props if entry.key == "character"]
    if len(listed) != 1:
        raise BundleError("has no `character` list in its metadata", where=where, remedy="reinstall rapidocr")
    return (*listed[0].split("\n"), " ")


def head_tensors(model: onnx.ModelProto) -> tuple[Any, Any]:
    """The initialisers of the last linear layer: weight (features, classes) and bias (classes,).

    They are found by walking back from the graph's output, so it does not matter what they are called.
    """
    made = {node.output[0]: node for node in model.graph.node}
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    found: dict[str, Any] = {}
    name = model.graph.output[0].name
    while "MatMul" not in found and name in made:
        node = made[name]
        weights = [tensors[entry] for entry in node.input if entry in tensors]
        if weights and node.op_type in {"Add", "MatMul"}:
            found[node.op_type] = weights[0]
        name = next((entry for entry in node.input if entry not in tensors), "")
    if set(found) != {"Add", "MatMul"}:
        raise BundleError("the graph does not end in a linear layer", remedy="use a CTC recogniser's graph")
    return found["MatMul"], found["Add"]


def set_head(model: onnx.ModelProto, weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> None:
    """Replace the last linear layer: `weight` (features, classes), `bias` (classes,); the output's shape follows."""
    from onnx import numpy_helper

    for tensor, array in zip(head_tensors(model), (weight, bias), strict=True):
        tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), tensor.name))
    del model.graph.value_info[:]
    dims = model.graph.output[0].type.tensor_type.shape.dim
    if len(dims):
        dims[-1].dim_value = len(bias)


def prune_head(model: onnx.ModelProto, full: Sequence[str], chosen: Sequence[str]) -> None:
    """Keep only the rows of `chosen` (each in `full`), in its order, behind the blank."""
    from onnx import numpy_helper

    index = {char: i + 1 for i, char in enumerate(full)}
    rows = [0, *(index[char] for char in chosen)]
    weight, bias = (numpy_helper.to_array(tensor) for tensor in head_tensors(model))
    set_head(model, weight[:, rows], bias[rows])


def name_ends(model: onnx.ModelProto, classes: int) -> None:
    """Name input and output, let the graph emit log-probabilities, and state the shapes (N, 3, 48, W) -> (N, T, C)."""
    import onnx

    graph = model.graph
    last = graph.node[-1]
    if last.op_type == "Softmax":
        last.op_type = "LogSoftmax"
    old_input, old_output = graph.input[0].name, graph.output[0].name
    for node in graph.node:
        node.input[:] = [INPUT if entry == old_input else entry for entry in node.input]
        node.output[:] = [OUTPUT if entry == old_output else entry for entry in node.output]
    kind = onnx.TensorProto.FLOAT
    height = graph.input[0].type.tensor_type.shape.dim[2].dim_value
    graph.input[0].CopyFrom(onnx.helper.make_tensor_value_info(INPUT, kind, ["lines", 3, height, "columns"]))
    graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info(OUTPUT, kind, ["lines", "frames", classes]))
    del model.metadata_props[:]


def weights_bytes(model: onnx.ModelProto) -> bytes:
    """The float initialisers of the graph, under their names there, as a safetensors file."""
    import onnx
    from onnx import numpy_helper
    from safetensors.numpy import save

    kept = [tensor for tensor in model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT]
    return bytes(save({tensor.name: numpy_helper.to_array(tensor).copy() for tensor in kept}))
