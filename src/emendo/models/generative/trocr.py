"""Family `trocr`: an image encoder and a text decoder (Li et al., "TrOCR", 2021), `VisionEncoderDecoderModel`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from transformers import VisionEncoderDecoderModel

from emendo.errors import BundleError, UsageError
from emendo.tools.files import write_json
from emendo.types import Image

from .network import (
    IGNORED,
    Example,
    Loading,
    Network,
    Token,
    load_model,
    load_tokenizer,
    quiet,
)
from .pixels import Pixels, pixels_of
from .source import Source, read_json

ATTENTION = r".*\.(query|key|value|q_proj|k_proj|v_proj|o_proj|out_proj)$"
"""The projections of attention under the names of transformers 4 and 5."""
PROCESSOR_FILES = ("preprocessor_config.json", "processor_config.json")


class Trocr(Network):
    """A TrOCR model of any size: whole line in, text out."""

    family: ClassVar[str] = "trocr"

    def __init__(self, source: Source, model: Any, tokenizer: Any, form: Pixels) -> None:
        super().__init__(source, model, tokenizer)
        self.sides = {"encoder": ("encoder.",), "decoder": ("decoder.", "enc_to_dec_proj")}
        self.targets = ATTENTION
        self.form = form
        config = model.config
        if config.decoder_start_token_id is None:
            first = config.decoder.decoder_start_token_id
            config.decoder_start_token_id = first if first is not None else self.end
        if config.pad_token_id is None:
            config.pad_token_id = self.pad

    @classmethod
    def load(cls, source: Source, loading: Loading) -> Trocr:
        """Load from a folder, with the position embeddings brought to another resolution where one is asked for."""
        quiet()
        tokenizer = load_tokenizer(source)
        form = _form(source)
        model = load_model(source, VisionEncoderDecoderModel, loading)
        if loading.resolution is not None:
            form = form.model_copy(update=dict(zip(("height", "width"), loading.resolution, strict=True)))
            resize_positions(model.encoder, loading.resolution)
        return cls(source, model, tokenizer, form)

    @property
    def end(self) -> int:
        """The token that ends a text."""
        for found in (self.tokenizer.eos_token_id, self.tokenizer.sep_token_id):
            if found is not None:
                return int(found)
        raise BundleError("has a tokenizer without an end token", where=self.source.folder)

    @property
    def start(self) -> int | None:
        """The token that the decoder starts with."""
        return int(self.model.config.decoder_start_token_id)

    @property
    def longest(self) -> int:
        """Most tokens that the decoder has positions for."""
        config = self.model.config.decoder
        return int(getattr(config, "max_position_embeddings", 0) or getattr(config, "n_positions", 0) or 512)

    @property
    def preprocessing(self) -> dict[str, Any]:
        """Size and range of the pixels."""
        return self.form.model_dump(mode="json")

    @property
    def batch(self) -> int:
        """Images that are read together: on a CPU a few, to share the decoder's steps."""
        return 32 if self.device.type == "cuda" else 8

    def example(self, image: Image, text: str, prompt: str = "") -> Example:
        """`pixel_values` (3, height, width) and the labels."""
        return {"pixel_values": pixels_of(image, self.form), "labels": self.label_ids(text)}

    def collate(self, examples: Sequence[Example]) -> dict[str, Any]:
        """Images or encoder outputs of one size, labels filled up, decoder inputs one token behind them."""
        longest = max(len(one["labels"]) for one in examples)
        labels = torch.full((len(examples), longest), IGNORED, dtype=torch.long)
        inputs = torch.full((len(examples), longest), self.pad, dtype=torch.long)
        for row, one in enumerate(examples):
            ids = torch.tensor(one["labels"], dtype=torch.long)
            labels[row, : len(ids)] = ids
            inputs[row, : len(ids)] = torch.tensor([self.start, *one["labels"][:-1]], dtype=torch.long)
        batch: dict[str, Any] = {"decoder_input_ids": inputs, "labels": labels}
        if "encoded" in examples[0]:
            batch["encoder_outputs"] = (torch.from_numpy(np.stack([one["encoded"] for one in examples])),)
        else:
            batch["pixel_values"] = torch.from_numpy(np.stack([one["pixel_values"] for one in examples]))
        return batch

    @torch.inference_mode()
    def encode(self, images: Sequence[Image]) -> Tensor:
        """The encoder's output (N, positions, width) float32, for a frozen encoder to be run once."""
        self.model.eval()
        stacked = torch.from_numpy(np.stack([pixels_of(image, self.form) for image in images]))
        encoded: Tensor = self.model.encoder(stacked.to(self.device, self.model.encoder.dtype)).last_hidden_state
        return encoded.float().cpu()

    def tokens(self, example: Example) -> list[Token]:
        """The start token, which carries no loss, and the labels, which all do."""
        assert self.start is not None
        ids = [(self.start, False), *((one, True) for one in example["labels"])]
        return [Token(one, self.tokenizer.convert_ids_to_tokens(one), loss) for one, loss in ids]

    def prompted(self, images: Sequence[Image], prompts: Sequence[str] = ()) -> dict[str, Any]:
        """The pixels; the decoder starts by itself."""
        stacked = np.stack([pixels_of(image, self.form) for image in images])
        return {"pixel_values": torch.from_numpy(stacked).to(self.device, self.model.encoder.dtype)}

    def save_processor(self, folder: Path) -> None:
        """Tokenizer and image processor, as `TrOCRProcessor` loads them."""
        self.tokenizer.save_pretrained(folder)
        write_json(folder / PROCESSOR_FILES[0], {**self.form.processor(), "processor_class": "TrOCRProcessor"})


def _form(source: Source) -> Pixels:
    if source.bundle is not None:
        return Pixels.model_validate(source.bundle.info.preprocessing)
    for name in PROCESSOR_FILES:
        path = source.folder / name
        if path.is_file():
            content = read_json(path)
            return Pixels.of(content.get("image_processor", content))
    size = read_json(source.folder / "config.json").get("encoder", {}).get("image_size", 384)
    return Pixels.of({"size": size})


def resize_positions(encoder: Any, size: tuple[int, int]) -> None:
    """Bring a ViT or DeiT encoder to another image size (rows, columns) for good.

    The position embeddings are interpolated (Dosovitskiy et al., 2021, section 3.2) and the configuration follows, so
    the saved model needs no flag. Raises UsageError when the size is no multiple of the patches.
    """
    embeddings = getattr(encoder, "embeddings", None)
    patches = getattr(embeddings, "patch_embeddings", None)
    if embeddings is None or patches is None or getattr(embeddings, "position_embeddings", None) is None:
        what = f"an encoder of the type {encoder.config.model_type!r} takes no other resolution"
        raise UsageError(what, remedy="use --set resolution=0")
    rows, columns = (side // patch for side, patch in zip(size, patches.patch_size, strict=True))
    if (rows * patches.patch_size[0], columns * patches.patch_size[1]) != tuple(size):
        what = f"a resolution of {size[0]} x {size[1]} is no multiple of the patches of {patches.patch_size[0]} pixels"
        raise UsageError(what, remedy="choose multiples of that")
    old_rows, old_columns = (a // b for a, b in zip(patches.image_size, patches.patch_size, strict=True))
    if (rows, columns) == (old_rows, old_columns):
        return
    held = embeddings.position_embeddings
    special = held.shape[1] - old_rows * old_columns
    grid = held.detach()[:, special:].reshape(1, old_rows, old_columns, -1).permute(0, 3, 1, 2)
    moved = torch.nn.functional.interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=False)
    joined = torch.cat([held.detach()[:, :special], moved.permute(0, 2, 3, 1).flatten(1, 2)], 1)
    embeddings.position_embeddings = torch.nn.Parameter(joined, requires_grad=held.requires_grad)
    embeddings.image_size = patches.image_size = tuple(size)
    patches.num_patches = rows * columns
    encoder.config.image_size = list(size)
