"""emendo monitor baseline and drift, from captured traffic to alerts that are delivered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.monitor import Captures, Seen, Truth
from emendo.workspace.folder import Workspace

from ..drawn import small_workspace
from ..monitored import ENGLISH, START, traffic, truths

LATER = START + timedelta(days=2)


@pytest.fixture
def captured(tmp_path: Path) -> Path:
    """A workspace in which 50 pages of French letters were captured on the first day."""
    workspace = Workspace.init(tmp_path / "notes")
    held = Captures(workspace.captures)
    seen = traffic(50, 1)
    held.add(seen)
    held.add_truths(truths(seen, 20))
    return workspace.root


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(capsys.readouterr().out)
    return content


def lines(path: Path, rows: list[Seen] | list[Truth]) -> Path:
    path.write_text("".join(json.dumps(one.to_dict()) + "\n" for one in rows), encoding="utf-8")
    return path


def add(folder: Path, seen: list[Seen], said: list[Truth] | None = None) -> None:
    held = Captures(Workspace.open(folder).captures)
    held.add(seen)
    held.add_truths(said or [])


def drift(folder: Path, *more: str) -> int:
    since = ["--since", f"{START + timedelta(days=1):%Y-%m-%d}"]
    return main(["monitor", "drift", "--workspace", str(folder), *since, *more])


def test_from_captures_to_alerts_and_back(captured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--workspace", str(captured)]
    assert main(["monitor", "baseline", *where, "--until", "2026-03-02", "--json"]) == 0
    made = printed(capsys)
    assert made["kinds"]["line"]["pages"] == made["kinds"]["line"]["judged"] == 50
    assert made["kinds"]["line"]["language"] == "fr"
    add(captured, traffic(20, 2, start=LATER, prefix="q"))
    assert drift(captured, "--alert", "--json") == 0
    assert printed(capsys)["alerts"]["standing"] == []

    add(captured, traffic(25, 3, first=20, start=LATER, prefix="e", words=ENGLISH))
    html = captured / "drift.html"
    assert drift(captured, "--alert", "--json", "--html", str(html)) == 1
    found = printed(capsys)
    assert found["ok"] is False and found["kinds"][0]["since"].startswith("e")
    assert [one["state"] for one in found["alerts"]["events"]] == ["raised"]
    assert "language" in html.read_text(encoding="utf-8")
    state = json.loads((Workspace.open(captured).captures / "monitor.json").read_text())
    assert [one["name"] for one in state["alerts"]] == ["drift.line"]
    assert state["measures"]["line.evidence"] >= 1 and state["measures"]["line.confidence"] > 0
    told = (Workspace.open(captured).captures / "alerts.jsonl").read_text().splitlines()
    assert json.loads(told[0])["message"].startswith("line: pages differ")

    add(captured, traffic(60, 4, first=60, start=LATER, prefix="r"))
    looks = []
    for _ in range(4):  # it is over, but takes quiet looks to say so
        looks.append((drift(captured, "--alert", "--json"), printed(capsys)["alerts"]))
    assert [status for status, _ in looks] == [0, 0, 0, 0]
    assert drift(captured, "--json") == 0
    over = printed(capsys)
    assert over["ok"] is True and over["alarmed"] is True, "a job that reads this sees that there was an alarm"
    assert over["kinds"][0]["alarms"][0]["over"] and "line: an alarm is over: " in over["sentences"][0]
    assert [one["name"] for one in looks[0][1]["standing"]] == ["drift.line"]
    assert [one["state"] for one in looks[3][1]["events"]] == ["cleared"] and looks[3][1]["standing"] == []


def test_truths_that_come_late_show_errors_by_subset(captured: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "baseline", "--workspace", str(captured), "--until", "2026-03-02"]) == 0
    seen = [replace(one, caller="phone" if one.id[-1] in "13579" else "scanner") for one in traffic(40, 5, start=LATER)]
    seen = [replace(one, id=f"q{one.id}", document=f"q{one.document}") for one in seen]
    phone = [one for one in seen if one.caller == "phone"]
    add(captured, seen, [*truths(phone, 4), *truths([one for one in seen if one not in phone], 20)])
    capsys.readouterr()
    assert drift(captured, "--json") == 1
    found = printed(capsys)
    (kind,) = found["kinds"]
    assert kind["error_alarm"] and not kind["alarm"] and kind["judged"] == 40
    assert found["subsets"]["ok"] is False
    assert any(text.startswith("all lines: ") for text in found["subsets"]["alerts"])
    changes = {one["value"]: one for one in found["subsets"]["changes"] if one["slice"] == "caller"}
    assert {"phone", "scanner"} <= set(changes)


def test_files_of_readings_need_no_workspace(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, now = traffic(30, 6), traffic(30, 7, sharpness=120.0)
    said = lines(tmp_path / "truths.jsonl", truths(before, 20))
    base, seen = str(tmp_path / "baseline.json"), str(lines(tmp_path / "before.jsonl", before))
    arguments = ["monitor", "baseline", "--workspace", str(tmp_path), "--seen", seen, "--truths", str(said)]
    assert main([*arguments, "--out", base, "--language", "fr"]) == 0
    later = str(lines(tmp_path / "now.jsonl", now))
    arguments = ["monitor", "drift", "--workspace", str(tmp_path), "--baseline", base, "--seen"]
    capsys.readouterr()
    assert main([*arguments, seen]) == 0
    assert "30 pages like those of the baseline" in capsys.readouterr().err
    assert main([*arguments, later]) == 1
    assert "ALARM line" in capsys.readouterr().err


def test_the_notes_of_a_workspace_are_traffic_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = small_workspace(tmp_path / "notes", count=72)
    where = ["--workspace", str(workspace.root), "--notes"]
    assert main(["monitor", "baseline", *where, "--json"]) == 0
    made = printed(capsys)
    assert made["kinds"]["line"]["pages"] == 12 and made["source"].startswith("notes in")
    assert main(["monitor", "drift", *where, "--json"]) == 0
    measured = {row["measure"] for row in printed(capsys)["kinds"][0]["measures"]}
    assert {"confidence", "sharpness", "length", "novelty"} <= measured


def test_a_data_set_read_now_can_be_the_baseline(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    peraire = data / "peraire"
    rows = [json.loads(line) for line in (peraire / "lines.jsonl").read_text(encoding="utf-8").splitlines()]
    chosen = [row for row in rows if row["split"] == "train" and row["line"] in (4, 5)][:24]
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in chosen), encoding="utf-8")
    arguments = ["monitor", "baseline", "--data", f"some={tmp_path / 'lines.jsonl'}:{peraire}", "--split", "train"]
    out = tmp_path / "baseline.json"
    assert main([*arguments, "--model", "base", "--language", "fr", "--out", str(out), "--json"]) == 0
    made = printed(capsys)
    pages = len({row["page"] for row in chosen})
    assert made["kinds"]["line"]["pages"] == made["kinds"]["line"]["judged"] == pages >= 12
    assert made["models"] and json.loads(out.read_text())["profiles"]["line"]["pages"][0]["values"]["sharpness"] > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["drift"], "there is no baseline"),
        (["drift", "--since", "gestern"], "'gestern' is no time"),
        (["drift", "--notes", "--seen", "x.jsonl", "--baseline", "b.json"], "no baseline"),
        (["baseline", "--notes", "--seen", "x.jsonl"], "two sources"),
        (["baseline", "--data", "x", "--notes"], "another source"),
        (["baseline", "--truths", "x.jsonl"], "goes with --seen"),
        (["baseline", "--seen", "none.jsonl"], "cannot be read"),
        (["baseline"], "holds 0 pages of a kind"),
    ],
)
def test_bad_use_is_one_sentence(
    tmp_path: Path, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = Workspace.init(tmp_path)
    command, *rest = arguments
    assert main(["monitor", command, "--workspace", str(workspace.root), *rest]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1 and said in error


def test_a_row_that_is_no_reading_is_named_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = lines(tmp_path / "seen.jsonl", traffic(1))
    count = len(path.read_text().splitlines())
    with path.open("a") as stream:
        stream.write('{"id": "a"}\n')
    assert main(["monitor", "baseline", "--workspace", str(tmp_path), "--seen", str(path), "--out", "b.json"]) == 2
    assert f"seen.jsonl:{count + 1}" in capsys.readouterr().err


def test_outside_of_a_workspace_a_file_must_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["monitor", "drift", "--workspace", str(tmp_path)]) == 2
    assert "--baseline" in capsys.readouterr().err
