"""Kill -9 at random moments: is every acknowledged correction there, is every file whole, does the next run go on?

    python benchmarks/crash.py --case collect --kills 200 --seed 1

A case is a row of CASES: how to make a workspace, what work a person leaves for each round, the command that is
killed, and what must hold afterwards. The command is a function (run in a forked child, so that hundreds of kills take
a minute, not an hour of imports) or an argument list (run as a program of its own). It tells what it has acknowledged
by lines in the file it is given; a line counts when it ends with a line feed.

A long command is killed `kills_a_round` times over the same work, each start going on where the killed one was, before
one start is let through to its end.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from emendo.errors import BundleError
from emendo.models.bundle import INFO_FILE, read_bundle
from emendo.tools.files import PARTIAL
from emendo.workspace.folder import HIDDEN, Workspace


@dataclass
class Case:
    """One kind of command under test.

    `prepare(folder, random)` makes the workspace once; `work(folder, round, random)` leaves something to do; `run`
    does it in a forked child, calling its second argument with each thing it has acknowledged, or `program` gives the
    argument list of a program that appends acknowledgements to the file given; `check(folder, acknowledged)` returns
    faults after a kill; `check_end` those after the run that was let through to its end.
    """

    name: str
    prepare: Callable[[Path, random.Random], None]
    work: Callable[[Path, int, random.Random], None]
    check: Callable[[Path, list[str]], list[str]]
    check_end: Callable[[Path], list[str]]
    run: Callable[[Path, Callable[[str], None]], None] | None = None
    program: Callable[[Path, Path], list[str]] | None = None
    kills_a_round: int = 1


@dataclass
class Outcome:
    """What the kills of one case showed. `landed` kills hit a running command, the others came after its end."""

    case: str
    kills: int = 0
    landed: int = 0
    acknowledged: int = 0
    leftovers: int = 0
    faults: list[str] = field(default_factory=list)


def run_case(case: Case, kills: int, seed: int, folder: Path) -> Outcome:
    """Kill the command of `case` `kills` times in `folder` (made anew)."""
    r = random.Random(f"{case.name} {seed}")
    outcome = Outcome(case.name)
    case.prepare(folder, r)
    case.work(folder, 0, r)
    span = _run_through(case, folder, outcome, 0)
    longest = 1.1 if case.kills_a_round == 1 else 0.9
    round_number = 0
    while outcome.kills < kills:
        round_number += 1
        case.work(folder, round_number, r)
        for _ in range(min(case.kills_a_round, kills - outcome.kills)):
            if _kill_once(case, folder, outcome, r.uniform(0, longest * span)):
                break
        took = _run_through(case, folder, outcome, outcome.kills)
        if case.kills_a_round == 1 or took > span:  # else it had only the rest of the work to do
            span += 0.3 * (took - span)
        if round_number % 10 == 0 or case.kills_a_round > 1:
            so_far = f"{outcome.kills} kills, {outcome.landed} while running, {outcome.acknowledged} acknowledged"
            sys.stderr.write(f"{case.name}: {so_far}, {len(outcome.faults)} faults\n")
    outcome.leftovers = sum(1 for path in folder.rglob(f"{PARTIAL}*"))
    return outcome


def _kill_once(case: Case, folder: Path, outcome: Outcome, seconds: float) -> bool:
    """Start the command, kill it after so long, and look at what it left; True when it had ended before."""
    log = folder.with_name(f"{folder.name}.acknowledged")
    log.write_bytes(b"")
    ended = _kill_after(_start(case, folder, log), seconds)
    acknowledged = [line.decode() for line in log.read_bytes().split(b"\n")[:-1]]
    outcome.kills += 1
    outcome.landed += not ended
    outcome.acknowledged += len(acknowledged)
    faults = [*whole_files(folder), *case.check(folder, acknowledged)]
    outcome.faults += [f"kill {outcome.kills}: {fault}" for fault in faults]
    return ended


def aside(work: Callable[[], None]) -> None:
    """Do something in a forked child, so that this process opens no run time whose threads a fork would lose."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        if status:
            raise RuntimeError(f"{work} failed with status {status}")
        return
    status = 1
    try:
        work()
        status = 0
    finally:
        os._exit(status)


def whole_files(folder: Path) -> list[str]:
    """Faults of the files themselves: JSON, JSON lines and YAML that do not parse, bundles whose checksums differ,
    a database that its own check finds damaged, a champion that is not there."""
    faults = []
    for path in sorted(folder.rglob("*")):
        if PARTIAL in str(path) or not path.is_file():
            continue
        try:
            if path.name == "emendo.db":
                with closing(sqlite3.connect(path)) as connection:
                    said = connection.execute("PRAGMA integrity_check").fetchone()[0]
                    if said != "ok":
                        faults.append(f"{path}: {said}")
            elif path.name == INFO_FILE:
                read_bundle(path.parent)
            elif path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".jsonl":
                for line in path.read_text(encoding="utf-8").splitlines():
                    json.loads(line)
            elif path.suffix in (".yaml", ".yml"):
                yaml.safe_load(path.read_text(encoding="utf-8"))
        except (ValueError, yaml.YAMLError, sqlite3.Error, BundleError) as error:
            faults.append(f"{path}: {error}")
    if (folder / HIDDEN).is_dir():
        champion = Workspace.open(folder).champion()
        if champion and champion.model not in ("base", "") and "/" in champion.model:
            faults.append(f"champion {champion.model!r} is no id")
    return faults


def _start(case: Case, folder: Path, log: Path) -> int:
    if case.program is not None:
        command = case.program(folder, log)
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True).pid
    assert case.run is not None
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.setsid()
        handle = os.open(log, os.O_WRONLY | os.O_APPEND)
        case.run(folder, lambda line: _tell(handle, line))
        status = 0
    finally:
        os._exit(status)


def _tell(handle: int, line: str) -> None:
    os.write(handle, line.encode() + b"\n")


def _kill_after(child: int, seconds: float) -> bool:
    """Kill the child's whole session after that time; True when it had ended before."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, _ = os.waitpid(child, os.WNOHANG)
        if done:
            return True
        time.sleep(min(0.001, max(deadline - time.monotonic(), 0)))
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:  # it has not opened its session yet
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _run_through(case: Case, folder: Path, outcome: Outcome, number: int) -> float:
    """Let the command run to its end; returns the seconds it took."""
    log = folder.with_name(f"{folder.name}.acknowledged")
    log.write_bytes(b"")
    start = time.monotonic()
    _, status = os.waitpid(_start(case, folder, log), 0)
    took = time.monotonic() - start
    faults = [f"the next run failed with status {status}"] if status else []
    faults += [*whole_files(folder), *case.check_end(folder)]
    outcome.faults += [f"after kill {number}: {fault}" for fault in faults]
    return took


def main(arguments: Sequence[str] | None = None) -> int:
    """Run cases and print a table; exit status 1 when anything was lost or broken."""
    from crash_cases import CASES

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=[*CASES, "all"], default="all")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    outcomes = []
    for name in CASES if given.case == "all" else [given.case]:
        with tempfile.TemporaryDirectory() as place:
            outcomes.append(run_case(CASES[name], given.kills, given.seed, Path(place) / "notes"))
    if given.json:
        print(json.dumps([vars(outcome) for outcome in outcomes], indent=1))
    else:
        print(f"{'case':10} {'kills':>6} {'while running':>14} {'acknowledged':>13} {'faults':>7} {'leftovers':>10}")
        for o in outcomes:
            print(f"{o.case:10} {o.kills:6} {o.landed:14} {o.acknowledged:13} {len(o.faults):7} {o.leftovers:10}")
            for fault in o.faults[:10]:
                print(f"  {fault}")
    return 1 if any(outcome.faults for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
