"""TrOCR: pixels, labels, resolution, reading, saving."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import VisionEncoderDecoderModel, ViTImageProcessorPil

from emendo.errors import BundleError, UsageError
from emendo.models.generative.network import IGNORED, Loading
from emendo.models.generative.pixels import Pixels, pixels_of
from emendo.models.generative.recognizer import load_network
from emendo.models.generative.source import from_folder
from emendo.models.references import load_recognizer
from emendo.train.tuning.trainer import token_loss


def picture(seed: int = 0, height: int = 40, width: int = 300) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def network(tiny_trocr: Path):
    return load_network(from_folder(tiny_trocr), Loading())


def test_pixels_are_those_of_the_library() -> None:
    form = Pixels(height=48, width=96, resample=3, mean=(0.4, 0.5, 0.6), deviation=(0.2, 0.3, 0.4))
    theirs = ViTImageProcessorPil(**{k: v for k, v in form.processor().items() if k != "image_processor_type"})
    expected = theirs(picture(), return_tensors="np")["pixel_values"][0]
    np.testing.assert_allclose(pixels_of(picture(), form), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "found"),
    [(384, (384, 384)), ({"height": 32, "width": 64}, (32, 64)), ({"shortest_edge": 224}, (224, 224))],
)
def test_every_form_of_a_size_is_understood(size: object, found: tuple[int, int]) -> None:
    form = Pixels.of({"size": size, "do_center_crop": True})
    assert (form.height, form.width) == found


def test_every_label_carries_loss_and_the_start_does_not(network) -> None:
    tokens = network.tokens(network.example(picture(), "été"))
    assert [token.loss for token in tokens] == [False, True, True, True, True, True, True]
    assert network.tokenizer.decode([t.id for t in tokens if t.loss]) == "été</s>"


def test_the_loss_is_that_of_the_library(network) -> None:
    examples = [network.example(picture(1), "Bonjour"), network.example(picture(2), "été")]
    batch = network.collate(examples)
    labels = batch.pop("labels")
    with torch.no_grad():
        ours = token_loss(network.model(**batch), labels)
        theirs = network.model(pixel_values=batch["pixel_values"], labels=labels).loss
    assert (labels == IGNORED).sum() == 2
    assert float(ours) == pytest.approx(float(theirs), rel=1e-6)


def test_reading_is_greedy_generation_with_its_probability(network) -> None:
    one = network.write([picture()], most=6)[0]
    pixels = network.prompted([picture()])["pixel_values"]
    ids, chance = torch.tensor([[network.start]]), 1.0
    for _ in range(6):
        with torch.no_grad():
            row = network.model(pixel_values=pixels, decoder_input_ids=ids).logits[0, -1].softmax(-1)
        chance *= float(row.max())
        ids = torch.cat([ids, row.argmax().view(1, 1)], 1)
        if int(ids[0, -1]) == network.end:
            break
    assert one.text == network.tokenizer.decode(ids[0, 1:], skip_special_tokens=True).strip()
    assert one.confidence == pytest.approx(chance, rel=1e-4)


def test_lines_read_together_read_as_alone(network) -> None:
    together = network.write([picture(1), picture(2, 60, 200)], most=5)
    assert [one.text for one in together] == [
        network.write([p], most=5)[0].text for p in (picture(1), picture(2, 60, 200))
    ]


def test_another_resolution_is_kept_in_what_is_saved(tiny_trocr: Path, tmp_path: Path) -> None:
    wide = load_network(from_folder(tiny_trocr), Loading(resolution=(16, 64)))
    wide.save(tmp_path)
    again = load_network(from_folder(tmp_path), Loading())
    assert (again.form.height, again.form.width) == (16, 64)
    example = [wide.example(picture(), "a")]
    assert torch.equal(again.logits(example), wide.logits(example))
    assert VisionEncoderDecoderModel.from_pretrained(tmp_path).config.encoder.image_size == [16, 64]
    config = json.loads((tmp_path / "generation_config.json").read_text())
    assert config["eos_token_id"] == wide.end


def test_the_same_resolution_changes_nothing(tiny_trocr: Path, network) -> None:
    same = load_network(from_folder(tiny_trocr), Loading(resolution=(32, 32)))
    example = [network.example(picture(), "a")]
    assert torch.equal(same.logits(example), network.logits(example))


def test_a_resolution_that_is_no_multiple_of_the_patches_is_refused(tiny_trocr: Path) -> None:
    with pytest.raises(UsageError, match="a resolution of 30 x 32 is no multiple of the patches of 8 pixels"):
        load_network(from_folder(tiny_trocr), Loading(resolution=(30, 32)))


def test_a_model_without_a_tokenizer_is_refused(tiny_trocr: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_trocr, tmp_path / "m")
    (tmp_path / "m" / "tokenizer.json").unlink()
    with pytest.raises(BundleError, match="a model without a tokenizer"):
        load_recognizer(str(tmp_path / "m"))


def test_a_model_with_a_weight_missing_is_refused(tiny_trocr: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(tiny_trocr, tmp_path / "m")
    held = load_file(tmp_path / "m" / "model.safetensors")
    gone = next(name for name in held if name.endswith("fc1.weight"))
    save_file({k: v for k, v in held.items() if k != gone}, tmp_path / "m" / "model.safetensors", {"format": "pt"})
    with pytest.raises(BundleError, match="lacks 1 weights of VisionEncoderDecoderModel, the first"):
        load_recognizer(str(tmp_path / "m"))


def test_a_model_folder_reads_without_training(tiny_trocr: Path) -> None:
    reader = load_recognizer(str(tiny_trocr))
    readings = reader.read([picture(), picture(3)])
    assert len(readings) == 2
    assert all(0 <= one.confidence <= 1 and one.model == str(tiny_trocr) for one in readings)
