from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.probes import make_needles
from emendo.evaluate.pagewise import PageReader

from .scripted import Scripted


def test_a_page_without_lines_reads_as_nothing() -> None:
    page = np.full((300, 400, 3), 240, np.uint8)
    assert PageReader(Scripted("m", [])).read([page])[0].text == ""


def test_pages_of_real_texts_are_read_whole_and_lose_with_few_pixels(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    val = open_dataset(data / "peraire").split("val")
    make_needles(val, tmp_path / "pages", number=1, lines=4, rendered=True)
    manifest = tmp_path / "pages" / "manifest.jsonl"
    row = json.loads(manifest.read_text(encoding="utf-8"))
    row["text"] = "\n".join(line["text"] for line in row["lines"])
    manifest.write_text(json.dumps(row, ensure_ascii=False) + "\n", encoding="utf-8")
    common = ["--pages", "--model", "base", "--threads", "1", "--json"]
    assert main(["evaluate", "--data", str(tmp_path / "pages"), *common]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["samples"] == 1
    assert figures["cer"] < 0.15
    assert main(["compression", "optical", str(tmp_path / "pages"), "--modes", "64,400", *common]) == 0
    small, large = json.loads(capsys.readouterr().out)["modes"]
    assert (small["mode"], large["mode"], small["counted"]) == ("64", "400", "arithmetic")
    assert small["character_accuracy"] <= large["character_accuracy"]
    assert small["text_tokens"] / 64 == pytest.approx(small["compression"])
