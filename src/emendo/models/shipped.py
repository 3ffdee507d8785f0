"""Models that come with the package: weights mostly in float16, made into a bundle like any other at the first call.

    shipped/NAME/bundle.yaml         what the model is, as in any bundle
    shipped/NAME/model.safetensors   weight and bias of each layer in the order of the graph
    shipped/NAME/card.md             what it was made of, how it reads, credits and licences

`base-fields`, which tags the words of documents, has a graph with float16 weights in place of a safetensors file, and
is read as it lies.

The graph of the others is not there a second time: it is that of the embedded base, into which the weights are
written. Weights are float16 in the large layers and float32 in the small ones, which hold few of them and the largest;
what was lost by rounding was measured when the model was shipped and stands in `bundle.yaml` as `parity`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emendo.errors import BundleError, UsageError
from emendo.types import Image, Word

from .base import base_bundle, cache_folder, cached_bundle, set_head, weights_bytes
from .bundle import FIELDS_FAMILY, GRAPH_FILE, WEIGHTS_FILE, Bundle, read_bundle, write_bundle
from .ctc.decode import BONUS_PER_WEIGHT, WORDS_WEIGHT
from .ctc.tune import CHARACTER_MODEL_FILE, LANGUAGE_FIELDS, WORDS_FILE
from .ctc.weights import read_layers, write_layers
from .graph import Graph, load_graph

SHIPPED: Final = ("base-hand", "base-ar")
"""References that name a model of the package."""
SHIPPED_FIELDS: Final = "base-fields"
"""The one that tells the fields of documents."""
CARD: Final = "card.md"
MOST_BYTES: Final = 15_000_000
ROUNDED_ABOVE: Final = (20_000, 80_000, 10**9)
"""Values from which the weights of a layer are float16: tried in turn until all lines read the same. The last rounds
nothing, and is twice as large as the first."""
_FOLDER: Final = Path(str(resources.files("emendo.models"))) / "shipped"
EXPANSION: Final = 1
"""Raised when the expansion changes, so that an old cache is left aside."""


def shipped_bundle(name: str, *, folder: Path | None = None) -> Bundle:
    """The shipped model as a verified bundle, expanded into the cache at the first call.

    `folder` holds the compact form; without it that of the package is taken. Raises UsageError when the package does
    not hold it, BundleError when it is damaged, EngineError when the cache cannot be written.
    """
    compact = read_bundle(folder if folder is not None else _packaged(name), links=folder is None)
    target = cache_folder() / f"{name}-{compact.id}-{EXPANSION}"
    return cached_bundle(target, lambda replace: expand(compact, target, replace=replace))


def shipped_fields(*, folder: Path | None = None) -> Bundle:
    """The shipped model of fields as a verified bundle. Raises as `shipped_bundle` does."""
    return read_bundle(folder if folder is not None else _packaged(SHIPPED_FIELDS), links=folder is None)


def is_shipped(name: str) -> bool:
    """Whether this installation holds the model of that name."""
    return (_FOLDER / name).is_dir()


def _packaged(name: str) -> Path:
    found = _FOLDER / name
    if not found.is_dir():
        what = f"the model {name!r} is not part of this installation"
        raise UsageError(what, remedy="install a release of emendo that has it, or give the folder of a bundle")
    return found


def expand(compact: Bundle, target: Path, *, replace: bool = False) -> Bundle:
    """The compact form as a bundle with its graph. Raises BundleError when the weights do not fit the graph."""
    from safetensors.numpy import load

    held = load(compact.path(WEIGHTS_FILE).read_bytes())
    graph = load_graph(base_bundle().path(GRAPH_FILE))
    count = len(read_layers(graph))
    names = [_names(at) for at in range(count)]
    if set(held) != {name for pair in names for name in pair}:
        raise BundleError("holds other layers than the embedded base", where=compact.folder, remedy="install it again")
    layers = [(held[weight].astype(np.float32), held[bias].astype(np.float32)) for weight, bias in names]
    if layers[-1][0].shape[0] != len(compact.info.alphabet) + 1:
        what = f"holds {layers[-1][0].shape[0]} classes for {len(compact.info.alphabet)} characters and a blank"
        raise BundleError(what, where=compact.folder, remedy="install it again")
    set_head(graph, np.ascontiguousarray(layers[-1][0].T), layers[-1][1])
    write_layers(graph, layers)
    files: dict[str, bytes | Path] = {GRAPH_FILE: graph.SerializeToString(), WEIGHTS_FILE: weights_bytes(graph)}
    files.update({name: compact.path(name) for name in compact.info.files if name != WEIGHTS_FILE})
    return write_bundle(target, compact.info, files, replace=replace)


def compact_weights(graph: Graph, above: int) -> bytes:
    """The layers of a graph as a safetensors file: float16 where a layer has more than `above` weights."""
    from safetensors.numpy import save

    arrays: dict[str, npt.NDArray[np.floating[Any]]] = {}
    for at, (_, weight, bias) in enumerate(read_layers(graph)):
        rounded = weight.astype(np.float16)
        fits = weight.size > above and bool(np.isfinite(rounded).all())
        arrays.update(zip(_names(at), (rounded if fits else weight, bias), strict=True))
    return bytes(save(arrays))


def ship(bundle: Bundle, name: str, card: str, out: Path, images: Sequence[Image], *, language: str = "") -> Bundle:
    """Write the smallest form of a CTC bundle that reads all `images` as it does to the new folder `out`.

    `card` is the model card (Markdown). `language` makes it expect the words of a language, as in `CtcRecognizer`, in
    place of what the bundle expects.
    Raises BundleError when no form reads the same or the one that does is larger than `MOST_BYTES`, UsageError for
    another family or no lines.
    """
    if bundle.info.family != "ctc" or not images:
        what = f"is of the family {bundle.info.family!r}" if images else "cannot be compared on no lines"
        raise UsageError(f"{bundle.folder} {what}", remedy="give a bundle of the CTC family and a data set of lines")
    graph = load_graph(bundle.path(GRAPH_FILE))
    made = {GRAPH_FILE, WEIGHTS_FILE, CARD}
    decoding = dict(bundle.info.decoding)
    if language:
        made |= {CHARACTER_MODEL_FILE, WORDS_FILE}
        decoding = {key: value for key, value in decoding.items() if key not in LANGUAGE_FIELDS}
        weight = {"model_weight": WORDS_WEIGHT, "bonus": BONUS_PER_WEIGHT * WORDS_WEIGHT}
        decoding |= {"language": language, **weight}
    others = {kept: bundle.path(kept) for kept in bundle.info.files if kept not in made}
    info = bundle.info.model_copy(update={"name": name, "decoding": decoding})
    for above in ROUNDED_ABOVE:
        files: dict[str, bytes | Path] = {WEIGHTS_FILE: compact_weights(graph, above), CARD: card.encode(), **others}
        size = sum(len(one) if isinstance(one, bytes) else one.stat().st_size for one in files.values())
        if size > MOST_BYTES:
            raise BundleError(f"takes {size:,} bytes, more than {MOST_BYTES:,}", where=bundle.folder)
        with TemporaryDirectory(prefix="emendo-ship-") as held:
            draft = write_bundle(Path(held) / "compact", info, files)
            parity = _parity(bundle, expand(draft, Path(held) / "whole"), images, language)
        if parity is not None:
            rounding = {**parity, "rounded_above": above, "of": bundle.id}
            return write_bundle(out, info.model_copy(update={"parity": rounding}), files)
    raise BundleError("reads otherwise when its weights are put into the base's graph", where=bundle.folder)


def ship_fields(
    bundle: Bundle, card: str, out: Path, documents: Sequence[Sequence[Word]], *, licences: Sequence[str] = ()
) -> Bundle:
    """Write a bundle of fields with float16 weights to the new folder `out`, called `base-fields`.

    `licences` are those of the model and of what it was trained on. `documents` are words on which both are compared;
    how far they differ stands in `parity`. Raises UsageError for another family or no documents, BundleError when more
    than one likeliest label in a thousand differs, or when it is larger than `MOST_BYTES`.
    """
    from .extract.graph import build, weights_of
    from .extract.tagger import OnnxTagger

    if bundle.info.family != FIELDS_FAMILY or not documents:
        what = f"is of the family {bundle.info.family!r}" if documents else "cannot be compared on no documents"
        raise UsageError(f"{bundle.folder} {what}", remedy="give a bundle of the family 'fields' and some documents")
    graph = build(weights_of(bundle), half=True).SerializeToString()
    if len(graph) > MOST_BYTES:
        raise BundleError(f"takes {len(graph):,} bytes, more than {MOST_BYTES:,}", where=bundle.folder)
    info = bundle.info.model_copy(update={"name": SHIPPED_FIELDS, "licences": tuple(licences)})
    files: dict[str, bytes | Path] = {GRAPH_FILE: graph, CARD: card.encode()}
    with TemporaryDirectory(prefix="emendo-ship-") as held:
        draft = OnnxTagger(write_bundle(Path(held) / "compact", info, files))
        pairs = [(OnnxTagger(bundle).tag(words).labels, draft.tag(words).labels) for words in documents]
    worst = max(float(np.abs(one - other).max(initial=0.0)) for one, other in pairs)
    changed = sum(int((one.argmax(axis=1) != other.argmax(axis=1)).sum()) for one, other in pairs)
    words = sum(len(one) for one, _ in pairs)
    if changed > words / 1000:
        raise BundleError(f"labels {changed} of {words} words otherwise when it is rounded", where=bundle.folder)
    rounding = {"documents": len(documents), "words": words, "labels_changed": changed, "difference": worst}
    return write_bundle(out, info.model_copy(update={"parity": {**rounding, "of": bundle.id}}), files)


def _parity(bundle: Bundle, rounded: Bundle, images: Sequence[Image], language: str) -> dict[str, Any] | None:
    """Greatest difference of the log-probabilities above -10; None when a line reads otherwise."""
    from .ctc.recognizer import CtcRecognizer

    first, second = CtcRecognizer(bundle, language=language), CtcRecognizer(rounded)
    worst = 0.0
    for image in images:
        ((one, text),) = [(seen.evidence, seen.text) for seen in first.observe([image])]
        ((other, again),) = [(seen.evidence, seen.text) for seen in second.observe([image])]
        if text != again:
            return None
        near = one.log_probs > -10
        worst = max(worst, float(np.abs(one.log_probs - other.log_probs)[near].max(initial=0.0)))
    return {"lines": len(images), "log_prob_difference": worst, "same_text": True}


def _names(at: int) -> tuple[str, str]:
    return f"{at:03}.weight", f"{at:03}.bias"
