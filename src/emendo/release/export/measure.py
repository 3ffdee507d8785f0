"""Forms of one model beside each other on the same lines: what each reads, and what a line costs it.

Line by line each form reads in turn, so that they see the same machine. The first form is the reference. A float form
must read every line as the reference does, and its probabilities may differ only by rounding; whatever else was changed
(alphabet, preprocessing, head) shows there even where the text happens to be the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emendo.errors import EmendoError, EngineError
from emendo.image.load import sample_image
from emendo.metrics.align import Counts, counts
from emendo.models.certificate import Row
from emendo.types import Image, Sample

ROUNDING: Final = 0.01
"""Greatest difference of a log-probability between two float forms (0.0008 was seen, at values down to -31)."""
LOGIT_LINES: Final = 8
"""Lines on which the logits of forms that write tokens are compared: each costs a further pass."""
Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a form makes of a line: text, tokens where it writes such, and log-probabilities.

    `logs` are those of every class of every frame (CTC), or one: that of a token, in the mean.
    """

    text: str
    logs: Array
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a model: how it sees a line, and its size in megabytes.

    `logits` gives those of each token of a text that it is shown; where this form and the reference have it, these are
    compared instead of `Seen.logs`. `rounding` is the greatest difference that a float form may show.
    """

    name: str
    see: Callable[[Image], Seen]
    megabytes: float
    logits: Callable[[Image, str], Array] | None = None
    rounding: float = ROUNDING


Timed = Callable[[str, Callable[[], Seen]], tuple[Seen, float]]
"""Runs the call of a form (named first); returns its result and the processor seconds that it took."""


def by_processor(form: str, call: Callable[[], Seen]) -> tuple[Seen, float]:
    """The usual `Timed`: by the clock of this process."""
    began = time.process_time()
    seen = call()
    return seen, time.process_time() - began


@dataclass(slots=True)
class Tally:
    """What was counted of one form. `other` names the first line whose text differs: its id, the text, and ours."""

    name: str
    megabytes: float
    rounding: float = ROUNDING
    lines: int = 0
    same: int = 0
    seconds: list[float] = field(default_factory=list)
    """Of each line, in the order of the lines."""
    worst: float = 0.0
    counted: Counts = field(default_factory=Counts)
    other: tuple[str, str, str] | None = None
    unlike: str = ""
    """The first line on which the reference has probabilities of another shape."""

    @property
    def cer(self) -> float | None:
        """In [0, ...], None where no line has a text."""
        return self.counted.cer if self.counted.characters else None

    @property
    def milliseconds(self) -> float:
        """Of one line, in the mean."""
        return 1000 * sum(self.seconds) / max(1, self.lines)

    def time_share(self, other: Tally) -> float:
        """The time of a line as a share of the other form's, in the median over the lines.

        They are read in turn, so that a busy machine slows both, and one disturbed line does not decide.
        """
        shares = [mine / max(1e-9, yours) for mine, yours in zip(self.seconds, other.seconds, strict=True)]
        return median(shares) if shares else 1.0

    def row(self, reference: Tally, memory: float | None = None) -> Row:
        """As it stands in the certificate."""
        rise = self.cer - reference.cer if self.cer is not None and reference.cer is not None else None
        return Row(
            form=self.name,
            lines=self.lines,
            same=self.same,
            cer=self.cer,
            cer_difference=rise,
            logit_difference=self.worst,
            milliseconds=self.milliseconds,
            megabytes=self.megabytes,
            memory_megabytes=memory,
        )


def measure(
    forms: Sequence[Form],
    samples: Sequence[Sample],
    *,
    timed: Timed = by_processor,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> list[Tally]:
    """Read all lines with all forms; a tally for each, the reference's first."""
    tallies = [Tally(form.name, form.megabytes, form.rounding) for form in forms]
    if samples:
        warm = sample_image(samples[0])
        for form in forms:
            _seen(form, warm, samples[0], by_processor)
    for at, sample in enumerate(samples):
        image = sample_image(sample)
        found = [_seen(form, image, sample, timed) for form in forms]
        logs = _logs(forms, [seen for seen, _ in found], image, deep=at < LOGIT_LINES)
        for tally, (seen, seconds), (held, other) in zip(tallies, found, logs, strict=True):
            tally.seconds.append(seconds)
            _count(tally, found[0][0], seen, sample)
            _apart(tally, held, other, sample)
        progress(at + 1, len(samples), "comparing the forms")
    return tallies


def _seen(form: Form, image: Image, sample: Sample, timed: Timed) -> tuple[Seen, float]:
    try:
        return timed(form.name, lambda: form.see(image))
    except EmendoError:
        raise
    except Exception as error:  # a run time's own errors share no base class but this one
        reason = " ".join(str(error).split())[:160]
        what = f"{form.name} fails on the line {sample.id} ({type(error).__name__}: {reason})"
        raise EngineError(what, remedy="nothing was written; report it with the line") from error


def _logs(forms: Sequence[Form], seen: Sequence[Seen], image: Image, *, deep: bool) -> list[tuple[Array, Array]]:
    """For each form what of the reference it is compared with, and its own."""
    first = forms[0].logits
    shown = seen[0].text
    held = first(image, shown) if first is not None and deep else None
    return [
        (held, form.logits(image, shown)) if held is not None and form.logits is not None else (seen[0].logs, one.logs)
        for form, one in zip(forms, seen, strict=True)
    ]


def _count(tally: Tally, reference: Seen, seen: Seen, sample: Sample) -> None:
    tally.lines += 1
    if sample.text is not None:
        tally.counted += counts(sample.text, seen.text)
    if (seen.text, seen.tokens) == (reference.text, reference.tokens):
        tally.same += 1
    elif tally.other is None:
        tally.other = (sample.id, reference.text, seen.text)


def _apart(tally: Tally, held: Array, other: Array, sample: Sample) -> None:
    if np.isnan(other).any():
        what = f"{tally.name} gives probabilities that are no numbers on the line {sample.id}"
        raise EngineError(what, remedy="nothing was written; report it with the line")
    if held.shape != other.shape:
        tally.unlike = tally.unlike or sample.id
    elif held.size:
        tally.worst = max(tally.worst, float(np.abs(held - other).max()))


def require_same(tallies: Sequence[Tally]) -> None:
    """Raise EngineError unless every form reads every line as the first does, with the same probabilities."""
    first, *others = tallies
    for tally in others:
        if tally.other is not None:
            sample, text, instead = tally.other
            what = (
                f"{tally.name} reads {tally.lines - tally.same} of {tally.lines} lines otherwise than {first.name} "
                f"(the first, {sample}: {instead[:40]!r}, not {text[:40]!r})"
            )
            raise EngineError(what, remedy="nothing was written; report it with the line")
        if tally.unlike:
            what = f"{tally.name} sees another number of frames or classes than {first.name} (first in {tally.unlike})"
            raise EngineError(what, remedy="nothing was written; report it with the line")
        if not tally.worst <= tally.rounding:
            what = (
                f"{tally.name} reads the same texts as {first.name}, but its log-probabilities differ by "
                f"{tally.worst:.2g} (at most {tally.rounding:g} by rounding)"
            )
            raise EngineError(what, remedy="nothing was written; report it")
