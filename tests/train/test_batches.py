"""The plan of a run and the batches that follow from it."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.image.line import LineGeometry, normalize_line
from emendo.train.batches import BatchDataset, plan_batches, scaled
from emendo.train.selection import TrainingLine
from emendo.types import Sample


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(50, 900), min_size=1, max_size=60), st.integers(1, 40), st.integers(1, 9))
def test_each_line_comes_before_any_comes_again(widths, steps, batch):
    plan = plan_batches(widths, steps, batch, seed=5)
    assert [len(draws) for draws in plan] == [batch] * steps
    seen = Counter(draw.index for draw in chain(*plan))
    assert len({(draw.index, draw.turn) for draw in chain(*plan)}) == steps * batch
    times = [seen.get(i, 0) for i in range(len(widths))]
    assert max(times) - min(times) <= 1
    assert plan == plan_batches(widths, steps, batch, seed=5)


def test_another_seed_is_another_plan():
    widths = list(range(100, 200))
    assert plan_batches(widths, 5, 4, seed=1) != plan_batches(widths, 5, 4, seed=2)


def line(seed, width=160):
    rng = np.random.default_rng(seed)
    image = np.full((50, width, 3), 225, np.uint8)
    for x in range(8, width - 8, 9):
        image[int(rng.integers(8, 20)) : 36, x : x + 3] = 25
    columns = normalize_line(image, LineGeometry()).shape[1]
    return TrainingLine(Sample(id=str(seed), image=Path("x")), image, "ab", columns, columns // 8)


def batches(augment, seed=0, replay=True):
    own, general = [line(i, 120 + 20 * i) for i in range(6)], [line(90 + i) for i in range(3)]
    return BatchDataset(
        own,
        general if replay else [],
        plan_batches([one.columns for one in own], 4, 3, seed),
        plan_batches([one.columns for one in general], 4, 1, seed) if replay else (),
        geometry=LineGeometry(),
        encode=lambda text: [ord(char) - 96 for char in text],
        augment=augment,
        seed=seed,
    )


def test_a_batch_is_the_same_every_time_and_differs_by_step_and_seed():
    first, again = batches(1.0), batches(1.0)
    for step in range(len(first)):
        assert torch.equal(first[step]["images"], again[step]["images"])
        assert first[step]["targets"].tolist() == [1, 2] * 4
        assert first[step]["lengths"].tolist() == [2] * 4
    assert not torch.equal(first[0]["images"], batches(1.0, seed=1)[0]["images"])


def test_without_augmentation_lines_are_as_serving_sees_them():
    dataset = batches(0.0, replay=False)
    item = dataset[0]
    assert item["images"].shape[:3] == (3, 3, 48)
    assert item["images"].is_contiguous(memory_format=torch.channels_last)
    assert item["images"].abs().max() <= 1
    assert torch.equal(item["images"], batches(0.0, replay=False)[0]["images"])


def test_strength_scales_every_change():
    assert scaled(0.5).slant == scaled(1.0).slant / 2
    assert scaled(3.0).stroke <= 0.95
