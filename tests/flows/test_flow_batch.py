"""`emendo flow batch` end to end: cards, poisoned pictures, kill -9 in the middle, and what is refused. Covers A6."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from emendo.cli import main

from ..pages.bulk.trap import lay
from ..release.colours import colour_samples, write_colour_bundle

TEXTS = tuple("abcdefg"[at % 7] + "gfedcba"[at % 5] + "bdfaceg"[at % 3] for at in range(150))
PATIENCE = 300.0


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(write_colour_bundle(tmp_path / "colours").folder)


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "readings.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_batch_reads_everything_once_and_goes_on(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoken_to = lay(tmp_path / "site", monkeypatch)
    monkeypatch.setenv("EMENDO_FLOW__SHARD", "20")
    monkeypatch.setenv("EMENDO_FLOW__TRIES", "1")
    monkeypatch.setenv("EMENDO_FLOW__TASKS", "2")
    samples = colour_samples(tmp_path / "pictures", TEXTS[:45])
    samples[30].image.rename(samples[30].image.with_name("kill-030.png"))
    out = tmp_path / "out"
    command = ["flow", "batch", str(tmp_path / "pictures"), "--crops", "--model", model, "--out", str(out)]
    assert main([*command, "--workspace", str(tmp_path), "--threads", "1", "--json"]) == 2
    streams = capsys.readouterr()
    found = json.loads(streams.out)
    assert (found["items"], found["read"], found["failed"], found["shards_now"]) == (45, 44, 1, 3)
    assert found["deaths"] >= 1 and "kill-030.png" in found["failures"][0]
    assert [line for line in streams.err.splitlines() if line.startswith("error: ")] == [
        f"error: {found['failures'][0]}"
    ]
    read = {row["id"]: row["text"] for row in rows_of(out) if "error" not in row}
    assert len(rows_of(out)) == 45
    assert read == {
        str(one.image): text for at, (one, text) in enumerate(zip(samples, TEXTS, strict=False)) if at != 30
    }
    card = (out / "cards" / "batch.html").read_text(encoding="utf-8")
    assert "kill-030.png" in card and "44" in card and "<svg" in card and "<script" not in card
    assert list((out / ".metaflow").rglob("*emendo_page*.html")), "the card is Metaflow's too"
    assert not spoken_to.exists(), "nothing was contacted"
    before = {path: path.stat().st_mtime_ns for path in (out / "shards").iterdir()}
    assert main([*command, "--workspace", str(tmp_path), "--threads", "1"]) == 2
    assert "44 of 45 read, 44 lines" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in (out / "shards").iterdir()} == before
    assert not list(tmp_path.glob(".metaflow")) and not Path(".metaflow").exists()


def test_a_killed_batch_goes_on_and_no_line_is_lost_or_doubled(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path / "site", monkeypatch)
    monkeypatch.setenv("EMENDO_FLOW__SHARD", "10")
    samples = colour_samples(tmp_path / "pictures", TEXTS)
    rows = []
    for sample in samples:
        slow = sample.image.rename(sample.image.with_name(f"slow-{sample.image.name}"))
        rows.append(json.dumps({"id": sample.id, "image": slow.name, "text": sample.text}))
    manifest = tmp_path / "pictures" / "lines.jsonl"
    manifest.write_text("\n".join(rows) + "\n", encoding="utf-8")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "emendo", "flow", "batch", "--data", str(manifest), "--model", model]
    command += ["--out", str(out), "--workspace", str(tmp_path), "--threads", "1"]
    whole: dict[Path, int] = {}
    for _ in range(2):
        running = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: len(list((out / "shards").glob("*.jsonl"))) > len(whole) + 1)  # noqa: B023
        tree = [*running.children(recursive=True), running]
        for one in tree:
            one.kill()
        psutil.wait_procs(tree, PATIENCE)
        whole = {path: path.stat().st_mtime_ns for path in (out / "shards").glob("*.jsonl")}
    assert 2 <= len(whole) < 15
    done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["shards_now"] == 15 - len(whole), "only what was missing was read"
    assert {path: path.stat().st_mtime_ns for path in whole} == whole
    assert [(row["id"], row["text"]) for row in rows_of(out)] == [(one.id, one.text) for one in samples]


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_command_is_killed_alone_its_steps_end_too(
    tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    lay(tmp_path / "site", monkeypatch)
    samples = colour_samples(tmp_path / "pictures", TEXTS[:1])
    samples[0].image.rename(samples[0].image.with_name("hang-0.png"))
    command = [sys.executable, "-m", "emendo", "flow", "batch", str(tmp_path / "pictures"), "--crops"]
    command += ["--model", model, "--out", str(tmp_path / "out"), "--workspace", str(tmp_path), "--threads", "1"]
    running = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    others: list[psutil.Process] = []
    try:
        wait_for(lambda: any(reads(one) for one in running.children(recursive=True)))
        others = running.children(recursive=True)
        running.send_signal(number)
        assert running.wait() == (-number if number == signal.SIGKILL else 128 + number)
        wait_for(lambda: not any(alive(one) for one in others))
    finally:
        for one in (*others, running):
            with suppress(psutil.NoSuchProcess):
                one.kill()


def reads(process: psutil.Process) -> bool:
    """Whether a process is one of those that read pictures."""
    try:
        return "multiprocessing.spawn" in " ".join(process.cmdline())
    except psutil.Error:  # it has ended meanwhile
        return False


def alive(process: psutil.Process) -> bool:
    """Whether a process still does anything; one whose end nobody has asked for yet does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "a batch is of inputs or of a data set"),
        (["here", "--data", "there"], "a batch is of inputs or of a data set"),
        (["--data", "there", "--crops"], "--crops is for INPUTs"),
        (["here", "--pages"], "--pages for --data"),
    ],
)
def test_a_batch_of_nothing_is_refused(
    given: list[str], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["flow", "batch", *given, "--out", str(tmp_path / "out")]) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_is_no_folder_for_what_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    assert main(["flow", "batch", str(tmp_path), "--crops", "--out", str(taken), "--workspace", str(tmp_path)]) == 2
    assert f"{taken}: is a file; give another --out, a folder" in capsys.readouterr().err


def test_errors_of_a_step_are_those_of_the_command(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    missing = ["flow", "batch", str(tmp_path / "nothing"), "--crops", "--model", model, "--out", str(out)]
    assert main(missing) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert errors == [f"error: {tmp_path / 'nothing'}: is not there"]
    assert "Traceback" in (out / "flow.log").read_text(encoding="utf-8"), "the log has all of it"
    assert main([*missing, "--resume"]) == 2
    assert "is not there" in capsys.readouterr().err
    colour_samples(tmp_path / "nothing", TEXTS[:3])
    assert main([*missing, "--resume", "--json"]) == 0, "the run goes on once its fault is mended"
    assert json.loads(capsys.readouterr().out)["read"] == 3
    assert main(["flow", "batch", str(tmp_path), "--crops", "--out", str(out), "--resume"]) == 2
    assert "holds a run with another order; leave out --resume" in capsys.readouterr().err
    assert main(["flow", "batch", str(tmp_path), "--out", str(tmp_path / "new"), "--resume"]) == 2
    assert "holds no run that could go on" in capsys.readouterr().err


def test_two_flows_are_never_at_work_in_one_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with (out / "flow.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert main(["flow", "batch", str(tmp_path), "--out", str(out)]) == 2
    assert "another flow is at work here; wait for it to end" in capsys.readouterr().err


def test_without_metaflow_it_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("emendo.flows.engine.find_spec", lambda name: None)
    assert main(["flow", "batch", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == (
        "error: flows need metaflow, which is not installed; pip install 'emendo[flows]'\n"
    )
    assert not (tmp_path / "out").exists()


def test_pages_of_documents_become_texts(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import pypdfium2

    monkeypatch.chdir(tmp_path)
    with pypdfium2.PdfDocument(data / "peraire" / "notebook_D2.pdf") as whole, pypdfium2.PdfDocument.new() as first:
        first.import_pages(whole, [2])
        first.save(tmp_path / "note.pdf")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and no more")
    assert main(["flow", "batch", str(tmp_path), "--model", "base", "--out", "out", "--json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["items"], found["read"], found["failed"]) == (2, 1, 1) and "broken.pdf" in found["failures"][0]
    page = next(row for row in rows_of(Path("out")) if "error" not in row)
    assert page["page"] == 1 and len(page["lines"]) == found["lines"] > 10
    text = Path("out/texts/note.txt").read_text(encoding="utf-8")
    assert text == page["text"] + "\n" and text.split() == " ".join(line["text"] for line in page["lines"]).split()
    assert {path.name for path in Path("out/texts").iterdir()} == {"note.txt"}, "what was not read has no text"
