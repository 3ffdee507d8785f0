"""Recipes of the families that write tokens, and the course that follows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.errors import SettingsError
from emendo.metrics.align import counts
from emendo.train.families import FAMILIES
from emendo.train.recipe import family_recipe, recipe_families, recipe_names
from emendo.train.tuning.recipe import HIGHER, TuneRecipe, course_for, measured


def load(*changes: str) -> TuneRecipe:
    return family_recipe("trocr-lora", changes, family="trocr", kind=TuneRecipe)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("metric=cerr", "metric"),
        ("lora_rnak=4", "did you mean 'lora_rank'"),
        ("load_bits=5", "load_bits"),
        ("precision=half", "precision"),
        ("resolution=wide", "resolution"),
        ("max_target=0", "max_target"),
    ],
)
def test_what_cannot_be_is_refused(change: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load(change)


def test_quantised_weights_are_never_trained_whole() -> None:
    with pytest.raises(SettingsError, match="quantised weights cannot be trained"):
        load("lora_rank=0", "load_bits=4")


def test_the_modes_set_length_rank_and_resolution_together() -> None:
    modes = [family_recipe(name, family="vlm", kind=TuneRecipe) for name in ("tiny", "small", "dense")]
    for key in ("max_target", "lora_rank", "resolution"):
        values = [getattr(mode, key) for mode in modes]
        assert values == sorted(set(values)), key


def test_the_12_gb_profile() -> None:
    profile = family_recipe("12gb", family="trocr", kind=TuneRecipe)
    assert profile.lora_rank == 8
    assert profile.checkpointing


def test_every_family_has_its_recipes() -> None:
    assert {family for name in recipe_names() for family in recipe_families(name)} == set(FAMILIES)


@given(st.integers(4, 5000), st.integers(1, 16), st.integers(1, 8), st.floats(0, 0.9))
def test_a_course_shows_every_sample_as_often_as_asked(
    samples: int, batch: int, accumulate: int, replay: float
) -> None:
    recipe = TuneRecipe(epochs=3, batch=batch, accumulate=accumulate, replay=replay)
    course = course_for(recipe, samples)
    assert course.own + course.general == batch * accumulate
    assert course.own >= 1
    assert 3 * samples <= course.steps * course.own < 3 * samples + course.own
    assert 0 <= course.warmup <= course.steps / 2
    assert 1 <= course.evaluate_every <= course.steps


@pytest.mark.parametrize(
    ("metric", "value"), [("cer", 0.25), ("wer", 1.0), ("exact", 0.0), ("character_accuracy", 0.75)]
)
def test_metrics_and_their_direction(metric: str, value: float) -> None:
    worse, better = counts("abcd", "abce"), counts("abcd", "abcd")
    assert measured(metric, worse) == pytest.approx(value)
    assert (measured(metric, better) > measured(metric, worse)) == (metric in HIGHER)
