"""The trainable network reads as the graph does, before and after training moved it."""

from __future__ import annotations

import copy
import json

import cv2
import numpy as np
import pytest
import torch

from emendo.errors import BundleError
from emendo.image.line import LineGeometry, network_input, normalize_line
from emendo.models.base import base_bundle, load_graph
from emendo.models.ctc.network import load_network, store_network, weighted_layers
from emendo.models.ctc.weights import grow_head, read_layers


@pytest.fixture(scope="module")
def graph():
    return load_graph(base_bundle().path("model.onnx"))


@pytest.fixture(scope="module")
def lines(data):
    rows = [json.loads(row) for row in (data / "peraire" / "lines.jsonl").read_text("utf-8").splitlines()]
    names = [row["image"] for row in rows if row["split"] == "train"][:4]
    images = [cv2.cvtColor(cv2.imread(str(data / "peraire" / name)), cv2.COLOR_BGR2RGB) for name in names]
    return [network_input([normalize_line(image, LineGeometry())]) for image in images]


def read(model, image):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {session.get_inputs()[0].name: image})[0]


def same(network, model, lines):
    network.eval()
    for line in lines:
        with torch.no_grad():
            ours = network(torch.from_numpy(line)).log_softmax(-1).numpy()
        theirs = read(model, line)
        np.testing.assert_array_equal(ours.argmax(-1), theirs.argmax(-1))
        likely = ours > -10
        assert np.abs(ours - theirs)[likely].max() < 2e-3


def test_network_equals_graph_on_real_lines(graph, lines):
    same(load_network(graph), graph, lines)


def test_trained_network_with_another_head_equals_its_graph(graph, lines):
    known = base_bundle().info.alphabet
    _, weight, bias = read_layers(graph)[-1]
    network = load_network(graph, grow_head(weight, bias, known, (*known[:80], "⋎")))
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for module in weighted_layers(network):
            for parameter in (module.weight, module.bias):
                parameter.mul_(1 + 0.02 * torch.randn(parameter.shape, generator=generator))
    trained = copy.deepcopy(graph)
    store_network(network, trained)
    assert read(trained, lines[0]).shape[-1] == 82
    same(network, trained, lines)
    assert not np.array_equal(read(trained, lines[0]).argmax(-1), read(graph, lines[0]).argmax(-1))


def test_a_graph_of_another_network_is_refused(graph):
    other = copy.deepcopy(graph)
    del other.nodes[-3:]
    with pytest.raises(BundleError):
        load_network(other)
