from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from emendo.datasets import open_dataset
from emendo.train.start import best_base, resolved


def test_the_base_that_reads_the_lines_best_is_the_start(data: Path) -> None:
    arabic = open_dataset(data / "arabic_print").split("train")[:6]
    french = open_dataset(data / "peraire").split("train")[:6]
    assert best_base(arabic) == "base-ar"
    assert best_base(french) == "base-hand"
    assert resolved("auto", arabic) == "base-ar"
    assert resolved("base", arabic) == "base"


def test_what_cannot_be_read_does_not_count(data: Path, tmp_path: Path) -> None:
    arabic = open_dataset(data / "arabic_print").split("train")[:4]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    french = open_dataset(data / "peraire").split("train")[0]
    assert best_base([replace(french, image=broken), *arabic, replace(french, text="")]) == "base-ar"
    assert best_base([]) == "base"
    assert best_base([replace(french, image=broken)]) == "base"
