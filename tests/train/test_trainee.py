"""Loss, running average and relative steps."""

from __future__ import annotations

import math

import pytest
import torch

from emendo.models.ctc.network import LineNetwork
from emendo.train.optimizer import RelativeAdamW, row_sizes
from emendo.train.trainee import Trainee
from emendo.train.trainer import split_batch


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = LineNetwork(5)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.normal_(0, 0.05)
    return network


def test_the_loss_is_in_nats_per_character(network):
    trainee = Trainee(network, decay=0.9, bfloat=False)
    with torch.no_grad():
        network.head.weight.zero_()
        network.head.bias.zero_()
    # two frames, uniform over 5 classes: "a" is aa, a-, -a: 3 paths of 25
    loss = trainee(torch.zeros(1, 3, 48, 16), torch.tensor([1]), torch.tensor([1]))["loss"]
    assert loss.item() == pytest.approx(-math.log(3 / 25), abs=1e-4)


def test_the_average_follows_and_is_part_of_the_state(network):
    trainee = Trainee(network, decay=0.5, bfloat=False)
    before = trainee.average.head.bias.clone()
    with torch.no_grad():
        trainee.network.head.bias += 1
    for _ in range(60):
        trainee.update_average()
    assert torch.allclose(trainee.average.head.bias, before + 1, atol=1e-4)
    assert any(name.startswith("average.") for name in trainee.state_dict())
    assert int(trainee.state_dict()["updates"]) == 60
    assert not any(p.requires_grad for p in trainee.average.parameters())


def test_small_and_large_rows_move_by_the_same_share():
    weight = torch.nn.Parameter(torch.tensor([[0.01, -0.01], [10.0, -10.0]]))
    bias = torch.nn.Parameter(torch.tensor([2.0, 2.0]))
    optimizer = RelativeAdamW([{"params": [weight, bias], "weight_decay": 0.0}], lr=0.01, betas=(0.9, 0.98))
    before = [weight.detach().clone(), bias.detach().clone()]
    weight.grad, bias.grad = torch.full_like(weight, 3.0), torch.full_like(bias, 1e-3)
    optimizer.step()
    assert torch.allclose((before[1] - bias) / 2.0, torch.full((2,), 0.01), atol=1e-4)
    assert torch.allclose((before[0] - weight)[1] / 10.0, torch.full((2,), 0.01), atol=1e-4)
    # a row far below its tensor moves as if it were a tenth of the tensor's size
    assert torch.allclose((before[0] - weight)[0], 0.01 * 0.1 * row_sizes(before[0])[1] / 2**0.5, rtol=0.02)


def test_row_sizes_have_the_shape_of_the_parameter():
    weight = torch.randn(6, 3, 2, 2)
    assert row_sizes(weight).shape == weight.shape
    assert (row_sizes(torch.zeros(4)) > 0).all()


def test_released_weights_are_the_mean_with_a_model_beside(network):
    other = [torch.full_like(parameter, 2.0) for parameter in network.parameters()]
    trainee = Trainee(network, decay=0.0, bfloat=False, beside=other)
    released = trainee.released()
    for mean, own in zip(released.parameters(), network.parameters(), strict=True):
        assert torch.allclose(mean, (own + 2.0) / 2)
    assert all((one == 2.0).all() for one in other)


def test_released_weights_lie_between_start_and_average(network):
    trainee = Trainee(network, decay=0.0, bfloat=False, share=0.7)
    before = network.head.bias.detach().clone()
    with torch.no_grad():
        trainee.network.head.bias += 1
    for _ in range(5):
        trainee.update_average()
    released = trainee.released()
    assert torch.allclose(released.head.bias, before + 0.7, atol=1e-5)
    assert torch.allclose(released.stem1.weight, network.stem1.weight, atol=1e-6)
    assert torch.allclose(trainee.average.head.bias, before + 1, atol=1e-5)


def test_a_batch_in_parts_gives_the_gradient_of_the_whole() -> None:
    torch.manual_seed(0)
    trainee = Trainee(LineNetwork(5), decay=0.9, bfloat=False)
    for parameter in trainee.network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    lengths = torch.tensor([3, 1, 2, 4, 2, 1, 3])
    batch = {
        "images": torch.randn(7, 3, 48, 64),
        "targets": torch.randint(1, 5, (int(lengths.sum()),)),
        "lengths": lengths,
    }
    parts = list(split_batch(batch, 3))
    assert [len(part["lengths"]) for part in parts] == [2, 2, 3]
    assert torch.equal(torch.cat([part["targets"] for part in parts]), batch["targets"])
    trainee.eval()
    trainee(**batch)["loss"].backward()
    whole = trainee.network.head.weight.grad.clone()
    trainee.zero_grad()
    for part in parts:
        (trainee(**part)["loss"] * len(part["lengths"]) / 7).backward()
    assert torch.allclose(trainee.network.head.weight.grad, whole, atol=1e-5)
