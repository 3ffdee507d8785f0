"""Learning from mistakes, one round at a time: read -> log of errors -> hard samples -> training -> gate -> in use.

    DIR/log/              the log of errors (see `mine.errorlog`), one for all rounds
    DIR/round_01/
        plan.json         what the round began with
        mined/            hard/ and usual/: the documents it trains on, as data sets
        run/              the training, with the model in run/bundle
        judgement/        what the gate decided
        report.json       what came of it; written last, it ends the round (report.html and errors.png beside it)

Each step leaves its result whole or not at all, and the log says which documents the model has read: a round that was
killed goes on where it was. The model of a round is trained from the one in use, on documents in which that one made
errors and a share of usual ones (Shrivastava et al. 2016, "Training region-based object detectors with online hard
example mining"; the share against forgetting: Robins 1995, "Catastrophic forgetting, rehearsal and pseudorehearsal").
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Protocol

from ..datasets import open_dataset
from ..datasets.mix import draw
from ..errors import BadInput, DataError, UsageError
from ..evaluate import SampleSet
from ..evaluate.fields import FieldComparison
from ..evaluate.fields.run import evaluate_fields
from ..fields.schema import Document, read_document
from ..image.load import sample_pages
from ..mine.errorlog import ErrorLog, log_sample, read_errors
from ..mine.hard import MANIFEST, REPLAY_SHARE, check_wanted, hard_entries, write_entries
from ..mine.logbook import summary_of
from ..release.gate import Decision
from ..release.judgement import read_judgement
from ..settings import Limits
from ..tools.counts import counted
from ..tools.files import new_folder, write_json
from ..types import DocumentReader, Reading, Sample
from .documents import Labelled, of_entry
from .mined import Compared, Measured, RoundReport, read_round, write_round

LOG_FOLDER: Final = "log"
PLAN: Final = "plan.json"
_USUAL: Final = "usual"
_HARD: Final = "hard"


class Train(Protocol):
    """Trains a model on samples with fields, from the model `base`, in the folder `out`; the folder of its bundle.

    `rehearse` in [0, 1) is the share that made-up documents have in what is trained on, beside the samples.
    """

    def __call__(self, samples: Sequence[Sample], *, base: str, out: Path, resume: bool, rehearse: float) -> Path:
        """Train, or go on with what was stopped."""
        ...


class Judge(Protocol):
    """The never-worse gate: decides on the bundle in `candidate` against the model in use, and keeps what it saw."""

    def __call__(self, champion: str, candidate: Path, keep: Path) -> Decision:
        """Decide; the decision lies in the folder `keep` afterwards (see `release.judgement`)."""
        ...


@dataclass(frozen=True, slots=True)
class Means:
    """What a round works with.

    `open` gives the reader of a model reference; `put_in_use` makes a bundle the model in use and returns its
    reference; `held` are sets that no round trains on, each model is measured on them.
    """

    open: Callable[[str], DocumentReader]
    train: Train
    judge: Judge
    put_in_use: Callable[[Path], str]
    held: Sequence[SampleSet] = ()
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which errors a round learns from: those in a region, of some classes, at most so many documents (0: all).

    `share` in [0, 1) of what is trained on are usual documents: half of them such as were read right, as far as there
    are, the others made up.
    """

    region: str = ""
    classes: tuple[str, ...] = ()
    most: int = 0
    share: float = REPLAY_SHARE
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Round:
    """One round while it is at work."""

    number: int
    folder: Path
    log: Path
    model: str
    means: Means
    wanted: Wanted
    progress: Callable[[int, int, str], None]
    tell: Callable[[str], None]


def mine_rounds(
    out: Path,
    parts: Sequence[Sequence[Labelled]],
    model: str,
    means: Means,
    wanted: Wanted | None = None,
    *,
    log: Path | None = None,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
    tell: Callable[[str], None] = lambda sentence: None,
) -> list[RoundReport]:
    """A round for each part of some documents, each with the model that is in use after the one before.

    Each reads its part and what the log (default: the folder `log` in `out`) still holds as wrong. Called again after
    it was stopped, it goes on; rounds that ended are not done again. Raises UsageError for an unknown region or class
    of error and for a folder that holds other rounds, and what training and gate raise.
    """
    wanted = wanted or Wanted()
    check_wanted(wanted.region, wanted.classes)
    rounds: list[RoundReport] = []
    for number, documents in enumerate(parts, 1):
        folder = out / f"round_{number:02}"
        one = _Round(number, folder, log or out / LOG_FOLDER, model, means, wanted, progress, tell)
        report = _mine_round(one, documents, rounds)
        tell(report.sentence())
        rounds.append(report)
        model = report.in_use
    return rounds


def _mine_round(one: _Round, documents: Sequence[Labelled], earlier: Sequence[RoundReport]) -> RoundReport:
    """One round, or the rest of one that was stopped."""
    _check_plan(one, documents)
    ended = read_round(one.folder)
    if ended is not None:
        return ended
    began = time.monotonic()
    reader = one.means.open(one.model)
    unreadable = _read(one, documents, reader)
    log = _log(one.log)
    report = RoundReport(
        number=one.number,
        model=reader.model,
        in_use=one.model,
        read=len(documents),
        unreadable=tuple(unreadable),
        contradictions=tuple(map(str, log.contradictions)),
        errors=summary_of(replace(log, entries=tuple(e for e in log.entries if e.model == reader.model))).to_dict(),
    )
    mixed = _mined(one, log)
    if mixed is None:
        report = replace(report, reason="nothing of what was asked for is wrong", held=_measured(one, reader, None))
    else:
        one.tell(
            f"training on {counted(len(mixed.hard), 'document')} with errors; "
            f"{mixed.share:.0%} of what is trained on is usual"
        )
        report = _learned(one, report, reader, mixed)
    report = replace(report, seconds=time.monotonic() - began)
    write_round(one.folder, report, [*earlier, report])
    return report


def begun_with(out: Path) -> str | None:
    """The reference of the model with which rounds in a folder began; None for a folder without any."""
    try:
        return str(json.loads((out / "round_01" / PLAN).read_text(encoding="utf-8"))["model"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _check_plan(one: _Round, documents: Sequence[Labelled]) -> None:
    """Write down what the round begins with; what was begun otherwise is not taken up."""
    content = sha256(repr([(d.sample.id, d.sample.frame, d.truth.values()) for d in documents]).encode()).hexdigest()
    plan = {"model": one.model, "documents": content, **_plain(one.wanted)}
    place = one.folder / PLAN
    if not place.is_file():
        write_json(place, plan)
        return
    try:
        same = json.loads(place.read_text(encoding="utf-8")) == plan
    except ValueError:
        same = False
    if not same:
        raise UsageError(f"{one.folder} holds a round on something else", remedy="name another --out")


def _plain(wanted: Wanted) -> dict[str, Any]:
    return {
        "region": wanted.region,
        "classes": list(wanted.classes),
        "most": wanted.most,
        "share": wanted.share,
        "seed": wanted.seed,
    }


def _log(folder: Path) -> ErrorLog:
    try:
        return read_errors(folder)
    except DataError:
        return ErrorLog(())


def _read(one: _Round, documents: Sequence[Labelled], reader: DocumentReader) -> list[str]:
    """Read the documents, and those that the log holds as wrong, into the log; a sentence on each that cannot be.

    What this model has read already, by a run that was stopped or in an earlier round, is not read again.
    """
    log = _log(one.log)
    done = {
        (entry.key, json.dumps(entry.truth)) for entry in log.entries if entry.known and entry.model == reader.model
    }
    fresh = {document.key for document in documents}
    again = [of_entry(one.log, entry) for entry in log.newest if entry.known and entry.severity]
    every = [*documents, *(document for document in again if document.key not in fresh)]
    failures = []
    for number, document in enumerate(every):
        one.progress(number, len(every), "reading")
        if (document.key, json.dumps(document.truth.values())) in done:
            continue
        try:
            (reading,) = reader.read_documents([sample_pages(document.sample, one.means.limits)])
        except BadInput as error:
            failures.append(f"{document.sample.id}: {error}")
            continue
        log_sample(
            one.log,
            document.sample,
            _found(reading),
            truth=document.truth,
            told=document.told or None,
            model=reader.model,
        )
    one.progress(len(every), len(every), "reading")
    return failures


def _found(reading: Reading) -> Document | None:
    return None if reading.fields is None else read_document(reading.fields).document


@dataclass(frozen=True, slots=True)
class Mixed:
    """What a round trains on: documents with errors, some that were read right, and the share of made-up ones."""

    hard: tuple[Sample, ...]
    right: tuple[Sample, ...]
    rehearse: float

    @property
    def share(self) -> float:
        """What usual documents, right and made up, make of the whole."""
        return 1 - (1 - self.rehearse) * len(self.hard) / (len(self.hard) + len(self.right))


def _mined(one: _Round, log: ErrorLog) -> Mixed | None:
    """What the round trains on; None when no error of the kind that is asked for is known."""
    place = one.folder / "mined"
    wanted = one.wanted
    if not place.is_dir():
        newest = log.newest
        hard = hard_entries(
            newest, region=wanted.region, classes=wanted.classes, most=wanted.most, seed=wanted.seed + one.number
        )
        if not hard:
            return None
        usual = [entry for entry in newest if entry.known and not entry.severity]
        with new_folder(place) as folder:
            write_entries(one.log, hard, folder / _HARD, subset=_HARD)
            write_entries(one.log, usual, folder / _USUAL, subset=_USUAL)
    hard_samples = _samples(place / _HARD)
    whole = len(hard_samples) / (1 - wanted.share)
    most = round((whole - len(hard_samples)) / 2)
    right = draw(_samples(place / _USUAL), most, wanted.seed + one.number)
    return Mixed(hard_samples, right, max(0.0, 1 - (len(hard_samples) + len(right)) / whole))


def _samples(folder: Path) -> tuple[Sample, ...]:
    manifest = folder / MANIFEST
    return tuple(open_dataset(manifest, strict=True).samples) if manifest.stat().st_size else ()


def _learned(one: _Round, report: RoundReport, reader: DocumentReader, mixed: Mixed) -> RoundReport:
    run, samples = one.folder / "run", (*mixed.hard, *mixed.right)
    bundle = one.means.train(samples, base=one.model, out=run, resume=run.is_dir(), rehearse=mixed.rehearse)
    opened = one.means.open(str(bundle))
    report = replace(report, candidate=opened.model, trained_on=_trained_on(mixed))
    kept = read_judgement(one.folder / "judgement")
    if kept is None:
        one.tell("judging it against the model in use")
        decision = one.means.judge(one.model, bundle, one.folder / "judgement")
    else:
        decision = kept.decision
    report = replace(
        report,
        held=_seen(decision, len(one.means.held)) or _measured(one, reader, opened),
        promoted=decision.passed,
        reason=decision.reason,
        findings=tuple({"name": f.name, "good": f.good, "what": f.what} for f in decision.findings),
    )
    return replace(report, in_use=one.means.put_in_use(bundle)) if decision.passed else report


def _trained_on(mixed: Mixed) -> dict[str, Any]:
    classes: dict[str, int] = {}
    for sample in mixed.hard:
        worst = str(sample.attributes["error"])
        classes[worst] = classes.get(worst, 0) + 1
    counts = {"hard": len(mixed.hard), "right": len(mixed.right)}
    return {**counts, "rehearse": mixed.rehearse, "share": mixed.share, "classes": classes}


def _seen(decision: Decision, sets: int) -> tuple[Compared, ...]:
    """What the gate itself read of the sets that no round trains on; nothing where it read other ones."""
    compared = [one for one in decision.comparisons if isinstance(one, FieldComparison)]
    if len(compared) != sets:
        return ()
    return tuple(Compared(one.a.dataset, Measured.of(one.a), Measured.of(one.b)) for one in compared)


def _measured(one: _Round, reader: DocumentReader, other: DocumentReader | None) -> tuple[Compared, ...]:
    """Both models on each set that no round trains on."""
    readers: Collection[DocumentReader] = [reader, *([other] if other else [])]
    found = []
    for dataset in one.means.held:
        before, *after = (
            Measured.of(made)
            for made in evaluate_fields(list(readers), dataset, limits=one.means.limits, progress=_shown(one, dataset))
        )
        found.append(Compared(dataset.name, before, after[0] if after else None))
    return tuple(found)


def _shown(one: _Round, dataset: SampleSet) -> Callable[[int, int], None]:
    return lambda done, total: one.progress(done, total, f"measuring on {dataset.name}")
