from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.summary import narrowed
from emendo.errors import UsageError
from emendo.evaluate.boards.compression import optical
from emendo.evaluate.boards.compression_page import optical_page, plot, structural_page, write_optical
from emendo.metrics.structural import structural
from emendo.models.references import load_recognizer
from emendo.models.vision import Mode, modes_of

from ..scripted import Scripted, lines, pixels
from ..test_page import Outline

TEXTS = ["one two", "three, four", "five"]
READ = ["one two", "three. four", "fiv"]


def test_text_tokens_over_vision_tokens_by_hand(tmp_path: Path) -> None:
    made = optical(Scripted("<m>", READ), lines(TEXTS), modes_of(["64", "100"]), load=pixels)
    assert [one.mode for one in made.modes] == ["64", "100"], "what this reader itself spends is not known"
    first = made.modes[0]
    assert first.text_tokens == (2, 3, 1), "the comma is a token"
    assert (first.vision_tokens, first.compression.value) == (3 * 64, pytest.approx(6 / 192))
    assert first.accuracy.value == pytest.approx(1 - 2 / 22)
    assert first.counted == "arithmetic"
    assert made.samples()[1]["modes"]["100"] == {
        "vision_tokens": 100,
        "compression": 0.03,
        "character_accuracy": pytest.approx(1 - 1 / 11),
    }
    write_optical(tmp_path, made)
    kept = json.loads((tmp_path / "compression.json").read_text(encoding="utf-8"))
    assert kept["modes"][1]["vision_tokens_per_sample"] == 100
    assert len((tmp_path / "samples.jsonl").read_text(encoding="utf-8").splitlines()) == 3
    assert (tmp_path / "compression.svg").read_text(encoding="utf-8").startswith("<svg xmlns=")
    page = Outline(optical_page(made))
    assert "<m> on" in page.text and "0.031x" in page.text
    assert not {"script", "link", "m"} & {tag for tag, _ in page.tags}


def test_another_tokenizer_and_an_unknown_one() -> None:
    made = optical(Scripted("m", READ), lines(TEXTS), modes_of(["64"]), tokens="characters", load=pixels)
    assert made.modes[0].text_tokens == (7, 11, 4)
    with pytest.raises(UsageError, match="unknown tokenizer 'wrods'"):
        optical(Scripted("m", READ), lines(TEXTS), modes_of(["64"]), tokens="wrods", load=pixels)


def test_real_lines_read_worse_when_too_few_pixels_are_left(data: Path) -> None:
    peraire = open_dataset(data / "peraire")
    chosen = narrowed(peraire, tuple(peraire.split("val"))[:8])
    made = optical(load_recognizer("base"), chosen, [Mode("4", 128, padded=False), *modes_of(["400"])])
    own, tiny, large = made.modes
    assert (own.mode, tiny.mode, large.mode) == ("own", "4", "400")
    assert own.accuracy.value > 0.6
    assert tiny.accuracy.value < own.accuracy.value - 0.3
    assert (tiny.vision_tokens, large.vision_tokens) == (8 * 4, 8 * 400)
    assert tiny.compression.value > 1 > large.compression.value, "one line alone is dearer as 400 tokens than as text"
    assert "400" in plot(made.modes)


def test_the_structural_page_tells_both_ratios() -> None:
    text = Outline(structural_page("<d>", structural(b"some text and more of it " * 200))).text
    assert "<d>" in text and "42.7" in text and "Signatures alone" in text and "zlib alone (level 9)" in text


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", "lines", "-n", "4", "--out", str(tmp_path / "d"), "--fonts", "builtin", "--json"]) == 0
    capsys.readouterr()
    assert main(["compression", "structural", str(tmp_path / "d"), "--out", str(tmp_path / "s.html"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["exact"] is True
    assert found["zlib_level"] == 9
    assert json.loads((tmp_path / "s.json").read_text(encoding="utf-8")) == found
    assert main(["compression", "structural", str(tmp_path / "d"), "--stride", "600"]) == 2
    assert "windows of 512 bytes, one every 600" in capsys.readouterr().err
    assert main(["compression", "optical", str(tmp_path / "d"), "--modes", "65"]) == 2
    assert "error: unknown mode '65'" in capsys.readouterr().err
    command = ["compression", "optical", str(tmp_path / "d"), "--modes", "64", "--out", str(tmp_path / "o")]
    assert main([*command, "--model", "base", "--threads", "1"]) == 0
    told = capsys.readouterr().out
    assert "[arithmetic]" in told and "text tokens: words-marks" in told
    assert (tmp_path / "o" / "compression.html").is_file()
