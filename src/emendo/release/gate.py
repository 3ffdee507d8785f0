"""The never-worse gate: no model replaces another without a paired, significant win and no loss beyond the budget.

A candidate passes when every finding is good:

- *bundle*: complete, unaltered since training, its graph fits its alphabet, and lines are prepared as in training.
- *lines*: the frozen personal test set has enough lines for a verdict.
- *better*: on that set the paired bootstrap is confident that the candidate makes fewer errors than the champion, by a
  gain that is worth the change: among many candidates that read all but alike, some look better on few lines by chance.
- *slices*: no slice gets worse beyond its budget. A slice blocks when the bootstrap puts the chance that its CER rises
  by more than the budget above 1 - SLICE_RISK / (number of slices): with many slices some look worse by chance, and
  together they may stop a harmless candidate in at most that share of cases. Slices with fewer lines than a verdict
  needs are judged together, as one.
- *general*: on every general set the CER rises by no more than the budget (forgetting guard).
- *plates*: where the test lines are licence plates, the candidate reads them well enough to be used at all.
- *characters*: no character that the champion reads is lost (see `lost_characters`), on the personal and general sets.

Every finding keeps its figures, the good ones too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import BundleError
from ..evaluate import Comparison, SampleSet, are_plates, compare
from ..evaluate.compare import Pair, paired, paired_figures
from ..evaluate.fields import FieldComparison
from ..metrics import Paired
from ..models.bundle import FIELDS_FAMILY, Bundle, read_bundle
from ..models.ctc.recognizer import CtcRecognizer
from ..models.references import open_recognizer
from ..pages.fields import load_document_reader
from ..settings import GateSettings, Limits
from ..tools.counts import counted
from ..types import Recognizer, Split

SLICE_RISK = 0.2
LEAST_LOST = 5
"""A character counts as lost when this many right readings are gone and more than half of all, or all of NEVER_READ."""
NEVER_READ = 3
TIE = 1e-12
"""Differences of CER below this are none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: `good` or not, in one sentence, with its figures."""

    name: str
    good: bool
    what: str
    figures: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate says of `candidate` against `champion` (model names with content ids)."""

    candidate: str
    champion: str
    findings: tuple[Finding, ...]
    comparisons: tuple[Comparison | FieldComparison, ...] = field(default=(), repr=False)
    """The personal set first, then the general ones; empty when the bundle itself was refused."""

    @property
    def passed(self) -> bool:
        """Whether the candidate may be promoted."""
        return all(finding.good for finding in self.findings)

    @property
    def reason(self) -> str:
        """The faults in one line, or what was won."""
        wanted = [f.what for f in self.findings if not f.good] or [f.what for f in self.findings if f.name == "better"]
        return "; ".join(wanted)

    def figures(self) -> dict[str, Any]:
        """The decision for JSON and the event log."""
        return {
            "passed": self.passed,
            "candidate": self.candidate,
            "champion": self.champion,
            "reason": self.reason,
            "findings": [{**asdict(f), "figures": dict(f.figures)} for f in self.findings],
        }


def examine(folder: Path) -> tuple[Bundle | None, Finding]:
    """Whether a bundle can be trusted to be what its training made; the bundle itself when it can be opened."""
    try:
        bundle = read_bundle(folder)
        if bundle.info.family == FIELDS_FAMILY:
            load_document_reader(str(folder))
        else:
            open_recognizer(bundle)
    except BundleError as error:
        return None, Finding("bundle", False, str(error))
    info = bundle.info
    trained = info.run.get("preprocessing")
    if trained is not None and trained != info.preprocessing:
        changed = sorted(k for k in {*trained, *info.preprocessing} if trained.get(k) != info.preprocessing.get(k))
        what = f"the bundle prepares lines otherwise than in training ({', '.join(changed)})"
        return bundle, Finding("bundle", False, what, {"trained": trained, "now": dict(info.preprocessing)})
    sealed = info.parity.get("bundle")
    if sealed is not None and sealed != bundle.id:
        what = f"the bundle was changed after training (it was {sealed}, it is {bundle.id})"
        return bundle, Finding("bundle", False, what, {"sealed": sealed, "now": bundle.id})
    return bundle, Finding("bundle", True, "the bundle is complete and unaltered", {"id": bundle.id})


def gate(
    champion: Recognizer,
    candidate: Path,
    personal: SampleSet,
    general: Sequence[SampleSet] = (),
    *,
    split: Split | None = None,
    settings: GateSettings | None = None,
    limits: Limits | None = None,
    threads: int = 1,
) -> Decision:
    """Judge the bundle in the folder `candidate` against the model in use.

    `personal` is the frozen test set of this author (only `split`, when given), `general` the sets on which nothing
    may be forgotten (all their labelled samples). Raises what `evaluate` raises for data that cannot be used.
    """
    bundle, sound = examine(candidate)
    if bundle is None or not sound.good:
        return Decision(str(candidate), champion.model, (sound,))
    reader = open_recognizer(bundle, threads=threads)
    return judge(champion, reader, personal, general, split=split, settings=settings, limits=limits, before=(sound,))


def judge(
    champion: Recognizer,
    candidate: Recognizer,
    personal: SampleSet,
    general: Sequence[SampleSet] = (),
    *,
    split: Split | None = None,
    settings: GateSettings | None = None,
    limits: Limits | None = None,
    before: Sequence[Finding] = (),
) -> Decision:
    """The part of the gate that reads: any two recognisers on the personal and the general sets."""
    first = compare(champion, candidate, personal, split=split, limits=limits)
    others = tuple(compare(champion, candidate, dataset, limits=limits) for dataset in general)
    findings = list(before)
    if isinstance(champion, CtcRecognizer) and isinstance(candidate, CtcRecognizer):
        findings.append(missing_characters(champion.alphabet, candidate.alphabet, (first, *others)))
    if are_plates(personal.samples):
        findings.append(plates_finding(first, settings or GateSettings()))
    findings += decide(first, others, settings or GateSettings())
    return Decision(candidate.model, champion.model, tuple(findings), (first, *others))


def decide(personal: Comparison, general: Sequence[Comparison], settings: GateSettings) -> list[Finding]:
    """All findings that follow from the readings of both models."""
    findings = [enough_lines(personal, settings), better(personal, settings), *slices(personal, settings)]
    findings += [general_finding(one, settings) for one in general]
    findings.append(lost_characters((personal, *general)))
    return findings


def enough_lines(personal: Comparison, settings: GateSettings) -> Finding:
    """Whether the frozen test set is large enough for any verdict."""
    lines, least = len(personal.pairs), settings.min_test_lines
    what = f"{lines} frozen test lines" if lines >= least else f"only {lines} frozen test lines, {least} are needed"
    return Finding("lines", lines >= least, what, {"lines": lines, "least": least})


def better(personal: Comparison, settings: GateSettings) -> Finding:
    """Whether the candidate makes so much fewer errors on the personal set, with the confidence asked for."""
    result = personal.paired
    least = settings.least_gain * personal.a.counts.cer
    worth = 1 - result.confidence_above(-least - TIE)
    good = result.difference < 0 and worth >= settings.confidence
    moved = f"CER {_percent(personal.a.counts.cer)} -> {_percent(personal.b.counts.cer)} on your test lines"
    sure = f"better with {100 * result.confidence_better:.1f} % confidence"
    asked = f"{100 * settings.confidence:g} % are needed"
    if good:
        what = f"{moved}, {sure}"
    elif result.difference < 0 and result.confidence_better >= settings.confidence:
        gain = f"{100 * settings.least_gain:g} % fewer errors or more"
        what = f"{moved}: {sure}, but {gain} with only {100 * worth:.1f} %, {asked}"
    else:
        what = f"{moved}: {sure}, {asked}"
    return Finding("better", good, what, {**_pair_figures(personal.pairs, result), "confidence_worth": worth})


def slices(personal: Comparison, settings: GateSettings) -> list[Finding]:
    """One finding for each slice of the personal set; slices too small for a verdict are pooled per attribute."""
    names = sorted({name for line in personal.a.lines for name in line.slices})
    parts: list[tuple[str, Sequence[Pair]]] = []
    for name in names:
        small: list[Pair] = []
        for value, pairs in personal.sliced(name).items():
            if len(pairs) >= settings.min_test_lines:
                parts.append((f"{name}={value or '(none)'}", pairs))
            else:
                small += pairs
        if small:
            parts.append((f"{name}=(small ones together)", small))
    judged = sum(len(pairs) >= settings.min_test_lines for _, pairs in parts)
    return [_slice(name, pairs, judged, settings) for name, pairs in parts]


def general_finding(general: Comparison, settings: GateSettings) -> Finding:
    """Whether a general set is read as well as before, within the budget."""
    result = general.paired
    rise = result.difference
    good = rise <= settings.general_budget
    moved = f"CER {_percent(general.a.counts.cer)} -> {_percent(general.b.counts.cer)} on {general.a.dataset}"
    budget = f"a rise of {100 * settings.general_budget:g} points is allowed"
    what = moved if good else f"{moved}: {budget}"
    return Finding(f"general {general.a.dataset}", good, what, _pair_figures(general.pairs, result))


def plates_finding(personal: Comparison, settings: GateSettings) -> Finding:
    """Whether plates are read well enough, whatever the model in use does: CER and share of crops exactly right."""
    cer, exact = personal.b.counts.cer, personal.b.counts.exact_rate
    good = cer < settings.plate_cer and exact > settings.plate_exact
    read = f"CER {_percent(cer)} and {_percent(exact)} exact on {len(personal.pairs)} held-out plates"
    asked = f"below {100 * settings.plate_cer:g} % and above {100 * settings.plate_exact:g} % are needed"
    figures = {"cer": cer, "exact": exact, "cer_below": settings.plate_cer, "exact_above": settings.plate_exact}
    return Finding("plates", good, read if good else f"{read}: {asked}", figures)


def lost_characters(comparisons: Iterable[Comparison]) -> Finding:
    """Whether the candidate still reads every character that the champion reads.

    A character is lost when more than half of the champion's right readings of it are gone and these are at least
    LEAST_LOST, or when the champion had at least NEVER_READ of them and the candidate has none.
    """
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for comparison in comparisons:
        before += comparison.a.hits
        after += comparison.b.hits
    lost = {
        character: (count, after[character])
        for character, count in sorted(before.items())
        if (count - after[character] >= LEAST_LOST and 2 * after[character] < count)
        or (count >= NEVER_READ and not after[character])
    }
    named = ", ".join(f"{character!r} ({was} -> {now})" for character, (was, now) in lost.items())
    what = f"characters read right before and no more: {named}" if lost else "no character is lost"
    return Finding("characters", not lost, what, {"lost": {c: list(pair) for c, pair in lost.items()}})


def missing_characters(champion: Sequence[str], candidate: Sequence[str], comparisons: Sequence[Comparison]) -> Finding:
    """Whether the candidate's alphabet holds every character of the test texts that the champion's alphabet holds."""
    texts = {character for one in comparisons for line in one.a.lines for character in line.reference}
    missing = sorted((texts & set(champion)) - set(candidate))
    what = f"its alphabet lacks {', '.join(map(repr, missing))}" if missing else "its alphabet holds all that is needed"
    return Finding("alphabet", not missing, what, {"missing": missing})


def _slice(name: str, pairs: Sequence[Pair], number: int, settings: GateSettings) -> Finding:
    if len(pairs) < settings.min_test_lines:
        return Finding(f"slice {name}", True, f"{counted(len(pairs), 'line')} of {name}: too few for a verdict")
    result = paired(pairs)
    risk, limit = result.confidence_above(settings.slice_budget), 1 - SLICE_RISK / number
    good = risk < limit or result.difference <= settings.slice_budget
    a, b = (sum(pair[i].counts.edits for pair in pairs) for i in (0, 1))
    characters = max(sum(pair[0].counts.characters for pair in pairs), 1)
    moved = f"CER {_percent(a / characters)} -> {_percent(b / characters)} on the {len(pairs)} lines of {name}"
    budget = f"a rise of {100 * settings.slice_budget:g} points is allowed"
    what = moved if good else f"{moved}: {budget}"
    figures = {**_pair_figures(pairs, result), "chance_beyond_budget": risk, "blocks_at": limit}
    return Finding(f"slice {name}", good, what, figures)


def _pair_figures(pairs: Sequence[Pair], result: Paired) -> dict[str, Any]:
    return {
        "lines": len(pairs),
        "characters": sum(a.counts.characters for a, _ in pairs),
        "edits_champion": sum(a.counts.edits for a, _ in pairs),
        "edits_candidate": sum(b.counts.edits for _, b in pairs),
        **paired_figures(result),
    }


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %"
