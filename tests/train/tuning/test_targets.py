"""What a model is asked and is to write for documents and regions: canonical, completion only, or left out by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emendo.cli import main
from emendo.fields.compare import FieldCounts
from emendo.fields.schema import read_text
from emendo.image.encode import png_bytes
from emendo.metrics.align import Counts
from emendo.models.generative.asking import TEXT, prompt_of
from emendo.models.generative.network import Loading
from emendo.models.generative.recognizer import load_network
from emendo.models.generative.source import from_folder
from emendo.train.recipe import family_recipe
from emendo.train.tuning.data import TargetLine, usable_samples
from emendo.train.tuning.fit import count_fields
from emendo.train.tuning.recipe import TuneRecipe, course_for, measured
from emendo.train.tuning.targets import targets_of
from emendo.types import Sample

from ...tiny import VLM_TYPES

PAGE_TEXT = '{"seller":"Été & Fils","date":"2018-12-25","total":"1234.50"}'
FIELDS = {"total": "1.234,50", "company": "Été & Fils", "date": "25/12/2018"}


def page(folder: Path, name: str, seed: int = 0, **about: Any) -> Sample:
    image = folder / f"{name}.png"
    pixels = np.random.default_rng(seed).integers(0, 255, (60, 50, 3), dtype=np.uint8)
    image.write_bytes(png_bytes(pixels))
    return Sample(id=name, image=image, **{"fields": FIELDS, **about})


def nothing(done: int, total: int, text: str) -> None:
    """No progress shown."""


def test_fields_are_written_in_one_spelling_and_asked_by_region(tmp_path: Path) -> None:
    samples = [
        page(tmp_path, "whole"),
        page(tmp_path, "part", attributes={"region": "totals_section"}),
        page(tmp_path, "list", fields={"records": [FIELDS]}),
        page(tmp_path, "line", fields=None, text="e\u0301 "),
        page(tmp_path, "both", text="as it stands"),
    ]
    told = targets_of(samples)
    targets = [told(sample) for sample in samples]
    assert [target.text for target in targets] == [PAGE_TEXT, '{"total":"1234.50"}', PAGE_TEXT, "é", "as it stands"]
    assert [target.ask.prompt for target in targets] == [
        prompt_of(""),
        prompt_of("totals_section"),
        prompt_of(""),
        "",
        "",
    ]
    assert targets[3].ask == TEXT
    assert read_text(PAGE_TEXT).document.values() == json.loads(PAGE_TEXT)


def test_documents_that_cannot_train_are_named_with_their_field(tiny_vlm, tmp_path: Path) -> None:
    good = page(tmp_path, "good")
    two = replace(page(tmp_path, "two"), attributes={"images": ["two.png", "good.png"]})
    samples = [
        good,
        page(tmp_path, "marks", fields={"total": "1.2.3,4"}),
        page(tmp_path, "strange", attributes={"region": "total_section"}),
        page(tmp_path, "outside", attributes={"region": "client_info"}),
        page(tmp_path, "several", fields={"records": [FIELDS, FIELDS]}),
        page(tmp_path, "version", fields={"schema": "other/9", "total": "1.00"}),
        two,
        page(tmp_path, "three", attributes={"pages": 3}),
        page(tmp_path, "gone", attributes={"images": ["gone.png", "nowhere.png"]}),
        replace(two, id="crop", attributes={**two.attributes, "region": "vendor_block"}),
    ]
    network = load_network(from_folder(tiny_vlm("paddleocr_vl")), Loading())
    kept, left_out = usable_samples(samples, network, longest=200, progress=nothing)
    assert [line.sample.id for line in kept] == ["good", "crop"]
    reasons = {one.id: one.reason for one in left_out}
    assert [*reasons] == ["marks", "strange", "outside", "several", "version", "two", "three", "gone"]
    assert reasons["marks"].startswith("total: '1.2.3,4' is no amount")
    assert "'total_section' is unknown; did you mean 'totals_section'" in reasons["strange"]
    assert reasons["outside"].startswith("no field of the region client_info")
    assert "has 2 records" in reasons["several"] and "other/9" in reasons["version"]
    assert "has 2 pages, and its fields do not say" in reasons["two"]
    assert "has 3 pages" in reasons["three"] and "page 2 of gone is not there" in reasons["gone"]


@pytest.mark.parametrize("kind", VLM_TYPES)
def test_only_the_json_and_its_end_carry_loss_whatever_is_asked(tiny_vlm, tmp_path: Path, capsys, kind: str) -> None:
    """Read off the command that shows it: page, region and line in one data set, each with a prompt of its own."""
    attributes = [{}, *({"region": name} for name in ("totals_section", "vendor_block"))]
    samples = [page(tmp_path, f"p{at}", at, attributes=one) for at, one in enumerate(attributes)]
    samples.append(page(tmp_path, "line", 9, fields=None, text="12 Quay Street"))
    rows: list[dict[str, Any]] = [
        {"id": one.id, "image": one.image.name, "fields": one.fields, "text": one.text, **one.attributes}
        for one in samples
    ]
    rows = [{key: value for key, value in row.items() if value is not None} for row in rows]
    manifest = tmp_path / "rows.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    folder = tiny_vlm(kind)
    command = ["train", "--data", str(manifest), "--base", str(folder), "--out", "unused", "--show-labels", "4"]
    assert main([*command, "--set", "max_target=300", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)["samples"]
    network = load_network(from_folder(folder), Loading())
    answers = [PAGE_TEXT, '{"total":"1234.50"}', '{"seller":"Été & Fils"}', "12 Quay Street"]
    prompts = [prompt_of(""), prompt_of("totals_section"), prompt_of("vendor_block"), network.preprocessing["prompt"]]
    assert [row["sample"] for row in shown] == ["p0", "p1", "p2", "line"]
    for row, answer, prompt in zip(shown, answers, prompts, strict=True):
        loss = [token["loss"] for token in row["tokens"]]
        first = loss.index(True)
        assert not any(loss[:first]) and all(loss[first:])
        ids = [token["id"] for token in row["tokens"]]
        assert network.tokenizer.decode(ids[first:-1]) == answer and ids[-1] == network.end
        before = network.tokenizer.decode(ids[:first])
        assert prompt in before and answer not in before
        assert all(other == prompt or other not in before for other in prompts)


def test_the_best_weights_for_documents_are_those_with_the_most_fields(tmp_path: Path) -> None:
    samples = [
        page(tmp_path, "whole"),
        page(tmp_path, "part", attributes={"region": "totals_section"}),
        page(tmp_path, "line", fields=None, text="12 Quay Street"),
        page(tmp_path, "none"),
    ]
    told = targets_of(samples)
    lines = [TargetLine(one, told(one).text, 1, told(one).ask) for one in samples]
    texts = ['{"seller":"Été & Fils","total":"9.00"', '{"total":"1234.50","seller":"Ann"}', "12 Quay", "no JSON"]
    counted = count_fields(lines, texts)
    assert counted == FieldCounts(right=2, wrong=1, missed=4)
    assert measured("fields", Counts(), counted) == counted.f1 == 4 / 10
    assert measured("fields", Counts(), FieldCounts()) == 0.0


def test_the_recipe_for_fields_is_as_it_says() -> None:
    recipe = family_recipe("vlm-fields", family="vlm", kind=TuneRecipe)
    assert (recipe.lora_rank, recipe.batch, recipe.accumulate, recipe.warmup) == (16, 4, 4, 0.1)
    assert recipe.metric == "fields" and recipe.learning_rate == 2e-5 and 3 <= recipe.epochs <= 5
    course = course_for(recipe, 64_000)
    assert (course.steps, course.warmup, course.evaluate_every) == (12_000, 1200, 500)
    assert course_for(recipe, 160).evaluate_every == course_for(recipe, 160).steps == 30
    assert course_for(recipe.model_copy(update={"evaluate_every": 0}), 64_000).evaluate_every == 2000
