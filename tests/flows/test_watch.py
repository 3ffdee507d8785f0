"""The automatic loop on a drawn notebook: read, corrected, collected, trained, judged, and safe to stop anywhere."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from emendo.datasets import open_dataset
from emendo.datasets.notebook import synth_notebook
from emendo.errors import DataError, Refused
from emendo.flows.demo import correct_by_truth, lay_out
from emendo.flows.watch import Watcher, watch
from emendo.learn import round as learning
from emendo.pages.note import note_files
from emendo.release import read_judgement
from emendo.settings import load_settings
from emendo.train.curve import read_curve
from emendo.train.unlabelled import NothingRead
from emendo.types import Sample, Split
from emendo.workspace.folder import Workspace

RECIPE = "steps: 4\nlines_per_batch: 4\nevaluations: 1\nreplay: 0\n"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "notebook"
    synth_notebook(folder, 3, pages=5, test_pages=1)
    return folder


@pytest.fixture
def watcher(tmp_path: Path, notebook: Path) -> Watcher:
    """A workspace with three pages of six lines each, and a recipe of a few steps."""
    workspace = Workspace.init(tmp_path / "notes")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    pages: dict[str, list[object]] = {}
    for sample in open_dataset(notebook).split(Split.TRAIN):
        pages.setdefault(sample.group, []).append(sample)
    for name, page in pages.items():
        lay_out(page[:6], workspace.root / f"{name}.png")  # type: ignore[arg-type]
    quick = {"watch__settle_seconds": 0, "watch__min_corrections": 6}
    settings = load_settings(workspace.root, environment={}, **quick, gate__min_test_lines=2, gate__general_lines=20)
    return Watcher(workspace, settings, recipe=str(recipe))


def truth_of(notebook: Path, document: Path) -> list[str]:
    samples = [s for s in open_dataset(notebook).split(Split.TRAIN) if s.group == document.stem]
    return [s.text or "" for s in samples[:6]]


def test_the_loop_runs_by_itself(watcher: Watcher, notebook: Path) -> None:
    root = watcher.workspace.root
    first = watcher.look()
    assert (first.read, first.lines, first.round) == (3, 18, None)
    assert watcher.look().read == 0

    for document in sorted(root.glob("*.png")):
        correct_by_truth(document, truth_of(notebook, document))
    said: list[str] = []
    watcher.log = said.append
    second = watcher.look()
    assert said[-1].startswith("Correct"), "the round ends with advice"
    assert second.corrections >= 16, "a line that cannot be aligned with confidence is left out"
    assert second.round is not None
    assert second.round.promoted is not None, second.round.reason
    bundle = watcher.workspace.runs / second.round.run / "bundle"
    assert (bundle / "bundle.yaml").is_file()
    curve = read_curve(bundle.parent)
    assert (curve.total, curve.steps, len(curve.losses)) == (4, 4, 4)
    judged = read_judgement(bundle.parent / learning.JUDGEMENT)
    assert judged is not None and judged.decision.passed == second.round.promoted
    assert judged.comparison is not None and len(judged.comparison.pairs) > 0
    champion = watcher.workspace.champion()
    assert (champion is not None and champion.model != "base") == second.round.promoted

    with watcher.workspace.store() as store:
        assert learning.corrections_waiting(store) == 0
        assert learning.unfinished(store) is None
    third = watcher.look()
    assert (third.read, third.corrections, third.round) == (0, 0, None)


def test_what_nobody_has_corrected_teaches_too(
    watcher: Watcher, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, _, third = sorted(watcher.workspace.root.glob("*.png"))
    third.unlink()
    watcher.look()
    correct_by_truth(document, truth_of(notebook, document))
    eager = {"watch__settle_seconds": 0, "watch__min_corrections": 1, "watch__unlabelled": True}
    watcher.settings = load_settings(environment={}, **eager)
    asked: list[tuple[set[str], set[str]]] = []

    def both(samples: Sequence[Sample], others: Sequence[Sample], **_: object) -> None:
        asked.append(({one.id for one in samples}, {one.id for one in others}))
        raise NothingRead("none of them was read with confidence")

    def plain(samples: Sequence[Sample], **_: object) -> None:
        assert {one.id for one in samples} == asked[0][0], "then the corrections teach alone"
        raise DataError("seen")

    monkeypatch.setattr("emendo.train.unlabelled.train_with_unlabelled", both)
    monkeypatch.setattr("emendo.train.run.train", plain)
    ended = watcher.look().round
    assert ended is not None and ended.reason == "seen"
    [(corrected, others)] = asked
    with watcher.workspace.store() as store:
        assert corrected == {correction.line for correction in store.corrections()}
        assert corrected | others == {line.id for line in store.lines()}
    assert len(others) >= 6 and not corrected & others


def test_a_round_that_was_cut_off_is_finished(
    watcher: Watcher, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher.look()
    for document in sorted(watcher.workspace.root.glob("*.png")):
        correct_by_truth(document, truth_of(notebook, document))

    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(learning, "promote", stop)
        with pytest.raises(KeyboardInterrupt):
            watcher.look()
    with watcher.workspace.store() as store:
        plan = learning.unfinished(store)
    assert plan is not None
    made = watcher.workspace.runs / str(plan["run"]) / "report.json"
    written = made.stat().st_mtime_ns
    again = watcher.look()
    assert again.round is not None
    assert again.round.run == plan["run"]
    assert made.stat().st_mtime_ns == written, "the finished training was not done twice"


def test_a_bad_file_is_told_once_and_stops_nothing(watcher: Watcher) -> None:
    said: list[str] = []
    watcher.log = said.append
    (watcher.workspace.root / "broken.png").write_bytes(b"<html></html>")
    assert watcher.look().read == 3
    watcher.look()
    assert len([line for line in said if "broken.png" in line]) == 1


def test_a_file_that_is_still_arriving_is_waited_for(watcher: Watcher) -> None:
    watcher.settings = load_settings(environment={}, watch__settle_seconds=3600)
    assert watcher.look().read == 0
    for document in watcher.workspace.root.glob("*.png"):
        os.utime(document, (time.time() - 7200, time.time() - 7200))
    watcher.settings = load_settings(environment={}, watch__settle_seconds=0)
    assert watcher.look().read == 3


def test_a_conflict_copy_is_named_and_not_read(watcher: Watcher) -> None:
    root = watcher.workspace.root
    page = sorted(root.glob("*.png"))[0]
    shutil.copy(page, root / f"{page.stem} (Anna's conflicted copy 2026-11-20).png")
    said: list[str] = []
    watcher.log = said.append
    assert watcher.look().read == 3
    assert any("conflict copy" in line for line in said)


def test_a_new_scan_of_a_page_is_read_again(watcher: Watcher, notebook: Path) -> None:
    watcher.look()
    root = watcher.workspace.root
    page = sorted(root.glob("*.png"))[0]
    samples = [s for s in open_dataset(notebook).split(Split.TRAIN) if s.group == page.stem]
    lay_out(samples[6:9], page)
    assert watcher.look().read == 1
    rows = note_files(page).manifest.read_text(encoding="utf-8").splitlines()
    assert len([json.loads(row) for row in rows]) == 3


def test_watch_stops_when_told(watcher: Watcher) -> None:
    looks = iter([True, True, False])
    watcher.settings = load_settings(environment={}, watch__settle_seconds=0, watch__poll_seconds=0.01)
    assert watch(watcher, go_on=lambda: next(looks)).read == 0


def test_the_gate_has_the_last_word(watcher: Watcher, notebook: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watcher.look()
    for document in sorted(watcher.workspace.root.glob("*.png")):
        correct_by_truth(document, truth_of(notebook, document))

    def refuse(*_: object, **__: object) -> None:
        raise Refused("not promoted: worse on your test lines")

    monkeypatch.setattr(learning, "promote", refuse)
    look = watcher.look()
    assert look.round is not None
    assert look.round.promoted is False
    assert "worse" in look.round.reason
    assert watcher.workspace.champion() is None
