"""Running a flow with Metaflow: as processes here, or where the settings say, and what it tells of itself.

Nothing is contacted for a local run: metadata, data and cards of Metaflow lie in the workspace (`.emendo/metaflow`), or
in the output folder outside of one. Steps tell their progress in lines of their own (`Teller`), and an error in a file,
so that the command ends with the sentence and the exit status that it would have without Metaflow.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from ..errors import Busy, EngineError, UsageError
from ..settings import FlowSettings
from ..tools.files import write_json
from . import sentences
from .orders import RESULT, Order

SPECS: Final = Path(__file__).parent / "specs"
NAMES: Final = ("train", "batch", "monitor", "arabic")
LOG, RUN_FILE, LOCK = "flow.log", "flow.json", "flow.lock"
CONFIG: Final = "order"
"""Name of Metaflow's configuration value that holds the order."""
_TASK = re.compile(r"\[(?P<run>[^/\]]+)/(?P<step>\w+)/(?P<task>[^ \]]+)[^\]]*\] ?(?P<text>.*)$")
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow as it is to run: name, order, settings, tasks side by side."""

    name: str
    order: Order
    settings: FlowSettings
    workers: int = 1

    @property
    def script(self) -> Path:
        """The file with its steps."""
        return SPECS / f"{self.name}.py"

    @property
    def home(self) -> Path:
        """Where Metaflow keeps its files on this machine."""
        root = self.order.root
        return root / ".emendo" / "metaflow" if root else self.order.out / ".metaflow"

    def config(self) -> list[str]:
        """The order as arguments of Metaflow."""
        return ["--config-value", CONFIG, self.order.model_dump_json()]


@dataclass(slots=True)
class _Seen:
    """What was heard of a run so far."""

    states: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    tasks: int = 0
    last: str = ""


def run_flow(flow: Flow, *, resume: bool = False, progress: Progress, log: Callable[[str], None]) -> dict[str, Any]:
    """Run a flow to its end and return its result (`OUT/result.json`).

    What was finished in the output folder by an earlier run is not done again. With `resume` the last run goes on as
    Metaflow's `resume` has it: its finished steps are taken as they are. All that Metaflow says is in `OUT/flow.log`.
    Raises the error that stopped a step, UsageError when there is no run to resume, EngineError when Metaflow is not
    installed or fails.
    """
    if find_spec("metaflow") is None:
        raise EngineError("flows need metaflow, which is not installed", remedy="pip install 'emendo[flows]'")
    out = flow.order.out
    out.mkdir(parents=True, exist_ok=True)
    told = {"flow": flow.name, "order": flow.order.model_dump(mode="json")}
    origin = _origin(out, told) if resume else ""
    what = ["resume", "--origin-run-id", origin] if resume else ["run"]
    command = [*base_command(flow, config=not resume), *what, "--max-workers", str(flow.workers)]
    seen = _Seen()
    surroundings = environment(flow)
    with _alone(out, resume), _process(command, surroundings) as process, (out / LOG).open("a", 1) as file:
        for line in process.stdout or ():
            file.write(line)
            _hear(line.rstrip("\n"), seen, progress, log, lambda run: _note_run(out, {**told, "run": run}))
        status = process.wait()
    if status:
        raise sentences.read(out) or EngineError(f"the flow ended with status {status}: {seen.last}", where=out / LOG)
    try:
        result: dict[str, Any] = json.loads((out / RESULT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        remedy = "see that all steps share the output folder"
        raise EngineError(f"the flow ended without a result ({error})", where=out / RESULT, remedy=remedy) from error
    return result


def base_command(flow: Flow, *, config: bool = True) -> list[str]:
    """What every command about a flow begins with: the script, where data go, and the decorators of the settings."""
    remote = flow.settings.engine != "local"
    where = ["--datastore", "s3"] if remote else ["--datastore", "local", "--metadata", "local"]
    decorators = [word for one in decorators_of(flow.settings) for word in ("--with", one)]
    return [
        sys.executable,
        "-u",
        str(flow.script),
        "--no-pylint",
        *where,
        *decorators,
        *(flow.config() if config else ()),
    ]


def decorators_of(settings: FlowSettings) -> list[str]:
    """The decorators of every step, as `--with` takes them: where it runs, how often it is tried, how long it may take.

    Raises UsageError when an engine lacks what it needs.
    """
    found = []
    if settings.engine != "local":
        if not settings.image or not settings.datastore:
            what = f"flow.engine {settings.engine!r} needs flow.image and flow.datastore"
            raise UsageError(what, remedy="set a container image with emendo in it, and an s3:// root for Metaflow")
        place = "queue" if settings.engine == "batch" else "namespace"
        values: dict[str, Any] = {"cpu": settings.cpu, "memory": settings.memory, "image": settings.image}
        values |= {"gpu": settings.gpu} if settings.gpu else {}
        values |= {place: settings.queue} if settings.queue else {}
        if settings.volumes:
            mounts = "efs_volumes" if settings.engine == "batch" else "persistent_volume_claims"
            values[mounts] = json.dumps(settings.volumes)
        found.append(f"{settings.engine}:{_listed(values)}")
    if settings.retries:
        pause = 0 if settings.engine == "local" else 2
        found.append(f"retry:{_listed({'times': settings.retries, 'minutes_between_retries': pause})}")
    if settings.minutes:
        found.append(f"timeout:{_listed({'minutes': settings.minutes})}")
    return found


def environment(flow: Flow) -> dict[str, str]:
    """The environment of Metaflow: everything stays in its home unless the settings name a place elsewhere."""
    home = str(flow.home.absolute())
    own = {
        "METAFLOW_USER": os.environ.get("METAFLOW_USER") or _login(),
        "METAFLOW_CLIENT_CACHE_PATH": f"{home}/cache",
        "METAFLOW_CARD_NO_WARNING": "1",
        "PYTHONUNBUFFERED": "1",
    }
    if flow.settings.engine == "local":
        own |= {
            "METAFLOW_DEFAULT_METADATA": "local",
            "METAFLOW_DEFAULT_DATASTORE": "local",
            "METAFLOW_DEFAULT_EVENT_LOGGER": "nullSidecarLogger",
            "METAFLOW_DEFAULT_MONITOR": "nullSidecarMonitor",
            "METAFLOW_DATASTORE_SYSROOT_LOCAL": home,
            "METAFLOW_CARD_LOCALROOT": f"{home}/cards",
        }
    else:
        own["METAFLOW_DATASTORE_SYSROOT_S3"] = flow.settings.datastore
    return {**os.environ, **own}


def _listed(values: Mapping[str, Any]) -> str:
    return ",".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in values.items()
    )


def _login() -> str:
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        name = ""
    return name if name not in {"", "root"} else "emendo"  # Metaflow takes no root


@contextmanager
def _alone(out: Path, resume: bool) -> Iterator[None]:
    """Hold an output folder, and forget how the last run ended in it: with `resume` its steps may stand as they are.

    Raises Busy when another flow is at work there.
    """
    with (out / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            remedy = "wait for it to end, or name another --out"
            raise Busy("another flow is at work here", where=out, remedy=remedy) from error
        (out / sentences.FILE).unlink(missing_ok=True)
        if not resume:
            (out / RESULT).unlink(missing_ok=True)
        yield


@contextmanager
def _process(command: list[str], surroundings: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Metaflow, stopped before this ends; Ctrl-C reaches it too, as it is of the same group."""
    process = subprocess.Popen(
        command, env=dict(surroundings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _hear(
    line: str, seen: _Seen, progress: Progress, log: Callable[[str], None], note_run: Callable[[str], None]
) -> None:
    match = _TASK.search(line)
    if match is None:
        seen.last = line.strip() or seen.last
        return
    text, task = match["text"], f"{match['step']}/{match['task']}"
    state = sentences.heard(text)
    if state is not None:
        seen.states[task] = state
        progress(*_together(seen.states))
    elif text == "Task is starting.":
        seen.tasks += 1
        if seen.tasks == 1:
            note_run(match["run"])
        log(f"step {match['step']}")
    elif text.startswith("Task finished"):
        seen.states.pop(task, None)
    elif text.strip():
        seen.last = text.strip()


def _together(states: Mapping[str, tuple[int, int, str]]) -> tuple[int, int, str]:
    """The steps that run as one: the sums of what is done and of all there is to do."""
    texts = dict.fromkeys(text for _, _, text in states.values())
    return sum(done for done, _, _ in states.values()), sum(total for _, total, _ in states.values()), "; ".join(texts)


def _note_run(out: Path, told: Mapping[str, Any]) -> None:
    write_json(out / RUN_FILE, told)


def _origin(out: Path, told: Mapping[str, Any]) -> str:
    """The id of the last run in an output folder. Raises UsageError where there is none, or it was another."""
    try:
        held = json.loads((out / RUN_FILE).read_text(encoding="utf-8"))
        run = str(held["run"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError("holds no run that could go on", where=out, remedy="leave out --resume") from error
    for part, value in told.items():
        if held.get(part) != value:
            raise UsageError(f"holds a run with another {part}", where=out, remedy="leave out --resume")
    return run
