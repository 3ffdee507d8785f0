"""The contract of the command line: exit status, one error line, one JSON object."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from emendo.cli import main


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(list(arguments))
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["raed", "x.pdf"], "No such command"),
        (["read"], "Missing argument"),
        (["read", "missing.pdf"], "missing.pdf: is not there"),
        (["read", "missing.pdf", "--model", "nowhere"], "nowhere"),
        (["collect", "/"], "is in no workspace; run `emendo init"),
        (["promote", "x", "--workspace", "/"], "is in no workspace"),
        (["evaluate", "--data", "missing.jsonl"], "missing.jsonl"),
        (["evaluate", "--data", "missing.jsonl", "--split", "tset"], "missing.jsonl"),
        (["train", "--data", "missing.jsonl", "--out", "out"], "missing.jsonl"),
        (["train", "--data", "missing.jsonl", "--out", "out", "--recipe", "defualt"], "did you mean 'default'"),
        (["train", "--data", "missing.jsonl", "--out", "out", "--set", "stps=3"], "did you mean 'steps'"),
        (["dataset", "fetch", "perraire"], "unknown data set 'perraire'"),
        (["dataset", "show", "x=y:z"], "no manifest"),
        (["bench", "speed"], "unknown benchmark 'speed'"),
    ],
)
def test_bad_use_is_one_line_and_exit_2(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capsys, *arguments)
    assert status == 2
    assert out == ""
    assert re.fullmatch(r"error: [^\n]+\n", err), err
    assert expected in err


def test_a_wrong_setting_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run(capsys, "init", ".")
    (tmp_path / "emendo.toml").write_text("[gate]\nconfidense = 0.9\n", encoding="utf-8")
    status, _, err = run(capsys, "models")
    assert status == 2
    assert "did you mean 'confidence'" in err


def test_json_is_one_object_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "init", "notes")[0] == 0
    status, out, _ = run(capsys, "models", "--workspace", "notes", "--json")
    assert status == 0
    assert [model["id"] for model in json.loads(out)["models"]] == ["base"]
    status, out, _ = run(capsys, "collect", "notes", "--json")
    assert (status, json.loads(out)["new"]) == (0, 0)


def test_a_workspace_without_corrections_is_no_data_set_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run(capsys, "init", "notes")
    status, _, err = run(capsys, "train", "--data", "notes", "--out", "run")
    assert status == 2
    assert "holds no corrections yet; correct a text that was read" in err
    assert not (tmp_path / "run").exists()


def test_check_says_1_for_a_faulty_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(capsys, "synth", "lines", "-n", "6", "--out", "lines", "--fonts", "builtin", "--json")[0] == 0
    assert run(capsys, "check", "lines", "--json")[0] == 0
    (tmp_path / "lines" / "images" / "broken.png").write_bytes(b"no image")
    manifest = next((tmp_path / "lines").glob("*.jsonl"))
    with manifest.open("a", encoding="utf-8") as stream:
        stream.write('{"image": "images/broken.png", "text": "x"}\n')
    status, out, _ = run(capsys, "check", "lines", "--json")
    report = json.loads(out)
    assert status == 1
    assert not report["ok"]
    assert any(f"{manifest.name}:7" in finding["where"] for finding in report["findings"])


def test_rollback_without_a_past_says_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run(capsys, "init", ".")
    status, _, err = run(capsys, "rollback")
    assert status == 1
    assert err.startswith("error: ")


def test_reading_never_loads_torch(tmp_path: Path, data: Path) -> None:
    page = tmp_path / "page.jpg"
    page.write_bytes((data / "peraire" / "raw_alto" / "D.2.eurasie-3-4_0016.jpg").read_bytes())
    code = (
        "import sys; from emendo.cli import main; status = main(sys.argv[1:]); "
        "assert 'torch' not in sys.modules; sys.exit(status)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "read", str(page), "--json"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert summary["read"] == 1
    assert summary["lines"] > 15
    assert (tmp_path / "page.txt").read_bytes() == (tmp_path / "page.txt.orig").read_bytes()


def test_one_bad_input_does_not_stop_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "synth", "lines", "-n", "1", "--out", str(tmp_path / "lines"), "--fonts", "builtin")
    good = next((tmp_path / "lines" / "images").glob("*.png"))
    bad = tmp_path / "page.png"
    bad.write_bytes(b"<html>")
    status, out, err = run(capsys, "read", str(bad), str(good), "--out", str(tmp_path / "out"), "--json")
    assert status == 2
    summary = json.loads(out)
    assert (summary["read"], summary["failed"]) == (1, 1)
    assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1


def test_ctrl_c_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("emendo.cli.loop.open_context", pressed)
    status, out, err = run(capsys, "read", str(tmp_path))
    assert (status, out) == (130, "")
    assert err == "error: stopped by the user; run the same command again to go on\n"


PRESSED_EARLY = """
import sys
import emendo.__main__ as program

class Pressed:
    def find_spec(self, name, *_):
        if name == "emendo.cli":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Pressed())
sys.exit(program.main())
"""


def test_ctrl_c_while_the_program_starts_is_no_traceback() -> None:
    done = subprocess.run([sys.executable, "-c", PRESSED_EARLY], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
