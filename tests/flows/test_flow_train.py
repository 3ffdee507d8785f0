"""`emendo flow train` end to end: folds, final model, threshold and gate, cards, going on. Covers A5, A6, N14."""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.synth import synth_lines
from emendo.flows.engine import Flow
from emendo.flows.orders import TrainOrder
from emendo.flows.parts import train
from emendo.flows.parts.train import TRAINED, corrections_waiting
from emendo.models.bundle import read_bundle
from emendo.types import Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry

from ..pages.bulk.trap import lay

QUICK = ("steps=2", "evaluations=1", "replay=0", "lines_per_batch=2", "language=none")
SETTINGS = [f"--set={one}" for one in QUICK]


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn lines; those that test end with a sign that is not in their pictures, so that no model reads them right."""
    made = synth_lines(14, 5, tmp_path_factory.mktemp("drawn") / "lines", languages=("en",), fonts="builtin")
    manifest = next(made.path.glob("*.jsonl"))
    rows = [json.loads(row) for row in manifest.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["text"] += " ?" if row["split"] == "test" else ""
    manifest.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return made.path


def test_a_model_is_trained_known_and_judged(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    spoken_to = lay(tmp_path / "site", monkeypatch)
    monkeypatch.setenv("EMENDO_GATE__MIN_TEST_LINES", "1")
    monkeypatch.setenv("EMENDO_GATE__GENERAL_LINES", "20")
    workspace = Workspace.init(tmp_path / "notes")
    out = tmp_path / "out"
    command = ["flow", "train", "--data", str(lines), "--out", str(out), "--folds", "2", "--base", "base", *SETTINGS]
    command += ["--workspace", str(workspace.root), "--threads", "1"]
    status = main([*command, "--require", "cer=0.99", "--require", "wer=1", "--register", "drawn", "--json"])
    streams = capsys.readouterr()
    assert status in {0, 1}, streams.err
    found = json.loads(streams.out)
    crossval = json.loads((out / "crossval.json").read_text(encoding="utf-8"))
    cers = [fold["cer"] for fold in crossval["folds"]]
    assert found["folds"]["cer"] == pytest.approx(statistics.fmean(cers))
    assert found["spread"]["cer"] == pytest.approx(statistics.stdev(cers))
    test = [one for one in open_dataset(lines).samples if one.split is not None and one.split.value == "test"]
    assert found["judged_on"] == f"{len(test)} test lines"
    assert crossval["together"]["samples"] + len(test) == 14, "test lines are in no fold"
    assert read_bundle(out / "final" / "bundle").id == found["model"]
    asked = {one["name"]: one["good"] for one in found["findings"]}
    assert asked["cer"] and {"bundle", "better", "characters"} <= set(asked), "the gate was asked"
    assert found["passed"] == all(asked.values()) == (status == 0)
    assert found["promoted"] == (workspace.in_use() == found["model"]) == found["passed"]
    assert bool(found["registered"]) == found["passed"]
    pages = {path.name: path.read_text(encoding="utf-8") for path in (out / "cards").iterdir()}
    assert set(pages) == {"folds.html", "model.html", "verdict.html"}
    assert pages["folds.html"].count("<polyline") >= 2 and "spread" in pages["folds.html"]
    assert "Worst lines" in pages["model.html"] and "data:image/jpeg" in pages["model.html"]
    assert "May the new model be used?" in pages["verdict.html"]
    kept = list((workspace.hidden / "metaflow").rglob("*emendo_page*.html"))
    assert len(kept) == 3, "each card is Metaflow's too"
    assert not spoken_to.exists(), "nothing was contacted"

    trained = {path: path.stat().st_mtime_ns for path in out.rglob("report.json")}
    monkeypatch.setattr("emendo.flows.engine.run_flow", step_by_step)
    assert main([*command, "--require", "cer=0"]) == 1, "a threshold that is not reached"
    told = capsys.readouterr().err
    assert "refused: CER" in told and "0 % at most is required" in told
    assert {path: path.stat().st_mtime_ns for path in trained if path.parent.name != "report"} == {
        path: at for path, at in trained.items() if path.parent.name != "report"
    }, "what was trained and read is not done again"


def step_by_step(flow: Flow, **_: object) -> dict[str, Any]:
    """The steps of the flow, here."""
    assert isinstance(flow.order, TrainOrder)
    checked = train.check(flow.order)
    order = train.checked_order(flow.order, checked)
    for model in train.models(order):
        train.learn(order, model)
    crossval, _ = train.mean(order)
    found, _ = train.evaluate(order)
    return train.register(order, checked, crossval, found)[0]


def test_wrong_data_base_and_options_are_one_sentence(
    lines: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("emendo.flows.engine.run_flow", step_by_step)

    def refused(*more: str, status: int = 2) -> str:
        command = ["flow", "train", "--out", str(tmp_path / "out"), "--threads", "1", *more]
        assert main(command) == status
        return next(line for line in capsys.readouterr().err.splitlines() if line.startswith("error: "))

    given = ("--data", str(lines), "--base", "base")
    assert "is no rate; write cer=0.06" in refused(*given, "--require", "cer=6")
    assert "is no rate; write cer=0.06" in refused(*given, "--require", "quality=0.1")
    assert "--alias is for a model that is registered" in refused(*given, "--alias", "challenger")
    assert "documents do not make 40 folds" in refused(*given, "--folds", "40")
    assert "no data set" in refused("--data", str(tmp_path / "none"), "--base", "base")
    assert "no model" in refused("--data", str(lines), "--base", "nothing-of-that-name")
    broken = tmp_path / "broken.jsonl"
    manifest = next(lines.glob("*.jsonl")) if lines.is_dir() else lines
    text = manifest.read_text(encoding="utf-8")
    broken.write_text(text + '{"image": "missing.png", "text": "x"}\n', encoding="utf-8")
    told = refused("--data", f"broken={broken}:{manifest.parent}", "--base", "base", status=1)
    assert "errors in the data; the first" in told and "emendo check" in told
    assert main(["flow", "train", "--data", str(lines), "--workspace", str(tmp_path)]) == 2
    assert "outside of a workspace a flow needs a folder; give --out DIR" in capsys.readouterr().err


def test_it_is_due_when_enough_corrections_are_new(
    drawn_workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = str(drawn_workspace.root)
    asked: list[str] = []
    monkeypatch.setattr(
        "emendo.flows.engine.run_flow", lambda flow, **_: asked.append(str(flow.order.out)) or {"passed": True}
    )
    command = ["flow", "train", "--if-due", "--data", root, "--workspace", root, "--threads", "1"]
    monkeypatch.setenv("EMENDO_WATCH__MIN_CORRECTIONS", "500")
    assert main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"due": False, "waiting": 0, "needed": 500}
    with drawn_workspace.store() as store:
        for line in store.lines()[:3]:
            said = {"reading": "read", "author": "anna", "source": "test"}
            store.add_correction(Entry(line=line.id, text=f"right {line.id}", verdict=Verdict.EDITED, **said))
        assert corrections_waiting(store) == 3
        mark = store.mark()
    monkeypatch.setenv("EMENDO_WATCH__MIN_CORRECTIONS", "4")
    assert main(command) == 0
    assert "not due: 3 new corrections, 4 are needed" in capsys.readouterr().err and asked == []
    monkeypatch.setenv("EMENDO_WATCH__MIN_CORRECTIONS", "3")
    with pytest.raises(KeyError):  # what stands in for the flow finds nothing to tell
        main(command)
    assert asked == [str(drawn_workspace.hidden / "flows" / f"train-{mark}")]
    with drawn_workspace.store() as store:
        store.add_event(TRAINED, {"mark": mark})
        assert corrections_waiting(store) == 0, "what a flow has learned waits no more"
