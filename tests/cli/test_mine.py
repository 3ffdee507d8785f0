"""emendo mine: its default, the log of errors and hard samples."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.fields import Document, read_document
from emendo.mine.errorlog import log_error
from emendo.workspace.folder import Workspace

from ..learn_fakes import TRUTH, documents


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of three documents: a wrong total, one that is right, one that nobody has looked at."""
    folder = documents(tmp_path / "data", 3).parent / "images"
    truth = read_document(TRUTH).document
    for number, found in enumerate((read_document({**TRUTH, "total": "99"}).document, truth, Document())):
        log_error(
            tmp_path / "log",
            f"d{number}",
            folder / f"{number}.png",
            found,
            truth=truth if number < 2 else None,
            model="m",
        )
    return tmp_path / "log"


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    content: dict[str, object] = json.loads(capsys.readouterr().out)
    return content


@pytest.mark.parametrize("command", [["mine"], ["mine", "lines"]])
def test_without_a_command_it_names_lines(
    drawn_workspace: Workspace, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert main([*command, str(drawn_workspace.root), "-n", "3", "--json"]) == 0
    told = printed(capsys)
    assert isinstance(told["queue"], list) and len(told["queue"]) == 3 and "advice" in told


def test_what_a_log_holds(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mine", "log", str(log), "--json"]) == 0
    told = printed(capsys)
    assert (told["documents"], told["known"], told["wrong"]) == (3, 2, 2)
    assert told["fields"] == {"total": 1} and told["torn"] == 0
    assert main(["mine", "log", str(log)]) == 0
    assert "worst: d0  severity 5  total" in capsys.readouterr().out
    with (log / "errors.jsonl").open("a") as stream:
        stream.write('{"id": "cut')
    assert main(["mine", "log", str(log)]) == 0
    assert "left out of the log, for a crash cut it off: 1 line" in capsys.readouterr().out


def test_hard_samples_are_a_data_set(log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "hard"
    assert main(["mine", "hard", str(log), "--out", str(out), "--class", "TOTAL_MISMATCH", "--json"]) == 0
    told = printed(capsys)
    assert (told["documents"], told["classes"]) == (1, {"TOTAL_MISMATCH": 1})
    row = json.loads((out / "documents.jsonl").read_text())
    assert (row["id"], row["fields"]["total"]) == ("d0", "12.00")
    assert main(["mine", "hard", str(log), "--out", str(out)]) == 2
    assert "is there already; name a new folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (["--region", "nowhere"], "unknown region 'nowhere'; use vendor_block"),
        (["--class", "WORSE"], "unknown class of error 'WORSE'; use TOTAL_MISMATCH"),
        (["--region", "vendor_block"], "holds no error of this kind with a known truth"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], what: str
) -> None:
    assert main(["mine", "hard", str(log), "--out", str(tmp_path / "hard"), *more]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ") and what in told and told.count("\n") == 1


def test_a_folder_without_a_log_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mine", "log", str(tmp_path)]) == 2
    assert "holds no log of errors; read documents with --error-log first" in capsys.readouterr().err
