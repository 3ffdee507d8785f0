"""A private PostgreSQL server from the system's own programs, for as long as a block runs."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path

import psutil
import psycopg

USER = "emendo"


def programs() -> Path:
    """The folder of `initdb` and `postgres` (Debian keeps one a version)."""
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    kept = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert kept, "no PostgreSQL here: install the package postgresql"
    return kept[-1]


class Cluster:
    """A server of its own in a short folder, reached by a socket there; durable as PostgreSQL is by default."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._made = folder, 0
        # PostgreSQL refuses to run as root
        self._user = "postgres" if os.geteuid() == 0 else None
        folder.mkdir(parents=True, exist_ok=True)
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        self._run("initdb", "-D", str(self.data), "-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        command = [str(programs() / "postgres"), "-D", str(self.data), "-k", str(self.folder), "-h", ""]
        self.process = subprocess.Popen(
            [*command, "-c", "max_connections=100"],
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=(self.folder / "log").open("ab"),
        )
        asked = [str(programs() / "pg_isready"), "-q", "-h", str(self.folder), "-U", USER, "-d", "postgres"]
        for _ in range(600):
            if subprocess.run(asked, check=False).returncode == 0:
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        """End every process of the server with -9: a power cut as far as it can tell."""
        postmaster = psutil.Process(self.process.pid)
        ended = [postmaster, *postmaster.children()]
        for one in ended:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait()
        psutil.wait_procs(ended)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def database(self) -> str:
        """The URL of something new and empty: a schema of its own, which is made faster than a database."""
        self._made += 1
        name = f"w{self._made}"
        with psycopg.connect(host=str(self.folder), user=USER, dbname="postgres") as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"postgresql://{USER}@/postgres?host={self.folder}&options=-csearch_path%3D{name}"

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(programs() / name), *arguments],
            user=self._user,
            group=self._user,
            extra_groups=[] if self._user else None,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
