"""What every run has, whatever its family: checkpoints that are whole, a safe stop, logs."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers.integrations import TensorBoardCallback

from emendo.errors import EmendoError

from .trainer import Watch

CHECKPOINTS, LOGS = "checkpoints", "logs"
_CHECKPOINT_FILES = ("model.safetensors", "optimizer.pt", "scheduler.pt", "rng_state.pth", "trainer_state.json")


class Interrupted(EmendoError):
    """The person stopped the run; everything is kept."""

    exit_status = 1


def tensorboard(folder: Path) -> Any:
    """The callback that writes TensorBoard logs to a folder."""
    from torch.utils.tensorboard import SummaryWriter

    return TensorBoardCallback(SummaryWriter(log_dir=str(folder)))


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
