from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.errors import UsageError
from emendo.evaluate import Measures, are_plates, evaluate, read_report, usual_folds, usual_slices

from .scripted import Scripted, lines, pixels

TEXTS = ["قَالَ", "trois", "cat"]
READ = ["قال", "trios", "cat"]
WANTED = Measures(("f1", "character_accuracy"), folds=("harakat",))


def test_metrics_stand_beside_the_plain_figures_per_language() -> None:
    data = lines(TEXTS, language=["ar", "fr", "en"])
    figures = evaluate(
        Scripted("m", READ), data, slices=usual_slices(data.samples), measures=WANTED, load=pixels
    ).figures()
    arabic = figures["slices"]["language"]["ar"]
    assert arabic["cer"] > 0, "the plain figure is never folded"
    assert arabic["normalized"]["cer"] == 0
    assert figures["normalized"]["folds"] == ["harakat"]
    assert figures["normalized"]["f1"] == pytest.approx(2 / 3)
    assert figures["metrics"]["f1"] == pytest.approx(1 / 3)
    assert figures["slices"]["language"]["fr"]["metrics"]["character_accuracy"] == pytest.approx(1 - 2 / 5)
    json.dumps(figures, allow_nan=False)


def test_without_measures_nothing_is_added() -> None:
    figures = evaluate(Scripted("m", READ), lines(TEXTS), load=pixels).figures()
    assert not {"metrics", "normalized"} & set(figures)


@pytest.mark.parametrize("measures", [WANTED, Measures(phrases=(("trois", "◆"), ("trios", "◆")))])
def test_a_report_keeps_its_measures(tmp_path: Path, measures: Measures) -> None:
    report = evaluate(Scripted("m", READ), lines(TEXTS), measures=measures, load=pixels)
    report.write(tmp_path)
    assert read_report(tmp_path).figures() == report.figures()


def test_the_command_counts_phrases_as_one_sign(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.png").write_bytes(b"never opened")
    row = {"id": "a", "image": "x.png", "text": "he said, peace be upon him, so", "split": "test"}
    (tmp_path / "lines.jsonl").write_text(json.dumps(row) + "\n")
    (tmp_path / "read.jsonl").write_text(json.dumps({"id": "a", "text": "he said, p.b.u.h., so"}) + "\n")
    (tmp_path / "phrases.tsv").write_text("peace be upon him\t◆\np.b.u.h.\t◆\n", encoding="utf-8")
    command = ["evaluate", "--data", str(tmp_path / "lines.jsonl"), "--outputs", str(tmp_path / "read.jsonl")]
    command += ["--fold-file", str(tmp_path / "phrases.tsv")]
    assert main([*command, "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures["edits"] > 8, "the plain figure is never folded"
    assert figures["normalized"]["cer"] == 0
    assert figures["normalized"]["phrases"] == [["peace be upon him", "◆"], ["p.b.u.h.", "◆"]]
    assert main(command) == 0
    assert "with peace be upon him as ◆, p.b.u.h. as ◆ folded: cer 0.0000" in capsys.readouterr().out
    (tmp_path / "phrases.tsv").write_text("peace\n")
    assert main(command) == 2
    assert "phrases.tsv:1: is no phrase with a sign" in capsys.readouterr().err


def test_language_and_subset_are_shown_where_there_are_several() -> None:
    assert usual_slices(lines(TEXTS, language=["fr", "fr", "fr"]).samples) == ()
    assert usual_slices(lines(["a", None], language=["fr", "de"]).samples) == ()
    assert usual_slices(lines(TEXTS, language=["fr", "fr", "de"]).samples) == ("language",)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"metrics": ("f2",)}, "unknown metric 'f2'"),
        ({"tokens": "wrods"}, "unknown tokenizer 'wrods'"),
        ({"folds": ("arab",)}, "unknown folding 'arab'"),
    ],
)
def test_a_wrong_name_is_told_before_anything_is_read(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Measures(**wrong)  # type: ignore[arg-type]


def test_the_command_takes_metrics_foldings_and_languages(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", "lines", "-n", "6", "--out", str(tmp_path / "lines"), "--json"]) == 0
    capsys.readouterr()
    command = ["evaluate", "--data", str(tmp_path / "lines"), "--model", "base", "--json", "--threads", "1"]
    assert main([*command, "--metric", "f1,ned", "--metric", "chrf", "--normalize", "case,arabic"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert list(figures["metrics"]) == ["f1", "ned", "chrf"]
    assert figures["normalized"]["cer"] <= figures["cer"]
    languages = figures["slices"]["language"]
    assert len(languages) > 1
    first = next(iter(languages))
    assert main([*command, "--include-language", first]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == languages[first]["samples"]
    assert main([*command, "--include-language", "xx"]) == 2
    assert f"unknown language 'xx'; the data set has {first!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("subsets", "folds"),
    [
        (["plate", "plate_street", "synthetic-plate"], ("plates",)),
        (["plate", "page", "plate"], ()),
        (["", "", ""], ()),
        (["template", "plates-of-metal", "x"], ()),
    ],
)
def test_plates_are_compared_with_o_as_0_as_well_and_nothing_else(subsets: list[str], folds: tuple[str, ...]) -> None:
    data = lines(TEXTS)
    samples = [replace(sample, subset=subset) for sample, subset in zip(data.samples, subsets, strict=True)]
    assert usual_folds(samples) == folds
    assert are_plates(samples) == bool(folds)
    assert usual_folds([]) == ()


def test_exact_folded_is_the_share_of_lines_right_under_the_folding_in_all_and_in_each_slice() -> None:
    data = lines(["0SG719", "CUSTOM", "ABC123", "XYZ1"], street=["a", "a", "b", "b"])
    read = ["OSG719", "CUST0M", "ABC128", "XYZ1"]
    figures = evaluate(
        Scripted("m", read), data, slices=["street"], measures=Measures(folds=("plates",)), load=pixels
    ).figures()
    assert figures["exact_samples"] == 1
    assert (figures["exact_folded_samples"], figures["exact_folded"]) == (3, 0.75)
    assert figures["normalized"]["folds"] == ["o0"]
    parts = figures["slices"]["street"]
    assert {name: part["exact_folded"] for name, part in parts.items()} == {"a": 1.0, "b": 0.5}


def test_the_command_gives_exact_folded_for_plates_unless_other_foldings_are_named(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [json.loads(row) for row in (data / "plates" / "lines.jsonl").read_text().splitlines()]
    some = [row for row in rows if row["split"] == "val"][:3]
    (tmp_path / "lines.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    command = ["evaluate", "--data", f"held={tmp_path / 'lines.jsonl'}:{data / 'plates'}", "--json", "--threads", "1"]
    assert main([*command, "--model", "plates:base", "--slice", "subset"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["exact_folded_samples"] == round(3 * found["exact_folded"]) > 0
    assert "exact_folded" in found["slices"]["subset"]["plate"]
    assert main([*command, "--model", "plates:base", "--normalize", ""]) == 0
    assert "exact_folded" not in json.loads(capsys.readouterr().out)
