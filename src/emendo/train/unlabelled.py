"""Learning from lines that nobody has corrected: what a first model reads with confidence teaches a second one.

The first model reads with the words of the language, which its network does not know, and the second learns those
readings from lines that are drawn anew each time: a noisy student (Xie et al., 2020; for speech Kahn et al., 2020,
arXiv:1909.09116). What is kept is the mean of both networks (`Trainee`): the first knows the corrected lines better,
the second the others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from emendo.errors import BadInput, DataError, UsageError
from emendo.image.load import sample_image
from emendo.models.bundle import read_bundle
from emendo.models.ctc.decode import loss
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.models.references import AUTO
from emendo.tools.files import remove_folder, write_text
from emendo.types import Origin, Sample

from .families import family_of
from .recipe import Recipe, load_recipe
from .record import RUN_FILE
from .run import RunResult, finished_run, train
from .selection import LeftOut
from .start import resolved

FIRST, READ_FILE = "first", "read.jsonl"
"""Inside the folder of a run: the run of the first model, and what it read."""
MOST_LOSS = 0.2
"""Nats a character up to which a reading is learned from. On validation lines nine in ten lie below, and lines above
have twice the errors; among those below, a lower bound hardly parts good readings from bad ones."""
SHORTER = 0.5
"""Steps of the second training for each of the first."""
_AT_ONCE = 32
Progress = Callable[[int, int, str], None]


class NothingRead(DataError):
    """No line without a text was read with enough confidence."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What the first model read of a line, and its mean loss in nats a character (infinite: it cannot be opened)."""

    id: str
    text: str
    loss: float

    @property
    def kept(self) -> bool:
        """Whether it is learned from."""
        return bool(self.text.strip()) and self.loss <= MOST_LOSS


def train_with_unlabelled(
    samples: Sequence[Sample],
    unlabelled: Sequence[Sample],
    *,
    out: Path,
    val: Sequence[Sample] | None = None,
    base: str = AUTO,
    recipe: Recipe | None = None,
    resume: bool = False,
    workspace: Path | None = None,
    threads: int = 0,
    progress: Progress | None = None,
    name: str = "",
    left_out: Sequence[LeftOut] = (),
) -> RunResult:
    """As `train`, twice: `samples` alone in `out/first`, then in `out` with what that model read of `unlabelled`.

    Texts that `unlabelled` samples bring are not looked at, and those that are also in `samples` or `val` are passed
    over. Both trainings start from the same base, the second takes half the steps of the first, and the bundle is the
    mean of both. `out/read.jsonl` holds every reading and whether it was learned from.
    With `resume`, a second training goes on only with the same lines to read; with others it begins anew.

    Raises what `train` raises, UsageError for a base that is no line network, DataError when there are no such lines,
    NothingRead when none was read with confidence.
    """
    finished = finished_run(out) if resume else None
    if finished is not None:
        return finished
    show = progress or (lambda done, total, text: None)
    base = resolved(base, samples, threads=threads)
    if family_of(base, workspace=workspace)[0].name != "ctc":
        raise UsageError(f"the base {base!r} is no line network", remedy="leave out --unlabelled")
    recipe = recipe or load_recipe()
    given = {(sample.id, sample.image) for sample in (*samples, *(val or ()))}
    others = [sample for sample in unlabelled if (sample.id, sample.image) not in given]
    common: dict[str, Any] = {"val": val, "base": base, "workspace": workspace, "threads": threads}
    common |= {"name": name or out.resolve().name, "left_out": left_out}
    if not others:
        what = "there are no lines besides those that train and validate"
        raise DataError(what, where="--unlabelled", remedy="name lines that nobody has corrected, or leave it out")

    def named(done: int, total: int, text: str) -> None:
        show(done, total, f"first: {text}")

    begun = resume and (out / FIRST).exists()
    first = train(samples, recipe=recipe, out=out / FIRST, resume=begun, progress=named, **common)
    guesses = _known(out / READ_FILE, others) if resume else None
    if guesses is None:
        _forget(out)
        guesses = read_lines(first.bundle, others, threads=threads or 1, progress=show)
        write_text(out / READ_FILE, "".join(_row(guess) for guess in guesses))
    taught = _taught(others, guesses)
    if not taught:
        what = f"none of the {len(others)} lines without a text was read with enough confidence to learn from"
        raise NothingRead(what, where=out, remedy="correct more lines, or leave out --unlabelled")
    steps = max(1, round(SHORTER * first.report["schedule"]["steps"]))
    shorter = recipe.model_copy(update={"steps": steps})
    return train(
        [*samples, *taught], recipe=shorter, beside=first.bundle, out=out, resume=resume, progress=show, **common
    )


def read_lines(
    bundle: Path, samples: Sequence[Sample], *, threads: int = 1, progress: Progress = lambda *_: None
) -> list[Guess]:
    """What a bundle reads of some lines, in their order."""
    recognizer = CtcRecognizer(read_bundle(bundle), threads=threads)
    guesses: list[Guess] = []
    for start in range(0, len(samples), _AT_ONCE):
        progress(start, len(samples), "reading the other lines")
        some = samples[start : start + _AT_ONCE]
        images = {}
        for at, sample in enumerate(some):
            try:
                images[at] = sample_image(sample)
            except BadInput:
                continue
        read = dict(zip(images, recognizer.read(list(images.values())), strict=True))
        for at, sample in enumerate(some):
            one = read.get(at)
            guesses.append(Guess(sample.id, one.text if one else "", loss(one.characters) if one else float("inf")))
    return guesses


def _taught(samples: Sequence[Sample], guesses: Sequence[Guess]) -> list[Sample]:
    """The samples that are learned from, with what was read of them."""
    return [
        replace(sample, text=guess.text, origin=Origin.PSEUDO)
        for sample, guess in zip(samples, guesses, strict=True)
        if guess.kept
    ]


def _forget(out: Path) -> None:
    """Take away what a second training left that was stopped."""
    from .fit import BEST
    from .session import CHECKPOINTS

    for folder in (CHECKPOINTS, BEST):
        remove_folder(out / folder)
    (out / RUN_FILE).unlink(missing_ok=True)


def _row(guess: Guess) -> str:
    lost = guess.loss if guess.loss < float("inf") else None
    row = {"id": guess.id, "text": guess.text, "loss": lost, "kept": guess.kept}
    return json.dumps(row, ensure_ascii=False) + "\n"


def _known(path: Path, samples: Sequence[Sample]) -> list[Guess] | None:
    """The readings of a run that was stopped; None when it had not come so far, or had other lines."""
    try:
        rows = [json.loads(row) for row in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):
        return None
    if [row["id"] for row in rows] != [sample.id for sample in samples]:
        return None
    return [Guess(row["id"], row["text"], float("inf") if row["loss"] is None else row["loss"]) for row in rows]
