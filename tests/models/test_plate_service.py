"""The service for plates: one road with training, the same in sixteen threads, grammar, threshold, fallback, GPU."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

import emendo
from emendo.datasets.plate_synth import make_plate
from emendo.errors import BundleError, EngineError, ImageError, UsageError
from emendo.image.encode import jpeg_bytes
from emendo.image.line import network_input, normalize_line
from emendo.models.bundle import WEIGHTS_FILE, Bundle
from emendo.models.ctc.crnn import network_of
from emendo.models.ctc.recognizer import load_geometry
from emendo.models.plate_service import CRNNOCRService
from emendo.models.references import load_recognizer
from emendo.types import Evidence

from ..crnn import ALPHABET, random_crnn
from ..plates import plate

CROPS = [make_plate(2, index)[0].image for index in range(12)]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return random_crnn(tmp_path_factory.mktemp("crnn") / "bundle")


@pytest.fixture(scope="module")
def service(bundle: Bundle) -> CRNNOCRService:
    return CRNNOCRService(bundle.folder)


def evidence(*frames: dict[str, float]) -> Evidence:
    """Frames with the given chances; what is left goes to the blank."""
    shown = np.full((len(frames), 1 + len(ALPHABET)), 1e-6, np.float32)
    for row, frame in zip(shown, frames, strict=True):
        for char, chance in frame.items():
            row[1 + ALPHABET.index(char)] = chance
        row[0] = max(1e-6, 1 - sum(frame.values()))
    return Evidence(np.log(shown / shown.sum(axis=1, keepdims=True)), ALPHABET, 4.0)


def plain(text: str, **doubtful: float) -> Evidence:
    """Each character in a frame of its own, with a blank behind it; `doubtful` gives the chances at the `*`."""
    return evidence(*(row for char in text for row in (doubtful if char == "*" else {char: 0.98}, {})))


def test_sixteen_threads_read_what_one_reads(service: CRNNOCRService) -> None:
    alone = [service.predict(crop) for crop in CROPS]
    assert len({one.text for one in alone}) > 3  # the random network says something of each
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(service.predict, CROPS * 8))
    assert together == alone * 8
    assert service.predict(CROPS) == alone


def test_a_crop_takes_the_road_of_training(service: CRNNOCRService, bundle: Bundle) -> None:
    network = network_of(load_file(bundle.path(WEIGHTS_FILE))).eval()
    geometry = load_geometry(bundle)
    for crop in CROPS[:4]:
        with torch.no_grad():
            logits = network(torch.from_numpy(network_input([normalize_line(crop, geometry)])))[0]
        best = logits.argmax(-1).tolist()
        kept = [k for before, k in zip([0, *best], best, strict=False) if k and k != before]
        assert service.predict(crop).text == "".join(ALPHABET[k - 1] for k in kept)
    (read,) = load_recognizer(str(bundle.folder)).read(CROPS[:1])
    assert read.text == service.predict(CROPS[0]).text


def test_files_are_read_and_bad_ones_named(service: CRNNOCRService, tmp_path: Path) -> None:
    crop = np.full((64, 128, 3), 90, np.uint8)
    (tmp_path / "plate.jpg").write_bytes(jpeg_bytes(crop))
    assert service.predict(tmp_path / "plate.jpg").text == service.predict(crop).text
    (tmp_path / "none.jpg").write_bytes(b"nothing")
    with pytest.raises(ImageError, match=r"none\.jpg"):
        service.predict([tmp_path / "none.jpg"])
    assert service.predict([]) == []


@pytest.mark.parametrize(
    ("seen", "text", "instead_of", "fits"),
    [
        (plain("ABC123*", O=0.6, **{"0": 0.38}), "ABC1230", "ABC123O", True),  # a letter where the series has a digit
        (plain("ABC1234"), "ABC1234", "", True),
        (plain("ABC123*", O=0.98, **{"0": 0.002}), "ABC123O", "", False),  # too sure: a personal plate
        (plain("HELLO"), "HELLO", "", False),
    ],
)
def test_a_region_prefers_its_series_among_what_is_nearly_as_probable(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch, seen: Evidence, text: str, instead_of: str, fits: bool
) -> None:
    regional, free = CRNNOCRService(bundle.folder, region="us"), CRNNOCRService(bundle.folder)
    for one in (regional, free):
        monkeypatch.setattr(one._reader, "seen", lambda images: [seen])
    found = regional.predict(CROPS[0])
    assert (found.text, found.instead_of, found.fits) == (text, instead_of, fits)
    anything = free.predict(CROPS[0])
    assert anything.text == (instead_of or text) and anything.fits is None and anything.instead_of == ""


def test_a_reading_below_the_threshold_is_not_accepted(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    for seen, share, accepted in ((plain("AB*", C=0.7), 0.5, True), (plain("AB*", C=0.7), 0.9, False)):
        one = CRNNOCRService(bundle.folder, threshold=share)
        monkeypatch.setattr(one._reader, "seen", lambda images, seen=seen: [seen])
        found = one.predict(CROPS[0])
        assert found.text == "ABC" and found.accepted is accepted and 0.5 < found.confidence < 0.9
    empty = CRNNOCRService(bundle.folder, threshold=0.0)
    monkeypatch.setattr(empty._reader, "seen", lambda images: [evidence({}, {})])
    assert not empty.predict(CROPS[0]).accepted


def test_an_unsure_plate_goes_to_the_fallback(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    crop = plate("KTR4821")
    helped = CRNNOCRService(bundle.folder, fallback="base")
    found = helped.predict([crop])[0]
    assert found.text == "KTR4821" and found.model.startswith("plate(base@") and found.accepted
    monkeypatch.setattr(helped._reader, "seen", lambda images: [plain("AB12")])
    assert helped.predict(crop).text == "AB12"  # sure enough: nobody else is asked
    assert CRNNOCRService(bundle.folder, target=0.0, fallback="base").predict(crop).model.startswith("random@")


def test_warming_up_tells_its_time(service: CRNNOCRService) -> None:
    assert service.warmup(2) > 0
    with pytest.raises(UsageError, match="cannot warm up 0 times"):
        service.warmup(0)


def test_what_cannot_be_is_told(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="cannot compute on a GPU; pip install onnxruntime-gpu"):
        CRNNOCRService(bundle.folder, use_gpu=True)
    with pytest.raises(UsageError, match="unknown region 'mars'"):
        CRNNOCRService(bundle.folder, region="mars")
    with pytest.raises(UsageError, match=r"threshold 1\.5 is no confidence"):
        CRNNOCRService(bundle.folder, threshold=1.5)
    with pytest.raises(UsageError, match="no model"):
        CRNNOCRService(tmp_path / "nothing")
    (bundle.folder / "stray.txt").write_text("x", encoding="utf-8")
    with pytest.raises(BundleError, match=r"stray\.txt"):
        CRNNOCRService(bundle.folder)
    (bundle.folder / "stray.txt").unlink()


def test_the_gpu_is_used_where_there_is_one(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    asked: list[list[str]] = []
    opened = onnxruntime.InferenceSession

    def session(data: bytes, options: object, providers: list[str]) -> object:
        asked.append(providers)
        return opened(data, options, providers=["CPUExecutionProvider"])

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    assert CRNNOCRService(bundle.folder, use_gpu=True).predict(CROPS[0]).text
    assert asked == [["CUDAExecutionProvider", "CPUExecutionProvider"]]


def test_the_service_is_a_public_name() -> None:
    assert emendo.CRNNOCRService is CRNNOCRService
    assert set(emendo.__all__) == {"CRNNOCRService", "__version__"}
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = emendo.Nothing
