"""Attacks on a device that follows a channel: does the old model answer, is nothing half, what does the log say?

    python benchmarks/edge_attacks.py --truncations 200 --flips 50 --kills 300 --seed 1

A publisher and a device with bundles of a few kilobytes; the channel is served by a local server that truncates, flips,
stalls and sends without end. After each attack a line is read with the model in use (opened anew), every model on the
disk is verified file by file, and the last event of the log is compared with the name that the attack should have.
Beside it a plain download into place (urllib), which is what a script does that knows no metadata.

The kills hit a forked child at a random moment of a whole look (refresh, download, verify, try out in a process of its
own, swap, tidy), with SIGKILL; then one look is let through, and the next release is offered. The full disk is a real
one: the device lies on a small tmpfs where this process may mount one, else no file may grow beyond a bound.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
devices: Any = importlib.import_module("tests.serve.sync.devices")
hostile: Any = importlib.import_module("tests.serve.sync.hostile")
attacks: Any = importlib.import_module("tests.serve.sync.test_sync_attacks")

from emendo.errors import EmendoError  # noqa: E402
from emendo.models.bundle import read_bundle  # noqa: E402
from emendo.release.channel.publish import publish, withdraw  # noqa: E402
from emendo.serve.sync import note_start  # noqa: E402
from emendo.serve.sync.faults import Fault  # noqa: E402
from emendo.tools.files import PARTIAL, remove_folder  # noqa: E402

OLD, NEW = "abdge", "badge"
"""What the first and the second release read of the same line."""


@dataclass
class Row:
    """One kind of attack: how often, how often the log has its name, the old model (or after a kill: the old or the
    new one) answers, something half was found; and how often a plain download lost the old model."""

    attack: str
    runs: int = 0
    named: int = 0
    answers: int = 0
    halves: int = 0
    plain_lost: int | None = None
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


def whole(world: Any) -> bool:
    """Whether every model on the device's disk is complete under its own name."""
    try:
        return all(
            read_bundle(path).id == path.name
            for path in world.workspace.models.iterdir()
            if path.is_dir() and not path.name.startswith(PARTIAL)
        )
    except EmendoError:
        return False


def looked(world: Any, row: Row, *names: str, **changes: Any) -> None:
    """One look under attack, which should have one of these names, and what it left."""
    status = world.look(say=lambda _: None, **changes)
    row.runs += 1
    row.named += status.state in names and world.events()[-1] == status.state
    if status.state not in names:
        row.faults.append(f"{row.attack} {row.runs}: {status.state}, {status.what}")
    inspect(world, row, (OLD,))


def inspect(world: Any, row: Row, texts: tuple[str, ...]) -> None:
    try:
        said = world.read()
    except EmendoError as error:
        said = str(error)
    row.answers += said in texts
    if said not in texts:
        row.faults.append(f"{row.attack} {row.runs}: reads {said!r}")
    if not whole(world):
        row.halves += 1
        row.faults.append(f"{row.attack} {row.runs}: half a bundle")


def plain(world: Any, server: Any, archive: str, content: bytes) -> bool:
    """Whether a plain download over a good file leaves something else than the old or the new file."""
    target = world.folder / "plain.zip"
    target.write_bytes(b"old")
    with suppress(OSError):
        urllib.request.urlretrieve(f"{server.url}/{archive}", target)
    return target.read_bytes() not in (b"old", content)


def on_the_way(world: Any, chance: random.Random, truncations: int, flips: int) -> list[Row]:
    """Truncated, altered, endless and silent answers."""
    world.publisher.release("second")
    folder = world.publisher.channel.folder
    (path,) = (folder / "targets").glob(f"*.{world.second}.zip")
    archive, content = str(path.relative_to(folder)), path.read_bytes()
    with hostile.serving(folder) as server:

        def fresh(mischief: Any) -> None:
            server.mischief = mischief
            shutil.rmtree(world.device().download, ignore_errors=True)

        cut, flipped = Row("truncated", plain_lost=0), Row("one bit flipped", plain_lost=0)
        for number in range(truncations):
            fresh(hostile.Mischief("targets/", truncate=number * len(content) // truncations))
            looked(world, cut, Fault.TRUNCATED, url=server.url)
            cut.plain_lost += plain(world, server, archive, content)
        for _ in range(flips):
            fresh(hostile.Mischief("targets/", flip=chance.randrange(len(content))))
            looked(world, flipped, Fault.WRONG_HASH, url=server.url)
            flipped.plain_lost += plain(world, server, archive, content)
        rows = [cut, flipped, metadata_flips(world, server, chance, flips)]
        for name, mischief, fault in (
            ("endless release", hostile.Mischief("targets/", endless=True), Fault.ENDLESS),
            ("endless metadata", hostile.Mischief("timestamp", endless=True), Fault.ENDLESS),
            ("release stalls", hostile.Mischief("targets/", stall=True), Fault.STALLED),
            ("metadata stall", hostile.Mischief("timestamp", stall=True), Fault.STALLED),
            ("headers drip", hostile.Mischief("targets/", drip=True), Fault.STALLED),
            ("server error", hostile.Mischief("timestamp", status=503), Fault.OFFLINE),
        ):
            row = Row(name)
            fresh(mischief)
            looked(world, row, fault, url=server.url)
            rows.append(row)
    return rows


def metadata_flips(world: Any, server: Any, chance: random.Random, flips: int) -> Row:
    """One bit of one metadata file flipped on its way, of which the device has seen the state before only."""
    row = Row("one bit of metadata flipped")
    folder = world.publisher.channel.metadata
    kept = world.folder / "kept"
    shutil.copytree(world.device().metadata, kept, symlinks=True)
    world.publisher.channel.commit(30, lambda _: None)
    targets, snapshot, _ = world.publisher.channel.state()
    files = ("timestamp.json", f"{snapshot.signed.version}.snapshot.json", f"{targets.signed.version}.targets.json")
    for number in range(flips):
        shutil.rmtree(world.device().metadata)
        shutil.copytree(kept, world.device().metadata, symlinks=True)
        name = files[number % 3]
        at = chance.randrange((folder / name).stat().st_size)
        server.mischief = hostile.Mischief(f"metadata/{name}", flip=at)
        looked(world, row, Fault.WRONG_HASH, Fault.FORGED, Fault.DAMAGED_METADATA, url=server.url)
    return row


def metadata(make: Callable[[], Any]) -> list[Row]:
    """Old, expired, mixed and forged metadata, and truly signed releases that are bad."""
    rows = []
    for attack, fault in (
        (attacks.expired, Fault.EXPIRED),
        (attacks.rolled_back, Fault.ROLLED_BACK),
        (attacks.repeated_root, Fault.ROLLED_BACK),
        (attacks.mixed, Fault.MIXED),
        (attacks.mixed_targets, Fault.MIXED),
        (attacks.forged, Fault.FORGED),
        (attacks.forged_root, Fault.FORGED),
        (attacks.altered_timestamp, Fault.FORGED),
        (attacks.wrong_snapshot, Fault.WRONG_HASH),
        (attacks.garbage, Fault.DAMAGED_METADATA),
    ):
        row, world = Row(attack.__name__.replace("_", " ")), make()
        attack(world)
        looked(world, row, fault)
        rows.append(row)
    for change, fault in (
        (attacks.slipped, Fault.BAD_ARCHIVE),
        (attacks.linked, Fault.BAD_ARCHIVE),
        (attacks.bomb, Fault.BAD_ARCHIVE),
        (attacks.altered_file, Fault.BAD_BUNDLE),
        (attacks.another_bundle, Fault.BAD_BUNDLE),
        (attacks.without_certificate, Fault.NO_CERTIFICATE),
        (attacks.certificate_of_a_stranger, Fault.NO_CERTIFICATE),
        (attacks.other_texts, Fault.SELF_TEST),
    ):
        row, world = Row(f"release: {change.__name__.replace('_', ' ')}"), make()
        attacks.republish(world, change)
        looked(world, row, fault)
        rows.append(row)
    return rows


def in_use(make: Callable[[], Any]) -> list[Row]:
    """What goes wrong with a release after it was put in use: it is rolled back, or fetched again."""
    rows = []
    for name, harm, event, answer in (
        ("crash loop", crash, Fault.CRASH_LOOP, OLD),
        ("self-test fails later", forget_lines, Fault.SELF_TEST, OLD),
        ("file rots on the disk", rot, Fault.DAMAGED, NEW),
    ):
        row, world = Row(name), make()
        world.publisher.release("second")
        world.look(say=lambda _: None)
        harm(world)
        world.look(say=lambda _: None, check_hours=0)
        row.runs, row.named = 1, int(event in world.events())
        inspect(world, row, (answer,))
        if not row.named:
            row.faults.append(f"{name}: {world.events()}")
        rows.append(row)
    return rows


def crash(world: Any) -> None:
    for _ in range(3):
        kill_after(lambda: (note_start(world.workspace), signal.pause()), 0.5)


def forget_lines(world: Any) -> None:
    lines = world.device().tests / world.second / "lines.json"
    lines.write_text(lines.read_text().replace("gfedcba", "abcdefg"))


def rot(world: Any) -> None:
    path = world.workspace.models / world.second / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def killed(world: Any, chance: random.Random, kills: int) -> Row:
    """SIGKILL at a random moment of a look, again and again, over HTTP."""
    row = Row("kill -9")
    names = ("first", "second")
    bundles = dict(zip(names, (world.first, world.second), strict=True))
    began = time.monotonic()
    for name in names:  # offered elsewhere too, so that withdrawing it here does not remove its archive
        world.publisher.release(name, group="spare")
    with hostile.serving(world.publisher.channel.folder) as server:
        span, turn = 2.0, 1
        while row.runs < kills:
            name = names[turn % 2]
            offer(world, bundles[name], name)
            for _ in range(min(4, kills - row.runs)):
                ended = kill_after(lambda: world.look(url=server.url, say=print), chance.uniform(0, 1.05 * span))
                row.runs += 1
                row.named += not ended
                inspect(world, row, (OLD, NEW))
                if ended:
                    break
            start = time.monotonic()
            status = world.look(url=server.url, say=lambda _: None)
            full = time.monotonic() - start
            span += 0.3 * (full - span) if full > 0.5 * span else 0
            if status.model != bundles[name] or any(world.device().folder.rglob(f"{PARTIAL}*")):
                row.faults.append(f"after kill {row.runs}: {status.state}, {status.what}")
            turn += 1
            if turn % 10 == 0:
                sys.stderr.write(f"kill -9: {row.runs} of {kills}, {row.named} hit a running look, {row.faults}\n")
    row.seconds = time.monotonic() - began
    return row


def offer(world: Any, bundle: str, name: str) -> None:
    """Offer a bundle as a new release, and let the device have lost it, so that it has to be fetched again."""
    channel = world.publisher.channel
    with suppress(EmendoError):
        withdraw(channel, bundle, "stable")
    publish(channel, world.folder / "bundles" / name, "stable")
    if world.workspace.champion().model != bundle:
        remove_folder(world.workspace.models / bundle)


def kill_after(work: Callable[[], object], seconds: float) -> bool:
    """Kill a forked child, and what it started, after that time; True when it had ended before."""
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            work()
        finally:
            os._exit(0)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return True
        time.sleep(min(0.002, max(deadline - time.monotonic(), 0)))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def full_disk(make: Callable[[], Any], steps: int) -> list[Row]:
    """A disk with 0, 1, 2, ... free pages while a release comes in; with room again, it is taken."""
    row = Row("disk full")
    with tempfile.TemporaryDirectory(prefix="emendo-edge-") as place:
        mounted = mount(Path(place))
        world = make()
        disk = Path(place) / "device"
        shutil.copytree(world.workspace.root, disk, symlinks=True)
        shutil.rmtree(world.workspace.root)
        world.workspace = type(world.workspace).open(disk)
        world.publisher.release("second")
        try:
            for pages in range(steps):
                with filled(disk, pages) if mounted else bounded(200 * pages):
                    status = world.look(say=lambda _: None)
                if status.model == world.second:
                    break
                row.runs += 1
                row.named += status.state == Fault.DISK_FULL
                if status.state != Fault.DISK_FULL:
                    row.faults.append(f"{pages} pages free: {status.state}, {status.what}")
                inspect(world, row, (OLD,))
            else:
                row.faults.append(f"not taken with {steps} pages free")
            if world.look(say=lambda _: None).model != world.second:
                row.faults.append("not taken with room again")
        finally:
            if mounted:
                subprocess.run(["umount", place], check=True)
    row.attack += " (tmpfs)" if mounted else " (RLIMIT_FSIZE)"
    return [row]


def mount(place: Path) -> bool:
    """A tmpfs of 2 MB at a place, where that is allowed."""
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@contextmanager
def filled(disk: Path, pages: int) -> Iterator[None]:
    """Leave so many pages free on a disk."""
    ballast = disk.parent / "ballast"
    with ballast.open("wb", buffering=0) as stream, suppress(OSError):
        while True:
            stream.write(bytes(4096))
    os.truncate(ballast, max(0, ballast.stat().st_size - 4096 * pages))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def bounded(size: int) -> Iterator[None]:
    """No file of this process may grow beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--truncations", type=int, default=200)
    parser.add_argument("--flips", type=int, default=50)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--steps", type=int, default=60, help="pages that the disk has free, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="emendo-edge-") as place:
        made = devices.World.make(Path(place) / "made")
        count = iter(range(1_000))

        def make() -> Any:
            return made.copy(Path(place) / f"world-{next(count)}")

        rows = on_the_way(make(), chance, options.truncations, options.flips)
        rows += metadata(make)
        rows += in_use(make)
        rows += full_disk(make, options.steps)
        if options.kills:
            rows.append(killed(make(), chance, options.kills))
    faults = [fault for row in rows for fault in row.faults]
    if options.json:
        print(json.dumps({"rows": [asdict(row) for row in rows], "faults": len(faults)}, indent=1))
    else:
        print(f"{'attack':36} {'runs':>5} {'named':>6} {'answers':>8} {'half':>5} {'plain download lost':>20}")
        for row in rows:
            lost = "" if row.plain_lost is None else str(row.plain_lost)
            print(f"{row.attack:36} {row.runs:5} {row.named:6} {row.answers:8} {row.halves:5} {lost:>20}")
        print("kill -9: `named` counts the kills that hit a running look")
        print("\n".join(faults) or "no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
