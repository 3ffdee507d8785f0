"""How steps speak to the command that waits for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from emendo.errors import DataError, EmendoError, Refused, UsageError
from emendo.flows.sentences import FILE, heard, read, teller, told


def test_progress_is_heard_and_nothing_else_is(capsys: pytest.CaptureFixture[str]) -> None:
    tell = teller()
    tell(3, 10, "fold 1 of 2:\nepoch")
    tell(4, 10, "too soon to be told again")
    tell(10, 10, "done")
    lines = capsys.readouterr().out.splitlines()
    assert [heard(line) for line in lines] == [(3, 10, "fold 1 of 2: epoch"), (10, 10, "done")]
    for other in ("", "a line", "▸", "▸ x 10 text", "▸ 1", "Task is starting."):
        assert heard(other) is None
    assert heard("▸ 1 2 ") == (1, 2, "")


@pytest.mark.parametrize(
    "error",
    [
        Refused("3 errors", remedy="look at them"),
        UsageError("is not there", where="a/b.png"),
        DataError("bad row", where="lines.jsonl", line=7, remedy="mend it"),
        EmendoError("anything"),
    ],
)
def test_the_error_of_a_step_comes_out_as_it_went_in(tmp_path: Path, error: EmendoError) -> None:
    assert read(tmp_path) is None
    with pytest.raises(type(error)), told(tmp_path):
        raise error
    out = read(tmp_path)
    assert type(out) is type(error) and str(out) == str(error) and out.exit_status == error.exit_status
    with told(tmp_path / "other"):
        pass
    assert read(tmp_path / "other") is None


def test_a_file_that_is_no_error_is_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{torn")
    assert read(tmp_path) is None
    (tmp_path / FILE).write_text('{"error": "Path", "what": "x", "where": "", "line": null, "remedy": ""}')
    assert type(read(tmp_path)) is EmendoError
