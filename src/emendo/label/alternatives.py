"""What else could stand at a place: the classes that the network also saw where it read a character."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

import numpy as np

from ..models.choice import ChoosingRecognizer, settled
from ..models.ctc.align import forced_alignment
from ..types import Evidence, EvidenceRecognizer, Image, Reading

MOST, LEAST = 4, 0.01
"""Alternatives at a place at most, and the probability from which one is shown."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """At character `at` of the reading: the texts that could stand there instead, most probable first.

    An empty text means that nothing stands there.
    """

    at: int
    options: tuple[tuple[str, float], ...]


def alternatives(recognizer: EvidenceRecognizer, image: Image, reading: Reading) -> list[Alternative]:
    """The places of the reading of one line image (H, W, 3) at which something else could stand.

    Of several models the one that read the line is asked; another one lays the reading out as well as it can.
    """
    evidence = _reader(recognizer, image, reading).evidence([image])[0]
    found = []
    for at, one in enumerate(forced_alignment(evidence, reading.text)):
        options = _options(evidence, one.start, one.end, one.text)
        if options:
            found.append(Alternative(at, options))
    return found


def _reader(recognizer: EvidenceRecognizer, image: Image, reading: Reading) -> EvidenceRecognizer:
    if isinstance(recognizer, ChoosingRecognizer):
        return recognizer.named(reading.model) or settled(recognizer, [image])
    return recognizer


def _options(evidence: Evidence, start: float, end: float, shown: str) -> tuple[tuple[str, float], ...]:
    """Greatest probability of each other class within a span of columns; that of the blank stands for nothing."""
    width = evidence.frame_width
    first, last = int(start / width), max(int(start / width) + 1, round(end / width))
    frames = evidence.log_probs[first:last]
    if not len(frames):
        return ()
    best = frames.max(axis=0)
    best[0] = frames[:, 0].min()
    options: list[tuple[str, float]] = []
    for number in np.argsort(-best)[: MOST + 2].tolist():
        text = evidence.alphabet[number - 1] if number else ""
        probability = exp(float(best[number]))
        if text != shown and probability >= LEAST:
            options.append((text, round(probability, 4)))
    return tuple(options[:MOST])


def to_rows(found: Sequence[Alternative]) -> list[dict[str, object]]:
    """For the page."""
    return [{"at": one.at, "options": [list(option) for option in one.options]} for one in found]
