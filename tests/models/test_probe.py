"""A bundle tried in a child process: what it reads, and every way in which it can fail without harm to us."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from emendo.errors import BundleError
from emendo.models.base import base_bundle
from emendo.models.bundle import BundleInfo, write_bundle
from emendo.models.ctc.recognizer import CtcRecognizer
from emendo.models.probe import drawn_line, probe


def hungry(folder: Path, size: int) -> Path:
    """A line recogniser that multiplies a matrix of `size` x `size` numbers with itself before it answers."""
    nodes = [
        helper.make_node("ReduceMean", ["image"], ["mean"], axes=[1, 2, 3], keepdims=0),
        helper.make_node("Shape", ["mean"], ["lines"]),
        helper.make_node("Mul", ["lines", "size"], ["sides"]),
        helper.make_node("ConstantOfShape", ["sides"], ["square"]),
        helper.make_node("MatMul", ["square", "square"], ["product"]),
        helper.make_node("ReduceMean", ["product"], ["nothing"], keepdims=0),
        helper.make_node("ReduceMean", ["image"], ["rows"], axes=[2], keepdims=0),
        helper.make_node("Add", ["rows", "nothing"], ["sum"]),
        helper.make_node("Transpose", ["sum"], ["log_probs"], perm=[0, 2, 1]),
    ]
    sides = numpy_helper.from_array(np.array([size, size], np.int64), "size")
    taken = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 48, "w"])
    given_back = helper.make_tensor_value_info("log_probs", TensorProto.FLOAT, ["n", "t", 3])
    made = helper.make_graph(nodes, "hungry", [taken], [given_back], [sides])
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    info = BundleInfo(name="hungry", alphabet=("a", "b"))
    return write_bundle(folder, info, {"model.onnx": model.SerializeToString()}).folder


def test_a_sound_bundle_reads_in_the_child_what_it_reads_here() -> None:
    base = base_bundle()
    images = [drawn_line(200), np.full((30, 90, 3), 255, np.uint8)]
    tried = probe(base.folder, images=images)
    assert tried.texts == tuple(one.text for one in CtcRecognizer(base).read(images))
    assert tried.model == f"base@{base.id}" and tried.seconds > 0
    assert len(probe(base.folder).texts) == 2


def test_what_is_no_bundle_is_refused_with_its_own_reason(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"failed its self-test: .*is no model bundle .*; keep the model in use"):
        probe(tmp_path)


def test_a_bundle_that_eats_memory_is_ended(tmp_path: Path) -> None:
    folder = hungry(tmp_path / "hungry", 40_000)  # 6.4 GB
    with pytest.raises(BundleError, match="failed its self-test") as caught:
        probe(folder, megabytes=600)
    assert "\n" not in str(caught.value)


def test_a_bundle_that_hangs_is_ended(tmp_path: Path) -> None:
    folder = hungry(tmp_path / "slow", 12_000)  # 1.2 GB, some 3.5 million million multiplications
    with pytest.raises(BundleError, match=r"the process that tried it gave no answer within 2\.5 s"):
        probe(folder, seconds=2.5)


def test_a_child_that_crashes_is_told_by_its_signal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.abort()\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    with pytest.raises(BundleError, match=r"was ended by SIGABRT \(limits: 3000 MB, 60 s\)"):
        probe(base_bundle().folder)
