"""Fixtures that many tests share."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import settings

from emendo.models.bundle import Bundle
from emendo.workspace.folder import Workspace

from .postgres import Cluster

settings.register_profile("emendo", deadline=None)  # no test measures time: the machine may be busy
settings.load_profile("emendo")
ROOT = Path(__file__).resolve().parent.parent

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as `&` of a script leaves it: tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object | None) -> None:
    """Tell how a process of tests ended before its time, and how much memory was free: xdist does not."""
    if error:
        status = node.gateway._io.popen.wait(30)  # negative: the signal
        free = psutil.virtual_memory().available / 2**20
        sys.stderr.write(f"\n[{node.gateway.id}] ended with status {status}; {free:.0f} MB of memory are free\n")


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the real development data (`EMENDO_DATA`, else `shared/data` beside the checkout)."""
    folder = Path(os.environ.get("EMENDO_DATA", ROOT.parent / "shared" / "data"))
    assert folder.is_dir(), f"no development data at {folder}: set EMENDO_DATA"
    return folder


@pytest.fixture(scope="session")
def tiny_trocr(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random TrOCR for pictures of 32 x 32 pixels."""
    from .tiny import trocr

    return trocr(tmp_path_factory.mktemp("models") / "tiny-trocr")


@pytest.fixture(scope="session")
def tiny_vlm(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders with tiny random vision-language models, by type; each is made once."""
    from .tiny import vlm

    place = tmp_path_factory.mktemp("vlms")
    made: dict[str, Path] = {}

    def folder(kind: str) -> Path:
        if kind not in made:
            made[kind] = vlm(kind, place / kind)
        return made[kind]

    return folder


@pytest.fixture
def drawn_workspace(tmp_path: Path) -> Workspace:
    """A workspace with twelve drawn lines on two pages (document `notes`), each with a reading."""
    from .drawn import small_workspace

    return small_workspace(tmp_path / "ws")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A private PostgreSQL server; its socket needs a short path."""
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    cluster = Cluster(folder)
    cluster.start()
    yield cluster
    cluster.kill()
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with MLflow's tables and nothing in them; making them takes seconds."""
    from emendo.models.registry import MlflowRegistry

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    assert MlflowRegistry(f"sqlite:///{path}", "emendo", 10).entries() == []
    return path


@pytest.fixture
def registry_uri(empty_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An MLflow back end of the test's own, which is the one of the settings; fetched models are kept for the test."""
    place = tmp_path / "mlflow" / "mlflow.db"
    place.parent.mkdir()
    shutil.copyfile(empty_registry, place)
    monkeypatch.setenv("EMENDO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EMENDO_REGISTRY__URI", f"sqlite:///{place}")
    return f"sqlite:///{place}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    """A workspace without lines, once with either database."""
    workspace = Workspace.init(tmp_path / "ws")
    if request.param == "postgresql":
        cluster: Cluster = request.getfixturevalue("postgres")
        (workspace.root / "emendo.toml").write_text(f'database = "{cluster.database()}"\n', encoding="utf-8")
    return workspace


@pytest.fixture(scope="session")
def fields_bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A small model of fields that knows the bills of `fieldnet`."""
    from .fieldnet import write_fields_bundle

    return write_fields_bundle(tmp_path_factory.mktemp("fields") / "bundle")
