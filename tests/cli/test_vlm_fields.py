"""A vision-language model through the commands: made-up documents, training, reading, evaluation, comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.datasets.invoices.build import synth_invoices
from emendo.fields.schema import read_text
from emendo.models.bundle import read_bundle

SET = {
    "steps": 2,
    "evaluations": 1,
    "evaluate_every": 0,
    "batch": 1,
    "accumulate": 2,
    "judged": 1,
    "max_target": 500,
    "max_samples": 6,
    "resolution": 56,
    "checkpointing": "false",
    "learning_rate": 1e-3,
    "precision": "float32",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten made-up documents: eight to train, one to validate, one to test."""
    out = tmp_path_factory.mktemp("vlm") / "documents"
    synth_invoices(10, 3, out, jobs=1)
    return out


@pytest.fixture(scope="module")
def tuned(made: Path, tiny_vlm: Any) -> Path:
    """A run of two steps on whole pages and crops, by the command line."""
    out = made.parent / "run"
    settings = [f"--set={key}={value}" for key, value in SET.items()]
    data = ["--data", str(made), "--data", str(made / "part_00000" / "annotations")]
    base = str(tiny_vlm("paddleocr_vl"))
    command = ["train", *data, "--base", base, "--recipe", "vlm-fields", "--out", str(out), "--threads", "1"]
    assert main([*command, *settings]) == 0
    return out


def test_a_run_on_documents_leaves_a_bundle_and_names_what_did_not_fit(tuned: Path) -> None:
    report = json.loads((tuned / "report.json").read_text("utf-8"))
    assert report["lines"] == 6 and len(report["losses"]) == 2
    assert max(report["parity"]["logit_difference"].values()) <= 1e-4
    bundle = read_bundle(tuned / "bundle")
    assert bundle.info.family == "vlm" and bundle.info.decoding["most_tokens"] == SET["max_target"]
    assert all("max_target" in one["reason"] or "pages" in one["reason"] for one in report["left_out"])


def test_a_page_is_read_into_a_file_of_fields_with_what_is_missing(
    made: Path, tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = next((made / "part_00000" / "images").glob("*.jpg"))
    command = ["read", "--fields", str(page), "--model", str(tuned), "--out", str(tmp_path), "--threads", "1"]
    capsys.readouterr()
    assert main([*command, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["results"]
    assert told["model"].startswith("run@") and told["pages"] == 1
    # what two steps have taught says little, but it is JSON of the schema up to where the tokens end
    assert read_text(json.dumps(told["fields"])).faults == ()
    assert set(told["certainty"]) <= {*told["fields"], *told["faults"]} | set(told["certainty"])
    assert any("missing" in what for what in told["faults"].values()) or told["fields"]
    assert main([*command, "--reader", "base", "--again"]) == 2
    assert "reads the pages itself, not the words of 'base'" in capsys.readouterr().err


def test_base_and_tuned_are_evaluated_and_compared_like_any_readers(
    made: Path, tuned: Path, tiny_vlm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    base = str(tiny_vlm("paddleocr_vl"))
    capsys.readouterr()
    which = ["--data", str(made), "--split", "test", "--threads", "1", "--json"]
    assert main(["evaluate", "--model", str(tuned), *which]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert alone["documents"] == 1
    assert main(["compare", str(tuned), str(tuned), *which]) == 0
    both = json.loads(capsys.readouterr().out)
    assert both["a"]["f1"] == both["b"]["f1"] == alone["f1"]
    crops = made / "part_00000" / "annotations"
    regions = ["--data", str(crops), "--split", "test", "--slice", "region", "--threads", "1", "--json"]
    assert main(["evaluate", "--model", base, *regions]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["slices"]["region"]) == {
        json.loads(file.read_text())["region"] for file in crops.glob("3-000009_*.json")
    }
    page = str(next((made / "part_00000" / "images").glob("*.jpg")))
    assert main(["compare", base, str(tuned), "--image", page, "--threads", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["image"] == page
