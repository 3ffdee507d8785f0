"""Set lines and fonts from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import matplotlib
import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.image.load import sample_image

FONTS = Path(next(iter(matplotlib.__path__))) / "mpl-data/fonts/ttf"


def test_lines_in_another_script(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "fonts").mkdir()
    shutil.copy(FONTS / "DejaVuSans.ttf", tmp_path / "fonts")
    given = ["--language", "ar", "--fonts", str(tmp_path / "fonts"), "--threads", "1", "--out", str(tmp_path / "lines")]
    assert main(["synth", "lines", "-n", "2", *given, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["samples"] == 2 and told["languages"] == {"ar": 2}
    made = open_dataset(tmp_path / "lines")
    assert all(sample_image(sample).shape[2] == 3 and max(sample.text or "") >= "ا" for sample in made)
    assert main(["synth", "lines", "-n", "2", *given]) == 2
    assert "exists; name a new folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["lines", "--language", "tlh", "--out", "x"], "error: unknown language 'tlh'; use ar,"),
        (["lines", "--language", "ru", "--fonts", "nowhere", "--out", "x"], "error: fonts 'nowhere' is not a folder"),
        (["fonts", "--mirror", "nowhere"], "error: nowhere: holds no amiri.tar.gz; put the archive there"),
    ],
)
def test_what_cannot_be_made_is_told_in_one_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMENDO_CACHE", str(tmp_path / "cache"))
    assert main(["synth", *arguments]) == 2
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(told) == 1 and told[0].startswith(sentence)
