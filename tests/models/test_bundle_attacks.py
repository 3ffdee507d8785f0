"""Bundles made to harm whoever opens them: each is refused with its reason, and no run time ever sees it."""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from emendo.cli import main
from emendo.errors import BadInput, BundleError
from emendo.models.base import base_bundle
from emendo.models.bundle import INFO_FILE, BundleInfo, FileEntry, dump_info, read_bundle, write_bundle
from emendo.models.onnx_wire import Unsafe, inspect
from emendo.models.probe import probe
from emendo.models.references import load_recognizer
from emendo.settings import Limits
from emendo.tools.archives import unpack
from emendo.tools.files import sha256_bytes

from .test_bundle import graph


@pytest.fixture(autouse=True)
def no_run_time(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """ONNX Runtime is never asked to open anything here."""

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("it reached the run time")

    if "sound" not in request.node.name:
        monkeypatch.setattr("onnxruntime.InferenceSession", opened)


def place(folder: Path, files: dict[str, bytes], **info: object) -> Path:
    """A bundle as an attacker writes it: every checksum is right, nothing was looked at."""
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    entries = {name: FileEntry(sha256=sha256_bytes(one), size=len(one)) for name, one in files.items()}
    told = {"alphabet": ("a", "b"), **info}
    (folder / INFO_FILE).write_text(dump_info(BundleInfo(files=entries, **told)), encoding="utf-8")  # type: ignore[arg-type]
    return folder


def model(change: Callable[[onnx.ModelProto], None]) -> bytes:
    made = onnx.load_from_string(graph())
    change(made)
    return made.SerializeToString()


def pointed_outside(made: onnx.ModelProto) -> None:
    tensor = made.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../etc/passwd")


def pointed_outside_in_a_branch(made: onnx.ModelProto) -> None:
    branch = onnx.load_from_string(graph()).graph
    pointed_outside(one := onnx.ModelProto(graph=branch))
    made.graph.node.append(helper.make_node("If", ["yes"], ["out"], then_branch=one.graph, else_branch=one.graph))


def chained(made: onnx.ModelProto) -> None:
    """3,000 functions, each of which calls the next one twice: 2 ** 3,000 operators once they are expanded."""
    opset = [helper.make_opsetid("", 13), helper.make_opsetid("deep", 1)]
    for at in range(3000):
        calls = [helper.make_node(f"f{at + 1}", [name], [out], domain="deep") for name, out in (("x", "y"), ("y", "z"))]
        made.functions.append(helper.make_function("deep", f"f{at}", ["x"], ["z"], calls, opset))
    made.graph.node.append(helper.make_node("f0", ["log_probs"], ["deep"], domain="deep"))


def field(number: int, content: bytes) -> bytes:
    """A field of a protocol-buffer message that holds another."""
    head = bytes([number << 3 | 2])
    length = len(content)
    while length >= 0x80:
        head += bytes([length & 0x7F | 0x80])
        length >>= 7
    return head + bytes([length]) + content


def nested() -> bytes:
    """A graph in a node in a graph, twenty times."""
    inner = b""
    for _ in range(20):
        inner = field(1, field(5, field(6, inner)))
    return field(7, inner)


def tensor(**claims: object) -> Callable[[onnx.ModelProto], None]:
    def change(made: onnx.ModelProto) -> None:
        held = made.graph.initializer.add(name="claim", data_type=TensorProto.FLOAT)
        for key, value in claims.items():
            held.dims.extend(value) if key == "dims" else setattr(held, key, value)  # type: ignore[arg-type]

    return change


def asks(operator: str, sides: list[int], *, constant: bool) -> Callable[[onnx.ModelProto], None]:
    def change(made: onnx.ModelProto) -> None:
        shape = numpy_helper.from_array(np.array(sides, np.int64), "sides")
        if constant:
            made.graph.node.append(helper.make_node("Constant", [], ["sides"], value=shape))
        else:
            made.graph.initializer.append(shape)
        given = ["sides"] if operator == "ConstantOfShape" else ["log_probs", "sides"]
        made.graph.node.append(helper.make_node(operator, given, ["much"]))

    return change


def node(operator: str, **changes: object) -> Callable[[onnx.ModelProto], None]:
    return lambda made: made.graph.node.append(helper.make_node(operator, ["log_probs"], ["more"], **changes))


def sparse(made: onnx.ModelProto) -> None:
    held = made.graph.sparse_initializer.add(dims=[1 << 20, 1 << 20])
    held.values.CopyFrom(numpy_helper.from_array(np.ones(1, np.float32), "values"))
    held.indices.CopyFrom(numpy_helper.from_array(np.zeros(1, np.int64), "indices"))


def sided(columns: int) -> Callable[[onnx.ModelProto], None]:
    def change(made: onnx.ModelProto) -> None:
        made.graph.input[0].type.tensor_type.shape.dim[3].dim_value = columns

    return change


def weights(header: object, data: bytes = b"", *, length: int | None = None) -> bytes:
    text = json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


HUGE = [1 << 20, 1 << 20]
ABSENT = {"w": {"dtype": "F32", "shape": [1 << 30], "data_offsets": [0, 4 << 30]}}
OTHER = {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}
GRAPHS: dict[str, tuple[bytes, str]] = {
    "pickle as a graph": (pickle.dumps({"a": 1}), "model.onnx holds a pickle"),
    "old pickle as a graph": (pickle.dumps({"a": 1}, 0), "is no ONNX file"),
    "data outside": (model(pointed_outside), "points to data outside the file"),
    "data outside, in a branch": (model(pointed_outside_in_a_branch), "points to data outside"),
    "a chain of functions": (model(chained), "brings functions of its own"),
    "branch in branch": (nested(), "is nested deeper than 32"),
    "no data behind a tensor": (model(tensor(dims=[4096, 4096])), r"claims 16,777,216 values .* holds 0"),
    "too little data": (model(tensor(dims=[9, 9], raw_data=b"1234")), r"claims 324 bytes .* holds 4"),
    "a huge tensor": (model(tensor(dims=[1 << 24, 1 << 24])), "claims 16777216 x 16777216 values"),
    "a huge side": (model(tensor(dims=[1 << 62])), "claims 4611686018427387904 values"),
    "a negative side": (model(tensor(dims=[-1, 4])), "claims -1 x 4 values"),
    "an absurd input": (model(sided(1 << 40)), r"claims .* x 1099511627776 for 'image'"),
    "a made tensor": (
        model(asks("ConstantOfShape", HUGE, constant=False)),
        "asks ConstantOfShape for 1,099,",
    ),
    "made by a constant": (model(asks("Expand", HUGE, constant=True)), "asks Expand for 1,099,511,627,776 values"),
    "an endless loop": (model(node("Loop")), r"repeats a part of itself \(Loop\)"),
    "foreign code": (model(node("Evil", domain="custom.ops")), "'Evil' of 'custom.ops', which needs foreign code"),
    "sparse": (model(sparse), "holds sparse tensors"),
    "classes for other characters": (graph(7), "7 classes but the alphabet 2 characters and a blank"),
}
WEIGHTS: dict[str, tuple[bytes, str]] = {
    "zip as weights": (b"PK\x03\x04 torch.save", "model.safetensors holds a pickle"),
    "a header longer than the file": (weights({}, length=1 << 40), "a header of 1,099,511,627,776 bytes"),
    "a header that is no JSON": ((4).to_bytes(8, "little") + b"\xff\xfe{{", "its header is no JSON"),
    "weights that are not there": (weights(ABSENT), "claims other data for the tensor 'w'"),
    "weights of another size": (weights(OTHER, b"1234"), "claims other data for the tensor 'w'"),
}
ATTACKS = [("model.onnx", *one) for one in GRAPHS.values()] + [("model.safetensors", *one) for one in WEIGHTS.values()]


@pytest.mark.parametrize(("name", "content", "sentence"), ATTACKS, ids=[*GRAPHS, *WEIGHTS])
def test_what_would_harm_a_run_time_is_refused_before_it(
    tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:
    folder = place(tmp_path / "bundle", {name: content})
    with pytest.raises(BundleError, match=sentence) as caught:
        load_recognizer(str(folder))
    assert "\n" not in str(caught.value)


def test_a_file_that_lies_elsewhere_too_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    outside.write_bytes(graph())
    folder = place(tmp_path / "bundle", {"model.onnx": graph()})
    (folder / "model.onnx").unlink()
    os.link(outside, folder / "model.onnx")
    with pytest.raises(BundleError, match=r"model.onnx is a hard link, so it can be changed from another place"):
        load_recognizer(str(folder))
    assert read_bundle(folder, links=True).info.alphabet == ("a", "b")
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to(outside)
    with pytest.raises(BundleError, match="no regular file"):
        read_bundle(folder, links=True)


def zipped(name: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), b"x")
    return held.getvalue()


def tarred(name: str, kind: bytes, link: str = "") -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, link
        archive.addfile(member)
    return held.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (zipped("../../model.onnx"), "a name that leads outside"),
        (zipped("/etc/cron.d/x"), "a name that leads outside"),
        (tarred("bundle/../../x.onnx", tarfile.REGTYPE), "a name that leads outside"),
        (tarred("model.onnx", tarfile.LNKTYPE, "/etc/passwd"), "a link or device"),
        (tarred("model.onnx", tarfile.SYMTYPE, "/etc/passwd"), "a link or device"),
        (tarred("model.onnx", tarfile.CHRTYPE), "a link or device"),
    ],
)
def test_an_archive_of_a_bundle_stays_in_its_folder(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "bundle.zip").write_bytes(content)
    with pytest.raises(BadInput, match=sentence):
        unpack(tmp_path / "bundle.zip", tmp_path / "out" / "deep", Limits())
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["bundle.zip"]


def test_the_command_line_tells_it_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = place(tmp_path / "bundle", {"model.onnx": model(chained)})
    assert main(["certificate", str(folder)]) == 2
    assert main(["export", str(folder), "--to", "folder", "--out", str(tmp_path / "out")]) == 2
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2 and all("brings functions of its own" in line for line in told)
    assert not (tmp_path / "out").exists()


def test_in_a_child_process_the_reason_is_the_same(tmp_path: Path) -> None:
    folder = place(tmp_path / "bundle", {"model.onnx": model(chained)})
    with pytest.raises(BundleError, match=r"failed its self-test: .*brings functions of its own"):
        probe(folder)


def test_sound_graphs_pass() -> None:
    facts = inspect(base_bundle().path("model.onnx").read_bytes())
    assert facts.inputs == {"image": (None, 3, 48, None)} and not facts.external
    assert facts.nodes == len(onnx.load(base_bundle().path("model.onnx")).graph.node)


def test_any_other_bytes_are_no_graph_or_unsafe() -> None:
    whole = graph()
    rng = np.random.default_rng(0)
    for _ in range(400):
        spoilt = bytearray(whole)
        for at in rng.integers(0, len(spoilt), 3):
            spoilt[at] = rng.integers(0, 256)
        try:
            inspect(bytes(spoilt))
        except (Unsafe, ValueError) as error:
            assert str(error)


def test_a_written_bundle_is_looked_at_too(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="brings functions of its own"):
        write_bundle(tmp_path / "bundle", BundleInfo(alphabet=("a", "b")), {"model.onnx": model(chained)})
    assert not (tmp_path / "bundle").exists()
