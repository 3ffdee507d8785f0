"""Generated lines: for practice without data, as replay in training, and as the built-in general set of the gate.

Line `i` of seed `s` is the same, byte for byte, whenever it is made with the same faces; making more of them does not
change the first ones. The general set and the replay lines use only faces that are the same on every machine, and
share no text; four faces and all hands of the general set never occur in replay, so that the guard also sees what
replay does not rehearse.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from emendo.image.encode import png_bytes

from ..errors import DataError, UsageError
from ..formats.jsonl import row_text
from ..tools.files import new_folder, sha256_bytes, write_text
from ..types import Image, Origin, Sample
from .dataset import MANIFEST, Dataset, open_dataset
from .faces import BUILT_IN, PDF_FACES, Face, Hand, found_fonts
from .render import Style, render
from .words import LANGUAGES, line_text

VERSION = 2
"""Of the generator: part of every cache name, raised whenever a line would come out differently."""

GENERAL_LINES = 200
GENERAL_SEED = 20_260_101
GENERAL_LONGEST = 48
REPLAY_BLOCK = 50
REPLAY_SPACE = 7
GENERAL_SPACE = 11
LINES_SPACE = 13

_TRIES = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One generated line: `image` (height, width, 3) uint8 RGB, its text, language, and the face it is written in."""

    image: Image
    text: str
    language: str
    face: str


def _hands(first: int, count: int, strangeness: float) -> tuple[Hand, ...]:
    return tuple(Hand(seed, strangeness) for seed in range(first, first + count))


_GUARD_ONLY: tuple[Face, ...] = (PDF_FACES[1], PDF_FACES[6], PDF_FACES[8], PDF_FACES[11])
_SHARED: tuple[Face, ...] = (*(face for face in PDF_FACES if face not in _GUARD_ONLY), BUILT_IN)
GENERAL_FACES: tuple[Face, ...] = (*PDF_FACES, BUILT_IN, *_hands(9000, 8, 0.25))
REPLAY_FACES: tuple[Face, ...] = (*_SHARED, *_hands(100, 12, 0.3))


def make_line(
    space: int, seed: int, index: int, faces: Sequence[Face], languages: Sequence[str] = LANGUAGES, *, longest: int = 60
) -> Line:
    """Line `index` of a seed; `space` keeps uses apart that must not share lines.

    A face that lacks a glyph is never used with that text: text and face are drawn anew. Raises DataError when no face
    can write any of the texts.
    """
    rng, text, language, face = _plan((space, seed, index), faces, languages, longest)
    size = int(rng.integers(30, 46))
    mask = face.draw(text, size, index) if isinstance(face, Hand) else face.draw(text, size)
    return Line(render(mask, rng, Style()), text, language, face.name)


def _plan(
    key: tuple[int, int, int], faces: Sequence[Face], languages: Sequence[str], longest: int
) -> tuple[np.random.Generator, str, str, Face]:
    """Text, language and face of a line, before anything is drawn."""
    rng = np.random.default_rng([VERSION, *key])
    for _ in range(_TRIES):
        text, language = line_text(rng, str(rng.choice(list(languages))), longest=longest)
        face = faces[int(rng.integers(len(faces)))]
        if text and face.covers(text):
            return rng, text, language, face
    raise DataError(
        f"no face has all glyphs of the texts in {', '.join(languages)}", remedy="give other fonts or languages"
    )


def synth_lines(
    count: int, seed: int, out: Path, *, languages: Sequence[str] = LANGUAGES, fonts: str = "all", longest: int = 60
) -> Dataset:
    """Write `count` lines and their manifest to the new folder `out`.

    `fonts`: `all` (built-in faces, hands, and the fonts of this machine), `builtin` (the same everywhere), or a folder
    of font files. Split by line: 80 % train, 10 % val, 10 % test. Raises UsageError, DataError.
    """
    if count < 1 or seed < 0:
        raise UsageError(f"cannot make {count} lines with seed {seed}", remedy="give -n 1 or more, and a seed from 0")
    unknown = [language for language in languages if language not in LANGUAGES]
    if unknown:
        raise UsageError(f"unknown language {unknown[0]!r}", remedy=f"use {', '.join(LANGUAGES)}")
    if out.exists():
        raise UsageError(f"{out} exists", remedy="name a new folder")
    faces = _faces(fonts)
    with new_folder(out) as folder:
        rows = []
        for index in range(count):
            line = make_line(LINES_SPACE, seed, index, faces, languages, longest=longest)
            name = f"images/{index:06}.png"
            _write(folder / name, png_bytes(line.image))
            split = {8: "val", 9: "test"}.get(index % 10, "train")
            row = {"id": f"{seed}-{index}", "image": name, "text": line.text, "split": split, "language": line.language}
            rows.append(row_text({**row, "subset": "synthetic", "origin": str(Origin.SYNTHETIC), "face": line.face}))
        write_text(folder / MANIFEST, "".join(rows))
    return open_dataset(out)


def _faces(fonts: str) -> tuple[Face, ...]:
    built_in: tuple[Face, ...] = (*PDF_FACES, BUILT_IN, *_hands(500, 20, 0.35))
    if fonts == "builtin":
        return built_in
    if fonts == "all":
        return (*built_in, *found_fonts())
    if not Path(fonts).is_dir():
        raise UsageError(
            f"fonts {fonts!r} is not a folder", remedy="use all, builtin, or a folder of .ttf and .otf files"
        )
    found = found_fonts([Path(fonts)])
    if not found:
        raise DataError("holds no usable font", where=fonts, remedy="put .ttf or .otf files with Latin letters there")
    return found


def general_set(cache: Path, lines: int = GENERAL_LINES) -> Dataset:
    """The built-in general set: 200 lines of 13 printed faces and 8 hands in seven languages, the same everywhere.

    Made once in `cache` and read from there; made anew when a file there was changed or lost. All lines are `test`.
    Fewer `lines` are the first of these.
    """
    folder = cache / f"general-{VERSION}-{lines}"
    if not _whole(folder, lines):
        with new_folder(folder, replace=True) as fresh:
            rows = []
            for index in range(lines):
                line = make_line(GENERAL_SPACE, GENERAL_SEED, index, GENERAL_FACES, longest=GENERAL_LONGEST)
                data = png_bytes(line.image)
                name = f"images/{index:03}.png"
                _write(fresh / name, data)
                row = {"id": f"general-{index:03}", "image": name, "text": line.text, "split": "test"}
                extra = {"subset": "general", "origin": str(Origin.SYNTHETIC), "face": line.face}
                rows.append(row_text({**row, "language": line.language, **extra, "sha256": sha256_bytes(data)}))
            write_text(fresh / MANIFEST, "".join(rows))
    return open_dataset(folder, strict=True)


def _whole(folder: Path, lines: int) -> bool:
    """True when a cached set is complete and unchanged; crash leftovers and lost files make it false."""
    if not (folder / MANIFEST).is_file():
        return False
    found = open_dataset(folder)
    return len(found) == lines and all(
        sha256_bytes(sample.image.read_bytes()) == sample.attributes.get("sha256") for sample in found.samples
    )


@lru_cache(maxsize=1)
def _general_texts() -> frozenset[str]:
    plans = (
        _plan((GENERAL_SPACE, GENERAL_SEED, i), GENERAL_FACES, LANGUAGES, GENERAL_LONGEST) for i in range(GENERAL_LINES)
    )
    return frozenset(text for _, text, _, _ in plans)


def replay_samples(count: int, seed: int, cache: Path) -> tuple[Sample, ...]:
    """`count` training lines that rehearse the general case, none with a text of the general set.

    Kept in `cache` in blocks of 50: asking for more makes only the new ones. Several processes may ask at the same
    time: what one makes is as good as what another makes. Origin is `replay`, split `train`.
    """
    samples: list[Sample] = []
    block = 0
    while len(samples) < count:
        folder = cache / f"replay-{VERSION}-{seed}" / f"{block:05}"
        if not (folder / MANIFEST).is_file():
            with suppress(FileExistsError):
                _make_replay(folder, seed, range(block * REPLAY_BLOCK, (block + 1) * REPLAY_BLOCK))
        samples += open_dataset(folder, strict=True).samples
        block += 1
    return tuple(samples[:count])


def _make_replay(target: Path, seed: int, indices: range) -> None:
    with new_folder(target, replace=target.exists()) as folder:
        rows = []
        for index in indices:
            line = make_line(REPLAY_SPACE, seed, index, REPLAY_FACES, longest=GENERAL_LONGEST)
            if line.text not in _general_texts():
                name = f"images/{index:06}.png"
                _write(folder / name, png_bytes(line.image))
                row = {"id": f"replay-{seed}-{index}", "image": name, "text": line.text, "split": "train"}
                extra = {"subset": "general", "origin": str(Origin.REPLAY), "face": line.face}
                rows.append(row_text({**row, "language": line.language, **extra}))
        write_text(folder / MANIFEST, "".join(rows))


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(data)
