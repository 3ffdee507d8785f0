"""Drawn licence plates, as a camera program leaves them: `YYYY-MM-DD/CAMERA_trackN.jpg`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from emendo.image.encode import jpeg_bytes
from emendo.types import Image

TEXTS = ("KTR4821", "8BXC907", "QWS631", "LMN5520", "7JHG214", "EXITB2", "POLAR8", "VZD0093")
INKS = ((30, 40, 110), (20, 20, 20), (110, 25, 25), (20, 80, 50))
PAPERS = ((244, 242, 234), (236, 240, 246), (248, 236, 206), (226, 238, 230))


def plate(
    text: str, seed: int = 0, *, size: tuple[int, int] = (320, 160), blur: float = 0.0, grain: float = 5.0
) -> Image:
    """A plate (height, width, 3) with its state above, a slogan below, bolts, and some grain."""
    rng = np.random.default_rng(seed)
    image = np.full((160, 320, 3), PAPERS[seed % len(PAPERS)], np.uint8)
    ink = INKS[seed % len(INKS)]
    cv2.rectangle(image, (3, 3), (316, 156), ink, 3)
    for x in (50, 270):
        cv2.circle(image, (x, 17), 5, (120, 120, 120), -1)
    cv2.putText(image, "STATE OF EMENDO", (72, 30), cv2.FONT_HERSHEY_DUPLEX, 0.6, ink, 1, cv2.LINE_AA)
    cv2.putText(image, "drawn for tests", (102, 148), cv2.FONT_HERSHEY_DUPLEX, 0.5, ink, 1, cv2.LINE_AA)
    scale = 300 / cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, 1, 2)[0][0]
    scale = min(scale, 2.6)
    width, height = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, 4)[0]
    place = ((320 - width) // 2, 85 + height // 2)
    cv2.putText(image, text, place, cv2.FONT_HERSHEY_DUPLEX, scale, ink, 5, cv2.LINE_AA)
    image = np.clip(image + rng.normal(0, 1, image.shape) * grain, 0, 255).astype(np.uint8)
    if blur:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.uint8)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def draw_crops(folder: Path, texts: tuple[str, ...] = TEXTS) -> list[Path]:
    """One crop a text, on two days of two cameras; their paths."""
    paths = []
    for number, text in enumerate(texts):
        day, camera = f"2026-11-{20 + number % 2}", f"CAM{1 + number // 4}"
        path = folder / day / f"{camera}_track{number + 1}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg_bytes(plate(text, number, grain=0)))
        paths.append(path)
    return paths
