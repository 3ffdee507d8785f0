"""From the crop of a line to the pixels that a TrOCR encoder sees: training and reading both take this road.

The whole crop is scaled to a fixed size, whatever its proportions, and its values to a fixed range: what
`ViTImageProcessor` of transformers does, without torch. (`DeiTImageProcessor` would cut out the middle of the line.)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image
from pydantic import BaseModel, ConfigDict, Field

from emendo.image.pixels import cv2
from emendo.types import Image


class Pixels(BaseModel):
    """Size and range of an encoder's input; stored in `bundle.yaml` as `preprocessing`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    height: int = Field(384, ge=16, le=4096, description="Rows of the scaled line.")
    width: int = Field(384, ge=16, le=4096, description="Columns of the scaled line.")
    resample: int = Field(2, ge=0, le=5, description="Filter in Pillow's numbers (2: bilinear, 3: bicubic).")
    mean: tuple[float, float, float] = Field((0.5, 0.5, 0.5), description="Taken from values in [0, 1].")
    deviation: tuple[float, float, float] = Field((0.5, 0.5, 0.5), description="Then divided by this.")

    @classmethod
    def of(cls, processor: dict[str, Any]) -> Pixels:
        """From the content of `preprocessor_config.json`; what it leaves open is TrOCR's."""
        size = processor.get("size", 384)
        if isinstance(size, dict):
            height = size.get("height", size.get("shortest_edge", 384))
            width = size.get("width", height)
        else:
            height, width = size if isinstance(size, list | tuple) else (size, size)
        return cls(
            height=height,
            width=width,
            resample=processor.get("resample", 2),
            mean=tuple(processor.get("image_mean") or (0.5,) * 3),
            deviation=tuple(processor.get("image_std") or (0.5,) * 3),
        )

    def processor(self) -> dict[str, Any]:
        """As the content of `preprocessor_config.json`, so that others load the model with the same road."""
        return {
            "image_processor_type": "ViTImageProcessor",
            "do_resize": True,
            "size": {"height": self.height, "width": self.width},
            "resample": self.resample,
            "do_rescale": True,
            "rescale_factor": 1 / 255,
            "do_normalize": True,
            "image_mean": list(self.mean),
            "image_std": list(self.deviation),
        }


def pixels_of(image: Image, form: Pixels) -> npt.NDArray[np.float32]:
    """The crop (H, W, 3) uint8 as (3, height, width) float32 in the encoder's range."""
    scaled = PIL.Image.fromarray(image).resize((form.width, form.height), PIL.Image.Resampling(form.resample))
    found = np.empty((3, form.height, form.width), np.float32)
    for plane, table, values in zip(
        cv2.split(np.asarray(scaled)), _tables(form.mean, form.deviation), found, strict=True
    ):
        cv2.LUT(plane, table, dst=values)
    return found


@lru_cache(maxsize=8)
def _tables(mean: tuple[float, ...], deviation: tuple[float, ...]) -> npt.NDArray[np.float32]:
    """(3, 256) float32: what each value of a channel becomes; looked up, it is not computed for each pixel anew."""
    values = np.arange(256, dtype=np.float32) / np.float32(255)
    return (values - np.asarray(mean, np.float32)[:, None]) / np.asarray(deviation, np.float32)[:, None]
