"""Rounds of mining: what is read, learned, judged and put in use, and that a round that was stopped goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emendo.datasets import open_dataset
from emendo.errors import DataError, FormatError, UsageError
from emendo.learn.documents import Labelled, of_dataset, portions
from emendo.learn.mined import PAGE, PICTURE, REPORT, read_round
from emendo.learn.mining import Wanted, mine_rounds
from emendo.mine.errorlog import read_errors, read_log
from emendo.types import Split

from ..learn_fakes import Fakes, documents, number_of


def labelled(manifest: Path) -> list[Labelled]:
    return list(of_dataset(open_dataset(manifest), Split.TRAIN).documents)


@pytest.fixture
def known(tmp_path: Path) -> list[Labelled]:
    return labelled(documents(tmp_path / "data", 9))


def test_each_round_learns_from_what_the_model_got_wrong(tmp_path: Path, known: list[Labelled]) -> None:
    fakes, told = Fakes(), list[str]()
    held = open_dataset(documents(tmp_path / "held", 4, first=4, split="val"))
    out = tmp_path / "out"
    rounds = mine_rounds(out, [known[:3], known[3:6], known[6:]], "base", fakes.means(held=[held]), tell=told.append)
    trained = [place[1] for place in fakes.places if place[0] == "train"]
    assert trained == [["d0", "d1", "d2"], ["d3", "d4", "d5"], ["d6", "d7", "d8"]]
    assert [one.promoted for one in rounds] == [True, True, True]
    assert [one.in_use for one in rounds] == [str(out / f"round_0{n}" / "run" / "bundle") for n in (1, 2, 3)]
    assert [one.trained_on["usual"] for one in rounds] == [0, 0, 0]
    errors = [(one.held[0].before.errors, one.held[0].after.errors) for one in rounds if one.held[0].after]
    assert errors == [(4, 4), (4, 2), (2, 0)]
    assert rounds[0].held[0].before.fields["total"] == {"right": 0, "wrong": 4, "missed": 0, "invented": 0}
    assert rounds[2].errors["classes"] == {"TOTAL_MISMATCH": 3, "CORRECT": 3}
    assert any(sentence.startswith("round 3: 3 documents with errors, trained on 3") for sentence in told)
    page = (out / "round_03" / PAGE).read_text()
    assert "TOTAL_MISMATCH" in page and "knows more" in page and "data:image/png;base64," in page
    assert (out / "round_03" / PICTURE).read_bytes().startswith(b"\x89PNG")
    assert read_round(out / "round_03") == rounds[2]


def test_a_refused_model_is_not_used_and_its_errors_are_learned_again(tmp_path: Path, known: list[Labelled]) -> None:
    fakes = Fakes(refused=frozenset({1}))
    rounds = mine_rounds(tmp_path / "out", [known[:3], known[3:6]], "base", fakes.means())
    assert [(one.promoted, one.in_use == "base") for one in rounds] == [(False, True), (True, False)]
    assert rounds[0].reason == "knows no more"
    trained = [(place[1], place[2]) for place in fakes.places if place[0] == "train"]
    assert trained[1] == (["d0", "d1", "d2", "d3", "d4", "d5"], "base")


def test_what_is_read_right_is_rehearsed_by_its_share(tmp_path: Path, known: list[Labelled]) -> None:
    fakes = Fakes()
    parts = [known[:2], known[:2], known[2:]]
    rounds = mine_rounds(tmp_path / "out", parts, "base", fakes.means(), Wanted(share=0.5))
    assert [one.trained_on.get("hard") for one in rounds] == [2, None, 7]
    assert rounds[1].promoted is None and rounds[1].reason == "nothing of what was asked for is wrong"
    assert (rounds[2].trained_on["usual"], rounds[2].trained_on["share"]) == (2, 2 / 9)
    assert ("replay", 5) in fakes.places


def test_only_the_errors_that_are_asked_for_are_learned(tmp_path: Path, known: list[Labelled]) -> None:
    fakes = Fakes()
    wanted = Wanted(region="totals_section", classes=("TOTAL_MISMATCH",), most=2)
    mine_rounds(tmp_path / "out", [known], "base", fakes.means(), wanted)
    assert len(fakes.places[1][1]) == 2
    (none,) = mine_rounds(tmp_path / "no", [known], "base", fakes.means(), Wanted(region="vendor_block"))
    assert none.promoted is None
    for strange, what in (
        (Wanted(region="x"), "unknown region 'x'"),
        (Wanted(classes=("x",)), "unknown class of error"),
    ):
        with pytest.raises(UsageError, match=what):
            mine_rounds(tmp_path / "x", [known], "base", fakes.means(), strange)


@pytest.mark.parametrize("stop", ["train", "judge", "use"])
def test_a_round_that_was_stopped_goes_on_where_it_was(tmp_path: Path, known: list[Labelled], stop: str) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        mine_rounds(out, [known[:3], known[3:]], "base", Fakes(stop=stop).means())
    entries = len(read_errors(out / "log").entries)
    again = Fakes()
    rounds = mine_rounds(out, [known[:3], known[3:]], "base", again.means())
    assert [one.promoted for one in rounds] == [True, True]
    assert entries == 3 and len(read_errors(out / "log").entries) == 3 + 6 + 3
    assert again.places[1] == ("train", ["d0", "d1", "d2"], "base", True)
    assert len([place for place in again.places if place[0] == "judge"]) == (1 if stop == "use" else 2)
    last = Fakes(stop="train")
    assert mine_rounds(out, [known[:3], known[3:]], "base", last.means()) == rounds and not last.places


def test_a_folder_that_holds_other_rounds_is_refused(tmp_path: Path, known: list[Labelled]) -> None:
    mine_rounds(tmp_path / "out", [known[:3]], "base", Fakes().means())
    with pytest.raises(UsageError, match="holds a round on something else; name another --out"):
        mine_rounds(tmp_path / "out", [known[:4]], "base", Fakes().means())
    (tmp_path / "out" / "round_01" / REPORT).write_text("{}")
    with pytest.raises(FormatError, match="is no complete report of a round"):
        mine_rounds(tmp_path / "out", [known[:3]], "base", Fakes().means())


def test_a_page_that_cannot_be_read_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    manifest = documents(tmp_path / "data", 3)
    (tmp_path / "data" / "images" / "1.png").write_bytes(b"no picture")
    (one,) = mine_rounds(tmp_path / "out", [labelled(manifest)], "base", Fakes().means())
    assert one.trained_on["hard"] == 2 and len(one.unreadable) == 1
    assert one.unreadable[0].startswith("d1: ") and "1.png" in one.unreadable[0]


def test_two_truths_of_one_document_are_named(tmp_path: Path) -> None:
    manifest = documents(tmp_path / "data", 3)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    rows.append({**rows[0], "id": "again", "fields": {**rows[0]["fields"], "total": "55.00"}})
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fakes = Fakes()
    (one,) = mine_rounds(tmp_path / "out", [labelled(manifest)], "base", fakes.means())
    assert [sentence.partition(";")[0] for sentence in one.contradictions] == [
        "again and d0 are one document and have two truths in total"
    ]
    assert fakes.places[1][1] == ["again", "d1", "d2"]
    assert "two truths" in (tmp_path / "out" / "round_01" / PAGE).read_text()


def test_portions_keep_groups_together(tmp_path: Path) -> None:
    manifest = documents(tmp_path / "data", 8)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    for at, row in enumerate(rows):
        row["group"] = f"g{at // 2}"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    parts = portions(labelled(manifest), 3)
    assert sorted(len(part) for part in parts) == [2, 2, 4]
    groups = [{one.sample.group for one in part} for part in parts]
    assert sum(map(len, groups)) == 4 and sorted(number_of(o.sample) for part in parts for o in part) == [*range(8)]
    with pytest.raises(DataError, match="4 documents cannot be shared out to 5 rounds"):
        portions(labelled(manifest), 5)


_SLOW = """
import sys, time
from pathlib import Path
from tests.learn.test_mining import labelled
from tests.learn_fakes import Fakes
from emendo.learn.mining import mine_rounds

class Slow(Fakes):
    def open(self, ref):
        reader = super().open(ref)
        object.__setattr__(reader, "read_documents", slowly(reader.read_documents))
        return reader

def slowly(read):
    def slow(pages):
        time.sleep(0.05)
        return read(pages)
    return slow

mine_rounds(Path(sys.argv[2]), [labelled(Path(sys.argv[1]))], "base", Slow().means())
"""


def test_a_round_that_was_killed_goes_on(tmp_path: Path) -> None:
    manifest, out = documents(tmp_path / "data", 40), tmp_path / "out"
    root = Path(__file__).resolve().parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"}
    work = subprocess.Popen([sys.executable, "-c", _SLOW, str(manifest), str(out)], env=environment)
    log = out / "log" / "errors.jsonl"
    while work.poll() is None and (not log.is_file() or log.read_bytes().count(b"\n") < 5):
        time.sleep(0.01)
    work.send_signal(signal.SIGKILL)
    work.wait()
    read = len(read_errors(out / "log").entries)
    assert 5 <= read < 40 and read_round(out / "round_01") is None
    (one,) = mine_rounds(out, [labelled(manifest)], "base", Fakes().means())
    assert len(read_errors(out / "log").entries) == len(read_log(out / "log")) == 40
    assert one.promoted and one.trained_on["hard"] == 40
