"""Weights out of the graph and back, and heads for other alphabets."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from emendo.errors import BundleError
from emendo.models.base import base_bundle, load_graph
from emendo.models.ctc.weights import grow_head, layers, look_alike, read_layers, write_layers


@pytest.fixture(scope="module")
def graph():
    return load_graph(base_bundle().path("model.onnx"))


def logits(model, image):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {session.get_inputs()[0].name: image})[0]


def test_every_layer_is_found_once_and_the_head_is_last(graph):
    found = layers(graph)
    assert [sum(layer.kind == kind for layer in found) for kind in ("convolution", "linear", "norm")] == [57, 9, 5]
    assert found[-1].kind == "linear"
    assert len({layer.weight for layer in found}) == len(found)


def test_writing_back_what_was_read_changes_nothing(graph):
    image = np.random.default_rng(0).uniform(-1, 1, (1, 3, 48, 160)).astype(np.float32)
    again = copy.deepcopy(graph)
    write_layers(again, [(weight, bias) for _, weight, bias in read_layers(graph)])
    np.testing.assert_allclose(logits(again, image), logits(graph, image), atol=2e-4)


def test_the_head_may_change_its_size_but_no_other_layer_may(graph):
    read = [(weight, bias) for _, weight, bias in read_layers(graph)]
    small = copy.deepcopy(graph)
    write_layers(small, [*read[:-1], (read[-1][0][:7], read[-1][1][:7])])
    assert logits(small, np.zeros((1, 3, 48, 96), np.float32)).shape == (1, 12, 7)
    with pytest.raises(BundleError, match=r"has .* not"):
        write_layers(copy.deepcopy(graph), [(read[0][0][:5], read[0][1][:5]), *read[1:]])
    with pytest.raises(BundleError, match="layers"):
        write_layers(copy.deepcopy(graph), read[:-1])


def test_head_rows_come_from_the_character_then_the_fuller_head_then_a_look_alike():
    generator = np.random.default_rng(1)
    weight, bias = generator.standard_normal((4, 5)).astype(np.float32), np.arange(4, dtype=np.float32)
    fuller = (
        generator.standard_normal((3, 5)).astype(np.float32),
        np.array([9.0, 8.0, 7.0], np.float32),
        ("a", "Ω"),
    )
    head = grow_head(weight, bias, ("a", "e", "'"), ("e", "é", "Ω", "’", "ش"), further=fuller)
    assert head.alphabet == ("e", "é", "Ω", "’", "ش")
    np.testing.assert_array_equal(head.weight[0], weight[0])
    np.testing.assert_array_equal(head.weight[1], weight[2])
    np.testing.assert_array_equal(head.weight[2], weight[2])
    np.testing.assert_array_equal(head.weight[3], fuller[0][2])
    np.testing.assert_array_equal(head.weight[4], weight[3])
    assert head.copied == {"é": "e", "’": "'"}
    assert head.random == ("ش",)
    assert 0 < np.abs(head.weight[5]).max() < 0.2
    assert head.bias[5] == pytest.approx(bias[1:].mean())


@pytest.mark.parametrize(("char", "known", "expected"), [
    ("Ĵ", ["J"], "J"), ("É", ["é"], "é"), ("⋎", ["v"], "v"), ("ﬁ", ["f"], "f"), ("ж", ["a"], None), ("É", ["e"], "e"),
])  # fmt: skip
def test_look_alikes(char, known, expected):
    assert look_alike(char, known) == expected
