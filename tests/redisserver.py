"""A private Redis server from the system's own program, for as long as a block runs."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as Gone


class Server:
    """Reached by a socket in a short folder; what was written stays when it is killed, as far as it said so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder / 'socket'}"
        self.client: Any = Redis.from_url(self.url)

    def start(self, *options: str) -> None:
        """Start it and wait until it answers."""
        program = shutil.which("redis-server")
        assert program, "no Redis here: install the package redis-server"
        fixed = ["--port", "0", "--unixsocket", str(self.folder / "socket"), "--dir", str(self.folder)]
        kept = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        self.process = subprocess.Popen([program, *fixed, *kept, *options], stdout=subprocess.DEVNULL)
        for _ in range(2000):
            try:
                if self.client.ping():
                    return
            except (Gone, OSError):
                assert self.process.poll() is None, "redis-server ended"
            time.sleep(0.02)
        raise AssertionError("redis-server does not answer")

    def kill(self) -> None:
        """End it with -9."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(*options: str) -> Iterator[Server]:
    """A server that is gone after the block."""
    folder = Path(tempfile.mkdtemp(prefix="redis-", dir="/tmp"))
    server = Server(folder)
    try:
        server.start(*options)
        yield server
    finally:
        server.kill()
        server.client.close()
        shutil.rmtree(folder)
