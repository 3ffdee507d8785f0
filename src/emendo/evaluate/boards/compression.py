"""Optical compression: how many text tokens one vision token stands for, in each mode, and what is still read right.

For each mode the whole data set is read anew: a vision-language model with that image budget, any other reader on
images that hold no more detail than the mode's pixels (`models.vision`). Compression without the accuracy at that
compression says nothing, so the two are never shown apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ...image.load import sample_image
from ...metrics import Interval, ratio_interval
from ...metrics.tokens import Tokenize, tokenizer
from ...models.generative.recognizer import GenerativeRecognizer
from ...models.vision import Mode, at_mode, own_tokens
from ...settings import Limits
from ...types import Image, Recognizer, Sample, Split
from ..report import Report, figures
from ..run import Load, Progress, SampleSet, Spent, evaluate

FORMAT = "emendo-compression/1"
OWN = "own"
"""The model as it is, without a mode."""
DEFAULT_TOKENS = "words-marks"
"""Text tokens of a model that has no tokenizer of its own."""
HOW = {
    "processor": "counted by the model's own processor",
    "arithmetic": "arithmetic of the mode; read from images with no more detail than its pixels",
    OWN: "what the model itself spends",
}


@dataclass(frozen=True)
class AtMode:
    """One mode on all samples: its report (whose lines carry the vision tokens) and the text tokens of each line.

    `counted` is a key of HOW; `valid` are the vision tokens that see image and not padding.
    """

    mode: str
    counted: str
    report: Report
    text_tokens: tuple[int, ...]
    valid: int

    @property
    def vision_tokens(self) -> int:
        """Vision tokens of all samples."""
        return sum(line.tokens for line in self.report.lines)

    @cached_property
    def compression(self) -> Interval:
        """Text tokens / vision tokens with its 95 % interval; below 1 the image costs more tokens than the text."""
        lines = self.report.lines
        groups = [line.group or line.id for line in lines]
        return ratio_interval(self.text_tokens, [line.tokens for line in lines], groups=groups)

    @cached_property
    def accuracy(self) -> Interval:
        """Character accuracy (1 - CER, not capped) with its 95 % interval."""
        bounds = self.report.cer_interval
        return Interval(1 - bounds.value, 1 - bounds.high, 1 - bounds.low, bounds.level, bounds.unit)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        lines = max(len(self.report.lines), 1)
        return {
            "mode": self.mode,
            "counted": self.counted,
            "samples": len(self.report.lines),
            "text_tokens": sum(self.text_tokens),
            "vision_tokens": self.vision_tokens,
            "valid_tokens": self.valid,
            "vision_tokens_per_sample": self.vision_tokens / lines,
            "compression": self.compression.value,
            "compression_low": self.compression.low,
            "compression_high": self.compression.high,
            "character_accuracy": self.accuracy.value,
            "character_accuracy_low": self.accuracy.low,
            "character_accuracy_high": self.accuracy.high,
            **{key: value for key, value in figures(self.report.lines).items() if key in ("cer", "wer", "exact")},
        }


@dataclass(frozen=True)
class Optical:
    """A model over all modes."""

    model: str
    dataset: str
    tokenizer: str
    modes: tuple[AtMode, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": FORMAT,
            "model": self.model,
            "dataset": self.dataset,
            "tokenizer": self.tokenizer,
            "modes": [one.to_dict() for one in self.modes],
        }

    def samples(self) -> list[dict[str, Any]]:
        """Every sample: its text tokens, and in each mode its vision tokens, their ratio, and its accuracy."""
        rows: dict[str, dict[str, Any]] = {}
        for mode in self.modes:
            for line, text in zip(mode.report.lines, mode.text_tokens, strict=True):
                row = rows.setdefault(line.id, {"id": line.id, "text_tokens": text, "modes": {}})
                row["modes"][mode.mode] = {
                    "vision_tokens": line.tokens,
                    "compression": text / line.tokens if line.tokens else None,
                    "character_accuracy": 1 - line.counts.cer,
                }
        return list(rows.values())


def optical(
    recognizer: Recognizer,
    dataset: SampleSet,
    modes: Sequence[Mode],
    *,
    tokens: str = "",
    split: Split | None = None,
    limits: Limits | None = None,
    load: Load | None = None,
    progress: Progress | None = None,
) -> Optical:
    """Read a data set as the model is, where it knows what it spends, and in each mode.

    `tokens` names the tokenizer of the text (`metrics.tokens`); empty means the model's own, else DEFAULT_TOKENS.
    Raises what `evaluate` raises, and UsageError for an unknown tokenizer.
    """
    name, tokenize = text_tokenizer(recognizer, tokens)
    bounds = limits or Limits()
    load = load or (lambda sample: sample_image(sample, bounds))
    runs = len(modes) + 1
    done = 0

    def report(reader: Recognizer, spent: Spent, shown: Load) -> tuple[Report, tuple[int, ...]]:
        def tell(at: int, of: int) -> None:
            if progress:
                progress(done * of + at, runs * of)

        made = evaluate(reader, dataset, split=split, load=shown, spent=spent, progress=tell, limits=limits)
        return made, tuple(len(tokenize(line.reference)) for line in made.lines)

    found: list[AtMode] = []
    plain, texts = report(recognizer, own_tokens, load)
    own = sum(line.tokens for line in plain.lines)
    if own:
        found.append(AtMode(OWN, OWN, plain, texts, own))
    for mode in modes:
        done += 1
        reader, counted = at_mode(recognizer, mode)
        valid = 0

        def shown(sample: Sample, mode: Mode = mode) -> Image:
            nonlocal valid
            image = load(sample)
            valid += mode.valid_tokens(image)
            return mode.seen(image)

        if counted == "processor":
            made, texts = report(reader, own_tokens, load)
            valid = sum(line.tokens for line in made.lines)
        else:
            made, texts = report(reader, _arithmetic(mode), shown)
        found.append(AtMode(mode.name, counted, made, texts, valid))
    return Optical(recognizer.model, dataset.name, name, tuple(found))


def _arithmetic(mode: Mode) -> Spent:
    return lambda _, image: mode.tokens(image)


def text_tokenizer(recognizer: Recognizer, tokens: str) -> tuple[str, Tokenize]:
    """The tokenizer of the text by name; without a name the model's own, or DEFAULT_TOKENS where it has none."""
    if not tokens and isinstance(recognizer, GenerativeRecognizer):
        words: Any = recognizer.network.tokenizer
        return "the model's own", lambda text: list(words(text, add_special_tokens=False)["input_ids"])
    name = tokens or DEFAULT_TOKENS
    return name, tokenizer(name)
