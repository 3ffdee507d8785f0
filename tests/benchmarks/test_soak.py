"""The verdict of the soak: what grows is found, what jumps and stays is not taken for it."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from soak import draw, slope, verdict

from emendo.monitor import Captures, Outcome, Seen, Truth


def samples(growth_mb_an_hour: float, seed: int = 0, files: float = 0.0) -> list[dict[str, float]]:
    """Twenty minutes of a process of 300 MB that now and then holds two models for a moment."""
    rng = np.random.default_rng(seed)
    times = np.arange(0, 1200, 2.0)
    swaps = 60.0 * ((times % 57) < 6)
    memory = 300 + growth_mb_an_hour * times / 3600 + swaps + rng.normal(0, 3, len(times))
    opened = 20 + np.round(files * times / 3600) + rng.integers(0, 5, len(times))
    return [
        {"at_s": at, "rss_mb": mb, "open_files": float(count)}
        for at, mb, count in zip(times, memory, opened, strict=True)
    ]


def test_what_is_flat_is_flat_and_what_grows_is_not() -> None:
    flat, grown = slope(samples(0.0), "rss_mb"), slope(samples(120.0), "rss_mb")
    assert flat["flat"] and abs(flat["an_hour"]) < 20 and flat["interval"][0] <= flat["an_hour"] <= flat["interval"][1]
    assert not grown["flat"] and 90 < grown["an_hour"] < 150 and grown["interval"][0] > 0
    assert slope(samples(0.0), "open_files")["flat"] and not slope(samples(0.0, files=60.0), "open_files")["flat"]


def test_everything_that_was_asked_is_judged(tmp_path: Path) -> None:
    held = Captures(tmp_path)
    now = datetime.now(UTC)
    held.add([Seen(id="a", at=now, kind="line"), Seen(id="b", at=now, kind="line", outcome=Outcome.FAILED)])
    held.add_truths([Truth(id="a", at=now, author="ann", text="x")])
    counts = Counter({"line 200": 1, "bad 422": 1, "truth 200": 1, "left": 3})
    metrics = {"swapped": 2.0, "refused": 0.0, "read": 1.0, "dropped": 0.0}
    assert all(verdict(counts, 2, metrics, held, 0).values())
    counts.update({"line 500": 1, "truth 200": 1})
    assert not any(verdict(counts, 3, {**metrics, "read": 2.0, "dropped": 1.0}, held, 1).values())


def test_the_plot_is_drawn(tmp_path: Path) -> None:
    noted = samples(0.0)
    growth = {name: slope(noted, name) for name in ("rss_mb", "open_files")}
    found = {"samples": noted, "growth": growth, "lines_a_second": 9.0, "metrics": {"swapped": 3.0}}
    draw(found, tmp_path / "soak.svg")
    drawn = "".join(ET.parse(tmp_path / "soak.svg").getroot().itertext())
    assert drawn.count("flat: ") == 2 and "9.0 lines a second, 3 models put in use" in drawn
