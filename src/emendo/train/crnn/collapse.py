"""Blank collapse: a CTC network that gives the blank to every frame, seen in time and explained.

Every CTC network begins there, for the blank is the cheapest first answer; one that stays there, or comes back, learns
nothing more, however long it runs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from transformers import TrainerCallback

from emendo.errors import EmendoError
from emendo.train.trainer import Watch

GRACE, LEAST_STEPS, MOST_STEPS = 0.4, 40, 1500
"""Share of the steps in which a network may give nothing but blanks, and the bounds of their number."""
AGAIN = 30
"""Batches in a row of nothing but blanks that are a collapse after that."""
HOT = 1e-2
"""Learning rates from here up are the likeliest cause."""


class Collapsed(EmendoError):
    """The network reads nothing any more; the run was stopped."""

    exit_status = 1


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the cause of a collapse is told from: `crowding` is the mean share of frames that a label needs."""

    lines: int
    drawn: int
    learning_rate: float
    crowding: float


class BlankGuard(TrainerCallback):  # type: ignore[misc]
    """Stops a run in which every frame of every batch is blank; `emptied` tells of the step at which it did."""

    def __init__(self, watch: Watch, blanks: Any) -> None:
        self._watch, self._blanks = watch, blanks
        self._empty = 0
        self.emptied: int | None = None

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """After each step: count the batches without a single character."""
        self._empty = self._empty + 1 if self._blanks() >= 1.0 else 0
        grace = max(LEAST_STEPS, min(MOST_STEPS, math.ceil(GRACE * self._watch.total)))
        if self._empty >= AGAIN and state.global_step >= grace:
            self.emptied = state.global_step
            control.should_training_stop = True
        return control


def explained(step: int, seen: Circumstances) -> Collapsed:
    """The error of a collapse, with the likeliest cause and what to do."""
    if seen.learning_rate >= HOT:
        cause = f"the learning rate {seen.learning_rate:g} is too high"
        remedy = "start again with --set learning_rate=0.001"
    elif seen.crowding > 0.6:
        cause = f"the labels need {100 * seen.crowding:.0f} % of the frames that a line has"
        remedy = "give it wider lines, as --set columns=320"
    elif seen.lines + seen.drawn < 1000:
        cause = f"{seen.lines + seen.drawn} lines are too few to leave it"
        remedy = "add drawn plates (--set synthetic=8000), or start from the base (--base base)"
    else:
        cause = "the steps are too few, or the labels do not belong to their pictures"
        remedy = "look at them with emendo check --plates, then train for more epochs"
    what = f"blank collapse: at step {step} every frame of every line is blank, so it reads nothing; {cause}"
    return Collapsed(what, remedy=remedy)
