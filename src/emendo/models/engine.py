"""The run time that computes a graph: ONNX Runtime, or OpenVINO where that is installed.

ONNX Runtime computes in float32, near what a core can do. OpenVINO (the extra `emendo[fast]`) computes in bfloat16 on
processors that have it (AVX512-BF16, AMX), three to four times as fast; each new width costs it a plan of some 50 ms,
so it gets few widths. `cuda` is ONNX Runtime on a GPU.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from emendo.errors import BundleError, EngineError
from emendo.settings import cores

EngineName = Literal["auto", "onnxruntime", "openvino", "cuda", "torch"]
"""`torch` is the trained network itself, for comparison (`models.ctc.reference`); it opens no graph."""
Array = npt.NDArray[np.float32]
PLANNED_COLUMNS = 128
"""OpenVINO gets widths that are multiples of this."""


@dataclass(frozen=True, slots=True)
class End:
    """Name and shape of an input or output; None where a dimension is free."""

    name: str
    shape: tuple[int | None, ...]


class Engine(Protocol):
    """An opened graph; may be shared by threads."""

    inputs: tuple[End, ...]
    outputs: tuple[End, ...]

    def run(self, batch: Array) -> Array:
        """Lines (N, 3, H, W) -> (N, frames, classes)."""


def open_engine(path: Path, *, threads: int, engine: EngineName = "onnxruntime") -> Engine:
    """The graph of a file, ready to run with `threads` threads; `auto` takes OpenVINO where it computes in bfloat16.

    Raises EngineError when OpenVINO or a GPU is asked for and not there, BundleError when the file cannot be opened.
    """
    return _OpenVino(path, threads) if by_openvino(engine) else _OnnxRuntime(path, threads, gpu=engine == "cuda")


def by_openvino(engine: EngineName) -> bool:
    """Whether this engine is OpenVINO here. Raises EngineError when it is asked for by name and not installed."""
    if engine == "openvino" and find_spec("openvino") is None:
        raise EngineError("OpenVINO is not installed", remedy="pip install 'emendo[fast]', or engine = \"onnxruntime\"")
    return engine == "openvino" or (engine == "auto" and _half_by_openvino())


class Graph(Protocol):
    """An opened graph of any inputs and outputs; may be shared by threads."""

    inputs: tuple[End, ...]

    def __call__(self, feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """The outputs in the graph's order for inputs by name."""


def open_graph(path: Path, *, threads: int, engine: EngineName = "onnxruntime") -> Graph:
    """The graph of a file whose shapes are run as they come; engines and errors as for `open_engine`."""
    if by_openvino(engine):
        return _OpenVinoGraph(path, threads)
    return _OnnxRuntimeGraph(path, threads, gpu=engine == "cuda")


CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def open_session(path: Path, threads: int, *, patterns: bool = True, gpu: bool = False) -> Any:
    """An ONNX Runtime session with `threads` threads that do not spin while they wait, for that slows all else here.

    `patterns` lets it plan the memory of a shape that it has seen, which pays where shapes come again; `gpu` computes
    by CUDA. Raises EngineError when ONNX Runtime or its CUDA provider is missing, BundleError when the file cannot be
    opened.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise EngineError("ONNX Runtime is not installed", remedy="pip install onnxruntime") from error
    if gpu and CUDA not in onnxruntime.get_available_providers():
        what = "this ONNX Runtime cannot compute on a GPU"
        raise EngineError(what, remedy="pip install onnxruntime-gpu with CUDA beside it, or leave the GPU out")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.enable_mem_pattern = patterns
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=[CUDA, CPU] if gpu else [CPU])
    except OSError as error:
        raise BundleError(f"cannot be read ({error.strerror})", where=path) from error
    except Exception as error:  # ONNX Runtime's own errors share no base class but this one
        raise _unopened(path, "ONNX Runtime", error) from error


def run_once(session: Any, feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    """The outputs of a session that sees a large picture once in a while, the memory for it given back.

    Measured on a page of 15 megapixels: 190 MB for the detector instead of 300 without ONNX Runtime's arena, and 290
    less held behind it.
    """
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    found: list[npt.NDArray[Any]] = session.run(None, dict(feeds), options)
    give_back_memory()
    return found


def give_back_memory() -> None:
    """Let the C library hand freed memory to the operating system, where it can (glibc)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


class _OnnxRuntime:
    """A graph on ONNX Runtime."""

    def __init__(self, path: Path, threads: int, *, gpu: bool) -> None:
        self._session = open_session(path, threads, gpu=gpu)
        self.inputs, self.outputs = map(_ends, (self._session.get_inputs(), self._session.get_outputs()))

    def run(self, batch: Array) -> Array:
        output: Array = self._session.run(None, {self.inputs[0].name: batch})[0]
        return output


class _OnnxRuntimeGraph:
    """A graph on ONNX Runtime, called by the names of its inputs."""

    def __init__(self, path: Path, threads: int, *, gpu: bool) -> None:
        self._session = open_session(path, threads, gpu=gpu)
        self.inputs = _ends(self._session.get_inputs())

    def __call__(self, feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        found: list[npt.NDArray[Any]] = self._session.run(None, dict(feeds))
        return found


class _Compiled:
    """A model compiled by OpenVINO with one request a thread, for requests are not shared.

    A stream computes one request at a time, whatever threads ask, so there are as many as the cores can keep busy.
    """

    def __init__(self, path: Path, threads: int) -> None:
        core = _core()
        precision = "bf16" if _half_by_openvino() else "f32"
        threads = max(1, threads)
        streams = max(1, cores() // threads)
        hints = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": threads * streams,
            "NUM_STREAMS": streams,
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
        }
        try:
            self._model = core.compile_model(core.read_model(str(path)), "CPU", hints)
        except RuntimeError as error:
            raise _unopened(path, "OpenVINO", error) from error
        self.inputs, self.outputs = (tuple(map(_end, ends)) for ends in (self._model.inputs, self._model.outputs))
        self._own = threading.local()

    def _infer(self, feeds: Mapping[Any, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        if not hasattr(self._own, "request"):
            self._own.request = self._model.create_infer_request()
        found = self._own.request.infer(feeds, share_inputs=True)  # the outputs are copies
        return [found[at] for at in range(len(self.outputs))]


class _OpenVinoGraph(_Compiled):
    """A graph on OpenVINO, called by the names of its inputs."""

    def __call__(self, feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        return self._infer(feeds)


class _OpenVino(_Compiled):
    """A line network on OpenVINO, shown widths that it has a plan for."""

    def run(self, batch: Array) -> Array:
        columns = batch.shape[3]
        planned = -(-columns // PLANNED_COLUMNS) * PLANNED_COLUMNS
        padded = np.pad(batch, ((0, 0), (0, 0), (0, 0), (0, planned - columns)), mode="edge")
        found = np.asarray(self._infer({0: padded})[0], np.float32)
        return found[:, : found.shape[1] * columns // planned].copy()


@cache
def _half_by_openvino() -> bool:
    if find_spec("openvino") is None:
        return False
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _core() -> Any:
    """OpenVINO, started once and never let go: each start lays a stack for signals in its thread (AMX needs a large
    one), and letting it go can leave the thread without any, so that the next Ctrl-C would be a crash."""
    import openvino

    return openvino.Core()


def _ends(found: Any) -> tuple[End, ...]:
    """Inputs or outputs of an ONNX Runtime session."""
    return tuple(End(one.name, tuple(d if isinstance(d, int) else None for d in one.shape)) for one in found)


def _end(found: Any) -> End:
    shape = tuple(d.get_length() if d.is_static else None for d in found.get_partial_shape())
    return End(found.get_any_name(), shape)


def _unopened(path: Path, engine: str, error: Exception) -> BundleError:
    what = str(error).splitlines()[0][:200]
    return BundleError(f"cannot be opened by {engine} ({what})", where=path, remedy="export it again")
