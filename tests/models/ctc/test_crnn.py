"""The CRNN and its graph: one reading from both, at any number of lines and columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnxruntime
import pytest
import torch

from emendo.errors import BundleError
from emendo.models.ctc.crnn import Crnn, arrays_of, network_of
from emendo.models.ctc.crnn_graph import COLUMNS_PER_FRAME, build, plate_geometry

CLASSES = 12


@pytest.fixture(scope="module")
def network() -> Crnn:
    """With running statistics that are not those of the start."""
    torch.manual_seed(0)
    made = Crnn(CLASSES)
    made.train()
    with torch.no_grad():
        made(torch.rand(8, 3, 48, 64) * 2 - 1)
    return made.eval()


@pytest.mark.parametrize(("lines", "columns"), [(1, 64), (3, 160), (2, 96)])
def test_the_graph_gives_what_the_network_gives(network: Crnn, lines: int, columns: int) -> None:
    session = onnxruntime.InferenceSession(build(arrays_of(network)).SerializeToString())
    images = np.random.default_rng(columns).uniform(-1, 1, (lines, 3, 48, columns)).astype(np.float32)
    with torch.no_grad():
        ours = network(torch.from_numpy(images)).log_softmax(-1).numpy()
    (theirs,) = session.run(None, {"image": images})
    assert ours.shape == theirs.shape == (lines, columns // COLUMNS_PER_FRAME, CLASSES)
    assert np.abs(ours - theirs).max() < 1e-5


def test_light_and_contrast_do_not_change_what_is_seen(network: Crnn) -> None:
    images = torch.rand(2, 3, 48, 64) * 2 - 1
    with torch.no_grad():
        day, night = network(images), network(images * 0.4 - 0.5)
    assert float((day - night).abs().max()) < 0.02


def test_weights_come_back_as_they_were(network: Crnn) -> None:
    images = torch.rand(1, 3, 48, 64) * 2 - 1
    again = network_of(arrays_of(network)).eval()
    with torch.no_grad():
        assert torch.equal(network(images), again(images))


@pytest.mark.parametrize(
    "damage",
    [
        lambda arrays: arrays.pop("head.bias"),
        lambda arrays: arrays.pop("lstm.weight_hh_l1"),
        lambda arrays: arrays.update({"norms.0.weight": np.ones(3, np.float32)}),
    ],
)
def test_weights_of_another_network_are_refused(network: Crnn, damage: Callable[[dict[str, object]], object]) -> None:
    arrays = arrays_of(network)
    damage(arrays)  # type: ignore[arg-type]
    with pytest.raises(BundleError, match="use a bundle that this version wrote"):
        network_of(arrays)


def test_lines_of_another_height_are_no_input(network: Crnn) -> None:
    with pytest.raises(ValueError, match="48 rows high, not 32"):
        network(torch.zeros(1, 3, 32, 64))


def test_every_plate_fills_the_width() -> None:
    from emendo.image.line import normalize

    for shape in ((160, 320, 3), (60, 280, 3), (20, 30, 3), (300, 200, 3)):
        line = normalize(np.full(shape, 90, np.uint8), plate_geometry(160))
        assert line.image.shape == (48, 160, 3)
        assert line.columns * 160 >= shape[1] - 1
