"""Structured targets from the rows of any data set: fields as JSON, formulas as LaTeX."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...errors import DataError, UsageError
from ...formats.base import Refusal, outline
from ...formats.jsonl import REGIONS
from ...text.latex import fault, formulas, with_formulas
from ...types import Sample

FORMULA_KEYS = ("latex", "formula", "math")
FORMULA_TYPES = ("equation", "formula", "math")
LATEX_QUESTION = "Write the formula in the image as LaTeX, without delimiters."
MIXED_QUESTION = "Read the text in the image; write what is mathematical as LaTeX between dollar signs."


def json_targets(samples: Sequence[Sample], keys: Sequence[str] = ()) -> tuple[Sample, ...]:
    """Samples whose text is a JSON object: their `fields`, or with `keys` those of their fields, attributes and text.

    A key that a sample lacks is null. Keys stay in the order of the row (or of `keys`), numbers and texts as they are.
    Raises UsageError for a key that no sample has, DataError when no sample has anything to write.
    """
    held = [(sample, _fields(sample, keys)) for sample in samples]
    for key in keys:
        if not any(fields.get(key) is not None for _, fields in held):
            known = sorted({name for sample in samples for name in _all(sample)})
            raise UsageError(f"no row has the key {key!r}", remedy=f"the rows have {', '.join(known[:20]) or 'none'}")
    made = tuple(
        _target(sample, json.dumps(fields, ensure_ascii=False, allow_nan=False), "json", _question(fields))
        for sample, fields in held
        if any(value is not None for value in fields.values())
    )
    if not made:
        raise DataError("no row has fields", remedy="give --key for what to write, such as --key text --key language")
    return made


def _fields(sample: Sample, keys: Sequence[str]) -> dict[str, Any]:
    if not keys:
        return dict(sample.fields or {})
    there = _all(sample)
    return {key: there.get(key) for key in keys}


def _all(sample: Sample) -> dict[str, Any]:
    own = {"text": sample.text, "language": sample.language, "subset": sample.subset}
    return {**sample.attributes, **{key: value for key, value in own.items() if value}, **(sample.fields or {})}


def _question(fields: Mapping[str, Any]) -> str:
    return f"Return one JSON object with the keys {', '.join(fields)} as they stand in the image, and nothing else."


def latex_targets(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """Samples whose text is LaTeX, from whatever a row offers.

    A row with a `latex`, `formula` or `math` key is a formula, and so is one whose text is nothing but a formula
    between delimiters; regions of a page whose type is an equation give one sample each; a text with formulas in it
    stays as it is; in a plain text the signs of mathematics (², ½, ×, ≤ ...) are written as LaTeX. What is not well
    formed is left out. Raises DataError when nothing of that kind is there.
    """
    made = tuple(target for sample in samples for target in _latex(sample))
    if not made:
        what = "no row holds a formula, LaTeX between delimiters, or a sign of mathematics"
        raise DataError(what, remedy="give rows with a 'latex' key, or texts with $...$")
    return made


def _latex(sample: Sample) -> Iterator[Sample]:
    own = next((sample.attributes[key] for key in FORMULA_KEYS if isinstance(sample.attributes.get(key), str)), None)
    text = sample.text or ""
    inside = formulas(text)
    if own is not None:
        yield from _formula(sample, own)
    elif len(inside) == 1 and _bare(text, inside[0]):
        yield from _formula(sample, inside[0])
    elif inside:
        if not any(fault(one) for one in inside):
            yield _target(sample, text, "latex", MIXED_QUESTION, kind="mixed")
    elif (mixed := with_formulas(text)) is not None:
        yield _target(sample, mixed, "latex", MIXED_QUESTION, kind="mixed")
    yield from _regions(sample)


def _bare(text: str, formula: str) -> bool:
    """Whether a text is one formula and its delimiters."""
    return len(text.strip()) <= len(formula) + 40 and text.strip()[:1] in "$\\" and text.strip()[-1:] in "$])}"


def _formula(sample: Sample, formula: str) -> Iterator[Sample]:
    if formula.strip() and not fault(formula):
        yield _target(sample, formula.strip(), "latex", LATEX_QUESTION, kind="formula")


def _regions(sample: Sample) -> Iterator[Sample]:
    for key in REGIONS:
        entries = sample.attributes.get(key)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if not isinstance(entry, dict) or not any(one in str(entry.get("type", "")) for one in FORMULA_TYPES):
                continue
            place = next((entry[name] for name in ("poly", "polygon", "box") if name in entry), None)
            text = entry.get("latex", entry.get("text"))
            if place is None or not isinstance(text, str):
                continue
            inside = formulas(text)
            try:
                region = replace(sample, id=f"{sample.id}:{index}", polygon=outline(place, key))
            except Refusal:
                continue
            yield from _formula(region, inside[0] if inside else text)


def _target(sample: Sample, text: str, probe: str, question: str, **more: str) -> Sample:
    kept = {key: value for key, value in sample.attributes.items() if key not in REGIONS}
    return replace(sample, text=text, attributes={**kept, "probe": probe, "question": question, **more})
