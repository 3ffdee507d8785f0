"""A second training on what the first model read: which lines it learns from, that it goes on, what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.datasets import open_dataset
from emendo.datasets.synth import synth_lines
from emendo.errors import UsageError
from emendo.models.bundle import read_bundle
from emendo.train.recipe import Recipe
from emendo.train.run import RunResult, train
from emendo.train.unlabelled import FIRST, MOST_LOSS, READ_FILE, NothingRead, train_with_unlabelled
from emendo.types import Origin, Sample

RECIPE = Recipe(steps=2, lines_per_batch=2, evaluations=1, replay=0, precision="float32")


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """Fourteen drawn lines that the base reads well, their texts known."""
    folder = tmp_path_factory.mktemp("drawn") / "lines"
    synth_lines(14, 5, folder, fonts="builtin")
    return [replace(sample, origin=Origin.GOLD) for sample in open_dataset(folder).samples]


@pytest.fixture(scope="module")
def others(lines: list[Sample]) -> list[Sample]:
    """Six of them with a wrong text, one that is also corrected, and one that is no picture."""
    broken = lines[0].image.with_name("broken.png")
    broken.write_bytes(b"no picture")
    wrong = [replace(sample, text="zzz") for sample in lines[7:13]]
    return [*wrong, lines[0], Sample(id="broken", image=broken)]


@pytest.fixture(scope="module")
def result(lines: list[Sample], others: list[Sample], tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    out = tmp_path_factory.mktemp("run") / "out"
    return train_with_unlabelled(lines[:7], others, out=out, base="base", recipe=RECIPE, threads=1)


def test_what_was_read_with_confidence_is_learned(result: RunResult, lines: list[Sample]) -> None:
    out = result.bundle.parent
    rows = [json.loads(row) for row in (out / READ_FILE).read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [*(sample.id for sample in lines[7:13]), "broken"]
    assert rows[-1] == {"id": "broken", "text": "", "loss": None, "kept": False}
    kept = [row for row in rows if row["kept"]]
    assert kept and all(row["loss"] <= MOST_LOSS for row in kept)
    assert "zzz" not in {row["text"] for row in rows}, "a text that comes with them is not looked at"
    assert (result.report["lines"], result.report["unlabelled"]) == (7 + len(kept), len(kept))
    assert f"{len(kept)} of them read by the first model" in result.sentences()[0]
    first = json.loads((out / FIRST / "report.json").read_text(encoding="utf-8"))
    assert (first["lines"], first["unlabelled"]) == (7, 0)
    assert first["cer_before"] == result.report["cer_before"], "both start from the base"


def test_it_goes_on_where_it_was(result: RunResult, lines: list[Sample], others: list[Sample]) -> None:
    out = result.bundle.parent
    made = read_bundle(result.bundle).id
    (out / "report.json").unlink()
    (out / FIRST / "run.yaml").touch()
    read = (out / READ_FILE).stat().st_mtime_ns
    run = {"out": out, "base": "base", "recipe": RECIPE, "threads": 1, "resume": True}
    again = train_with_unlabelled(lines[:7], others, **run)  # type: ignore[arg-type]
    assert read_bundle(again.bundle).id == made
    assert (out / READ_FILE).stat().st_mtime_ns == read, "nothing was read again"
    assert train_with_unlabelled(lines[:7], [], **run).report == again.report, "a finished run is returned as it is"  # type: ignore[arg-type]
    (out / "report.json").unlink()
    fewer = train_with_unlabelled(lines[:7], others[:5], **run)  # type: ignore[arg-type]
    assert fewer.report["unlabelled"] < again.report["unlabelled"], "with other lines the second training begins anew"


def test_nothing_to_learn_from_is_said(
    result: RunResult, lines: list[Sample], others: list[Sample], tmp_path: Path
) -> None:
    shutil.copytree(result.bundle.parent / FIRST, tmp_path / FIRST)
    with pytest.raises(NothingRead, match="none of the 1 lines without a text was read with enough confidence"):
        train_with_unlabelled(lines[:7], others[-1:], out=tmp_path, base="base", recipe=RECIPE, threads=1, resume=True)


def test_weights_of_another_alphabet_are_refused(result: RunResult, lines: list[Sample], tmp_path: Path) -> None:
    greek = [replace(sample, text="Ωmega") for sample in lines[:7]]
    with pytest.raises(UsageError, match="another alphabet than the one that would be trained; train both from"):
        train(greek, base="base", recipe=RECIPE, out=tmp_path / "run", beside=result.bundle)
    assert not (tmp_path / "run").exists()


def test_other_families_are_refused(lines: list[Sample], tiny_trocr: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no line network; leave out --unlabelled"):
        train_with_unlabelled(lines[:7], lines[7:], out=tmp_path / "run", base=str(tiny_trocr))


def test_on_the_command_line(
    lines: list[Sample], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lines[0].image.parents[1]
    few = tmp_path / "few.jsonl"
    parts = ("train", "train", "val", "test", "train")
    rows = ({"image": f"images/{line.image.name}", "split": part} for line, part in zip(lines, parts, strict=False))
    few.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = ["train", "--data", str(folder), "--out", str(tmp_path / "run"), "--base", "base", "--json"]
    capsys.readouterr()
    assert main([*command, "--unlabelled", str(folder)]) == 2
    assert "error: --unlabelled: there are no lines besides those that train" in capsys.readouterr().err

    def asked(samples: list[Sample], others: list[Sample], **_: object) -> RunResult:
        numbers = {"lines": len(samples), "unlabelled": len(others), "cer_before": 0, "cer_after": 0, "seconds": 0}
        return RunResult(tmp_path, numbers | {"steps": 0, "left_out": [], "judged_on": "", "kept": "trained"})

    monkeypatch.setattr("emendo.train.unlabelled.train_with_unlabelled", asked)
    assert main([*command, "--unlabelled", f"few={few}:{folder}"]) == 0
    assert json.loads(capsys.readouterr().out)["unlabelled"] == 3, "lines that validate or test stay unseen"
