"""kill -9 while plates are saved: what was acknowledged is in the database and in labels.txt."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from emendo.formats.labels import read_labels
from emendo.label.crops import plate_workspace
from emendo.label.desk import Desk
from emendo.label.plates import PlateBook

from ..plates import TEXTS, draw_crops

SAVER = """
import sys
from emendo.label.desk import Desk
from emendo.label.plates import PlateBook
from emendo.types import Verdict
from emendo.workspace.folder import Workspace
from pathlib import Path
desk = Desk.open(Workspace.open(Path(sys.argv[1])))
book = PlateBook(desk.workspace, desk.store)
number = int(sys.argv[2])
while True:
    for plate in book.plates():
        number += 1
        version = plate.verdict.version if plate.verdict else 0
        desk.save(plate.unit.id, f"A{number}", Verdict.EDITED, expected=version, author="ann")
        print(plate.unit.image, f"A{number}", flush=True)
"""


def test_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    crops = tmp_path / "crops"
    draw_crops(crops, TEXTS[:3])
    workspace = plate_workspace(crops)
    assert workspace is not None
    with workspace.store() as store:
        PlateBook(workspace, store).refresh()
    (crops / "labels.txt").write_text("# by hand\nelsewhere.jpg\tKEPT1\n", encoding="utf-8")
    rng, acknowledged, saves = random.Random(3), {}, 0
    for kill in range(2):
        command = [sys.executable, "-c", SAVER, str(crops), str(1000 * kill)]
        saver = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert saver.stdout is not None
        first = saver.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.15))
        saver.send_signal(signal.SIGKILL)
        lines = [first, *saver.stdout.read().splitlines(keepends=True)]
        saver.wait()
        said = [line.split() for line in lines if line.endswith("\n")]
        acknowledged.update(said)
        saves += len(said)
        held = read_labels(crops / "labels.txt")[0]
        for name, text in acknowledged.items():
            # a later save may have reached the file or the disk before it could be said
            assert held[name] == text or int(held[name][1:]) > int(text[1:])
        desk = Desk.open(workspace)
        book = PlateBook(workspace, desk.store)
        book.refresh()
        found = {one.unit.image: one.verdict.text for one in book.plates() if one.verdict}
        desk.close()
        assert all(found[name] == read_labels(crops / "labels.txt")[0][name] for name in acknowledged)
    content = (crops / "labels.txt").read_text(encoding="utf-8")
    assert saves >= 2 and content.startswith("# by hand\nelsewhere.jpg\tKEPT1\n")
