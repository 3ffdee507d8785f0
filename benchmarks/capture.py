"""What capture costs the service: the same load on one that keeps every reading with its picture and one that does not.

    python benchmarks/capture.py [--rounds 8] [--seconds 10] [--clients 4] [--workers N] [--model base]
        [--images 1] [--data FOLDER] [--out FILE] [--json]

Both services run at the same time, one of them at rest, and are loaded in turn (off on, on off, ...), so that whatever
else the machine does disturbs both alike. No picture is sent twice, for one that is there already is not written.
Asked: the median over the rounds of the lines read a second with capture, divided by that without, is at least 0.9;
every reading that was answered is a row, and every row has its picture. The processor time for a line says the same
where the machine has other work: that of both services, and that of one thread in this process which reads all images
in turn with and without a capture beside it. `--data` is a folder with images of lines (the validation lines of Peraire
when left out), `--images` the share of the pictures that is kept.
"""

from __future__ import annotations

import argparse
import json
import re
import secrets
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from service import Service, loaded, sent_images, serving

from emendo.image.load import read_image
from emendo.image.quality import measure
from emendo.monitor import Captures, Outcome
from emendo.monitor.capture import Capture
from emendo.serve.observe import seen_of
from emendo.serve.reading import Task, load_served
from emendo.settings import load_settings
from emendo.workspace.folder import Workspace

PATIENT = "[serve]\nwait_seconds = 300\ndeadline_seconds = 300\n"
"""Settings with which nothing is turned away, however slow the machine."""
LEAST = 0.9
"""Share of the lines a second that has to be left."""


def counted(service: Service, name: str) -> float:
    """The value of a count without labels."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", service.get("/metrics")[1].decode(), re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def run(images: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as held:
        spaces = {name: Workspace.init(Path(held) / name) for name in ("off", "on")}
        for space in spaces.values():
            settings = f"{PATIENT}[capture]\nimages = {arguments.images}\n"
            (space.root / "emendo.toml").write_text(settings, encoding="utf-8")
        options = ("--model", arguments.model, *(("--workers", str(arguments.workers)) if arguments.workers else ()))
        off = serving(*options, "--workspace", str(spaces["off"].root))
        on = serving(*options, "--workspace", str(spaces["on"].root), "--capture", "1")
        with off as without, on as with_capture:
            services = {"off": without, "on": with_capture}
            load = ("--clients", str(arguments.clients), "--deadline", "60", "--unique")
            for service in services.values():
                loaded(service, images, *load, "--seconds", "3")
            rounds: list[dict[str, dict[str, Any]]] = []
            for number in range(arguments.rounds):
                order = ("off", "on") if number % 2 == 0 else ("on", "off")
                took = {
                    name: measured(services[name], images, *load, "--seconds", str(arguments.seconds)) for name in order
                }
                rounds.append(took)
            dropped = {
                reason: counted(with_capture, f'emendo_capture_dropped_total{{reason="{reason}"}}')
                for reason in ("queue", "disk", "space")
            }
            time.sleep(1)
            memory = {name: psutil.Process(one.process.pid).memory_info().rss for name, one in services.items()}
            written = counted(with_capture, "emendo_captured_total")
            readings = counted(with_capture, 'emendo_read_seconds_count{kind="line"}')
        rows = [one for one in Captures(spaces["on"].captures).seen() if one.outcome is Outcome.READ]
    figures = {name: middle([one[name] for one in rounds]) for name in ("off", "on")}
    ratios = np.array([one["on"]["read_per_second"] / one["off"]["read_per_second"] for one in rounds])
    ratio = figures["on"]["read_per_second"] / figures["off"]["read_per_second"]
    drawn = np.random.default_rng(0).choice(ratios, (2000, len(ratios)))
    pictures = sum(bool(one.image) for one in rows)
    return {
        "rounds": arguments.rounds,
        **figures,
        "ratio": ratio,
        "ratio_of_rounds": {
            "median": float(np.median(ratios)),
            "interval": np.quantile(np.median(drawn, axis=1), (0.025, 0.975)).tolist(),
        },
        "processor_ratio": figures["off"]["processor_ms_a_line"] / figures["on"]["processor_ms_a_line"],
        "one_thread_processor_ms_a_line": alone(images, arguments.model, arguments.rounds),
        "quality_ms_a_line": quality_ms(images),
        "memory_mb": {name: value // 1_000_000 for name, value in memory.items()},
        "rows": len(rows),
        "rows_with_pictures": pictures,
        "dropped": dropped,
        "asked": {
            f"at least {LEAST} of the throughput": ratio >= LEAST,
            "every reading is a row": len(rows) == written == readings and not any(dropped.values()),
            "pictures as asked for": arguments.images < 1 or pictures == len(rows),
            "all were read": all(set(one[name]["counts"]) == {"200"} for one in rounds for name in ("off", "on")),
        },
    }


def middle(loads: list[dict[str, Any]]) -> dict[str, float]:
    """Medians over the rounds, and the processor time for a line over all of them."""
    found = {name: statistics.median(one[name] for one in loads) for name in ("read_per_second", "p50_ms", "p99_ms")}
    took, lines = (sum(one[name] for one in loads) for name in ("processor_s", "lines"))
    return {**found, "lines": lines, "processor_ms_a_line": 1000 * took / lines}


def measured(service: Service, images: Path, *options: str) -> dict[str, Any]:
    """A load, the lines of it that were read, and the processor time that the service took for them."""
    before, read = processor_s(service), counted(service, 'emendo_read_seconds_count{kind="line"}')
    found = loaded(service, images, *options)
    lines = counted(service, 'emendo_read_seconds_count{kind="line"}') - read
    return {**found, "lines": lines, "processor_s": processor_s(service) - before}


def processor_s(service: Service) -> float:
    """Processor time that the process has taken, in seconds."""
    times = psutil.Process(service.process.pid).cpu_times()
    return float(times.user + times.system)


def alone(images: Path, model: str, rounds: int) -> dict[str, float]:
    """Processor time, in milliseconds, for a line that one thread of this process reads: without capture, with it."""
    settings = load_settings(environment={}, model=model, serve__kinds=["line"], capture__share=1.0)
    served = load_served(model, None, settings)
    bodies = [path.read_bytes() for path in sorted(images.iterdir())]
    took: dict[str, list[float]] = {"off": [], "on": []}
    with tempfile.TemporaryDirectory() as held:
        capture = Capture(Captures(Path(held)), settings.capture)
        capture.start()
        for number in range(rounds):
            for name in ("off", "on") if number % 2 == 0 else ("on", "off"):
                started = time.process_time()
                for body in bodies:
                    task = Task("line", body + secrets.token_bytes(16))
                    answer = served.read(task, settings, measured=name == "on")
                    if name == "on":
                        capture(seen_of(task, answer, 0.0), task.content)
                while capture.waiting or capture.counts.written < (name == "on" and len(took["on"]) + 1) * len(bodies):
                    time.sleep(0.05)
                took[name].append(1000 * (time.process_time() - started) / len(bodies))
        capture.close()
    return {name: statistics.median(values) for name, values in took.items()}


def quality_ms(images: Path) -> float:
    """Processor time that measuring one picture takes."""
    pictures = [read_image(path) for path in sorted(images.iterdir())]
    started = time.process_time()
    for picture in pictures:
        measure(picture)
    return 1000 * (time.process_time() - started) / len(pictures)


def commit() -> str:
    """What was measured."""
    said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return said.stdout.strip()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--model", default="base")
    parser.add_argument("--images", type=float, default=1.0)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as held:
        found = run(sent_images(Path(held), arguments.data), arguments)
    found |= {"commit": commit(), "at": datetime.now(UTC).isoformat(timespec="seconds"), "load": psutil.getloadavg()}
    if arguments.out:
        arguments.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=None if arguments.json else 1))
    return 0 if all(found["asked"].values()) else 1


if __name__ == "__main__":
    raise SystemExit(main())
