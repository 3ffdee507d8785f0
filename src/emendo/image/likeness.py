"""Whether two pictures show the same: a perceptual hash of 256 bits, and all pairs of hashes that are close.

The hash is that of Zauner 2010 (pHash) with more of the spectrum: the signs, against their median, of the 16 x 16
lowest frequencies of the cosine transform of the grey picture at 64 x 64 pixels. Another size, quality or brightness
of a picture changes few bits; another plate of the same make changes many, for its characters are in the spectrum.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from emendo.image.pixels import cv2

from ..types import Image

ALIKE = 34
"""Bits in which two pictures of the same plate differ at most (docs/decisions.md has the figures)."""
_SIDE, _KEPT = 64, 16


def likeness_hash(image: Image) -> str:
    """64 hexadecimal digits for a picture (H, W, 3) uint8 RGB."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    low = cv2.dct(grey.astype(np.float32))[:_KEPT, :_KEPT].ravel()
    return np.packbits(low > np.median(low[1:])).tobytes().hex()


def distance(one: str, other: str) -> int:
    """Bits in which two hashes differ."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def alike(hashes: Mapping[str, str], most: int = ALIKE) -> list[tuple[str, str]]:
    """All pairs of names whose hashes differ in at most `most` bits, in the order of the names given.

    Every pair is compared: some 10,000 pictures a second or two, four times that for twice as many.
    """
    names = list(hashes)
    words = np.array([np.frombuffer(bytes.fromhex(hashes[name]), np.uint64) for name in names])
    found = []
    for at in range(len(names)):
        differing = np.bitwise_count(words[at + 1 :] ^ words[at]).sum(axis=1)
        found += [(names[at], names[at + 1 + other]) for other in np.flatnonzero(differing <= most).tolist()]
    return found
