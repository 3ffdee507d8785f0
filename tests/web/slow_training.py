"""`emendo learn` with a training that only writes its curve: `python slow_training.py STEPS SECONDS DIR --no-promote`.

It goes on where it was, stops safely, and ends with a model that cannot be: everything around it is the real thing.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import emendo.train.run
from emendo.cli import main
from emendo.errors import DataError, Refused
from emendo.train.curve import add_to_curve, begin_curve, read_curve

STEPS, SECONDS = int(sys.argv[1]), float(sys.argv[2])


def train(_: Any, *, out: Path, **__: Any) -> None:
    out.mkdir(parents=True, exist_ok=True)
    begun = read_curve(out).steps
    begin_curve(out, begun)
    for step in range(begun + 1, STEPS + 1):
        try:
            time.sleep(SECONDS)
        except KeyboardInterrupt as stop:
            raise Refused(f"stopped after step {step} of {STEPS}") from stop
        add_to_curve(out, step=step, total=STEPS, loss=1 / step)
    raise DataError("this was only a rehearsal")


if __name__ == "__main__":
    emendo.train.run.train = train  # type: ignore[assignment]
    sys.exit(main(["learn", *sys.argv[3:]]))
