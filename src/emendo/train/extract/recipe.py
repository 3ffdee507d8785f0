"""How a network of fields is trained, and the course of steps that follows from it and the data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class FieldsRecipe(BaseModel):
    """Everything that shapes a run of the family `fields` apart from its data. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(0, ge=0, description="Seed of the first weights, the order, the noise and the dropout.")
    epochs: float = Field(0, ge=0, description="Times each document is seen, when `steps` is 0; 0: by their number.")
    steps: int = Field(0, ge=0, description="Optimiser steps; 0: by `epochs`.")
    words: int = Field(2000, ge=100, description="Most words of a batch, padding among them.")
    longest: int = Field(400, ge=50, description="Most words of a document that train at once; longer ones in parts.")
    learning_rate: float = Field(0, ge=0, le=1, description="Peak learning rate of AdamW; 0: by where it starts from.")
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps in which the learning rate rises.")
    weight_decay: float = Field(0.01, ge=0, lt=1, description="Decay of weights (not of biases and norms).")
    dropout: float = Field(0.1, ge=0, lt=1, description="Share of values dropped in the network.")
    clip: float = Field(1.0, gt=0, description="Greatest norm of the gradient.")
    average: float = Field(0.995, ge=0, lt=1, description="Decay of the running average of the weights; 0: none.")
    noise: float = Field(1.0, ge=0, le=3, description="Errors of a reader put into exact words; 0: none.")
    drawn: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="Made-up documents that train beside the data, or are replayed; 0: none, or 1,000.",
    )
    blind: float = Field(0.05, ge=0, lt=1, description="Share of words whose text is hidden.")
    replay: float = Field(0.5, ge=0, lt=1, description="Share of made-up documents in each step of what goes on.")
    evaluations: int = Field(8, ge=1, le=1000, description="Validations (and checkpoints) in the run, evenly spaced.")
    patience: int = Field(0, ge=0, description="Validations without gain after which the run ends; 0: never.")
    width: int = Field(144, ge=32, le=1024, multiple_of=16, description="Values of a word inside a new network.")
    layers: int = Field(4, ge=1, le=24, description="Layers of a new network.")
    heads: int = Field(6, ge=1, le=16, description="Heads of attention in each.")
    parties: bool = Field(True, description="Remember sellers and buyers of real documents, to put names right.")
    reader: str = Field("", max_length=400, description="Model that reads the words of pages; empty: that of the base.")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="Arithmetic of training.")


@dataclass(frozen=True, slots=True)
class Course:
    """The recipe filled in for one data set."""

    steps: int
    evaluate_every: int
    learning_rate: float


FRESH_RATE, RATE = 1.5e-3, 5e-4
"""Peak learning rates from nothing and from a trained network."""
_MOST_EPOCHS, _LEAST_EPOCHS, _DOCUMENTS = 60.0, 6.0, 40_000.0
"""A few documents are seen often, many a few times: about so many are seen in all."""


def course_for(recipe: FieldsRecipe, documents: int, words: float, *, fresh: bool) -> Course:
    """The course for a number of documents with so many words on average, `fresh` when it starts from nothing."""
    epochs = recipe.epochs or min(_MOST_EPOCHS, max(_LEAST_EPOCHS, _DOCUMENTS / max(1, documents)))
    own = 1.0 if fresh else 1 - recipe.replay
    held = max(1.0, recipe.words / max(1.0, min(words, recipe.longest)))
    steps = recipe.steps or max(1, math.ceil(epochs * documents / max(1.0, own * held)))
    rate = recipe.learning_rate or (FRESH_RATE if fresh else RATE)
    return Course(steps, max(1, math.ceil(steps / recipe.evaluations)), rate)
