"""Reading line images with a CTC bundle on ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ValidationError

from emendo.errors import BundleError, EngineError, FormatError
from emendo.image.line import LineGeometry, network_input, normalize
from emendo.image.pixels import cv2
from emendo.models.bundle import CTC_FAMILIES, GRAPH_FILE, Bundle
from emendo.models.calibration import Calibration
from emendo.models.engine import Engine, EngineName, give_back_memory, open_engine
from emendo.text.language import LanguageModel
from emendo.text.lexicon import Lexicon, detect_language
from emendo.text.ngram import CharacterModel
from emendo.types import Character, Evidence, Image, Reading

from .align import forced_alignment
from .decode import BONUS_PER_WEIGHT, WORDS_WEIGHT, Decoding, Look, beam, greedy, greedy_text, loss, text_of
from .vote import vote

_Section = TypeVar("_Section", bound=BaseModel)
_Model = TypeVar("_Model", CharacterModel, Lexicon)
WORDS_SHARE = 0.9
"""Share of the words in a language model that knows nothing of the author."""
BATCH_COLUMNS = 1536
"""Most columns of one batch: on a CPU longer batches bring nothing, and small lines gain a little together."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One line as read: the evidence that was decoded, and its characters."""

    evidence: Evidence
    characters: tuple[Character, ...]

    @property
    def text(self) -> str:
        """The characters joined."""
        return text_of(self.characters)


class CtcRecognizer:
    """Reads lines with one bundle; may be shared by threads (ONNX Runtime sessions are).

    `threads` is the number of threads inside one call, `engine` the run time (`models.engine`). `decoder` is `greedy`
    or `beam`; without it beam search is taken where there is a language model. `language` replaces the language of the
    bundle: a code takes the words of that language, `auto` those of the language that the lines of one call seem to be
    in, `none` reads without any language model. `geometry` replaces that of the bundle. Raises BundleError when the
    graph does not fit the bundle, UsageError for an unknown language.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int = 1,
        decoder: Literal["greedy", "beam"] | None = None,
        language: str = "",
        engine: EngineName = "onnxruntime",
        geometry: LineGeometry | None = None,
    ) -> None:
        if bundle.info.family not in CTC_FAMILIES:
            what = f"is of the family {bundle.info.family!r}, not {' or '.join(map(repr, CTC_FAMILIES))}"
            raise BundleError(what, where=bundle.folder)
        self.bundle = bundle
        self.alphabet = bundle.info.alphabet
        self.geometry = geometry or load_geometry(bundle)
        self.decoding = _held(bundle, "decoding", Decoding)
        self.looks = tuple(_valid(bundle, "looks", Look, look) for look in bundle.info.looks)
        self.calibration = _held(bundle, "calibration", Calibration)
        self.language = language or self.decoding.language
        if self.language not in {"", "none"} and not self.decoding.model_weight:
            weights = {"model_weight": WORDS_WEIGHT, "bonus": BONUS_PER_WEIGHT * WORDS_WEIGHT}
            self.decoding = self.decoding.model_copy(update=weights)
        self.language_model = None if decoder == "greedy" else self._load_language_model(self.language)
        self.decoder = decoder
        self._engine = _opened(bundle, threads, engine)
        self._check_ends()

    @property
    def model(self) -> str:
        """Name and content id of the bundle, and the language where that is not the bundle's own."""
        other = f"+{self.language}" if self.language != self.decoding.language else ""
        return f"{self.bundle.info.name or 'ctc'}@{self.bundle.id}{other}"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        """One reading per line image (H, W, 3) uint8 RGB, in order."""
        return [
            Reading(seen.text, self.calibration.confidence(seen.evidence, seen.characters), seen.characters, self.model)
            for seen in self.observe(images)
        ]

    def evidence(self, images: Sequence[Image]) -> list[Evidence]:
        """The per-frame log-probabilities of each line, in order; `frame_width` is in columns of the image given."""
        return self._evidence(images, self.geometry)

    def seen(self, images: Sequence[Image]) -> list[Evidence]:
        """The evidence as it is decoded: what the bundle takes from the blank is taken."""
        return [self._shifted(evidence) for evidence in self.evidence(images)]

    def observe(self, images: Sequence[Image]) -> list[Observation]:
        """Each line as `read` sees it, with the evidence that was decoded.

        Where the bundle names further looks and no language model helps, doubtful lines are read in each of them too
        and the readings vote. (With a language model the vote gains nothing and costs three more readings.)
        """
        evidences = self.seen(images)
        model = self._model_for(evidences)
        seen = [self._decode(evidence, model) for evidence in evidences]
        looks = self.looks if model is None else ()
        doubtful = [i for i, one in enumerate(seen) if loss(one.characters) > self.decoding.doubt] if looks else []
        readings = {i: [seen[i].characters] for i in doubtful}
        for look in looks if doubtful else ():
            geometry = self.geometry.model_copy(update={"stretch": look.stretch})
            shown = [_blurred(images[i], look.blur) for i in doubtful]
            for i, evidence in zip(doubtful, self._evidence(shown, geometry), strict=True):
                readings[i].append(self._decode(self._shifted(evidence), model).characters)
        for i in doubtful:
            text = vote(readings[i])
            if text != seen[i].text:
                seen[i] = Observation(seen[i].evidence, tuple(forced_alignment(seen[i].evidence, text)))
        return seen

    def _shifted(self, evidence: Evidence) -> Evidence:
        if not self.decoding.blank_cost:
            return evidence
        shifted = evidence.log_probs.copy()
        shifted[:, 0] -= np.float32(self.decoding.blank_cost)
        shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return replace(evidence, log_probs=shifted)

    def _decode(self, evidence: Evidence, model: LanguageModel | None) -> Observation:
        if self.decoder == "beam" or (self.decoder is None and model is not None):
            return Observation(evidence, beam(evidence, model, self.decoding))
        return Observation(evidence, greedy(evidence))

    def _model_for(self, evidences: Sequence[Evidence]) -> LanguageModel | None:
        if self.language != "auto" or self.decoder == "greedy":
            return self.language_model
        language = detect_language([greedy_text(evidence) for evidence in evidences])
        return _words_of(language) if language else None

    def _evidence(self, images: Sequence[Image], geometry: LineGeometry) -> list[Evidence]:
        lines = [normalize(image, geometry) for image in images]
        found: list[Evidence | None] = [None] * len(lines)
        for batch in batches([line.image.shape[1] for line in lines]):
            log_probs = self.run([lines[i].image for i in batch])
            for i, frames in zip(batch, log_probs, strict=True):
                width = lines[i].image.shape[1] / len(frames)
                found[i] = Evidence(frames, self.alphabet, width * lines[i].columns, self.decoding.direction)
        return [evidence for evidence in found if evidence is not None]

    def run(self, lines: Sequence[Image]) -> npt.NDArray[np.float32]:
        """The network on normalised lines of one width: (N, frames, 1 + len(alphabet)) float32 log-probabilities."""
        return self._engine.run(network_input(lines, self.geometry))

    def _load_language_model(self, language: str) -> LanguageModel | None:
        """What the bundle brings, or the words of the language that was given; nothing while that is still unknown."""
        if language in {"none", "auto"}:
            return None
        if language and language != self.decoding.language:
            return _words_of(language)
        characters = self._held_text(self.decoding.model, CharacterModel.from_json)
        lexicon = self._held_text(self.decoding.words, Lexicon.from_text)
        return LanguageModel(characters, lexicon, self.decoding.words_share) if characters or lexicon else None

    def _held_text(self, name: str, parse: Callable[..., _Model]) -> _Model | None:
        if not name or not self.decoding.model_weight:
            return None
        path = self.bundle.path(name)
        try:
            return parse(path.read_text(encoding="utf-8"), where=str(path))
        except (UnicodeDecodeError, FormatError) as error:
            raise BundleError(f"{name} is no part of a language model", where=self.bundle.folder) from error

    def _check_ends(self) -> None:
        inputs, outputs = self._engine.inputs, self._engine.outputs
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


def _opened(bundle: Bundle, threads: int, engine: EngineName) -> Engine:
    if engine == "torch":
        if find_spec("torch") is None:
            raise EngineError("the trained network needs torch", remedy="pip install 'emendo[train]'")
        from .reference import TorchEngine

        return TorchEngine(bundle, threads=threads)
    return open_engine(bundle.path(GRAPH_FILE), threads=threads, engine=engine)


@lru_cache(maxsize=4)
def _words_of(language: str) -> LanguageModel:
    """The words of a language; one model for all pages, for it remembers what it was asked."""
    model = LanguageModel(None, Lexicon.of(language), WORDS_SHARE)
    give_back_memory()
    return model


def load_geometry(bundle: Bundle) -> LineGeometry:
    """The line geometry of a bundle; raises BundleError when it is none."""
    return _held(bundle, "preprocessing", LineGeometry)


def _held(bundle: Bundle, section: str, kind: type[_Section]) -> _Section:
    return _valid(bundle, section, kind, getattr(bundle.info, section))


def _valid(bundle: Bundle, section: str, kind: type[_Section], content: dict[str, Any]) -> _Section:
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in (section, *first["loc"]))
        what = f"{place}: {first['msg'].lower()}"
        raise BundleError(what, where=bundle.folder, remedy="export the model again") from error


def _blurred(image: Image, sigma: float) -> Image:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8) if sigma else image


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
