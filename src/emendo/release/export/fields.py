"""Export of networks that tag the words of documents: one ONNX graph, in float32 or int8, beside the trained network.

In int8 are the matrices, with the ranges of what they are multiplied with taken at run time (Jacob et al., 2018; a
document is looked at alone, so no other can change them), and the table of the pieces of words, which is most of the
file. What a word is told by its place stays in float: those tables are small, and every pair of words looks there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from emendo.errors import EngineError, UsageError
from emendo.models.bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, write_bundle
from emendo.models.extract.graph import weights_of
from emendo.models.extract.tagger import OnnxTagger, Tagger
from emendo.models.generative.recognizer import needs
from emendo.types import Word

from .documents import documents, known, tagger_form, words_of
from .int8 import prepared
from .lines import megabytes
from .measure import Subject
from .order import Draft, Order

if TYPE_CHECKING:
    import onnx

SIZES: Final = (1, 3, 65, 200)
"""Numbers of words that every graph must take."""
ROUNDING: Final = 1e-3
"""Greatest difference of a probability between two float forms of one network."""
PIECES: Final = "pieces.weight"
"""The table of the pieces of words."""


def subject(order: Order) -> Subject:
    """Documents, read by the reader of the model."""
    return documents(order.bundle, order.samples, threads=order.threads)


def write_onnx(order: Order) -> Draft:
    """The graph as it is, without the weights that only training needs."""
    source = order.bundle
    files = {name: source.path(name) for name in source.info.files if name != WEIGHTS_FILE}
    bundle = write_bundle(order.work / "onnx", source.info.model_copy(update={"parity": {}}), files)
    trained, tagger = _trained(source), OnnxTagger(bundle, threads=order.threads)
    forms = (tagger_form("torch", trained, megabytes(source)), tagger_form("onnx", tagger, megabytes(bundle)))
    return Draft(bundle, forms, partial(require_sizes, trained, tagger, "onnx", _words(order)))


def write_int8(order: Order) -> Draft:
    """The graph with its matrices and the table of pieces in int8."""
    if not any(known(sample) for sample in order.samples):
        what = "int8 is judged on documents whose fields are known, and there are none"
        raise UsageError(what, remedy="give --data REF with fields")
    plain = write_onnx(order)
    order.progress(0, 0, "writing int8")
    files = {name: plain.bundle.path(name) for name in plain.bundle.info.files}
    graph = quantised(plain.bundle.path(GRAPH_FILE), order.work)
    bundle = write_bundle(order.work / "int8", plain.bundle.info, {**files, GRAPH_FILE: graph})
    tagger = OnnxTagger(bundle, threads=order.threads)
    form = tagger_form("onnx-int8", tagger, megabytes(bundle))

    def check() -> None:
        plain.check()
        for count in SIZES:
            _tags(tagger, "onnx-int8", _words(order), count)

    return replace(plain, bundle=bundle, forms=(*plain.forms, form), check=check, plain=plain.bundle)


def quantised(graph: Path, work: Path) -> bytes:
    """The graph in int8."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = prepared(graph, work)
    target = work / "dynamic.onnx"
    quantize_dynamic(
        model,
        target,
        op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        nodes_to_exclude=tables_of_places(model),
        per_channel=True,
        weight_type=QuantType.QInt8,
    )
    return target.read_bytes()


def tables_of_places(model: onnx.ModelProto) -> list[str]:
    """Names of the nodes that look up anything but pieces."""
    return [node.name for node in model.graph.node if node.op_type == "Gather" and not node.input[0].startswith(PIECES)]


def require_sizes(trained: Tagger, tagger: Tagger, name: str, words: Sequence[Word]) -> None:
    """Raise EngineError unless a graph takes documents of any number of words and says what the network says."""
    for count in SIZES:
        expected, found = _tags(trained, "torch", words, count), _tags(tagger, name, words, count)
        apart = max(float(np.abs(a - b).max(initial=0.0)) for a, b in zip(expected, found, strict=True))
        if not apart <= ROUNDING:
            what = f"{name} differs from the network by {apart:.2g} on a document of {count} words"
            raise EngineError(what, remedy="nothing was written; report it")


def _tags(tagger: Tagger, name: str, words: Sequence[Word], count: int) -> tuple[np.ndarray, ...]:
    some = [words[at % len(words)] for at in range(count)]
    try:
        tags = tagger.tag(some)
    except Exception as error:  # ONNX Runtime's own errors share no base class but this one
        reason = " ".join(str(error).split())[:160]
        what = f"{name} does not take a document of {count} words ({reason})"
        raise EngineError(what, remedy="nothing was written; export it with a dynamic number of words") from error
    return tags.labels, tags.rows, tags.kinds


def _words(order: Order) -> list[Word]:
    """Words of the first document that has any."""
    read = words_of(order.bundle, threads=order.threads)
    found: list[Word] = next((words for words in map(read, order.samples) if words), [])
    if not found:
        raise UsageError("no word was read in any of the documents", remedy="give --data REF with other documents")
    return found


def _trained(bundle: Bundle) -> Tagger:
    """The network that was trained, on torch."""
    needs(f"exporting a model of the family {bundle.info.family!r}")
    from emendo.train.extract.tagger import NetworkTagger

    return NetworkTagger(weights_of(bundle), bundle.info.decoding, f"{bundle.info.name}@{bundle.id}")
