"""The SageMaker container as SageMaker sees it: time to the first /ping that is 200, /invocations beside /v1/read.

    emendo bench sagemaker [--lines N] [--model REF]

The process of `emendo serve --sagemaker` is started, asked for /ping every 10 ms, then reads the same real lines
(Peraire, test) in turn on both routes, one client, one worker. What a route adds is the median over the lines of the
difference within a pair, so that a busy machine hits both alike; the processor time of the service says it without the
others (its clock has steps of 10 ms, so only the mean over many lines means something).
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil

DATA = Path(os.environ.get("EMENDO_DATA", Path(__file__).resolve().parents[1].parent / "shared" / "data"))


def asked(port: int, method: str, path: str, body: bytes | None = None, kind: str = "image/jpeg") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def started(model: str) -> tuple[subprocess.Popen[str], int, float, int]:
    """The process, its port, the seconds to the first 200, and how often /ping was not 200 before."""
    environment = {
        **os.environ,
        "SAGEMAKER_BIND_TO_PORT": "0",
        "SM_MODEL_DIR": "/nowhere",
        "EMENDO_SERVE__WORKERS": "1",
    }
    begun = time.monotonic()
    command = [sys.executable, "-m", "emendo", "serve", "--sagemaker", "--model", model]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    found = re.search(r":(\d+) with", process.stderr.readline())
    assert found
    port, before = int(found.group(1)), 0
    while asked(port, "GET", "/ping")[0] != 200:
        before += 1
        time.sleep(0.01)
    return process, port, time.monotonic() - begun, before


def timed(port: int, path: str, body: bytes, kind: str = "image/jpeg") -> tuple[float, str]:
    begun = time.perf_counter()
    status, content = asked(port, "POST", path, body, kind)
    assert status == 200, content
    return time.perf_counter() - begun, json.loads(content)["text"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=100)
    parser.add_argument("--model", default="base")
    order = parser.parse_args()
    paths = sorted((DATA / "peraire" / "images").glob("test_*"))[: order.lines]
    process, port, seconds, before = started(order.model)
    try:
        rows = []
        watched = psutil.Process(process.pid)
        spent: Counter[str] = Counter()
        for at, path in enumerate(paths):
            image = path.read_bytes()
            wrapped = json.dumps({"image": base64.b64encode(image).decode()}).encode()
            ways = [
                ("read", "/v1/read", image, "image/jpeg"),
                ("invocations", "/invocations", image, "image/jpeg"),
                ("invocations, JSON", "/invocations", wrapped, "application/json"),
            ]
            took = {}
            texts = set()
            for name, route, body, kind in ways[at % 3 :] + ways[: at % 3]:
                before_it = sum(watched.cpu_times()[:2])
                took[name], text = timed(port, route, body, kind)
                spent[name] += sum(watched.cpu_times()[:2]) - before_it
                texts.add(text)
            assert len(texts) == 1, texts
            rows.append(took)
    finally:
        process.terminate()
        process.wait(60)
    print(f"/ping 200 after {seconds:.2f} s ({before} answers before that were not)")
    print(f"{len(rows)} lines, load {os.getloadavg()[0]:.1f}")
    for name in rows[0]:
        median = statistics.median(row[name] for row in rows)
        more = statistics.median(row[name] - row["read"] for row in rows)
        busy = 1000 * spent[name] / len(rows)
        print(
            f"{name:18} median {1000 * median:7.2f} ms, beside /v1/read {1000 * more:+6.2f}; processor {busy:6.2f} ms"
        )


if __name__ == "__main__":
    main()
