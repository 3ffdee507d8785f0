"""The service in a process of its own, for tests that send it signals, and a load that counts what it is answered."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Process:
    """`emendo serve` with a model, at a free port."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "emendo", "serve", "--port", "0", "--kinds", "line", *options]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        assert self.process.stderr is not None
        shown = self.process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", shown)
        assert found, shown + self.process.stderr.read()
        self.port = int(found.group(1))

    def wait_ready(self) -> None:
        """Until a model is loaded."""
        while self.get("/readyz")[0] != 200:
            assert self.process.poll() is None
            threading.Event().wait(0.05)

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body."""
        return asked(self.port, "GET", path)

    def end(self) -> tuple[int, str]:
        """Exit status, when it has ended, and what it said."""
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        return self.process.wait(30), said


@contextmanager
def process(*options: str) -> Iterator[Process]:
    """A service that is killed at the end if it has not ended."""
    started = Process(*options)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def asked(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Load:
    """Clients that ask again and again until they are told to stop; each answer is counted by what it was.

    `200 TEXT`: read; a status: not read; `refused`: nobody listens; `reset`: the system dropped a connection that the
    service had not taken yet; `cut`: the service took the connection and closed it without a whole answer.
    """

    def __init__(self, port: int, body: bytes, clients: int) -> None:
        self.port, self.body = port, body
        self.counts: Counter[str] = Counter()
        self._ended = threading.Event()
        self._counting = threading.Lock()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> Counter[str]:
        """End and tell."""
        self._ended.set()
        for thread in self._threads:
            thread.join(30)
        return self.counts

    def _ask(self) -> None:
        while not self._ended.is_set():
            what = self._once()
            with self._counting:
                self.counts[what] += 1
            if what == "refused":
                return

    def _once(self) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            try:
                connection.connect()
                connection.request("POST", "/v1/read", self.body)
            except OSError:
                return "refused"
            try:
                answer = connection.getresponse()
                content = answer.read()
            except (OSError, http.client.HTTPException) as error:
                return "reset" if type(error) is ConnectionResetError else "cut"
            if answer.status != 200:
                return str(answer.status)
            return "200 " + content.decode().partition('"text":"')[2].partition('"')[0]
        finally:
            connection.close()
