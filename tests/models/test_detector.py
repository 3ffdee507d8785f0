"""The detector of the installed wheel on a real page, and its errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emendo.errors import BundleError
from emendo.image.load import read_image
from emendo.models.detector import Detector, DetectorSettings, network_size

from ..receipts import SHOPS, draw


def test_network_sizes() -> None:
    assert network_size((2000, 1000), 736, 1280) == (1280, 640)
    assert network_size((400, 300), 736, 1280) == (992, 736)
    assert network_size((30, 2000), 736, 1280) == (32, 1280)
    assert network_size((1, 1), 736, 1280) == (736, 736)


def test_a_real_typed_page(data: Path) -> None:
    page = read_image(data / "pages_typed" / "images" / "danish_EHRI-DR-19431111-DK_03.jpg")
    found = Detector(settings=DetectorSettings(long_side=960))(page)
    assert 21 <= len(found) <= 26
    assert all(0 < piece.score <= 1 for piece in found)
    ends = np.array([piece.spine[-1] for piece in found])
    assert (ends[:, 0] <= page.shape[1] + 5).all()


def test_an_empty_page_holds_nothing() -> None:
    assert Detector(settings=DetectorSettings(short_side=320))(np.full((320, 320, 3), 245, np.uint8)) == []


def test_a_broken_file_is_an_engine_error(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no graph")
    with pytest.raises(BundleError, match="cannot be opened by ONNX Runtime"):
        Detector(weights=tmp_path / "broken.onnx")(np.zeros((64, 64, 3), np.uint8))


def test_small_writing_is_looked_at_again() -> None:
    class Counting(Detector):
        sides: tuple[int, ...] = ()

        def probability(self, page: np.ndarray, long_side: int | None = None) -> np.ndarray:
            self.sides = (*self.sides, long_side or 0)
            probability = np.zeros((100, 100), np.float32)
            probability[50:53, 10:90] = 0.9
            return probability

    detector = Counting(settings=DetectorSettings(long_side=100, again_side=200, least_height=11))
    detector(np.zeros((400, 400, 3), np.uint8))
    assert detector.sides == (100, 200)
    detector = Counting(settings=DetectorSettings(long_side=100, again_side=200, least_height=5))
    detector(np.zeros((400, 400, 3), np.uint8))
    assert detector.sides == (100,)


def test_openvino_finds_the_same_pieces(tmp_path: Path) -> None:
    draw(SHOPS[0][1], tmp_path / "page.png")
    page = read_image(tmp_path / "page.png")
    usual, fast = Detector(), Detector(engine="openvino")
    assert usual.version != fast.version != ""

    def ends(finder: Detector) -> list[tuple[float, ...]]:
        spines = [one.spine for one in finder(page)]
        return sorted(((*one[0], *one[-1]) for one in spines), key=lambda line: (round(line[1] / 31), line[0]))

    first, second = ends(usual), ends(fast)
    assert len(first) == len(second) > 8
    assert np.abs(np.array(first) - np.array(second)).max() < 4
