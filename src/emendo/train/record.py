"""What a run leaves for the reader: `run.yaml`, `report.json`, `curve.png`."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

import emendo
from emendo.tools.files import write_bytes, write_text

BUNDLE, RUN_FILE, REPORT_FILE, CURVE_FILE = "bundle", "run.yaml", "report.json", "curve.png"
_PACKAGES = (
    "torch",
    "transformers",
    "accelerate",
    "numpy",
    "onnxruntime",
    "opencv-python-headless",
    "peft",
    "rapidocr",
)


def judged_on(validated: bool) -> str:
    """The lines on which a run counted its errors, in words."""
    return "validation lines" if validated else "some of the training lines (no validation set was given)"


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def surroundings(threads: int) -> dict[str, Any]:
    """Versions and machine of this run."""
    versions = {"emendo": emendo.__version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    machine = {"system": platform.platform(), "processor": _processor(), "cores": os.cpu_count(), "threads": threads}
    return {"versions": versions, "machine": machine, "commit": _commit()}


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit of emendo's own checkout, empty when it was installed otherwise."""
    folder = Path(emendo.__file__).resolve().parent
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def peak_memory_mb() -> float:
    """Most memory this process ever held, in MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def write_yaml(path: Path, content: Mapping[str, Any]) -> None:
    """A mapping as YAML, whole or not at all."""
    write_text(path, yaml.safe_dump(dict(content), sort_keys=False, allow_unicode=True, width=120))


def write_report(path: Path, content: Mapping[str, Any]) -> None:
    """A mapping as JSON, whole or not at all."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2) + "\n")


def draw_curve(
    path: Path,
    losses: Sequence[tuple[int, float]],
    cers: Sequence[tuple[int, float]],
    *,
    title: str = "",
    unit: str = "character",
    error: str = "CER",
) -> None:
    """The loss of each step (nats per `unit`) with its running mean, and the error of each validation, as a picture."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    left = figure.add_subplot()
    steps, values = [step for step, _ in losses], [loss for _, loss in losses]
    left.plot(steps, values, color="#c9d8e8", linewidth=0.7, label="loss of each step")
    left.plot(steps, running_mean(values), color="#2f6ba8", linewidth=1.8, label="running mean")
    left.set_xlabel("step")
    left.set_ylabel(f"loss (nats per {unit})")
    left.set_ylim(bottom=0)
    left.grid(axis="y", color="#ececec")
    left.set_axisbelow(True)
    handles = list(left.get_lines())
    if cers:
        right = left.twinx()
        shown = right.plot([s for s, _ in cers], [100 * c for _, c in cers], color="#c0392b", marker="o", label=error)
        right.set_ylabel(f"{error} of each validation (%)")
        right.set_ylim(bottom=0)
        handles += shown
    left.legend(handles, [str(line.get_label()) for line in handles], frameon=False, loc="upper right")
    left.set_title(title, fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    write_bytes(path, buffer.getvalue())


def running_mean(values: Sequence[float], keep: float = 0.95) -> list[float]:
    """Exponential mean of all values so far, without the pull of a start value."""
    mean, weight, found = 0.0, 0.0, []
    for value in values:
        mean, weight = keep * mean + (1 - keep) * value, keep * weight + (1 - keep)
        found.append(mean / weight)
    return found
