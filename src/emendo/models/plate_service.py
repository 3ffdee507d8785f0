"""Licence plates read inside another program: one object, many threads.

    service = CRNNOCRService("runs/plates", region="us")
    service.warmup(3)
    plate = service.predict(crop)            # or a list of crops, or their files
    plate.text, plate.confidence, plate.accepted

The crop takes the road of training (`image.line` with the geometry of the bundle), so there is no skew between the
two. It never imports torch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final, overload

import numpy as np

from emendo.errors import UsageError
from emendo.image.load import read_image
from emendo.settings import PlateSettings
from emendo.text.plates import matches, region_of
from emendo.types import Evidence, Image, Reading

from .ctc.align import forced_alignment
from .ctc.decode import Decoding, completions, greedy, text_of
from .ctc.recognizer import CtcRecognizer
from .engine import EngineName
from .ensemble import SURE
from .plates import load_plate_recognizer, restricted
from .references import load_bundle

Crop = Image | Path
THRESHOLD: Final = 0.5
ALTERNATIVES: Final = 16
MARGIN: Final = 3.0
"""Natural-log units that a reading which fits the region may be less probable than the best one."""


@dataclass(frozen=True, slots=True)
class PlateReading:
    """What is read of one plate.

    `confidence` in [0, 1] estimates the chance that `text` is exactly right, `accepted` says whether it reaches the
    threshold. `fits` says whether the text is of one of the region's series (None where no region was named);
    `instead_of` is the most probable text where another one was taken because it fits, else empty. `model` names who
    read it: the model itself or the fallback.
    """

    text: str
    confidence: float
    accepted: bool
    fits: bool | None
    instead_of: str
    model: str


class CRNNOCRService:
    """Reads crops of plates with the bundle of a CRNN, or of any model that gives characters by frame.

    Parameters: `model_path` is the folder of a bundle or of a run, or another model reference; `use_gpu` computes by
    CUDA. `threshold` is the confidence from which a reading is accepted. `target` is the confidence that is aimed at: a
    plate of which the model is less sure goes to `fallback` too (a model reference, `ensemble:base,rapidocr` among
    them), and the surer reading stands. `region` (us, eu, br) prefers, among the readings that are nearly as probable
    as the best (within `margin` natural-log units), the most probable one of the region's series. `alphabet` holds the
    characters of a plate, `threads` those of one call.

    May be shared by threads: each call computes on its own, and the same crop gives the same reading in any of them.
    Raises UsageError for an unknown reference or region or a share out of [0, 1], BundleError for a bundle that is not
    sound, EngineError for a GPU that is not there.
    """

    def __init__(
        self,
        model_path: str | Path,
        use_gpu: bool = False,
        *,
        threshold: float = THRESHOLD,
        target: float = SURE,
        region: str = "",
        fallback: str = "",
        margin: float = MARGIN,
        alphabet: str = "",
        threads: int = 1,
    ) -> None:
        for name, share in (("threshold", threshold), ("target", target)):
            if not 0 <= share <= 1:
                raise UsageError(f"{name} {share:g} is no confidence", remedy="give a number from 0 to 1")
        self.region = region_of(region).name if region else ""
        self.threshold, self.target, self.margin = threshold, target, margin
        self.alphabet = alphabet or PlateSettings().alphabet
        engine: EngineName = "cuda" if use_gpu else "onnxruntime"
        self._reader = CtcRecognizer(load_bundle(str(model_path)), threads=threads, decoder="greedy", engine=engine)
        self._fallback = load_plate_recognizer(fallback, self.alphabet, threads=threads) if fallback else None

    @property
    def model(self) -> str:
        """Name and content id of the bundle."""
        return self._reader.model

    @overload
    def predict(self, images: Crop) -> PlateReading: ...

    @overload
    def predict(self, images: Sequence[Crop]) -> list[PlateReading]: ...

    def predict(self, images: Crop | Sequence[Crop]) -> PlateReading | list[PlateReading]:
        """One reading for a crop (H, W, 3) uint8 RGB or the path of one, a list of them for a list.

        A plate is read the same alone and among others. Raises ImageError for a file that cannot be read, ValueError
        for an array that is no picture.
        """
        if isinstance(images, Path) or (isinstance(images, np.ndarray) and images.ndim == 3):
            return self._predict([images])[0]
        return self._predict(list(images))

    def warmup(self, n: int = 3) -> float:
        """Read a blank plate `n` times, so that the first real one does not wait; returns milliseconds, the median.

        Raises UsageError for n below 1.
        """
        if n < 1:
            raise UsageError(f"cannot warm up {n} times", remedy="give 1 or more")
        blank = np.full((80, 160, 3), 200, np.uint8)
        seconds = []
        for _ in range(n):
            began = time.perf_counter()
            self.predict(blank)
            seconds.append(time.perf_counter() - began)
        return 1000 * median(seconds)

    def _predict(self, images: Sequence[Crop]) -> list[PlateReading]:
        crops = [read_image(one) if isinstance(one, Path) else one for one in images]
        # one after the other: a batch sums in another order, and its last digits would depend on its neighbours
        found = [self._of_region(self._reader.seen([crop])[0]) for crop in crops]
        unsure = [at for at, one in enumerate(found) if one.confidence < self.target]
        if self._fallback is not None and unsure:
            for at, said in zip(unsure, self._fallback.read([crops[at] for at in unsure]), strict=True):
                if said.confidence > found[at].confidence:
                    found[at] = self._reading(said, "")
        return found

    def _of_region(self, evidence: Evidence) -> PlateReading:
        """The best reading, or the best one of the region's series that is nearly as probable."""
        seen = restricted(evidence, self.alphabet)
        best = self._said(seen, None)
        if not self.region or matches(best.text, self.region):
            return self._reading(best, "")
        ranked = completions(seen, None, Decoding(width=ALTERNATIVES))
        top = ranked[0].score
        for one in ranked:
            if top - one.score <= self.margin and matches(one.text, self.region):
                return self._reading(self._said(seen, one.text), best.text)
        return self._reading(best, "")

    def _said(self, evidence: Evidence, text: str | None) -> Reading:
        characters = greedy(evidence) if text is None else tuple(forced_alignment(evidence, text))
        confidence = self._reader.calibration.confidence(evidence, characters)
        return Reading(text_of(characters), confidence, characters, self._reader.model)

    def _reading(self, said: Reading, instead_of: str) -> PlateReading:
        fits = matches(said.text, self.region) if self.region else None
        accepted = bool(said.text) and said.confidence >= self.threshold
        return PlateReading(said.text, said.confidence, accepted, fits, instead_of, said.model)
