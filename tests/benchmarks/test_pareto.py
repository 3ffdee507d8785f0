"""Which forms the plot joins, which ones hold, and that it shows them all."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from pareto import PEER, Form, draw, front


def form(name: str, cpu_ms: float, cer: float) -> Form:
    return Form(name, cpu_ms, 39 / cpu_ms, cer, cer - 5.0, cer - 5.2, cer - 4.8)


FORMS = [
    form("whole, ONNX Runtime, with words", 40, 5.0),
    form("whole, OpenVINO, with words", 15, 5.1),
    form("whole, OpenVINO, without words", 12, 7.0),
    form("narrow, OpenVINO, with words", 11, 5.6),
    form(PEER, 39, 26.0),
]


def test_a_form_holds_when_it_is_fast_enough_and_good_enough() -> None:
    assert [one.holds for one in FORMS] == [False, True, False, False, False]


def test_the_front_leaves_out_what_another_beats_in_both() -> None:
    assert [one.name for one in front(FORMS[:-1])] == [FORMS[3].name, FORMS[1].name, FORMS[0].name]


def test_the_plot_is_svg_and_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a.svg", "b.svg"):
        draw(FORMS, tmp_path / name, "lines")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert ET.parse(tmp_path / "a.svg").getroot().tag.endswith("svg")
