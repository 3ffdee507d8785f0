"""The recogniser on real lines."""

from __future__ import annotations

import itertools
import json
import threading
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from emendo.errors import BundleError, UsageError
from emendo.metrics.align import Counts, counts
from emendo.models.base import base_bundle
from emendo.models.bundle import BundleInfo, read_bundle, write_bundle
from emendo.models.ctc.align import forced_alignment, log_likelihood
from emendo.models.ctc.recognizer import CtcRecognizer, batches
from emendo.models.ctc.tune import apply, tune
from emendo.models.engine import EngineName
from emendo.text.language import LanguageModel, learn_language
from emendo.text.lexicon import Lexicon
from emendo.text.ngram import CharacterModel
from emendo.types import EvidenceRecognizer, Image

LINES = 24


@pytest.fixture(scope="module")
def lines(data: Path) -> tuple[list[Image], list[str]]:
    rows = [json.loads(row) for row in (data / "peraire" / "lines.jsonl").read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["split"] == "val"][::8][:LINES]
    pictures = [cv2.imread(str(data / "peraire" / row["image"])) for row in rows]
    images: list[Image] = [np.ascontiguousarray(np.asarray(picture, np.uint8)[..., ::-1]) for picture in pictures]
    return images, [row["text"] for row in rows]


@pytest.fixture(scope="module")
def quick() -> CtcRecognizer:
    bundle = base_bundle()
    return CtcRecognizer(replace(bundle, info=bundle.info.model_copy(update={"looks": ()})), language="none")


def cer(truths: list[str], found: list[str]) -> float:
    return sum((counts(a, b) for a, b in zip(truths, found, strict=True)), Counts()).cer


def test_the_base_reads_handwriting_better_when_it_looks_again_or_knows_the_words(
    lines: tuple[list[Image], list[str]], quick: CtcRecognizer
) -> None:
    images, truths = lines

    def errors(recognizer: CtcRecognizer) -> float:
        return cer(truths, [reading.text for reading in recognizer.read(images)])

    once = errors(quick)
    assert once < 0.26
    assert errors(CtcRecognizer(base_bundle(), language="none")) < once
    told = CtcRecognizer(base_bundle())
    assert errors(told) < 0.8 * once
    french = CtcRecognizer(base_bundle(), language="fr")
    assert errors(french) == errors(told)
    assert french.model == f"{told.model}+fr"


def test_a_language_nobody_has_words_of_is_refused() -> None:
    with pytest.raises(UsageError, match="no words of the language 'tlh'"):
        CtcRecognizer(base_bundle(), language="tlh")


def test_readings_do_not_depend_on_their_company_or_on_threads(
    lines: tuple[list[Image], list[str]], quick: CtcRecognizer
) -> None:
    images = lines[0][:6]
    together = quick.read(images)
    alone: dict[int, str] = {}
    workers = [
        threading.Thread(target=lambda i=i: alone.update({i: quick.read([images[i]])[0].text})) for i in range(6)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [alone[i] for i in range(6)] == [reading.text for reading in together]
    assert quick.read([]) == []


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino"])
def test_sixteen_threads_read_what_one_reads_even_while_the_words_are_forgotten(
    lines: tuple[list[Image], list[str]], monkeypatch: pytest.MonkeyPatch, engine: EngineName
) -> None:
    bundle = base_bundle()
    plain = replace(bundle, info=bundle.info.model_copy(update={"looks": ()}))
    shared = CtcRecognizer(plain, language="fr", engine=engine)
    crops = [np.ascontiguousarray(image[:, :200]) for image in lines[0][:6]]
    alone = [shared.read([crop])[0] for crop in crops]
    assert len({reading.text for reading in alone}) > 3
    monkeypatch.setattr("emendo.text.language.MOST_FORESEEN", 50)
    taken, found = itertools.count(), []

    def work() -> None:
        while (at := next(taken)) < 48:
            found.append(shared.read([crops[at % 6]])[0] == alone[at % 6])

    workers = [threading.Thread(target=work) for _ in range(16)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [True] * 48


def test_spans_lie_inside_the_image_and_evidence_fits_the_reading(
    lines: tuple[list[Image], list[str]], quick: CtcRecognizer
) -> None:
    images, truths = lines[0][:8], lines[1][:8]
    assert isinstance(quick, EvidenceRecognizer)
    for image, truth, reading, shown in zip(images, truths, quick.read(images), quick.evidence(images), strict=True):
        assert reading.characters[-1].end <= shown.frame_width * len(shown.log_probs) + 1e-3
        assert reading.characters[-1].start < image.shape[1]
        assert 0 <= reading.confidence <= 1
        assert log_likelihood(shown, truth) > log_likelihood(shown, truth[::-1])
        starts = [character.start for character in forced_alignment(shown, truth)]
        assert starts == sorted(starts)


def test_batches_hold_one_width_and_everything_once() -> None:
    widths = [96, 640, 96, 128, 640, 96, 3200]
    cut = batches(widths)
    assert sorted(i for batch in cut for i in batch) == list(range(len(widths)))
    assert all(len({widths[i] for i in batch}) == 1 for batch in cut)


def test_tuning_learns_the_authors_words_and_the_bundle_keeps_them(
    lines: tuple[list[Image], list[str]], quick: CtcRecognizer, data: Path, tmp_path: Path
) -> None:
    images, truths = lines
    rows = [json.loads(row) for row in (data / "peraire" / "lines.jsonl").read_text(encoding="utf-8").splitlines()]
    train = [row["text"] for row in rows if row["split"] == "train"][:400]
    tuning = tune(quick, images, truths, learn_language(train, [], Lexicon.of("fr"), order=5))
    assert tuning.language_model is not None
    assert tuning.decoding.language == "fr"
    assert tuning.calibration.ece_after is not None
    source = base_bundle()
    content = {name: source.folder / name for name in source.info.files}
    copy = write_bundle(tmp_path / "mine", source.info.model_copy(update={"looks": ()}), content)
    apply(copy, tuning)
    again = CtcRecognizer(read_bundle(tmp_path / "mine"))
    assert again.language_model is not None
    assert again.language_model.lexicon == tuning.language_model.lexicon
    with_words = cer(truths, [reading.text for reading in again.read(images)])
    assert with_words < 0.75 * cer(truths, [reading.text for reading in quick.read(images)])


def test_tuning_on_too_few_lines_changes_nothing(lines: tuple[list[Image], list[str]], quick: CtcRecognizer) -> None:
    tuning = tune(quick, lines[0][:3], lines[1][:3], learn_language(["abc"], [], None, order=3))
    assert tuning.decoding == quick.decoding
    assert tuning.language_model is None


def test_a_bundle_without_its_character_model_is_refused(tmp_path: Path) -> None:
    source = base_bundle()
    content: dict[str, bytes | Path] = {name: source.folder / name for name in source.info.files}
    info = source.info.model_copy(update={"decoding": {"model": "ngram.json", "model_weight": 0.3}})
    with pytest.raises(BundleError, match=r"holds no ngram\.json"):
        CtcRecognizer(write_bundle(tmp_path / "a", info, content))
    with pytest.raises(BundleError, match=r"ngram\.json is no part of a language model"):
        CtcRecognizer(write_bundle(tmp_path / "b", info, {**content, "ngram.json": b"[1]"}))
    good = CharacterModel.learn(["abc"]).to_json().encode()
    model = CtcRecognizer(write_bundle(tmp_path / "c", info, {**content, "ngram.json": good})).language_model
    assert model == LanguageModel(CharacterModel.learn(["abc"]), None, 0.0)
    assert BundleInfo().looks == ()
