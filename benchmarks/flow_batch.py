"""A batch of real lines that is killed -9 five times, beside an undisturbed one and plain reading.

Each line must stand in the output exactly once, with the text of the undisturbed batch. Wall-clock time is told with
the processor time beside it: on a machine that does other work only the second means something.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", default="base")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("EMENDO_DATA", "../shared/data")) / "peraire")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="emendo-flow-") as held:
        folder = Path(held)
        pictures = folder / "pictures"
        pictures.mkdir()
        manifest = asked.data / "lines.jsonl"
        rows = [json.loads(line) for line in manifest.open(encoding="utf-8")][: asked.lines]
        for at, row in enumerate(rows):
            source = asked.data / row["image"]
            (pictures / f"{at:05d}{source.suffix}").symlink_to(source.resolve())
        emendo = [sys.executable, "-m", "emendo"]
        common = ["--crops", "--model", asked.model, "--threads", str(asked.threads)]
        plain, plain_said = timed([*emendo, "read", str(pictures), *common, "--json"])
        batch = [*emendo, "flow", "batch", str(pictures), *common]
        whole, _ = timed([*batch, "--out", str(folder / "whole")])
        kills = killed([*batch, "--out", str(folder / "killed")], folder / "killed", asked.kills, whole[0], asked.seed)
        last, _ = timed([*batch, "--out", str(folder / "killed")])
        undisturbed, disturbed = read(folder / "whole"), read(folder / "killed")
        expected = {one["image"]: one["text"] for one in json.loads(plain_said)["readings"]}
        found = {
            "lines": len(rows),
            "plain_seconds": plain[0],
            "plain_processor_seconds": plain[1],
            "batch_seconds": whole[0],
            "batch_processor_seconds": whole[1],
            "overhead": whole[0] / plain[0] - 1,
            "overhead_processor": whole[1] / plain[1] - 1,
            "kills": kills,
            "last_run_seconds": last[0],
            "each_once": sorted(one for one, _ in disturbed) == sorted(expected) and len(disturbed) == len(rows),
            "same_as_undisturbed": disturbed == undisturbed,
            "other_than_plain": sum(expected[name] != text for name, text in undisturbed),
        }
    print(json.dumps(found, indent=1))
    return 0 if found["each_once"] and found["same_as_undisturbed"] and len(kills) == asked.kills else 1


def timed(command: list[str]) -> tuple[tuple[float, float], str]:
    """Wall-clock and processor seconds of a command, and its standard output."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (time.monotonic() - began, spent), done.stdout


def killed(command: list[str], out: Path, times: int, seconds: float, seed: int) -> list[dict[str, Any]]:
    """Kill the whole tree `times` times at random moments within a share of the time that all of it takes."""
    chance = random.Random(seed)
    told = []
    for _ in range(times):
        running = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0.05, 0.35) * seconds)
        if running.poll() is not None:
            break
        tree = [*running.children(recursive=True), running]
        for one in tree:
            one.kill()
        psutil.wait_procs(tree)
        told.append({"processes": len(tree), "shards_there": len(list((out / "shards").glob("*.jsonl")))})
    return told


def read(out: Path) -> list[tuple[str, str]]:
    """Id and text of each row."""
    rows = [json.loads(line) for line in (out / "readings.jsonl").open(encoding="utf-8")]
    return [(row["id"], row["text"]) for row in rows]


if __name__ == "__main__":
    sys.exit(main())
