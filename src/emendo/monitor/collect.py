"""What people said of readings becomes samples: the pictures that were captured, with the texts that are right."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..formats import Reject
from ..types import Origin, Polygon, Sample
from .captures import Captures
from .seen import Seen, Truth

SAMPLE_DPI = 200
"""Resolution at which PDF pages of samples are rendered (see `image.load.sample_image`)."""


@dataclass(frozen=True, slots=True)
class Collected:
    """Samples, and the truths of which none could be made, with reasons."""

    samples: tuple[Sample, ...]
    rejects: tuple[Reject, ...]


def collect(
    captures: Captures, *, without_authors: Collection[str] = (), since: datetime | None = None, dpi: int = SAMPLE_DPI
) -> Collected:
    """A sample for each line (or document) whose truth was told, `since` a moment if given, and whose picture was kept.

    Of several truths of one line the last holds. The group is the document, so that it is never split. What
    `without_authors` said is left out. `dpi` is the resolution at which the service read PDF pages.
    """
    told: dict[str, list[Truth]] = {}
    for truth in captures.truths(since=since):
        if truth.author not in without_authors:
            told.setdefault(truth.id, []).append(truth)
    samples: list[Sample] = []
    rejects: list[Reject] = []
    for seen in captures.seen() if told else ():
        truths = told.pop(seen.id, None)
        if truths is None:
            continue
        if not seen.image or not (captures.folder / seen.image).is_file():
            rejects.append(_reject(captures, f"the picture of {seen.id} was not kept"))
            continue
        made = list(_samples(captures, seen, truths, SAMPLE_DPI / dpi if seen.image.endswith(".pdf") else 1.0))
        samples += [one for one in made if isinstance(one, Sample)]
        rejects += [one for one in made if isinstance(one, Reject)]
    rejects += [_reject(captures, f"the reading {name} is not among the captures") for name in told]
    return Collected(tuple(samples), tuple(rejects))


def _samples(captures: Captures, seen: Seen, truths: Sequence[Truth], scale: float) -> Iterator[Sample | Reject]:
    if seen.fields is not None or not seen.lines:
        last = truths[-1]
        if last.fields is not None:
            yield _sample(captures, seen, last, None, seen.id, {})
        return
    right: dict[int, tuple[str, Truth]] = {}
    for truth in truths:
        texts = (truth.text or "").split("\n")
        if truth.line is not None:
            right[truth.line] = (texts[0], truth)
        elif len(texts) == len(seen.lines):
            right |= {line: (text, truth) for line, text in enumerate(texts)}
        else:
            what = f"{len(seen.lines)} lines of {seen.id} were read and {len(texts)} are right: which is which?"
            yield _reject(captures, what, "tell them line by line")
    page = seen.kind == "page"
    for line, (text, truth) in sorted(right.items()):
        read = seen.lines[line]
        name = f"{seen.id}:{line}" if page else seen.id
        if not text:
            yield _reject(captures, f"nothing stands in {name}")
            continue
        outline = tuple((x * scale, y * scale) for x, y in read.polygon) or None
        yield _sample(captures, seen, truth, text, name, {"line": line, "reading": read.text}, outline)


def _sample(
    captures: Captures,
    seen: Seen,
    truth: Truth,
    text: str | None,
    name: str,
    more: Mapping[str, Any],
    outline: Polygon | None = None,
) -> Sample:
    plate = seen.kind == "plate"
    return Sample(
        id=name,
        image=captures.folder / seen.image,
        frame=seen.frame,
        polygon=outline,
        text=text,
        fields=truth.fields,
        subset="plate" if plate else "",
        group=f"plate {(text or '').replace('O', '0')}" if plate else seen.group,
        origin=Origin.ACCEPTED if more and text == more["reading"] else Origin.CORRECTED,
        source=f"capture {seen.id}",
        attributes={**more, "author": truth.author, "at": truth.at.isoformat(), "model": seen.model},
    )


def _reject(captures: Captures, what: str, remedy: str = "") -> Reject:
    return Reject(captures.folder, None, what, remedy)
