"""Bundles from the network in training, and their true CER on held lines."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError

from emendo.errors import SettingsError
from emendo.image.line import LineGeometry, network_input, normalize_line
from emendo.metrics.align import Counts, counts
from emendo.models.base import base_bundle, weights_bytes
from emendo.models.bundle import GRAPH_FILE, WEIGHTS_FILE, Bundle, BundleInfo, write_bundle
from emendo.models.ctc.decode import greedy_text
from emendo.models.ctc.forms import Form, reform
from emendo.models.ctc.network import LineNetwork, load_network, store_network
from emendo.models.ctc.recognizer import CtcRecognizer, load_geometry
from emendo.models.ctc.tune import LANGUAGE_FIELDS
from emendo.models.ctc.weights import Head, grow_head, read_layers
from emendo.models.graph import load_graph
from emendo.text.direction import Direction, direction_of
from emendo.types import Image

from .recipe import Recipe
from .selection import TrainingLine
from .thin import thinned

PARITY_LINES = 4
THINNED_ON = 24
"""Lines that a narrower form is fitted on."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a run begins with: the base bundle, its graph, and network and head for the new alphabet.

    Where the network is a narrower form of the base's, `teacher` is the base's, with the same head.
    """

    bundle: Bundle
    graph: Any
    network: LineNetwork
    head: Head
    direction: Direction
    geometry: LineGeometry
    """How lines are shown to the trained model."""
    teacher: LineNetwork | None = None

    @property
    def preprocessing(self) -> dict[str, Any]:
        """The geometry as it stands in `bundle.yaml`."""
        return self.geometry.model_dump() if self.shown_anew else dict(self.bundle.info.preprocessing)

    @property
    def shown_anew(self) -> bool:
        """Whether lines are shown otherwise than to the base: what was found out about its reading holds no more."""
        return self.geometry != load_geometry(self.bundle)


def open_start(
    bundle: Bundle,
    lines: Sequence[TrainingLine],
    seed: int,
    *,
    signs: Sequence[str] = (),
    alphabet: str = "",
    geometry: LineGeometry | None = None,
) -> Start:
    """The base with a head that also knows every character of the lines, and `signs` that stand for phrases.

    All characters of the base stay; missing ones come from the full embedded base or a look-alike. With `alphabet` the
    head has exactly these characters. `geometry` replaces that of the base.
    """
    graph = load_graph(bundle.path(GRAPH_FILE))
    _, weight, bias = read_layers(graph)[-1]
    known = bundle.info.alphabet
    wanted = tuple(alphabet) or known
    new = [] if alphabet else sorted(({char for line in lines for char in line.text} | set(signs)) - set(known))
    further = None
    if set(wanted) | set(new) > set(known) or not set(wanted) <= set(known):
        full = base_bundle("base-full")
        _, full_weight, full_bias = read_layers(load_graph(full.path(GRAPH_FILE)))[-1]
        if full_weight.shape[1] == weight.shape[1]:
            further = (full_weight, full_bias, full.info.alphabet)
    head = grow_head(weight, bias, known, (*wanted, *new), further=further, seed=seed)
    shown = geometry or load_geometry(bundle)
    return Start(bundle, graph, load_network(graph, head), head, direction_for(bundle, lines), shown)


def geometry_for(bundle: Bundle, recipe: Recipe) -> LineGeometry:
    """How lines are shown in a run: as to the base, with the changes of the recipe. Raises SettingsError."""
    changed = {**load_geometry(bundle).model_dump(), **recipe.geometry}
    try:
        return LineGeometry.model_validate(changed)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(("geometry", *map(str, first["loc"])))
        known = ", ".join(LineGeometry.model_fields)
        raise SettingsError(f"{place}: {first['msg'].lower()}", where="recipe", remedy=f"keys: {known}") from error


def thin_start(start: Start, form: Form, lines: Sequence[TrainingLine]) -> Start:
    """The start in a narrower form, fitted on some of the lines; the start itself when that is its form already.

    Raises BundleError when its columns are halved elsewhere.
    """
    if form == start.network.form:
        return start
    graph = copy.deepcopy(start.graph)
    reform(graph, form)
    some = lines[:: max(1, len(lines) // THINNED_ON)][:THINNED_ON]
    pictures = [
        torch.from_numpy(network_input([normalize_line(line.image, start.geometry)], start.geometry)) for line in some
    ]
    network = thinned(start.network.eval(), form, pictures)
    store_network(network, graph)
    return replace(start, graph=graph, network=network, teacher=start.network)


def direction_for(bundle: Bundle, lines: Sequence[TrainingLine]) -> Direction:
    """Which way the lines of the trained model run: `rtl` when those of the base do, or most of the lines given."""
    if bundle.info.decoding.get("direction") == "rtl":
        return "rtl"
    return direction_of([line.text for line in lines])


def fresh_share(head: Head, lines: Sequence[TrainingLine]) -> float:
    """Share of the characters in the lines whose row of the head begins at random, 0 to 1."""
    text = "".join(line.text for line in lines)
    random = set(head.random)
    return sum(char in random for char in text) / max(1, len(text))


def write_candidate(network: LineNetwork, start: Start, target: Path, **info: Any) -> Bundle:
    """The network as a bundle; `info` sets further fields of `bundle.yaml`. Replaces what is there.

    Decoding is plain unless `info` says otherwise: what helps an unadapted model to read (several looks, a cheaper
    blank) was chosen for that one.
    """
    graph = copy.deepcopy(start.graph)
    store_network(network, graph)
    base = start.bundle.info
    filled = {
        "name": base.name,
        "base": base.base,
        "alphabet": start.head.alphabet,
        "preprocessing": start.preprocessing,
        "calibration": {} if start.shown_anew else base.calibration,
        "licences": base.licences,
        **info,
    }
    if start.direction == "rtl":
        filled["decoding"] = {**filled.get("decoding", {}), "direction": "rtl"}
    files = {GRAPH_FILE: graph.SerializeToString(), WEIGHTS_FILE: weights_bytes(graph)}
    return write_bundle(target, BundleInfo(**filled), files, replace=True)


def count_errors(recognizer: CtcRecognizer, lines: Sequence[TrainingLine], *, plainly: bool = False) -> Counts:
    """Alignment counts of the readings of some lines, as serving reads them or `plainly`: the best class of each frame
    at one look.
    """
    images = [line.image for line in lines]
    if plainly:
        texts = [greedy_text(evidence) for evidence in recognizer.seen(images)]
    else:
        texts = [reading.text for reading in recognizer.read(images)]
    total = Counts()
    for line, text in zip(lines, texts, strict=True):
        total += counts(line.text, text)
    return total


def reading_of(bundle: Bundle) -> dict[str, Any]:
    """How a bundle reads, without its language model, as fields of `bundle.yaml`."""
    kept = {key: value for key, value in bundle.info.decoding.items() if key not in LANGUAGE_FIELDS}
    return {"decoding": kept, "looks": bundle.info.looks, "calibration": bundle.info.calibration}


def parity(
    network: torch.nn.Module, recognizer: CtcRecognizer, lines: Sequence[TrainingLine], *, most: int = PARITY_LINES
) -> dict[str, Any]:
    """How far the graph that reads is from the network that was trained, on the first `most` lines.

    `log_prob_difference` is the greatest absolute difference where the network gives more than e^-10,
    `same_reading` whether every frame has the same best class.
    """
    worst, same = 0.0, True
    network.eval()
    for line in lines[:most]:
        picture: Image = normalize_line(line.image, recognizer.geometry)
        with torch.no_grad():
            ours = network(torch.from_numpy(network_input([picture], recognizer.geometry))).log_softmax(-1).numpy()
        theirs = recognizer.run([picture])
        held = ours > -10
        worst = max(worst, float(np.abs(ours - theirs)[held].max()))
        same = same and bool((ours.argmax(-1) == theirs.argmax(-1)).all())
    return {"lines": min(len(lines), most), "log_prob_difference": worst, "same_reading": same}
