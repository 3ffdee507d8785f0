"""How to train: one frozen recipe, and the schedule that follows from it and the size of the data.

A recipe is a YAML file (`recipes/` holds the built-in ones); single values change with `--set key=value`. Its key
`families` names the families of models that it is for; the other keys are those of the family's recipe class. `Recipe`
here is that of the CTC family: a value of 0 where the description says "by data size" is filled in by `schedule_for`,
so one recipe serves 16 lines and 100,000.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emendo.errors import SettingsError, UsageError

PLATES = "plates"
"""Recipe for crops of licence plates; their characters are those of the setting `plates.alphabet`."""
SUFFIXES = (".yaml", ".yml")
_Kind = TypeVar("_Kind", bound=BaseModel)


class Recipe(BaseModel):
    """Everything that shapes a training run apart from its data. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, ge=0, description="Seed of the order, the augmentation and the dropout.")
    steps: int = Field(0, ge=0, description="Optimiser steps; 0: by data size.")
    passes: float = Field(0, ge=0, description="Times each line is seen, when `steps` is 0; 0: by data size.")
    lines_per_batch: int = Field(0, ge=0, le=256, description="Most own lines in a batch; 0: by data size.")
    learning_rate: float = Field(
        0, ge=0, lt=1, description="Peak relative change of the weights per step; 0: by data size."
    )
    warmup: float = Field(0.15, ge=0, lt=1, description="Share of the steps in which the learning rate rises.")
    weight_decay: float = Field(0.0, ge=0, lt=1, description="Decay of weights (not of biases and norms).")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of values dropped in the neck and before the head.")
    clip: float = Field(1.0, gt=0, description="Greatest norm of the gradient.")
    average: float = Field(0.98, ge=0, lt=1, description="Decay of the running average of the weights; 0: none.")
    share: float = Field(
        0.0, ge=0, le=1, description="How far from the start the released weights lie; 0: by data size."
    )
    frozen: int = Field(
        -1, ge=-1, le=13, description="Lowest blocks of the network that stay as they are (the stem too); -1: by data."
    )
    augment: float = Field(1.0, ge=0, le=3, description="Augmentation relative to what fits the data size; 0: none.")
    splice: float = Field(
        1.0, ge=0, le=2, description="Share of lines spliced from words of others, likewise; 0: none."
    )
    replay: float = Field(0.2, ge=0, lt=1, description="Share of general lines in each batch, against forgetting.")
    evaluations: int = Field(6, ge=1, le=1000, description="Validations (and checkpoints) in the run, evenly spaced.")
    patience: int = Field(4, ge=0, description="Validations without gain after which the run ends; 0: never.")
    language: str = Field(
        "auto", max_length=16, description="Language whose words the model expects; auto: told from the lines; or none."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="Arithmetic of training.")
    alphabet: str = Field(
        "", max_length=2000, description="All characters that the model reads; empty: those of the base and the lines."
    )
    geometry: dict[str, str | int | float] = Field(
        {}, description="Changes of the base's line geometry (keys of `preprocessing` in bundle.yaml)."
    )
    camera: float = Field(
        0.0,
        ge=0,
        le=3,
        description="What a camera does to crops: angle, blur, shadow, few pixels; 0: none.",
    )
    language_model: bool = Field(True, description="Decode with a language model of the lines where that helps.")
    inside: float = Field(
        1.0, gt=0, le=1, description="Share of the channels inside the network's blocks that stay: a faster model."
    )
    halved: int = Field(
        13, ge=3, le=13, description="Block from which on a column stands for 8 pixels; 13: behind the last, as it is."
    )
    taught: float = Field(
        0.0, ge=0, le=100, description="Weight of staying near what the model that training starts from sees."
    )
    signs: bool = Field(True, description="Find signs that stand for a whole phrase, and read them as one.")


class Schedule(BaseModel):
    """The recipe's open values filled in for one data set."""

    model_config = ConfigDict(frozen=True)

    steps: int
    lines_per_batch: int
    learning_rate: float
    warmup: float
    evaluate_every: int
    augment: float
    splice: float
    share: float
    frozen: int


_PASSES: tuple[tuple[float, float], ...] = ((16, 40), (75, 18), (300, 12), (1600, 10), (10_000, 3), (100_000, 1.5))
"""Times each line is seen by number of lines; between these the logarithms are interpolated."""
_RATES: tuple[tuple[float, float], ...] = ((16, 1.0e-3), (75, 1.6e-3), (300, 2.0e-3), (100_000, 2.0e-3))
"""Peak relative change per step by number of lines."""
_SHARES: tuple[tuple[float, float], ...] = ((16, 0.7), (300, 0.95), (1600, 1.0))
"""Share of the way from the start to the trained weights at which the released ones lie, by number of lines."""
_AUGMENT: tuple[tuple[float, float], ...] = ((16, 0.7), (300, 1.0), (10_000, 1.0), (100_000, 0.7))
"""Strength of the augmentation by number of lines: many passes need much of it."""
_SPLICE: tuple[tuple[int, float], ...] = ((40, 0.5), (120, 0.25))
"""Share of spliced lines up to a number of lines; beyond the last one real lines teach more."""
FROZEN, FROZEN_LINES = 4, 1000
"""Blocks that stay as they are, and the number of lines from which: a third of the time is theirs. With 300 lines they
are worth their time (decisions.md)."""
FRESH_RATE, FRESH_FACTOR, FRESH_SHARE = 2e-3, 3.0, 0.3
"""A head that is mostly new (an alphabet the base never saw) needs more passes, larger steps and a longer rise."""


def schedule_for(recipe: Recipe, lines: int, *, fresh: float = 0.0) -> Schedule:
    """Fill in what the recipe leaves to the data.

    `lines` are the usable training lines, `fresh` in [0, 1] the share of their characters whose head row is new.
    """
    batch = recipe.lines_per_batch or (4 if lines < 150 else 8 if lines < 5000 else 16)
    rate = recipe.learning_rate or _interpolated(_RATES, lines)
    passes = recipe.passes or _interpolated(_PASSES, lines)
    warmup = recipe.warmup
    if fresh > FRESH_SHARE:
        rate = recipe.learning_rate or FRESH_RATE
        passes = recipe.passes or passes * FRESH_FACTOR
        warmup = max(warmup, 0.2)
    steps = recipe.steps or max(1, math.ceil(passes * lines / batch))
    return Schedule(
        steps=steps,
        lines_per_batch=batch,
        learning_rate=rate,
        warmup=warmup,
        evaluate_every=max(1, math.ceil(steps / recipe.evaluations)),
        augment=recipe.augment * _interpolated(_AUGMENT, lines),
        share=1.0 if fresh > FRESH_SHARE else recipe.share or _interpolated(_SHARES, lines),
        frozen=recipe.frozen if recipe.frozen >= 0 else FROZEN if lines >= FROZEN_LINES and fresh <= FRESH_SHARE else 0,
        splice=recipe.splice * next((share for most, share in _SPLICE if lines <= most), 0.0),
    )


def _interpolated(points: Sequence[tuple[float, float]], at: float) -> float:
    x = math.log(min(max(at, points[0][0]), points[-1][0]))
    for (left, low), (right, high) in pairwise(points):
        if x <= math.log(right):
            share = (x - math.log(left)) / (math.log(right) - math.log(left))
            return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    return points[-1][1]


def recipe_names(family: str = "") -> tuple[str, ...]:
    """Names of the built-in recipes, of one family when it is named."""
    folder = resources.files("emendo.train") / "recipes"
    names = sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(SUFFIXES))
    return tuple(name for name in names if not family or family in recipe_families(name))


def recipe_families(name: str) -> tuple[str, ...]:
    """The families that a built-in recipe is for."""
    text = (resources.files("emendo.train") / "recipes" / f"{name}.yaml").read_text(encoding="utf-8")
    return tuple(yaml.safe_load(text)["families"])


def load_recipe(name: str = "default", changes: Sequence[str] = ()) -> Recipe:
    """A recipe of the CTC family; see `family_recipe`."""
    return family_recipe(name, changes, family="ctc", kind=Recipe)


def family_recipe(name: str, changes: Sequence[str] = (), *, family: str, kind: type[_Kind]) -> _Kind:
    """The recipe of a built-in name or a YAML file, with `key=value` changes on top.

    `kind` is the recipe class of `family`. Raises UsageError when there is no such recipe or it is for other families,
    SettingsError for an unknown key or a value out of range.
    """
    values = dict(_content(name, family))
    families = values.pop("families", (family,))
    if family not in families:
        what = f"the recipe {name!r} is for {' and '.join(map(str, families))}, the base is of the family {family!r}"
        raise UsageError(what, remedy=f"use {', '.join(recipe_names(family))}")
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {change!r} is no KEY=VALUE", remedy="write for example --set steps=200")
        try:
            values[key.strip()] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UsageError(f"--set {change!r} has a value that is no YAML") from error
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_sentence(error.errors()[0], kind), where=f"recipe {name}") from error


def plate_changes(name: str, alphabet: str) -> tuple[str, ...]:
    """What the characters of plates here change in the recipe of a name: nothing but in `plates`."""
    return (f"alphabet={json.dumps(alphabet)}",) if name == PLATES else ()


def _content(name: str, family: str) -> Mapping[str, Any]:
    known = recipe_names(family)
    if name in recipe_names():
        text = (resources.files("emendo.train") / "recipes" / f"{name}.yaml").read_text(encoding="utf-8")
    else:
        path = Path(name)
        if not path.is_file():
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}" if close else f"use {', '.join(known)} or a YAML file"
            raise UsageError(f"no recipe {name!r}", remedy=hint)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise SettingsError("is not UTF-8", where=path) from error
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError("is not valid YAML", where=name) from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsError("holds no mapping of recipe keys", where=name)
    return content


def _sentence(error: Any, kind: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        close = difflib.get_close_matches(key, list(kind.model_fields), n=1)
        return f"unknown key {key!r}" + (f", did you mean {close[0]!r}?" if close else "")
    return f"{key}: {str(error['msg']).lower()} (given {error['input']!r})"
