"""The registry for real: a model pushed, fetched and served by MLflow, a server that dies, promotions killed.

    python benchmarks/registry.py --lines 50 --kills 40

Four parts, each in a folder of its own. `store`: wall and processor seconds of registering the base and of fetching it,
beside a plain copy of the folder and beside the names file of a workspace. `serve`: `mlflow models serve` on the
registered base: seconds until it answers, milliseconds a request of one line of peraire val, and whether every text is
what `emendo read` reads. `server`: the same bytes through `mlflow server` over HTTP; the server is killed, a promotion
goes on without it, the server comes back and is told. `kills`: promotions that tell a SQLite registry, killed at random
(tests/release/kill_registry.py checks what is left).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

from emendo.datasets import open_dataset
from emendo.image.load import sample_image
from emendo.models.base import base_bundle
from emendo.models.bundle import Bundle, update_info
from emendo.models.references import open_recognizer
from emendo.models.registry import LocalRegistry, MlflowRegistry, copy_bundle
from emendo.release.follow import following
from emendo.release.registry import catch_up, pull, push
from emendo.settings import load_settings
from emendo.types import Split
from emendo.workspace.folder import Workspace

ROOT = Path(__file__).resolve().parent.parent
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def timed(name: str, work: Callable[[], object]) -> None:
    wall, used = time.perf_counter(), time.process_time()
    work()
    print(f"  {name:44} {time.perf_counter() - wall:6.2f} s wall {time.process_time() - used:6.2f} s processor")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(command: list[str], log: Path, alive: str, **environment: str) -> tuple[subprocess.Popen[bytes], float]:
    """A process, and the seconds until the address `alive` answers."""
    began = time.perf_counter()
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *command],
            env={**os.environ, "PATH": PATH, "MLFLOW_DISABLE_TELEMETRY": "true", **environment},
            stdout=stream,
            stderr=stream,
            cwd=log.parent,
            start_new_session=True,
        )
    while process.poll() is None:
        try:
            with urllib.request.urlopen(alive, timeout=5):
                return process, time.perf_counter() - began
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"it ended by itself: {log.read_text(encoding='utf-8')[-2000:]}")


def killed(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def same_bytes(one: Path, other: Path) -> bool:
    names = sorted(path.relative_to(one).as_posix() for path in one.rglob("*") if path.is_file())
    held = sorted(path.relative_to(other).as_posix() for path in other.rglob("*") if path.is_file())
    return names == held and all((one / name).read_bytes() == (other / name).read_bytes() for name in names)


def store(work: Path, bundle: Bundle) -> str:
    uri = f"sqlite:///{work / 'store' / 'mlflow.db'}"
    registry = MlflowRegistry(uri, "emendo", 10)
    print(f"store: {sum(entry.size for entry in bundle.info.files.values()) / 1e6:.1f} MB")
    timed("first use: import mlflow, make the tables", registry.entries)
    timed("register", lambda: push(registry, bundle, "journal", "champion"))
    timed("fetch and verify (peers below)", lambda: pull(registry, "journal@champion", work / "pulled"))
    timed("fetch again, from the cache", lambda: pull(registry, "journal@champion", work / "again"))
    timed("peer: a verified copy of the folder", lambda: copy_bundle(bundle, work / "copied"))
    local = LocalRegistry(Workspace.init(work / "ws"))
    timed("peer: the names of a workspace", lambda: push(local, bundle, "journal"))
    print(f"  same bytes after fetching: {same_bytes(bundle.folder, work / 'pulled')}")
    pickles = [path for path in (work / "store").rglob("*") if path.suffix in {".pkl", ".pickle"}]
    print(f"  pickles in the store: {len(pickles)}")
    return uri


def serve(work: Path, bundle: Bundle, uri: str, count: int) -> None:
    data = open_dataset(str(Path(os.environ["EMENDO_DATA"]) / "peraire"))
    samples = [one for one in data.samples if one.split is Split.VAL][:count]
    port = free_port()
    command = ["models", "serve", "-m", "models:/journal@champion", "--env-manager", "local", "--workers", "1"]
    process, seconds = started(
        [*command, "--port", str(port)], work / "serve.log", f"http://127.0.0.1:{port}/ping", MLFLOW_TRACKING_URI=uri
    )
    print(f"serve: mlflow models serve answers after {seconds:.1f} s")
    engine = load_settings().read.engine
    recognizer = open_recognizer(bundle, threads=1, engine=engine)
    here, there, same = [], [], 0
    try:
        for sample in samples:
            picture = work / "line.png"
            began = time.perf_counter()
            text = recognizer.read([sample_image(sample)])[0].text
            here.append(time.perf_counter() - began)
            shutil.copyfile(sample.image, picture)
            row = {"image": b64encode(picture.read_bytes()).decode()}
            body = json.dumps({"dataframe_records": [row]}).encode()
            address = f"http://127.0.0.1:{port}/invocations"
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            began = time.perf_counter()
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = json.load(response)["predictions"][0]
            there.append(time.perf_counter() - began)
            same += answer["text"] == text
    finally:
        killed(process)
    print(f"  same text as emendo read: {same} of {len(samples)} lines")
    print(f"  one line a request: {1000 * statistics.median(there):.0f} ms (median)")
    print(f"  peer: the same line read in process: {1000 * statistics.median(here):.0f} ms (median)")


def server(work: Path, bundle: Bundle) -> None:
    folder = work / "server"
    folder.mkdir()
    port = free_port()
    uri = f"http://127.0.0.1:{port}"
    command = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'm.db'}", "--artifacts-destination", str(folder / "art")]
    process, _ = started(command, folder / "server.log", f"{uri}/health")
    os.environ["EMENDO_REGISTRY__URI"] = uri
    workspace = Workspace.init(work / "notes")
    try:
        registry = MlflowRegistry(uri, "emendo", 10)
        print("server: mlflow server over HTTP")
        timed("register", lambda: push(registry, bundle, "journal"))
        timed("fetch and verify", lambda: pull(registry, "journal", work / "over-http"))
        print(f"  same bytes after fetching: {same_bytes(bundle.folder, work / 'over-http')}")
        killed(process)
        shutil.copytree(bundle.folder, workspace.models / bundle.id)
        workspace.set_champion(bundle.id, "put in use while the server was away")
        timed("a promotion while the server is away", lambda: catch_up(workspace))
        state = following(workspace)
        print(f"  {state.sentence() if state else ''}")
        process, _ = started(command, folder / "server.log", f"{uri}/health")
        timed("the next command, when it is back", lambda: catch_up(workspace))
        state = following(workspace)
        print(f"  {state.sentence() if state else ''}")
    finally:
        if process.poll() is None:
            killed(process)
        del os.environ["EMENDO_REGISTRY__URI"]


def kills(work: Path, times: int) -> None:
    sys.path.insert(0, str(ROOT))
    from tests.release.colours import write_colour_bundle

    folder = work / "kills"
    Workspace.init(folder / "notes")
    write_colour_bundle(folder / "x", name="x")
    write_colour_bundle(folder / "y", wrong={"a": "b"}, name="y")
    write_colour_bundle(folder / "z", drop="g", name="z")
    environment = {**os.environ, "EMENDO_REGISTRY__URI": "mlflow"}
    script = ROOT / "tests" / "release" / "kill_registry.py"
    command = [sys.executable, str(script), str(folder), str(times)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(f"kills: {done.stdout.strip() or done.stderr[-2000:]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=50)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--part", choices=("store", "server", "kills", "all"), default="all")
    given = parser.parse_args()
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    source = base_bundle()
    with tempfile.TemporaryDirectory(prefix="registry-") as held:
        work = Path(held)
        copy_bundle(source, work / "base")
        os.environ["EMENDO_CACHE"] = str(work / "cache")
        bundle = update_info(Bundle(work / "base", source.info), name="base")
        if given.part in {"store", "all"}:
            serve(work, bundle, store(work, bundle), given.lines)
        if given.part in {"server", "all"}:
            server(work, bundle)
        if given.part in {"kills", "all"}:
            kills(work, given.kills)


if __name__ == "__main__":
    main()
