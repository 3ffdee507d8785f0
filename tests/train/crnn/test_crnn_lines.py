"""What a CRNN is trained on: held out by group, mixed by share, in an order that depends on the seed alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from emendo.errors import SettingsError
from emendo.train.crnn.lines import held_out, plans
from emendo.train.crnn.recipe import CrnnRecipe, course_for
from emendo.train.recipe import family_recipe, recipe_names
from emendo.train.selection import TrainingLine
from emendo.types import Origin, Sample


def sample(number: int, text: str, group: str = "", origin: Origin = Origin.GOLD) -> Sample:
    return Sample(id=str(number), image=Path(f"{number}.jpg"), text=text, group=group, origin=origin)


def test_no_group_and_no_text_is_on_both_sides() -> None:
    samples = [sample(at, f"AB{at % 40}", group=f"car{at % 25}" if at % 2 else "") for at in range(200)]
    drawn = [sample(1000 + at, f"CD{at}", origin=Origin.SYNTHETIC) for at in range(50)]
    train, val = held_out([*samples, *drawn], 0.2)
    assert len(train) + len(val) == 250 and 0 < len(val) < 120
    assert not {one.text for one in train} & {one.text for one in val}
    assert not {one.group for one in train if one.group} & {one.group for one in val if one.group}
    assert all(one.origin is Origin.GOLD for one in val)
    assert held_out(samples, 0.2) == held_out(samples, 0.2)


def test_nothing_is_held_out_without_a_share_or_groups_to_part() -> None:
    alone = [sample(at, "SAME") for at in range(9)]
    assert held_out(alone, 0.2) == (alone, [])
    apart = [sample(at, f"T{at}") for at in range(9)]
    assert held_out(apart, 0.0) == (apart, [])


def test_drawn_samples_validate_when_there_are_no_others() -> None:
    drawn = [sample(at, f"CD{at}", origin=Origin.SYNTHETIC) for at in range(50)]
    train, val = held_out(drawn, 0.2)
    assert len(val) == 10 and len(train) == 40


@pytest.mark.parametrize(
    ("real", "drawn", "expected"),
    [
        (640, 1280, {"steps": 60, "epoch": 30, "drawn_alone": 30, "real": 48, "drawn": 16}),
        (640, 0, {"steps": 20, "epoch": 10, "drawn_alone": 0, "real": 64, "drawn": 0}),
        (0, 640, {"steps": 20, "epoch": 10, "drawn_alone": 0, "real": 0, "drawn": 64}),
    ],
)
def test_the_course_follows_from_the_data(real: int, drawn: int, expected: dict[str, int]) -> None:
    recipe = CrnnRecipe(epochs=2, batch=64, synthetic_share=0.25, pretrain=0.5)
    course = course_for(recipe, real, drawn)
    assert {name: getattr(course, name) for name in expected} == expected


def test_every_batch_is_full_and_each_line_comes_before_any_comes_again() -> None:
    lines = [TrainingLine(sample(at, "A"), None, "A", 64, 16) for at in range(30)]
    drawn = [replace(one, text="B") for one in lines * 2]
    course = course_for(CrnnRecipe(steps=20, batch=8, synthetic_share=0.5, pretrain=0.25), 30, 60)
    own, beside = plans(lines, drawn, course, seed=3)
    assert [len(a) + len(b) for a, b in zip(own, beside, strict=True)] == [8] * 20
    assert [len(one) for one in own] == [0] * 5 + [4] * 15
    assert set(Counter(draw.index for one in own for draw in one).values()) == {2}  # sixty draws of thirty lines
    assert plans(lines, drawn, course, seed=3) == (own, beside)
    assert plans(lines, drawn, course, seed=4) != (own, beside)


@pytest.mark.parametrize("name", recipe_names("crnn"))
def test_the_recipes_are_of_the_family(name: str) -> None:
    recipe = family_recipe(name, ["learning_rate=0.002", "patience=3"], family="crnn", kind=CrnnRecipe)
    assert recipe.learning_rate == 0.002 and recipe.patience == 3


@pytest.mark.parametrize(
    ("change", "sentence"),
    [("columns=100", "columns must be a multiple of 32"), ("epoch=3", "unknown key 'epoch', did you mean 'epochs'")],
)
def test_a_wrong_value_is_told(change: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        family_recipe("crnn", [change], family="crnn", kind=CrnnRecipe)
