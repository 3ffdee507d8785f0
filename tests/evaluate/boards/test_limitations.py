from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from emendo.cli import main
from emendo.errors import UsageError
from emendo.evaluate.boards.limitations import Verdict, examples_of, limitations, limitations_page
from emendo.evaluate.boards.subsets import shown, traits

from ..test_page import Outline
from .made import report

TRUE = "abcdefghij"
WEAK = "abcdefgxyz"
SUBSETS = ["hand"] * 30 + ["print"] * 60 + ["rare"] * 5
MADE = report([(TRUE, WEAK)] * 30 + [(TRUE, TRUE)] * 65, subsets=SUBSETS)


def test_a_weak_subset_is_found_and_a_small_one_is_called_small() -> None:
    found = limitations(MADE)
    verdicts = {one.name: one.verdict for one in found.subsets if one.slice == "subset"}
    assert verdicts == {
        "subset=hand": Verdict.WEAK,
        "subset=print": Verdict.STRONG,
        "subset=rare": Verdict.SMALL,
    }
    weak = found.of(Verdict.WEAK)[0]
    assert weak.apart.difference == pytest.approx(0.3)
    assert weak.errors.missed_characters == {"h": 30, "i": 30, "j": 30}
    assert weak.errors.false_characters == {"x": 30, "y": 30, "z": 30}
    assert found.sentences()[0].startswith("subset=hand: CER 30.00 %, +30.00 points against all other lines")
    assert "too small to tell: subset=rare" in found.sentences()
    json.dumps(found.to_dict(), allow_nan=False)


def test_characters_with_their_shares() -> None:
    found = limitations(MADE)
    first = found.characters[0]
    assert (first.character, first.seen, first.missed) == ("h", 95, 30)
    assert first.low < 30 / 95 < first.high
    assert first.instead == (("x", 30),)


def test_chance_alone_makes_no_subset_weak() -> None:
    rng = np.random.default_rng(3)
    pairs = [(TRUE, TRUE[:-1] + ("j" if rng.random() < 0.7 else "x")) for _ in range(240)]
    found = limitations(report(pairs, subsets=[f"s{at % 8}" for at in range(240)]))
    assert not found.of(Verdict.WEAK)
    assert "No subset is weaker than the rest beyond chance." in Outline(limitations_page(found, {})).text


def test_traits_of_a_text() -> None:
    lines = report([("سنة 1420", ""), ("EN 2026", ""), ("mot", ""), ("12", "")]).lines
    assert traits(lines[0]) == {"script": "Arabic", "digits": "with", "capitals": "not only"}
    assert traits(lines[1]) == {"script": "Latin", "digits": "with", "capitals": "only"}
    assert traits(lines[3])["script"] == "none"
    assert [shown(char) for char in (" ", "\u064e", "a", "\u200f")] == ["␣", "◌\u064e", "a", "U+200F"]


def test_the_page_shows_lines_both_ways_and_escapes() -> None:
    pairs = [("سلام عليكم كثيرا", "سلم عيكم كثرا")] * 25 + [("<i>" + TRUE, "<i>" + TRUE)] * 30
    found = limitations(report(pairs, model="<m>", subsets=["<arabic>"] * 25 + ["latin"] * 30))
    images = {one: np.full((20, 90, 3), 200, np.uint8) for one in examples_of(found)}
    page = Outline(limitations_page(found, images))
    names = [tag for tag, _ in page.tags]
    assert names.count("img") == len(images) * sum(1 for one in found.of(Verdict.WEAK))
    assert "script" not in names and "i" not in names
    assert "rtl" in [attrs.get("dir") for tag, attrs in page.tags if tag == "dl"]
    assert "subset=<arabic>" in page.text and "Limitations of <m>" in page.text


def test_the_command_writes_page_and_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    MADE.write(tmp_path / "report")
    out = tmp_path / "limits.html"
    command = ["report", "limitations", str(tmp_path / "report")]
    assert main([*command, "--out", str(out), "--json"]) == 0
    shown_json = json.loads(capsys.readouterr().out)
    assert shown_json == json.loads(out.with_suffix(".json").read_text(encoding="utf-8"))
    assert shown_json["subsets"][0]["verdict"] == "weak"
    assert "Weaker than on all other lines" in out.read_text(encoding="utf-8")
    assert main([*command, "--slice", "writer"]) == 2
    assert "unknown slice 'writer'; the report has subset" in capsys.readouterr().err
    assert main(["report", "limitations", str(tmp_path)]) == 2
    assert "is no report; make one with `emendo evaluate --out`" in capsys.readouterr().err


def test_a_slice_that_no_line_has() -> None:
    with pytest.raises(UsageError, match="unknown slice 'writer'; the report has subset"):
        limitations(MADE, slices=["writer"])
