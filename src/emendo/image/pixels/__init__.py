"""OpenCV where it is installed, else the part of it that reading needs, in numpy.

OpenCV takes half of a light installation and a device that only reads needs little of it. So `cv2` of this module is
OpenCV, or `plain`, which has the same functions under the same names and arguments. Where a crop becomes a network's
input (`resize`, `cvtColor`, `calcHist`, `LUT`, `reduce`, `blur`, `GaussianBlur`) both give the same bits; elsewhere
they differ by less than the readings notice. The tests hold both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import cv2
else:
    try:
        import cv2
    except ImportError:
        from . import plain as cv2

__all__ = ["cv2"]
