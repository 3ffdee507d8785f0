"""Export of line networks: one ONNX graph, in float32 or int8, beside the network that was trained."""

from __future__ import annotations

from emendo.image.load import sample_image
from emendo.models.bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, write_bundle
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.types import Image

from .int8 import quantised
from .lines import form_of, require_alone, require_shapes
from .order import Draft, Order


def write_onnx(order: Order) -> Draft:
    """The graph as it is, without the weights that only training needs."""
    source = order.bundle
    files = {name: source.path(name) for name in source.info.files if name != WEIGHTS_FILE}
    bundle = write_bundle(order.work / "onnx", source.info.model_copy(update={"parity": {}}), files)
    torch, onnx = _reader(order, source, trained=True), _reader(order, bundle)

    def check() -> None:
        require_shapes(torch, onnx, "onnx", _pictures(order))

    return Draft(bundle, (form_of("torch", torch, source), form_of("onnx", onnx, bundle)), check)


def write_int8(order: Order) -> Draft:
    """The graph with those layers in int8 that bear it; see `int8`."""
    plain = write_onnx(order)
    graph, tried = quantised(plain.bundle, order)
    files = {name: plain.bundle.path(name) for name in plain.bundle.info.files}
    bundle = write_bundle(order.work / "int8", plain.bundle.info, {**files, GRAPH_FILE: graph})
    reader = _reader(order, bundle)

    def check() -> None:
        plain.check()
        require_alone(reader, "onnx-int8", _pictures(order))

    forms = (*plain.forms, form_of("onnx-int8", reader, bundle))
    return Draft(bundle, forms, check, tried, plain=plain.bundle)


def _pictures(order: Order) -> list[Image]:
    return [sample_image(sample) for sample in order.samples[:3]]


def _reader(order: Order, bundle: Bundle, *, trained: bool = False) -> CtcRecognizer:
    return CtcRecognizer(bundle, threads=order.threads, engine="torch" if trained else "onnxruntime")
