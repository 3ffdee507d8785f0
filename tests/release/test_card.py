"""The model card: its head as hubs read it, every figure in it from a file that it names, what is unknown said so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard

from emendo.cli import main
from emendo.datasets.dataset import Dataset, content_hash
from emendo.errors import FormatError, UsageError
from emendo.evaluate import evaluate
from emendo.evaluate.fields import evaluate_fields
from emendo.models.bundle import Bundle
from emendo.models.references import open_recognizer
from emendo.release.card import gather, model_card
from emendo.train.record import write_report, write_yaml

from ..documents import Damaged, documents, pages
from ..fieldnet import BILLS
from .colours import colour_samples, write_colour_bundle

TEXTS = ["abc", "dab", "fed", "gag", "bag", "cab", "fab", "dad", "ebb", "bed", "a", "b"]


@pytest.fixture
def model(tmp_path: Path) -> Bundle:
    return write_colour_bundle(
        tmp_path / "run" / "bundle",
        name="Striped",
        metrics={"cer_after": 0.03125, "judged_on": "validation lines"},
        dataset={"hash": "feed" * 16, "samples": 17},
        calibration={"lines": 40, "ece_after": 0.0123},
        wrong={"g": "a"},
    )


@pytest.fixture
def runs(model: Bundle, tmp_path: Path) -> list[Path]:
    """A training run, an evaluation of the model and one of another on the same lines."""
    run = tmp_path / "run"
    record = {"base": {"name": "base", "id": "0123456789abcdef"}, "data": {"hash": "ab" * 32, "samples": 17}}
    write_yaml(run / "run.yaml", {**record, "recipe": {"passes": 2.5}, "machine": {"cores": 2}})
    write_report(run / "report.json", {"model": model.id, "seconds": 61.5, "left_out": [{"id": "x", "reason": "y"}]})
    samples = colour_samples(tmp_path / "lines", TEXTS, language=["fr", "en"] * 6)
    samples = tuple(replace(one, language=one.attributes["language"]) for one in samples)
    for name, bundle in (("own", model), ("other", write_colour_bundle(tmp_path / "other"))):
        held = Dataset("stripes", tmp_path, tmp_path, content_hash(samples), samples)
        report = evaluate(open_recognizer(bundle), held, slices=["language"])
        report.write(tmp_path / "reports" / name)
    return [run, tmp_path / "reports"]


def numbers(value: Any) -> Iterator[float]:
    """Every number of a file, and those in its texts and keys."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield from numbers(key)
            yield from numbers(one)
    elif isinstance(value, list):
        yield float(len(value))
        for one in value:
            yield from numbers(one)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        yield float(value)
    else:
        yield from (float(one) for one in re.findall(r"\d+(?:\.\d+)?", str(value)))


def absent(card: str, known: set[float]) -> list[str]:
    """Figures of a card's own sections that are neither a known number as it is shown nor one in percent."""
    body = card.partition("\n# ")[2].partition("\n## Sources")[0]
    body = re.sub(r"\(paired bootstrap.*|`[^`]*`|\bS\d+\b|95 %:|[0-9a-f]{16,}|>=[\d.]+", " ", body)
    found = re.findall(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e-?\d+)?(?= %| points)?(?![\w])", body)

    def shown(text: str) -> bool:
        digits = len(text.partition(".")[2])
        forms = ((value, f"{value:.4g}") for value in known)
        return any(
            text.lstrip("+") in (told, f"{value:.{digits}f}", f"{100 * value:.{digits}f}") for value, told in forms
        )

    return [text for text in found if not shown(text)]


def test_every_figure_of_a_card_stands_in_the_files_that_it_names(model: Bundle, runs: list[Path]) -> None:
    material = gather(model, runs)
    card = model_card(material, "Striped", "runs/striped")
    assert material.run is not None and len(material.measured) == 1
    known: set[float] = set()
    for name in ("run/bundle/bundle.yaml", "run/run.yaml", "run/report.json"):
        known |= set(numbers(yaml.safe_load((model.folder.parent.parent / name).read_text(encoding="utf-8"))))
    for name in ("own", "other"):
        known |= set(numbers(json.loads((runs[1] / name / "report.json").read_text(encoding="utf-8"))))
    difference = material.measured[0].others[0][1]
    assert difference is not None and difference.value > 0.1 and difference.apart
    known |= {difference.value, difference.low, difference.high, 0.0}
    known |= {len(model.info.alphabet)}
    assert absent(card, known) == []
    assert absent(card.replace("## Results", "## Results\n\nIt reads 98.76 % right."), known) == ["98.76"]
    for told in (
        "- cer\\_after: 0.03125",
        "passes | 2.5 |",
        "left out, each with a reason: 1",
        "By language:",
        "### stripes",
    ):
        assert told in card, told
    assert "unknown (no workspace knows the model)" in card and "No certificate" in card
    assert "validation lines (S1 `metrics.judged_on`)" in card
    for label in re.findall(r"\b(S\d+)\b", card):
        assert f"| {label} | `" in card, "every source that is cited is listed"


def test_the_head_is_read_as_hubs_read_it(model: Bundle, runs: list[Path]) -> None:
    held = ModelCard(model_card(gather(model, runs), "Striped", "x"))
    assert held.data.license == "apache-2.0" and held.data.language == ["en", "fr"]
    assert held.data.tags[:2] == ["emendo", "ctc"] and held.data.library_name == "emendo"
    results = {one.metric_type: one.metric_value for one in held.data.eval_results}
    report = json.loads((runs[1] / "own" / "report.json").read_text(encoding="utf-8"))
    assert results == {"cer": report["cer"], "wer": report["wer"], "exact_match": report["exact"]}
    assert {one.dataset_revision for one in held.data.eval_results} == {report["dataset_hash"]}


def test_a_model_of_fields_has_each_field_and_its_reader(fields_bundle: Bundle, tmp_path: Path) -> None:
    truths = [one.fields for one in BILLS]

    def no_total(number: int, truth: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in truth.items() if name != "total" or number}

    readers = [Damaged(f"bills@{fields_bundle.id}(base@0123456789abcdef)", truths, no_total), Damaged("other", truths)]
    for report in evaluate_fields(readers, documents(truths, city=list("abab")), slices=["city"], load=pages):
        report.write(tmp_path / "reports" / report.model.partition("@")[0])
    card = model_card(gather(fields_bundle, [tmp_path / "reports"]), "bills", "runs/bills")
    known: set[float] = {0.0, *numbers(yaml.safe_load((fields_bundle.folder / "bundle.yaml").read_text("utf-8")))}
    for name in ("bills", "other"):
        known |= set(numbers(json.loads((tmp_path / "reports" / name / "report.json").read_text("utf-8"))))
    difference = gather(fields_bundle, [tmp_path / "reports"]).measured[0].others[0][1]
    assert difference is not None and difference.value == 1 / 20
    assert absent(card, known | {difference.value, difference.low, difference.high}) == []
    for told in ("By field:", "| total (4) | 85.71 %", "By city:", "worst field: total, 85.71 %", "recogniser base"):
        assert told in card, told
    assert "emendo read invoice.pdf --fields --model runs/bills" in card
    held = ModelCard(card).data
    assert held.pipeline_tag == "token-classification" and {one.metric_type for one in held.eval_results} >= {"f1"}


def test_a_bundle_alone_says_what_is_unknown(model: Bundle) -> None:
    card = model_card(gather(model), "Striped", "x")
    for told in ("unknown (no run was given)", "unknown (no evaluation was given)", "no evaluation by slice"):
        assert told in card, told
    assert "model-index" not in card and "language:" not in card.partition("\n# ")[0]


def test_the_command_takes_folders_in_any_mixture_and_names_what_it_leaves_out(
    model: Bundle, runs: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["--runs", str(runs[1])]
    assert main(["card", str(model.folder), *given, "--out", "card.md", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["run"] == str(runs[0]) and told["reports"] == [str(runs[1] / "own")]
    assert told["beside"] == [str(runs[1] / "other")] and told["ignored"] == []
    text = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert text == model_card(gather(model, runs), "Striped", str(model.folder))
    other = tmp_path / "reports" / "other"
    assert main(["card", str(model.folder), "--runs", str(other), "--out", "card.md"]) == 0
    said = capsys.readouterr().err
    assert "the report other is of another model (colours@" in said
    assert main(["card", str(model.folder), "--runs", str(tmp_path / "lines"), "--out", "card.md"]) == 2
    assert "lines holds no run, report or decision" in capsys.readouterr().err


def test_damaged_files_are_named(model: Bundle, runs: list[Path]) -> None:
    (runs[1] / "own" / "report.json").write_text('{"format": "emendo-report/1"}', encoding="utf-8")
    with pytest.raises(FormatError, match="is not a complete report"):
        gather(model, runs)
    (runs[0] / "run.yaml").write_text("- a\n- b\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"run\.yaml: holds no mapping"):
        gather(model, runs[:1])
    with pytest.raises(UsageError, match="holds no run"):
        gather(model, [model.folder])
