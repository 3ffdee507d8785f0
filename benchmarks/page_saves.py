"""Many people saving at once, and a server or a database that is killed while they do.

    python benchmarks/page_saves.py people [--database sqlite|postgresql] [--people 50] [--saves 200] [--json]
    python benchmarks/page_saves.py begin [--database sqlite|postgresql] [--people 50] [--lines 10000] [--json]
    python benchmarks/page_saves.py kill [--database sqlite|postgresql] [--rounds 300] [--people 4] [--json]
    python benchmarks/page_saves.py power [--rounds 20] [--people 4] [--json]

`people`: so many annotators, each with a token of their own, are handed lines as the page hands them and save so many
each, one after another as fast as they are answered; a fifth of the saves are on one line that all of them change.
Counted: saves that were accepted against rows of the history, refusals by status, and the time of a save and of being
handed forty lines, with processor time of the server and of this client. `begin`: so many are handed their first lines
at the same moment. `kill`: the server is killed with -9 at a random moment under such saves, started again, and every
save that was acknowledged must be in the database, with its text. `power`: the same with every process of PostgreSQL
killed, while the page's server goes on. PostgreSQL is a private one, made from the installed programs.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import runpy
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from emendo.types import Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.people import People, Role
from emendo.workspace.store import Entry, Line

ROOT = Path(__file__).resolve().parent.parent
SHARED = f"{0:016x}"
HANDED = 40
FRESH = 4000
"""Lines that wait at every start of a server that is killed."""
SERVER = """
import os
import sys
from pathlib import Path
import uvicorn
from emendo.label.desk import Desk
from emendo.web.app import create_app
from emendo.web.guard import Guard
from emendo.tools.listen import bound, listening
from emendo.workspace.folder import Workspace

def serve():
    opened = bound("127.0.0.1", int(sys.argv[2]))
    desk = Desk.open(Workspace.open(Path(sys.argv[1])))
    app = create_app(desk, Guard(desk.people.holder, frozenset({listening(opened)})))
    print(os.getpid(), flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run(sockets=[opened])

for _ in sys.stdin:
    child = os.fork()
    if not child:
        serve()
        os._exit(0)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


@dataclass
class Told:
    """What the people were told: accepted (line, version, text), statuses, seconds of each save."""

    accepted: list[tuple[str, int, str]] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    handing: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: bool = False
    """Whether everybody may go home."""


class Server:
    """The page's server in a process of its own, at one port.

    What it imports is loaded once in a process that forks, so that hundreds of kills take minutes; all else is done
    at each start.
    """

    def __init__(self, root: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = [sys.executable, "-c", SERVER, str(root), str(self.port)]
        self._parent = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.pid = 0

    def start(self) -> None:
        self.pid = int(self._say("start"))

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        assert self._hear() == "gone"

    def close(self) -> None:
        """End what forks; nothing may run."""
        self._parent.communicate()

    def seconds(self) -> float:
        """Processor time of the server that runs, from its start."""
        spent = psutil.Process(self.pid).cpu_times()
        return float(spent.user + spent.system)

    def _say(self, what: str) -> str:
        assert self._parent.stdin is not None
        self._parent.stdin.write(f"{what}\n")
        return self._hear()

    def _hear(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline().strip()

    def ask(self, connection: http.client.HTTPConnection, token: str, path: str, sent: Any = None) -> tuple[int, Any]:
        """Status and answer; with the plainest client, for its time is measured too."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = None if sent is None else json.dumps(sent)
        connection.request("GET" if sent is None else "POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)


def workspace_of(root: Path, count: int, url: str = "") -> Workspace:
    """A workspace with `count` lines; the first, that all change, has been read already."""
    workspace = Workspace.init(root)
    if url:
        (root / "emendo.toml").write_text(f'database = "{url}"\n', encoding="utf-8")
    put_lines(workspace, "notes", 0, count)
    with workspace.store() as store:
        store.add_correction(Entry(line=SHARED, reading="", text="first", verdict=Verdict.EDITED, author="owner"))
    return workspace


def put_lines(workspace: Workspace, document: str, start: int, count: int) -> None:
    """A document with `count` lines, whose ids count on from `start`."""
    rows = [
        (
            Line(
                id=f"{at:016x}",
                document=document,
                number=at - start + 1,
                text_line=at - start + 1,
                page=1,
                image="x.png",
                sha256="0" * 64,
            ),
            Reading(f"line {at}", 0.9, (), "drawn"),
        )
        for at in range(start, start + count)
    ]
    with workspace.store() as store:
        store.put_document(document, rows)


def tokens_of(workspace: Workspace, count: int) -> list[str]:
    with workspace.store() as store:
        people = People(store.database)
        return [people.add(f"person {number}", Role.ANNOTATOR) for number in range(count)]


def person(server: Server, number: int, token: str, saves: int, told: Told, stop: threading.Event) -> None:
    """Save one line after another; every fifth save is on the line that all share, at the version last seen."""
    chance, seen, at, mine = random.Random(number), 1, 0, []
    connection = server.connection()
    for turn in range(saves):
        if told.over:
            return
        shared = turn % 5 == 4
        try:
            if not shared and at == len(mine):
                began = time.perf_counter()
                query = f"/api/cards?order=document&start={at}&count={HANDED}&fresh={int(not at)}"
                status, found = server.ask(connection, token, query)
                told.handing.append(time.perf_counter() - began)
                if status == 200:
                    mine += [card["id"] for card in found["cards"]]
                if at == len(mine):
                    continue
            line = SHARED if shared else mine[at]
            text = f"person {number} turn {turn} {chance.random()}"
            sent = {"text": text, "verdict": "edited", "version": seen if shared else 0}
            began = time.perf_counter()
            status, body = server.ask(connection, token, f"/api/lines/{line}", sent)
        except (OSError, http.client.HTTPException):
            if stop.is_set():
                return
            raise
        with told.lock:
            told.seconds.append(time.perf_counter() - began)
            told.statuses[status] += 1
            if status == 200:
                told.accepted.append((line, body["version"], text))
        if status == 503:
            time.sleep(0.05)
        elif shared:
            seen = body["version"] if status == 200 else body["current"]["version"]
        else:
            at += 1


def history(workspace: Workspace, lines: set[str]) -> dict[tuple[str, int], str | None]:
    with workspace.store() as store:
        return {(line, one.version): one.text for line in lines for one in store.history(line)}


@contextmanager
def place(database: str) -> Iterator[tuple[Path, str, Any]]:
    """A folder, the URL of an empty database (none for SQLite), and its PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="page-") as held:
        if database == "sqlite":
            yield Path(held), "", None
            return
        with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as short:
            cluster = runpy.run_path(str(ROOT / "tests" / "postgres.py"))["Cluster"](Path(short))
            cluster.start()
            try:
                yield Path(held), cluster.database(), cluster
            finally:
                cluster.kill()


@contextmanager
def running(workspace: Workspace) -> Iterator[Server]:
    """The server of a workspace, killed at the end."""
    server = Server(workspace.root)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        server.close()


def people(count: int, saves: int, database: str) -> dict[str, Any]:
    with place(database) as (root, url, _):
        workspace = workspace_of(root, 1 + count * (saves + HANDED), url)
        tokens = tokens_of(workspace, count)
        told, stop = Told(), threading.Event()
        with running(workspace) as server:
            began, before, own = time.perf_counter(), server.seconds(), time.process_time()
            with ThreadPoolExecutor(count) as pool:
                list(pool.map(lambda at: person(server, at, tokens[at], saves, told, stop), range(count)))
            wall, spent, own = time.perf_counter() - began, server.seconds() - before, time.process_time() - own
        rows = history(workspace, {line for line, _, _ in told.accepted})
    return {
        "database": database,
        "saves": len(told.seconds),
        "statuses": dict(told.statuses),
        "accepted": len(told.accepted),
        "history_rows": len(rows) - 1,
        "all_texts_held": all(rows.get((line, version)) == text for line, version, text in told.accepted),
        "p50_ms": 1000 * statistics.median(told.seconds),
        "p99_ms": 1000 * statistics.quantiles(told.seconds, n=100)[98],
        "handing_p99_ms": 1000 * statistics.quantiles(told.handing, n=100)[98],
        "saves_per_second": len(told.seconds) / wall,
        "server_cpu_ms_per_save": 1000 * spent / len(told.seconds),
        "client_cpu_ms_per_save": 1000 * own / len(told.seconds),
        "load": psutil.getloadavg()[0],
    }


def begin(count: int, lines: int, database: str) -> dict[str, Any]:
    """Everybody is handed their first lines at the same moment."""
    with place(database) as (root, url, _):
        workspace = workspace_of(root, lines, url)
        tokens, together = tokens_of(workspace, count), threading.Barrier(count)

        def first(token: str) -> tuple[float, list[str]]:
            connection = server.connection()
            together.wait()
            began = time.perf_counter()
            _, found = server.ask(connection, token, f"/api/cards?order=document&start=0&count={HANDED}&fresh=1")
            return time.perf_counter() - began, [card["id"] for card in found["cards"]]

        with running(workspace) as server:
            before = server.seconds()
            with ThreadPoolExecutor(count) as pool:
                handed = list(pool.map(first, tokens))
            spent = server.seconds() - before
    given = [line for _, mine in handed for line in mine]
    return {
        "database": database,
        "lines": lines,
        "handed": len(given),
        "different": len(set(given)),
        "p50_ms": 1000 * statistics.median(seconds for seconds, _ in handed),
        "longest_ms": 1000 * max(seconds for seconds, _ in handed),
        "server_cpu_s": spent,
        "load": psutil.getloadavg()[0],
    }


def kill(rounds: int, count: int, database: str) -> dict[str, Any]:
    """The page's server is the victim."""
    with place(database) as (root, url, _):
        workspace = workspace_of(root, FRESH, url)
        server = Server(root)
        found = killed(rounds, count, workspace, server, server.start, server.kill)
        server.close()
        return found


def power(rounds: int, count: int) -> dict[str, Any]:
    """PostgreSQL is the victim; the page's server goes on all the time."""
    with place("postgresql") as (root, url, cluster):
        workspace = workspace_of(root, FRESH, url)

        def end() -> None:
            cluster.kill()
            cluster.start()
            time.sleep(0.3)  # the people go on

        with running(workspace) as server:
            return killed(rounds, count, workspace, server, lambda: None, end)


def killed(
    rounds: int, count: int, workspace: Workspace, server: Server, start: Callable[[], None], end: Callable[[], None]
) -> dict[str, Any]:
    chance, lost, acknowledged = random.Random(0), 0, 0
    lines, fewest = FRESH, sys.maxsize
    tokens = tokens_of(workspace, count)
    statuses: Counter[int] = Counter()
    for turn in range(rounds):
        told, stop = Told(), threading.Event()
        start()
        threads = [
            threading.Thread(target=person, args=(server, number, tokens[number], 100_000, told, stop))
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        while not told.accepted:
            time.sleep(0.005)
        time.sleep(chance.random() * 0.4)
        stop.set()
        end()
        told.over = True
        for thread in threads:
            thread.join()
        rows = history(workspace, {line for line, _, _ in told.accepted})
        lost += sum(rows.get((line, version)) != text for line, version, text in told.accepted)
        acknowledged, fewest = acknowledged + len(told.accepted), min(fewest, len(told.accepted))
        statuses += told.statuses
        put_lines(workspace, f"notes {turn:04}", lines, len(told.accepted))  # as many as were taken
        lines += len(told.accepted)
        if (turn + 1) % 5 == 0:
            sys.stderr.write(f"{turn + 1} kills, {acknowledged} acknowledged saves, {lost} lost\n")
    return {
        "kills": rounds,
        "acknowledged": acknowledged,
        "fewest_acknowledged_before_a_kill": fewest,
        "lost": lost,
        "statuses": dict(statuses),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["people", "begin", "kill", "power"])
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--people", type=int)
    parser.add_argument("--saves", type=int, default=200)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.what == "people":
        found = people(given.people or 50, given.saves, given.database)
    elif given.what == "begin":
        found = begin(given.people or 50, given.lines, given.database)
    elif given.what == "kill":
        found = kill(given.rounds or 300, given.people or 4, given.database)
    else:
        found = power(given.rounds or 20, given.people or 4)
    print(json.dumps(found) if given.json else "\n".join(f"{name}: {value}" for name, value in found.items()))
    same = (("accepted", "history_rows"), ("handed", "different"))
    return 0 if not found.get("lost") and all(found.get(one) == found.get(other) for one, other in same) else 1


if __name__ == "__main__":
    raise SystemExit(main())
