"""int8 of line networks: small real networks, measured; what is not worth having is refused with its figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from emendo.datasets.dataset import open_dataset
from emendo.errors import Refused, UsageError
from emendo.image.load import sample_image
from emendo.models.bundle import Bundle, BundleInfo, write_bundle
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.release.export import Order
from emendo.release.export.int8 import Tried, layer_groups, prepared, quantised, worth
from emendo.release.export.measure import Seen, Tally
from emendo.types import Sample

ALPHABET = tuple("abcdefghij")


def network(channels: int, *, loud: float = 1.0, layers: int = 6) -> bytes:
    """Columns of 8 pixels, then pointwise convolutions; one channel of the second is `loud` times the others.

    The third takes it back, so the float network does not change, while int8 sees the range of the loud one.
    """
    rng = np.random.default_rng(3)
    tensors, nodes = [], []

    def convolution(name: str, taken: str, shape: tuple[int, ...], **more: object) -> np.ndarray:
        weight = (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32) * 1.6
        nodes.append(helper.make_node("Conv", [taken, f"{name}.w", f"{name}.b"], [f"{name}.c"], **more))
        nodes.append(helper.make_node("Relu", [f"{name}.c"], [name]))
        tensors.append(numpy_helper.from_array(rng.standard_normal(shape[0]).astype(np.float32) * 0.1, f"{name}.b"))
        return weight

    weights = {"first": convolution("first", "image", (channels, 3, 8, 8), strides=[8, 8])}
    names = ["first", *(f"layer{at}" for at in range(layers))]
    for before, name in pairwise(names):
        weights[name] = convolution(name, before, (channels, channels, 1, 1))
    weights["layer1"][0] *= loud
    weights["layer2"][:, 0] /= loud
    bias = next(one for one in tensors if one.name == "layer1.b")
    raised = numpy_helper.to_array(bias).copy()
    raised[0] *= loud
    bias.CopyFrom(numpy_helper.from_array(raised, bias.name))
    tensors += [numpy_helper.from_array(weight, f"{name}.w") for name, weight in weights.items()]
    head = (rng.standard_normal((channels, len(ALPHABET) + 1)) * 3 / np.sqrt(channels)).astype(np.float32)
    tensors += [numpy_helper.from_array(head, "head.w"), numpy_helper.from_array(np.zeros(11, np.float32), "head.b")]
    nodes += [
        helper.make_node("ReduceMean", [names[-1]], ["rows"], axes=[2], keepdims=0),
        helper.make_node("Transpose", ["rows"], ["columns"], perm=[0, 2, 1]),
        helper.make_node("MatMul", ["columns", "head.w"], ["product"]),
        helper.make_node("Add", ["product", "head.b"], ["scores"]),
        helper.make_node("LogSoftmax", ["scores"], ["log_probs"], axis=-1),
    ]
    taken = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 48, "w"])
    given = helper.make_tensor_value_info("log_probs", TensorProto.FLOAT, ["n", "t", len(ALPHABET) + 1])
    made = helper.make_graph(nodes, "line", [taken], [given], tensors)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


@pytest.fixture(scope="module")
def lines(data: Path) -> list[Sample]:
    return list(open_dataset(data / "peraire").split("val")[:8])


def model(folder: Path, graph: bytes, lines: list[Sample]) -> tuple[Bundle, list[Sample]]:
    """The bundle of a graph, and the lines with what it reads as their texts."""
    bundle = write_bundle(folder, BundleInfo(name="small", alphabet=ALPHABET), {"model.onnx": graph})
    read = CtcRecognizer(bundle, decoder="greedy").read([sample_image(one) for one in lines])
    assert all(one.text for one in read)
    return bundle, [replace(one, text=found.text) for one, found in zip(lines, read, strict=True)]


def twice_as_fast(form: str, call: Callable[[], Seen]) -> tuple[Seen, float]:
    return call(), 0.5 if form == "onnx-int8" else 1.0


def order(bundle: Bundle, lines: list[Sample], work: Path, **changes: object) -> Order:
    work.mkdir(exist_ok=True)
    return Order(model=bundle, form="onnx-int8", samples=lines, calibration=lines, work=work, **changes)  # type: ignore[arg-type]


def test_a_network_too_small_to_gain_is_refused_with_the_figures(lines: list[Sample], tmp_path: Path) -> None:
    bundle, told = model(tmp_path / "bundle", network(4, layers=3), lines)
    with pytest.raises(Refused) as caught:
        quantised(bundle, order(bundle, told, tmp_path / "work"))
    sentence = str(caught.value)
    start = "no int8 form is smaller, faster and within 0.30 points of CER (dynamic (1 layers): CER "
    assert sentence.startswith(start)
    assert "pointwise (3 layers): CER" in sentence and "not smaller" in sentence and "MB (float 0.0)" in sentence
    assert sentence.endswith("export it as onnx") and caught.value.exit_status == 1


def test_the_quickest_form_within_the_budget_is_kept(lines: list[Sample], tmp_path: Path) -> None:
    bundle, told = model(tmp_path / "bundle", network(64), lines)
    graph, tried = quantised(bundle, order(bundle, told, tmp_path / "work", budget=1.0, timed=twice_as_fast))
    forms = {one.form: one for one in tried}
    assert "sees a line otherwise" in forms["dynamic"].fault or not forms["dynamic"].fault
    assert not forms["pointwise"].fault and forms["pointwise"].layers == 6
    assert forms["pointwise"].megabytes < 0.7 * forms["pointwise"].float_megabytes
    held = onnx.load_from_string(graph)
    kinds = [node.op_type for node in held.graph.node]
    assert "QuantizeLinear" in kinds and "DequantizeLinear" in kinds
    again = write_bundle(tmp_path / "int8", bundle.info, {"model.onnx": graph})
    images = [sample_image(one) for one in lines]
    together, alone = CtcRecognizer(again).read(images), [CtcRecognizer(again).read([one])[0] for one in images]
    assert [one.text for one in together] == [one.text for one in alone]


def test_layers_that_int8_harms_go_back_to_float(lines: list[Sample], tmp_path: Path) -> None:
    bundle, told = model(tmp_path / "bundle", network(64, loud=3000.0), lines)
    _, tried = quantised(bundle, order(bundle, told, tmp_path / "work", budget=0.1, timed=twice_as_fast))
    whole = next(one for one in tried if one.form == "pointwise")
    narrowed = [one for one in tried if one.kept]
    assert "loses more than 10.00 points of CER" in whole.fault
    assert narrowed and not narrowed[-1].fault
    assert narrowed[-1].cer_difference < 0.1 < whole.cer_difference
    loud = prepared(bundle.path("model.onnx"), tmp_path / "work")
    named = layer_groups(loud)["pointwise"][1:3]
    assert set(named) & set(narrowed[-1].kept)


def test_lines_without_texts_choose_nothing(lines: list[Sample], tmp_path: Path) -> None:
    bundle, told = model(tmp_path / "bundle", network(8), lines)
    with pytest.raises(UsageError, match="int8 is chosen on lines with texts, and there are none; give --calibration"):
        quantised(bundle, order(bundle, [replace(one, text=None) for one in told], tmp_path / "work"))


def tally(megabytes: float, seconds: float, wrong: int) -> Tally:
    from emendo.metrics.align import counts

    made = Tally("form", megabytes, lines=100, same=100 - wrong, seconds=[seconds] * 100)
    for at in range(100):
        made.each.append(counts("ten letter", "ten letteX" if at < wrong else "ten letter"))
    return made


@pytest.mark.parametrize(
    ("small", "fault"),
    [
        (tally(4, 0.8, 12), ""),
        (tally(12, 0.8, 10), "not smaller"),
        (tally(4, 0.98, 10), "not faster"),
        (tally(4, 0.8, 14), "loses more than 0.30 points of CER"),
        (tally(13, 2.0, 50), "not smaller, not faster, loses more than 0.30 points of CER"),
    ],
)
def test_int8_is_worth_it_when_smaller_and_faster_and_within_the_budget(small: Tally, fault: str) -> None:
    assert worth(tally(12, 1.0, 10), tally(12, 1.0, 10), small, 0.003) == fault


def test_the_groups_of_the_base_leave_squeeze_and_stem_out(tmp_path: Path) -> None:
    from emendo.models.base import base_bundle

    made = prepared(base_bundle().path("model.onnx"), tmp_path)
    groups = layer_groups(made)
    assert {name: len(nodes) for name, nodes in groups.items()} == {
        "pointwise": 29,
        "convolutions": 32,
        "convolutions and matrices": 40,
        "all but the ends": 54,
    }
    assert str(Tried("static", 3, (), 0.05, 0.001, 20, 25, 0.8, 5, 12, "")).startswith("static (3 layers): CER 5.00 %")
