"""Whole runs of the family `crnn` on drawn plates: what they leave, that they go on, collapse and are refused."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from emendo.datasets.plate_synth import plate_samples
from emendo.errors import BundleError, DataError
from emendo.image.load import sample_image
from emendo.models.bundle import read_bundle
from emendo.models.ctc.crnn_graph import build
from emendo.models.references import load_recognizer
from emendo.release.gate import examine
from emendo.train.crnn.collapse import Circumstances, Collapsed, explained
from emendo.train.crnn.recipe import CrnnRecipe
from emendo.train.run import RunResult, train
from emendo.train.session import Interrupted
from emendo.types import Origin, Sample

TINY: dict[str, Any] = {"batch": 4, "columns": 64, "precision": "float32", "force": True, "val_split": 0.25}


def recipe(**changes: Any) -> CrnnRecipe:
    return CrnnRecipe(**{**TINY, **changes})


@pytest.fixture(scope="module")
def plates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sample, ...]:
    """Sixteen labelled plates of Brazil, given as real ones."""
    drawn = plate_samples(16, 1, tmp_path_factory.mktemp("plates"), region="br")
    return tuple(replace(one, origin=Origin.GOLD, split=None) for one in drawn)


@pytest.fixture(scope="module")
def finished(plates: tuple[Sample, ...], tmp_path_factory: pytest.TempPathFactory) -> tuple[RunResult, Path, list[str]]:
    told: list[str] = []
    out = tmp_path_factory.mktemp("crnn") / "run"
    result = train(plates, base="crnn", recipe=recipe(steps=9), out=out, threads=1, tell=told.append)
    return result, out, told


def test_a_run_leaves_a_bundle_that_reads_and_a_line_for_each_epoch(
    finished: tuple[RunResult, Path, list[str]], plates: tuple[Sample, ...]
) -> None:
    result, out, told = finished
    assert {path.name for path in out.iterdir()} == {
        *("bundle", "logs", "run.yaml", "report.json", "curve.png", "curve.jsonl")
    }
    report = json.loads((out / "report.json").read_text("utf-8"))
    rows = report["epochs"]
    assert [row["step"] for row in rows] == [3, 6, 9]
    assert all(set(row) == {"epoch", "step", "loss", "val_loss", "cer", "exact"} for row in rows)
    assert len(told) == 3 and told[0].startswith("epoch 1/3: loss ") and ", val_loss " in told[0]
    assert "CER " in told[0] and told[0].endswith("exact 0.0 %")
    assert len(report["losses"]) == 9 and report["lines"] == 12 and report["judged_lines"] == 4
    run = yaml.safe_load((out / "run.yaml").read_text("utf-8"))
    assert run["val"]["held_out"] is True and run["base"]["name"] == "crnn"
    bundle = read_bundle(result.bundle)
    assert bundle.info.family == "crnn" and bundle.info.name == "run"
    assert bundle.info.parity["same_reading"] is True and bundle.info.parity["log_prob_difference"] < 1e-4
    assert bundle.info.parity["bundle"] == bundle.id and examine(bundle.folder)[1].good
    reader = load_recognizer(str(out))
    assert reader.model == f"run@{bundle.id}"
    assert len(reader.read([sample_image(one) for one in plates[:2]])) == 2


def test_a_stopped_run_goes_on_with_the_same_losses(
    finished: tuple[RunResult, Path, list[str]], plates: tuple[Sample, ...], tmp_path: Path
) -> None:
    out = tmp_path / "stopped"

    pressed: list[int] = []

    def press(done: int, total: int, text: str) -> None:
        if done == 4 and not pressed:  # a second time would stop the test run itself
            pressed.append(done)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match=r"stopped after step [45] of 9; go on with --resume"):
        train(plates, base="crnn", recipe=recipe(steps=9), out=out, threads=1, progress=press)
    resumed = train(plates, base="crnn", recipe=recipe(steps=9), out=out, threads=1, resume=True)
    whole = finished[0].report
    for key in ("losses", "cers", "epochs"):
        assert resumed.report[key] == whole[key]
    assert read_bundle(resumed.bundle).id == read_bundle(finished[0].bundle).id


def test_a_run_goes_on_from_a_crnn_and_learns_new_characters(
    finished: tuple[RunResult, Path, list[str]], plates: tuple[Sample, ...], tmp_path: Path
) -> None:
    result, out, _ = finished
    other = [replace(one, text=f"{one.text}Ä") for one in plates]
    further = train(other, base=str(out), recipe=recipe(steps=2), out=tmp_path / "more", threads=1)
    known = read_bundle(result.bundle).info.alphabet
    alphabet = read_bundle(further.bundle).info.alphabet
    assert alphabet[: len(known)] == known and "Ä" in alphabet[len(known) :]
    assert further.report["losses"][0][1] < result.report["losses"][0][1]  # it begins where the other ended


def test_drawn_plates_are_mixed_in_and_come_first(
    plates: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMENDO_CACHE", str(tmp_path / "cache"))
    mixed = recipe(steps=4, synthetic=8, region="br", force=False, pretrain=0.5)
    with pytest.raises(DataError, match="12 lines are too few"):  # eight drawn ones do not make it a hundred
        train(plates, base="crnn", recipe=mixed, out=tmp_path / "few", threads=1)
    forced = mixed.model_copy(update={"force": True})
    result = train(plates, base="crnn", recipe=forced, out=tmp_path / "run", threads=1)
    assert result.report["drawn"] == 8 and result.report["lines"] == 20
    assert result.report["schedule"] == {
        **{"steps": 4, "epoch": 4, "drawn_alone": 2, "real_per_batch": 2, "drawn_per_batch": 2}
    }


def test_too_few_labels_are_told_before_anything_is_trained_or_written(
    plates: tuple[Sample, ...], tmp_path: Path
) -> None:
    sentence = r"12 lines are too few .* would not converge .*; add drawn plates \(--set synthetic=8000\), start from"
    with pytest.raises(DataError, match=sentence):
        train(plates, base="crnn", recipe=recipe(force=False), out=tmp_path / "run", threads=1)
    assert not (tmp_path / "run").exists()


def test_a_blank_collapse_stops_the_run_early_with_cause_and_remedy(plates: tuple[Sample, ...], tmp_path: Path) -> None:
    wild = recipe(steps=120, learning_rate=0.05, warmup=0.0, clip=1e6, augment=0.0, force=False)
    seen: list[int] = []
    many = [replace(one, id=f"{one.id}-{turn}") for turn in range(10) for one in plates]
    with pytest.raises(Collapsed, match="blank collapse: at step") as caught:
        train(
            many, base="crnn", recipe=wild, out=tmp_path / "run", threads=1, progress=lambda done, *_: seen.append(done)
        )
    assert "the learning rate 0.05 is too high; start again with --set learning_rate=" in str(caught.value)
    assert max(seen) < 60 and caught.value.exit_status == 1
    assert not (tmp_path / "run" / "bundle").exists()


@pytest.mark.parametrize(
    ("seen", "sentence"),
    [
        (Circumstances(500, 5000, 0.05, 0.3), "learning rate 0.05 is too high"),
        (Circumstances(500, 5000, 1e-3, 0.8), "80 % of the frames .* --set columns=320"),
        (Circumstances(60, 0, 1e-3, 0.3), "60 lines are too few .* synthetic=8000"),
        (Circumstances(5000, 0, 1e-3, 0.3), "do not belong to their pictures; .* emendo check --plates"),
    ],
)
def test_each_cause_of_a_collapse_has_its_remedy(seen: Circumstances, sentence: str) -> None:
    with pytest.raises(Collapsed, match=sentence):
        raise explained(100, seen)


def test_a_network_that_reads_nothing_is_never_released(plates: tuple[Sample, ...], tmp_path: Path) -> None:
    many = [replace(one, id=f"{one.id}-{turn}") for turn in range(10) for one in plates]
    silent = recipe(steps=25, learning_rate=0.05, warmup=0.0, clip=1e6, augment=0.0, force=False)
    with pytest.raises(Collapsed, match="every frame of every line is blank"):
        train(many, base="crnn", recipe=silent, out=tmp_path / "run", threads=1)


def test_a_graph_that_differs_from_the_network_fails_the_run(
    plates: tuple[Sample, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forgetful(arrays: dict[str, Any]) -> Any:
        swapped = dict(arrays)
        swapped["lstm.bias_hh_l1"] = np.roll(arrays["lstm.bias_hh_l1"], 128)  # the gates in a wrong order
        return build(swapped)

    monkeypatch.setattr("emendo.train.crnn.fit.build", forgetful)
    with pytest.raises(BundleError, match="the graph differs from the network that was trained"):
        train(plates, base="crnn", recipe=recipe(steps=2), out=tmp_path / "run", threads=1)
    assert not (tmp_path / "run" / "bundle").exists()
