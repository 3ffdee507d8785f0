"""Whole runs on real lines: both families, every recipe, what they leave, kill -9, and what is refused."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import yaml
from transformers import VisionEncoderDecoderModel

from emendo.cli import main
from emendo.datasets.dataset import open_dataset
from emendo.errors import DataError, EmendoError, EngineError, Refused, UsageError
from emendo.metrics.align import Counts, counts
from emendo.models.bundle import read_bundle
from emendo.models.generative import network
from emendo.models.generative.network import Loading
from emendo.models.generative.recognizer import GenerativeRecognizer, load_network
from emendo.models.generative.source import from_bundle, from_folder
from emendo.train import memory, run
from emendo.train.recipe import family_recipe, recipe_families, recipe_names
from emendo.train.run import dry_run, show_labels, train
from emendo.train.session import Interrupted, last_checkpoint
from emendo.train.tuning import finish
from emendo.train.tuning.recipe import TuneRecipe

from ...tiny import VLM_TYPES
from .lines import SHRUNK, parts, recipe

CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from lines import parts, recipe
from emendo.train.run import train
own, val = parts(Path({data!r}))
train(own, val=val if {val!r} else None, base={base!r}, out=Path({out!r}), recipe=recipe(**{changes!r}), threads=1,
      progress=lambda *state: print(*state, flush=True))
"""


@pytest.fixture(scope="module")
def finished(data, tiny_trocr, tmp_path_factory):
    """A run through the command line, with every other setting in `--set`."""
    out = tmp_path_factory.mktemp("run") / "out"
    own, val = parts(data)
    manifest = out.parent / "lines.jsonl"
    rows = [
        {"image": str(s.image.relative_to(data / "peraire")), "text": s.text, "split": split}
        for split, samples in (("train", own), ("val", val))
        for s in samples
    ]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    reference = f"lines={manifest}:{data / 'peraire'}"
    settings = [f"--set={key}={value}" for key, value in {**SHRUNK, "lora_rank": 4}.items()]
    status = main(
        ["train", "--data", reference, "--base", str(tiny_trocr), "--out", str(out), "--threads", "1", *settings]
    )
    assert status == 0
    return out, reference


def test_a_run_leaves_everything_it_was_made_of(finished, tiny_trocr):
    out, _ = finished
    assert {path.name for path in out.iterdir()} == {
        "bundle",
        "logs",
        "run.yaml",
        "report.json",
        "curve.png",
        "curve.jsonl",
    }
    held = yaml.safe_load((out / "run.yaml").read_text("utf-8"))
    assert held["recipe"] == recipe(lora_rank=4).model_dump(mode="json")
    assert {side: one["count"] for side, one in held["adapter"].items()} == {"encoder": 8, "decoder": 16}
    assert held["base"]["name"] == str(tiny_trocr) and held["base"]["family"] == "trocr"
    assert len(held["data"]["hash"]) == 64 and held["versions"]["peft"]
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert [step for step, _ in report["losses"]] == [1, 2, 3, 4]
    assert [step for step, _ in report["cers"]] == [0, 2, 4]
    assert report["cer_after"] == min(cer for _, cer in report["cers"])
    assert set(report["parity"]["logit_difference"]) == {"adapter loaded", "merged", "bundle"}
    assert max(report["parity"]["logit_difference"].values()) <= 1e-4
    assert list((out / "logs").glob("events.out.tfevents*"))


def test_the_bundle_is_read_like_any_other(finished, data, capsys):
    out, reference = finished
    capsys.readouterr()
    assert (
        main(["evaluate", "--data", reference, "--split", "val", "--model", str(out), "--threads", "1", "--json"]) == 0
    )
    figures = json.loads(capsys.readouterr().out)
    report = json.loads((out / "report.json").read_text("utf-8"))
    assert figures["cer"] == pytest.approx(report["cer_after"])
    bundle = read_bundle(out / "bundle")
    assert bundle.info.family == "trocr" and bundle.info.parity["logit_difference"]
    assert bundle.info.run["preprocessing"] == bundle.info.preprocessing
    command = ["compare", "base", str(out), "--data", reference, "--split", "val", "--threads", "1", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["b"]["cer"] == pytest.approx(figures["cer"])


def test_the_merged_model_needs_no_peft_and_the_adapter_none_of_it(finished, tiny_trocr, data):
    from emendo.image.load import sample_image

    out, _ = finished
    own, _ = parts(data)
    folder = out / "bundle"
    assert (folder / "model.safetensors").stat().st_size == pytest.approx(
        (tiny_trocr / "model.safetensors").stat().st_size, rel=0.01
    )
    code = (
        "import sys; sys.modules['peft'] = None\n"
        "from transformers import VisionEncoderDecoderModel, TrOCRProcessor\n"
        f"VisionEncoderDecoderModel.from_pretrained({str(folder)!r}); TrOCRProcessor.from_pretrained({str(folder)!r})"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    from peft import PeftModel

    base = load_network(from_folder(tiny_trocr), Loading())
    example = [base.example(sample_image(own[0]), own[0].text or "")]
    plain = base.logits(example)
    adapted = base.with_model(PeftModel.from_pretrained(base.model, str(folder / "adapter")))
    merged = load_network(from_bundle(read_bundle(folder)), Loading())
    assert float((adapted.logits(example) - merged.logits(example)).abs().max()) <= 1e-4
    with adapted.model.disable_adapter():
        assert torch.equal(adapted.logits(example), plain)


def test_bfloat16_learns_as_float32_does(data, tiny_trocr, tmp_path):
    own, _ = parts(data)
    losses = {}
    for precision in ("float32", "bfloat16"):
        settings = recipe(steps=12, batch=4, lora_rank=0, augment=0, evaluations=1, judged=1, precision=precision)
        report = train(own, base=str(tiny_trocr), out=tmp_path / precision, recipe=settings, threads=1).report
        losses[precision] = [loss for _, loss in report["losses"]]
    assert losses["float32"][-1] < losses["float32"][0] - 0.5
    assert losses["bfloat16"] != losses["float32"]
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.02)


WITH_VAL = ("trocr", "paddleocr_vl")
QUICK = {"steps": 3, "evaluations": 3, "batch": 1, "judged": 1, "max_target": 24}
KILLED = (
    ("trocr", {"views": 2, "freeze_encoder": True, "accumulate": 2}),
    ("paddleocr_vl", {"accumulate": 2}),
    ("deepseek_ocr2", {**QUICK, "resolution": (512, 512)}),
    ("qwen2_vl", QUICK),
    ("glm_ocr", QUICK),
)


@pytest.mark.parametrize(("kind", "changes"), KILLED)
def test_after_kill_9_the_run_goes_on_with_the_same_losses(data, tiny_trocr, tiny_vlm, tmp_path, kind, changes):
    base = str(tiny_trocr if kind == "trocr" else tiny_vlm(kind))
    settings = {"steps": 5, "evaluations": 5, "lora_rank": 4, "patience": 0, **changes}
    steps = settings["steps"]
    last = random.Random(kind).randint(2, steps - 1)  # there is a checkpoint before it
    out = tmp_path / "killed"
    code = CHILD.format(
        tests=str(Path(__file__).parent),
        data=str(data),
        base=base,
        out=str(out),
        changes=settings,
        val=kind in WITH_VAL,
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=os.environ.copy())
    assert child.stdout is not None
    for row in child.stdout:
        if row.startswith(f"{last} {steps}"):
            child.send_signal(signal.SIGKILL)
            break
    assert child.wait() == -signal.SIGKILL
    assert last_checkpoint(out / "checkpoints") is not None
    own, val = parts(data)
    val = val if kind in WITH_VAL else None
    whole = train(own, val=val, base=base, out=tmp_path / "whole", recipe=recipe(**settings), threads=1)
    resumed = train(own, val=val, base=base, out=out, recipe=recipe(**settings), resume=True, threads=1)
    assert resumed.report["losses"] == whole.report["losses"]
    assert len(whole.report["losses"]) == steps
    assert resumed.report["cers"] == whole.report["cers"]
    assert resumed.report["model"] == whole.report["model"]
    assert whole.report["encoder_cached"] == (kind == "trocr")


@pytest.mark.parametrize("name", [name for name in recipe_names() if {"trocr", "vlm"} & {*recipe_families(name)}])
def test_every_recipe_trains_for_a_few_steps(data, tiny_trocr, tiny_vlm, tmp_path, name):
    family = recipe_families(name)[0]
    base = tiny_trocr if family == "trocr" else tiny_vlm("qwen2_vl")
    kind = family_recipe(name, family=family, kind=TuneRecipe)
    small = kind.model_copy(update={**SHRUNK, "steps": 2, "resolution": 32 if kind.resolution else 0})
    own, _ = parts(data)
    result = train(own, base=str(base), out=tmp_path / "run", recipe=small, threads=1)
    assert len(result.report["losses"]) == 2
    found = read_bundle(result.bundle)
    assert ("adapter/adapter_model.safetensors" in found.info.files) == (kind.lora_rank > 0)
    assert GenerativeRecognizer(from_bundle(found)).network.preprocessing == found.info.preprocessing


SMALLER = {"deepseek_ocr2": {"resolution": (512, 512)}}
FORMS = {0: {"bundle"}, 8: {"adapter loaded", "merged", "bundle"}}
FALL = {0: 0.2, 8: 0.05}
"""Nats in six steps, by rank. An adapter moves what is before a random head that stays: most of the loss is there."""


@pytest.mark.parametrize("rank", sorted(FORMS))
@pytest.mark.parametrize("kind", VLM_TYPES)
def test_every_vlm_learns_and_is_the_same_in_every_form(data, tiny_vlm, tmp_path, kind, rank):
    """All four lines are one, so that each step sees what the step before saw. No reading is right, before or after:

    as exact as the start is good enough to be kept, so what is compared are trained weights.
    """
    own, _ = parts(data)
    same = [replace(own[0], id=str(at)) for at in range(4)]
    settings = {"lora_rank": rank, "lora_dropout": 0, "learning_rate": 5e-3, "batch": 4, "augment": 0, "evaluations": 1}
    one = recipe(steps=6, metric="exact", max_target=24, **settings, **SMALLER.get(kind, {}))
    report = train(same, base=str(tiny_vlm(kind)), out=tmp_path / "run", recipe=one, threads=1).report
    losses = [loss for _, loss in report["losses"]]
    assert all(later < earlier for earlier, later in pairwise(losses))
    assert losses[-1] < losses[0] - FALL[rank]
    assert report["kept"] == "trained"
    forms = report["parity"]["logit_difference"]
    assert set(forms) == FORMS[rank]
    assert max(forms.values()) <= 1e-4


@pytest.mark.parametrize("kind", VLM_TYPES)
def test_full_training_that_was_stopped_goes_on_with_the_same_losses(data, tiny_vlm, tmp_path, kind):
    """What kill -9 shows for adapters, for all weights."""
    own, _ = parts(data)
    base, one = str(tiny_vlm(kind)), recipe(**QUICK, lora_rank=0, **SMALLER.get(kind, {}))

    def stop(done, total, text):
        if done == 1:
            signal.getsignal(signal.SIGINT)(signal.SIGINT, None)  # what Ctrl-C calls

    with pytest.raises(Interrupted, match="stopped after step 2 of 3"):
        train(own, base=base, out=tmp_path / "stopped", recipe=one, threads=1, progress=stop)
    resumed = train(own, base=base, out=tmp_path / "stopped", recipe=one, resume=True, threads=1)
    whole = train(own, base=base, out=tmp_path / "whole", recipe=one, threads=1)
    assert [step for step, _ in whole.report["losses"]] == [1, 2, 3]
    assert resumed.report["losses"] == whole.report["losses"]
    assert resumed.report["model"] == whole.report["model"]


def test_full_training_learns_its_lines(data, tiny_trocr, tmp_path):
    own, _ = parts(data)
    one = recipe(steps=30, batch=4, learning_rate=5e-3, lora_rank=0, augment=0, metric="character_accuracy")
    result = train(own[:4], base=str(tiny_trocr), out=tmp_path / "run", recipe=one, threads=1)
    losses = [loss for _, loss in result.report["losses"]]
    assert losses[-1] < 0.7 * losses[0]
    assert set(result.report["parity"]["logit_difference"]) == {"bundle"}
    assert not (tmp_path / "run" / "bundle" / "adapter").exists()


def test_a_bundle_is_a_base_again(finished, data, tmp_path):
    out, _ = finished
    own, _ = parts(data)
    result = train(own, base=str(out), out=tmp_path / "run", recipe=recipe(steps=1), threads=1)
    held = yaml.safe_load((tmp_path / "run" / "run.yaml").read_text("utf-8"))
    assert held["base"]["id"] == read_bundle(out / "bundle").id
    assert read_bundle(result.bundle).info.base == read_bundle(out / "bundle").info.base


def test_a_merge_that_changes_the_model_fails_the_run(data, tiny_trocr, tmp_path, monkeypatch):
    monkeypatch.setattr(finish, "TOLERANCE", -1.0)
    own, _ = parts(data)
    with pytest.raises(EngineError, match="the model as 'adapter loaded' differs from it as 'adapter' by 0"):
        train(own, base=str(tiny_trocr), out=tmp_path / "run", recipe=recipe(steps=1), threads=1)
    assert not (tmp_path / "run" / "report.json").exists()


def test_a_dry_run_does_everything_and_keeps_nothing(data, tiny_trocr, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    own, _ = parts(data)
    seen = dry_run(own, 4, base=str(tiny_trocr), recipe=recipe(steps=50), threads=1)
    assert (seen["lines"], seen["rehearsed"], seen["steps"]) == (12, 4, 50)
    assert seen["estimated_seconds"] == pytest.approx(50 * seen["step_seconds"])
    assert max(seen["parity"]["logit_difference"].values()) <= 1e-4
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(run, "available_mb", lambda: 0.0)
    with pytest.raises(Refused, match="MB that were free; lower the batch or the resolution"):
        dry_run(own, 4, base=str(tiny_trocr), recipe=recipe(steps=50), threads=1)


def test_labels_are_shown_token_by_token(data, tiny_vlm, capsys):
    own, _ = parts(data)
    rows = show_labels(own, 2, base=str(tiny_vlm("paddleocr_vl")), recipe=recipe())
    assert [row[0].sample for row in rows] == [own[0].id, own[1].id]
    shown = open_dataset(data / "peraire").split("train")[0]
    command = ["train", "--data", str(data / "peraire"), "--out", "unused", "--show-labels", "1"]
    assert main([*command, "--base", str(tiny_vlm("paddleocr_vl")), "--set", "max_target=300"]) == 0
    lines = capsys.readouterr().out.splitlines()
    counted = len((shown.text or "").encode()) + 1
    assert lines[0].startswith(f"{shown.id}: {counted} of ")
    assert [line[2] for line in lines[1:]] == ["-", "+"]
    assert lines[2].endswith("</s>") and len(lines[2].split()) == counted + 1
    assert not Path("unused").exists()


@pytest.mark.parametrize("kind", VLM_TYPES)
def test_every_vlm_shows_that_the_text_alone_carries_loss(data, tiny_vlm, capsys, kind):
    folder = tiny_vlm(kind)
    command = ["train", "--data", str(data / "peraire"), "--out", "unused", "--show-labels", "1", "--json"]
    assert main([*command, "--base", str(folder), "--set", "max_target=300"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["samples"]
    tokenizer = load_network(from_folder(folder), Loading()).tokenizer
    told, kept = ([token["id"] for token in row["tokens"] if token["loss"] is loss] for loss in (True, False))
    text = next(s.text for s in open_dataset(data / "peraire").split("train") if s.id == row["sample"])
    assert tokenizer.decode(told[:-1]) == text
    assert told[-1] in tokenizer.all_special_ids and text not in tokenizer.decode(kept)
    assert [token["loss"] for token in row["tokens"]] == [False] * len(kept) + [True] * len(told)


def test_labels_of_the_line_network_are_its_characters(data):
    own, _ = parts(data)
    (row,) = show_labels(own, 1)
    assert "".join(token.text for token in row) == own[0].text
    assert all(token.loss for token in row)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"lora_targets": r".*\.nothing$"}, "matches nothing in the encoder"),
        ({"precision": "float16"}, "float16 needs a GPU"),
        ({"max_target": 161}, "max_target 161 is more than the 160 positions"),
        ({"max_target": 3}, "are too few to train .*max_target is 3.*; raise max_target"),
        ({"resolution": (30, 30)}, "no multiple of the patches"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(data, tiny_trocr, tmp_path, changes, sentence):
    own, _ = parts(data)
    with pytest.raises(EmendoError, match=sentence) as caught:
        train(own, base=str(tiny_trocr), out=tmp_path / "run", recipe=recipe(**changes), threads=1)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_quantised_loading_without_its_library_is_refused(data, tiny_trocr, tmp_path, monkeypatch):
    import importlib.util

    there = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "bitsandbytes" else there(name))
    own, _ = parts(data)
    with pytest.raises(EngineError, match=r"loading in 4 bits needs bitsandbytes; pip install 'emendo\[quantize\]'"):
        train(own, base=str(tiny_trocr), out=tmp_path / "run", recipe=recipe(load_bits=4), threads=1)


def test_quantised_loading_that_the_hardware_refuses_is_said_in_one_sentence(tiny_trocr, monkeypatch):
    def without_hardware(*_, quantization_config, **__):
        raise RuntimeError(f"no kernel for {quantization_config} here\n(see the docs)")

    monkeypatch.setattr(network, "quantisation", lambda bits: f"{bits} bits")
    monkeypatch.setattr(VisionEncoderDecoderModel, "from_pretrained", without_hardware)
    sentence = r"does not load '.*' in 8 bits \(no kernel for 8 bits here \(see the docs\)\); use --set load_bits=0"
    with pytest.raises(EngineError, match=sentence):
        load_network(from_folder(tiny_trocr), Loading(bits=8))


def test_quantised_weights_stay_as_training_needs_them(tiny_trocr, monkeypatch):
    load = VisionEncoderDecoderModel.from_pretrained

    def quantised(folder, *, quantization_config, device_map, **options):
        assert (quantization_config, device_map) == ("4 bits", {"": "cpu"})
        model, report = load(folder, **options)
        model.decoder.model.decoder.layers[0].fc1.support_avx512bf16_for_cpu = True
        return model, report

    monkeypatch.setattr(network, "quantisation", lambda bits: f"{bits} bits")
    monkeypatch.setattr(VisionEncoderDecoderModel, "from_pretrained", quantised)
    loaded = load_network(from_folder(tiny_trocr), Loading(bits=4)).model
    assert loaded.decoder.model.decoder.layers[0].fc1.support_avx512bf16_for_cpu is False


def test_too_little_memory_is_said_before_the_model_is_loaded(data, tiny_trocr, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "available_mb", lambda: 1.0)
    own, _ = parts(data)
    with pytest.raises(DataError, match=r"has 0 million weights and needs 3 MB, 1 MB are free; train an adapter"):
        train(own, base=str(tiny_trocr), out=tmp_path / "run", recipe=recipe(lora_rank=0), threads=1)


def test_a_recipe_of_another_family_is_refused(data, tiny_trocr, tmp_path):
    own, _ = parts(data)
    with pytest.raises(UsageError, match="is no recipe of the family 'ctc', of which the base 'base' is"):
        train(own, out=tmp_path / "run", recipe=recipe())


def test_reading_agrees_with_the_report(finished, data):
    from emendo.image.load import sample_image

    out, _ = finished
    _, val = parts(data)
    reader = GenerativeRecognizer(from_bundle(read_bundle(out / "bundle")))
    total = sum(
        (counts(s.text or "", r.text) for s, r in zip(val, reader.read([sample_image(s) for s in val]), strict=True)),
        Counts(),
    )
    assert total.cer == pytest.approx(json.loads((out / "report.json").read_text())["cer_after"])
