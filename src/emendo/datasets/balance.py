"""Balance: subsets or languages with few training lines get more, from damaged copies and from generated text.

Nothing is dropped, and nothing is added to validation and test lines: balance is for training, and what is measured
stays what it was. A copy stays in the group of its line, so no line is ever on both sides of a split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from emendo.image.encode import png_bytes

from ..errors import BadInput, DataError, UsageError
from ..formats import Reject
from ..formats.rows import unit_of
from ..image.degrade import KINDS, check, degrade, rng_for
from ..image.load import sample_image
from ..settings import Limits
from ..types import Origin, Sample, Split
from .build import export
from .faces import BUILT_IN, PDF_FACES, Face
from .synth import make_line
from .words import LANGUAGES

SPACE = 17
"""Keeps generated lines apart from those of other uses (see `synth.make_line`)."""
LEVELS = (0.5, 1.5)
"""Least and greatest damage of a copy."""


@dataclass(frozen=True, slots=True)
class Balanced:
    """Training lines by value before and after, what was added, values still short of `wanted`, unreadable lines."""

    by: str
    wanted: int
    before: Mapping[str, int]
    after: Mapping[str, int]
    copies: int
    generated: int
    rejects: tuple[Reject, ...]

    @property
    def short(self) -> dict[str, int]:
        """Lines that are missing still, by value."""
        return {value: self.wanted - count for value, count in self.after.items() if count < self.wanted}

    def sentences(self) -> list[str]:
        """For a person."""
        told = [f"{self.copies} damaged copies and {self.generated} generated lines were added"]
        told += [
            f"{self.by}={value or '(none)'}: {count} -> {self.after[value]}" for value, count in self.before.items()
        ]
        if self.short:
            names = ", ".join(f"{value or '(none)'} ({count})" for value, count in self.short.items())
            told.append(f"still short: {names}; allow more copies of a line, or a share of generated ones")
        return told


def balance(
    samples: Sequence[Sample],
    out: Path,
    *,
    by: Literal["subset", "language"] = "subset",
    to: int = 0,
    kinds: Sequence[str] = ("noise", "blur", "skew"),
    most: int = 4,
    generated: float = 0.0,
    seed: int = 0,
    limits: Limits | None = None,
) -> Balanced:
    """Write the samples to the new folder `out`, each value of `by` filled up to `to` training lines (0: the largest).

    What a value lacks is filled by the share `generated` (0 to 1) of generated lines in its language, and for the rest
    by copies damaged by some of `kinds`, at most `most` of a line. Training lines are those of split train, or of none.
    Raises UsageError (unknown kind, a language without words of our own, `out` exists) and DataError (no training
    line with a text).
    """
    check(kinds, LEVELS[1])
    if not kinds or not 0 <= generated <= 1 or most < 0 or to < 0:
        raise UsageError("balance needs a kind of damage, a share from 0 to 1, and no negative number")
    if out.exists():
        raise UsageError(f"{out} exists", remedy="name a new folder")
    values: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.text is not None and sample.split in (None, Split.TRAIN):
            values.setdefault(getattr(sample, by), []).append(sample)
    if not values:
        raise DataError("no training line with a text to balance", remedy="give a data set with texts")
    wanted = to or max(map(len, values.values()))
    lacking = {value: max(0, wanted - len(own)) for value, own in values.items()}
    drawn = {value: round(generated * lack) for value, lack in lacking.items()}
    for value, number in drawn.items():
        if number and _language(values[value]) not in LANGUAGES:
            what = f"no words of our own for lines of {by} {value!r} (language {_language(values[value])!r})"
            raise UsageError(what, remedy=f"generate none, or use {', '.join(LANGUAGES)}")
    added: list[Sample] = []
    rejects: list[Reject] = []
    with TemporaryDirectory() as held:
        for value, own in sorted(values.items()):
            place = Path(held) / f"{len(added)}"
            place.mkdir()
            number = min(lacking[value] - drawn[value], most * len(own))
            copies, faults = _copies(own, number, kinds, place, seed, limits)
            added += [*copies, *_generated(own, drawn[value], place, seed, by, value)]
            rejects += faults
        export([*samples, *added], "jsonl", out)
    kept = Counter(getattr(sample, by) for sample in added)
    made = sum(sample.attributes["balance"] == "generated" for sample in added)
    return Balanced(
        by=by,
        wanted=wanted,
        before={value: len(own) for value, own in sorted(values.items())},
        after={value: len(own) + kept[value] for value, own in sorted(values.items())},
        copies=len(added) - made,
        generated=made,
        rejects=tuple(rejects),
    )


def _copies(
    own: Sequence[Sample], number: int, kinds: Sequence[str], place: Path, seed: int, limits: Limits | None
) -> tuple[list[Sample], list[Reject]]:
    """Damaged copies, every line once before any comes a second time; lines that cannot be read are left out."""
    known = [name for name in KINDS if name in kinds]
    order = rng_for(seed, f"order {own[0].id}").permutation(len(own)).tolist()
    made: list[Sample] = []
    rejects: dict[str, Reject] = {}
    for at in range(number):
        sample = own[order[at % len(own)]]
        if sample.id in rejects:
            continue
        rng = rng_for(seed, f"{sample.id} {at // len(own)}")
        chosen = [name for name in known if rng.random() < 0.5] or [known[int(rng.integers(len(known)))]]
        level = round(float(rng.uniform(*LEVELS)), 2)
        try:
            image = degrade(sample_image(sample, limits), chosen, level, rng)
        except BadInput as error:
            rejects[sample.id] = Reject(sample.image, None, str(error))
            continue
        path = place / f"copy-{at:06}.png"
        path.write_bytes(png_bytes(image))
        more = {"balance": "copy", "damage": "+".join(chosen), "level": level, "of": sample.id}
        made.append(
            replace(
                sample,
                id=f"{sample.id}~{at // len(own) + 1}",
                image=path,
                frame=0,
                polygon=None,
                group=unit_of(sample),
                origin=Origin.SYNTHETIC,
                attributes={**sample.attributes, **more},
            )
        )
    return made, list(rejects.values())


def _generated(own: Sequence[Sample], number: int, place: Path, seed: int, by: str, value: str) -> list[Sample]:
    """Generated lines that stand in the value."""
    language = _language(own)
    made: list[Sample] = []
    faces: tuple[Face, ...] = (*PDF_FACES, BUILT_IN)
    for at in range(number):
        line = make_line(SPACE, seed, at, faces, (language,))
        path = place / f"generated-{at:06}.png"
        path.write_bytes(png_bytes(line.image))
        sample = Sample(
            id=f"balance-{by}-{value}-{seed}-{at}",
            image=path,
            text=line.text,
            language=language,
            subset=own[0].subset if by == "language" else value,
            split=own[0].split,
            origin=Origin.SYNTHETIC,
            attributes={"balance": "generated", "face": line.face},
        )
        made.append(sample)
    return made


def _language(own: Sequence[Sample]) -> str:
    """The language that most of the lines are in."""
    return Counter(sample.language for sample in own).most_common(1)[0][0]
