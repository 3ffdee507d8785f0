"""Trainings side by side: the models of one after the other; one that fails, and a stop. Covers X4, A5."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from emendo.datasets import Dataset
from emendo.datasets.synth import synth_lines
from emendo.errors import EngineError, UsageError
from emendo.models.bundle import GRAPH_FILE, WEIGHTS_FILE
from emendo.train import parallel
from emendo.train.firewall import LabelReport, check_labels
from emendo.train.parallel import Training, jobs_for, train_all
from emendo.train.recipe import Recipe
from emendo.types import Sample

SHORT = Recipe(steps=3, evaluations=1, replay=0.0, lines_per_batch=2, language="none")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sample, ...]:
    made: Dataset = synth_lines(
        12, 5, tmp_path_factory.mktemp("parallel") / "lines", languages=("en",), fonts="builtin"
    )
    return made.samples


def judged(report: LabelReport) -> list[tuple[str, int, str, float, float]]:
    return [
        (one.sample.id, one.fold, one.verdict.reading, one.verdict.wrong, one.verdict.ratio) for one in report.judged
    ]


def test_folds_side_by_side_are_those_one_after_the_other(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    """Two processes with a thread each, one of them killed on the way, against one thread here."""
    killed: list[int | None] = []

    def kill_one(done: int, total: int, text: str) -> None:
        if done and not killed:
            victim = multiprocessing.active_children()[0]
            killed.append(victim.pid)
            victim.kill()

    work = tmp_path / "beside"
    with pytest.raises(EngineError, match=r"fold \d of 2 failed \(its process was ended by signal 9") as caught:
        check_labels(samples, folds=2, work=work, recipe=SHORT, threads=2, jobs=2, progress=kill_one)
    assert "1 of 2 are finished and kept; run the same command again" in str(caught.value)
    assert multiprocessing.active_children() == []
    (kept,) = work.glob("*/report.json")
    before = kept.stat().st_mtime_ns
    texts: list[str] = []
    beside = check_labels(
        samples, folds=2, work=work, recipe=SHORT, threads=2, jobs=2, progress=lambda *state: texts.append(state[2])
    )
    assert kept.stat().st_mtime_ns == before, "a finished fold is not trained again"
    assert any("fold 1 of 2: " in text and "fold 2 of 2: " in text for text in texts)
    alone = check_labels(samples, folds=2, work=tmp_path / "alone", recipe=SHORT, threads=1, jobs=1)
    assert judged(beside) == judged(alone)
    for fold in ("fold-0", "fold-1"):
        for name in (GRAPH_FILE, WEIGHTS_FILE):
            one, other = (root / fold / "bundle" / name for root in (work, tmp_path / "alone"))
            assert one.read_bytes() == other.read_bytes()
    with pytest.raises(UsageError, match="was trained on other labels; name another --out"):
        corrected = [replace(sample, text=f"{sample.text}.") for sample in samples]
        check_labels(corrected, folds=2, work=work, recipe=SHORT, threads=2, jobs=2)
    with pytest.raises(UsageError, match="was trained on other settings; name another --out"):
        check_labels(samples, folds=2, work=work, recipe=SHORT.model_copy(update={"steps": 4}), threads=2, jobs=2)


def test_ctrl_c_ends_the_processes(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    def interrupt(done: int, total: int, text: str) -> None:
        raise KeyboardInterrupt

    two = [Training(name, samples, tmp_path / name, "base", SHORT) for name in ("a", "b")]
    with pytest.raises(KeyboardInterrupt):
        train_all(two, jobs=2, threads=2, progress=interrupt)
    assert multiprocessing.active_children() == []


def test_one_that_fails_leaves_the_others_alone(samples: tuple[Sample, ...], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    some = [
        Training("none", (), tmp_path / "none", "base", SHORT),
        Training("file", samples, tmp_path / "file", "base", SHORT),
        Training("good", samples, tmp_path / "good", "base", SHORT),
    ]
    none, file, good = train_all(some, jobs=1, threads=1)
    assert none.bundle is None and "too few" in none.fault and "\n" not in none.fault
    assert file.bundle is None and "file" in file.fault
    assert good.bundle == tmp_path / "good" / "bundle" and good.fault == ""


@pytest.mark.parametrize(
    ("trainings", "threads", "free", "jobs"),
    [
        (3, 2, 1e9, 3),
        (4, 2, 1e9, 2),
        (10, 4, 1e9, 5),
        (3, 8, 1e9, 3),
        (3, 8, 2 * parallel.MEGABYTES + 1.0, 2),
        (3, 8, 10.0, 1),
        (5, 1, 1e9, 1),
        (0, 2, 1e9, 1),
    ],
)
def test_as_many_at_once_as_threads_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch, trainings: int, threads: int, free: float, jobs: int
) -> None:
    monkeypatch.setattr(parallel, "available_mb", lambda: free)
    assert jobs_for(trainings, threads) == jobs
