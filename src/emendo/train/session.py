"""What every run has, whatever its family: whole checkpoints, a safe stop, logs, a second try after a blow-up."""

from __future__ import annotations

import json
import signal
import statistics
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from transformers import TrainerCallback
from transformers.integrations import TensorBoardCallback

from emendo.errors import EmendoError
from emendo.tools.files import remove_folder

from .curve import add_to_curve, begin_curve
from .trainer import Watch

CHECKPOINTS, LOGS = "checkpoints", "logs"
_CHECKPOINT_FILES = ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")


SLOWER, RESTARTS = 0.3, 2
"""The learning rate is multiplied by this when the loss blew up, at most so many times."""


class Interrupted(EmendoError):
    """The person stopped the run; everything is kept."""

    exit_status = 1


def tensorboard(folder: Path) -> Any:
    """The callback that writes TensorBoard logs to a folder."""
    from torch.utils.tensorboard import SummaryWriter

    return TensorBoardCallback(SummaryWriter(log_dir=str(folder)))


class CurveKeeper(TrainerCallback):  # type: ignore[misc]
    """Writes the curve of a run as it grows (see `curve`)."""

    def __init__(self, run: Path) -> None:
        self._run = run

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """At the start, or where a stopped run goes on."""
        begin_curve(self._run, state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """After each step and each validation."""
        seen = logs or {}
        if "loss" in seen:
            add_to_curve(self._run, step=state.global_step, total=state.max_steps, loss=float(seen["loss"]))
        elif "eval_cer" in seen:
            add_to_curve(self._run, step=state.global_step, cer=float(seen["eval_cer"]))


def last_checkpoint(folder: Path) -> Path | None:
    """The latest checkpoint that is whole: its files are there and its state, which is written last, can be read."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: -int(path.name.rpartition("-")[2]))
    for path in found:
        if not all((path / name).is_file() for name in _CHECKPOINT_FILES):
            continue
        try:
            json.loads((path / "trainer_state.json").read_text(encoding="utf-8"))
        except ValueError:
            continue
        return path
    return None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a loop ended with; `kept` says whether the weights to keep were `trained` or are those of the `start`."""

    kept: str
    before: float
    after: float
    steps: int
    losses: list[tuple[int, float]]
    cers: list[tuple[int, float]]
    restarts: int
    step_seconds: float

    def figures(self) -> dict[str, Any]:
        """As it stands in report.json."""
        return {
            "cer_before": self.before,
            "cer_after": self.after,
            "kept": self.kept,
            "steps": self.steps,
            "restarts": self.restarts,
            "step_seconds": self.step_seconds,
            "cers": [list(row) for row in self.cers],
            "losses": [list(row) for row in self.losses],
        }


class Attempt(Protocol):
    """One run of a loop."""

    def __call__(self, slower: float, *, resume: bool) -> tuple[Any, Watch]:
        """Train with the learning rate times `slower`; returns the trainer and what was seen."""
        ...


class Best(Protocol):
    """The best weights so far."""

    cer: float
    step: int
    last_step: int

    def judge_last(self, trainer: Any) -> None:
        """Judge the weights with which the loop ended."""
        ...


def train_through(
    attempt: Attempt, best: Best, before: float, *, out: Path, steps: int, resume: bool, again: Callable[[], None]
) -> Outcome:
    """Train to the end, anew with a lower rate where the loss blows up (`again` puts the start back).

    Raises Interrupted when asked to stop.
    """
    restarts = 0
    while True:
        trainer, watch = attempt(SLOWER**restarts, resume=resume)
        if watch.stop_wanted:
            done = trainer.state.global_step
            raise Interrupted(f"stopped after step {done} of {steps}", remedy=f"go on with --resume --out {out}")
        if not watch.blown_up or restarts == RESTARTS:
            break
        restarts += 1
        resume = False
        again()
        remove_folder(out / CHECKPOINTS)
    if not watch.blown_up and best.last_step != trainer.state.global_step:
        best.judge_last(trainer)
    history = trainer.state.log_history
    return Outcome(
        kept="trained" if best.step else "start",
        before=before,
        after=best.cer,
        steps=trainer.state.global_step,
        losses=[(row["step"], float(row["loss"])) for row in history if "loss" in row],
        cers=[(0, before), *((row["step"], float(row["eval_cer"])) for row in history if "eval_cer" in row)],
        restarts=restarts,
        step_seconds=statistics.median(watch.durations) if watch.durations else 0.0,
    )


@contextmanager
def stop_on_interrupt(watch: Watch) -> Iterator[None]:
    """Ctrl-C once stops after the step at hand with everything kept; twice stops at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    old = signal.getsignal(signal.SIGINT)

    def wish(number: int, frame: Any) -> None:
        watch.stop_wanted = True
        signal.signal(signal.SIGINT, old)

    signal.signal(signal.SIGINT, wish)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, old)
