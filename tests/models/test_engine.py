"""The run times that compute a graph."""

from __future__ import annotations

import subprocess
import sys
import threading
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from emendo.errors import BundleError, EngineError
from emendo.models import engine as engines
from emendo.models.base import base_bundle
from emendo.models.bundle import GRAPH_FILE
from emendo.models.engine import open_engine


def lines(count: int, columns: int) -> np.ndarray:
    rng = np.random.default_rng(columns)
    ink = (rng.random((count, 1, 48, columns)) < 0.2).astype(np.float32)
    return np.repeat(1 - 2 * ink, 3, axis=1)


def test_both_run_times_see_the_same_frames() -> None:
    graph = base_bundle().path(GRAPH_FILE)
    slow, fast = (open_engine(graph, threads=1, engine=name) for name in ("onnxruntime", "openvino"))
    assert slow.inputs == fast.inputs
    assert slow.outputs[0].shape[-1] == fast.outputs[0].shape[-1]
    for count, columns in ((1, 96), (2, 416)):
        batch = lines(count, columns)
        a, b = slow.run(batch), fast.run(batch)
        assert a.shape == b.shape == (count, columns // 8, a.shape[2])
        held = a > -3
        assert float(np.abs(a - b)[held].mean()) < 0.15
        assert float((a.argmax(-1) == b.argmax(-1)).mean()) > 0.9


def test_threads_share_one_openvino_model() -> None:
    fast = open_engine(base_bundle().path(GRAPH_FILE), threads=1, engine="openvino")
    batch = lines(1, 256)
    alone, found = fast.run(batch), {}
    workers = [threading.Thread(target=lambda i=i: found.update({i: fast.run(batch)})) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(np.array_equal(found[i], alone) for i in range(4))


def test_a_run_time_that_is_missing_is_named_and_auto_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = base_bundle().path(GRAPH_FILE)
    real = util.find_spec
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "openvino" else real(name))
    engines._half_by_openvino.cache_clear()
    with pytest.raises(EngineError, match="OpenVINO is not installed"):
        open_engine(graph, threads=1, engine="openvino")
    assert type(open_engine(graph, threads=1, engine="auto")).__name__ == "_OnnxRuntime"
    engines._half_by_openvino.cache_clear()


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_a_damaged_graph_is_refused(tmp_path: Path, engine: engines.EngineName) -> None:
    broken = tmp_path / "model.onnx"
    broken.write_bytes(b"\x08\x09not a graph")
    with pytest.raises(BundleError, match="cannot be opened by"):
        open_engine(broken, threads=1, engine=engine)


def test_a_signal_is_heard_after_models_came_and_went() -> None:
    """OpenVINO lays its own stack for signals in the thread that starts it, and takes it away when it is let go."""
    script = f"""
import signal
from pathlib import Path
from emendo.models.engine import open_engine
heard = []
signal.signal(signal.SIGINT, lambda *_: heard.append("heard"))
kept = []
for _ in range(4):
    kept = [*kept[-1:], open_engine(Path({str(base_bundle().path(GRAPH_FILE))!r}), threads=1, engine="openvino")]
del kept
signal.raise_signal(signal.SIGINT)
print(*heard)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr
