"""The table of vision-language models: what differs from one to the next is a row here.

A model without a row is loaded by transformers' own `AutoProcessor` with `OTHER`, which serves most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

TILE, VIEW = 768, 1024
"""Sides of a tile and of the whole view of DeepSeek-OCR 2, in pixels; its weights know no others."""
MOST_TILES: Final = 6


def longest_edge(processor: Any, budget: int) -> None:
    """Image processors that scale to at most a number of pixels and count patches from that (Qwen2-VL and its kin)."""
    images = processor.image_processor
    least = min(int(dict(images.size).get("shortest_edge", 56 * 56)), budget)
    images.size = {"shortest_edge": least, "longest_edge": budget}


def tiles(processor: Any, budget: int) -> None:
    """DeepSeek-OCR 2: below two tiles one view of 768 pixels, else up to six tiles beside a view of 1,024."""
    most = min(MOST_TILES, budget // TILE**2)
    side = VIEW if most >= 2 else TILE
    form = {"crop_to_patches": most >= 2, "min_patches": 2, "max_patches": max(2, most)}
    images = processor.image_processor
    images.size = {"height": side, "width": side}
    for name, value in form.items():
        setattr(images, name, value)
    processor.images_kwargs = {**processor.images_kwargs, **form}  # the processor's own would win over these


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of vision-language model.

    `prompt` is what its makers ask for plain text recognition; `budget` sets the most pixels of an image; `vision` and
    `text` are the prefixes of its two sides; `targets` the modules that LoRA attaches to; `still` names the processor
    class of transformers whose video part is left out (it needs torchvision), with the special tokens it looks up.
    """

    prompt: str = "Read the text in the image."
    budget: Callable[[Any, int], None] = longest_edge
    vision: tuple[str, ...] = (
        "model.visual.",
        "model.vision_tower.",
        "model.projector.",
        "model.multi_modal_projector",
    )
    text: tuple[str, ...] = ("model.language_model.", "lm_head")
    targets: str = r".*(\.(q_proj|k_proj|v_proj|o_proj|out_proj|qkv)|attn\.proj)$"
    still: str = ""
    specials: Mapping[str, str] = field(default_factory=dict)


ROWS: Final[Mapping[str, Row]] = {
    "paddleocr_vl": Row(prompt="OCR:"),
    "deepseek_ocr2": Row(prompt="Free OCR.", budget=tiles),
    "qwen2_vl": Row(
        still="Qwen2VLProcessor",
        specials={"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"},
    ),
    "glm_ocr": Row(
        prompt="Text Recognition:",
        still="Glm46VProcessor",
        specials={
            "image_token": "<|image|>",
            "video_token": "<|video|>",
            "video_start": "<|begin_of_video|>",
            "video_end": "<|end_of_video|>",
        },
    ),
}
OTHER: Final = Row()
