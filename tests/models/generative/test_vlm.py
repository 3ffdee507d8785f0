"""Vision-language models: which tokens carry loss, batches, budgets, saving; every row of the table."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from emendo.errors import BundleError, UsageError
from emendo.models.generative.network import IGNORED, Loading
from emendo.models.generative.recognizer import load_network
from emendo.models.generative.rows import ROWS
from emendo.models.generative.source import from_folder
from emendo.models.generative.vlm import Vlm
from emendo.train.tuning.trainer import token_loss

from ...tiny import VLM_TYPES


def picture(seed: int = 0, height: int = 40, width: int = 90) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module", params=VLM_TYPES)
def network(request: pytest.FixtureRequest, tiny_vlm) -> Vlm:
    found = load_network(from_folder(tiny_vlm(request.param)), Loading())
    assert isinstance(found, Vlm)
    return found


def test_every_row_has_a_model_under_test() -> None:
    assert set(ROWS) == set(VLM_TYPES)


def test_only_the_answer_and_its_end_carry_loss(network: Vlm) -> None:
    text = "Été à 5 €"
    tokens = network.tokens(network.example(picture(), text))
    first = next(i for i, token in enumerate(tokens) if token.loss)
    answer = [token.id for token in tokens[first:]]
    assert all(token.loss for token in tokens[first:])
    assert answer[-1] == network.end
    assert network.tokenizer.decode(answer[:-1]) == text
    asked = network.tokenizer.decode([token.id for token in tokens[:first]])
    assert network.prompt in asked and text not in asked
    assert [token.id for token in tokens[:first]] == network.asked(picture())["input_ids"][0].tolist()
    assert sum(token.id == network.model.config.image_token_id for token in tokens[:first]) > 1


def test_the_loss_is_that_of_the_library(network: Vlm) -> None:
    examples = [network.example(picture(1), "Bonjour"), network.example(picture(2), "été à la mer")]
    batch = network.collate(examples)
    moved = batch.pop("labels")
    labels = torch.full_like(moved, IGNORED)
    for row, one in enumerate(examples):
        labels[row, : len(one["labels"])] = torch.tensor(one["labels"])
    with torch.no_grad():
        ours = token_loss(network.model(**batch), moved)
        theirs = network.model(**batch, labels=labels).loss
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)
    assert int((moved != IGNORED).sum()) == len(b"Bonjour") + len("été à la mer".encode()) + 2


def test_padding_changes_no_logit(network: Vlm) -> None:
    short, long = network.example(picture(1), "a"), network.example(picture(1), "a much longer text")
    alone, beside = network.logits([short]), network.logits([short, long])
    assert float((beside[:1, : alone.shape[1]] - alone).abs().max()) < 1e-5
    assert float(beside[0, alone.shape[1] :].abs().max()) == 0


def test_lines_read_together_read_as_alone(network: Vlm, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = [picture(1), picture(2, 60, 200)]
    alone = [network.write([one], most=4)[0] for one in pictures]
    monkeypatch.setattr(Vlm, "batch", 2)
    together = network.write(pictures, most=4)
    assert [one.text for one in together] == [one.text for one in alone]
    for a, b in zip(together, alone, strict=True):
        assert a.confidence == pytest.approx(b.confidence, rel=1e-3)


def test_what_is_saved_reads_the_same(network: Vlm, tmp_path: Path) -> None:
    network.save(tmp_path)
    again = load_network(from_folder(tmp_path), Loading())
    examples = [network.example(picture(), "été")]
    assert torch.equal(again.logits(examples), network.logits(examples))
    assert again.question == network.question


@pytest.mark.parametrize(("kind", "small", "large"), [("qwen2_vl", 28, 84), ("deepseek_ocr2", 512, 1536)])
def test_the_budget_decides_how_many_tokens_an_image_takes(
    tiny_vlm, tmp_path: Path, kind: str, small: int, large: int
) -> None:
    counts = []
    for side in (small, large):
        network = load_network(from_folder(tiny_vlm(kind)), Loading(resolution=(side, side)))
        ids = network.asked(picture(0, 400, 1700))["input_ids"]
        counts.append(int((ids == network.model.config.image_token_id).sum()))
        assert network.preprocessing["budget"] == side * side
        network.save(tmp_path / str(side))
        again = load_network(from_folder(tmp_path / str(side)), Loading(resolution=(side, side)))
        example = [network.example(picture(0, 60, 200), "a")]
        assert torch.equal(again.logits(example), network.logits(example))
    assert counts[0] < counts[1]


def test_a_prompt_of_ones_own_is_asked(tiny_vlm) -> None:
    network = load_network(from_folder(tiny_vlm("paddleocr_vl")), Loading(prompt="Lis ceci."))
    assert "Lis ceci." in network.question and "OCR:" not in network.question


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (lambda f: (f / "tokenizer.json").unlink(), "a model without a tokenizer"),
        (lambda f: (f / "chat_template.jinja").unlink(), "holds no chat template"),
        (lambda f: (f / "preprocessor_config.json").unlink(), "the processor of .* cannot be loaded"),
        (lambda f: (f / "config.json").write_text('{"model_type": "bert"}'), "of which no family reads images"),
    ],
)
def test_what_is_missing_is_said_in_one_sentence(tiny_vlm, tmp_path: Path, fault: object, sentence: str) -> None:
    folder = tmp_path / "m"
    shutil.copytree(tiny_vlm("qwen2_vl"), folder)
    fault(folder)  # type: ignore[operator]
    with pytest.raises((BundleError, UsageError), match=sentence) as caught:
        load_network(from_folder(folder), Loading())
    assert "\n" not in str(caught.value)
