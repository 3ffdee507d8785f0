"""Reading line images with a CTC bundle on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emendo.errors import BundleError
from emendo.image.line import LineGeometry, NormalizedLine, network_input, normalize, pad_to
from emendo.models.bundle import GRAPH_FILE, Bundle
from emendo.types import Evidence, Image, Reading

from .decode import greedy, text_of

BATCH_COLUMNS = 1536
"""Most columns of one batch: on a CPU longer batches bring nothing, and small lines gain a little together."""


class CtcRecognizer:
    """Reads lines with one bundle; may be shared by threads (ONNX Runtime sessions are).

    `threads` is the number of threads inside one call. Raises BundleError when the graph does not fit the bundle.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        if bundle.info.family != "ctc":
            raise BundleError(f"is of the family {bundle.info.family!r}, not 'ctc'", where=bundle.folder)
        self.bundle = bundle
        self.alphabet = bundle.info.alphabet
        self.geometry = load_geometry(bundle)
        self._session = open_session(bundle.path(GRAPH_FILE), threads)
        self._input = self._check_ends()

    @property
    def model(self) -> str:
        """Name and content id of the bundle."""
        return f"{self.bundle.info.name or 'ctc'}@{self.bundle.id}"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per line image (H, W, 3) uint8 RGB, in order."""
        readings = []
        for evidence in self.evidence(images):
            characters = greedy(evidence)
            confidence = float(np.prod([character.probability for character in characters])) if characters else 0.0
            readings.append(Reading(text_of(characters), confidence, characters, self.model))
        return readings

    def evidence(self, images: Sequence[Image]) -> list[Evidence]:
        """The per-frame log-probabilities of each line, in order; `frame_width` is in columns of the image given."""
        lines = [normalize(image, self.geometry) for image in images]
        found: list[Evidence | None] = [None] * len(lines)
        for batch in batches([line.image.shape[1] for line in lines]):
            width = max(lines[i].image.shape[1] for i in batch)
            log_probs = self.run([pad_to(lines[i].image, width) for i in batch])
            for i, frames in zip(batch, log_probs, strict=True):
                found[i] = self._evidence(lines[i], frames, width)
        return [evidence for evidence in found if evidence is not None]

    def run(self, lines: Sequence[Image]) -> npt.NDArray[np.float32]:
        """The network on normalised lines of one width: (N, frames, 1 + len(alphabet)) float32 log-probabilities."""
        output: npt.NDArray[np.float32] = self._session.run(None, {self._input: network_input(lines)})[0]
        return output

    def _evidence(self, line: NormalizedLine, frames: npt.NDArray[np.float32], width: int) -> Evidence:
        per_frame = width / len(frames)
        kept = min(len(frames), -(-line.image.shape[1] * len(frames) // width))
        return Evidence(frames[:kept], self.alphabet, per_frame * line.columns)

    def _check_ends(self) -> str:
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        where = self.bundle.folder
        classes = outputs[0].shape[-1] if outputs and outputs[0].shape else None
        if len(inputs) != 1 or len(outputs) != 1 or len(inputs[0].shape) != 4 or len(outputs[0].shape) != 3:
            raise BundleError("the graph is no line recogniser (one image in, one sequence out)", where=where)
        if classes != len(self.alphabet) + 1:
            what = f"the graph has {classes} classes but the alphabet {len(self.alphabet)} characters and a blank"
            raise BundleError(what, where=where, remedy="export the model again")
        if inputs[0].shape[2] != self.geometry.height:
            what = f"the graph takes lines {inputs[0].shape[2]} high, the preprocessing makes {self.geometry.height}"
            raise BundleError(what, where=where, remedy="export the model again")
        return str(inputs[0].name)


def load_geometry(bundle: Bundle) -> LineGeometry:
    """The line geometry of a bundle; raises BundleError when it is none."""
    from pydantic import ValidationError

    try:
        return LineGeometry.model_validate(bundle.info.preprocessing)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("preprocessing", *first["loc"]))
        raise BundleError(
            f"{place}: {first['msg'].lower()}", where=bundle.folder, remedy="export the model again"
        ) from error


def open_session(path: Path, threads: int) -> Any:
    """An ONNX Runtime session on the CPU that does not spin while it waits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = max(1, threads)
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own errors share no base class but this one
        what = str(error).splitlines()[0][:200]
        raise BundleError(f"cannot be opened by ONNX Runtime ({what})", where=path, remedy="export it again") from error


def batches(widths: Sequence[int]) -> list[list[int]]:
    """Indices sorted by width and cut into batches of equal width and at most `BATCH_COLUMNS` columns."""
    order = sorted(range(len(widths)), key=lambda i: widths[i])
    cut: list[list[int]] = []
    for i in order:
        last = cut[-1] if cut else []
        if last and widths[last[0]] == widths[i] and widths[i] * (len(last) + 1) <= BATCH_COLUMNS:
            last.append(i)
        else:
            cut.append([i])
    return cut
