"""Whole runs on real lines: what they leave, that they go on after kill -9, and what they refuse."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from emendo.datasets.dataset import open_dataset
from emendo.errors import DataError, UsageError
from emendo.models.bundle import read_bundle
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.train import session
from emendo.train.recipe import PLATES, Recipe, load_recipe, recipe_names
from emendo.train.run import dry_run, train
from emendo.train.session import last_checkpoint
from emendo.train.trainer import Watch

RECIPE = Recipe(steps=6, lines_per_batch=2, evaluations=3, replay=0.3, learning_rate=5e-4, precision="float32")

CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_run import RECIPE, parts
from emendo.train.run import dry_run, train
own, val = parts(Path({data!r}))
train(own, val=val, out=Path({out!r}), recipe=RECIPE, threads=1, progress=lambda *state: print(*state, flush=True))
"""


def parts(data: Path):
    """Twelve short training lines and three validation lines, cheap to read."""
    dataset = open_dataset(data / "peraire")
    short = sorted(dataset.split("train")[:150], key=lambda sample: (len(sample.text or ""), sample.id))
    return tuple(short[10:22]), tuple(dataset.split("val")[:3])


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "out"
    own, val = parts(data)
    seen = []
    result = train(
        own, val=val, out=out, recipe=RECIPE, threads=1, progress=lambda done, total, text: seen.append((done, total))
    )
    return result, out, seen


def test_a_run_leaves_everything_it_was_made_of(finished, data):
    result, out, seen = finished
    assert {path.name for path in out.iterdir()} == {
        "bundle",
        "logs",
        "run.yaml",
        "report.json",
        "curve.png",
        "curve.jsonl",
    }
    run = yaml.safe_load((out / "run.yaml").read_text("utf-8"))
    assert run["recipe"] == RECIPE.model_dump()
    assert run["schedule"]["steps"] == 6
    assert len(run["data"]["hash"]) == 64
    assert run["versions"]["torch"] and run["machine"]["threads"] == 1
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert report == json.loads(json.dumps(result.report))
    assert [step for step, _ in report["losses"]] == [1, 2, 3, 4, 5, 6]
    assert [step for step, _ in report["cers"]] == [0, 2, 4, 6]
    assert report["cer_after"] == min(cer for _, cer in report["cers"]) <= report["cer_before"]
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert list((out / "logs").glob("events.out.tfevents*"))
    assert seen[-1] == (6, 6)
    assert any("before" in sentence for sentence in result.sentences())


@pytest.mark.parametrize("name", [name for name in recipe_names("ctc") if name != PLATES])
def test_every_recipe_trains_for_a_few_steps(data, tmp_path, name):
    own, val = parts(data)
    quick = ["steps=2", "lines_per_batch=2", "evaluations=1", "replay=0", "precision=float32"]
    result = train(own, val=val, base="base", out=tmp_path / "run", recipe=load_recipe(name, quick), threads=1)
    assert result.report["steps"] == 2
    run = yaml.safe_load((tmp_path / "run" / "run.yaml").read_text("utf-8"))
    few = pytest.approx(0.7)
    assert run["schedule"]["share"] == {"default": few, "fast": 1.0, "hands": 0.6, "script": few}[name]


def test_a_sign_for_a_phrase_is_found_trained_and_read(data, tmp_path):
    book = [s for s in open_dataset(data / "arabic_print").split("train") if s.attributes["book"].endswith("Kamil")]
    phrase = "صلى الله عليه وآله وسلم"
    own = [sample for sample in book if len(sample.text) < 95][200:265]
    assert sum(phrase in sample.text for sample in own) > 8
    quick = ["steps=2", "lines_per_batch=2", "evaluations=1", "replay=0", "precision=float32", "language=none"]
    result = train(own, base="base-ar", out=tmp_path / "run", recipe=load_recipe("default", quick), threads=1)
    run = yaml.safe_load((tmp_path / "run" / "run.yaml").read_text("utf-8"))
    assert run["signs"] == [phrase]
    assert phrase in read_bundle(result.bundle).info.alphabet
    without = load_recipe("default", [*quick, "signs=false"])
    plain = train(own, base="base-ar", out=tmp_path / "plain", recipe=without, threads=1)
    assert phrase not in read_bundle(plain.bundle).info.alphabet
    assert read_bundle(plain.bundle).info.alphabet == read_bundle(result.bundle).info.alphabet[:-1]


def test_the_bundle_reads_as_the_report_says(finished, data):
    from emendo.image.load import sample_image
    from emendo.metrics.align import Counts, counts

    result, _, _ = finished
    bundle = read_bundle(result.bundle)
    assert bundle.info.parity["same_reading"] is True
    assert bundle.info.parity["log_prob_difference"] < 5e-3
    _, val = parts(data)
    readings = CtcRecognizer(bundle).read([sample_image(sample) for sample in val])
    total = sum((counts(s.text or "", r.text) for s, r in zip(val, readings, strict=True)), Counts())
    assert total.cer == pytest.approx(result.report["cer_after"])


def started(data: Path, out: Path) -> subprocess.Popen[str]:
    """The same run in a process of its own, to which signals can be sent."""
    code = CHILD.format(tests=str(Path(__file__).parent), data=str(data), out=str(out))
    return subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ.copy()
    )


def signalled(child: subprocess.Popen[str], number: signal.Signals, *, at: str) -> str:
    """Send a signal when the run tells the step `at`; what it wrote to standard error before it ended."""
    assert child.stdout is not None
    for row in child.stdout:
        if row.startswith(at):
            child.send_signal(number)
            break
    return child.communicate()[1]


def test_after_kill_9_the_run_goes_on_with_the_same_losses(finished, data, tmp_path):
    out = tmp_path / "killed"
    child = started(data, out)
    signalled(child, signal.SIGKILL, at="3 6")
    assert child.wait() == -signal.SIGKILL
    assert last_checkpoint(out / "checkpoints") is not None
    own, val = parts(data)
    resumed = train(own, val=val, out=out, recipe=RECIPE, resume=True, threads=1)
    whole, _, _ = finished
    assert resumed.report["losses"] == whole.report["losses"]
    assert len(whole.report["losses"]) == 6
    assert resumed.report["cers"] == whole.report["cers"]
    assert resumed.report["model"] == whole.report["model"]


def test_a_half_written_checkpoint_is_passed_over(tmp_path):
    for step, state in ((2, "{}"), (4, '{"global_step":')):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        for name in session._CHECKPOINT_FILES:
            (folder / name).write_text(state if name == "trainer_state.json" else "x", encoding="utf-8")
    (tmp_path / "checkpoint-6").mkdir()
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-2"


def test_ctrl_c_stops_after_the_step_and_the_run_can_go_on(data, tmp_path):
    child = started(data, tmp_path / "run")
    said = signalled(child, signal.SIGINT, at="1 6")
    assert child.returncode == 1
    assert re.search(r"Interrupted: stopped after step [1-5] of 6; go on with --resume", said), said
    assert last_checkpoint(tmp_path / "run" / "checkpoints") is not None


def test_the_handler_of_ctrl_c_is_put_back():
    handler, watch = signal.getsignal(signal.SIGINT), Watch(1, print)
    with session.stop_on_interrupt(watch):
        press = signal.getsignal(signal.SIGINT)
        assert callable(press) and press is not handler
        press(signal.SIGINT, None)
        assert watch.stop_wanted and signal.getsignal(signal.SIGINT) is handler  # twice stops at once
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_finished_run_is_not_overwritten_and_resume_returns_it(finished, data):
    result, out, _ = finished
    own, val = parts(data)
    with pytest.raises(UsageError, match="holds a run already"):
        train(own, val=val, out=out, recipe=RECIPE)
    assert train(own, val=val, out=out, recipe=RECIPE, resume=True) == result


def test_resuming_with_other_data_is_refused(data, tmp_path):
    own, _ = parts(data)
    out = tmp_path / "run"
    out.mkdir()
    (out / "run.yaml").write_text("data: {hash: other}\n", encoding="utf-8")
    with pytest.raises(UsageError, match="belongs to a run with another"):
        train(own, out=out, recipe=RECIPE, resume=True)


def test_too_few_lines_are_refused_before_anything_is_written(data, tmp_path):
    own, _ = parts(data)
    with pytest.raises(DataError, match="too few"):
        train(own[:2], out=tmp_path / "run", recipe=RECIPE)
    assert not (tmp_path / "run").exists()


def test_a_blown_up_loss_starts_again_slower_and_never_ends_worse(data, tmp_path):
    own, val = parts(data)
    wild = RECIPE.model_copy(update={"learning_rate": 0.9, "warmup": 0.0, "steps": 5, "replay": 0.0})
    result = train(own, val=val, out=tmp_path / "run", recipe=wild, threads=1)
    assert result.report["restarts"] >= 1
    assert result.report["cer_after"] <= result.report["cer_before"]


def test_a_dry_run_tries_everything_and_tells_what_the_long_run_takes(data, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own, _ = parts(data)
    seen = dry_run(own, 4, recipe=RECIPE.model_copy(update={"steps": 40}), threads=1)
    assert (seen["lines"], seen["rehearsed"], seen["steps"]) == (12, 4, 40)
    assert seen["estimated_seconds"] == pytest.approx(40 * seen["step_seconds"]) and seen["step_seconds"] > 0
    assert seen["parity"]["same_reading"] is True
    assert list(tmp_path.iterdir()) == []
