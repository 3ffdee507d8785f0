from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.probes import make_needles
from emendo.errors import DataError, Refused
from emendo.evaluate.probes import leaves, run_probe, score_probe, strict_object
from emendo.models.detector import Detector
from emendo.models.references import load_recognizer
from emendo.types import Sample


def rows(probe: str, texts: list[str], **attributes: object) -> list[Sample]:
    held = {"probe": probe, "question": "?", **attributes}
    return [Sample(id=f"s{at}", image=Path("x.png"), text=text, attributes=held) for at, text in enumerate(texts)]


def scored(samples: list[Sample], answers: list[str]) -> dict[str, tuple[int, int]]:
    given = {sample.id: answer for sample, answer in zip(samples, answers, strict=False)}
    result = score_probe(samples, given, model="m", how="recorded")
    json.dumps(result.to_dict(), allow_nan=False)
    return {name: (one.hits, one.trials) for name, one in result.scores.items()}


def test_a_number_is_found_only_when_it_stands_by_itself() -> None:
    samples = rows("needle", ["123456"] * 6, sentence="The secret number is 123456.", depth=0.5, hay=9)
    answers = ["123456", " 123456.", "it is 123456, sir", "91234567", "١٢٣٤٥٦", "x\nThe secret number is 123456.\ny"]
    assert scored(samples, answers) == {"found": (5, 6), "exact": (3, 6), "sentence": (1, 6)}


def test_needles_by_depth_and_length() -> None:
    samples = [
        Sample(
            id=f"s{at}", image=Path("x.png"), text=f"10000{at}", attributes={"probe": "needle", "depth": d, "hay": h}
        )
        for at, (d, h) in enumerate([(0.0, 9), (0.1, 9), (0.95, 99), (1.0, 99)])
    ]
    result = score_probe(samples, {"s0": "100000", "s3": "100003"}, model="m", how="")
    assert {name: (one.hits, one.trials) for name, one in result.by["depth"].items()} == {
        "0 to 20 %": (1, 2),
        "80 to 100 %": (1, 2),
    }
    assert list(result.by["hay"]) == ["9", "99"]
    assert [name for name, _, _ in result.missed] == ["s1", "s2"]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ('{"a": 1}', True),
        (' {"a": [1, {"b": null}]}\n', True),
        ('```json\n{"a": 1}\n```', False),
        ('{"a": 1} so', False),
        ('{"a": NaN}', False),
        ('{"a": 1, "a": 2}', False),
        ("[1]", False),
        ("{'a': 1}", False),
        ("", False),
        ("[" * 100_000, False),
    ],
)
def test_json_is_parsed_strictly(text: str, good: bool) -> None:
    assert (strict_object(text) is not None) is good


def test_json_scores_by_hand() -> None:
    wanted = '{"a": "1", "b": [{"c": 2}, {"c": 3}]}'
    assert len(leaves(json.loads(wanted))) == 3
    answers = [wanted, '{"b": [{"c": 3}, {"c": 2}], "a": "1"}', '{"a": "1", "x": 0}', "a: 1"]
    assert scored(rows("json", [wanted] * 4), answers) == {
        "equal": (1, 4),
        "valid": (3, 4),
        "field_recall": (7, 12),
        "field_precision": (7, 8),
    }


def test_latex_scores_by_hand() -> None:
    answers = [r"\[ x^{2} + 1 \]", "x^2+", "x^{2", ""]
    assert scored(rows("latex", ["x^2+1"] * 4, kind="formula"), answers) == {
        "equal": (1, 4),
        "well_formed": (2, 4),
        "tokens": (5 + 4 + 2, 20),
    }


def test_what_is_no_probe() -> None:
    plain = [Sample(id="a", image=Path("x.png"), text="t")]
    with pytest.raises(DataError, match="is no probe data set; make one with"):
        score_probe(plain, {}, model="m", how="")
    with pytest.raises(DataError, match="is no probe data set"):
        score_probe([*rows("json", ["{}"]), *rows("latex", ["x"])], {}, model="m", how="")


@pytest.mark.parametrize("probe", ["json", "latex"])
def test_a_ctc_reader_cannot_and_says_so(probe: str) -> None:
    with pytest.raises(Refused, match=f"'ctc' writes what stands in a line and cannot write {probe.upper()}; take a"):
        run_probe(load_recognizer("base"), rows(probe, ["{}"]))


def test_a_line_reader_finds_the_needle_in_its_reading_of_the_page(data: Path, tmp_path: Path) -> None:
    val = open_dataset(data / "peraire").split("val")
    made = make_needles(val, tmp_path / "n", number=2, lines=4, rendered=True)
    result = run_probe(load_recognizer("base"), made.samples, finder=Detector(threads=1))
    assert result.scores["found"].hits == 2, result.missed
    assert result.scores["exact"].hits == 0, "it reads the page and cannot answer"
    assert "cannot be asked (family ctc)" in result.how


def test_a_vlm_is_asked_the_question(tiny_vlm: Callable[[str], Path], tmp_path: Path, data: Path) -> None:
    made = make_needles(open_dataset(data / "hands_fr").split("val"), tmp_path / "n", number=1, lines=2)
    model = load_recognizer(str(tiny_vlm("qwen2_vl")))
    model.most = 4  # type: ignore[attr-defined]
    result = run_probe(model, made.samples)
    assert result.how == "asked the question of each sample"
    assert result.scores["found"].trials == 1
    asked = model.network.with_prompt("Quel nombre ?")  # type: ignore[attr-defined]
    assert "Quel nombre ?" in asked.question
    assert "Quel nombre ?" not in model.network.question  # type: ignore[attr-defined]


def test_the_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["synth", "lines", "-n", "6", "--out", "d", "--fonts", "builtin", "--json"]) == 0
    capsys.readouterr()
    assert main(["probe", "json", "d", "--out", "j", "--key", "text", "--key", "language", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"path": "j", "samples": 6, "probe": "json"}
    opened = open_dataset(Path("j"))
    answers = [json.dumps({"id": one.id, "text": one.text}) for one in opened]
    Path("a.jsonl").write_text("\n".join(answers[:5]), encoding="utf-8")
    assert main(["probe", "score", "j", "--outputs", "a.jsonl", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scores"]["equal"]["hits"] == 5
    assert main(["probe", "score", "j", "--model", "base"]) == 1
    assert capsys.readouterr().err.startswith("error: a model of the family 'ctc'")
    assert main(["probe", "score", "d", "--model", "base"]) == 2
    assert "is no probe data set" in capsys.readouterr().err
    assert main(["probe", "needle", "d", "--out", "n", "-n", "2", "--lines", "4", "--rendered"]) == 0
    assert main(["probe", "latex", "d", "--out", "l"]) == 2
    assert "no row holds a formula" in capsys.readouterr().err
    assert main(["probe", "score", "n", "--model", "base", "--outputs", "a.jsonl"]) == 2
    assert "two sources of answers" in capsys.readouterr().err
