"""The functions of OpenCV that reading needs, without OpenCV: same names, same arguments, in numpy and Pillow.

Any other name raises EngineError, so that what needs all of OpenCV (augmentation, synthesis) says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np

from emendo.errors import EngineError

from .filters import (
    BORDER_CONSTANT,
    BORDER_REPLICATE,
    COLOR_RGB2BGR,
    COLOR_RGB2GRAY,
    CV_32F,
    CV_64F,
    LUT,
    REDUCE_SUM,
    GaussianBlur,
    Laplacian,
    bitwise_and,
    bitwise_not,
    blur,
    calcHist,
    cvtColor,
    dilate,
    medianBlur,
    reduce,
    split,
    subtract,
)
from .sampling import (
    getPerspectiveTransform,
    getRotationMatrix2D,
    invertAffineTransform,
    remap,
    warpAffine,
    warpPerspective,
)
from .scaling import INTER_AREA, INTER_CUBIC, INTER_LINEAR, INTER_NEAREST, Bytes, resize
from .shapes import (
    CC_STAT_AREA,
    CC_STAT_HEIGHT,
    CC_STAT_LEFT,
    CC_STAT_TOP,
    CC_STAT_WIDTH,
    DIST_L2,
    boxPoints,
    connectedComponentsWithStats,
    contourArea,
    distanceTransform,
    fillPoly,
    minAreaRect,
    pointPolygonTest,
)

IMWRITE_JPEG_QUALITY, IMWRITE_PNG_COMPRESSION = 1, 16

__all__ = [
    "BORDER_CONSTANT", "BORDER_REPLICATE", "CC_STAT_AREA", "CC_STAT_HEIGHT", "CC_STAT_LEFT", "CC_STAT_TOP",
    "CC_STAT_WIDTH", "COLOR_RGB2BGR", "COLOR_RGB2GRAY", "CV_32F", "CV_64F", "DIST_L2", "IMWRITE_JPEG_QUALITY",
    "IMWRITE_PNG_COMPRESSION", "INTER_AREA", "INTER_CUBIC", "INTER_LINEAR", "INTER_NEAREST", "LUT", "REDUCE_SUM",
    "GaussianBlur", "Laplacian", "bitwise_and", "bitwise_not", "blur", "boxPoints", "calcHist",
    "connectedComponentsWithStats", "contourArea", "cvtColor", "dilate", "distanceTransform", "fillPoly",
    "getPerspectiveTransform", "getRotationMatrix2D", "imencode", "invertAffineTransform", "medianBlur", "minAreaRect",
    "pointPolygonTest", "reduce", "remap", "resize", "split", "subtract", "warpAffine", "warpPerspective",
]  # fmt: skip


def imencode(suffix: str, image: Bytes, options: Sequence[int] = ()) -> tuple[bool, Bytes]:
    """A picture (H, W) or (H, W, 3) BGR as the bytes (n,) of a `.png` or `.jpg` file."""
    from PIL import Image

    told = dict(zip(options[::2], options[1::2], strict=True))
    held = BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(image[:, :, ::-1] if image.ndim == 3 else image))
    if suffix == ".jpg":
        picture.save(held, "JPEG", quality=told.get(IMWRITE_JPEG_QUALITY, 95), subsampling="4:2:0")
    elif suffix == ".png":
        picture.save(held, "PNG", compress_level=told.get(IMWRITE_PNG_COMPRESSION, 1))
    else:
        raise ValueError(f"writes .png and .jpg only, not {suffix!r}")
    return True, np.frombuffer(held.getvalue(), np.uint8)


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    raise EngineError(f"this needs OpenCV ({name})", remedy="pip install 'emendo[images]'")
