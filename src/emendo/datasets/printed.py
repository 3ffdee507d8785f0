"""Data sets of set lines: any language with a word list, any fonts, many processes, the same for the same seed.

Line `i` of seed `s` is the same whenever it is made with the same fonts and languages, however many processes make
it. The text is what a transcriber writes, which is not all that is printed (see `sentences`).
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from emendo.image.pixels import cv2

from ..errors import DataError, UsageError
from ..formats.jsonl import row_text
from ..tools.files import new_folder, write_text
from ..types import Image, Origin, Split
from .dataset import MANIFEST, Dataset, open_dataset
from .faces import FontFace
from .fonts import faces_in, weight_of
from .press import Press, printed
from .sentences import direction, known, line_words, vocabulary
from .synth import Line
from .typeset import Setting, Word, label_of, require_shaping, set_line

VERSION = 1
"""Of the generator; raised whenever a line would come out differently."""
LONGEST = 84
VAL_EVERY = 40
"""Every so many lines, one is for validation."""
PRESS = Press()
_BLOCK = 64
_TRIES = 20
_MARKS = "()[]«».:!0123456789"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What lines are made of: languages, folders of fonts, and the greatest length in characters."""

    languages: tuple[str, ...]
    folders: tuple[Path, ...]
    longest: int = LONGEST


@dataclass(frozen=True, slots=True)
class Cast:
    """The faces of a language with the summed chance of each, and those that have its marks too."""

    faces: tuple[FontFace, ...]
    summed: tuple[float, ...]
    helpers: tuple[FontFace, ...]


@lru_cache(maxsize=16)
def cast_for(language: str, folders: tuple[Path, ...]) -> Cast:
    """The faces below `folders` that have all letters of a language. Raises DataError when none has."""
    letters = vocabulary(language).letters
    faces = tuple(face for face in faces_in(folders) if _covers(face, letters))
    if not faces:
        what = f"holds no font with the letters of {language!r}"
        raise DataError(
            what, where=_named(folders), remedy="give another folder, or fetch fonts with: emendo synth fonts"
        )
    helpers = tuple(face for face in faces if _covers(face, _MARKS)) or faces
    weights = np.array([weight_of(face) for face in faces])
    return Cast(faces, tuple(np.cumsum(weights / weights.sum()).tolist()), helpers)


def _named(folders: Sequence[Path]) -> str:
    return ", ".join(map(str, folders))


def _covers(face: FontFace, text: str) -> bool:
    try:
        return face.covers(text)
    except OSError:
        return False  # a damaged font file is no face


def make_printed(recipe: Recipe, seed: int, index: int) -> Line:
    """Line `index` of a seed. Raises DataError when no face can write a line of its language."""
    rng = np.random.default_rng([VERSION, 17, seed, index])
    language = recipe.languages[int(rng.integers(len(recipe.languages)))]
    cast = cast_for(language, recipe.folders)
    for _ in range(_TRIES):
        face = cast.faces[min(int(np.searchsorted(cast.summed, rng.random())), len(cast.faces) - 1)]
        helper = cast.helpers[int(rng.integers(len(cast.helpers)))]
        size, gap = int(rng.integers(34, 52)), float(rng.uniform(0.2, 0.42))
        setting = Setting(face, helper, size, direction(language), language, gap)
        words = line_words(rng, language, longest=recipe.longest)
        if not _drawable(words, setting):
            continue
        others = [set_line(line_words(rng, language, longest=recipe.longest), setting, rng) for _ in range(2)]
        picture = printed(set_line(words, setting, rng), others[0], others[1], size, rng, PRESS)
        return Line(picture, label_of(words), language, face.name)
    raise DataError(f"no font can write lines in {language!r}", where=_named(recipe.folders), remedy="give other fonts")


def _drawable(words: Sequence[Word], setting: Setting) -> bool:
    """Whether each character of the text is drawn by one of the two faces."""
    text = "".join(word.drawn for word in words if word.drawn == word.label)
    return all(setting.face.covers(char) or setting.helper.covers(char) for char in set(text))


def printed_lines(
    count: int,
    seed: int,
    out: Path,
    recipe: Recipe,
    *,
    processes: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Write `count` lines and their manifest to the new folder `out`; every fortieth is for validation.

    `processes` 0 means one a core. Raises UsageError for an unknown language or an existing folder, DataError for fonts
    that cannot write a language, EngineError when this Pillow cannot shape text.
    """
    if count < 1 or seed < 0:
        raise UsageError(f"cannot make {count} lines with seed {seed}", remedy="give -n 1 or more, and a seed from 0")
    if out.exists():
        raise UsageError(f"{out} exists", remedy="name a new folder")
    missing = [folder for folder in recipe.folders if not folder.is_dir()]
    if missing:
        raise UsageError(f"fonts {str(missing[0])!r} is not a folder", remedy="use a folder of .ttf and .otf files")
    require_shaping()
    for language in recipe.languages:
        cast_for(known(language), recipe.folders)
    with new_folder(out) as folder:
        (folder / "images").mkdir()
        done, rows = 0, dict[int, str]()
        for start, texts in _made(folder, recipe, seed, count, processes or os.cpu_count() or 1):
            rows.update(enumerate(texts, start))
            done += len(texts)
            if progress is not None:
                progress(done, count)
        write_text(folder / MANIFEST, "".join(rows[at] for at in range(count)))
    return open_dataset(out)


def _made(folder: Path, recipe: Recipe, seed: int, count: int, processes: int) -> Iterator[tuple[int, list[str]]]:
    """Blocks of manifest rows as they come, each with the index of its first line."""
    blocks = [range(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]
    if processes == 1 or len(blocks) == 1:
        for block in blocks:
            yield block.start, _write_block(folder, recipe, seed, block)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(blocks)), mp_context=context) as pool:
        waiting = {pool.submit(_write_block, folder, recipe, seed, block): block for block in blocks}
        for future in as_completed(waiting):
            yield waiting[future].start, future.result()


def _write_block(folder: Path, recipe: Recipe, seed: int, indices: range) -> list[str]:
    """Pictures of some lines, and their manifest rows."""
    cv2.setNumThreads(1)
    rows = []
    for index in indices:
        line = make_printed(recipe, seed, index)
        kind, data = _encoded(line.image)
        name = f"images/{index:06}.{kind}"
        (folder / name).write_bytes(data)
        split = Split.VAL if index % VAL_EVERY == VAL_EVERY - 1 else Split.TRAIN
        row = {"id": f"{seed}-{index}", "image": name, "text": line.text, "split": str(split)}
        extra = {"subset": "synthetic", "origin": str(Origin.SYNTHETIC), "face": line.face}
        rows.append(row_text({**row, "language": line.language, **extra}))
    return rows


def _encoded(image: Image) -> tuple[str, bytes]:
    """Kind and bytes of a picture: two tones take a bit a pixel as PNG, others little as JPEG."""
    grey = np.ascontiguousarray(image[..., 0])
    if ((image == 0) | (image == 255)).all() and (image == grey[..., None]).all():
        return "png", cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_BILEVEL, 1])[1].tobytes()
    turned = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    return "jpg", cv2.imencode(".jpg", turned, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()
