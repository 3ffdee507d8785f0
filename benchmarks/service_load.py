"""A load for the service, cheap enough to run beside it: one process, one thread, plain sockets.

    python benchmarks/service_load.py --port 8080 --images DIR --seconds 10 (--rate 300 | --clients 4) [--deadline 2]
        [--unique]

With `--rate` so many requests a second are begun whatever becomes of those before (an open loop, each on a connection
of its own); with `--clients` so many ask one after the other on connections that stay. With `--unique` no file is sent
twice: each has some bytes of its own behind its end, at which no decoder looks. Prints one JSON object: counts by
outcome, latencies of what was read, the longest queue, and how long after the end a lone request was answered as fast
as before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

PATIENCE = 60
"""Seconds after which a service that has not recovered is given up."""


class Load:
    """Requests to one service and what became of them."""

    def __init__(self, port: int, bodies: list[bytes], deadline: float, *, unique: bool = False) -> None:
        self.port, self.bodies, self.deadline, self.unique = port, bodies, deadline, unique
        self.counts: Counter[str] = Counter()
        self.latencies: list[float] = []
        self.refusals: list[float] = []
        self.longest = 0.0
        self.sent = 0

    def request(self, *, keep: bool) -> bytes:
        body = self.bodies[self.sent % len(self.bodies)]
        self.sent += 1
        if self.unique:
            body += secrets.token_bytes(16)
        head = (
            f"POST /v1/read HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nX-Deadline-Ms: {round(self.deadline * 1000)}\r\n"
            f"Content-Length: {len(body)}\r\nConnection: {'keep-alive' if keep else 'close'}\r\n\r\n"
        )
        return head.encode() + body

    async def ask(self, stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], *, keep: bool) -> str:
        reader, writer = stream
        started = time.monotonic()
        writer.write(self.request(keep=keep))
        await writer.drain()
        try:
            status = await answered(reader)
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            status = "cut"
        took = time.monotonic() - started
        self.counts[status] += 1
        if status == "200":
            self.latencies.append(took)
        elif status == "503":
            self.refusals.append(took)
        return status

    async def once(self) -> None:
        try:
            stream = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            self.counts["refused"] += 1
            return
        await self.ask(stream, keep=False)
        stream[1].close()

    async def client(self, until: float) -> None:
        stream = await asyncio.open_connection("127.0.0.1", self.port)
        while time.monotonic() < until:
            if await self.ask(stream, keep=True) == "cut":
                stream = await asyncio.open_connection("127.0.0.1", self.port)
        stream[1].close()

    async def watch(self, until: float) -> None:
        while time.monotonic() < until:
            self.longest = max(self.longest, await self.metric("emendo_queue_length"))
            await asyncio.sleep(0.5)

    async def metric(self, name: str) -> float:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        head = f"GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        text = (await reader.read()).decode()
        writer.close()
        return float(text.partition(f"\n{name} ")[2].partition("\n")[0])

    async def lone(self) -> float:
        """Seconds that one request takes while nobody else asks; infinite when it is not read."""
        stream = await asyncio.open_connection("127.0.0.1", self.port)
        started = time.monotonic()
        stream[1].write(self.request(keep=False))
        status = await answered(stream[0])
        stream[1].close()
        return time.monotonic() - started if status == "200" else float("inf")

    async def open_loop(self, rate: float, seconds: float) -> None:
        started = time.monotonic()
        tasks: set[asyncio.Task[None]] = set()
        number = 0
        while (now := time.monotonic()) < started + seconds:
            while number < (now - started) * rate:
                task = asyncio.ensure_future(self.once())
                tasks.add(task)
                task.add_done_callback(tasks.discard)
                number += 1
            await asyncio.sleep(1 / rate)
        self.ended = time.monotonic()
        await asyncio.gather(*tasks)


async def answered(reader: asyncio.StreamReader) -> str:
    """The status of a whole answer. Raises IncompleteReadError when it is cut."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status = head.split(" ", 2)[1]
    length = int(head.lower().partition("content-length:")[2].partition("\r\n")[0])
    json.loads(await reader.readexactly(length))
    if status == "503" and "retry-after:" not in head.lower():
        return "503 without Retry-After"
    return status


async def run(arguments: argparse.Namespace) -> dict[str, Any]:
    bodies = [path.read_bytes() for path in sorted(arguments.images.iterdir())]
    load = Load(arguments.port, bodies, arguments.deadline, unique=arguments.unique)
    usual = statistics.median([await load.lone() for _ in range(10)])
    until = time.monotonic() + arguments.seconds
    started = time.monotonic()
    if arguments.rate:
        await asyncio.gather(load.open_loop(arguments.rate, arguments.seconds), load.watch(until))
        ended = load.ended
        while await load.lone() > 2 * usual + 0.05 and time.monotonic() < ended + PATIENCE:
            await asyncio.sleep(0.05)
    else:
        await asyncio.gather(*(load.client(until) for _ in range(arguments.clients)), load.watch(until))
        ended = time.monotonic()
    recovered = time.monotonic() - ended if arguments.rate else None
    latencies = sorted(load.latencies)
    return {
        "counts": dict(load.counts),
        "seconds": ended - started,
        "read_per_second": len(latencies) / (ended - started),
        "asked_per_second": sum(load.counts.values()) / (ended - started),
        "usual_ms": 1000 * usual,
        "p50_ms": 1000 * quantile(latencies, 0.5),
        "p99_ms": 1000 * quantile(latencies, 0.99),
        "longest_ms": 1000 * quantile(latencies, 1.0),
        "within_deadline": sum(one <= arguments.deadline for one in latencies),
        "refusal_p99_ms": 1000 * quantile(sorted(load.refusals), 0.99),
        "longest_queue": load.longest,
        "recovered_s": recovered,
    }


def quantile(ordered: list[float], share: float) -> float:
    """The value below which this share of the sorted values lies (nearest rank); 0 of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--deadline", type=float, default=2)
    parser.add_argument("--unique", action="store_true")
    print(json.dumps(asyncio.run(run(parser.parse_args()))))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
