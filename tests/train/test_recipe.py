"""Recipes: built-in, from a file, changed on the command line, refused with a hint; schedules by data size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.errors import EmendoError, SettingsError, UsageError
from emendo.train.crnn.recipe import CrnnRecipe
from emendo.train.recipe import Recipe, family_recipe, load_recipe, recipe_families, recipe_names, schedule_for
from emendo.train.tuning.recipe import TuneRecipe


def test_every_built_in_recipe_loads():
    assert recipe_names("ctc") == ("default", "fast", "hands", "plates", "script")
    for name in recipe_names():
        for family in recipe_families(name):
            kind = {"ctc": Recipe, "crnn": CrnnRecipe}.get(family, TuneRecipe)
            assert isinstance(family_recipe(name, family=family, kind=kind), kind)


def test_a_recipe_for_another_family_is_refused():
    with pytest.raises(UsageError, match=r"'trocr-lora' is for trocr, the base is of the family 'ctc'; use default"):
        load_recipe("trocr-lora")


def test_a_file_and_changes_on_top(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("steps: 10\naugment: 0.5\n", encoding="utf-8")
    recipe = load_recipe(str(path), ["steps=20", "precision=float32"])
    assert (recipe.steps, recipe.augment, recipe.precision) == (20, 0.5, "float32")


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("default", ["learing_rate=0.1"], "did you mean 'learning_rate'"),
        ("default", ["dropout=2"], "dropout"),
        ("default", ["steps"], "KEY=VALUE"),
        ("default", ["steps=[1"], "no YAML"),
        ("defualt", [], "did you mean 'default'"),
        ("nothing-like-it", [], "use default"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(name, changes, sentence):
    with pytest.raises(EmendoError, match=sentence.replace("(", r"\(")) as caught:
        load_recipe(name, changes)
    assert isinstance(caught.value, (UsageError, SettingsError))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"- a\n- b\n", b"a: [\n"])
def test_files_that_are_no_recipe(tmp_path, content):
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(SettingsError):
        load_recipe(str(path))


@given(st.integers(4, 100_000))
def test_one_recipe_fits_every_size(lines):
    schedule = schedule_for(Recipe(), lines)
    more = schedule_for(Recipe(), lines * 2)
    seen = schedule.steps * schedule.lines_per_batch / lines
    assert 1 <= seen <= 60
    assert more.steps * more.lines_per_batch >= schedule.steps * schedule.lines_per_batch
    assert 1 <= schedule.evaluate_every <= schedule.steps


def test_a_new_alphabet_learns_longer():
    plain, fresh = schedule_for(Recipe(), 300), schedule_for(Recipe(), 300, fresh=0.9)
    assert fresh.steps > 2 * plain.steps
    assert fresh.warmup >= plain.warmup


def test_given_values_are_kept():
    schedule = schedule_for(Recipe(steps=7, lines_per_batch=3, learning_rate=1e-3), 1000, fresh=1.0)
    assert (schedule.steps, schedule.lines_per_batch, schedule.learning_rate) == (7, 3, 1e-3)


def test_lower_blocks_stay_as_they_are_only_where_there_are_many_lines_of_known_letters() -> None:
    assert [schedule_for(Recipe(), lines).frozen for lines in (16, 300, 1600)] == [0, 0, 4]
    assert schedule_for(Recipe(), 1600, fresh=0.9).frozen == 0
    assert schedule_for(Recipe(frozen=2), 16).frozen == 2
