"""Forms of one model beside each other on the same samples: what each reads, and what a sample costs it.

What a sample is (a line, a document), what a form is shown of it and how its errors are counted says a `Subject`.
Sample by sample each form reads in turn, so that they see the same machine. The first form is the reference. A float
form must read every sample as the reference does, and its probabilities may differ only by rounding; whatever else was
changed (alphabet, preprocessing, head) shows there even where the text happens to be the same.
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
from emendo.metrics import total
from emendo.metrics.align import Counts, counts
from emendo.models.bundle import Bundle
from emendo.models.certificate import Row
from emendo.models.references import open_recognizer
from emendo.types import Sample

ROUNDING: Final = 0.01
"""Greatest difference of a log-probability between two float forms (0.0008 was seen, at values down to -31)."""
LOGIT_LINES: Final = 8
"""Lines on which the logits of forms that write tokens are compared: each costs a further pass."""
Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a form makes of a sample: text, tokens where it writes such, and log-probabilities.

    `logs` are those of every class of every frame (CTC), of every label of every word (fields), or one: that of a
    token, in the mean. The text of a document is the canonical JSON of its fields.
    """

    text: str
    logs: Array
    tokens: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a model: how it sees what its subject loads of a sample, and its size in megabytes.

    `logits` gives those of each token of a text that it is shown; where this form and the reference have it, these are
    compared instead of `Seen.logs`. `rounding` is the greatest difference that a float form may show.
    """

    name: str
    see: Callable[[Any], Seen]
    megabytes: float
    logits: Callable[[Any, str], Array] | None = None
    rounding: float = ROUNDING


def _line_errors(sample: Sample, text: str) -> Counts | None:
    return None if sample.text is None else counts(sample.text, text)


def _line_texts(bundle: Bundle, images: Sequence[Any], threads: int) -> list[str]:
    return [one.text for one in open_recognizer(bundle, threads=threads).read(images)]


@dataclass(frozen=True, slots=True)
class Subject:
    """What the forms of a family read: `one` sample is called so, and `error` its rate of errors.

    `load` gives what a form is shown of a sample, `errors` counts those of a text (None where no truth is known).
    `texts` are those that a bundle reads (with so many threads), `probed` is the argument of `models.probe` that shows
    a process of its own the same.
    """

    one: str = "line"
    error: str = "CER"
    load: Callable[[Sample], Any] = sample_image
    errors: Callable[[Sample, str], Counts | None] = _line_errors
    texts: Callable[[Bundle, Sequence[Any], int], list[str]] = _line_texts
    probed: str = "images"


LINES: Final = Subject()
Timed = Callable[[str, Callable[[], Seen]], tuple[Seen, float]]
"""Runs the call of a form (named first); returns its result and the processor seconds that it took."""


def by_processor(form: str, call: Callable[[], Seen]) -> tuple[Seen, float]:
    """The usual `Timed`: by the clock of this process."""
    began = time.process_time()
    seen = call()
    return seen, time.process_time() - began


@dataclass(slots=True)
class Tally:
    """What was counted of one form. `other` names the first sample whose text differs: its id, the text, and ours.

    A sample is a `line` here, whatever the subject.
    """

    name: str
    megabytes: float
    rounding: float = ROUNDING
    subject: Subject = LINES
    lines: int = 0
    same: int = 0
    seconds: list[float] = field(default_factory=list)
    """Of each line, in the order of the lines."""
    worst: float = 0.0
    each: list[Counts] = field(default_factory=list)
    """The errors of each line whose truth is known, in order."""
    other: tuple[str, str, str] | None = None
    unlike: str = ""
    """The first line on which the reference has probabilities of another shape."""

    @property
    def cer(self) -> float | None:
        """Errors for each character (or value of a field) of the truth, in [0, ...]; None where no truth is known."""
        counted = total(self.each)
        return counted.cer if counted.characters else None

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
    subject: Subject = LINES,
    timed: Timed = by_processor,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> list[Tally]:
    """Read all samples with all forms; a tally for each, the reference's first."""
    tallies = [Tally(form.name, form.megabytes, form.rounding, subject) for form in forms]
    if samples:
        warm = subject.load(samples[0])
        for form in forms:
            _seen(form, warm, samples[0], by_processor, subject)
    for at, sample in enumerate(samples):
        shown = subject.load(sample)
        found = [_seen(form, shown, sample, timed, subject) for form in forms]
        logs = _logs(forms, [seen for seen, _ in found], shown, deep=at < LOGIT_LINES)
        for tally, (seen, seconds), (held, other) in zip(tallies, found, logs, strict=True):
            tally.seconds.append(seconds)
            _count(tally, found[0][0], seen, sample)
            _apart(tally, held, other, sample)
        progress(at + 1, len(samples), "comparing the forms")
    return tallies


def _seen(form: Form, shown: Any, sample: Sample, timed: Timed, subject: Subject) -> tuple[Seen, float]:
    try:
        return timed(form.name, lambda: form.see(shown))
    except EmendoError:
        raise
    except Exception as error:  # a run time's own errors share no base class but this one
        reason = " ".join(str(error).split())[:160]
        what = f"{form.name} fails on the {subject.one} {sample.id} ({type(error).__name__}: {reason})"
        raise EngineError(what, remedy=f"nothing was written; report it with the {subject.one}") from error


def _logs(forms: Sequence[Form], seen: Sequence[Seen], image: Any, *, deep: bool) -> list[tuple[Array, Array]]:
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
    errors = tally.subject.errors(sample, seen.text)
    if errors is not None:
        tally.each.append(errors)
    if (seen.text, seen.tokens) == (reference.text, reference.tokens):
        tally.same += 1
    elif tally.other is None:
        tally.other = (sample.id, reference.text, seen.text)


def _apart(tally: Tally, held: Array, other: Array, sample: Sample) -> None:
    if np.isnan(other).any():
        one = tally.subject.one
        what = f"{tally.name} gives probabilities that are no numbers on the {one} {sample.id}"
        raise EngineError(what, remedy=f"nothing was written; report it with the {one}")
    if held.shape != other.shape:
        tally.unlike = tally.unlike or sample.id
    elif held.size:
        tally.worst = max(tally.worst, float(np.abs(held - other).max()))


def require_same(tallies: Sequence[Tally]) -> None:
    """Raise EngineError unless every form reads every sample as the first does, with the same probabilities."""
    first, *others = tallies
    one = first.subject.one
    for tally in others:
        if tally.other is not None:
            sample, text, instead = tally.other
            what = (
                f"{tally.name} reads {tally.lines - tally.same} of {tally.lines} {one}s otherwise than {first.name} "
                f"(the first, {sample}: {_apart_from(instead, text)!r}, not {_apart_from(text, instead)!r})"
            )
            raise EngineError(what, remedy=f"nothing was written; report it with the {one}")
        if tally.unlike:
            what = f"{tally.name} sees another number of frames or classes than {first.name} (first in {tally.unlike})"
            raise EngineError(what, remedy=f"nothing was written; report it with the {one}")
        if not tally.worst <= tally.rounding:
            what = (
                f"{tally.name} reads the same texts as {first.name}, but its log-probabilities differ by "
                f"{tally.worst:.2g} (at most {tally.rounding:g} by rounding)"
            )
            raise EngineError(what, remedy="nothing was written; report it")


def _apart_from(text: str, other: str) -> str:
    """At most 40 characters of a text; of a long one those around where it first differs from the other."""
    at = next((at for at, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))
    return text[:40] if at < 30 else text[at - 10 : at + 30]
