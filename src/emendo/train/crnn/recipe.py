"""How a CRNN is trained from nothing, and the course of steps that follows from it and the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

STEP_OF_COLUMNS = 32


class CrnnRecipe(BaseModel):
    """Everything that shapes a run of the family `crnn` apart from its data. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, ge=0, description="Seed of the first weights, the order, the augmentation and the dropout.")
    epochs: float = Field(12, gt=0, description="Times each line is seen, drawn ones too, when `steps` is 0.")
    steps: int = Field(0, ge=0, description="Optimiser steps; 0: by `epochs`.")
    batch: int = Field(64, ge=1, le=1024, description="Lines in a batch.")
    learning_rate: float = Field(1.5e-3, gt=0, le=1, description="Peak learning rate of AdamW.")
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps in which the learning rate rises.")
    weight_decay: float = Field(0.01, ge=0, lt=1, description="Decay of weights (not of biases and norms).")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of values dropped before and behind the LSTMs.")
    clip: float = Field(5.0, gt=0, description="Greatest norm of the gradient.")
    average: float = Field(0.99, ge=0, lt=1, description="Decay of the running average of the weights; 0: none.")
    columns: int = Field(160, ge=64, le=3200, description="Width that every crop is brought to; a multiple of 32.")
    augment: float = Field(0.7, ge=0, le=3, description="Strength of the augmentation; 0: none.")
    synthetic: int = Field(0, ge=0, le=1_000_000, description="Licence plates that the run draws beside the data.")
    region: Literal["", "us", "eu", "br"] = Field("", description="Whose plates are drawn; empty: all.")
    synthetic_share: float = Field(0.5, ge=0, lt=1, description="Share of drawn lines in a batch with real ones.")
    pretrain: float = Field(0.5, ge=0, lt=1, description="First share of the steps, on drawn lines alone.")
    val_split: float = Field(0.1, ge=0, le=0.5, description="Share held out by group when no validation set is given.")
    patience: int = Field(0, ge=0, description="Epochs without gain after which the run ends; 0: never.")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="Arithmetic of training.")
    force: bool = Field(False, description="Train though there are too few lines to converge.")

    @field_validator("columns")
    @classmethod
    def _whole(cls, columns: int) -> int:
        if columns % STEP_OF_COLUMNS:
            raise ValueError(f"columns must be a multiple of {STEP_OF_COLUMNS}")
        return columns


@dataclass(frozen=True, slots=True)
class Course:
    """The steps of one run: how many, where an epoch ends, and how many real lines a batch holds before and after
    step `drawn_alone`.
    """

    steps: int
    epoch: int
    drawn_alone: int
    real: int
    drawn: int


def course_for(recipe: CrnnRecipe, real: int, drawn: int) -> Course:
    """The course for so many real and drawn lines; where one kind is missing the other fills the batches."""
    epoch = max(1, math.ceil((real + drawn) / recipe.batch))
    steps = recipe.steps or max(1, math.ceil(recipe.epochs * epoch))
    epoch = min(epoch, steps)
    if not real or not drawn:
        return Course(steps, epoch, 0, recipe.batch if real else 0, recipe.batch if drawn else 0)
    beside = min(recipe.batch - 1, max(1, round(recipe.batch * recipe.synthetic_share))) if recipe.batch > 1 else 0
    return Course(steps, epoch, round(recipe.pretrain * steps), recipe.batch - beside, beside)
