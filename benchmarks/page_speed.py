"""How soon the next line is on the screen: from the key press to the frame that shows it, in Chromium.

    python benchmarks/page_speed.py [--lines 100000] [--presses 200] [--json]

A workspace of so many lines is made (drawn crops, readings of usual length), `emendo label` serves it, and Enter is
pressed so many times, with a pause as a quick person makes it. Measured in the page: from the keydown event to the
first frame after the next line's picture and text are there and the field has the focus. Every press saves a line.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np

from emendo.types import Character, Reading
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Line

CROPS, PAUSE_MS = 200, 120
WATCH = """() => {
  window.times = [];
  addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    const from = performance.now(), before = document.getElementById("place").textContent;
    const look = () => {
      const picture = document.getElementById("crop");
      const there = document.getElementById("place").textContent !== before && picture.complete &&
        picture.naturalWidth > 0 && document.activeElement.id === "text";
      if (!there) return requestAnimationFrame(look);
      requestAnimationFrame(() => window.times.push(performance.now() - from));
    };
    requestAnimationFrame(look);
  }, true);
}"""


def workspace_of(root: Path, count: int) -> Workspace:
    """A workspace with `count` lines in documents of a thousand."""
    workspace = Workspace.init(root)
    crops = root / "crops"
    crops.mkdir()
    rng = np.random.default_rng(0)
    for at in range(CROPS):
        crop = np.full((70, 900, 3), 240, np.uint8)
        for x in range(10, 880, 12):
            crop[int(rng.integers(15, 35)) : 55, x : x + 3] = 40
        cv2.imwrite(str(crops / f"{at}.jpg"), crop)
    text = "a line of fifty characters as they stand in books"
    characters = tuple(Character(char, 0.98, 18.0 * at, 18.0 * at + 18) for at, char in enumerate(text))
    with workspace.store() as store:
        for start in range(0, count, 1000):
            document = f"book{start // 1000:03}"
            rows = [
                (
                    Line(
                        id=f"{at:016x}",
                        document=document,
                        number=at - start + 1,
                        text_line=at - start + 1,
                        page=(at - start) // 30 + 1,
                        image=f"crops/{at % CROPS}.jpg",
                        sha256="0" * 64,
                        box=(0, 0, 900, 70),
                    ),
                    Reading(f"{text} {at}", 0.9, characters, "drawn"),
                )
                for at in range(start, min(count, start + 1000))
            ]
            store.put_document(document, rows)
    return workspace


def measured(root: Path, presses: int) -> list[float]:
    """Milliseconds of each press."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "emendo", "label", str(root), "--port", "0", "--token", "speed"]
    server = subprocess.Popen(
        command,
        stderr=subprocess.STDOUT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    try:
        found = re.search(r"http://\S+", server.stdout.readline())
        assert found
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            page = browser.new_page(bypass_csp=True)  # the measuring script is not the page's
            page.goto(found.group(0))
            page.wait_for_function("document.getElementById('text')?.value", timeout=120_000)
            page.wait_for_timeout(1500)
            page.evaluate(WATCH)
            for press in range(presses):
                page.keyboard.press("Enter")
                page.wait_for_function(f"window.times.length > {press}")
                page.wait_for_timeout(PAUSE_MS)
            times: list[float] = page.evaluate("window.times")
            browser.close()
        return times
    finally:
        server.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--presses", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as held:
        workspace_of(Path(held), given.lines)
        times = measured(Path(held), given.presses)
    cuts = statistics.quantiles(times, n=20)
    result = {"lines": given.lines, "presses": len(times), "p50_ms": statistics.median(times), "p95_ms": cuts[18]}
    if given.json:
        print(json.dumps(result))
        return
    print(f"{given.lines} lines, {len(times)} presses: p50 {result['p50_ms']:.0f} ms, p95 {result['p95_ms']:.0f} ms")


if __name__ == "__main__":
    main()
