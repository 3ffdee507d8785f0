"""Reading with a TrOCR that was written as two ONNX graphs, without torch.

    encoder.onnx    pixels (1, 3, height, width) -> keys and values of the cross-attention, two for each layer
    decoder.onnx    the token before, those keys and values, and the keys and values of the tokens so far
                    -> the next token, the logarithm of its probability, and the keys and values with it

The line is encoded once, and each step computes one token alone. Tokens become text by the library `tokenizers`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emendo.errors import BundleError, EngineError
from emendo.models.bundle import Bundle
from emendo.models.engine import EngineName, open_graph
from emendo.types import Image, Reading

from .pixels import Pixels, pixels_of

ENCODER_FILE: Final = "encoder.onnx"
DECODER_FILE: Final = "decoder.onnx"
TOKENIZER_FILE: Final = "tokenizer.json"
PIXELS, IDS, CROSS, PAST = "pixel_values", "ids", "cross.{}", "past.{}"
"""Names of the graphs' inputs; the encoder's outputs are the decoder's `CROSS`."""
BATCH: Final = 8
"""Lines that take their steps together in float32; int8 measures its range over all of them, so there it is one."""

Number = Literal["float32", "int8"]
FORMS: Final[Mapping[str, tuple[Number, Number]]] = {
    "onnx": ("float32", "float32"),
    "onnx-int8": ("int8", "int8"),
    "onnx-int8-decoder": ("float32", "int8"),
}
"""Numbers that encoder and decoder are held in. The last is for processors whose OpenVINO computes in bfloat16."""
Values = npt.NDArray[np.float32]


class Writing(BaseModel):
    """How the graphs are used; `decoding` of `bundle.yaml`. Tokens are ids of the tokenizer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    most_tokens: int = Field(ge=1, le=32768, description="Tokens of a reading at most, the end among them.")
    start: int = Field(ge=0, description="Token that the decoder starts with.")
    end: int = Field(ge=0, description="Token that ends a text.")
    pad: int = Field(ge=0, description="Token that a finished line is fed.")
    first: int | None = Field(None, ge=0, description="Token that is forced to come first, where there is one.")
    encoder: Number = Field("float32", description="What the encoder's matrices are held in.")
    decoder: Number = Field("float32", description="What the decoder's matrices are held in.")


@dataclass(frozen=True, slots=True)
class Written:
    """What a network wrote for one image: its tokens with the end; `confidence` is the product of their chances.

    `logs` are the natural logarithms of these, where they were kept.
    """

    text: str
    confidence: float
    tokens: tuple[int, ...] = ()
    logs: tuple[float, ...] = ()


class GraphRecognizer:
    """Reads lines with the graphs of a bundle; may be shared by threads.

    `engine` computes the encoder where it is in float32 (OpenVINO in bfloat16 on processors that have it); the decoder,
    whose shapes grow with each token, stays with ONNX Runtime. Raises EngineError when an engine or `tokenizers` is not
    installed, BundleError for graphs that do not belong together.
    """

    def __init__(self, bundle: Bundle, *, threads: int = 1, engine: EngineName = "onnxruntime") -> None:
        self.bundle = bundle
        try:
            self.writing = Writing.model_validate(bundle.info.decoding)
            self._form = Pixels.model_validate(bundle.info.preprocessing)
        except ValidationError as error:
            what = f"does not say how its graphs are used ({error.errors()[0]['msg']})"
            raise BundleError(what, where=bundle.folder, remedy="export the model again") from error
        self._tokenizer = _tokenizer(bundle)
        by = engine if self.writing.encoder == "float32" else "onnxruntime"
        self._encoder = open_graph(bundle.path(ENCODER_FILE), threads=threads, engine=by)
        self._decoder = open_graph(bundle.path(DECODER_FILE), threads=threads)
        past = [end.shape for end in self._decoder.inputs if end.name.startswith(PAST.format(""))]
        size = self._encoder.inputs[0].shape
        if not past or any(len(shape) != 4 for shape in past) or size != (1, 3, self._form.height, self._form.width):
            what = "holds graphs that do not fit each other or the size of its pixels"
            raise BundleError(what, where=bundle.folder, remedy="export the model again")
        self._past = [(shape[1] or 1, shape[3] or 1) for shape in past]

    @property
    def model(self) -> str:
        """Name and content id."""
        return f"{self.bundle.info.name or self.bundle.info.family}@{self.bundle.id}"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per line image (H, W, 3) uint8 RGB, in order."""
        return [Reading(one.text, one.confidence, (), self.model) for one in self.write(images)]

    def write(self, images: Sequence[Image]) -> list[Written]:
        """Greedy reading of line images (H, W, 3) uint8, with the tokens."""
        batch = BATCH if self.writing.decoder == "float32" else 1
        return [one for at in range(0, len(images), batch) for one in self._together(images[at : at + batch])]

    def encode(self, image: Image) -> list[Values]:
        """Keys and values (1, heads, positions, width) of each layer's cross-attention."""
        return self._encoder({PIXELS: pixels_of(image, self._form)[None]})

    def _together(self, images: Sequence[Image]) -> list[Written]:
        encoded = [self.encode(image) for image in images]
        cross = encoded[0] if len(encoded) == 1 else [np.concatenate(parts) for parts in zip(*encoded, strict=True)]
        tokens, logs = self._steps({CROSS.format(i): part for i, part in enumerate(cross)}, len(images))
        return [self._written(row, log) for row, log in zip(tokens, logs, strict=True)]

    def _steps(self, cross: dict[str, Values], count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Token ids (count, steps), `pad` behind the end, and the logarithm of each row's probability."""
        how = self.writing
        ids = np.full((count, 1), how.start, np.int64)
        past: list[npt.NDArray[Any]] = [np.zeros((count, heads, 0, width), np.float32) for heads, width in self._past]
        tokens, logs, ended = np.full((count, how.most_tokens), how.pad), np.zeros(count), np.zeros(count, bool)
        for step in range(how.most_tokens):
            grown = {PAST.format(i): part for i, part in enumerate(past)}
            best, log, *past = self._decoder({IDS: ids, **cross, **grown})
            if step == 0 and how.first is not None:
                best, log = np.full_like(best, how.first), np.zeros_like(log)
            best = np.where(ended, how.pad, best)
            logs += np.where(ended, 0.0, log)
            tokens[:, step] = best
            ended |= best == how.end
            if ended.all():
                return tokens[:, : step + 1], logs
            ids = best[:, None]
        return tokens, logs

    def _written(self, row: npt.NDArray[np.int64], log: float) -> Written:
        ids: list[int] = row.tolist()
        ids = ids[: ids.index(self.writing.end) + 1] if self.writing.end in ids else ids
        return Written(self._tokenizer.decode(ids, skip_special_tokens=True).strip(), exp(log), tuple(ids))


def has_graphs(bundle: Bundle) -> bool:
    """Whether a bundle can be read without torch."""
    return {ENCODER_FILE, DECODER_FILE} <= set(bundle.info.files)


def _tokenizer(bundle: Bundle) -> Any:
    path = bundle.path(TOKENIZER_FILE)
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise EngineError("a TrOCR needs tokenizers to be read", remedy="pip install 'emendo[trocr]'") from error
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises plain Exceptions
        what = f"is no tokenizer ({' '.join(str(error).split())[:120]})"
        raise BundleError(what, where=path, remedy="export the model again") from error
