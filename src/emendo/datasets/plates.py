"""What makes the label of a licence plate doubtful: signs taken for plates, and pictures that contradict each other.

The letter O and the digit 0 look the same on many plates; taking one for the other is no fault here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ..image.likeness import alike
from ..settings import PlateSettings
from .check import Check, Found, Severity, Subject

LEAST_INSIDE = 5
"""Letters of a sign word that counts when it is only a part of a label."""


@dataclass(frozen=True, slots=True)
class TextFault:
    """One row of the table: what is said of a label, or nothing."""

    name: str
    severity: Severity
    judge: Callable[[str, PlateSettings], str]


def _outside(text: str, settings: PlateSettings) -> str:
    strange = sorted({char for char in text if char not in settings.alphabet})
    return f"the label holds {' '.join(map(repr, strange))}, which no plate here does" if strange else ""


def _sign(text: str, settings: PlateSettings) -> str:
    letters = "".join(char for char in text.upper() if char.isalpha())
    for word in map(str.upper, settings.sign_words):
        alone = letters == word and (len(word) > 3 or letters == text.upper())
        if alone or (len(word) >= LEAST_INSIDE and word in letters):
            return f"the label reads like a sign ({word})"
    return ""


def _no_digit(text: str, _: PlateSettings) -> str:
    return "" if any(char.isdecimal() for char in text) else "the label has no digit"


def _long(text: str, settings: PlateSettings) -> str:
    return f"the label has {len(text)} characters" if len(text) > settings.longest else ""


TEXT_FAULTS: tuple[TextFault, ...] = (
    TextFault("alphabet", Severity.ERROR, _outside),
    TextFault("sign", Severity.ERROR, _sign),
    TextFault("no-digit", Severity.WARNING, _no_digit),
    TextFault("long", Severity.WARNING, _long),
)
"""In the order in which they are shown; a label has the first fault that is found of it."""


def text_fault(text: str, settings: PlateSettings) -> tuple[TextFault, str] | None:
    """The first fault of a label, with the sentence; None for a label that looks right."""
    for row in TEXT_FAULTS:
        said = row.judge(text, settings)
        if said:
            return row, said
    return None


def plate_checks(settings: PlateSettings) -> Sequence[Check]:
    """The rows that `emendo check --plates` adds to the table of checks."""
    texts = [Check(row.name, row.severity, partial(_text_rows, row.name, settings)) for row in TEXT_FAULTS]
    return (
        *texts,
        Check("plate-conflict", Severity.ERROR, _conflicts),
        Check("plate-duplicate", Severity.WARNING, _duplicates),
    )


def _text_rows(name: str, settings: PlateSettings, subject: Subject) -> Found:
    for index, sample in enumerate(subject.dataset.samples):
        found = text_fault(sample.text, settings) if sample.text else None
        if found and found[0].name == name:
            yield index, f"{found[1]} ({sample.text!r})"


def _pairs(subject: Subject) -> Iterator[tuple[int, int]]:
    seen = {str(index): one.likeness for index, one in enumerate(subject.pictures or ()) if one.likeness}
    return ((int(one), int(other)) for one, other in alike(seen))


def _conflicts(subject: Subject) -> Found:
    samples = subject.dataset.samples
    for one, other in _pairs(subject):
        if contradict(samples[one].text or "", samples[other].text or ""):
            place = subject.dataset.place(one)
            yield other, f"shows the same as {place}, where the label is {samples[one].text!r}"


def _duplicates(subject: Subject) -> Found:
    samples = subject.dataset.samples
    for one, other in _pairs(subject):
        if not contradict(samples[one].text or "", samples[other].text or ""):
            yield other, f"shows the same as {subject.dataset.place(one)}, with the same label"


def contradict(one: str, other: str) -> bool:
    """Whether two labels of one picture cannot both be right; O and 0 are held equal."""
    return one.replace("O", "0") != other.replace("O", "0")
