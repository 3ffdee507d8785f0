"""A vision-language model through the commands: made-up documents, training, reading, evaluation, comparison."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.datasets.invoices.build import synth_invoices
from emendo.fields.answers import paths_of
from emendo.fields.compare import compare_documents
from emendo.fields.names import REGIONS
from emendo.fields.schema import read_document, read_text
from emendo.image.load import read_image
from emendo.models.bundle import read_bundle
from emendo.models.generative.asking import Ask, answer_of, ask_for
from emendo.models.generative.graphs import Written
from emendo.models.generative.network import Network
from emendo.types import Image

SET = {
    "steps": 2,
    "evaluations": 1,
    "evaluate_every": 0,
    "batch": 1,
    "accumulate": 2,
    "judged": 1,
    "max_target": 600,
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
    synth_invoices(10, 8, out, jobs=1)
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


@pytest.fixture
def learnt(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the model would write once it had learnt the documents, in place of what two steps have taught it.

    Token by token, from the picture and the question; where an answer is longer than it may be, it is cut off.
    """
    rows = [json.loads(line) for line in (made / "documents.jsonl").read_text("utf-8").splitlines()]
    truths = {read_image(made / row["images"][0]).tobytes(): read_document(row["fields"]).document for row in rows}
    for file in (made / "part_00000" / "annotations").iterdir():
        crop = read_image(made / "part_00000" / "crops" / f"{file.stem}.jpg")
        truths[crop.tobytes()] = read_document(json.loads(file.read_text("utf-8"))["fields"]).document

    def write(self: Network, images: Sequence[Image], *, most: int, asks: Sequence[Ask] = ()) -> list[Written]:
        found = []
        for image, ask in zip(images, asks, strict=True):
            assert ask.grammar is not None and ask == ask_for(ask.grammar.region)
            ids = tuple(self.label_ids(answer_of(truths[image.tobytes()], ask.grammar.region))[:most])
            found.append(Written("", 1.0, ids, (-0.001,) * len(ids)))
        return found

    monkeypatch.setattr(Network, "write", write)


def told_by(command: list[str], capsys: pytest.CaptureFixture[str], status: int = 0) -> Any:
    capsys.readouterr()
    assert main([*command, "--threads", "1", "--json"]) == status
    return json.loads(capsys.readouterr().out)


def test_what_was_learnt_is_read_into_files_and_counted(
    made: Path, tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], learnt: None
) -> None:
    short = min((made / "part_00000" / "truth").iterdir(), key=lambda path: path.stat().st_size)
    truth = read_text(short.read_text("utf-8")).document
    page = str(made / "part_00000" / "images" / f"{short.stem}.jpg")
    command = ["read", "--fields", page, "--model", str(tuned), "--out", str(tmp_path)]
    (told,) = told_by(command, capsys)["results"]
    assert told["model"].startswith("run@") and told["pages"] == 1
    assert read_document(told["fields"]).document.values() == truth.values() and told["faults"] == {}
    assert {*told["certainty"]} == {*paths_of(truth)} and all(0.5 < one <= 1 for one in told["certainty"].values())
    crops = str(made / "part_00000" / "annotations")
    figures = told_by(["evaluate", "--model", str(tuned), "--data", crops, "--slice", "region"], capsys)
    assert figures["samples"] == len([*Path(crops).iterdir()])
    told = figures["slices"]["region"]
    assert {*told} <= {*REGIONS} and all(told[name]["f1"] == 1.0 for name in ("vendor_block", "totals_section"))


def test_an_answer_that_is_cut_off_says_only_what_is_certain_and_names_the_rest(
    made: Path, tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], learnt: None
) -> None:
    long = max((made / "part_00000" / "truth").iterdir(), key=lambda path: path.stat().st_size)
    page = str(made / "part_00000" / "images" / f"{long.stem}.jpg")
    (told,) = told_by(["read", "--fields", page, "--model", str(tuned), "--out", str(tmp_path)], capsys)["results"]
    counted = compare_documents(read_text(long.read_text("utf-8")).document, read_document(told["fields"]).document)
    assert counted.all.right > 3 and counted.all.missed > 0 and counted.all.wrong == counted.all.invented == 0
    assert any("missing" in what for what in told["faults"].values())


def test_a_document_without_fields_is_one_sentence(
    made: Path, tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing(self: Network, images: Sequence[Image], *, most: int, asks: Sequence[Ask] = ()) -> list[Written]:
        return [Written("", 1.0, (self.end,), (0.0,))]

    monkeypatch.setattr(Network, "write", nothing)
    page = next((made / "part_00000" / "images").glob("*.jpg"))
    command = ["read", "--fields", str(page), "--model", str(tuned), "--out", str(tmp_path), "--threads", "1"]
    assert main(command) == 2
    assert "nothing was read (the answer holds no JSON object: it is empty" in capsys.readouterr().err
    assert main([*command, "--reader", "base"]) == 2
    assert "reads the pages itself, not the words of 'base'" in capsys.readouterr().err


def test_base_and_tuned_are_evaluated_and_compared_like_any_readers(
    made: Path, tuned: Path, tiny_vlm: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    base = str(tiny_vlm("paddleocr_vl"))
    which = ["--data", str(made), "--split", "test"]
    alone = told_by(["evaluate", "--model", str(tuned), *which], capsys)
    assert alone["samples"] == 1
    both = told_by(["compare", base, str(tuned), *which], capsys)
    assert both["b"]["f1"] == alone["f1"] and both["a"]["samples"] == 1
    page = str(next((made / "part_00000" / "images").glob("*.jpg")))
    beside = told_by(["compare", base, str(tuned), "--image", page], capsys)
    assert beside["image"] == page and beside["b"]["model"].startswith("run@")
