"""The embedded base: PP-OCRv6 small (Apache-2.0), made into a bundle once.

The two files lie in the wheel of emendo, where its build puts them (`hatch_build.py`), or in that of `rapidocr`, from
which the build takes them; a checkout that is installed editable reads them there.

The recogniser (5.27 M parameters; PaddleOCR, https://github.com/PaddlePaddle/PaddleOCR) takes lines 48 pixels high and
emits, for every 8 columns, the probability of a blank, of each of 18,708 characters and of the space. Keeping only
the rows of the alphabet in use makes the head free and the errors fewer: nobody writes French and is read in Chinese.
The package `rapidocr` is never imported, only its files are read.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from emendo.errors import BundleError, EngineError
from emendo.image.line import LineGeometry
from emendo.tools.files import sha256_bytes, sha256_file

from .bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, BundleInfo, read_bundle, write_bundle
from .graph import FLOAT, Graph, Tensor, load_graph

RECOGNISER: Final = "PP-OCRv6_rec_small.onnx"
DETECTOR: Final = "PP-OCRv6_det_small.onnx"
EMBEDDED: Final = Path(str(resources.files("emendo.models"))) / "embedded"
"""Where the build of the wheel puts both files, and the version of the wheel that they were taken from."""
ORIGIN: Final = "rapidocr.version"
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
    """Path of an embedded model's file; raises EngineError when this installation does not hold it."""
    if (EMBEDDED / name).is_file():
        return EMBEDDED / name
    spec = importlib.util.find_spec("rapidocr")
    path = Path(spec.origin).parent / "models" / name if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise EngineError(
            f"the embedded model {name} is not installed",
            remedy="pip install emendo (emendo-device reads with bundles only), or pip install 'rapidocr>=3.10,<3.11'",
        )
    return path


def engine_version() -> str:
    """The version of `rapidocr` that the embedded models were taken from."""
    origin = EMBEDDED / ORIGIN
    return origin.read_text().strip() if origin.is_file() else importlib.metadata.version("rapidocr")


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
    version = engine_version()
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


def graph_alphabet(model: Graph, where: Path) -> tuple[str, ...]:
    """The characters of the base in class order, blank left out: its `character` metadata, then the space."""
    listed = [value for key, value in model.metadata if key == "character"]
    if len(listed) != 1:
        raise BundleError("has no `character` list in its metadata", where=where, remedy="reinstall emendo")
    return (*listed[0].split("\n"), " ")


def head_tensors(model: Graph) -> tuple[Tensor, Tensor]:
    """The initialisers of the last linear layer: weight (features, classes) and bias (classes,).

    They are found by walking back from the graph's output, so it does not matter what they are called.
    """
    made = {node.output[0]: node for node in model.nodes}
    found: dict[str, Tensor] = {}
    name = model.ends()[1]
    while "MatMul" not in found and name in made:
        node = made[name]
        weights = [model.tensors[entry] for entry in node.input if entry in model.tensors]
        if weights and node.op_type in {"Add", "MatMul"}:
            found[node.op_type] = weights[0]
        name = next((entry for entry in node.input if entry not in model.tensors), "")
    if set(found) != {"Add", "MatMul"}:
        raise BundleError("the graph does not end in a linear layer", remedy="use a CTC recogniser's graph")
    return found["MatMul"], found["Add"]


def set_head(model: Graph, weight: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> None:
    """Replace the last linear layer: `weight` (features, classes), `bias` (classes,); the output's shape follows."""
    for tensor, array in zip(head_tensors(model), (weight, bias), strict=True):
        tensor.put(np.asarray(array, np.float32))
    model.set_classes(len(bias))


def prune_head(model: Graph, full: Sequence[str], chosen: Sequence[str]) -> None:
    """Keep only the rows of `chosen` (each in `full`), in its order, behind the blank."""
    index = {char: i + 1 for i, char in enumerate(full)}
    rows = [0, *(index[char] for char in chosen)]
    weight, bias = (tensor.array() for tensor in head_tensors(model))
    set_head(model, weight[:, rows], bias[rows])


def name_ends(model: Graph, classes: int) -> None:
    """Name input and output, let the graph emit log-probabilities, and state the shapes (N, 3, 48, W) -> (N, T, C)."""
    if model.nodes[-1].op_type == "Softmax":
        model.nodes[-1].op_type = "LogSoftmax"
    height = model.input_shape()[2]
    model.set_ends(INPUT, ["lines", 3, height, "columns"], OUTPUT, ["lines", "frames", classes])
    model.drop_metadata()


def weights_bytes(model: Graph) -> bytes:
    """The float initialisers of the graph, under their names there, as a safetensors file."""
    from safetensors.numpy import save

    kept = [tensor for tensor in model.tensors.values() if tensor.kind == FLOAT]
    return bytes(save({tensor.name: tensor.array().copy() for tensor in kept}))
