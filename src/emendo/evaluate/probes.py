"""Scores of probe data sets (`emendo.datasets.probes`), from a model's answers or from recorded ones.

What is scored depends on what a family can do, and the result says so:

* A model that takes a prompt (vlm) is asked the question of each sample and shown the image.
* A line reader (ctc, trocr) cannot be asked. For a needle its page is divided into lines and read whole; the needle
  counts as found when the number stands in that reading. That measures finding and reading, not answering.
* JSON and LaTeX must be written freely. A CTC network writes the characters that stand in the line, in their order, and
  nothing else, so for it these probes are refused and no score is made up.
"""

from __future__ import annotations

import copy
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Levenshtein

from ..errors import BadInput, DataError, Refused
from ..formats.base import Refusal
from ..formats.jsonl import DECODER
from ..image.load import sample_image
from ..metrics import wilson
from ..models.bundle import CTC_FAMILIES
from ..models.generative.recognizer import GenerativeRecognizer
from ..models.vision import facts_of
from ..pages.segment import Finder
from ..settings import Limits
from ..text.latex import fault, formulas, tokens
from ..types import Image, Recognizer, Sample
from .pagewise import PageReader
from .run import Progress

FORMAT = "emendo-probe/1"
PROBES = ("needle", "json", "latex")
SHOWN = 20
Keys = tuple[str, ...]
"""The keys that lead to a value of a JSON structure."""


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `trials`, with the 95 % interval of their share (Wilson)."""

    hits: int
    trials: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        low, high = wilson(self.hits, self.trials)
        return {
            "value": self.hits / max(self.trials, 1),
            "low": low,
            "high": high,
            "hits": self.hits,
            "of": self.trials,
        }


@dataclass(frozen=True)
class ProbeResult:
    """The scores of one probe by name; `by` has the first score again for the parts of the page (needle alone).

    `how` says in words what the model was made to do. `missed` names samples that failed, with what was answered.
    """

    probe: str
    model: str
    how: str
    scores: Mapping[str, Share]
    by: Mapping[str, Mapping[str, Share]]
    missed: tuple[tuple[str, str, str], ...]
    unreadable: tuple[tuple[str, str], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": FORMAT,
            "probe": self.probe,
            "model": self.model,
            "how": self.how,
            "scores": {name: one.to_dict() for name, one in self.scores.items()},
            "by": {name: {value: one.to_dict() for value, one in held.items()} for name, held in self.by.items()},
            "missed": [{"id": a, "answer": b, "given": c} for a, b, c in self.missed],
            "unreadable": [{"id": name, "reason": why} for name, why in self.unreadable],
        }


def probe_of(samples: Sequence[Sample]) -> str:
    """The probe that these samples are. Raises DataError when they are none, or several."""
    found = {str(sample.attributes.get("probe", "")) for sample in samples}
    if len(found) != 1 or not found <= set(PROBES):
        raise DataError("is no probe data set", remedy="make one with `emendo probe needle`, `json` or `latex`")
    return found.pop()


def run_probe(
    recognizer: Recognizer,
    samples: Sequence[Sample],
    *,
    finder: Finder | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> ProbeResult:
    """Put a probe to a model. `finder` finds lines on pages for line readers (None: the ink profile).

    Raises DataError for samples that are no probe, Refused when the model's family cannot do it.
    """
    probe = probe_of(samples)
    answer, how = _asker(recognizer, probe, finder)
    bounds = limits or Limits()
    answers: dict[str, str] = {}
    unreadable: list[tuple[str, str]] = []
    for number, sample in enumerate(samples, 1):
        try:
            answers[sample.id] = answer(sample_image(sample, bounds), sample)
        except BadInput as error:
            unreadable.append((sample.id, str(error)))
        if progress:
            progress(number, len(samples))
    return score_probe(samples, answers, model=recognizer.model, how=how, unreadable=unreadable)


def _asker(recognizer: Recognizer, probe: str, finder: Finder | None) -> tuple[Callable[[Image, Sample], str], str]:
    family = facts_of(recognizer).family
    if family == "vlm" and isinstance(recognizer, GenerativeRecognizer):
        return (lambda image, sample: _ask(recognizer, image, sample)), "asked the question of each sample"
    if probe == "needle":
        how = f"cannot be asked (family {family or 'unknown'}): the page is read line by line, and searched"
        reader = PageReader(recognizer, finder)
        return (lambda image, _: reader.read([image])[0].text), how
    if family in CTC_FAMILIES:
        what = f"a model of the family {family!r} writes what stands in a line and cannot write {probe.upper()}"
        raise Refused(what, remedy="take a model of the family trocr or vlm, or score recorded answers with --outputs")
    return (lambda image, _: recognizer.read([image])[0].text), "shown the image; it takes no question"


def _ask(recognizer: GenerativeRecognizer, image: Image, sample: Sample) -> str:
    asked = copy.copy(recognizer)
    network: Any = recognizer.network
    asked.network = network.with_prompt(str(sample.attributes["question"]))
    return asked.read([image])[0].text


def score_probe(
    samples: Sequence[Sample],
    answers: Mapping[str, str],
    *,
    model: str,
    how: str,
    unreadable: Sequence[tuple[str, str]] = (),
) -> ProbeResult:
    """Score answers by sample id; a sample without one counts as answered by nothing, unless it is unreadable."""
    probe = probe_of(samples)
    skipped = {name for name, _ in unreadable}
    pairs = [(sample, answers.get(sample.id, "")) for sample in samples if sample.id not in skipped]
    score = {"needle": _needle, "json": _json, "latex": _latex}[probe]
    scores, good = score(pairs)
    by = {key: _parts(pairs, good, key) for key in ("depth", "hay")} if probe == "needle" else {}
    missed = [
        (sample.id, sample.text or "", given) for (sample, given), right in zip(pairs, good, strict=True) if not right
    ]
    return ProbeResult(probe, model, how, scores, by, tuple(missed[:SHOWN]), tuple(unreadable))


Pairs = Sequence[tuple[Sample, str]]
Scored = tuple[dict[str, Share], list[bool]]


def _parts(pairs: Pairs, good: Sequence[bool], key: str) -> dict[str, Share]:
    """The first score by fifth of the page, or by number of lines."""
    rows: dict[str, list[bool]] = {}
    for (sample, _), right in zip(pairs, good, strict=True):
        value = sample.attributes.get(key, 0)
        name = str(value)
        if key == "depth":
            fifth = min(4, int(5 * float(value)))
            name = f"{20 * fifth} to {20 * fifth + 20} %"
        rows.setdefault(name, []).append(right)
    order = sorted(rows, key=lambda name: int(name.split()[0]))
    return {name: Share(sum(rows[name]), len(rows[name])) for name in order}


def _needle(pairs: Pairs) -> Scored:
    """`found`: the number stands in the answer by itself; `exact`: it is the whole answer; `sentence`: read in full."""
    found, exact, sentence = [], [], []
    for sample, given in pairs:
        answer, said = sample.text or "", _digits(given)
        found.append(re.search(rf"(?<!\d){re.escape(answer)}(?!\d)", said) is not None)
        exact.append(said.strip().strip(".") == answer)
        sentence.append(str(sample.attributes.get("sentence", answer)) in given)
    trials = len(pairs)
    shares = {"found": Share(sum(found), trials), "exact": Share(sum(exact), trials)}
    return {**shares, "sentence": Share(sum(sentence), trials)}, found


def _digits(text: str) -> str:
    """The text with the digits of every script as 0 to 9."""
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def _json(pairs: Pairs) -> Scored:
    """`valid`: one JSON object and nothing else; `equal`: the right one; then fields: read right, and read at all."""
    valid, equal = [], []
    right = read = true = 0
    for sample, given in pairs:
        wanted, got = json.loads(sample.text or "{}"), strict_object(given)
        valid.append(got is not None)
        equal.append(got == wanted)
        left, mine = Counter(leaves(wanted)), Counter(leaves(got)) if got is not None else Counter()
        right += (left & mine).total()
        true, read = true + left.total(), read + mine.total()
    shares = {"equal": Share(sum(equal), len(pairs)), "valid": Share(sum(valid), len(pairs))}
    return {**shares, "field_recall": Share(right, true), "field_precision": Share(right, read)}, equal


def strict_object(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is, None for anything else: no fence around it, no NaN, no key twice."""
    try:
        DECODER.decode(text.strip())
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError, Refusal):
        return None
    return value if isinstance(value, dict) else None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def leaves(value: Any, path: Keys = ()) -> list[tuple[Keys, str]]:
    """Every value of a JSON structure with the keys that lead to it; entries of a list have no number of their own."""
    if isinstance(value, dict):
        return [leaf for key, held in value.items() for leaf in leaves(held, (*path, str(key)))]
    if isinstance(value, list):
        return [leaf for held in value for leaf in leaves(held, (*path, "[]"))]
    return [(path, json.dumps(value, ensure_ascii=False))]


def _latex(pairs: Pairs) -> Scored:
    """`equal`: the same tokens; `well_formed`: nothing wrong in its form; `tokens`: true tokens less token edits."""
    equal, formed = [], []
    right = true = 0
    for sample, given in pairs:
        wanted, got = sample.text or "", given.strip()
        if sample.attributes.get("kind") == "formula":
            inside = formulas(got)
            got = inside[0] if len(inside) == 1 else got
        left, mine = tokens(wanted), tokens(got)
        equal.append(left == mine)
        formed.append(bool(got) and not fault(got))
        true += len(left)
        right += max(0, len(left) - Levenshtein.distance(left, mine))
    shares = {"equal": Share(sum(equal), len(pairs)), "well_formed": Share(sum(formed), len(pairs))}
    return {**shares, "tokens": Share(right, true)}, equal
