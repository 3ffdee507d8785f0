"""Crops of tracked plates: one file a track, `YYYY-MM-DD/CAMERA_trackN.jpg`, always the best frame seen so far.

Which of two frames is better follows from the frames alone (their score, and at equal scores their bytes), and a frame
is compared and put in place under the lock of its folder. So the file that is there at the end is the best one in
whatever order the frames came, however often, from however many programs, and with kill -9 at any moment.
"""

from __future__ import annotations

import fcntl
import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from emendo.image.pixels import cv2

from ..errors import BadInput, EmendoError, ImageError
from ..formats.images import IMAGE_SUFFIXES
from ..image.encode import jpeg_bytes
from ..image.load import open_regular, read_image, sniff
from ..settings import Limits
from ..tools.files import PARTIAL, sha256_bytes, sync_folder
from ..types import Image

HEIGHT = 64
"""Rows at which sharpness is measured, so that a large crop is not sharper only for being large."""
SHARP, LARGE = 300.0, 200.0 * 100.0
"""Laplacian variance at which the sharpness counts half, and pixels from which the size counts full."""
NARROW, WIDE = 1.5, 6.0
"""Width by height of plates: North American ones about 2, European ones 4.7."""
LOCK = ".crops.lock"

NAME = re.compile(r"^(?P<camera>[A-Za-z0-9][\w.-]*?)_track(?P<track>\d{1,18})(?:[_.-].*)?$")
"""How the name of a frame begins, without its ending: camera and track; what follows tells frames apart."""
DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a frame shows a plate: three numbers from 0 to 1, of which the product counts.

    `sharpness` is v / (v + 300) for the variance v of the Laplacian of the grey picture at 64 rows (Pech-Pacheco et
    al. 2000); `size` the side of the picture by that of 200 x 100 pixels, at most 1; `aspect` is 1 for a width of 1.5
    to 6 heights and falls with the square outside.
    """

    sharpness: float
    size: float
    aspect: float

    @property
    def score(self) -> float:
        """The product."""
        return self.sharpness * self.size * self.aspect


def quality(image: Image) -> Quality:
    """Judge a crop (H, W, 3) uint8 RGB."""
    height, width = image.shape[:2]
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    shown = (max(8, round(width * HEIGHT / height)), HEIGHT)
    scaled = cv2.resize(grey, shown, interpolation=cv2.INTER_AREA if height > HEIGHT else cv2.INTER_LINEAR)
    variance = float(cv2.Laplacian(scaled, cv2.CV_64F).var())
    ratio = width / height
    fit = min(1.0, ratio / NARROW, WIDE / ratio)
    return Quality(variance / (variance + SHARP), min(1.0, (width * height / LARGE) ** 0.5), fit * fit)


@dataclass(frozen=True, slots=True)
class Track:
    """Whose frame it is."""

    camera: str
    track: int
    day: str

    @property
    def file(self) -> str:
        """Where its best frame lies below the folder of the crops."""
        return f"{self.day}/{self.camera}_track{self.track}.jpg"

    @classmethod
    def of(cls, source: Path) -> Track:
        """What the name of a frame says; the day is that of its folder, else of its last change (UTC).

        Raises BadInput for a name of another form.
        """
        match = NAME.match(source.stem)
        if match is None:
            remedy = "name frames CAMERA_trackN.jpg or CAMERA_trackN_anything.jpg"
            raise BadInput("the name does not say camera and track", where=source, remedy=remedy)
        day = source.parent.name
        if not DAY.match(day):
            try:
                day = datetime.fromtimestamp(source.stat().st_mtime, UTC).date().isoformat()
            except (OSError, ValueError, OverflowError) as error:
                raise ImageError(f"cannot be opened ({error})", where=source) from error
        return cls(match["camera"], int(match["track"]), day)


@dataclass
class Taken:
    """What became of the frames: how many were better than what was there, how many not, and what failed."""

    better: int = 0
    kept: int = 0
    tracks: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, object]:
        """For `--json`."""
        held = {"better": self.better, "kept": self.kept, "tracks": len(self.tracks)}
        return {**held, "failures": self.failures}


def take_frames(sources: Iterable[Path], out: Path, *, limits: Limits | None = None) -> Taken:
    """Take in frames (files, or folders with all that is below them); a frame that fails is named, the rest goes on."""
    taken = Taken()
    for source in _files(sources):
        try:
            track = Track.of(source)
            better = take_frame(frame_bytes(source, limits), out / track.file, limits)
        except (EmendoError, OSError) as error:
            taken.failures.append(str(error) if isinstance(error, EmendoError) else f"{source}: {error}")
            continue
        taken.tracks.add(track.file)
        taken.better += better
        taken.kept += not better
    return taken


def take_picture(image: Image, track: Track, out: Path) -> bool:
    """The same for a frame in memory, (H, W, 3) uint8 RGB, as a camera program has it; whether it was better."""
    return take_frame(jpeg_bytes(image), out / track.file)


def take_frame(data: bytes, target: Path, limits: Limits | None = None) -> bool:
    """Put a JPEG at `target` if it is better than the file there, whole or not at all; whether it was.

    Raises ImageError when the data is no picture.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent):
        for leftover in target.parent.glob(f"{PARTIAL}*"):
            leftover.unlink(missing_ok=True)  # of a program that was killed: whoever lives holds the lock
        partial = target.parent / f"{PARTIAL}{uuid.uuid4().hex[:12]}"
        try:
            partial.write_bytes(data)
            if _rank(partial, limits) <= _held_rank(target, limits):
                return False
            with partial.open("rb") as stream:
                os.fsync(stream.fileno())
            partial.replace(target)
            sync_folder(target.parent)
            return True
        finally:
            partial.unlink(missing_ok=True)


def _rank(path: Path, limits: Limits | None) -> tuple[float, str]:
    return quality(read_image(path, limits)).score, sha256_bytes(path.read_bytes())


def _held_rank(path: Path, limits: Limits | None) -> tuple[float, str]:
    try:
        return _rank(path, limits)
    except (BadInput, FileNotFoundError):
        return -1.0, ""


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the operating system frees it when the process ends in any way."""
    handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def frame_bytes(source: Path, limits: Limits | None = None) -> bytes:
    """A picture as JPEG: the file as it is when it is one, else made one. Raises ImageError."""
    with open_regular(source) as stream:
        data = stream.read()
    return data if sniff(data[:16]) == "jpeg" else jpeg_bytes(read_image(source, limits))


def _files(sources: Iterable[Path]) -> Iterator[Path]:
    for source in sources:
        yield from pictures_below(source) if source.is_dir() else (source,)


def pictures_below(folder: Path) -> Sequence[Path]:
    """Picture files in a folder and below it by name; hidden files and folders and crops of notes are left out."""
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and not name.endswith("_lines")]
        here = Path(root)
        pictures = (name for name in names if not name.startswith("."))
        found += [here / name for name in pictures if Path(name).suffix.lower() in IMAGE_SUFFIXES]
    return sorted(found)
