"""Narrower forms of the network: the graph takes them on, and reads as the torch network of that form."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from emendo.errors import BundleError
from emendo.models.base import base_bundle
from emendo.models.ctc.forms import BASE, Form, form_of, reform
from emendo.models.ctc.network import load_network, store_network, weighted_layers
from emendo.models.graph import load_graph

NARROW = Form((48, 16, 96, 64, *[128] * 6, 96, 256, 128), 10)


@pytest.fixture(scope="module")
def graph():
    return load_graph(base_bundle().path("model.onnx"))


def read(model, image):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return session.run(None, {session.get_inputs()[0].name: image})[0]


def test_the_base_is_of_the_base_form(graph):
    assert form_of(graph) == BASE
    same = copy.deepcopy(graph)
    reform(same, BASE)
    assert same.tensors.keys() == graph.tensors.keys()
    assert all((tensor.array() == graph.tensors[name].array()).all() for name, tensor in same.tensors.items())


@pytest.mark.parametrize("halved", [3, 10, 13])
def test_a_reformed_graph_reads_as_its_network(graph, halved):
    form = Form(NARROW.hidden, halved)
    narrow = copy.deepcopy(graph)
    reform(narrow, form)
    assert form_of(narrow) == form
    network = load_network(narrow).eval()
    assert network.form == form
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for module in weighted_layers(network):
            if not module.weight.any():
                module.weight.copy_(0.1 * torch.randn(module.weight.shape, generator=generator))
    store_network(network, narrow)
    image = np.random.default_rng(0).uniform(-1, 1, (2, 3, 48, 224)).astype(np.float32)
    with torch.no_grad():
        ours = network(torch.from_numpy(image)).log_softmax(-1).numpy()
    theirs = read(narrow, image)
    assert theirs.shape == ours.shape == read(graph, image).shape
    np.testing.assert_allclose(theirs, ours, atol=5e-3)
    assert len(narrow.SerializeToString()) < 0.7 * len(graph.SerializeToString())


def test_columns_that_are_halved_stay_halved_where_they_are(graph):
    halved = copy.deepcopy(graph)
    reform(halved, NARROW)
    for other in (3, 13):
        with pytest.raises(BundleError, match="at block 10"):
            reform(halved, Form(NARROW.hidden, other))


def test_a_graph_of_another_network_has_no_form(graph):
    other = copy.deepcopy(graph)
    del other.nodes[150:]
    with pytest.raises(BundleError, match="convolutions"):
        form_of(other)
