"""What a trained bundle still needs from its validation lines: decoding and calibration.

The character model is learnt from the author's own training lines; it is kept only where it lowers the errors on
validation lines by more than chance would. Calibration is fitted on the readings that the chosen decoding gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emendo.metrics.align import counts
from emendo.models.bundle import Bundle, write_bundle
from emendo.models.calibration import LEAST_LINES, Calibration, features, fit
from emendo.text.ngram import CharacterModel
from emendo.text.normalize import normalize_text
from emendo.types import Evidence, Image

from .decode import Decoding, beam, beam_text, greedy, text_of
from .recognizer import CtcRecognizer

CHARACTER_MODEL_FILE = "ngram.json"
ORDER = 5
WEIGHTS = (0.2, 0.35, 0.5)
BONUS_PER_WEIGHT = 2.0
"""A character model costs about this many nats a character, which the bonus gives back."""
LEAST_GAIN = 0.03
"""Share of the errors that a character model must take away to be kept."""
MOST_LINES = 120


@dataclass(frozen=True, slots=True)
class Tuning:
    """Decoding and calibration chosen on validation lines, and what was seen there."""

    decoding: Decoding
    calibration: Calibration
    character_model: CharacterModel | None
    report: dict[str, Any]


def tune(
    recognizer: CtcRecognizer, images: Sequence[Image], texts: Sequence[str], author_lines: Sequence[str]
) -> Tuning:
    """Choose on validation lines; `author_lines` are the author's texts outside them.

    Below `LEAST_LINES` validation lines all stays as it is.
    """
    decoding = recognizer.decoding.model_copy(update={"model": "", "model_weight": 0.0, "bonus": 0.0})
    if len(images) < LEAST_LINES:
        return Tuning(recognizer.decoding, recognizer.calibration, recognizer.character_model, {"lines": len(images)})
    every = -(-len(images) // MOST_LINES)
    shown, truths = list(images[::every]), [normalize_text(text) for text in texts[::every]]
    plain = CtcRecognizer(_altered(recognizer.bundle, decoding), decoder="greedy")
    seen = plain.observe(shown)
    errors = _edits(truths, [one.text for one in seen])
    report: dict[str, Any] = {"lines": len(shown), "characters": sum(map(len, truths)), "edits": {"greedy": errors}}
    model = CharacterModel.learn(author_lines, order=ORDER)
    least = errors
    chosen: tuple[Decoding, CharacterModel] | None = None
    for weight in WEIGHTS:
        tried = decoding.model_copy(
            update={"model": CHARACTER_MODEL_FILE, "model_weight": weight, "bonus": BONUS_PER_WEIGHT * weight}
        )
        found = _edits(truths, [beam_text(one.evidence, model, tried) for one in seen])
        report["edits"][f"beam {weight}"] = found
        if found < least and found < (1 - LEAST_GAIN) * errors - 2:
            least, chosen = found, (tried, model)
    final = chosen[0] if chosen else decoding
    calibration = _calibrated([one.evidence for one in seen], truths, final, model if chosen else None)
    return Tuning(final, calibration, model if chosen else None, report)


def apply(bundle: Bundle, tuning: Tuning) -> Bundle:
    """The bundle with its new decoding and calibration, written over the old one whole or not at all."""
    content: dict[str, bytes] = {
        name: bundle.path(name).read_bytes() for name in bundle.info.files if name != CHARACTER_MODEL_FILE
    }
    if tuning.character_model is not None:
        content[CHARACTER_MODEL_FILE] = tuning.character_model.to_json().encode()
    info = bundle.info.model_copy(
        update={"decoding": tuning.decoding.model_dump(), "calibration": tuning.calibration.model_dump()}
    )
    return write_bundle(bundle.folder, info, content, replace=True)


def _calibrated(
    evidences: Sequence[Evidence], truths: Sequence[str], decoding: Decoding, model: CharacterModel | None
) -> Calibration:
    read = [beam(evidence, model, decoding) if model else greedy(evidence) for evidence in evidences]
    exact = np.array([text_of(found) == truth for found, truth in zip(read, truths, strict=True)])
    rows = np.array([features(evidence, found) for evidence, found in zip(evidences, read, strict=True)])
    return fit(rows, exact)


def _altered(bundle: Bundle, decoding: Decoding) -> Bundle:
    return replace(bundle, info=bundle.info.model_copy(update={"decoding": decoding.model_dump()}))


def _edits(truths: Sequence[str], found: Sequence[str]) -> int:
    return sum(counts(truth, text).edits for truth, text in zip(truths, found, strict=True))
