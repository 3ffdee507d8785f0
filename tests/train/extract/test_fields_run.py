"""A whole run of family `fields`: learns, leaves what every run leaves, goes on, and resumes as if never stopped."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from emendo.datasets.dataset import open_dataset
from emendo.datasets.invoices.rehearsal import made_words
from emendo.errors import DataError, UsageError
from emendo.models.bundle import read_bundle
from emendo.models.extract.labels import LABELS
from emendo.models.extract.tagger import OnnxTagger
from emendo.models.references import find_model
from emendo.models.shipped import ship_fields
from emendo.train.extract.documents import MadeUp, Read, training_documents
from emendo.train.extract.recipe import FieldsRecipe, course_for
from emendo.train.families import SCRATCH, family
from emendo.train.run import dry_run, show_labels, train
from emendo.train.session import Interrupted
from emendo.types import Image, Origin, Sample, Word

SMALL = {"width": 32, "layers": 1, "heads": 2, "words": 600, "evaluations": 2, "average": 0.8, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of made-up documents with words and without pages: the first four validate."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "images").mkdir()
    (folder / "words").mkdir()
    rows = []
    for index in range(14):
        row = made_words(5, index)
        name = f"d{index:02}"
        (folder / "images" / f"{name}.jpg").write_bytes(b"")
        (folder / "words" / f"{name}.json").write_text(json.dumps(row["words"]))
        split = "val" if index < 4 else "train"
        rows.append(
            {"id": name, "image": f"images/{name}.jpg", "fields": row["fields"], "split": split, "origin": "synthetic"}
        )
    (folder / "documents.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def samples(folder: Path, split: str = "train") -> list[Sample]:
    return list(open_dataset(str(folder / "documents.jsonl")).split(split))


def recipe(**changes: Any) -> FieldsRecipe:
    return FieldsRecipe.model_validate({**SMALL, **changes})


@pytest.fixture(scope="module")
def run(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "first"
    train(samples(made), val=samples(made, "val"), base="fields", recipe=recipe(steps=30), out=out, threads=1)
    return out


def test_a_run_learns_and_leaves_what_every_run_leaves(run: Path) -> None:
    report = json.loads((run / "report.json").read_text())
    losses = [loss for _, loss in report["losses"]]
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    assert report["measure"] == "F1 of fields" and report["lines"] == 10 and report["judged_documents"] == 4
    assert [step for step, _ in report["f1s"]] == [0, 15, 30] and report["f1_after"] == max(
        f1 for _, f1 in report["f1s"][1:]
    )
    assert report["parity"]["difference"] < 1e-4 and (run / "curve.png").stat().st_size > 5000
    written = yaml.safe_load((run / "run.yaml").read_text())
    assert written["recipe"]["width"] == 32 and written["data"]["usable"] == 10
    bundle = read_bundle(run / "bundle")
    assert bundle.info.family == "fields" and bundle.info.preprocessing["reader"] == "base"
    assert bundle.info.preprocessing["labels"] == list(LABELS) and bundle.info.decoding["by_currency"]
    assert "parties" in bundle.info.decoding
    assert bundle.info.metrics["f1_after"] == report["f1_after"]
    assert not {path.name for path in run.iterdir()} & {"best", "candidate", "checkpoints", "figures.json"}


def test_a_run_speaks_of_documents_and_of_f1(run: Path, made: Path) -> None:
    again = train(samples(made), base="fields", recipe=recipe(steps=30), out=run, resume=True, threads=1)
    told = " ".join(again.sentences())
    assert "trained on 10 documents" in told and "F1 of fields on validation documents" in told and "CER" not in told


def test_a_run_goes_on_from_a_bundle_and_rehearses(
    run: Path, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emendo.train.extract.family.REPLAYED", 3)
    monkeypatch.setenv("EMENDO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("emendo.datasets.invoices.rehearsal.PART", 3)
    out = tmp_path / "second"
    more = recipe(steps=4, learning_rate=1e-4)
    result = train(
        samples(made)[:3], val=samples(made, "val"), base=str(run / "bundle"), recipe=more, out=out, threads=1
    )
    first = json.loads((run / "report.json").read_text())
    assert result.report["f1_before"] == pytest.approx(first["f1_after"])
    assert result.report["f1_after"] >= result.report["f1_before"] and result.report["replayed"] == 3
    assert read_bundle(result.bundle).info.base == read_bundle(run / "bundle").info.name


def test_a_stopped_run_goes_on_as_if_it_had_not(made: Path, tmp_path: Path) -> None:
    pressed: list[int] = []

    def stopping(done: int, total: int, text: str) -> None:
        if text.startswith("loss") and done == 5 and not pressed:  # a second time would stop the test run itself
            pressed.append(done)
            signal.raise_signal(signal.SIGINT)

    order: dict[str, Any] = {"val": samples(made, "val"), "base": "fields", "recipe": recipe(steps=8), "threads": 1}
    with pytest.raises(Interrupted, match=r"step [56] of 8"):
        train(samples(made), out=tmp_path / "a", progress=stopping, **order)
    resumed = train(samples(made), out=tmp_path / "a", resume=True, **order)
    whole = train(samples(made), out=tmp_path / "b", **order)
    for figures in ("losses", "f1s"):
        assert np.allclose(resumed.report[figures], whole.report[figures], rtol=1e-4)


def test_rehearsal_and_labels_are_shown_before_a_run(made: Path) -> None:
    seen = dry_run(samples(made), 4, base="fields", recipe=recipe(steps=100), threads=1)
    assert seen["lines"] == 10 and seen["steps"] == 100 and seen["rehearsed"] == 4 and seen["step_seconds"] > 0
    rows = show_labels(samples(made), 2, base="fields", recipe=recipe())
    assert len(rows) == 2 and any(one.text.endswith(" total") for one in rows[0]) and all(one.loss for one in rows[0])


def reader(pages: Sequence[Image]) -> list[Word]:
    return [Word("Total", (0, 0, 40, 10), 0), Word("9.50", (50, 0, 90, 10), 0)] if len(pages) == 1 else []


def picture(folder: Path) -> Path:
    from emendo.image.encode import png_bytes

    path = folder / "page.png"
    path.write_bytes(png_bytes(np.full((20, 100, 3), 255, np.uint8)))
    return path


def test_documents_that_cannot_train_are_left_out_by_name(made: Path, tmp_path: Path) -> None:
    good = samples(made)[0]
    page = picture(tmp_path)
    bad = tmp_path / "words" / "bad.json"
    bad.parent.mkdir()
    bad.write_text('{"no": "words"}')
    (tmp_path / "images").mkdir()
    some = [
        good,
        Sample(id="read", image=page, fields={"total": "9.50"}),
        Sample(id="untold", image=page),
        Sample(id="gone", image=tmp_path / "gone.png", fields={"total": "1"}),
        Sample(id="two", image=page, fields={"records": [{"total": "1"}, {"total": "2"}]}),
        Sample(id="bad", image=tmp_path / "images" / "bad.jpg", fields={"total": "1"}, origin=Origin.SYNTHETIC),
    ]
    kept, left_out = training_documents(some, reader, lambda done, total, text: None)
    assert [type(one) for one in kept] == [MadeUp, Read]
    assert {one.id for one in left_out} == {"untold", "gone", "two", "bad"}
    assert "no fields" in next(one.reason for one in left_out if one.id == "untold")
    empty, nothing = training_documents(some[1:2], lambda pages: [], lambda done, total, text: None)
    assert not empty and "no words" in nothing[0].reason
    with pytest.raises(DataError, match="too few to train"):
        train(some[2:5], base="fields", recipe=recipe(steps=2), out=tmp_path / "run", threads=1)


def test_what_a_person_corrected_says_all_and_a_data_set_only_what_it_has(tmp_path: Path) -> None:
    page = picture(tmp_path)

    def allowed(origin: Origin) -> tuple[int, ...]:
        some = [
            Sample(id="one", image=page, fields={"total": "9.50", "seller": "X"}, origin=origin),
            Sample(id="two", image=page, fields={"total": "9.50"}, origin=origin),
        ]
        kept, _ = training_documents(some, reader, lambda done, total, text: None)
        assert isinstance(kept[1], Read)
        return kept[1].targets.allowed[0]

    seller, number = LABELS.index("seller"), LABELS.index("number")
    assert seller in allowed(Origin.GOLD) and number in allowed(Origin.GOLD)
    assert seller not in allowed(Origin.CORRECTED) and number in allowed(Origin.CORRECTED)


def test_a_course_fits_the_data() -> None:
    few, many = (course_for(recipe(steps=0, learning_rate=0), count, 150, fresh=False) for count in (10, 10_000))
    assert few.steps < many.steps and few.learning_rate < course_for(FieldsRecipe(), 10, 150, fresh=True).learning_rate
    with pytest.raises(UsageError, match="is for"):
        from emendo.train.recipe import family_recipe

        family_recipe("default", family="fields", kind=FieldsRecipe)
    assert "fields" in SCRATCH and family("fields").default == "fields"


def test_the_shipped_form_says_the_same(run: Path, made: Path, tmp_path: Path) -> None:
    documents = [one.shown() for one in training_documents(samples(made, "val"), reader, lambda *_: None)[0]]
    whole = find_model(str(run / "bundle"))
    shipped = ship_fields(whole, "# card\n", tmp_path / "base-fields", documents)  # type: ignore[arg-type]
    assert shipped.info.name == "base-fields" and shipped.info.parity["difference"] < 0.01
    assert set(shipped.info.files) == {"model.onnx", "card.md"}
    assert OnnxTagger(shipped).tag(documents[0]).labels.shape == (len(documents[0]), len(LABELS))
    with pytest.raises(UsageError, match="cannot be compared"):
        ship_fields(whole, "", tmp_path / "none", [])  # type: ignore[arg-type]
