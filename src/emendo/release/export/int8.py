"""A line network in int8: which layers bear it, found by trying.

Static quantisation in the QDQ form: weights by channel, activations by ranges seen on calibration lines (Jacob et al.,
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018), so that a line
never reads otherwise because of its neighbours. Ranges taken at run time (`dynamic`) depend on the whole batch; that
form is tried for its figures, and refused where it shows. Convolutions and matrices are tried in ever larger groups;
where each costs more than the budget, the layers that hurt most, each measured alone, go back to float.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from emendo.errors import EmendoError, Refused, UsageError
from emendo.image.line import network_input, normalize_line
from emendo.image.load import sample_image
from emendo.models.bundle import GRAPH_FILE, Bundle, write_bundle
from emendo.models.ctc.recognizer import CtcRecognizer, load_geometry
from emendo.models.engine import open_engine

from .lines import bare_form, require_alone
from .measure import Tally, measure
from .order import Order

if TYPE_CHECKING:
    import onnx

RANGE_LINES: Final = 24
"""Lines whose activations give the ranges."""
CHOOSING_LINES: Final = 120
"""Lines on which the forms are compared, at most."""
HARM_LINES: Final = 8
"""Lines on which one layer alone is looked at."""
FASTER: Final = 0.97
"""Share of the float form's time that an int8 form may take at most; less than 3 % lies within the measuring."""
KEPT: Final = (2, 4, 8, 16)
"""How many of the most harmful layers are kept in float, one after the other."""
OPSET: Final = 17
"""The first quantisation by channel needs 13."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One form with its figures beside the float form on the choosing lines; `fault` is empty where it will do."""

    form: str
    layers: int
    kept: tuple[str, ...]
    cer: float
    cer_difference: float
    milliseconds: float
    float_milliseconds: float
    time_share: float
    megabytes: float
    float_megabytes: float
    fault: str

    def __str__(self) -> str:
        told = (
            f"{self.form} ({self.layers} layers): CER {100 * self.cer:.2f} % "
            f"({100 * self.cer_difference:+.2f} points), "
            f"{self.milliseconds:.1f} ms (float {self.float_milliseconds:.1f}, {100 * self.time_share:.0f} %), "
            f"{self.megabytes:.1f} MB (float {self.float_megabytes:.1f})"
        )
        return f"{told}: {self.fault}" if self.fault else told


def worth(reference: Tally, plain: Tally, tally: Tally, budget: float, *, share: float = FASTER) -> str:
    """Why an int8 form is not worth having, empty where it is: smaller, faster, and within the budget.

    `share` is the share of the float form's time that it may take at most (and never as much).
    """
    faults = []
    if not tally.megabytes < plain.megabytes:
        faults.append("not smaller")
    if not tally.time_share(plain) < share:
        faults.append("not faster")
    if tally.cer is None or reference.cer is None:
        if tally.same < tally.lines:
            one = tally.subject.one
            faults.append(
                f"{tally.lines - tally.same} of {tally.lines} {one}s read otherwise, and no truth to judge by"
            )
    elif not tally.cer - reference.cer <= budget:
        faults.append(f"loses more than {100 * budget:.2f} points of {tally.subject.error}")
    return ", ".join(faults)


def quantised(plain: Bundle, order: Order) -> tuple[bytes, tuple[Tried, ...]]:
    """The int8 graph that is the quickest of those that will do, and the figures of all that were tried.

    Raises Refused with the figures when none will do, UsageError without lines that have texts.
    """
    samples = [sample for sample in order.calibration if sample.text is not None]
    if not samples:
        raise UsageError("int8 is chosen on lines with texts, and there are none", remedy="give --calibration REF")
    search = Search(plain, order, samples)
    found = search.run()
    best = min((one for one in found if not one.fault), key=lambda one: one.time_share, default=None)
    if best is None and order.insist:
        best = min(found, key=lambda one: (one.cer_difference > order.budget, one.time_share))
    if best is None:
        figures = "; ".join(map(str, found))
        what = f"no int8 form is smaller, faster and within {100 * order.budget:.2f} points of CER ({figures})"
        raise Refused(what, remedy="export it as onnx")
    return search.graphs[best.form], tuple(found)


class Search:
    """The forms of one graph, tried one after the other."""

    def __init__(self, plain: Bundle, order: Order, samples: Sequence[Any]) -> None:
        self.plain, self.order = plain, order
        self.choosing = spread(samples, CHOOSING_LINES)
        self.geometry = load_geometry(plain)
        self.model = prepared(plain.path(GRAPH_FILE), order.work)
        self.float_reader = CtcRecognizer(plain, threads=order.threads)
        self.graphs: dict[str, bytes] = {}
        order.progress(0, 0, "taking the ranges")
        self.inputs = [self._input(sample) for sample in spread(samples, RANGE_LINES)]
        self.ranges = ranges_of(self.model, self.inputs, order.work)

    def _input(self, sample: Any) -> npt.NDArray[np.float32]:
        return network_input([normalize_line(sample_image(sample), self.geometry)], self.geometry)

    def run(self) -> list[Tried]:
        """All groups; where none will do, the best of the faster ones with the layers that hurt most in float."""
        groups = layer_groups(self.model)
        found = [self.attempt("dynamic", dynamic(self.model, self.order.work), (), ())]
        for name, nodes in groups.items():
            found.append(self.attempt(name, static(self.model, self.ranges, nodes), nodes, ()))
        quick = [one for one in found[1:] if one.time_share < FASTER]
        if quick and not any(not one.fault for one in found):
            nearest = min(quick, key=lambda one: one.cer_difference)
            found += self.narrowed(nearest.form, groups[nearest.form])
        return found

    def narrowed(self, name: str, nodes: Sequence[str]) -> list[Tried]:
        """The group without its most harmful layers, ever fewer, until a form will do or is no longer faster."""
        harmful = sorted(self.harm(nodes).items(), key=lambda pair: -pair[1])
        found: list[Tried] = []
        for count in (count for count in KEPT if count < len(nodes)):
            kept = tuple(node for node, _ in harmful[:count])
            rest = [node for node in nodes if node not in kept]
            graph = static(self.model, self.ranges, rest)
            found.append(self.attempt(f"{name}, {count} kept in float", graph, rest, kept))
            if not found[-1].fault or found[-1].time_share >= FASTER:
                break
        return found

    def harm(self, nodes: Sequence[str]) -> dict[str, float]:
        """Mean divergence (Kullback and Leibler, nats a frame) from the float graph with one layer alone in int8."""
        looked = self.inputs[:HARM_LINES]
        engine = open_engine(self.plain.path(GRAPH_FILE), threads=self.order.threads)
        plain = [engine.run(one) for one in looked]
        found = {}
        for at, node in enumerate(nodes):
            path = self.order.work / "one.onnx"
            path.write_bytes(static(self.model, self.ranges, [node]))
            engine = open_engine(path, threads=self.order.threads)
            apart = [divergence(a, engine.run(one)) for a, one in zip(plain, looked, strict=True)]
            found[node] = float(np.mean(apart))
            self.order.progress(at + 1, len(nodes), "looking at each layer alone")
        return found

    def attempt(self, name: str, graph: bytes, nodes: Sequence[str], kept: tuple[str, ...]) -> Tried:
        """Read the choosing lines with a form and with the float form in turn."""
        self.order.progress(0, 0, f"trying int8: {name}")
        files = {one: self.plain.path(one) for one in self.plain.info.files}
        place = self.order.work / f"tried-{len(self.graphs)}"
        bundle = write_bundle(place, self.plain.info, {**files, GRAPH_FILE: graph})
        reader = CtcRecognizer(bundle, threads=self.order.threads)
        forms = (bare_form("onnx", self.float_reader, self.plain), bare_form("onnx-int8", reader, bundle))
        plain, tally = measure(forms, self.choosing, timed=self.order.timed, progress=self.order.progress)
        fault = worth(plain, plain, tally, self.order.budget)
        try:
            require_alone(reader, name, [sample_image(sample) for sample in self.choosing[:3]])
        except EmendoError as error:
            fault = ", ".join(filter(None, (fault, error.what)))
        self.graphs[name] = graph
        assert tally.cer is not None and plain.cer is not None
        return Tried(
            form=name,
            layers=len(nodes) or sum(node.op_type in {"MatMul", "Gemm"} for node in self.model.graph.node),
            kept=kept,
            cer=tally.cer,
            cer_difference=tally.cer - plain.cer,
            milliseconds=tally.milliseconds,
            float_milliseconds=plain.milliseconds,
            time_share=tally.time_share(plain),
            megabytes=tally.megabytes,
            float_megabytes=plain.megabytes,
            fault=fault,
        )


def spread(samples: Sequence[Any], most: int) -> list[Any]:
    """At most `most` of them, evenly."""
    return list(samples[:: max(1, -(-len(samples) // most))])


def divergence(plain: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Kullback and Leibler's divergence of log-probabilities (N, frames, classes), nats a frame."""
    return float((np.exp(plain) * (plain - other)).sum(-1).mean())


def prepared(graph: Path, work: Path) -> onnx.ModelProto:
    """The graph with its constants folded, at an opset that can be quantised by channel, every node named."""
    import onnx
    import onnxruntime

    folded = work / "folded.onnx"
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folded)
    options.log_severity_level = 3
    onnxruntime.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
    model = onnx.load(folded)
    version = next((one.version for one in model.opset_import if one.domain == ""), 0)
    if version < OPSET:
        model = onnx.version_converter.convert_version(model, OPSET)
    for at, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}.{at}"
    onnx.helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})  # else it asks for it
    return onnx.shape_inference.infer_shapes(model)


def layer_groups(model: onnx.ModelProto) -> dict[str, tuple[str, ...]]:
    """Names of nodes, in groups that grow.

    `pointwise`: 1 x 1 convolutions; `convolutions`: all that mix channels, but for the first, which sees the picture;
    `convolutions and matrices`: those and the linear layers but the last; `all but the ends`: depthwise ones as well.
    Squeeze-and-excitation, which works on one number a channel, gains nothing and is in none.
    """
    shapes = {tensor.name: list(tensor.dims) for tensor in model.graph.initializer}
    makers = {output: node for node in model.graph.node for output in node.output}
    nodes = [node for node in model.graph.node if len(node.input) > 1 and node.input[1] in shapes]
    convolutions = [node for node in nodes if node.op_type == "Conv" and not _squeezed(node, makers)]
    linear = [node.name for node in nodes if node.op_type in {"MatMul", "Gemm"}][:-1]
    mixing = [node for node in convolutions if shapes[node.input[1]][1] > 1]
    apart = [node.name for node in convolutions if shapes[node.input[1]][1] == 1]
    pointwise = [node.name for node in mixing if shapes[node.input[1]][2:] == [1, 1]]
    inner = [node.name for node in mixing[1:]]
    groups = {
        "pointwise": pointwise,
        "convolutions": inner,
        "convolutions and matrices": inner + linear,
        "all but the ends": inner + linear + apart,
    }
    found: dict[str, tuple[str, ...]] = {}
    for name, chosen in groups.items():
        if chosen and tuple(chosen) not in found.values():
            found[name] = tuple(chosen)
    return found


def _squeezed(node: Any, makers: Mapping[str, Any]) -> bool:
    """Whether a convolution sees the mean of a picture."""
    maker = makers.get(node.input[0])
    while maker is not None and maker.op_type in {"Relu", "Conv"}:
        if maker.op_type == "Conv" and not _after_mean(maker, makers):
            return False
        maker = makers.get(maker.input[0])
    return maker is not None and maker.op_type in {"ReduceMean", "GlobalAveragePool"}


def _after_mean(node: Any, makers: Mapping[str, Any]) -> bool:
    maker = makers.get(node.input[0])
    return maker is not None and maker.op_type in {"ReduceMean", "GlobalAveragePool"}


def ranges_of(model: onnx.ModelProto, inputs: Sequence[npt.NDArray[np.float32]], work: Path) -> Any:
    """Least and greatest value of each activation over some inputs."""
    import onnx
    from onnxruntime.quantization import CalibrationMethod
    from onnxruntime.quantization.calibrate import create_calibrator

    path = work / "calibrated.onnx"
    onnx.save(model, path)
    calibrator = create_calibrator(
        path,
        ["Conv", "MatMul", "Gemm"],
        augmented_model_path=str(work / "augmented.onnx"),
        calibrate_method=CalibrationMethod.MinMax,
    )
    calibrator.collect_data(_Reader(model.graph.input[0].name, inputs))
    return calibrator.compute_data()


class _Reader:
    """Inputs one by one, as the calibrator asks for them."""

    def __init__(self, name: str, inputs: Sequence[npt.NDArray[np.float32]]) -> None:
        self._left = iter([{name: one} for one in inputs])

    def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
        return next(self._left, None)


def static(model: onnx.ModelProto, ranges: Any, nodes: Sequence[str]) -> bytes:
    """The graph with the named nodes in int8."""
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    made = QDQQuantizer(
        copy.deepcopy(model),
        True,  # weights by channel
        False,
        QuantType.QInt8,
        QuantType.QUInt8,
        ranges,
        list(nodes),
        [],
        ["Conv", "MatMul", "Gemm"],
        {},
    )
    made.quantize_model()
    return bytes(made.model.model.SerializeToString())


def dynamic(model: onnx.ModelProto, work: Path) -> bytes:
    """The graph with its matrices in int8 and the ranges of activations taken at run time."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    target = work / "dynamic.onnx"
    kinds = ["MatMul", "Gemm"]
    quantize_dynamic(
        copy.deepcopy(model), target, op_types_to_quantize=kinds, per_channel=True, weight_type=QuantType.QInt8
    )
    return target.read_bytes()
