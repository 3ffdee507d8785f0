"""The service under load: overload, stops and swaps under load, workers, and whether batching pays.

    python benchmarks/service.py overload [--seconds 120] [--times 10] [--deadline 2] [--queue 64] [--model base]
    python benchmarks/service.py sigterm [--rounds 50]
    python benchmarks/service.py swap [--rounds 50]
    python benchmarks/service.py workers [--seconds 20]
    python benchmarks/service.py batching [--seconds 20]
    python benchmarks/service.py all

Each takes `--data FOLDER` (a folder with images of lines; the validation lines of Peraire when left out) and `--json`.

`overload`: what the service reads a second is measured with a few clients, then so many `--times` as many requests a
second are sent for `--seconds`, whatever becomes of them. Asked: only 200 and 503 (with Retry-After), the queue within
its bound, the 99th percentile of what was read within the deadline, and a lone request answered as before at most 5 s
after the end. `sigterm`: the service is told to stop at a random moment under load, so many times; every request on a
connection that it took must have a whole answer, and the exit status must be 0. `swap`: the champion of the workspace
changes so many times under load; every request must be read, each with the text that the model which it names reads.
`workers`: lines read a second with one worker and with two. `batching`: milliseconds a line of one width on one thread,
in batches of 1 to 16. The load comes from a process of its own on the same cores.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from emendo.datasets import open_dataset
from emendo.image.line import normalize
from emendo.image.load import read_image
from emendo.models.bundle import write_bundle
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.models.references import load_bundle
from emendo.release.promote import install
from emendo.types import Split
from emendo.workspace.folder import Workspace

LOAD = Path(__file__).with_name("service_load.py")
LINES = 40
"""Images that are sent, in turn."""


class Service:
    """`emendo serve` in a process of its own, reading lines."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "emendo", "serve", "--port", "0", "--kinds", "line", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.process.stderr.readline())
        assert found, self.process.stderr.read()
        self.port = int(found.group(1))
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        while self.get("/readyz")[0] != 200:
            assert self.process.poll() is None, "the service ended"
            time.sleep(0.05)

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


@contextmanager
def serving(*options: str) -> Iterator[Service]:
    service = Service(*options)
    try:
        yield service
    finally:
        service.process.kill()
        service.process.wait()


def loaded(service: Service, images: Path, *options: str) -> dict[str, Any]:
    command = [sys.executable, str(LOAD), "--port", str(service.port), "--images", str(images), *options]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


class Clients:
    """Threads that ask without a pause; half of them keep their connection. `texts` are by model and image."""

    def __init__(self, port: int, images: Path, count: int) -> None:
        self.port = port
        self.bodies = [path.read_bytes() for path in sorted(images.iterdir())]
        self.counts: Counter[str] = Counter()
        self.texts: dict[tuple[str, int], set[str]] = defaultdict(set)
        self._ended = threading.Event()
        self._counting = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, args=(at,)) for at in range(count)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, seed: int) -> None:
        rng, keep = random.Random(seed), seed % 2 == 0
        connection: http.client.HTTPConnection | None = None
        while not self._ended.is_set():
            at = rng.randrange(len(self.bodies))
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            what, said = self._once(connection, at)
            with self._counting:
                self.counts[what] += 1
                if said is not None:
                    self.texts[said["model"], at].add(said["text"])
            if what == "refused":
                return
            if what == "503":
                time.sleep(0.05)
            if not keep or what != "200":
                connection.close()
                connection = None

    def _once(self, connection: http.client.HTTPConnection, at: int) -> tuple[str, dict[str, Any] | None]:
        try:
            if connection.sock is None:
                connection.connect()
        except OSError:
            return "refused", None
        try:
            connection.request("POST", "/v1/read", self.bodies[at])
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            # a reset comes from the system, for a connection that the service had not taken when it closed its door
            return ("reset" if type(error) is ConnectionResetError else "cut"), None
        said = json.loads(content)
        return str(answer.status), said if answer.status == 200 else None


def overload(images: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    options = ("--model", arguments.model, "--queue", str(arguments.queue), "--deadline", str(arguments.deadline))
    with serving(*options) as service:
        deadline = ("--deadline", str(arguments.deadline))
        calm = loaded(
            service, images, "--clients", "3", "--seconds", str(min(15.0, arguments.seconds)), "--deadline", "60"
        )
        rate = arguments.times * calm["read_per_second"]
        found = loaded(service, images, "--rate", str(rate), "--seconds", str(arguments.seconds), *deadline)
        lives = service.process.poll() is None
    asked = {
        "only 200 and 503": set(found["counts"]) <= {"200", "503"},
        "queue within its bound": found["longest_queue"] <= arguments.queue,
        "p99 within the deadline": found["p99_ms"] <= 1000 * arguments.deadline,
        "recovered in 5 s": found["recovered_s"] <= 5,
        "the process lives": lives,
    }
    return {"calm": calm, "rate": rate, "overload": found, "asked": asked}


def sigterm(images: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    counts: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    seconds = []
    rng = random.Random(0)
    for _ in range(arguments.rounds):
        with serving("--model", arguments.model) as service:
            clients = Clients(service.port, images, 8)
            time.sleep(rng.uniform(0.1, 1.5))
            service.process.send_signal(signal.SIGTERM)
            started = time.monotonic()
            statuses[service.process.wait(60)] += 1
            seconds.append(time.monotonic() - started)
            clients.stop()
            counts += clients.counts
    asked = {"no answer cut": counts["cut"] == 0, "exit status 0": set(statuses) == {0}}
    figures = {"rounds": arguments.rounds, "counts": dict(counts), "exit": dict(statuses)}
    return {**figures, "longest_stop_s": max(seconds), "asked": asked}


def swap(images: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as held:
        workspace = Workspace.init(Path(held) / "ws")
        patient = "[serve]\npoll_seconds = 0.2\nwait_seconds = 300\ndeadline_seconds = 300\nprobe_seconds = 300\n"
        (workspace.root / "emendo.toml").write_text(patient, encoding="utf-8")
        base = load_bundle(arguments.model)
        names = []
        for cost in (0.5, 1.5):  # two models that read some lines otherwise
            info = base.info.model_copy(update={"decoding": {**base.info.decoding, "blank_cost": cost}})
            files = {name: base.path(name) for name in base.info.files}
            names.append(install(workspace, write_bundle(Path(held) / str(cost), info, files).folder).id)
        workspace.set_champion(names[0])
        with serving("--workspace", str(workspace.root)) as service:
            clients = Clients(service.port, images, 4)
            seconds = []
            memory = [psutil.Process(service.process.pid).memory_info().rss]
            for number in range(arguments.rounds):
                name = names[1 - number % 2]
                started = time.monotonic()
                workspace.set_champion(name)
                while name.encode() not in service.get("/v1/model")[1]:
                    assert time.monotonic() < started + 400, service.get("/v1/model")[1]
                    time.sleep(0.1)
                seconds.append(time.monotonic() - started)
                memory.append(psutil.Process(service.process.pid).memory_info().rss)
            clients.stop()
            swaps = (
                service.get("/metrics")[1].decode().partition('swaps_total{result="swapped"} ')[2].partition("\n")[0]
            )
    models = {model for model, _ in clients.texts}
    differ = sum(
        clients.texts[one, at] != clients.texts[two, at]
        for one, two in [sorted(models)[:2]]
        for at in range(LINES)
        if clients.texts[one, at] and clients.texts[two, at]
    )
    asked = {
        "every request read": set(clients.counts) == {"200"},
        "each model reads one text an image": all(len(texts) <= 1 for texts in clients.texts.values()),
        "all swaps done": float(swaps) == arguments.rounds,
    }
    figures = {"rounds": arguments.rounds, "counts": dict(clients.counts), "images_read_otherwise": differ}
    figures |= {"median_swap_s": statistics.median(seconds), "longest_swap_s": max(seconds)}
    return {**figures, "memory_mb": [one // 1_000_000 for one in memory[:: max(1, len(memory) // 10)]], "asked": asked}


def workers(images: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    found = {}
    for count in (1, 2):
        with serving("--model", arguments.model, "--workers", str(count)) as service:
            options = ("--clients", str(2 * count + 1), "--seconds", str(arguments.seconds), "--deadline", "30")
            found[str(count)] = loaded(service, images, *options)
    ratio = found["2"]["read_per_second"] / found["1"]["read_per_second"]
    return {"workers": found, "two_against_one": ratio, "asked": {}}


def batching(images: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    reader = CtcRecognizer(load_bundle(arguments.model), threads=1, decoder="greedy")
    line = normalize(read_image(sorted(images.iterdir())[0]), reader.geometry).image
    rows: dict[str, dict[str, float]] = {}
    for width in (160, 320, 640, 1280):
        wide = np.ascontiguousarray(np.resize(line.transpose(1, 0, 2), (width, *line.shape[::2])).transpose(1, 0, 2))
        took: dict[int, list[float]] = defaultdict(list)
        until = time.monotonic() + arguments.seconds / 4
        while time.monotonic() < until or not took:
            for size in (1, 2, 4, 8, 16):  # in turn, so that whatever else runs disturbs all alike
                started = time.process_time()
                reader.run([wide] * size)
                took[size].append((time.process_time() - started) / size)
        rows[str(width)] = {str(size): 1000 * statistics.median(times) for size, times in took.items()}
    return {"processor_ms_a_line": rows, "asked": {}}


KINDS = {"overload": overload, "sigterm": sigterm, "swap": swap, "workers": workers, "batching": batching}


def sent_images(folder: Path, data: Path | None) -> Path:
    """A folder with the images that are sent."""
    if data is not None:
        return data
    place = Path(os.environ.get("EMENDO_DATA", "../shared/data")) / "peraire"
    lines = [one for one in open_dataset(str(place)).samples if one.split is Split.VAL][:LINES]
    target = folder / "images"
    target.mkdir()
    for number, one in enumerate(lines):
        (target / f"{number:03}{one.image.suffix}").write_bytes(one.image.read_bytes())
    return target


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=[*KINDS, "all"], nargs="?", default="all")
    parser.add_argument("--model", default="base")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--seconds", type=float, help="120 for overload, else 20")
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--times", type=float, default=10)
    parser.add_argument("--deadline", type=float, default=2)
    parser.add_argument("--queue", type=int, default=64)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    given, good = arguments.seconds, True
    figures = {}
    with tempfile.TemporaryDirectory() as held:
        images = sent_images(Path(held), arguments.data)
        for kind in KINDS if arguments.kind == "all" else (arguments.kind,):
            arguments.seconds = given or (120.0 if kind == "overload" else 20.0)
            figures[kind] = KINDS[kind](images, arguments)
            good &= all(figures[kind]["asked"].values())
            if not arguments.json:
                print(f"{kind}: {json.dumps(figures[kind], indent=1)}", flush=True)
    if arguments.json:
        print(json.dumps(figures))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
