"""Damaged files of every format: a sentence or samples, never another exception."""

from __future__ import annotations

import random
from pathlib import Path

import cv2
import numpy as np
import pytest

from emendo.errors import EmendoError
from emendo.formats import FORMATS, ReadOptions, by_name, detect
from emendo.types import Sample, Split

IMAGE = cv2.imencode(".png", np.full((20, 30, 3), 255, np.uint8))[1].tobytes()
ROUNDS = 120
SPICE = [
    b"\x00",
    b"\xff",
    b"\n",
    b'"',
    b"{",
    b"[",
    b"<",
    b"&",
    b"\t",
    b"NaN",
    b"-1",
    b"1e999",
    b"null",
    b"../",
    b"\xed\xa0\x80",
]


def damaged(data: bytes, rng: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(out) + 1)
        kind = rng.randrange(5)
        if kind == 0 and out:
            out[at % len(out)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del out[at : at + rng.randint(1, 30)]
        elif kind == 2:
            out[at:at] = rng.choice(SPICE)
        elif kind == 3:
            out[at:at] = out[at : at + rng.randint(1, 60)]
        else:
            del out[at:]
    return bytes(out)


@pytest.mark.parametrize("name", [row.name for row in FORMATS])
def test_damage_is_a_sentence_or_a_reject(tmp_path: Path, name: str) -> None:
    samples = []
    for index in range(3):
        image = tmp_path / f"{index}.png"
        image.write_bytes(IMAGE)
        extra = {
            "lines": [{"text": "a b", "poly": [[0, 0], [9, 0], [9, 9]], "baseline": [[0, 8], [9, 8]], "type": "x"}]
        }
        page = extra if name in ("jsonl", "alto", "page") else {}
        samples.append(
            Sample(id=f"s{index}", image=image, text="été, 1", split=Split.TRAIN, group="g", attributes=page)
        )
    target = by_name(name).write(samples, tmp_path / "set")
    folder = target if target.is_dir() else target.parent
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.suffix != ".png"]
    whole = {file: file.read_bytes() for file in files}
    rng = random.Random(name)
    for number in range(ROUNDS):
        file = rng.choice(files)
        file.write_bytes(damaged(whole[file], rng))
        for unit in ("row", "line"):
            try:
                content = detect(folder).read(folder, ReadOptions(unit=unit))  # type: ignore[arg-type]
            except EmendoError as error:
                assert "\n" not in str(error), (number, str(error))
            else:
                for sample in content.samples:
                    assert sample.image.is_file() and sample.image.resolve().is_relative_to(folder.resolve())
                    assert sample.text is None or sample.text.encode("utf-8") is not None
        file.write_bytes(whole[file])
