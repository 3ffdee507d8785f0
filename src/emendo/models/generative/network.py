"""What TrOCR and vision-language models have in common: a network that reads an image and writes tokens.

A family says how an image and a text become the network's inputs (`example`, `collate`) and how the network starts to
write (`prompted`); loading, saving, writing and the comparison of two networks are the same for all. torch is
imported here and in the families beside it, nowhere else in `emendo.models`.
"""

from __future__ import annotations

import logging
import shutil
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final

import torch
from torch import Tensor
from transformers import AutoTokenizer, GenerationConfig, LogitsProcessorList
from transformers.utils import logging as transformers_logging

from emendo.errors import BundleError, EngineError, UsageError
from emendo.types import Image

from .asking import TEXT, Ask
from .graphs import Written
from .guide import Guide, Vocabulary
from .source import Source

IGNORED: Final = -100
"""The label of a position that carries no loss (the convention of torch)."""
LOAD_ERRORS: Final = (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, ImportError)
"""What transformers raises for a folder that it cannot load; it has no error class of its own."""
PACKS: Final = "support_avx512bf16_for_cpu"
"""By this, bitsandbytes packs 4-bit weights for reading on a CPU at the first look, and cannot train them any more."""
Example = dict[str, Any]
"""One sample as the network takes it: arrays or tensors by name, and `labels`, a list of token ids."""


@dataclass(frozen=True, slots=True)
class Loading:
    """How a network is loaded.

    `bits` 4 or 8 quantises the weights (bitsandbytes), 0 does not; `device` as in torch; `resolution` (rows, columns)
    of the image, None for the model's own; `prompt` of a vision-language model, empty for the model's own.
    """

    bits: int = 0
    device: str = "cpu"
    resolution: tuple[int, int] | None = None
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """One token as the network is trained on it; `loss` says whether it counts."""

    id: int
    text: str
    loss: bool


class Network(ABC):
    """A loaded model with its tokenizer and the way its images are prepared."""

    family: ClassVar[str]
    sides: Mapping[str, tuple[str, ...]]
    """The parts that LoRA must reach, by name: prefixes of module names."""
    targets: str
    """Regular expression of the modules that LoRA attaches to when the recipe names none."""

    def __init__(self, source: Source, model: Any, tokenizer: Any) -> None:
        self.source, self.model, self.tokenizer = source, model, tokenizer

    @classmethod
    @abstractmethod
    def load(cls, source: Source, loading: Loading) -> Network:
        """Load from a local folder; raises BundleError or UsageError in one sentence."""

    @abstractmethod
    def example(self, image: Image, text: str, prompt: str = "") -> Example:
        """One sample for training; `labels` are the tokens of the text and the end.

        `prompt` is what is asked of this image, empty for the network's own; a TrOCR is asked nothing.
        """

    @abstractmethod
    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        """A batch for `model(**batch)`; `labels` (N, T) stand where the logits predict them, elsewhere `IGNORED`."""

    @abstractmethod
    def tokens(self, example: Example) -> list[Token]:
        """Every token of the sample in order, with whether it carries loss."""

    @abstractmethod
    def prompted(self, images: Sequence[Image], prompts: Sequence[str]) -> dict[str, Any]:
        """The inputs of `model.generate` for a batch of images, each with what is asked of it (empty: as ever)."""

    @property
    @abstractmethod
    def preprocessing(self) -> dict[str, Any]:
        """How images are prepared, for `bundle.yaml`."""

    @property
    @abstractmethod
    def longest(self) -> int:
        """Most tokens that the side which writes has positions for."""

    @property
    @abstractmethod
    def batch(self) -> int:
        """Images that are read together."""

    @abstractmethod
    def save_processor(self, folder: Path) -> None:
        """Write tokenizer and image processor as `from_pretrained` expects them."""

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        device: torch.device = self.model.device
        return device

    def with_model(self, model: Any) -> Network:
        """The same network around another model object (the one that an adapter wraps)."""
        import copy

        other = copy.copy(self)
        other.model = model
        return other

    def label_ids(self, text: str) -> list[int]:
        """The tokens of a text, without what the tokenizer would add around it, and the end token."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return [*ids, self.end]

    @property
    @abstractmethod
    def end(self) -> int:
        """The token that ends a text."""

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """What each token writes."""
        return Vocabulary(self.tokenizer)

    @torch.inference_mode()
    def write(self, images: Sequence[Image], *, most: int, asks: Sequence[Ask] = ()) -> list[Written]:
        """Greedy reading of images (H, W, 3) uint8, at most `most` tokens each; `asks` says what is asked of each."""
        was_training = self.model.training
        self.model.eval()
        written: list[Written] = []
        asks = asks or [TEXT] * len(images)
        for at in range(0, len(images), self.batch):
            written += self._write(images[at : at + self.batch], asks[at : at + self.batch], most)
        self.model.train(was_training)
        return written

    def _write(self, images: Sequence[Image], asks: Sequence[Ask], most: int) -> list[Written]:
        inputs = self.prompted(images, [ask.prompt for ask in asks])
        settings = self.generation(most)
        grammars = [ask.grammar for ask in asks]
        guides = [Guide(grammars, self.vocabulary, self.end)] if any(grammars) else []
        done = self.model.generate(
            **inputs,
            generation_config=settings,
            logits_processor=LogitsProcessorList(guides),
            return_dict_in_generate=True,
            output_logits=True,
        )
        steps = len(done.logits)
        ids = done.sequences[:, done.sequences.shape[1] - steps :]
        logs = torch.stack([step.float().log_softmax(-1) for step in done.logits], 1)
        chosen = logs.gather(-1, ids[..., None]).squeeze(-1)
        if settings.forced_bos_token_id is not None:
            chosen[:, 0] = 0  # what is forced was not chosen
        found = []
        for row, log in zip(ids.tolist(), chosen.tolist(), strict=True):
            length = row.index(self.end) + 1 if self.end in row else len(row)
            text = self.tokenizer.decode(row[:length], skip_special_tokens=True).strip()
            chance = float(torch.tensor(log[:length]).sum().exp())
            found.append(Written(text, chance, tuple(row[:length]), tuple(log[:length])))
        return found

    def generation(self, most: int) -> GenerationConfig:
        """Greedy writing up to `most` tokens: of the base's own settings only a forced first token holds."""
        return GenerationConfig(
            max_new_tokens=most,
            do_sample=False,
            num_beams=1,
            eos_token_id=self.end,
            pad_token_id=self.pad,
            decoder_start_token_id=self.start,
            forced_bos_token_id=self.model.generation_config.forced_bos_token_id,
        )

    @property
    def pad(self) -> int:
        """The token that fills up a batch."""
        return int(self.tokenizer.pad_token_id if self.tokenizer.pad_token_id is not None else self.end)

    @property
    def start(self) -> int | None:
        """The token that a decoder starts with, None where the prompt starts."""
        return None

    @torch.inference_mode()
    def logits(self, examples: Sequence[Example]) -> Tensor:
        """(N, T, vocabulary) float32 logits at the positions of a batch, zero where no loss is carried."""
        self.model.eval()
        batch = move(self.collate(examples), self.device)
        labels = batch.pop("labels")
        logits: Tensor = self.model(**batch).logits.float()
        return logits.masked_fill((labels == IGNORED).unsqueeze(-1), 0.0)

    def save(self, folder: Path) -> None:
        """Weights as safetensors, configuration and processor: what `from_pretrained` loads without peft."""
        self.model.generation_config = self.generation(self.model.generation_config.max_new_tokens or 128)
        self.model.save_pretrained(folder)
        self.save_processor(folder)


def move(value: Any, device: torch.device) -> Any:
    """Tensors in dicts, lists and tuples, on another device."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {key: move(held, device) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(move(held, device) for held in value)
    return value


def quiet() -> None:
    """Keep transformers' progress bars and hints away from the person's terminal."""
    transformers_logging.disable_progress_bar()
    logging.getLogger("transformers").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)


def load_tokenizer(source: Source) -> Any:
    """The tokenizer beside the weights; raises BundleError when there is none."""
    if not any(
        (source.folder / name).is_file() for name in ("tokenizer.json", "vocab.json", "tokenizer.model")
    ) and not any(source.folder.glob("*.model")):
        raise BundleError(
            "holds a model without a tokenizer", where=source.folder, remedy="save the processor there too"
        )
    try:
        tokenizer = AutoTokenizer.from_pretrained(source.folder)
    except LOAD_ERRORS as error:
        raise unloadable(source, "tokenizer", error) from error
    return tokenizer


def load_model(source: Source, kind: Any, loading: Loading) -> Any:
    """The model by its class; weights that are missing in the file, or lie there unused, are refused."""
    options: dict[str, Any] = {"dtype": torch.float32}
    if loading.bits:
        options["quantization_config"] = quantisation(loading.bits)
        options["device_map"] = {"": loading.device}
    try:
        model, report = kind.from_pretrained(
            source.folder, use_safetensors=True, local_files_only=True, output_loading_info=True, **options
        )
    except LOAD_ERRORS as error:
        if loading.bits:
            what = f"this machine does not load {source.ref!r} in {loading.bits} bits ({_reason(error)})"
            raise EngineError(what, remedy="use --set load_bits=0") from error
        raise unloadable(source, "model", error) from error
    missing = sorted(key for key in report.get("missing_keys", ()) if ".pooler." not in key)  # a pooler is never used
    if missing:
        what = f"lacks {len(missing)} weights of {type(model).__name__}, the first {missing[0]}"
        raise BundleError(what, where=source.folder, remedy="give a complete model")
    for part in model.modules() if loading.bits else ():
        if hasattr(part, PACKS):
            setattr(part, PACKS, False)
    return model if loading.bits else model.to(loading.device)


def quantisation(bits: int) -> Any:
    """The setting for 4-bit (nf4) or 8-bit weights; raises EngineError where this machine cannot."""
    from importlib.util import find_spec

    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        what = f"loading in {bits} bits needs bitsandbytes"
        raise EngineError(what, remedy="pip install 'emendo[quantize]', or use --set load_bits=0")
    if bits == 8:
        return BitsAndBytesConfig(load_in_8bit=True)
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True)


def unloadable(source: Source, part: str, error: Exception) -> UsageError:
    """The one sentence for a part that transformers cannot load."""
    return UsageError(
        f"the {part} of {source.ref!r} cannot be loaded ({_reason(error)})", remedy="give a model of transformers 5"
    )


def _reason(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def copy_files(source: Path, target: Path, names: Sequence[str]) -> None:
    """Copy those of the named files that are there and not yet in the target."""
    for name in names:
        if (source / name).is_file() and not (target / name).exists():
            shutil.copyfile(source / name, target / name)
