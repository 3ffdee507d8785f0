"""One recogniser shared by many threads: the same readings as one thread gives, and how much sooner.

    python benchmarks/threads.py [--model base] [--data plates/lines.jsonl] [--split val] [--lines 200] [--reads 10000]
        [--threads 16] [--rounds 10] [--engine onnxruntime] [--words] [--json]

Each read is a call of its own with one line and one look at it, as in a service; the threads take the lines of a round
from one list. Each round is read by all of them, and a quarter of it by one thread, in turn, so that whatever else the
machine does falls on both; the gain is the median over the rounds of their times on the clock. It says something only
on a machine that is otherwise idle: the share of the processors that the process got stands beside it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
from reading_speed import load_lines, processor_seconds

from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.models.references import load_bundle
from emendo.types import Image, Reading

ASKED = 1.8
"""Times the reads a second of one thread, on two cores."""
ALONE = 0.25
"""Share of a round's lines that one thread reads: it needs twice the time for each."""
Read = Callable[[Image], Reading]


@dataclass(frozen=True)
class Round:
    """Seconds on the clock and of processor time, and readings that were not those of one thread."""

    seconds: float
    processor: float
    differing: int


def run(read: Read, images: Sequence[Image], expected: Sequence[Reading], threads: int) -> Round:
    """All lines read once, each compared with what is expected of it."""
    places = itertools.count()  # next() on it is one step that no other thread interrupts
    differing: list[int] = []

    def work() -> None:
        while (at := next(places)) < len(images):
            if read(images[at]) != expected[at]:
                differing.append(at)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    began, clock = processor_seconds(), time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return Round(time.perf_counter() - clock, processor_seconds() - began, len(differing))


def measure(read: Read, images: Sequence[Image], *, reads: int, threads: int, rounds: int) -> dict[str, object]:
    """The figures of all rounds."""
    known = [read(image) for image in images]
    count = max(1, reads // rounds)
    taken = [at % len(images) for at in range(count)]
    lines, expected = [images[at] for at in taken], [known[at] for at in taken]
    few = max(1, round(ALONE * count))
    alone, together = [], []
    for _ in range(rounds):
        alone.append(run(read, lines[:few], expected[:few], 1))
        together.append(run(read, lines, expected, threads))
    gains = [one.seconds / few / (many.seconds / count) for one, many in zip(alone, together, strict=True)]
    return {
        "threads": threads,
        "cores": os.cpu_count(),
        "reads": count * rounds,
        "lines": len(images),
        "differing": sum(one.differing for one in (*alone, *together)),
        "one_thread_ms": 1000 * statistics.median(one.seconds for one in alone) / few,
        "one_thread_cpu_ms": 1000 * min(one.processor for one in alone) / few,
        "many_threads_ms": 1000 * statistics.median(many.seconds for many in together) / count,
        "many_threads_cpu_ms": 1000 * min(many.processor for many in together) / count,
        "gain": statistics.median(gains),
        "best_gain": max(gains),
        "cores_had": statistics.median(many.processor / many.seconds for many in together),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="base")
    parser.add_argument("--data", default="plates/lines.jsonl", metavar="REF")
    parser.add_argument("--split", default="val")
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--reads", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--engine", default="onnxruntime", choices=["onnxruntime", "openvino"])
    parser.add_argument("--words", action="store_true", help="with the words of the model's language, if it has one")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    images, _, _ = load_lines(given.data, given.split, given.lines)
    bundle, language = load_bundle(given.model), "" if given.words else "none"
    bundle = replace(bundle, info=bundle.info.model_copy(update={"looks": ()}))
    recognizer = CtcRecognizer(bundle, threads=1, engine=given.engine, language=language)

    def read(image: Image) -> Reading:
        return recognizer.read([image])[0]

    found = measure(read, images, reads=given.reads, threads=given.threads, rounds=given.rounds)
    if given.json:
        print(json.dumps(found))
        return
    print("| threads | ms a read on the clock | processor ms a read | differing readings |\n|---|---|---|---|")
    print(f"| 1 | {found['one_thread_ms']:.2f} | {found['one_thread_cpu_ms']:.2f} | |")
    print(
        f"| {found['threads']} | {found['many_threads_ms']:.2f} | {found['many_threads_cpu_ms']:.2f} | "
        f"{found['differing']} of {found['reads']} |"
    )
    print(
        f"\n{found['gain']:.2f} times the reads of one thread in the median round, {found['best_gain']:.2f} in the "
        f"best (asked: {ASKED} on two cores); the process had {found['cores_had']:.2f} of {found['cores']} cores"
    )


if __name__ == "__main__":
    main()
