"""`emendo label` and documents with fields: bad use is one sentence. What it serves is tested in tests/web."""

from __future__ import annotations

from pathlib import Path

import pytest

from emendo.cli import main


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["missing.jsonl"], "missing.jsonl: is not there"),
        (["."], "is in no workspace"),
        ([".", "--prefill"], "has no manifest with fields to start from"),
        (["lines.jsonl"], "has no row with fields"),
        (["bad.jsonl"], "bad.jsonl:1: "),
    ],
)
def test_bad_use_is_one_sentence(
    arguments: list[str],
    expected: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.jsonl").write_text('{"image": "a.png", "text": "a"}\n')
    (tmp_path / "bad.jsonl").write_text('{"image": "../a.png", "fields": {}}\n')
    assert main(["label", *arguments]) == 2
    said = capsys.readouterr().err
    assert expected in said and said.count("error:") == 1 and "Traceback" not in said
