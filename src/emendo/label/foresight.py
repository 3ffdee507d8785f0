"""What the page foresees of each line: its evidence kept, its author learnt as they go on.

A line that is shown soon is looked at by the network before it is asked for, and the evidence is kept (float16, some
65 KB a line). Each text that is saved teaches the language model at once, so the lines that follow are decoded anew
from what is kept, long before a training run ends.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from threading import Lock

import numpy as np

from ..models.choice import ChoosingRecognizer
from ..models.ctc.decode import BONUS_PER_WEIGHT, Decoding
from ..models.ctc.recognizer import CtcRecognizer
from ..models.ctc.tune import without_language
from ..text.language import Learner
from ..text.lexicon import Lexicon, detect_language
from ..types import Evidence, Image, Reading, Recognizer
from .predict import Prediction, predict

KEPT = 256
"""Lines whose evidence is kept."""
WEIGHT = 0.65
"""Weight of the language model; chosen on Peraire validation lines, by the simulated author."""
LATEST = 2000
"""Saved lines that are learnt at the beginning."""
TOLD_FROM = 200
"""Texts that the language is told from at most."""


class Foresight:
    """Predicts lines for one workspace; may be shared by threads.

    `reader` gives the model in use (it may change), `shown` the picture of a line and its reading, `said` the latest
    texts of the workspace, the oldest first, and readings to tell the language from.
    """

    def __init__(
        self,
        reader: Callable[[], Recognizer | None],
        shown: Callable[[str], tuple[Image, Reading]],
        said: Callable[[int], tuple[dict[str, str], list[str]]],
    ) -> None:
        self._reader, self._shown, self._said = reader, shown, said
        self._seen: OrderedDict[tuple[str, str], tuple[Evidence, Decoding]] = OrderedDict()
        self._learner: Learner | None = None
        self._learnt: dict[str, str] = {}
        self._known = False
        self._lock, self._looking = Lock(), Lock()

    def predict(self, line: str, before: str = "", between: str = "", kept: str = "") -> Prediction | None:
        """See `label.predict`; None where the line was read by another model than the one in use.

        Another model's reading is not turned into this one's while somebody corrects it.
        """
        found = self._look(line)
        if found is None:
            return None
        evidence, decoding = found
        with self._lock:
            model = self._taught().model
            weighed = _weighed(decoding) if model is not None else without_language(decoding)
            return predict(_whole(evidence), model, weighed, before, between, kept)

    @property
    def learns(self) -> bool:
        """Whether anything was predicted yet; before that, what is said needs not be told."""
        return self._learner is not None

    def learn(self, line: str, text: str) -> None:
        """Take in what was said of a line; a line teaches once."""
        with self._lock:
            if self._learner is None or line in self._learnt:
                return
            self._learnt[line] = text
            if not self._known and detect_language(list(self._learnt.values())[-TOLD_FROM:]):
                self._begin(self._learnt, [])
            else:
                self._learner.learn(text)

    def _taught(self) -> Learner:
        """The learner, with what was said before it began."""
        if self._learner is None:
            return self._begin(*self._said(LATEST))
        return self._learner

    def _begin(self, said: dict[str, str], readings: list[str]) -> Learner:
        """A learner with the words of the language that the texts are in, as soon as they tell it."""
        language = detect_language([*said.values(), *readings][-TOLD_FROM:])
        self._known = bool(language)
        self._learner = Learner(Lexicon.of(language) if language else None)
        for text in said.values():
            self._learner.learn(text)
        self._learnt = dict(said)
        return self._learner

    def _look(self, line: str) -> tuple[Evidence, Decoding] | None:
        """The evidence of a line; one line is looked at at a time."""
        with self._looking:
            reader = self._reader()
            if reader is None:
                return None
            key = (line, reader.model)
            if key not in self._seen:
                image, reading = self._shown(line)
                model = _of(reader, reading)
                if not isinstance(model, CtcRecognizer) or model.model != reading.model:
                    return None
                seen = model.seen([image])[0]
                kept = replace(seen, log_probs=seen.log_probs.astype(np.float16))
                self._seen[key] = kept, model.decoding
                if len(self._seen) > KEPT:
                    self._seen.popitem(last=False)
            self._seen.move_to_end(key)
            return self._seen[key]


def _weighed(decoding: Decoding) -> Decoding:
    """The decoding of a bundle with the weight that the author's own language has in the page."""
    return decoding.model_copy(update={"model_weight": WEIGHT, "bonus": BONUS_PER_WEIGHT * WEIGHT})


def _of(reader: Recognizer, reading: Reading) -> Recognizer | None:
    """Of several models the one that read the line."""
    return reader.named(reading.model) if isinstance(reader, ChoosingRecognizer) else reader


def _whole(evidence: Evidence) -> Evidence:
    return replace(evidence, log_probs=evidence.log_probs.astype(np.float32))
