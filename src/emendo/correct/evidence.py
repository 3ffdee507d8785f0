"""The recogniser's own evidence for the texts a line may have, from the pictures of the lines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import BadInput
from ..image.load import read_image
from ..models.choice import settled, spread
from ..models.ctc.align import log_likelihood
from ..settings import Limits
from ..types import Evidence, EvidenceRecognizer, Image


class CropJudge:
    """Scores texts for line crops with a CTC recogniser; each crop is read once, and only when asked for."""

    def __init__(
        self, recognizer: EvidenceRecognizer, crops: Sequence[Path], readings: Sequence[str], limits: Limits
    ) -> None:
        self._recognizer = recognizer
        self._crops = crops
        self._readings = readings
        self._limits = limits
        self._evidence: dict[int, Evidence | None] = {}
        self._reader: EvidenceRecognizer | None = None

    def scores(self, line: int, texts: Sequence[str]) -> list[float] | None:
        """Log-likelihood of each text for crop `line`, less that of its reading; None when the crop cannot be read."""
        if line not in self._evidence:
            image = self._image(line)
            self._evidence[line] = self._settled().evidence([image])[0] if image is not None else None
        evidence = self._evidence[line]
        return relative_scores(evidence, self._readings[line], texts) if evidence is not None else None

    def _settled(self) -> EvidenceRecognizer:
        """The model for all crops, chosen when the first is asked for."""
        if self._reader is None:
            images = (self._image(line) for line in spread(range(len(self._crops))))
            self._reader = settled(self._recognizer, [image for image in images if image is not None])
        return self._reader

    def _image(self, line: int) -> Image | None:
        try:
            return read_image(self._crops[line], self._limits)
        except BadInput:
            return None


def relative_scores(evidence: Evidence, reading: str, texts: Sequence[str]) -> list[float]:
    """Log-likelihood of each text less that of the reading (-1e4 where the line is too short for a text)."""
    own = max(log_likelihood(evidence, reading), -1e4)
    return [max(log_likelihood(evidence, text), -1e4) - own for text in texts]
