"""A look at a few samples before a long run: can they be read, have they texts, and is there memory for all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import BadInput, DataError
from ..image.load import sample_image
from ..settings import Limits
from ..types import Sample

SHARE = 0.8
"""Of the free memory, the most that images may take."""


@dataclass(frozen=True, slots=True)
class DryRun:
    """What was seen: `bad` names samples with the reason; sizes are bytes of decoded images."""

    samples: int
    looked_at: int
    bad: tuple[tuple[str, str], ...]
    mean_bytes: int
    largest_bytes: int
    needed_bytes: int
    free_bytes: int

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)

    def require(self) -> None:
        """Raise DataError in one sentence when a run on this data could not go well."""
        if self.bad:
            name, reason = self.bad[0]
            raise DataError(
                f"{len(self.bad)} of {self.looked_at} samples looked at cannot train (the first, {name}: {reason})",
                remedy="run `emendo check` on the data",
            )
        if self.free_bytes and self.needed_bytes > SHARE * self.free_bytes:
            need, free = self.needed_bytes / 2**30, self.free_bytes / 2**30
            raise DataError(
                f"the images of {self.samples:,} samples need about {need:.1f} GB and {free:.1f} GB are free",
                remedy="use fewer samples (--max-samples) or a larger machine",
            )


def dry_run(samples: Sequence[Sample], most: int, limits: Limits | None = None) -> DryRun:
    """Look at `most` samples, spread evenly. Images of all of them are counted as held at once."""
    count = len(samples)
    chosen = (
        [samples[int(at)] for at in np.unique(np.linspace(0, count - 1, min(most, count)).astype(int))] if count else []
    )
    bad: list[tuple[str, str]] = []
    sizes: list[int] = []
    for sample in chosen:
        if not (sample.text or "").strip() and sample.fields is None:
            bad.append((sample.id, "it has no text"))
        try:
            sizes.append(sample_image(sample, limits or Limits()).nbytes)
        except BadInput as error:
            bad.append((sample.id, str(error)))
    mean = sum(sizes) // max(len(sizes), 1)
    return DryRun(count, len(chosen), tuple(bad), mean, max(sizes, default=0), mean * count, free_memory())


def free_memory() -> int:
    """Bytes of memory that are free, 0 when the system does not say."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return 0
