"""`emendo label` with the trainings of `slow_training.py`: `python fast_label.py STEPS SECONDS BUNDLE label ...`."""

from __future__ import annotations

import sys
from pathlib import Path

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.label import models, training

if __name__ == "__main__":
    fake = Path(__file__).with_name("slow_training.py")
    training.COMMAND = (sys.executable, str(fake), *sys.argv[1:4])  # type: ignore[assignment]
    models.general_set = lambda *_: open_dataset(str(Path(sys.argv[3]).with_name("general")))
    sys.exit(main(sys.argv[4:]))
