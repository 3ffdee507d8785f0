"""The graph says what the network says, padded or not, halved or not; the tagger refuses what is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from emendo.errors import BundleError
from emendo.models.bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, BundleInfo, read_bundle, write_bundle
from emendo.models.extract.features import ACROSS, SIDES
from emendo.models.extract.graph import Shape, build, shape_of_weights, weights_of
from emendo.models.extract.labels import LABELS, NONE, TYPES
from emendo.models.extract.tagger import MOST_WORDS, OnnxTagger
from emendo.train.extract.fit import preprocessing
from emendo.train.extract.network import FieldNetwork, arrays_of, network_of
from emendo.train.extract.parity import parity
from emendo.types import Word

SMALL = Shape(32, 2, 2)


def network(seed: int = 0) -> FieldNetwork:
    torch.manual_seed(seed)
    made = FieldNetwork(SMALL)
    for table in (made.across, made.down, made.sides):
        torch.nn.init.normal_(table.weight)
    return made.eval()


def bundle(folder: Path, made: FieldNetwork, *, half: bool = False, **info: Any) -> Bundle:
    arrays = arrays_of(made)
    files: dict[str, bytes | Path] = {GRAPH_FILE: build(arrays, half=half).SerializeToString()}
    filled = {"family": "fields", "name": "small", "preprocessing": preprocessing("base"), **info}
    return write_bundle(folder, BundleInfo(**filled), files)


def document(count: int, pages: int = 1, seed: int = 0) -> list[Word]:
    rng = np.random.default_rng(seed)
    each = -(-count // pages)
    words = []
    for at in range(count):
        x, y = 40.0 * (at % each % 6), 25.0 * (at % each // 6)
        text = "".join(rng.choice(list("Total 12.5,ÄX:"), 5)).strip() or "-"
        words.append(Word(text, (x, y, x + 30, y + 15), at // 6, 1 + at // each, 0.9))
    return words


def test_the_graph_says_what_the_network_says(tmp_path: Path) -> None:
    made = network()
    tagger = OnnxTagger(bundle(tmp_path / "b", made))
    agreed = parity(made, tagger, [document(3), document(64), document(90, pages=2)])
    assert agreed["documents"] == 3 and agreed["difference"] < 1e-4


def test_tags_are_chances(tmp_path: Path) -> None:
    tags = OnnxTagger(bundle(tmp_path / "b", network())).tag(document(50))
    assert tags.labels.shape == (50, len(LABELS)) and np.allclose(tags.labels.sum(axis=1), 1, atol=1e-5)
    assert tags.rows.shape == (50, 50) and np.allclose(tags.rows, tags.rows.T) and 0 <= tags.rows.min() <= 1
    assert tags.kinds.shape == (len(TYPES),) and abs(float(tags.kinds.sum()) - 1) < 1e-5


def test_no_words_have_no_tags(tmp_path: Path) -> None:
    tags = OnnxTagger(bundle(tmp_path / "b", network())).tag([])
    assert tags.labels.shape == (0, len(LABELS)) and tags.rows.shape == (0, 0)


def test_half_the_bytes_say_the_same_and_hold_the_weights(tmp_path: Path) -> None:
    made = network()
    whole, half = bundle(tmp_path / "whole", made), bundle(tmp_path / "half", made, half=True)
    words = document(70)
    one, other = OnnxTagger(whole).tag(words), OnnxTagger(half).tag(words)
    assert 0 < np.abs(one.labels - other.labels).max() < 0.01
    assert whole.path(GRAPH_FILE).stat().st_size > 1.8 * half.path(GRAPH_FILE).stat().st_size
    held = weights_of(half)
    assert shape_of_weights(held) == SMALL
    again = network_of(held).eval()
    assert parity(again, OnnxTagger(half), [words])["difference"] < 1e-4


def test_long_documents_are_looked_at_page_by_page(tmp_path: Path) -> None:
    tagger = OnnxTagger(bundle(tmp_path / "b", network()))
    words = document(MOST_WORDS + 30, pages=3)
    tags = tagger.tag(words)
    first = sum(word.page == 1 for word in words)
    alone = tagger.tag([word for word in words if word.page == 1])
    assert np.allclose(tags.labels[:first], alone.labels, atol=1e-5)
    assert not tags.rows[:first, first:].any()
    endless = tagger.tag([Word("a", (0.0, 20.0 * at, 9.0, 20.0 * at + 9), at) for at in range(MOST_WORDS + 5)])
    assert np.allclose(endless.labels.sum(axis=1), 1, atol=1e-4)


def test_bundles_that_tag_otherwise_are_refused(tmp_path: Path) -> None:
    made = network()
    other = bundle(tmp_path / "labels", made, preprocessing={**preprocessing("base"), "labels": [NONE, "total"]})
    with pytest.raises(BundleError, match="other labels"):
        OnnxTagger(other)
    with pytest.raises(BundleError, match="other features"):
        OnnxTagger(bundle(tmp_path / "features", made, preprocessing={**preprocessing("base"), "features": 0}))
    with pytest.raises(BundleError, match="tags no words"):
        OnnxTagger(bundle(tmp_path / "family", made, family="ctc", alphabet=("a",)))


def test_a_graph_that_says_something_else_is_refused(tmp_path: Path) -> None:
    model = build(arrays_of(network()))
    outputs = list(model.graph.output)
    del model.graph.output[:]
    model.graph.output.extend([outputs[1], outputs[0], outputs[2]])
    info = BundleInfo(family="fields", name="odd", preprocessing=preprocessing("base"))
    odd = write_bundle(tmp_path / "odd", info, {GRAPH_FILE: model.SerializeToString()})
    with pytest.raises(BundleError, match="says other things"):
        OnnxTagger(odd).tag(document(10))


def test_a_graph_with_weights_outside_never_opens(tmp_path: Path) -> None:
    from onnx import TensorProto

    model = build(arrays_of(network()))
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    info = BundleInfo(family="fields", name="out", preprocessing=preprocessing("base"))
    with pytest.raises(BundleError, match="outside"):
        write_bundle(tmp_path / "out", info, {GRAPH_FILE: model.SerializeToString()})


def test_weights_of_another_family_are_refused(tmp_path: Path) -> None:
    arrays = arrays_of(network())
    with pytest.raises(BundleError, match="of no network of fields"):
        build({"head.bias": np.zeros(3, np.float32)})
    arrays["norm.weight"] = np.zeros(5, np.float32)
    with pytest.raises(BundleError, match=r"norm\.weight"):
        network_of(arrays)
    made = bundle(tmp_path / "b", network())
    (made.folder / WEIGHTS_FILE).write_bytes(b"\x02\x00\x00\x00\x00\x00\x00\x00{}")
    with pytest.raises(BundleError):
        read_bundle(made.folder)


def test_biases_have_a_row_for_every_step() -> None:
    arrays = arrays_of(network())
    assert arrays["across.weight"].shape == (ACROSS, SMALL.heads + 1)
    assert arrays["sides.weight"].shape == (SIDES, SMALL.heads + 1)
