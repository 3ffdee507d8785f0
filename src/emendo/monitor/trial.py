"""A trial of a candidate beside the champion: what both read, what people said of it, and the verdict.

A document is one witness, however many lines it has: lines of one page share hand, paper and camera. Where both models
read each document (a shadow reading, or an A/B trial in which the other arm reads along) they are compared on the same
text, which takes out how hard the document is; that decides with a tenth of the documents that two separate groups
would need.

The truth of a reading is mostly made by correcting it, and what a person overlooks stays as the shown model wrote it.
So truths lean towards whichever model was shown: in shadow mode towards the champion, which keeps a candidate out
rather than in; in an A/B trial with equal shares towards both alike. Only what a person said of a reading counts; lines
of which nothing was said are no evidence.

Without any truth (`evidence = "agreement"`) the two readings can be compared with nothing but what the models think of
themselves. That can raise an alarm, and stops a candidate that disagrees and is unsure; it never proves one better.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

import numpy as np

from ..fields import read_document
from ..fields.compare import compare_documents
from ..metrics import counts
from .seen import Outcome, Seen, Truth
from .sequential import Evidence, first, paired, unpaired

CHAMPION: Final = "champion"
CANDIDATE: Final = "candidate"
ARMS: Final = (CHAMPION, CANDIDATE)
APART: Final = "apart"
"""Beside the arms: where their readings differ."""
Mode = Literal["shadow", "ab"]
Basis = Literal["corrections", "agreement"]


class Verdict(StrEnum):
    """What a trial says of its candidate: `better`, `worse`, that no difference worth a change was found within the
    documents allowed (`same`), or nothing yet (`open`)."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Rules:
    """When a verdict is given: risks `alpha` to call an equal candidate better and `harm` to call it worse, most
    `documents`, the `gain` (share of the champion's errors) below which a candidate is not worth the change; whether
    the documents are `paired`, and if not, the `share` that the candidate reads."""

    alpha: float = 0.05
    harm: float = 0.1
    documents: int = 300
    gain: float = 0.03
    paired: bool = True
    share: float = 0.5
    basis: Basis = "corrections"


@dataclass(frozen=True, slots=True)
class Tally:
    """Errors of one model on some texts: `errors` are wrong characters (of documents: values), `size` how many the
    truth has; without truths both are what the model expects of itself."""

    errors: float = 0.0
    size: float = 0.0
    readings: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.errors + other.errors, self.size + other.size, self.readings + other.readings)

    @property
    def rate(self) -> float:
        """Errors per character or value; against one, where there is none."""
        return self.errors / max(self.size, 1.0)


Witness = Mapping[str, Tally]
"""One document: what is known of each arm that read it, and where both did, how far they are `APART`."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the witnesses so far say.

    `documents` counts those that count, `wealth` is how much the bets that the candidate is better or worse have made
    of 1 at most, `apart` counts the characters in which both read otherwise, `low` and `high` bound the `ratio` of the
    candidate's errors to the champion's (None: not bounded).
    """

    verdict: Verdict
    sentence: str
    documents: int
    champion: Tally
    candidate: Tally
    apart: Tally
    wealth: Mapping[str, float]
    ratio: float | None = None
    low: float | None = None
    high: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON, with the rates that follow from the counts."""
        row = {**asdict(self), "verdict": self.verdict.value, "wealth": dict(self.wealth)}
        rates = {f"{name}_rate": getattr(self, name).rate for name in (*ARMS, APART)}
        return {**row, **rates}


def tally(seen: Seen, truths: Iterable[Truth]) -> Tally:
    """Errors of one reading, by what was said of it; nothing where nothing was. Of two truths of a line the later one
    in `truths` holds; one of the whole reading holds for it all."""
    said = {one.line: one for one in truths}
    whole = said.get(None)
    if whole is not None and whole.fields is not None:
        found = compare_documents(read_document(whole.fields).document, read_document(seen.fields or {}).document)
        return Tally(found.all.errors, found.all.values, 1)
    if whole is not None and whole.text is not None:
        return _text(whole.text, seen.text)
    lines = {one.line: one.text for one in truths if one.line is not None and one.text is not None}
    read = {at: line.text for at, line in enumerate(seen.lines)}
    return sum((_text(text, read.get(at, "")) for at, text in lines.items()), Tally())


def expected(seen: Seen) -> Tally:
    """Errors that a model expects in its own reading; nothing where it does not say."""
    known = [(line.doubt, len(line.text)) for line in seen.lines if line.doubt is not None]
    return Tally(sum(doubt * size for doubt, size in known), float(sum(size for _, size in known)), int(bool(known)))


def apart_in(one: Seen, other: Seen) -> Tally:
    """Characters in which two readings of the same picture differ, of those of the first."""
    return _text(one.text, other.text)


def judge(witnesses: Sequence[Witness], rules: Rules) -> Judgement:
    """The verdict on documents, in the order in which they became known; one that is of no use is left out."""
    if rules.paired:
        used = [one for one in witnesses if all(arm in one and one[arm].readings for arm in ARMS)]
    else:
        used = [one for one in witnesses if any(one[arm].readings for arm in ARMS if arm in one)]
    used = used[: rules.documents]
    champion, candidate, apart = (sum((one[arm] for one in used if arm in one), Tally()) for arm in (*ARMS, APART))
    evidence = _weigh(used, rules)
    ratio = candidate.rate / champion.rate if champion.errors and candidate.size else None
    verdict = _verdict(evidence, rules, ratio, len(used))
    bounds = [value if math.isfinite(value) and value > 0 else None for value in (evidence.low, evidence.high)]
    wealth = {
        name: round(math.exp(min(700.0, float(np.max(path, initial=0.0)))), 3)
        for name, path in (("better", evidence.better), ("worse", evidence.worse))
    }
    sentence = _sentence(verdict, rules, len(used), bounds)
    return Judgement(
        verdict, sentence, len(used), champion, candidate, apart, wealth, ratio, low=bounds[0], high=bounds[1]
    )


def _weigh(used: Sequence[Witness], rules: Rules) -> Evidence:
    confidence = 1 - 2 * rules.alpha
    if rules.paired:
        one, two = (np.array([witness[arm].errors for witness in used], float) for arm in ARMS)
        return paired(one, two, confidence=confidence)
    drawn = np.array([CANDIDATE in witness for witness in used], bool)
    rates = np.array([witness[CANDIDATE if one else CHAMPION].rate for witness, one in zip(used, drawn, strict=True)])
    return unpaired(rates, drawn, rules.share, confidence=confidence)


def _verdict(evidence: Evidence, rules: Rules, ratio: float | None, documents: int) -> Verdict:
    """Whichever bet won first; a candidate that made more errors in all is not called better, whatever the bets say."""
    better, worse = first(evidence.better, rules.alpha), first(evidence.worse, rules.harm)
    if worse is not None and (better is None or worse <= better):
        return Verdict.WORSE
    if rules.basis == "agreement":
        return Verdict.OPEN if documents < rules.documents else Verdict.SAME
    if better is not None and ratio is not None and ratio < 1:
        return Verdict.BETTER
    hopeless = evidence.low > 1 - rules.gain
    return Verdict.SAME if hopeless or documents >= rules.documents else Verdict.OPEN


def _sentence(verdict: Verdict, rules: Rules, documents: int, bounds: Sequence[float | None]) -> str:
    low, high = (f"{100 * bound:.0f} %" if bound is not None else "" for bound in bounds)
    known = f"its errors are {low or '25 % or less'} to {high or '400 % or more'} of the champion's"
    after = f"after {documents} documents"
    if rules.basis == "agreement":
        return {
            Verdict.WORSE: f"alarm {after}: the candidate is less sure of its readings than the champion of its own",
            Verdict.SAME: f"no alarm {after}; without corrections nothing more can be said",
        }.get(verdict, f"no alarm {after}; without corrections no candidate is called better")
    return {
        Verdict.BETTER: f"the candidate is better {after}: {known}",
        Verdict.WORSE: f"the candidate is worse {after}: {known}",
        Verdict.SAME: f"no gain of {100 * rules.gain:.0f} % was found {after}: {known}",
        Verdict.OPEN: f"no verdict yet {after}: {known}",
    }[verdict]


def _text(truth: str, read: str) -> Tally:
    found = counts(_plain(truth), _plain(read))
    return Tally(found.edits, found.characters, 1)


def _plain(text: str) -> str:
    """Lines without empty ones and blanks folded, as the readings of a page and of its lines have them."""
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


def witnesses(
    seen: Iterable[Seen],
    truths: Iterable[Truth] = (),
    *,
    rules: Rules,
    before: datetime | None = None,
) -> list[Witness]:
    """Documents of readings that have an arm, in the order in which they became known: by the last truth of each, or
    by its last reading where no truths are asked for.

    Where documents are paired only what both models read of one counts, else a document must have been read by one
    alone. An image that a model failed on counts as empty. With `before` a document that became known later is left
    out, for more of it may still come.
    """
    said: dict[str, list[Truth]] = {}
    for truth in truths:
        said.setdefault(truth.id, []).append(truth)
    told = rules.basis == "corrections"
    read: dict[str, dict[str, Seen]] = {}
    for one in seen:
        if one.arm in ARMS and one.outcome is not Outcome.REJECTED and (one.id in said or not told):
            read.setdefault(one.id, {})[one.arm] = one
    documents: dict[str, dict[str, Tally]] = {}
    known: dict[str, datetime] = {}
    for name, arms in read.items():
        if rules.paired and len(arms) < len(ARMS):
            continue
        for arm, one in arms.items():
            at = max(truth.at for truth in said[name]) if told else one.at
            document = documents.setdefault(one.group, {})
            document[arm] = document.get(arm, Tally()) + (tally(one, said[name]) if told else expected(one))
            known[one.group] = max(known.get(one.group, at), at)
        if rules.paired:
            document[APART] = document.get(APART, Tally()) + apart_in(arms[CHAMPION], arms[CANDIDATE])
    usable = (group for group, arms in documents.items() if rules.paired or len(arms) == 1)
    ripe = [group for group in usable if before is None or known[group] <= before]
    return [documents[group] for group in sorted(ripe, key=lambda group: known[group])]
