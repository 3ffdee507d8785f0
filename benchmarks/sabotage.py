"""Candidates that must never be promoted, made from a sound bundle at the level of weights, alphabet or preprocessing.

Each is a complete bundle that loads and reads, with right checksums and sealed, as a broken training or export would
leave it; those named "edited in" have a `bundle.yaml` that was edited after training.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from emendo.models.base import head_tensors, set_head, weights_bytes
from emendo.models.bundle import GRAPH_FILE, INFO_FILE, WEIGHTS_FILE, Bundle, update_info, write_bundle
from emendo.models.graph import Graph, load_graph
from emendo.types import Evidence

Columns = Callable[[Any, Any, tuple[str, ...]], tuple[Any, Any]]
"""(weight (features, classes), bias (classes,), alphabet) -> the same, spoiled."""


@dataclass(frozen=True)
class Sabotage:
    """One sabotaged candidate; `kind` is one of the four kinds of the acceptance table."""

    kind: str
    name: str
    make: Callable[[Bundle, Path], None]
    columns: Columns | None = None
    lost: str = ""

    @property
    def head_only(self) -> bool:
        """Whether all that differs from the sound bundle is the last linear layer."""
        return self.columns is not None or bool(self.lost)

    def spoil(self, evidence: Evidence) -> Evidence:
        """What the sabotaged bundle shows where the sound one shows `evidence` (head_only).

        The head is linear and a softmax keeps the order: what is done to its columns can be done to the columns of
        its output, up to a constant per frame.
        """
        log_probs, alphabet = evidence.log_probs, evidence.alphabet
        if self.columns:
            weight, bias = self.columns(log_probs, np.zeros(log_probs.shape[1], np.float32), alphabet)
            log_probs = weight + bias
        if self.lost:
            kept = [i for i, c in enumerate(alphabet) if c not in self.lost]
            log_probs, alphabet = log_probs[:, [0, *(i + 1 for i in kept)]], tuple(alphabet[i] for i in kept)
        return Evidence(log_probs, alphabet, evidence.frame_width)


def sabotages() -> list[Sabotage]:
    """Fifty of them, always the same."""
    return [*_labels(), *_characters(), *_preprocessing(), *_training()]


def _labels() -> Iterator[Sabotage]:
    for rows in (2, 3, 4, 6, 8, 12, 16, 24, 40, 1000):
        yield _of_head("shuffled labels", f"{rows} classes permuted", partial(_permute, rows=rows))
    yield _of_head("shuffled labels", "all classes moved by one", lambda w, b, _a: (np.roll(w, 1, 1), np.roll(b, 1)))


def _characters() -> Iterator[Sabotage]:
    for lost in (*"eaés’ èêç", "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", ".,;:", "àâéèêëîïôùûüç"):
        yield Sabotage("lost characters", f"without {lost!r}", partial(_drop, lost=lost), lost=lost)


def _preprocessing() -> Iterator[Sabotage]:
    for key, factor in (("stretch", 0.5), ("stretch", 0.75), ("stretch", 1.4), ("above", 0.3), ("below", 3.0)):
        yield Sabotage(
            "wrong preprocessing", f"{key} times {factor}", lambda b, f, k=key, x=factor: _geometry(b, f, {k: x})
        )
        yield Sabotage(
            "wrong preprocessing",
            f"{key} times {factor}, edited in",
            lambda b, f, k=key, x=factor: _tamper(b, f, {k: x}),
        )
    yield Sabotage("wrong preprocessing", "no crop to the writing", lambda b, f: _geometry(b, f, {"crop": "none"}))
    yield Sabotage("wrong preprocessing", "red and blue swapped", _input(lambda w: w[:, ::-1]))
    yield Sabotage("wrong preprocessing", "negative image", _input(lambda w: -w))
    yield Sabotage("wrong preprocessing", "half the contrast", _input(lambda w: w * 0.5))


def _training() -> Iterator[Sabotage]:
    for level in (0.02, 0.05, 0.1, 0.2):
        yield Sabotage(
            "over-trained", f"weights with {level:.0%} noise", _weights(lambda w, r, s=level: w + s * w.std() * r)
        )
    for factor in (1.05, 1.15, 1.3):
        yield Sabotage("over-trained", f"weights overshot times {factor}", _weights(lambda w, _r, x=factor: w * x))
    for bits in (3, 4):
        yield Sabotage("over-trained", f"weights rounded to {bits} bits", _weights(lambda w, _r, n=bits: _round(w, n)))
    for extra in (2.0, 4.0, 9.0):
        yield _of_head("over-trained", f"blank collapse, bias +{extra:g}", partial(_blank, extra=extra))


def _of_head(kind: str, name: str, columns: Columns) -> Sabotage:
    return Sabotage(kind, name, _head(columns), columns)


def _permute(weight: Any, bias: Any, alphabet: tuple[str, ...], *, rows: int) -> tuple[Any, Any]:
    """Move the classes of the `rows` most frequent letters (all classes beyond those) around in a ring."""
    frequent = [alphabet.index(c) + 1 for c in "esaitnrulodcmpévqfbghjàxèyêzçk" if c in alphabet]
    others = [i for i in range(1, len(bias)) if i not in frequent]
    random.Random(rows).shuffle(others)
    chosen = np.array([*frequent, *others][:rows])
    weight, bias = weight.copy(), bias.copy()
    weight[:, chosen], bias[chosen] = weight[:, np.roll(chosen, 1)], bias[np.roll(chosen, 1)]
    return weight, bias


def _blank(weight: Any, bias: Any, _alphabet: tuple[str, ...], *, extra: float) -> tuple[Any, Any]:
    bias = bias.copy()
    bias[0] += extra
    return weight, bias


def _round(weight: Any, bits: int) -> Any:
    step = np.abs(weight).max() / 2 ** (bits - 1)
    return np.round(weight / step) * step


def _head(change: Columns) -> Callable[[Bundle, Path], None]:
    def make(bundle: Bundle, folder: Path) -> None:
        model = load_graph(bundle.path(GRAPH_FILE))
        weight, bias = (tensor.array() for tensor in head_tensors(model))
        set_head(model, *change(weight, bias, bundle.info.alphabet))
        _write(bundle, folder, model)

    return make


def _weights(change: Callable[[Any, Any], Any]) -> Callable[[Bundle, Path], None]:
    def make(bundle: Bundle, folder: Path) -> None:
        model = load_graph(bundle.path(GRAPH_FILE))
        draws = np.random.default_rng(1)
        for tensor in model.tensors.values():
            array = tensor.array()
            if array.dtype == np.float32 and array.ndim >= 2:
                changed = change(array, draws.standard_normal(array.shape)).astype(np.float32)
                tensor.put(np.asarray(changed))
        _write(bundle, folder, model)

    return make


def _input(change: Callable[[Any], Any]) -> Callable[[Bundle, Path], None]:
    def make(bundle: Bundle, folder: Path) -> None:
        model = load_graph(bundle.path(GRAPH_FILE))
        first = next(node for node in model.nodes if node.op_type == "Conv")
        tensor = model.tensors[first.input[1]]
        changed = np.ascontiguousarray(change(tensor.array()), np.float32)
        tensor.put(changed)
        _write(bundle, folder, model)

    return make


def _drop(bundle: Bundle, folder: Path, *, lost: str) -> None:
    model = load_graph(bundle.path(GRAPH_FILE))
    weight, bias = (tensor.array() for tensor in head_tensors(model))
    kept = [c for c in bundle.info.alphabet if c not in lost]
    rows = [0, *(bundle.info.alphabet.index(c) + 1 for c in kept)]
    set_head(model, weight[:, rows], bias[rows])
    _write(bundle, folder, model, alphabet=tuple(kept))


def _geometry(bundle: Bundle, folder: Path, factors: dict[str, Any]) -> None:
    _write(bundle, folder, load_graph(bundle.path(GRAPH_FILE)), preprocessing=_scaled(bundle, factors))


def _tamper(bundle: Bundle, folder: Path, factors: dict[str, Any]) -> None:
    model = load_graph(bundle.path(GRAPH_FILE))
    _write(bundle, folder, model)
    path = folder / INFO_FILE
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump({**content, "preprocessing": _scaled(bundle, factors)}), encoding="utf-8")


def _scaled(bundle: Bundle, factors: dict[str, Any]) -> dict[str, Any]:
    now = bundle.info.preprocessing
    return {**now, **{k: x if isinstance(x, str) else now[k] * x for k, x in factors.items()}}


def _write(bundle: Bundle, folder: Path, model: Graph, **changes: Any) -> None:
    info = bundle.info.model_copy(update={**changes, "name": folder.name, "files": {}, "parity": {}})
    spoiled = {GRAPH_FILE: model.SerializeToString(), WEIGHTS_FILE: weights_bytes(model)}
    files = {**{name: bundle.path(name).read_bytes() for name in bundle.info.files}, **spoiled}
    written = write_bundle(folder, info, files, replace=True)
    update_info(written, parity={"bundle": written.id})
