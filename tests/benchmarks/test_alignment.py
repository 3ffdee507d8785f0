"""Fuzzed edits of real pages with the base recogniser's real readings: the thresholds of the benchmark, fewer cases."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from alignment import KINDS, PageLine, Tally, load_pages, run
from fuzz_edits import fuzz

from emendo.correct.texts import decode, numbered
from emendo.models.references import load_recognizer


@pytest.fixture(scope="module")
def pages(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[list[PageLine]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("readings")))
        return load_pages(data, load_recognizer("base"), sets=["peraire"], most_pages=4)


@pytest.mark.parametrize(("readings", "cases"), [("base", 60), ("0.20", 22), ("0.05", 22)])
def test_precision_and_recall(pages: list[list[PageLine]], readings: str, cases: int) -> None:
    outcome = run(pages, readings, cases, 50_000)
    ours = outcome.tallies["all"]["emendo"]
    assert ours.whole > 15 * cases
    assert ours.precision >= 0.99
    assert ours.recall >= 0.95
    for peer in ("zip", "difflib"):
        theirs = outcome.tallies["all"][peer]
        assert ours.recall > theirs.recall and ours.precision > theirs.precision


@pytest.mark.parametrize("kind", KINDS)
def test_the_fuzz_keeps_its_own_truth(kind: str) -> None:
    truth = [f"ligne {i} avec quelques mots de plus-" if i % 3 else f"fin {i} courte" for i in range(12)]
    for seed in range(20):
        content, expected = fuzz(seed, kind, truth, [line.upper() for line in truth])
        flat = " ".join(line for _, line in numbered(decode(content, Path("case"))))
        for text in filter(None, expected):
            assert text in flat
    assert Tally(given=4, right=3).precision == 0.75
