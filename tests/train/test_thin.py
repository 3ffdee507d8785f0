"""A narrower network keeps what the wider one says, as far as it has room."""

from __future__ import annotations

import pytest
import torch

from emendo.models.ctc.forms import BASE, Form
from emendo.models.ctc.network import LineNetwork
from emendo.train.thin import form_for, thinned
from emendo.train.trainee import Trainee


@pytest.fixture
def network():
    torch.manual_seed(2)
    network = LineNetwork(6)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            fan = parameter[0].numel() if parameter.ndim > 1 else 1
            parameter.normal_(0, 1.2 * fan**-0.5 if "weight" in name else 0.1)
    return network.eval()


@pytest.fixture
def lines():
    generator = torch.Generator().manual_seed(3)
    return [torch.rand((1, 3, 48, width), generator=generator) * 2 - 1 for width in (96, 128, 64)]


def difference(one, other, lines):
    with torch.no_grad():
        return max(float((one(line) - other(line)).abs().max()) for line in lines)


def test_channels_that_say_nothing_of_their_own_go_without_a_trace(network, lines):
    """Half of the channels of some blocks are copies of others or constant: without them it is the same network."""
    with torch.no_grad():
        for block in network.blocks[:6]:
            half = len(block.wide.weight) // 2
            block.wide.weight[half:] = block.wide.weight[:half]
            block.wide.bias[half:] = block.wide.bias[:half]
            block.wide.weight[half] = 0
        spread = max(float(network(line).std()) for line in lines)
    form = Form((*(size // 2 for size in BASE.hidden[:6]), *BASE.hidden[6:]), 13)
    narrow = thinned(network, form, lines)
    assert narrow.form == form
    assert difference(network, narrow, lines) < 0.05 * spread


def test_the_more_room_the_nearer(network, lines):
    forms = [Form((size, *BASE.hidden[1:]), 13) for size in (176, 96, 16)]
    far = [difference(network, thinned(network, form, lines), lines) for form in forms]
    assert far == sorted(far) and far[0] < far[2]
    assert difference(network, thinned(network, BASE, lines), lines) < 1e-5


def test_halved_columns_say_the_same_of_a_picture_without_columns(network):
    rows = torch.linspace(-1, 1, 48).view(1, 1, 48, 1).expand(1, 3, 48, 512)
    coarse = thinned(network, Form(BASE.hidden, 3), [rows])
    with torch.no_grad():
        wide, narrow = network.blocks, coarse.blocks
        x = y = network.stem(rows)
        for one, other in zip(wide, narrow, strict=True):
            x, y = one(x), other(y)
        assert y.shape[3] * 2 == x.shape[3]
        middle = slice(30, 34)  # away from the edges, which pad otherwise
        assert torch.allclose(x[..., 60:68].mean(3), y[..., middle].mean(3), atol=0.05 * float(x.std()))


def test_what_is_halved_already_cannot_be_halved_elsewhere(network, lines):
    halved = thinned(network, Form(BASE.hidden, 10), lines)
    assert form_for(1.0, 13, halved.form) == halved.form
    with pytest.raises(ValueError, match="block 10"):
        thinned(halved, Form(BASE.hidden, 3), lines)


def test_channels_are_multiples_of_sixteen():
    assert all(size % 16 == 0 and size for size in form_for(0.01, 13, BASE).hidden + form_for(0.37, 13, BASE).hidden)


def test_a_teacher_adds_the_distance_of_the_features_and_is_no_part_of_the_state(network, lines):
    batch = {"images": lines[0], "targets": torch.tensor([1, 2]), "lengths": torch.tensor([2])}
    narrow = thinned(network, Form((16, *BASE.hidden[1:]), 13), lines)
    alone = Trainee(narrow, decay=0.9, bfloat=False)
    taught = Trainee(narrow, decay=0.9, bfloat=False, teacher=network, taught=2.0)
    assert alone.state_dict().keys() == taught.state_dict().keys()
    assert len(list(alone.parameters())) == len(list(taught.parameters()))
    with torch.no_grad():
        own, wanted = narrow.features(lines[0]), network.features(lines[0])
        far = 2.0 * (own - wanted).square().mean() / wanted.var()
        assert (taught(**batch)["loss"] - alone(**batch)["loss"]).item() == pytest.approx(far.item(), rel=1e-3)
        twin = Trainee(network, decay=0.9, bfloat=False, teacher=network, taught=2.0)
        assert twin(**batch)["loss"].item() == pytest.approx(
            Trainee(network, decay=0.9, bfloat=False)(**batch)["loss"].item(), rel=1e-5
        )
