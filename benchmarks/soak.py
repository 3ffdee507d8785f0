"""A soak: the service at full load with capture, for long enough that what grows without end shows.

    python benchmarks/soak.py [--minutes 20] [--clients 4] [--workers N] [--swaps 20] [--data FOLDER]
        [--out soak.json] [--plot soak.svg] [--json]

So many clients ask without a pause. Most send a line that nobody sent before, some what is no image, some leave before
their answer, some tell what is right of an answer. The champion of the workspace changes now and then between two
models. Every two seconds memory (RSS), open files and threads of the service are noted.

Asked: memory and open files are flat once the service is warm (the first quarter of the time is left out), which means
that the 95 % interval of the slope (Theil and Sen, over medians of blocks) holds zero, or that what is gained over the
rest of the run is less than 3 % of the memory, or 2 files. Besides: every request is read or refused as it should be,
every model is put in use, every reading and every truth is captured whole, and the service ends with status 0.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import secrets
import signal
import socket
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from capture import commit, counted
from scipy.stats import theilslopes
from service import Service, sent_images, serving

from emendo.models.bundle import write_bundle
from emendo.models.references import load_bundle
from emendo.monitor import Captures, Outcome
from emendo.release.promote import install
from emendo.workspace.folder import Workspace

WARM = 0.25
"""Share of the time that is left out: the service fills its caches and has not seen both models yet."""
BLOCKS = 24
"""Blocks of the rest, of which the medians are compared: one model more or less in memory for a moment is no growth."""
MOST_GROWTH = {"rss_mb": 0.03, "open_files": 0.0}
"""Share of the median that may be gained over the rest of the run."""
MOST_GAINED = {"rss_mb": 0.0, "open_files": 2.0}
"""The same in so many."""
PATIENT = "[serve]\npoll_seconds = 0.5\nwait_seconds = 300\ndeadline_seconds = 300\nprobe_seconds = 600\n"


class Asker(threading.Thread):
    """One client; `counts` are by what it did and what came of it."""

    def __init__(self, port: int, bodies: Sequence[bytes], ended: threading.Event, seed: int) -> None:
        super().__init__(daemon=True)
        self.port, self.bodies, self.ended = port, bodies, ended
        self.counts: Counter[str] = Counter()
        self._rng = random.Random(seed)
        self._connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        """Ask until told to stop."""
        while not self.ended.is_set():
            drawn = self._rng.random()
            if drawn < 0.02:
                self._leave()
            elif drawn < 0.07:
                self._ask("bad", secrets.token_bytes(2000))
            else:
                said = self._ask("line", self._rng.choice(self.bodies) + secrets.token_bytes(16))
                if said and drawn > 0.97:
                    told = json.dumps({"id": said["id"], "text": said["text"] + ".", "author": "soak"}).encode()
                    self._ask("truth", told, "/v1/feedback")

    def _ask(self, what: str, body: bytes, path: str = "/v1/read") -> dict[str, Any] | None:
        if self._connection is None or self._rng.random() < 0.05:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            self._connection.request(
                "POST", path, body, {"Content-Type": "application/json" if "feed" in path else "image/x"}
            )
            answer = self._connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.counts[f"{what} {type(error).__name__}"] += 1
            self._connection = None
            return None
        self.counts[f"{what} {answer.status}"] += 1
        if answer.status == 503:
            time.sleep(0.1)
        return json.loads(content) if answer.status == 200 else None

    def _leave(self) -> None:
        body = self._rng.choice(self.bodies) + secrets.token_bytes(16)
        sent = self._rng.choice((len(body), len(body) // 2))
        head = f"POST /v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(head + body[:sent])
        self.counts["left"] += 1


def two_models(workspace: Workspace, folder: Path, model: str) -> list[str]:
    """Two models that read nearly alike, in the workspace."""
    base = load_bundle(model)
    names = []
    for cost in (0.5, 1.5):
        info = base.info.model_copy(update={"decoding": {**base.info.decoding, "blank_cost": cost}})
        files = {name: base.path(name) for name in base.info.files}
        names.append(install(workspace, write_bundle(folder / str(cost), info, files).folder).id)
    return names


def watch(
    service: Service, workspace: Workspace, models: Sequence[str], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Sample the process until the time is over, changing the champion now and then."""
    process = psutil.Process(service.process.pid)
    started = time.monotonic()
    until, every = started + 60 * arguments.minutes, 60 * arguments.minutes / (arguments.swaps + 1)
    samples: list[dict[str, float]] = []
    swapped = 0
    while (now := time.monotonic()) < until and service.process.poll() is None:
        at = now - started
        memory, files, threads = process.memory_info().rss, process.num_fds(), process.num_threads()
        samples.append({"at_s": at, "rss_mb": memory / 1e6, "open_files": files, "threads": threads})
        if at > every * (swapped + 1):
            swapped += 1
            workspace.set_champion(models[swapped % 2])
        time.sleep(2)
    return {"samples": samples, "champions": swapped}


def settled(service: Service, name: str, least: float) -> float:
    """A count of the service, once it is as large as it should be or a minute has passed."""
    until = time.monotonic() + 60
    while (value := counted(service, name)) < least and time.monotonic() < until:
        time.sleep(0.5)
    return value


def slope(samples: Sequence[dict[str, float]], name: str) -> dict[str, Any]:
    """The growth of a measure an hour with its 95 % interval, over medians of blocks of the time after warming up."""
    rest = samples[int(WARM * len(samples)) :]
    size = max(1, len(rest) // BLOCKS)
    blocks = [rest[at : at + size] for at in range(0, len(rest) - size + 1, size)]
    times = [statistics.median(one["at_s"] for one in block) / 3600 for block in blocks]
    values = [statistics.median(one[name] for one in block) for block in blocks]
    found = theilslopes(values, times, 0.95)
    hours, middle = times[-1] - times[0], statistics.median(values)
    gained = float(found.slope) * hours
    allowed = max(MOST_GROWTH[name] * middle, MOST_GAINED[name])
    return {
        "an_hour": float(found.slope),
        "interval": [float(found.low_slope), float(found.high_slope)],
        "median": middle,
        "first": values[0],
        "last": values[-1],
        "gained": gained,
        "flat": float(found.low_slope) <= 0 or gained <= allowed,
    }


def verdict(
    counts: Counter[str], champions: int, metrics: dict[str, float], captures: Captures, status: int
) -> dict[str, bool]:
    """What was asked besides flatness, and whether it is so."""
    outcomes = Counter(one.outcome for one in captures.seen())
    truths = {one.id for one in captures.truths()}
    bad = sum(number for name, number in counts.items() if name.startswith("bad "))
    return {
        "every request is answered as it should be": set(counts) <= {"line 200", "bad 422", "truth 200", "left"},
        "every model is put in use": metrics["swapped"] == champions and not metrics["refused"],
        "every reading is captured": outcomes[Outcome.READ] == metrics["read"] and outcomes[Outcome.FAILED] >= bad,
        "nothing is dropped or torn": metrics["dropped"] == 0 and captures.torn == 0,
        "every truth is captured": len(truths) == counts["truth 200"],
        "ends with status 0": status == 0,
    }


def soak(images: Path, folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    workspace = Workspace.init(folder / "ws")
    (workspace.root / "emendo.toml").write_text(PATIENT, encoding="utf-8")
    models = two_models(workspace, folder, arguments.model)
    workspace.set_champion(models[0])
    options = ("--workspace", str(workspace.root), "--capture", "1")
    bodies = [path.read_bytes() for path in sorted(images.iterdir())]
    with serving(*options, *(("--workers", str(arguments.workers)) if arguments.workers else ())) as service:
        ended = threading.Event()
        askers = [Asker(service.port, bodies, ended, seed) for seed in range(arguments.clients)]
        for asker in askers:
            asker.start()
        found = watch(service, workspace, models, arguments)
        ended.set()
        for asker in askers:
            asker.join(600)
        counts = sum((asker.counts for asker in askers), Counter[str]())
        swapped = settled(service, 'emendo_swaps_total{result="swapped"}', found["champions"])
        metrics = {
            "swapped": swapped,
            "refused": counted(service, 'emendo_swaps_total{result="refused"}'),
            "read": counted(service, 'emendo_read_seconds_count{kind="line"}'),
            "dropped": sum(
                counted(service, f'emendo_capture_dropped_total{{reason="{reason}"}}')
                for reason in ("queue", "disk", "space")
            ),
            "captured_mb": counted(service, "emendo_captured_bytes_total") / 1e6,
        }
        service.process.send_signal(signal.SIGTERM)
        status = service.process.wait(600)
    growth = {name: slope(found["samples"], name) for name in MOST_GROWTH}
    asked = {f"{name} flat": row["flat"] for name, row in growth.items()}
    asked |= verdict(counts, found["champions"], metrics, Captures(workspace.captures), status)
    seconds = found["samples"][-1]["at_s"]
    return {
        "minutes": seconds / 60,
        "lines_a_second": metrics["read"] / seconds,
        "counts": dict(counts),
        "metrics": metrics,
        "growth": growth,
        "asked": asked,
        "samples": found["samples"],
    }


def draw(found: dict[str, Any], place: Path) -> None:
    """Memory and open files against time, with the part that is judged and its slope."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.fonttype"] = "none"
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 1, figsize=(9, 5.5), sharex=True, layout="constrained")
    minutes = [one["at_s"] / 60 for one in found["samples"]]
    for axis, (name, label) in zip(axes, (("rss_mb", "memory, MB"), ("open_files", "open files")), strict=True):
        row = found["growth"][name]
        low, high = row["interval"]
        axis.plot(minutes, [one[name] for one in found["samples"]], color="#1f5fa8", linewidth=1)
        axis.axvspan(0, WARM * minutes[-1], color="#dddddd", label="warming up, not judged")
        axis.set_ylim(bottom=0)
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        said = "flat" if row["flat"] else "not flat"
        axis.set_title(
            f"{said}: {row['an_hour']:+.1f} an hour (95 %: {low:+.1f} to {high:+.1f})", fontsize=10, loc="left"
        )
        axis.legend(loc="lower right", fontsize=8, frameon=False)
    axes[-1].set_xlabel(
        f"minutes; {found['lines_a_second']:.1f} lines a second, {found['metrics']['swapped']:.0f} models put in use"
    )
    figure.savefig(place)
    plt.close(figure)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--swaps", type=int, default=20)
    parser.add_argument("--model", default="base")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("soak.json"))
    parser.add_argument("--plot", type=Path, default=Path("soak.svg"))
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as held:
        found = soak(sent_images(Path(held), arguments.data), Path(held), arguments)
    found |= {"commit": commit(), "at": datetime.now(UTC).isoformat(timespec="seconds"), "load": psutil.getloadavg()}
    arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(found, arguments.plot)
    shown = {name: value for name, value in found.items() if name != "samples"}
    print(json.dumps(shown, indent=None if arguments.json else 1))
    good = all(found["asked"].values())
    if not arguments.json:
        print("passed" if good else "FAILED: " + "; ".join(name for name, so in found["asked"].items() if not so))
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
