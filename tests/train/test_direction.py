"""Training on lines that run from right to left: labels in page order, the direction in the bundle. Covers A4, A15."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emendo.datasets.dataset import open_dataset
from emendo.models.base import base_bundle
from emendo.models.bundle import read_bundle
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.text.direction import on_page
from emendo.train import fit, selection
from emendo.train.candidate import direction_for, open_start, write_candidate
from emendo.train.recipe import Recipe, load_recipe, schedule_for
from emendo.train.run import show_labels, train
from emendo.train.selection import usable_lines
from emendo.types import Sample

RECIPE = Recipe(steps=2, lines_per_batch=2, evaluations=1, replay=0.0, precision="float32", language="none")


def arabic(data: Path) -> tuple[Sample, ...]:
    """Six short lines of a printed book with brackets and digits."""
    lines = [s for s in open_dataset(data / "arabic_print").split("train")[:364] if "(" in (s.text or "")]
    return tuple(sorted(lines, key=lambda sample: (len(sample.text or ""), sample.id))[:6])


def test_a_run_labels_lines_as_they_stand_and_its_bundle_says_so(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    class Watched(fit.BatchDataset):
        def __init__(self, *parts: Any, **options: Any) -> None:
            seen.append(options["encode"])
            super().__init__(*parts, **options)

    monkeypatch.setattr(fit, "BatchDataset", Watched)
    own = arabic(data)
    result = train(own, out=tmp_path / "run", recipe=RECIPE, threads=1)
    bundle = read_bundle(result.bundle)
    assert bundle.info.decoding["direction"] == "rtl"
    alphabet = bundle.info.alphabet
    for sample in own:
        text = sample.text or ""
        shown = "".join(alphabet[k - 1] for k in seen[0](text))
        assert shown == on_page(text, "rtl") != text[::-1]
    recognizer = CtcRecognizer(bundle)
    assert recognizer.decoding.direction == "rtl"
    lines, _ = usable_lines(own[:1], recognizer.geometry, columns_per_frame=8)
    assert recognizer.evidence([lines[0].image])[0].direction == "rtl"
    assert direction_for(bundle, []) == "rtl" and direction_for(base_bundle(), []) == "ltr"


def test_latin_lines_leave_a_bundle_as_it_was(data: Path, tmp_path: Path) -> None:
    own = open_dataset(data / "peraire").split("train")[:4]
    recognizer = CtcRecognizer(base_bundle())
    lines, _ = usable_lines(own, recognizer.geometry, columns_per_frame=8)
    start = open_start(base_bundle(), lines, 0)
    assert start.direction == "ltr"
    assert write_candidate(start.network, start, tmp_path / "out").info.decoding == {}


def test_shown_labels_are_in_the_order_of_the_page(data: Path) -> None:
    own = arabic(data)[:1]
    rows = show_labels(own, 1)
    assert "".join(row.text for row in rows[0]) == on_page(own[0].text or "", "rtl")


def test_pictures_of_large_sets_stay_on_disk(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = arabic(data)
    geometry = CtcRecognizer(base_bundle()).geometry
    held, _ = usable_lines(own, geometry, columns_per_frame=8)
    monkeypatch.setattr(selection, "HELD_BYTES", held[0].image.nbytes)
    left, _ = usable_lines(own, geometry, columns_per_frame=8)
    assert left[0].held is not None and all(line.held is None for line in left[1:])
    assert all((a.image == b.image).all() and a.columns == b.columns for a, b in zip(held, left, strict=True))


def test_the_recipe_for_a_new_script_trains_every_layer() -> None:
    recipe = load_recipe("script")
    schedule = schedule_for(recipe, 40_000, fresh=0.9)
    assert schedule.frozen == 0 and schedule.share == 1.0 and schedule.splice == 0.0
    assert schedule.steps == 40_000 * recipe.passes / recipe.lines_per_batch
    assert recipe.language == "none"
