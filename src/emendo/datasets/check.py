"""The preflight of a data set: every doubtful sample by name, with file and line.

One function and one row of `CHECKS` per check; each is given the whole data set and yields findings. Errors make
`emendo check` exit with 1; warnings are shown and counted.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np

from ..errors import BadInput
from ..formats.rows import unit_of
from ..image.likeness import likeness_hash
from ..image.line import LineGeometry, normalize
from ..image.load import sample_image
from ..image.quality import measure
from ..settings import Limits
from ..types import Sample, Split
from .dataset import Dataset
from .splits import repeated_texts

FRAME_WIDTH = 8
"""Columns of the normalised line per CTC frame (PP-OCRv6)."""

LEAST_SIDE = 8
LEAST_SHARPNESS = 15.0
LEAST_CONTRAST = 25.0
LONGEST_LINE = 400
_MARKS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff\u200b]")


class Severity(StrEnum):
    """`error`: would harm training or evaluation; `warning`: worth a look."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says of one sample (or of the whole set: `sample` empty)."""

    check: str
    severity: Severity
    sample: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.severity}: {self.what} [{self.check}]"


@dataclass(frozen=True, slots=True)
class Picture:
    """What the checks need of one image, taken in one look.

    `frames` are the CTC frames of the normalised line, 0 for pages; `likeness` is the perceptual hash; `error` says why
    there is no image.
    """

    width: int = 0
    height: int = 0
    sharpness: float = 0.0
    contrast: float = 0.0
    digest: str = ""
    frames: int = 0
    likeness: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order of the table, and how many samples were looked at."""

    samples: int
    findings: tuple[Finding, ...]

    def count(self, severity: Severity) -> int:
        """Findings of one severity."""
        return sum(finding.severity is severity for finding in self.findings)

    @property
    def ok(self) -> bool:
        """True without errors."""
        return not self.count(Severity.ERROR)

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "ok": self.ok,
            "samples": self.samples,
            "errors": self.count(Severity.ERROR),
            "warnings": self.count(Severity.WARNING),
            "checks": dict(Counter(finding.check for finding in self.findings)),
            "findings": [{key: str(getattr(one, key)) for key in one.__slots__} for one in self.findings],
        }


@dataclass(frozen=True, slots=True)
class Subject:
    """The data set under check, with one look at each image (None when images are not looked at)."""

    dataset: Dataset
    pictures: tuple[Picture, ...] | None


Found = Iterator[tuple[int, str]]
"""Index of the sample and what is wrong; -1 for the set as a whole."""


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table."""

    name: str
    severity: Severity
    find: Callable[[Subject], Found]


def check(
    dataset: Dataset, *, images: bool = True, limits: Limits | None = None, further: Sequence[Check] = ()
) -> Report:
    """Run all checks, then `further` ones; `images=False` leaves the pictures unopened."""
    pictures = tuple(_look(sample, limits or Limits()) for sample in dataset.samples) if images else None
    subject = Subject(dataset, pictures)
    findings = [
        Finding("format", Severity.ERROR, "", f"{one.where}:{one.line}" if one.line else str(one.where), one.what)
        for one in dataset.rejects
    ]
    findings += [
        Finding("format", Severity.WARNING, "", f"{one.where}:{one.line}" if one.line else str(one.where), one.what)
        for one in dataset.notes
    ]
    for row in (*CHECKS, *further):
        for index, what in row.find(subject):
            named = dataset.samples[index].id if index >= 0 else ""
            where = dataset.place(index) if index >= 0 else str(dataset.where)
            findings.append(Finding(row.name, row.severity, named, where, what))
    return Report(len(dataset.samples), tuple(findings))


def _look(sample: Sample, limits: Limits) -> Picture:
    try:
        image = sample_image(sample, limits)
    except BadInput as error:
        return Picture(error=error.what)
    quality = measure(image)
    digest = sha256(str(image.shape).encode() + image.tobytes()).hexdigest()
    line = sample.text and "\n" not in sample.text
    frames = normalize(image, LineGeometry()).image.shape[1] // FRAME_WIDTH if line else 0
    likeness = likeness_hash(image)
    return Picture(quality.width, quality.height, quality.sharpness, quality.contrast, digest, frames, likeness)


def _unreadable(subject: Subject) -> Found:
    for index, picture in enumerate(subject.pictures or ()):
        if picture.error:
            yield index, f"the image {subject.dataset.samples[index].image.name} {picture.error}"


def _empty(subject: Subject) -> Found:
    for index, sample in enumerate(subject.dataset.samples):
        if not (sample.text or "").strip() and sample.fields is None and "tests" not in sample.attributes:
            yield index, "the text is empty" if sample.text is not None else "there is no text"


def _direction_marks(subject: Subject) -> Found:
    for index, sample in enumerate(subject.dataset.samples):
        found = _MARKS.search(sample.text or "")
        if found:
            yield index, f"the text holds the invisible mark U+{ord(found[0]):04X}"


def _private_use(subject: Subject) -> Found:
    for index, sample in enumerate(subject.dataset.samples):
        strange = next((char for char in sample.text or "" if unicodedata.category(char) in ("Co", "Cn")), None)
        if strange is not None or "\ufffd" in (sample.text or ""):
            yield index, f"the text holds U+{ord(strange or chr(0xFFFD)):04X}, which no one can type or read"


def _blanks(subject: Subject) -> Found:
    for index, sample in enumerate(subject.dataset.samples):
        text = sample.text or ""
        if text and (text != text.strip() or "  " in text or "\t" in text):
            yield index, "the text has blanks at its ends or in a row"


def _too_long(subject: Subject) -> Found:
    for index, picture in enumerate(subject.pictures or ()):
        text = subject.dataset.samples[index].text or ""
        need = ctc_frames(text)
        if picture.frames and need > picture.frames:
            yield index, f"the text needs {need} CTC frames, the normalised image has {picture.frames}"


def ctc_frames(text: str) -> int:
    """Frames that CTC needs at least: one a character, one more between two equal ones (Graves 2006)."""
    return len(text) + sum(a == b for a, b in pairwise(text))


def _same_image(subject: Subject) -> dict[str, list[int]]:
    seen: dict[str, list[int]] = defaultdict(list)
    for index, picture in enumerate(subject.pictures or ()):
        if picture.digest:
            seen[picture.digest].append(index)
    return {digest: indices for digest, indices in seen.items() if len(indices) > 1}


def _conflicts(subject: Subject) -> Found:
    samples = subject.dataset.samples
    for indices in _same_subject(subject):
        said = {index: _said(samples[index]) for index in indices}
        if len(set(said.values())) > 1:
            for index in indices:
                other = next(one for one in indices if said[one] != said[index])
                place = subject.dataset.place(other)
                texts = samples[other].text != samples[index].text
                what = f"another text ({samples[other].text!r})" if texts else "other fields"
                yield index, f"the same picture as {place}, with {what}"


def _same_subject(subject: Subject) -> Iterator[list[int]]:
    """Samples of the same picture, and where they are documents of the same region of it."""
    for indices in _same_image(subject).values():
        groups: dict[str, list[int]] = defaultdict(list)
        for index in indices:
            sample = subject.dataset.samples[index]
            groups[str(sample.attributes.get("region", "")) if sample.fields is not None else ""].append(index)
        yield from (group for group in groups.values() if len(group) > 1)


def _said(sample: Sample) -> tuple[str | None, str]:
    return sample.text, json.dumps(sample.fields, sort_keys=True, default=str)


def _duplicates(subject: Subject) -> Found:
    samples = subject.dataset.samples
    for indices in _same_subject(subject):
        if len({_said(samples[index]) for index in indices}) == 1:
            for index in indices[1:]:
                yield index, f"the same picture and text as {subject.dataset.place(indices[0])}"


def _leaks(subject: Subject) -> Found:
    samples = subject.dataset.samples
    parts: dict[str, set[Split]] = defaultdict(set)
    first: dict[str, int] = {}
    for index, sample in enumerate(samples):
        if sample.split is not None:
            parts[unit_of(sample)].add(sample.split)
            first.setdefault(unit_of(sample), index)
    for group, found in parts.items():
        if Split.TEST in found and len(found) > 1:
            yield first[group], f"group {group!r} is in {', '.join(sorted(found))}: test lines leak"
    for indices in _same_image(subject).values():
        if len({samples[index].split for index in indices}) > 1:
            yield indices[0], f"the same picture as {subject.dataset.place(indices[1])}, in another split"


def _repeated(subject: Subject) -> Found:
    long = [one for one in repeated_texts(subject.dataset.samples) if len(one.text) >= 15]
    for one in long:
        yield -1, f"the text {one.text[:60]!r} is in test and elsewhere (groups {', '.join(one.groups[:4])})"


def _outliers(subject: Subject) -> Found:
    """Characters per height of line width: far from the median means a wrong pairing of text and image."""
    rates: dict[int, float] = {}
    for index, picture in enumerate(subject.pictures or ()):
        text = subject.dataset.samples[index].text or ""
        if len(text) >= 5 and "\n" not in text and picture.height:
            rates[index] = float(np.log(len(text) * picture.height / picture.width))
    if len(rates) < 20:
        return
    values = np.array(list(rates.values()))
    median = float(np.median(values))
    spread = max(0.15, 1.4826 * float(np.median(np.abs(values - median))))
    for index, rate in rates.items():
        if abs(rate - median) > 5 * spread:
            kind = "many" if rate > median else "few"
            yield index, f"very {kind} characters for the width of the image: is the text that of this line?"


def _overlong(subject: Subject) -> Found:
    for index, sample in enumerate(subject.dataset.samples):
        if sample.text and "\n" not in sample.text and len(sample.text) > LONGEST_LINE:
            yield index, f"{len(sample.text)} characters in one line"


def _small(subject: Subject) -> Found:
    for index, picture in enumerate(subject.pictures or ()):
        if not picture.error and min(picture.width, picture.height) < LEAST_SIDE:
            yield index, f"the image has only {picture.width} x {picture.height} pixels"


def _blurred(subject: Subject) -> Found:
    for index, picture in enumerate(subject.pictures or ()):
        if not picture.error and picture.contrast >= LEAST_CONTRAST and picture.sharpness < LEAST_SHARPNESS:
            yield index, f"the image is blurred (Laplacian variance {picture.sharpness:.0f})"


def _faint(subject: Subject) -> Found:
    for index, picture in enumerate(subject.pictures or ()):
        if not picture.error and picture.contrast < LEAST_CONTRAST:
            yield index, f"the image has hardly any contrast ({picture.contrast:.0f} of 255)"


CHECKS: tuple[Check, ...] = (
    Check("image", Severity.ERROR, _unreadable),
    Check("empty", Severity.ERROR, _empty),
    Check("conflict", Severity.ERROR, _conflicts),
    Check("leak", Severity.ERROR, _leaks),
    Check("ctc", Severity.ERROR, _too_long),
    Check("strange", Severity.ERROR, _private_use),
    Check("marks", Severity.WARNING, _direction_marks),
    Check("blanks", Severity.WARNING, _blanks),
    Check("duplicate", Severity.WARNING, _duplicates),
    Check("repeated", Severity.WARNING, _repeated),
    Check("length", Severity.WARNING, _overlong),
    Check("outlier", Severity.WARNING, _outliers),
    Check("size", Severity.WARNING, _small),
    Check("blur", Severity.WARNING, _blurred),
    Check("contrast", Severity.WARNING, _faint),
)
"""In the order in which findings are shown."""
