"""The never-worse gate for readers of documents: the same rules as for lines (see `gate`), on errors of fields.

An error is a value that is wrong, missed or invented; the rate is errors for each value of the truth. A candidate
passes when every finding is good:

- *bundle*: as for lines.
- *documents*: the test set has enough documents for a verdict.
- *better*: the paired bootstrap over documents is confident that the candidate makes fewer errors, by a gain that is
  worth the change.
- *field NAME*: no field gets worse beyond its budget; those with few values are judged together. A field blocks when
  the chance that its rate rises by more than the budget is above 1 - SLICE_RISK / (number of fields).
- *validity*: the share of readings whose sums hold does not fall, by the same rule.
- *general NAME*: on every further set of documents the rate rises by no more than the budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..evaluate import SampleSet
from ..evaluate.compare import paired_figures
from ..evaluate.fields import FieldComparison, evaluate_fields
from ..evaluate.fields.compare import paired
from ..evaluate.fields.figures import groups_of
from ..evaluate.fields.outcome import Validity
from ..metrics import Paired, paired_bootstrap
from ..pages.fields import load_document_reader
from ..settings import GateSettings, Limits
from ..types import DocumentReader, Split
from .gate import SLICE_RISK, TIE, Decision, Finding, examine

POOLED = "(fields with few values together)"


def gate_fields(
    champion: DocumentReader,
    candidate: Path,
    personal: SampleSet,
    general: Sequence[SampleSet] = (),
    *,
    split: Split | None = None,
    settings: GateSettings | None = None,
    limits: Limits | None = None,
    threads: int = 1,
    workspace: Path | None = None,
) -> Decision:
    """Judge the bundle in the folder `candidate`, which reads documents, against the model in use.

    `personal` are the documents that decide (only `split`, when given), `general` the sets of documents on which
    nothing may be forgotten (all their samples with fields). Raises what `evaluate_fields` raises for data that cannot
    be used.
    """
    bundle, sound = examine(candidate)
    if bundle is None or not sound.good:
        return Decision(str(candidate), champion.model, (sound,))
    reader = load_document_reader(str(candidate), workspace=workspace, threads=threads, cache=True)
    return judge_fields(
        champion, reader, personal, general, split=split, settings=settings, limits=limits, before=(sound,)
    )


def judge_fields(
    champion: DocumentReader,
    candidate: DocumentReader,
    personal: SampleSet,
    general: Sequence[SampleSet] = (),
    *,
    split: Split | None = None,
    settings: GateSettings | None = None,
    limits: Limits | None = None,
    before: Sequence[Finding] = (),
) -> Decision:
    """The part of the gate that reads: any two readers on the deciding and the general documents."""
    readers = (champion, candidate)
    first = FieldComparison(*evaluate_fields(readers, personal, split=split, limits=limits))
    others = tuple(FieldComparison(*evaluate_fields(readers, one, limits=limits)) for one in general)
    findings = (*before, *decide_fields(first, others, settings or GateSettings()))
    return Decision(candidate.model, champion.model, findings, (first, *others))


def decide_fields(
    personal: FieldComparison, general: Sequence[FieldComparison], settings: GateSettings
) -> list[Finding]:
    """All findings that follow from the readings of both models."""
    findings = [enough_documents(personal, settings), better(personal, settings), *fields(personal, settings)]
    return [*findings, validity(personal, settings), *(forgotten(one, settings) for one in general)]


def enough_documents(personal: FieldComparison, settings: GateSettings) -> Finding:
    """Whether there are enough documents for any verdict."""
    count, least = len(personal.pairs), settings.min_test_documents
    what = f"{count} test documents" if count >= least else f"only {count} test documents, {least} are needed"
    return Finding("documents", count >= least, what, {"documents": count, "least": least})


def better(personal: FieldComparison, settings: GateSettings) -> Finding:
    """Whether the candidate makes so much fewer errors in all, with the confidence asked for."""
    result, a, b = personal.paired, personal.a.counts, personal.b.counts
    least = settings.least_gain * a.errors / max(a.values, 1)
    worth = 1 - result.confidence_above(-least - TIE)
    good = result.difference < 0 and worth >= settings.confidence
    moved = f"errors {a.errors} -> {b.errors} on {a.values} values of {len(personal.pairs)} test documents"
    sure = f"better with {100 * result.confidence_better:.1f} % confidence"
    asked = f"{100 * settings.confidence:g} % are needed"
    if good:
        what = f"{moved}, {sure}"
    elif result.difference < 0 and result.confidence_better >= settings.confidence:
        gain = f"{100 * settings.least_gain:g} % fewer errors or more"
        what = f"{moved}: {sure}, but {gain} with only {100 * worth:.1f} %, {asked}"
    else:
        what = f"{moved}: {sure}, {asked}"
    return Finding("better", good, what, {**_figures(personal, result), "confidence_worth": worth})


def fields(personal: FieldComparison, settings: GateSettings) -> list[Finding]:
    """One finding for each field that counts; fields with too few values for a verdict are pooled."""
    values = {name: sum(a.of(name).values for a, _ in personal.pairs) for name in personal.a.fields}
    parts = [(name, (name,)) for name, count in values.items() if count >= settings.min_test_documents]
    small = tuple(name for name, count in values.items() if count < settings.min_test_documents)
    if sum(values[name] for name in small) >= settings.min_test_documents:
        parts.append((POOLED, small))
    return [_field(label, names, personal, len(parts), settings) for label, names in parts]


def validity(personal: FieldComparison, settings: GateSettings) -> Finding:
    """Whether as many readings hold together as before."""
    broken = [[float(pair[at].validity != Validity.EXACT) for pair in personal.pairs] for at in (0, 1)]
    count = len(personal.pairs)
    result = paired_bootstrap(*broken, [1.0] * count, groups=groups_of([a for a, _ in personal.pairs]))
    good, risk = _held(result, 1, settings)
    was, now = (count - round(sum(side)) for side in broken)
    moved = f"readings that hold together {was} -> {now} of {count}"
    what = moved if good else f"{moved}: a fall of {100 * settings.field_budget:g} points is allowed"
    figures = {"champion": was, "candidate": now, "documents": count, "chance_beyond_budget": risk}
    return Finding("validity", good, what, {**figures, **paired_figures(result)})


def forgotten(general: FieldComparison, settings: GateSettings) -> Finding:
    """Whether further documents are read as well as before, within the budget."""
    result, a, b = general.paired, general.a.counts, general.b.counts
    good = result.difference <= settings.field_budget
    moved = f"errors {a.errors} -> {b.errors} on {a.values} values of {general.a.dataset}"
    what = moved if good else f"{moved}: a rise of {100 * settings.field_budget:g} points is allowed"
    return Finding(f"general {general.a.dataset}", good, what, _figures(general, result))


def _field(label: str, names: Sequence[str], personal: FieldComparison, number: int, settings: GateSettings) -> Finding:
    result = paired(personal.pairs, names)
    good, risk = _held(result, number, settings)
    a, b = (sum(pair[at].of(name).errors for pair in personal.pairs for name in names) for at in (0, 1))
    count = sum(pair[0].of(name).values for pair in personal.pairs for name in names)
    moved = f"{label}: errors {a} -> {b} on {count} values"
    what = moved if good else f"{moved}; a rise of {100 * settings.field_budget:g} points is allowed"
    figures: dict[str, Any] = {"values": count, "errors_champion": a, "errors_candidate": b}
    blocks = {"chance_beyond_budget": risk, "blocks_at": 1 - SLICE_RISK / number}
    return Finding(f"field {label}", good, what, {**figures, **paired_figures(result), **blocks})


def _held(result: Paired, number: int, settings: GateSettings) -> tuple[bool, float]:
    """Whether one of `number` rates rose by no more than the budget, and the chance that it did."""
    risk = result.confidence_above(settings.field_budget)
    return risk < 1 - SLICE_RISK / number or result.difference <= settings.field_budget, risk


def _figures(some: FieldComparison, result: Paired) -> dict[str, Any]:
    return {
        "documents": len(some.pairs),
        "values": some.a.counts.values,
        "errors_champion": some.a.counts.errors,
        "errors_candidate": some.b.counts.errors,
        **paired_figures(result),
    }
