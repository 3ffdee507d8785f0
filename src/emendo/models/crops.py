"""Pictures of single lines or plates read as they are: what a device does, with no page, workspace or detector."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emendo.errors import EmendoError, UsageError
from emendo.image.load import read_image
from emendo.settings import Limits
from emendo.types import Image, Reading, Recognizer

ENDINGS: Final = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
"""Endings, in lower case, by which crops are found in a folder. A file named itself may have any."""
AT_ONCE: Final = 32
"""Pictures that are decoded before they are read together."""


@dataclass(frozen=True, slots=True)
class CropReadings:
    """What each picture says, in order, and a sentence on each that cannot be read."""

    model: str
    readings: tuple[tuple[Path, Reading], ...]
    failures: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The `--json` object: texts, and confidences in [0, 1] or null where the model has none."""
        rows = [
            {"image": str(path), "text": reading.text, "confidence": reading.confidence}
            for path, reading in self.readings
        ]
        return {"model": self.model, "readings": rows, "failures": list(self.failures)}


def read_crops(
    inputs: Sequence[Path],
    recognizer: Recognizer,
    *,
    limits: Limits | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CropReadings:
    """Read pictures, and those in folders, each as one line. Raises UsageError when an input is not there."""
    paths = pictures(inputs)
    readings: list[tuple[Path, Reading]] = []
    failures: list[str] = []
    for first in range(0, len(paths), AT_ONCE):
        part: list[tuple[Path, Image]] = []
        for path in paths[first : first + AT_ONCE]:
            try:
                part.append((path, read_image(path, limits)))
            except EmendoError as error:
                failures.append(str(error))
        said = recognizer.read([image for _, image in part])
        readings += [(path, reading) for (path, _), reading in zip(part, said, strict=True)]
        if progress is not None:
            progress(min(first + AT_ONCE, len(paths)), len(paths))
    return CropReadings(recognizer.model, tuple(readings), tuple(failures))


def pictures(inputs: Sequence[Path]) -> list[Path]:
    """The pictures among `inputs`, and those in folders. Raises UsageError when one is not there or holds none."""
    found: dict[Path, None] = {}
    for given in inputs:
        if not given.exists():
            raise UsageError("is not there", where=given)
        inside = sorted(given.iterdir()) if given.is_dir() else [given]
        found.update(dict.fromkeys(p for p in inside if not given.is_dir() or p.suffix.lower() in ENDINGS))
    if not found:
        raise UsageError("holds no picture", where=inputs[0], remedy=f"give pictures ({', '.join(ENDINGS)})")
    return list(found)
