"""Crops cut out of pictures that somebody annotated with boxes (YOLO format)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import EmendoError, UsageError
from ..formats.yolo import Box, class_names, labels_of, read_boxes
from ..image.encode import jpeg_bytes
from ..image.load import read_image
from ..settings import Limits
from ..tools.files import write_bytes
from ..types import Image
from .tracks import pictures_below

PADDING, LEAST_WIDTH, LEAST_HEIGHT = 0.1, 32, 12
"""Margin around a box as a share of its sides; pixels that a box must have to be cut out."""


@dataclass
class Cut:
    """What became of the boxes; a failure is a sentence with file and line."""

    written: int = 0
    unchanged: int = 0
    small: int = 0
    other: int = 0
    pictures: int = 0
    failures: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """For `--json`."""
        return dict(vars(self))


def cut_boxes(
    source: Path,
    out: Path,
    *,
    classes: Sequence[str] = (),
    padding: float = PADDING,
    least: tuple[int, int] = (LEAST_WIDTH, LEAST_HEIGHT),
    limits: Limits | None = None,
) -> Cut:
    """Cut every box of a YOLO folder into `out`, as `PICTURE_ROW.jpg` in the same sub-folders.

    The annotations lie beside the pictures or in `labels` beside `images`. `classes` are numbers or names (from
    `classes.txt` or the data set's `.yaml`), none for all; `padding` is the margin in shares of the box, `least` width
    and height in pixels below which a box is left out. The same call again changes nothing. Raises UsageError when the
    folder has no pictures or a class is unknown; a bad row or picture is a failure, and the rest is cut.
    """
    if not source.is_dir():
        raise UsageError("is not a folder", where=source, remedy="give the folder with the pictures")
    wanted = _numbers(classes, source)
    cut = Cut()
    for picture in pictures_below(source):
        labels = labels_of(picture)
        if labels is None:
            continue
        cut.pictures += 1
        inside = picture.relative_to(source).parent
        parts = inside.parts[1:] if inside.parts[:1] == ("images",) else inside.parts
        target = out.joinpath(*parts) / picture.stem
        try:
            _cut_one(picture, labels, target, cut, wanted, padding, least, limits)
        except (EmendoError, OSError) as error:
            cut.failures.append(str(error) if isinstance(error, EmendoError) else f"{picture}: {error}")
    if not cut.pictures:
        remedy = "annotations are .txt files beside the pictures, or in labels/ beside images/"
        raise UsageError("has no picture with annotations", where=source, remedy=remedy)
    return cut


def _numbers(classes: Sequence[str], source: Path) -> frozenset[int]:
    names = class_names(source)
    unknown = [name for name in classes if not name.isdecimal() and name not in names]
    if unknown:
        known = ", ".join(names) or "numbers only, for there is no classes.txt or data.yaml"
        raise UsageError(f"knows no class {unknown[0]!r}", where=source, remedy=f"known are {known}")
    return frozenset(int(name) if name.isdecimal() else names.index(name) for name in classes)


def _cut_one(
    picture: Path,
    labels: Path,
    target: Path,
    cut: Cut,
    wanted: frozenset[int],
    padding: float,
    least: tuple[int, int],
    limits: Limits | None,
) -> None:
    boxes, rejects = read_boxes(labels, limits)
    cut.failures += [str(reject.error()) for reject in rejects]
    chosen = [box for box in boxes if not wanted or box.kind in wanted]
    cut.other += len(boxes) - len(chosen)
    image = read_image(picture, limits) if chosen else None
    for box in chosen:
        assert image is not None
        height, width = image.shape[:2]
        if (box.right - box.left) * width < least[0] or (box.bottom - box.top) * height < least[1]:
            cut.small += 1
            continue
        file = target.with_name(f"{target.name}_{box.line}.jpg")
        data = jpeg_bytes(padded(image, box, padding))
        if file.is_file() and file.read_bytes() == data:
            cut.unchanged += 1
            continue
        write_bytes(file, data)
        cut.written += 1


def padded(image: Image, box: Box, padding: float) -> Image:
    """The part of a picture (H, W, 3) inside a box with its margin, as far as the picture goes; never empty."""
    height, width = image.shape[:2]
    across, down = padding * (box.right - box.left), padding * (box.bottom - box.top)
    left = min(max(0, round((box.left - across) * width)), width - 1)
    top = min(max(0, round((box.top - down) * height)), height - 1)
    right = max(left + 1, min(width, round((box.right + across) * width)))
    bottom = max(top + 1, min(height, round((box.bottom + down) * height)))
    return image[top:bottom, left:right]
