"""`emendo learn` with a training that only writes its curve: `python slow_training.py STEPS SECONDS BUNDLE DIR ...`.

It goes on where it was, stops safely, and ends with the model in the folder BUNDLE (`-`: with none, as when the lines
are too few). Everything around it is the real thing: the process, its lock, the data set, the log, the gate.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import emendo.train.run
from emendo.cli import main
from emendo.errors import DataError, Refused
from emendo.learn import round as learning
from emendo.models.bundle import read_bundle
from emendo.train.curve import add_to_curve, begin_curve, read_curve
from emendo.train.run import RunResult

STEPS, SECONDS, BUNDLE = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]


def train(samples: Any, *, out: Path, **_: Any) -> RunResult:
    out.mkdir(parents=True, exist_ok=True)
    begun = read_curve(out).steps
    begin_curve(out, begun)
    for step in range(begun + 1, STEPS + 1):
        try:
            time.sleep(SECONDS)
        except KeyboardInterrupt as stop:
            raise Refused(f"stopped after step {step} of {STEPS}") from stop
        add_to_curve(out, step=step, total=STEPS, loss=2.5 / (1 + 0.2 * step))
        if step % 10 == 0:
            add_to_curve(out, step=step, cer=0.3 / (1 + 0.1 * step))
    if BUNDLE == "-":
        raise DataError("this was only a rehearsal")
    shutil.copytree(BUNDLE, out / "bundle", dirs_exist_ok=True)
    report = {
        "model": read_bundle(out / "bundle").id,
        "lines": len(samples),
        "left_out": [],
        "steps": STEPS,
        "seconds": STEPS * SECONDS,
        "cer_before": 0.3,
        "cer_after": 0.05,
        "judged_on": "validation lines",
        "kept": "trained",
    }
    (out / "report.json").write_text(json.dumps(report))
    return RunResult(out / "bundle", report)


if __name__ == "__main__":
    emendo.train.run.train = train
    learning.general_set = lambda *_: learning.open_dataset(str(Path(BUNDLE).with_name("general")))
    sys.exit(main(["learn", *sys.argv[4:]]))
