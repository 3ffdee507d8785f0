"""Where a model lies: folders, bundles, hub ids; and one sentence for each that is none."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.errors import BundleError, EmendoError, UsageError
from emendo.models.bundle import BundleInfo, write_bundle
from emendo.models.generative.source import Source, from_folder, from_hub
from emendo.models.references import find_model, load_bundle


def model_folder(folder: Path, model_type: str = "qwen2_vl", weights: str = "model.safetensors") -> Path:
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
    (folder / weights).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("model_type", "family"), [("vision-encoder-decoder", "trocr"), ("qwen2_vl", "vlm"), ("yet_unknown_vl", "vlm")]
)
def test_the_model_type_decides_the_family(tmp_path: Path, model_type: str, family: str) -> None:
    found = find_model(str(model_folder(tmp_path / "m", model_type)))
    assert isinstance(found, Source)
    assert (found.family, found.model_type, found.folder) == (family, model_type, tmp_path / "m")


def test_a_run_folder_names_its_bundle(tmp_path: Path) -> None:
    write_bundle(tmp_path / "run" / "bundle", BundleInfo(family="vlm"), {"config.json": b'{"model_type": "qwen2_vl"}'})
    assert load_bundle(str(tmp_path / "run")).info.family == "vlm"


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (lambda f: (f / "config.json").write_text("{"), "is no JSON file"),
        (lambda f: (f / "config.json").write_text("[]"), "holds no JSON object"),
        (lambda f: (f / "config.json").write_text("{}"), "names no model_type"),
        (lambda f: (f / "config.json").write_bytes(b"\xff\xfe"), "is no JSON file"),
        (
            lambda f: (f / "model.safetensors").rename(f / "pytorch_model.bin"),
            "a pickle only, which emendo never loads",
        ),
        (lambda f: (f / "model.safetensors").unlink(), "holds no safetensors weights"),
    ],
)
def test_a_folder_that_is_no_model_is_refused_in_one_sentence(tmp_path: Path, fault: object, sentence: str) -> None:
    folder = model_folder(tmp_path / "m")
    fault(folder)  # type: ignore[operator]
    with pytest.raises(BundleError, match=sentence) as caught:
        find_model(str(folder))
    assert "\n" not in str(caught.value)


def test_a_model_folder_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a model of transformers and no bundle"):
        load_bundle(str(model_folder(tmp_path / "m")))


def test_a_hub_out_of_reach_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EmendoError, match="the hub does not give the model 'someone/some-model'") as caught:
        from_hub("someone/some-model")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 2


def test_the_id_of_a_source_follows_its_weights(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "m")
    before = from_folder(folder).id
    (folder / "model.safetensors").write_bytes(b"other")
    assert from_folder(folder).id != before
