"""Family `vlm`: vision-language models, the image-text-to-text classes of transformers.

A sample is a conversation: the image and a prompt asked by the user, the text answered. The tokens of the answer are
put behind exactly the tokens that reading begins with, so training and reading agree token for token, and only the
answer and its end carry loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import PIL.Image
import torch
import transformers
from torch import Tensor
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoProcessor
from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
from transformers.processing_utils import ProcessorMixin

from emendo.errors import BundleError, UsageError
from emendo.types import Image

from .network import (
    IGNORED,
    LOAD_ERRORS,
    Example,
    Loading,
    Network,
    Token,
    copy_files,
    load_model,
    load_tokenizer,
    move,
    quiet,
    unloadable,
)
from .rows import OTHER, ROWS, TILE, Row
from .source import Source, read_json

TEMPLATE_FILE = "chat_template.jinja"
KEPT = ("video_preprocessor_config.json",)
"""Files of the base that are handed on as they are."""


class Vlm(Network):
    """A vision-language model with its processor, chat template and prompt."""

    family: ClassVar[str] = "vlm"

    def __init__(self, source: Source, model: Any, processor: Any, row: Row, prompt: str, budget: int) -> None:
        super().__init__(source, model, processor.tokenizer)
        self.processor, self.prompt, self.budget, self.row = processor, prompt, budget, row
        self._turns: dict[str, str] = {}
        self.sides = {"vision": row.vision, "text": row.text}
        self.targets = row.targets

    @classmethod
    def load(cls, source: Source, loading: Loading) -> Vlm:
        """Load from a folder; the image budget is the product of the resolution's sides."""
        quiet()
        if source.model_type not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES:
            what = f"{source.ref!r} is of the type {source.model_type!r}, of which no family reads images"
            raise UsageError(what, remedy=f"give a TrOCR or one of {', '.join(sorted(ROWS))} and their kin")
        row = ROWS.get(source.model_type, OTHER)
        told = source.bundle.info.preprocessing if source.bundle else {}
        processor = load_processor(source, row)
        budget = loading.resolution[0] * loading.resolution[1] if loading.resolution else int(told.get("budget", 0))
        if budget:
            row.budget(processor, budget)
        prompt = loading.prompt or str(told.get("prompt", "")) or row.prompt
        model = load_model(source, AutoModelForImageTextToText, loading)
        return cls(source, model, processor, row, prompt, budget)

    def with_budget(self, budget: int) -> Vlm:
        """The same weights with another image budget, in pixels."""
        processor = load_processor(self.source, self.row)
        self.row.budget(processor, budget)
        return Vlm(self.source, self.model, processor, self.row, self.prompt, budget)

    def with_prompt(self, prompt: str) -> Vlm:
        """The same weights, asked something else."""
        return Vlm(self.source, self.model, self.processor, self.row, prompt, self.budget)

    def vision_tokens(self, image: Image) -> int:
        """Image tokens that the processor puts into the prompt for one image."""
        token = getattr(self.model.config, "image_token_id", None)
        if token is None:
            token = self.processor.image_token_id
        return int((self.asked(image)["input_ids"] == int(token)).sum())

    def pixels_of(self, side: int, tokens: int, tiles: int) -> int:
        """The image budget that comes nearest to a view of `side` pixels and `tokens` tokens, with that many tiles.

        Where a token stands for a known number of pixels the tokens decide; the others know views and tiles.
        """
        images = self.processor.image_processor
        patch, merged = getattr(images, "patch_size", None), getattr(images, "merge_size", None)
        if isinstance(patch, int) and isinstance(merged, int):
            return (tokens + 100 * tiles) * (patch * merged) ** 2
        return max(side * side, tiles * TILE**2) if tiles else min(side * side, 2 * TILE**2 - 1)

    @property
    def preprocessing(self) -> dict[str, Any]:
        """The prompt, and the image budget in pixels (0: the model's own)."""
        return {"prompt": self.prompt, "budget": self.budget}

    @property
    def batch(self) -> int:
        """Images that are read together: on a CPU a batch only adds padding."""
        return 8 if self.device.type == "cuda" else 1

    @property
    def longest(self) -> int:
        """Most tokens that the text side has positions for, prompt and image included."""
        return int(self.model.config.get_text_config().max_position_embeddings)

    @cached_property
    def end(self) -> int:
        """The token that the chat template puts behind an answer, else the tokenizer's end token."""
        mark = "\u241eanswer\u241e"
        user = {"role": "user", "content": [{"type": "text", "text": "?"}]}
        answer = {"role": "assistant", "content": [{"type": "text", "text": mark}]}
        behind = self.processor.apply_chat_template([user, answer], tokenize=False).rpartition(mark)[2]
        ids = self.tokenizer(behind, add_special_tokens=False)["input_ids"] if behind else []
        if ids and ids[0] in self.tokenizer.all_special_ids:
            return int(ids[0])
        if self.tokenizer.eos_token_id is None:
            raise BundleError("has a tokenizer without an end token", where=self.source.folder)
        return int(self.tokenizer.eos_token_id)

    @property
    def question(self) -> str:
        """What the network is asked when nothing else is, as `turn` has it."""
        return self.turn(self.prompt)

    def turn(self, prompt: str) -> str:
        """The user's turn as the chat template writes it, with one mark where the image stands."""
        if prompt not in self._turns:
            content = [{"type": "image"}, {"type": "text", "text": prompt}]
            self._turns[prompt] = self.processor.apply_chat_template(
                [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
            )
        return self._turns[prompt]

    def asked(self, image: Image, prompt: str = "") -> dict[str, Any]:
        """Everything that the processor makes of the image and the prompt, for one sample."""
        turn = self.turn(prompt or self.prompt)
        return dict(self.processor(text=[turn], images=[PIL.Image.fromarray(image)], return_tensors="pt"))

    def example(self, image: Image, text: str, prompt: str = "") -> Example:
        """The conversation as tokens: `labels` (T,) are `IGNORED` up to the answer."""
        held = self.asked(image, prompt)
        before = held["input_ids"].shape[1]
        answer = torch.tensor([self.label_ids(text)], dtype=torch.long)
        for key, value in held.items():
            if _per_token(value, before):
                fill = {"input_ids": answer, "attention_mask": torch.ones_like(answer)}
                tail = fill.get(key, torch.zeros_like(answer)).to(value.dtype)
                held[key] = torch.cat([value, tail], 1)
        return {**held, "labels": [IGNORED] * before + answer[0].tolist()}

    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        """A batch filled up on the right; labels are moved one to the left, to where the logits predict them."""
        batch = self._joined([{k: v for k, v in one.items() if k != "labels"} for one in examples], left=False)
        labels = torch.full_like(batch["input_ids"], IGNORED)
        for row, one in enumerate(examples):
            ids = torch.tensor(one["labels"][1:], dtype=torch.long)
            labels[row, : len(ids)] = ids
        return {**batch, "labels": labels}

    def tokens(self, example: Example) -> list[Token]:
        """The whole conversation, image marks included."""
        ids = example["input_ids"][0].tolist()
        names = self.tokenizer.convert_ids_to_tokens(ids)
        return [Token(i, n, label != IGNORED) for i, n, label in zip(ids, names, example["labels"], strict=True)]

    def prompted(self, images: Sequence[Image], prompts: Sequence[str]) -> dict[str, Any]:
        """The questions, filled up on the left."""
        rows = [self.asked(image, prompt) for image, prompt in zip(images, prompts, strict=True)]
        moved: dict[str, Any] = move(self._joined(rows, left=True), self.device)
        return moved

    def _joined(self, rows: Sequence[dict[str, Any]], *, left: bool) -> dict[str, Any]:
        """Per-token values filled up to the longest row, all else (pixels, grids, tile counts) one after the other."""
        lengths = [row["input_ids"].shape[1] for row in rows]
        batch: dict[str, Any] = {}
        for key in dict.fromkeys(key for row in rows for key in row):
            held = [(row[key], length) for row, length in zip(rows, lengths, strict=True) if key in row]
            if all(_per_token(value, length) for value, length in held):
                fill = self.pad if key == "input_ids" else 0
                batch[key] = _filled([value[0] for value, _ in held], max(lengths), fill, left=left)
            elif isinstance(held[0][0], Tensor):
                batch[key] = torch.cat([value for value, _ in held])
            else:
                batch[key] = [entry for value, _ in held for entry in value]
        return batch

    def save_processor(self, folder: Path) -> None:
        """Processor, tokenizer and chat template, and what the base has beside them."""
        self.processor.save_pretrained(folder)
        copy_files(self.source.folder, folder, KEPT)


def _per_token(value: Any, length: int) -> bool:
    return isinstance(value, Tensor) and value.ndim == 2 and tuple(value.shape) == (1, length)


def _filled(rows: Sequence[Tensor], length: int, fill: int, *, left: bool) -> Tensor:
    out = torch.full((len(rows), length), fill, dtype=rows[0].dtype)
    for at, row in enumerate(rows):
        if left:
            out[at, length - len(row) :] = row
        else:
            out[at, : len(row)] = row
    return out


def load_processor(source: Source, row: Row) -> Any:
    """Image processor, tokenizer and chat template; without torchvision the video part is left out.

    Raises BundleError when one of the three is missing.
    """
    tokenizer = load_tokenizer(source)
    try:
        if row.still and find_spec("torchvision") is None:
            images = AutoImageProcessor.from_pretrained(source.folder)
            processor = still(getattr(transformers, row.still), row)(images, tokenizer)
        else:
            processor = AutoProcessor.from_pretrained(source.folder)
    except LOAD_ERRORS as error:
        raise unloadable(source, "processor", error) from error
    if getattr(processor, "image_processor", None) is None or getattr(processor, "tokenizer", None) is None:
        what = "holds a processor without an image processor or a tokenizer"
        raise BundleError(what, where=source.folder, remedy="save the processor there too")
    processor.chat_template = processor.chat_template or tokenizer.chat_template or _template(source)
    if not processor.chat_template:
        raise BundleError("holds no chat template", where=source.folder, remedy=f"put {TEMPLATE_FILE} there")
    return processor


def _template(source: Source) -> str:
    for name, key in ((TEMPLATE_FILE, ""), ("chat_template.json", "chat_template")):
        path = source.folder / name
        if path.is_file():
            return str(read_json(path).get(key, "")) if key else path.read_text(encoding="utf-8")
    return ""


def still(kind: type, row: Row) -> type:
    """A processor class without its video part; under the same name, so that what it saves loads as the original."""

    def prepare(
        self: Any, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None, **_: Any
    ) -> None:
        for name, token in row.specials.items():
            text = getattr(tokenizer, name, None) or token
            setattr(self, name, text)
            setattr(self, f"{name}_id", tokenizer.convert_tokens_to_ids(text))
        ProcessorMixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    return type(kind.__name__, (kind,), {"__init__": prepare, "__module__": kind.__module__})
