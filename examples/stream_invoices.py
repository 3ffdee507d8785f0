"""Invoices through a stream: a scanner's gate admits documents, emendo reads them, a portfolio adds them up.

    python examples/stream_invoices.py FOLDER --url redis://localhost:6379/0

Three parts that know of each other only through keys of Redis or Valkey. The producer shows each document of FOLDER as
the gate of its instrument, one at a time, and admits it unless its file is empty. A consumer in the background reads
what is admitted and fresh (in production: `emendo stream run scanner --root FOLDER --kinds document`). The portfolio
waits for the result of each gate and adds up totals by currency. A document whose sums do not hold is left to a person.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from redis import Redis

from emendo.fields import read_document, validate_document
from emendo.flows.spans import local_reader
from emendo.flows.stream import Consumer
from emendo.settings import load_settings

INSTRUMENT = "scanner"
ENDINGS = {".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff"}


def show_gates(client: Any, folder: Path) -> Iterator[tuple[Path, int]]:
    """The producer: each document as the last gate, with its time in milliseconds; the next one when asked for it."""
    last = 0
    for path in sorted(one for one in folder.iterdir() if one.suffix.lower() in ENDINGS):
        last = max(last + 1, time.time_ns() // 1_000_000)
        admit = path.stat().st_size > 0
        gate = {
            "ts_ms": last,
            "instrument": INSTRUMENT,
            "admit": admit,
            "reason": "" if admit else "the file is empty",
            "span": {"version": 1, "source": path.name, "kind": "document"},
            "tray": 2,  # a key of the producer's own: nobody else looks at it
        }
        client.set(f"gate:last:{INSTRUMENT}", json.dumps(gate))
        yield path, last


def wait_for_result(client: Any, ts_ms: int, seconds: float) -> dict[str, Any] | None:
    """What was said of the gate of that time; None when nothing was in so many seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        content = client.get(f"ocr:last:{INSTRUMENT}")
        if content and json.loads(content)["ts_ms"] >= ts_ms:
            return dict(json.loads(content))
        time.sleep(0.02)
    return None


def run(folder: Path, url: str, seconds: float = 60.0) -> dict[str, Any]:
    """Read the documents of a folder through the server at `url`; what the portfolio holds in the end."""
    settings = load_settings(stream__url=url, stream__max_age_ms=round(1000 * seconds), serve__kinds=("document",))
    consumer = Consumer(settings.stream, local_reader(settings, None), settings.limits, folder, [INSTRUMENT])
    ended = threading.Event()
    thread = threading.Thread(target=consumer.run, args=(ended.wait,))
    thread.start()
    totals: dict[str, Decimal] = defaultdict(Decimal)
    people: dict[str, str] = {}
    client: Any = Redis.from_url(url)
    try:
        for path, ts_ms in show_gates(client, folder):
            result = wait_for_result(client, ts_ms, seconds)
            if result is None or result["status"] != "read":
                people[path.name] = result["reason"] if result else f"no result in {seconds:.0f} s"
                continue
            document = read_document(result["fields"] or {}).document
            found = validate_document(document)
            if document.total is None or not found.exact:
                people[path.name] = "; ".join(one.what for one in found.findings) or "no total was found"
                continue
            totals[document.currency or "?"] += document.total
    finally:
        ended.set()
        thread.join()
        client.close()
    return {
        "totals": {currency: str(total) for currency, total in sorted(totals.items())},
        "for_people": people,
        "counts": {name: count for name, count in sorted(consumer.counts.items()) if count},
    }


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--url", default="redis://localhost:6379/0")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long a result is waited for")
    given = parser.parse_args()
    print(json.dumps(run(given.folder, given.url, given.seconds), ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
