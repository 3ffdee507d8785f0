"""How to tune a model that writes tokens, and the course that follows for one data set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from emendo.fields.compare import FieldCounts
from emendo.metrics.align import Counts


class TuneRecipe(BaseModel):
    """Everything that shapes a run of the families `trocr` and `vlm` apart from its data. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, ge=0, description="Seed of the order, the augmentation, the adapter and the dropout.")
    epochs: float = Field(10, gt=0, description="Times each sample is seen, when `steps` is 0.")
    steps: int = Field(0, ge=0, description="Optimiser steps; 0: by `epochs`.")
    batch: int = Field(4, ge=1, le=1024, description="Samples that go through the network together.")
    accumulate: int = Field(1, ge=1, le=1024, description="Batches whose gradients make one step.")
    learning_rate: float = Field(5e-5, gt=0, lt=1, description="Peak learning rate of AdamW.")
    scheduler: Literal["linear", "cosine", "constant_with_warmup"] = Field("linear", description="Its way down.")
    warmup: float = Field(100, ge=0, description="Steps in which it rises; below 1: share of all steps.")
    weight_decay: float = Field(0.01, ge=0, lt=1, description="Decay of weights (not of biases and norms).")
    clip: float = Field(1.0, gt=0, description="Greatest norm of the gradient.")
    max_samples: int = Field(0, ge=0, description="Most training samples, evenly spread; 0: all.")
    lora_rank: int = Field(16, ge=0, le=1024, description="Rank of the adapter; 0: train all weights.")
    lora_alpha: float = Field(32, gt=0, description="Scale of the adapter, divided by its rank.")
    lora_dropout: float = Field(0.1, ge=0, lt=1, description="Share of the adapter's inputs dropped.")
    lora_targets: str = Field("", description="Regular expression of the modules it attaches to; empty: attention.")
    dora: bool = Field(False, description="Train the weights' magnitudes apart (Liu et al., 2024).")
    freeze_encoder: bool = Field(False, description="Leave the image side as it is.")
    views: int = Field(1, ge=1, le=64, description="Views of each line that a frozen TrOCR encoder encodes once.")
    checkpointing: bool = Field(False, description="Compute activations again instead of keeping them.")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="Arithmetic of training.")
    load_bits: Literal[0, 4, 8] = Field(0, description="Bits of a weight of the base; 0: not quantised.")
    resolution: int | tuple[int, int] = Field(
        0,
        description="Rows and columns of the image (one number: both; vlm: their product is the most); 0: the model's.",
    )
    max_target: int = Field(128, ge=1, le=32768, description="Most tokens of a text; longer ones are left out.")
    prompt: str = Field("", max_length=4000, description="What a vision-language model is asked; empty: its own.")
    augment: float = Field(1.0, ge=0, le=3, description="Strength of the augmentation of `trocr`; 0: none.")
    replay: float = Field(0.0, ge=0, lt=1, description="Share of general lines in each step, against forgetting.")
    evaluations: int = Field(6, ge=1, le=1000, description="Validations (and checkpoints) in the run, evenly spaced.")
    evaluate_every: int = Field(0, ge=0, description="Steps from one validation to the next; 0: by `evaluations`.")
    judged: int = Field(100, ge=1, description="Most validation samples that are read at each look.")
    patience: int = Field(3, ge=0, description="Validations without gain after which the run ends; 0: never.")
    metric: Literal["cer", "wer", "exact", "character_accuracy", "fields"] = Field(
        "cer", description="What the best is best in; fields: F1 of the fields of documents."
    )
    save_limit: int = Field(2, ge=1, description="Checkpoints that are kept.")

    @model_validator(mode="after")
    def _sensible(self) -> TuneRecipe:
        if self.load_bits and not self.lora_rank:
            raise ValueError("load_bits needs an adapter: quantised weights cannot be trained")
        if self.dora and not self.lora_rank:
            raise ValueError("dora needs an adapter (lora_rank)")
        return self

    @property
    def image_size(self) -> tuple[int, int] | None:
        """Rows and columns, None for the model's own."""
        if isinstance(self.resolution, tuple):
            return self.resolution
        return (self.resolution, self.resolution) if self.resolution else None


@dataclass(frozen=True, slots=True)
class Course:
    """The recipe filled in for one data set: `own` and `general` samples of one step."""

    steps: int
    own: int
    general: int
    warmup: int
    evaluate_every: int


def course_for(recipe: TuneRecipe, samples: int) -> Course:
    """Steps and what is in each, for a number of usable samples."""
    whole = recipe.batch * recipe.accumulate
    general = min(whole - 1, round(whole * recipe.replay))
    own = whole - general
    steps = recipe.steps or max(1, math.ceil(recipe.epochs * samples / own))
    warmup = recipe.warmup * steps if recipe.warmup < 1 else min(recipe.warmup, steps / 2)
    every = recipe.evaluate_every or max(1, math.ceil(steps / recipe.evaluations))
    return Course(steps, own, general, int(warmup), min(every, steps))


FIELDS = "fields"
NO_FIELDS: Final = FieldCounts()
HIGHER = frozenset({"exact", "character_accuracy", FIELDS})
"""Metrics of which more is better."""


def measured(metric: str, counts: Counts, fields: FieldCounts = NO_FIELDS) -> float:
    """A metric of some readings by its name in the recipe; `fields` are counted for documents alone."""
    if metric == FIELDS:
        return fields.f1 or 0.0
    if metric == "character_accuracy":
        return 1 - counts.cer
    return {"cer": counts.cer, "wer": counts.wer, "exact": counts.exact_rate}[metric]
