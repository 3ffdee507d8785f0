"""Many people saving at once, and a server that is killed while they do.

    python benchmarks/page_saves.py people [--people 50] [--saves 200] [--json]
    python benchmarks/page_saves.py kill [--rounds 300] [--people 4] [--json]

`people`: so many annotators save so many lines each, one after another as fast as they are answered; a fifth of the
saves are on one line that all of them change. Counted: saves that were accepted against rows of the history, refusals
by status, and the time of a save. `kill`: the server is killed with -9 at a random moment under such saves, started
again, and every save that was acknowledged must be in the database, with its text.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from emendo.types import Reading
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Line

TOKEN = "saves"
SHARED = f"{0:016x}"
SERVER = """
import sys
from pathlib import Path
import uvicorn
from emendo.label.desk import Desk
from emendo.web.app import create_app
from emendo.web.guard import Guard, one_person
from emendo.web.serve import bound, listening
from emendo.workspace.folder import Workspace
from emendo.workspace.people import Person
opened = bound("127.0.0.1", int(sys.argv[2]))
desk = Desk.open(Workspace.open(Path(sys.argv[1])))
app = create_app(desk, Guard(one_person("saves", Person("ann")), frozenset({listening(opened)})))
print("ready", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[opened])
"""


@dataclass
class Told:
    """What the people were told: accepted (line, version, text), statuses, seconds of each save."""

    accepted: list[tuple[str, int, str]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Server:
    """The page's server in a process of its own, at one port."""

    def __init__(self, root: Path) -> None:
        self.root = root
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self) -> None:
        command = [sys.executable, "-c", SERVER, str(self.root), str(self.port)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None and self.process.stdout.readline() == "ready\n"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def client(self) -> httpx.Client:
        return httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        )


def workspace_of(root: Path, count: int) -> Workspace:
    workspace = Workspace.init(root)
    rows = [
        (
            Line(
                id=f"{at:016x}",
                document="notes",
                number=at + 1,
                text_line=at + 1,
                page=1,
                image="x.png",
                sha256="0" * 64,
            ),
            Reading(f"line {at}", 0.9, (), "drawn"),
        )
        for at in range(count)
    ]
    with workspace.store() as store:
        store.put_document("notes", rows)
    return workspace


def person(server: Server, number: int, saves: int, told: Told, stop: threading.Event) -> None:
    """Save one line after another; every fifth save is on the line that all share, at the version last seen."""
    chance, seen = random.Random(number), 0
    with server.client() as client:
        for turn in range(saves):
            shared = turn % 5 == 4
            line = SHARED if shared else f"{1 + number * saves + turn:016x}"
            text = f"person {number} turn {turn} {chance.random()}"
            sent = {"text": text, "verdict": "edited", "version": seen if shared else 0}
            began = time.perf_counter()
            try:
                answer = client.post(f"/api/lines/{line}", json=sent)
            except httpx.TransportError:
                if stop.is_set():
                    return
                raise
            body = answer.json()
            with told.lock:
                told.seconds.append(time.perf_counter() - began)
                told.statuses[answer.status_code] += 1
                if answer.status_code == 200:
                    told.accepted.append((line, body["version"], text))
            if shared:
                seen = body["version"] if answer.status_code == 200 else body["current"]["version"]


def history(workspace: Workspace, lines: set[str]) -> dict[tuple[str, int], str | None]:
    with workspace.store() as store:
        return {(line, one.version): one.text for line in lines for one in store.history(line)}


def people(count: int, saves: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as held:
        workspace = workspace_of(Path(held), 1 + count * saves)
        server, told, stop = Server(Path(held)), Told(), threading.Event()
        server.start()
        began = time.perf_counter()
        try:
            with ThreadPoolExecutor(count) as pool:
                list(pool.map(lambda number: person(server, number, saves, told, stop), range(count)))
        finally:
            server.kill()
        wall = time.perf_counter() - began
        rows = history(workspace, {line for line, _, _ in told.accepted})
    cuts = statistics.quantiles(told.seconds, n=100)
    return {
        "saves": len(told.seconds),
        "statuses": dict(told.statuses),
        "accepted": len(told.accepted),
        "history_rows": len(rows),
        "all_texts_held": all(rows.get((line, version)) == text for line, version, text in told.accepted),
        "p50_ms": 1000 * statistics.median(told.seconds),
        "p99_ms": 1000 * cuts[98],
        "saves_per_second": len(told.seconds) / wall,
    }


def kill(rounds: int, count: int) -> dict[str, Any]:
    chance, lost, acknowledged = random.Random(0), 0, 0
    with tempfile.TemporaryDirectory() as held:
        workspace = workspace_of(Path(held), 1 + count * 2000)
        server = Server(Path(held))
        for turn in range(rounds):
            told, stop = Told(), threading.Event()
            server.start()
            threads = [
                threading.Thread(target=person, args=(server, number, 2000, told, stop)) for number in range(count)
            ]
            for thread in threads:
                thread.start()
            while not told.accepted:
                time.sleep(0.005)
            time.sleep(chance.random() * 0.4)
            stop.set()
            server.kill()
            for thread in threads:
                thread.join()
            rows = history(workspace, {line for line, _, _ in told.accepted})
            lost += sum(rows.get((line, version)) != text for line, version, text in told.accepted)
            acknowledged += len(told.accepted)
            if (turn + 1) % 25 == 0:
                sys.stderr.write(f"{turn + 1} kills, {acknowledged} acknowledged saves, {lost} lost\n")
    return {"kills": rounds, "acknowledged": acknowledged, "lost": lost}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["people", "kill"])
    parser.add_argument("--people", type=int)
    parser.add_argument("--saves", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = people(given.people or 50, given.saves) if given.what == "people" else kill(given.rounds, given.people or 4)
    print(json.dumps(found) if given.json else "\n".join(f"{name}: {value}" for name, value in found.items()))
    return 0 if not found.get("lost") and found.get("accepted", 0) == found.get("history_rows", 0) else 1


if __name__ == "__main__":
    raise SystemExit(main())
