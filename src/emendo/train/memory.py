"""How much memory there is, and how much a model takes before its first step."""

from __future__ import annotations

import json
import os
from math import prod
from pathlib import Path

from emendo.errors import DataError
from emendo.models.generative.source import Source

TRAINED_BYTES = 12
"""Bytes for each trained weight beside itself: the gradient and two moments of Adam, in float32."""


def available_mb() -> float:
    """Memory that a new process can have, in MiB: of the GPU when there is one, else of the machine."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0]) / 2**20
    try:
        for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) / 2**10
    except OSError:
        pass
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20


def resident_mb() -> float:
    """Memory that this process holds now, in MiB; 0 where the system does not tell, and on a GPU."""
    import torch

    if torch.cuda.is_available():
        return float(torch.cuda.memory_allocated()) / 2**20
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def weights_of(source: Source) -> int:
    """Number of weights in the safetensors files of a source, from their headers alone."""
    total = 0
    for path in sorted(source.folder.glob("*.safetensors")):
        with path.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(min(size, 100_000_000)))
        total += sum(prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    return total


def require_memory(source: Source, *, bits: int, full: bool) -> None:
    """Raise DataError when the weights alone, with what training them takes, do not fit.

    `bits` of a weight in memory (0: 32); `full` when all weights are trained.
    """
    weights = weights_of(source)
    need = weights * ((bits or 32) / 8 + (TRAINED_BYTES if full else 0)) / 2**20
    free = available_mb()
    if need > free:
        what = f"{source.ref!r} has {weights / 1e6:.0f} million weights and needs {need:.0f} MB, {free:.0f} MB are free"
        raise DataError(what, remedy="train an adapter (lora_rank=16), load in 4 bits, or take a smaller model")
