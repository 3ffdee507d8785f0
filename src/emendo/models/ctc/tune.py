"""What a trained bundle still needs from its validation lines: decoding and calibration.

The language model knows the author's own training lines and the words of their language; it is kept only where it
lowers the errors on validation lines by more than chance would. Calibration is fitted on the readings that the chosen
decoding gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from emendo.models.bundle import Bundle, write_bundle
from emendo.models.calibration import LEAST_LINES, Calibration, features, fit
from emendo.text.language import LanguageModel
from emendo.text.normalize import normalize_text
from emendo.types import Evidence, Image

from .decode import BONUS_PER_WEIGHT, Decoding, beam, beam_text, greedy, text_of
from .recognizer import CtcRecognizer

CHARACTER_MODEL_FILE, WORDS_FILE = "ngram.json", "words.txt"
ORDER = 5
WORDS_LICENCE = "CC-BY-SA-4.0 (words.txt: wordfreq, R. Speer 2022, https://doi.org/10.5281/zenodo.7199437)"
WEIGHTS = (0.2, 0.35, 0.5, 0.65)
LEAST_GAIN = 0.03
"""Share of the errors that a language model must take away to be kept."""
MOST_LINES = 120
LANGUAGE_FIELDS = ("model", "words", "words_share", "language", "model_weight", "bonus")


@dataclass(frozen=True, slots=True)
class Tuning:
    """Decoding and calibration chosen on validation lines, and what was seen there."""

    decoding: Decoding
    calibration: Calibration
    language_model: LanguageModel | None
    report: dict[str, Any]


def tune(
    recognizer: CtcRecognizer, images: Sequence[Image], texts: Sequence[str], language: LanguageModel | None
) -> Tuning:
    """Choose on validation lines; `language` was learnt outside them, without one only the calibration is fitted.

    Below `LEAST_LINES` validation lines all stays as it is.
    """
    if len(images) < LEAST_LINES:
        return Tuning(recognizer.decoding, recognizer.calibration, recognizer.language_model, {"lines": len(images)})
    plain_decoding = without_language(recognizer.decoding)
    every = -(-len(images) // MOST_LINES)
    shown, truths = list(images[::every]), [normalize_text(text) for text in texts[::every]]
    plain = CtcRecognizer(_altered(recognizer.bundle, plain_decoding), decoder="greedy")
    seen = plain.observe(shown)
    errors = _edits(truths, [one.text for one in seen])
    report: dict[str, Any] = {"lines": len(shown), "characters": sum(map(len, truths)), "edits": {"greedy": errors}}
    least = errors
    chosen = plain_decoding
    for weight in WEIGHTS if language is not None else ():
        assert language is not None
        tried = with_language(plain_decoding, language, weight)
        found = _edits(truths, [beam_text(one.evidence, language, tried) for one in seen])
        report["edits"][f"beam {weight}"] = found
        if found < least and found < (1 - LEAST_GAIN) * errors - 2:
            least, chosen = found, tried
    kept = language if chosen.model_weight else None
    calibration = _calibrated([one.evidence for one in seen], truths, chosen, kept)
    return Tuning(chosen, calibration, kept, report)


def with_language(decoding: Decoding, language: LanguageModel, weight: float) -> Decoding:
    """The decoding with a language model of some weight."""
    lexicon = language.lexicon
    held = {
        "model": CHARACTER_MODEL_FILE if language.characters is not None else "",
        "words": WORDS_FILE if lexicon is not None else "",
        "words_share": language.share if lexicon is not None else 0.0,
        "language": lexicon.language if lexicon is not None else "",
    }
    return decoding.model_copy(update={**held, "model_weight": weight, "bonus": BONUS_PER_WEIGHT * weight})


def without_language(decoding: Decoding) -> Decoding:
    """The decoding without any language model."""
    return decoding.model_copy(update={name: Decoding.model_fields[name].default for name in LANGUAGE_FIELDS})


def apply(bundle: Bundle, tuning: Tuning) -> Bundle:
    """The bundle with its new decoding and calibration, written over the old one whole or not at all."""
    ours = {CHARACTER_MODEL_FILE, WORDS_FILE}
    content: dict[str, bytes] = {name: bundle.path(name).read_bytes() for name in bundle.info.files if name not in ours}
    language = tuning.language_model
    if language is not None and language.characters is not None:
        content[CHARACTER_MODEL_FILE] = language.characters.to_json().encode()
    if language is not None and language.lexicon is not None:
        content[WORDS_FILE] = language.lexicon.to_text().encode()
    licences = bundle.info.licences
    if WORDS_FILE in content and WORDS_LICENCE not in licences:
        licences = (*licences, WORDS_LICENCE)
    changed = {"decoding": tuning.decoding.model_dump(), "calibration": tuning.calibration.model_dump()}
    info = bundle.info.model_copy(update={**changed, "licences": licences})
    return write_bundle(bundle.folder, info, content, replace=True)


def _calibrated(
    evidences: Sequence[Evidence], truths: Sequence[str], decoding: Decoding, model: LanguageModel | None
) -> Calibration:
    read = [beam(evidence, model, decoding) if model else greedy(evidence) for evidence in evidences]
    exact = np.array([text_of(found) == truth for found, truth in zip(read, truths, strict=True)])
    rows = np.array([features(evidence, found) for evidence, found in zip(evidences, read, strict=True)])
    return fit(rows, exact)


def _altered(bundle: Bundle, decoding: Decoding) -> Bundle:
    return replace(bundle, info=bundle.info.model_copy(update={"decoding": decoding.model_dump()}))


def _edits(truths: Sequence[str], found: Sequence[str]) -> int:
    from emendo.metrics.align import counts  # only tuning counts errors, and a device has no rapidfuzz

    return sum(counts(truth, text).edits for truth, text in zip(truths, found, strict=True))
