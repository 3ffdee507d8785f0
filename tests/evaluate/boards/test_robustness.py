"""What damage costs: the same lines as they are and damaged, by subset, with paired intervals. Covers M16."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.summary import narrowed
from emendo.errors import UsageError
from emendo.evaluate.boards.robustness import robustness, robustness_page
from emendo.models.references import load_recognizer
from emendo.types import Image, Reading, Sample

from ..scripted import lines
from ..test_page import Outline

TEXTS = ["abcd", "efgh", "ijkl", "mnop"]
WRITERS = ["anna", "anna", "bert", "bert"]


class Frail:
    """Reads a picture by the number in its red; the last two (a hand) only where nothing is grainy."""

    model = "<frail>"

    def read(self, images: Sequence[Image]) -> list[Reading]:
        texts = []
        for image in images:
            at = round(float(image[..., 0].mean()) / 60)
            grainy = image[..., 0].std() > 1
            texts.append(TEXTS[at][:-1] + "?" if grainy and at >= 2 else TEXTS[at])
        return [Reading(text, 0.5, (), self.model) for text in texts]


def flat(sample: Sample) -> Image:
    return np.full((48, 200, 3), 60 * int(sample.image.stem), np.uint8)


def test_the_rise_and_the_subset_that_is_hurt_by_hand() -> None:
    made = robustness(Frail(), lines(TEXTS, writer=WRITERS), ["noise", "blur"], [0.5], slices=["writer"], load=flat)
    assert made.clean.counts.edits == 0
    noise, blur = made.damaged
    assert (noise.name, noise.against.difference) == ("noise 0.5", pytest.approx(2 / 16))
    assert (blur.against.difference, blur.sure) == (0.0, False)
    found = made.to_dict()
    bert = found["damaged"][0]["subsets"]["writer"]["bert"]
    assert (bert["missed"], bert["false"], bert["samples"]) == (2, 2, 2)
    assert bert["missed_characters"] == [["l", 1], ["p", 1]] and bert["false_characters"] == [["?", 2]]
    assert found["damaged"][0]["subsets"]["writer"]["anna"]["missed"] == 0
    json.dumps(found, allow_nan=False)
    told = made.sentences()
    assert told[0].startswith("as they are: CER 0.00 %")
    assert told[1].startswith("noise 0.5: CER 12.50 % (+12.50 points") and told[1].endswith("most: writer=bert +25.00")
    page = Outline(robustness_page(made))
    assert "<frail> on lines" in page.text and "+12.50" in page.text and "writer=bert +25.00" in page.text
    assert not {"script", "link", "frail"} & {tag for tag, _ in page.tags}


def test_every_model_meets_the_same_damage() -> None:
    seen: list[list[bytes]] = []

    class Keeps(Frail):
        def read(self, images: Sequence[Image]) -> list[Reading]:
            seen.append([image.tobytes() for image in images])
            return super().read(images)

    for _ in range(2):
        robustness(Keeps(), lines(TEXTS), ["noise+blur"], [1.0], load=flat)
    assert seen[:2] == seen[2:] and seen[0] != seen[1]


def test_real_lines_are_read_worse_the_worse_they_are(data: Path) -> None:
    peraire = open_dataset(data / "peraire")
    chosen = narrowed(peraire, tuple(peraire.split("val"))[:6])
    made = robustness(load_recognizer("base"), chosen, ["blur"], [1.0, 4.0])
    slight, severe = made.damaged
    assert severe.against.difference > max(0.1, slight.against.difference)


@pytest.mark.parametrize(
    ("damages", "levels", "sentence"),
    [
        (["smear"], [1.0], "unknown damage 'smear'"),
        (["noise"], [9.0], "level 9 of damage is not between 0 and 4"),
        ([], [1.0], "no damage to try"),
    ],
)
def test_what_cannot_be(damages: list[str], levels: list[float], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        robustness(Frail(), lines(TEXTS), damages, levels, load=flat)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", "lines", "-n", "3", "--out", str(tmp_path / "d"), "--fonts", "builtin", "--json"]) == 0
    capsys.readouterr()
    command = ["report", "robustness", str(tmp_path / "d"), "--model", "base", "--threads", "1"]
    options = ["--damage", "skew", "--levels", "1", "--out", str(tmp_path / "r.html"), "--json"]
    assert main([*command, *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["damage"] for one in found["damaged"]] == ["skew"] and found["samples"] == 3
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == found
    assert "Robustness" in (tmp_path / "r.html").read_text(encoding="utf-8")
    assert main([*command, "--levels", "much"]) == 2
    assert "levels 'much' are no numbers; write for example --levels 1,2" in capsys.readouterr().err
