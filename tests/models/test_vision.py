from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from emendo.errors import UsageError
from emendo.models.references import load_recognizer
from emendo.models.vision import MODES, at_mode, facts_of, modes_of, own_tokens
from emendo.types import Image

BY_NAME = {mode.name: mode for mode in MODES}


def image(width: int, height: int) -> Image:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize(("name", "tokens"), [("64", 64), ("100", 100), ("256", 256), ("400", 400)])
def test_a_view_costs_what_its_name_says(name: str, tokens: int) -> None:
    assert BY_NAME[name].tokens(image(900, 60)) == tokens


@pytest.mark.parametrize(
    ("width", "height", "grid", "tokens"),
    [
        (640, 640, (0, 0), 256),
        (1240, 1754, (2, 3), 256 + 600),
        (900, 60, (9, 1), 256 + 900),
        (2000, 1000, (4, 2), 256 + 800),
    ],
)
def test_tiles_follow_the_shape_of_the_page(width: int, height: int, grid: tuple[int, int], tokens: int) -> None:
    page = image(width, height)
    assert BY_NAME["tiled"].grid(page) == grid
    assert BY_NAME["tiled"].tokens(page) == tokens


def test_tokens_that_see_padding_are_not_valid() -> None:
    page = image(500, 1000)
    assert BY_NAME["256"].valid_tokens(page) == 128
    assert BY_NAME["64"].valid_tokens(page) == 64, "a small view is stretched and has no padding"
    assert BY_NAME["400"].valid_tokens(image(300, 900)) == 134, "133.3 rounded up"


def test_a_mode_shows_no_more_than_its_pixels_hold() -> None:
    line = image(1500, 40)
    seen = BY_NAME["64"].seen(line)
    assert seen.shape == line.shape
    assert float(seen.std()) < 0.7 * float(line.std()), "noise of single pixels is gone"
    assert BY_NAME["tiled"].seen(line) is line
    assert BY_NAME["100"].seen(image(600, 40)).tobytes() == image(600, 40).tobytes()


def test_unknown_mode() -> None:
    with pytest.raises(UsageError, match=r"unknown mode 'tilde' \(did you mean 'tiled'\?\); use 64, 100"):
        modes_of(["64", "tilde"])


def test_a_line_reader_spends_its_frames() -> None:
    base = load_recognizer("base")
    facts = facts_of(base)
    assert facts.family == "ctc"
    assert 5e6 < facts.size < 40e6, "the graph, not the weights for training"
    line = image(600, 40)
    evidence = base.evidence([line])[0]  # type: ignore[attr-defined]
    assert own_tokens(base, line) == len(evidence.log_probs)
    assert at_mode(base, BY_NAME["64"]) == (base, "arithmetic")


def test_a_trocr_spends_its_patches(tiny_trocr: Path) -> None:
    model = load_recognizer(str(tiny_trocr))
    assert own_tokens(model, image(60, 40)) == (32 // 8) ** 2
    assert facts_of(model).family == "trocr"


@pytest.mark.parametrize("kind", ["qwen2_vl", "deepseek_ocr2"])
def test_a_vlm_counts_by_its_own_processor(tiny_vlm: Callable[[str], Path], kind: str) -> None:
    model = load_recognizer(str(tiny_vlm(kind)))
    page = image(1100, 1500)
    spent = {}
    for name in ("64", "256", "tiled"):
        reader, how = at_mode(model, BY_NAME[name])
        assert how == "processor"
        spent[name] = own_tokens(reader, page)
    if kind == "qwen2_vl":
        assert 32 < spent["64"] <= 64 < spent["256"] <= 256 < spent["tiled"]
    else:
        assert spent["64"] == spent["256"] == 144 + 1, "its weights know one view below tiles: 12 x 12 and a mark"
        assert spent["tiled"] > 3 * spent["256"]
