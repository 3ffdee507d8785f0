"""A line network as a form to be measured, and the batches that every graph of one must take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from emendo.errors import EngineError
from emendo.image.line import normalize_line, pad_to
from emendo.models.bundle import Bundle
from emendo.models.ctc.decode import greedy_text
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.types import Image

from .measure import ROUNDING, Form, Seen

SHAPES: Final = ((1, 96), (3, 384), (2, 1056))
"""Lines and columns of the batches that every graph must take, whatever the lines at hand are like."""
NEIGHBOURS: Final = 0.05
"""By how much a log-probability of an int8 graph may depend on the lines beside it (static int8: by rounding)."""


def form_of(name: str, reader: CtcRecognizer, bundle: Bundle) -> Form:
    """A bundle as a form to be measured: full reading, and the log-probabilities of every class of every frame."""

    def see(image: Image) -> Seen:
        seen = reader.observe([image])[0]
        return Seen(seen.text, seen.evidence.log_probs)

    return Form(name, see, megabytes(bundle))


def bare_form(name: str, reader: CtcRecognizer, bundle: Bundle) -> Form:
    """The network alone, read greedily: what a choice among graphs is made by."""

    def see(image: Image) -> Seen:
        evidence = reader.evidence([image])[0]
        return Seen(greedy_text(evidence), evidence.log_probs)

    return Form(name, see, megabytes(bundle))


def megabytes(bundle: Bundle) -> float:
    """Size of all files of a bundle, in megabytes."""
    return sum(entry.size for entry in bundle.info.files.values()) / 1e6


def require_shapes(torch: CtcRecognizer, other: CtcRecognizer, name: str, pictures: Sequence[Image]) -> None:
    """Raise EngineError unless a graph takes batches of any size and width, and gives what the network gives."""
    for count, columns in SHAPES:
        batch = _batch(torch, pictures, count, columns)
        expected, found = torch.run(batch), _run(other, batch, name)
        if found.shape != expected.shape:
            what = f"{name} makes {found.shape} of {count} lines of {columns} columns, the network {expected.shape}"
            raise EngineError(what, remedy="nothing was written; report it")
        apart = float(np.abs(found - expected).max())
        if not apart <= ROUNDING:
            what = f"{name} differs from the network by {apart:.2g} on {count} lines of {columns} columns together"
            raise EngineError(what, remedy="nothing was written; report it")


def require_alone(reader: CtcRecognizer, name: str, pictures: Sequence[Image]) -> None:
    """Raise EngineError when a graph sees a line otherwise because of the lines beside it, or takes no such batch."""
    for count, columns in SHAPES:
        batch = _batch(reader, pictures, count, columns)
        together = _run(reader, batch, name)
        alone = np.concatenate([_run(reader, [line], name) for line in batch])
        if together.shape != alone.shape or not float(np.abs(together - alone).max()) <= NEIGHBOURS:
            what = f"{name} sees a line otherwise when {count} lines of {columns} columns are read together"
            raise EngineError(what, remedy="nothing was written; report it")


def _run(reader: CtcRecognizer, batch: Sequence[Image], name: str) -> npt.NDArray[np.float32]:
    try:
        return reader.run(batch)
    except Exception as error:  # ONNX Runtime's own errors share no base class but this one
        reason = " ".join(str(error).split())[:160]
        what = f"{name} does not take {len(batch)} lines of {batch[0].shape[1]} columns ({reason})"
        raise EngineError(what, remedy="nothing was written; export it with dynamic batch and width") from error


def _batch(reader: CtcRecognizer, pictures: Sequence[Image], count: int, columns: int) -> list[Image]:
    lines = [normalize_line(picture, reader.geometry) for picture in pictures]
    return [pad_to(lines[at % len(lines)][:, :columns], columns) for at in range(count)]
