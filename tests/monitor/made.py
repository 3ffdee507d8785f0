"""Units that were never read: a writer has a factor by which the doubt is off, a page too, errors come by chance."""

from __future__ import annotations

import numpy as np

from emendo.image.quality import Quality
from emendo.metrics.align import Counts
from emendo.monitor.seen import SeenLine
from emendo.monitor.units import Unit

FACTOR, WRITERS_APART, PAGES_APART = 0.8, 0.2, 0.1
TEXT = "nous partimes de grand matin par la route de la ville"


def made_units(writers: int, pages: int = 4, *, seed: int = 0, factor: float = FACTOR, first: str = "w") -> list[Unit]:
    rng = np.random.default_rng(seed)
    found = []
    for writer in range(writers):
        level, off = rng.uniform(0.04, 0.25), factor * np.exp(WRITERS_APART * rng.standard_normal())
        for page in range(pages):
            doubts = np.clip(level * np.exp(0.3 * rng.standard_normal(25)), 0, 0.9)
            lines = tuple(SeenLine(TEXT, float((1 - doubt) ** len(TEXT)), float(doubt)) for doubt in doubts)
            rate = doubts.mean() * off * np.exp(PAGES_APART * rng.standard_normal())
            edits = int(rng.poisson(rate * 25 * len(TEXT)))
            truth = Counts(characters=25 * len(TEXT), substitutions=edits, words=275, word_edits=edits, samples=25)
            quality = Quality(800, 48, 200 * np.exp(0.1 * rng.standard_normal()), 150, 240, 0.1)
            name = f"{first}{writer}"
            found.append(Unit(f"{name}-{page}", lines, name, name, "m@1", None, (quality,), truth))
    return found
