"""Synthetic licence plates: drawn flat, then photographed, all from one generator.

Plate `i` of seed `s` is the same, pixel for pixel, however many are made: making more does not change the first ones.
Only faces that are the same on every machine are used, so it is the same there too.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from emendo.image.pixels import cv2

from ..errors import UsageError
from ..formats.jsonl import row_text
from ..image.encode import jpeg_bytes
from ..text.plates import region_of
from ..tools.files import new_folder, write_text
from ..types import Image, Origin, Sample
from .dataset import MANIFEST, Dataset, open_dataset
from .plate_draw import Plate, draw_plate
from .render import smooth_field

Rng = np.random.Generator
VERSION: Final = 1
"""Of the generator: part of every cache name, raised whenever a plate would come out differently."""
SPACE: Final = 17
SHARES: Final = {"us": 0.7, "eu": 0.15, "br": 0.15}
"""How often each region comes where none is named."""
BLOCK: Final = 250
SUBSET: Final = "synthetic-plate"
Progress = Callable[[int, int, str], None]


def make_plate(seed: int, index: int, region: str = "") -> tuple[Plate, str]:
    """Plate `index` of a seed as a camera sees it, and its region; `region` empty takes them all by their shares."""
    rng = np.random.default_rng([VERSION, SPACE, seed, index])
    chosen = region or str(rng.choice(list(SHARES), p=list(SHARES.values())))
    plate = draw_plate(region_of(chosen), rng)
    return Plate(photographed(plate.image, rng), plate.text), chosen


def photographed(plate: Image, rng: Rng) -> Image:
    """The flat plate (H, W, 3) as a crop of a photograph: placed, lit, blurred, coarse, grainy.

    About half are the tight crops of a good camera, the others come from the street.
    """
    street = rng.random() < 0.5
    image = _placed(plate, rng, street=street)
    image = _lit(image, rng, street=street)
    height = image.shape[0]
    least = rng.uniform(20, 45) if street and rng.random() < 0.5 else rng.uniform(40, 96)
    if rng.random() < 0.25:
        image = _moved(image, rng)
    if rng.random() < 0.6:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.8 if street else 1.0)))
    if least < height * 0.9:  # few pixels on the sensor
        small = (max(8, round(image.shape[1] * least / height)), round(least))
        image = np.asarray(cv2.resize(image, small, interpolation=cv2.INTER_AREA))
    image = image + rng.standard_normal(image.shape[:2])[:, :, None] * (rng.uniform(0, 1) ** 2 * (14 if street else 8))
    seen = np.clip(np.round(image), 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        coded = np.frombuffer(jpeg_bytes(seen, int(rng.integers(35, 90))), np.uint8)
        seen = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB), np.uint8)
    return np.ascontiguousarray(seen)


def _placed(plate: Image, rng: Rng, *, street: bool) -> npt.NDArray[np.float64]:
    """The plate in its surroundings, seen from the side, turned a little."""
    height, width = plate.shape[:2]
    if street:
        margins = rng.uniform(0.04, 0.2, 4) * (height, height, width * 0.5, width * 0.5)
    else:
        margins = rng.uniform(-0.04, 0.05, 4) * (height, height, width * 0.5, width * 0.5)
    above, below, left, right = margins
    size = (round(width + left + right), round(height + above + below))
    corners = np.asarray([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
    tilt = np.deg2rad(rng.normal(0, 3.0 if street else 1.0))
    turn = np.asarray([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    middle = np.asarray([width / 2, height / 2])
    seen = (corners - middle) @ turn.T + middle + (left, above)
    seen += rng.normal(0, 0.03 if street else 0.012, (4, 2)) * height
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), seen.astype(np.float32))
    around = (
        rng.uniform(10, 220, 3)
        * np.ones((size[1], size[0], 1))
        * (0.6 + 0.4 * smooth_field(rng, size[1], size[0])[..., None])
    )
    warped = cv2.warpPerspective(plate.astype(np.float32), matrix, size, flags=cv2.INTER_LINEAR)
    inside = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size)[..., None]
    return np.asarray(warped * inside + around * (1 - inside), np.float64)


def _lit(image: npt.NDArray[np.float64], rng: Rng, *, street: bool) -> npt.NDArray[np.float64]:
    """Day, shade or night: gain, gamma, colour of the light, a shadow, a reflection."""
    gain = float(np.exp(rng.uniform(-1.3 if street else -0.5, 0.15)))
    values = 255 * (image / 255) ** np.exp(rng.normal(0, 0.25)) * gain * rng.uniform(0.85, 1.1, 3)
    if rng.random() < 0.35:
        values = values * (1 - rng.uniform(0.1, 0.6) * smooth_field(rng, *image.shape[:2])[:, :, None])
    if rng.random() < 0.15:
        shine = smooth_field(rng, *image.shape[:2])[:, :, None] ** 3
        values = values + shine * rng.uniform(20, 120)
    haze = rng.uniform(0, 0.45) if street and rng.random() < 0.5 else 0.0
    return np.asarray(values * (1 - haze) + haze * values.mean(), np.float64)


def _moved(image: npt.NDArray[np.float64], rng: Rng) -> npt.NDArray[np.float64]:
    """Motion blur along one direction."""
    length = int(rng.integers(2, 8))
    kernel = np.zeros((length, length), np.float32)
    along = rng.uniform(-0.6, 0.6)
    for at in range(length):
        row = int(np.clip(round((length - 1) / 2 + along * (at - (length - 1) / 2)), 0, length - 1))
        kernel[row, at] = 1
    return np.asarray(cv2.filter2D(image, -1, kernel / kernel.sum()))


def synth_plates(count: int, seed: int, out: Path, *, region: str = "", progress: Progress | None = None) -> Dataset:
    """Write `count` plates and their manifest to the new folder `out`; `region` is us, eu, br or all of them.

    Split: 90 % train, 10 % val. Raises UsageError.
    """
    if count < 1 or seed < 0:
        raise UsageError(f"cannot make {count} plates with seed {seed}", remedy="give -n 1 or more, and a seed from 0")
    if region:
        region_of(region)
    if out.exists():
        raise UsageError(f"{out} exists", remedy="name a new folder")
    with new_folder(out) as folder:
        _write(folder, seed, range(count), region, progress, held=True)
    return open_dataset(out)


def plate_samples(
    count: int, seed: int, cache: Path, *, region: str = "", progress: Progress | None = None
) -> tuple[Sample, ...]:
    """`count` training plates, kept in `cache` in blocks of 250: asking for more makes only the new ones."""
    samples: list[Sample] = []
    block = 0
    while len(samples) < count:
        folder = cache / f"plates-{VERSION}-{region or 'all'}-{seed}" / f"{block:05}"
        if not (folder / MANIFEST).is_file():
            with suppress(FileExistsError), new_folder(folder, replace=folder.exists()) as fresh:
                _write(fresh, seed, range(block * BLOCK, (block + 1) * BLOCK), region, None, held=False)
        samples += open_dataset(folder, strict=True).samples
        block += 1
        if progress is not None:
            progress(min(len(samples), count), count, "drawing plates")
    return tuple(samples[:count])


def _write(folder: Path, seed: int, indices: range, region: str, progress: Progress | None, *, held: bool) -> None:
    (folder / "images").mkdir()
    rows = []
    for index in indices:
        plate, where = make_plate(seed, index, region)
        name = f"images/{index:06}.jpg"
        (folder / name).write_bytes(jpeg_bytes(plate.image, 92))
        split = "val" if held and index % 10 == 9 else "train"
        row = {"id": f"plate-{seed}-{index}", "image": name, "text": plate.text, "split": split, "language": "und"}
        rows.append(row_text({**row, "subset": SUBSET, "origin": str(Origin.SYNTHETIC), "region": where}))
        if progress is not None:
            progress(len(rows), len(indices), "")
    write_text(folder / MANIFEST, "".join(rows))
