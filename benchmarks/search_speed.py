"""Search in a large workspace: from the question to the answer, through the page's own route.

    python benchmarks/search_speed.py [--lines 100000] [--queries 200] [--json]

A workspace of so many lines of set sentences in five languages, a fifth of them with a verdict. Two servers (in one
process, each with its own connections and its own memory) work on it: before each question the other one saves a line,
so that every answer first takes in what is new. Questions are one word or two of a line, with and without capitals.
Measured: the first question (everything is loaded), the others, the first stretch of a filtered order; on the clock,
and in processor time, which a busy machine does not stretch.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient

from emendo.datasets.words import line_text
from emendo.label.desk import Desk
from emendo.types import Reading, Verdict
from emendo.web.app import create_app
from emendo.web.guard import Guard, one_person
from emendo.workspace.folder import Workspace
from emendo.workspace.people import Person
from emendo.workspace.store import Entry, Line

HOST = "127.0.0.1:8765"


def workspace_of(root: Path, count: int) -> Workspace:
    """A workspace with `count` lines in documents of a thousand."""
    workspace = Workspace.init(root)
    rng = np.random.default_rng(0)
    with workspace.store() as store:
        for start in range(0, count, 1000):
            document = f"book{start // 1000:03}"
            rows = []
            for at in range(start, min(count, start + 1000)):
                number = at - start + 1
                text, _ = line_text(rng)
                line = Line(
                    id=f"{at:016x}",
                    document=document,
                    number=number,
                    text_line=number,
                    page=number // 30 + 1,
                    image=f"{at}.png",
                    sha256="0" * 64,
                )
                rows.append((line, Reading(text, 0.9, (), "drawn")))
            store.put_document(document, rows)
            said = [
                Entry(line=line.id, reading=one.text, text=f"{one.text}!", verdict=Verdict.EDITED, author="ann")
                for line, one in rows[::5]
            ]
            store.add_corrections(said)
    return workspace


def measured(workspace: Workspace, queries: int) -> dict[str, float]:
    """Milliseconds of each kind of question."""
    rng = random.Random(1)
    other = workspace.store()
    lines = other.lines()
    desk = Desk.open(workspace)
    guard = Guard(one_person("t", Person("ann")), frozenset({HOST}))
    with TestClient(
        create_app(desk, guard), base_url=f"http://{HOST}", headers={"Authorization": "Bearer t"}
    ) as client:

        def asked(path: str, **query: object) -> tuple[float, float]:
            start, used = time.perf_counter(), time.process_time()
            answer = client.get(path, params=query)
            took = 1000 * (time.perf_counter() - start), 1000 * (time.process_time() - used)
            assert answer.status_code == 200, answer.text
            return took

        first = asked("/api/search", query="the")
        times, filtered = [], []
        for number in range(queries):
            one = rng.choice(lines)
            other.add_correction(
                Entry(line=one.id, reading="", text=f"saved {number} elsewhere", verdict=Verdict.EDITED, author="bob")
            )
            words = other.readings([rng.choice(lines).id]).popitem()[1].text.split()
            query = " ".join(rng.sample(words, min(len(words), 1 + number % 2)))
            times.append(asked("/api/search", query=query.upper() if number % 3 == 0 else query))
            if number % 10 == 0:
                found = client.get("/api/search", params={"query": f"saved {number} elsewhere"}).json()
                assert any(hit["id"] == one.id for hit in found["hits"]), "what was just saved is found"
                filtered.append(asked("/api/cards", order="done", text=words[0], author="ann", fresh=True))
    other.close()
    walls, used = zip(*times, strict=True)
    return {
        "first_ms": first[0],
        "p50_ms": statistics.median(walls),
        "p95_ms": statistics.quantiles(walls, n=20)[18],
        "max_ms": max(walls),
        "filtered_order_ms": statistics.median(wall for wall, _ in filtered),
        "first_processor_ms": first[1],
        "p50_processor_ms": statistics.median(used),
        "p95_processor_ms": statistics.quantiles(used, n=20)[18],
        "filtered_order_processor_ms": statistics.median(one for _, one in filtered),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as held:
        times = measured(workspace_of(Path(held), given.lines), given.queries)
    if given.json:
        print(json.dumps({"lines": given.lines, "queries": given.queries, **times}))
        return
    print(f"{given.lines} lines, {given.queries} questions, a save before each:")
    for name, value in times.items():
        print(f"  {name:28} {value:8.1f}")


if __name__ == "__main__":
    main()
