"""Where an adapter attaches, on each side; and that what it cannot attach to is an error before training."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from emendo.errors import EngineError, UsageError
from emendo.models.generative.network import Loading
from emendo.models.generative.recognizer import load_network
from emendo.models.generative.source import from_folder
from emendo.train.tuning.adapters import attach, freeze, load_state, targets_of, trained_state
from emendo.train.tuning.finish import place_adapter
from emendo.train.tuning.fit import encoder_trains

from ... import tiny
from .lines import recipe

COUNTS = {
    "paddleocr_vl": {"vision": 8, "text": 8},
    "deepseek_ocr2": {"vision": 6, "text": 8},
    "qwen2_vl": {"vision": 4, "text": 8},
    "glm_ocr": {"vision": 4, "text": 8},
}


def trocr(folder: Path):
    return load_network(from_folder(folder), Loading())


def test_both_sides_of_trocr_are_reached(tiny_trocr: Path) -> None:
    found = targets_of(trocr(tiny_trocr), recipe())
    assert {side: len(names) for side, names in found.items()} == {"encoder": 8, "decoder": 16}
    assert all(name.startswith("encoder.") for name in found["encoder"])
    assert any("encoder_attn" in name for name in found["decoder"])


def test_an_adapter_on_shared_weights_is_refused(tiny_trocr: Path, tmp_path: Path) -> None:
    both = recipe(lora_rank=2, lora_targets=r".*\.(q_proj|output_projection)$")
    what = (
        r"matches decoder\.output_projection, whose weights are those of decoder\.model\.decoder\.embed_tokens as well"
    )
    with pytest.raises(UsageError, match=what):
        targets_of(trocr(tiny_trocr), both)
    own = trocr(tiny.trocr(tmp_path / "own", tied=False))
    assert "decoder.output_projection" in targets_of(own, both)["decoder"]


@pytest.mark.parametrize("kind", sorted(COUNTS))
def test_both_sides_of_every_vlm_are_reached(tiny_vlm, kind: str) -> None:
    network = load_network(from_folder(tiny_vlm(kind)), Loading())
    adapted, found = attach(network, recipe(lora_rank=2))
    assert {side: len(names) for side, names in found.items()} == COUNTS[kind]
    trained = [name for name, p in adapted.named_parameters() if p.requires_grad]
    assert len(trained) == 2 * sum(COUNTS[kind].values())
    assert all(".lora_" in name for name in trained)


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        (r".*\.q_prj$", r"matches nothing in the encoder; did you mean .*q_proj"),
        (r".*\.out_proj$", "matches nothing in the encoder"),
        (r"encoder\..*\.q_proj", "matches nothing in the decoder"),
        ("(", "is no regular expression"),
    ],
)
def test_a_pattern_that_leaves_a_side_out_is_refused(tiny_trocr: Path, pattern: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        targets_of(trocr(tiny_trocr), recipe(lora_targets=pattern))
    assert "\n" not in str(caught.value)


def test_a_frozen_encoder_asks_for_the_decoder_only(tiny_trocr: Path) -> None:
    network = trocr(tiny_trocr)
    network.model, found = attach(network, recipe(freeze_encoder=True))
    assert set(found) == {"decoder"}
    assert not encoder_trains(network)


def test_full_training_with_a_frozen_encoder(tiny_trocr: Path) -> None:
    network = trocr(tiny_trocr)
    freeze(network, recipe(lora_rank=0, freeze_encoder=True))
    assert not encoder_trains(network)
    freeze(network, recipe(lora_rank=0))
    assert encoder_trains(network)


def test_an_adapter_begins_as_the_base_and_leaves_it_as_it_was(tiny_trocr: Path) -> None:
    import numpy as np

    network = trocr(tiny_trocr)
    example = [network.example(np.full((40, 200, 3), 200, np.uint8), "abc")]
    before = network.logits(example)
    network.model, _ = attach(network, recipe(dora=True))
    assert float((network.logits(example) - before).abs().max()) < 1e-5
    with torch.no_grad():
        for name, parameter in network.model.named_parameters():
            if "lora_B" in name:
                parameter.add_(0.1)
    assert float((network.logits(example) - before).abs().max()) > 1e-3
    assert torch.equal(network.with_model(network.model.unload()).logits(example), before)


def test_what_trains_is_taken_and_put_back(tiny_trocr: Path, tmp_path: Path) -> None:
    network = trocr(tiny_trocr)
    network.model, _ = attach(network, recipe())
    state = trained_state(network.model)
    with torch.no_grad():
        for parameter in network.model.parameters():
            if parameter.requires_grad:
                parameter.zero_()
    load_state(network.model, state, tmp_path)
    assert all(torch.equal(state[name], held) for name, held in trained_state(network.model).items())
    state.popitem()
    with pytest.raises(EngineError, match="holds other weights than this run trains"):
        load_state(network.model, state, tmp_path)


def test_a_saved_adapter_is_placed_name_by_name(tiny_vlm, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    network = load_network(from_folder(tiny_vlm("deepseek_ocr2")), Loading())
    model, _ = attach(network, recipe(lora_rank=2, dora=True))
    before = trained_state(model)
    model.save_pretrained(tmp_path)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.zero_()
    place_adapter(model, tmp_path)
    assert all(torch.equal(before[name], held) for name, held in trained_state(model).items())
    path = tmp_path / "adapter_model.safetensors"
    held = load_file(path)
    renamed = {name.replace("q_proj", "query"): tensor for name, tensor in held.items()}
    save_file(renamed, path)
    with pytest.raises(EngineError, match="the adapter does not fit its base"):
        place_adapter(model, tmp_path)
