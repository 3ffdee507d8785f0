"""Export of models that write tokens: adapter, merged and exported weights write the same, or nothing is written."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from emendo.datasets.dataset import open_dataset
from emendo.errors import EngineError, UsageError
from emendo.models.bundle import Bundle, BundleInfo, read_bundle, write_bundle
from emendo.models.certificate import check_certificate
from emendo.models.generative.graphs import Written
from emendo.models.generative.network import Loading
from emendo.models.generative.recognizer import load_network
from emendo.models.generative.source import Source, from_folder
from emendo.release.export import WRITERS, Order, export
from emendo.release.export.generative import require_together
from emendo.tools.signing import make_key, public_key
from emendo.train.run import train
from emendo.train.tuning.finish import ADAPTER_FILES, with_adapter
from emendo.types import Sample

from ..train.tuning.lines import parts, recipe


@pytest.fixture(scope="module")
def adapted(data: Path, tiny_trocr: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A tiny TrOCR that was trained with an adapter; so few steps teach it nothing, so the adapter is made to tell."""
    place = tmp_path_factory.mktemp("adapted")
    own, val = parts(data)
    train(own, val=val, base=str(tiny_trocr), out=place / "out", recipe=recipe(lora_rank=4), threads=1)
    bundle = read_bundle(place / "out" / "bundle")
    folder = place / "adapter"
    shutil.copytree(bundle.folder / "adapter", folder)
    weights = load_file(folder / ADAPTER_FILES[1])
    torch.manual_seed(5)
    save_file({name: torch.randn_like(held) * 0.2 for name, held in weights.items()}, folder / ADAPTER_FILES[1])
    network = with_adapter(from_folder(tiny_trocr), Loading(), folder)
    network.model = network.model.merge_and_unload(safe_merge=True)
    network.save(place / "merged")
    files: dict[str, bytes | Path] = {path.name: path for path in sorted((place / "merged").iterdir())}
    files |= {f"adapter/{name}": folder / name for name in ADAPTER_FILES}
    return write_bundle(place / "bundle", bundle.info.model_copy(update={"decoding": {"most_tokens": 6}}), files)


@pytest.fixture(scope="module")
def lines(data: Path) -> list[Sample]:
    return list(open_dataset(data / "peraire").split("val")[:2])


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return make_key(tmp_path_factory.mktemp("key") / "key.pem")


def test_adapter_merged_and_exported_weights_write_the_same(
    adapted: Bundle, lines: list[Sample], signer: Any, tmp_path: Path
) -> None:
    order = Order(model=adapted, form="safetensors", samples=lines, find=lambda ref: from_folder(Path(ref), ref))
    done = export(order, tmp_path / "out", signer)
    seen = check_certificate(read_bundle(tmp_path / "out"), [public_key(signer)])
    assert [(row.form, row.same) for row in seen.rows] == [("adapter", 2), ("merged", 2), ("safetensors", 2)]
    assert all(row.logit_difference is not None and row.logit_difference < 1e-3 for row in seen.rows)
    held = set(done.bundle.info.files)
    assert "model.safetensors" in held and not any(name.startswith("adapter/") for name in held)
    assert held == {name for name in adapted.info.files if not name.startswith("adapter/")} and not done.notes


def test_an_adapter_that_was_left_out_is_caught(
    adapted: Bundle, tiny_trocr: Path, lines: list[Sample], signer: Any, tmp_path: Path
) -> None:
    files: dict[str, bytes | Path] = {name: adapted.path(name) for name in adapted.info.files}
    files["model.safetensors"] = tiny_trocr / "model.safetensors"
    forgotten = write_bundle(tmp_path / "forgotten", adapted.info, files)
    order = Order(model=forgotten, form="safetensors", samples=lines, find=lambda ref: from_folder(Path(ref), ref))
    with pytest.raises(EngineError, match=r"merged (reads|reads the same texts as adapter, but)"):
        export(order, tmp_path / "out", signer)
    assert not (tmp_path / "out").exists()


def test_without_its_base_the_training_answers_for_the_adapter_or_nobody(
    adapted: Bundle, lines: list[Sample], signer: Any, tmp_path: Path
) -> None:
    def gone(ref: str) -> Source:
        raise UsageError(f"no model {ref!r}")

    order = Order(model=adapted, form="safetensors", samples=lines[:1], find=gone, work=tmp_path)
    draft = WRITERS["trocr"]["safetensors"](order)
    assert [form.name for form in draft.forms] == ["merged", "safetensors"]
    assert "the base is not here" in draft.notes[0] and "compared at training only" in draft.notes[0]
    silent = Bundle(adapted.folder, adapted.info.model_copy(update={"parity": {}}))
    with pytest.raises(EngineError, match="the adapter cannot be compared with the merged weights"):
        export(Order(model=silent, form="safetensors", samples=lines[:1], find=gone), tmp_path / "other", signer)


def test_a_vision_language_model_is_written_as_merged_weights(
    tiny_vlm: Any, lines: list[Sample], signer: Any, tmp_path: Path
) -> None:
    network = load_network(from_folder(tiny_vlm("qwen2_vl")), Loading())
    network.save(tmp_path / "saved")
    files: dict[str, bytes | Path] = {path.name: path for path in sorted((tmp_path / "saved").iterdir())}
    info = BundleInfo(family="vlm", preprocessing=network.preprocessing, decoding={"most_tokens": 6})
    model = write_bundle(tmp_path / "model", info, files)
    done = export(Order(model=model, form="safetensors", samples=lines[:1]), tmp_path / "out", signer)
    assert [(row.form, row.same) for row in done.certificate.rows] == [("torch", 1), ("safetensors", 1)]
    assert done.bundle.id == model.id and done.bundle.info.decoding == {"most_tokens": 6}


def test_lines_that_disturb_each_other_are_caught() -> None:
    images = [np.zeros((8, 8, 3), np.uint8)] * 2

    def write(shown: Sequence[np.ndarray]) -> list[Written]:
        return [Written("a", 1.0, (1, len(shown))) for _ in shown]

    def fixed(shown: Sequence[np.ndarray]) -> list[Written]:
        if len(shown) > 1:
            raise RuntimeError("Got: 4 Expected: 1")
        return [Written("a", 1.0, (1, 2))]

    with pytest.raises(EngineError, match="onnx writes a line otherwise when 4 lines are written together"):
        require_together("onnx", write, images)
    with pytest.raises(EngineError, match=r"onnx does not take 4 lines together \(Got: 4 Expected: 1\)"):
        require_together("onnx", fixed, images)
    require_together("onnx", lambda shown: [Written("a", 1.0, (1, 2)) for _ in shown], images)
