"""Samples for training: what is left out and why, the planned order, and encoder outputs kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emendo.errors import DataError
from emendo.models.generative.network import Loading
from emendo.models.generative.recognizer import load_network
from emendo.models.generative.source import from_folder
from emendo.train.batches import plan_batches
from emendo.train.tuning.data import Draws, Encoded, require_samples, usable_samples, varied

from .lines import parts


def nothing(done: int, total: int, text: str) -> None:
    """No progress shown."""


@pytest.fixture(scope="module")
def network(tiny_trocr: Path):
    return load_network(from_folder(tiny_trocr), Loading())


def test_what_cannot_train_is_named(network, data: Path, tmp_path: Path) -> None:
    own, _ = parts(data)
    (tmp_path / "broken.png").write_bytes(b"no image")
    samples = [
        own[0],
        replace(own[1], text=" "),
        replace(own[2], text="x" * 60),
        replace(own[3], image=tmp_path / "broken.png", polygon=None),
    ]
    kept, left_out = usable_samples(samples, network, longest=60, progress=nothing)
    assert [line.sample.id for line in kept] == [own[0].id]
    assert [one.id for one in left_out] == [own[1].id, own[2].id, own[3].id]
    assert left_out[0].reason == "no text"
    assert left_out[1].reason == "the text takes 61 tokens and max_target is 60"
    assert "broken.png" in left_out[2].reason
    with pytest.raises(DataError, match=r"1 usable samples with text are too few to train \(3 left out; the first, "):
        require_samples(kept, left_out)


def test_a_varied_picture_is_the_same_again_for_the_same_key() -> None:
    image = np.full((40, 200, 3), 220, np.uint8)
    image[15:25, 20:180] = 30
    assert np.array_equal(varied(image, 1.0, (0, 1)), varied(image, 1.0, (0, 1)))
    assert not np.array_equal(varied(image, 1.0, (0, 1)), varied(image, 1.0, (0, 2)))
    assert varied(image, 0.0, (0, 1)) is image


def test_a_frozen_encoder_gives_the_same_batch_as_the_images(network, data: Path, tmp_path: Path) -> None:
    own, _ = parts(data)
    kept, _ = usable_samples(own[:4], network, longest=200, progress=nothing)
    encoded = Encoded(network, (kept, kept[:1]), tmp_path, views=2, augment=1.0, seed=0, progress=nothing)
    plan = plan_batches([line.tokens for line in kept], 4, 2, 0)
    rest = plan_batches([9], 4, 1, 1)
    draws = Draws(network, kept, kept[:1], plan, rest, augment=0.0, seed=0, encoded=encoded)
    plain = Draws(network, kept, kept[:1], plan, rest, augment=0.0, seed=0)
    assert len(draws) == 4 * 3
    first = [at for at in range(12) if plain._draws[at][1].turn == 0]
    a, b = [draws[at] for at in first], [plain[at] for at in first]
    assert float((network.logits(a) - network.logits(b)).abs().max()) < 1e-5
    again = [at for at in range(12) if plain._draws[at][1].turn == 1]
    assert float((network.logits([draws[again[0]]]) - network.logits([plain[again[0]]])).abs().max()) > 1e-5
