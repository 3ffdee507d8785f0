"""The steps of the flow `train`: check, the final model and those of the folds, their mean, evaluation, registration.

Each step keeps what it has done in the output folder (`folds/fold-N`, `final`, `report`, `judgement`, `cards`), so a
step that is run again takes up what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...correct.references import open_data
from ...datasets import Dataset
from ...errors import DataError, Refused, UsageError
from ...settings import load_settings
from ...tools.counts import counted
from ...tools.files import write_json, write_text
from ...types import Sample, Split
from ...workspace.folder import HIDDEN, Workspace
from ...workspace.store import Store
from ..orders import RESULT, LearnOrder, TrainOrder
from ..sentences import teller

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ...evaluate import Report
    from ...release import Decision
    from ...train.crossval import CrossValidation

TRAINED: Final = "flow trained"
"""Kind of the log row that says up to which correction a flow has learned."""
FOLDS, FINAL, REPORT, JUDGEMENT = "folds", "final", "report", "judgement"


def check(order: TrainOrder) -> dict[str, Any]:
    """Look at the data before anything is trained: figures, and the base that `auto` means for them.

    Raises Refused when the data have errors, DataError when they do not make so many folds, UsageError for a base or
    recipe that cannot be used.
    """
    from ...datasets.check import Severity
    from ...datasets.check import check as check_data
    from ...datasets.folds import make_folds
    from ...train.start import resolved

    tell = teller()
    tell(0, 0, "checking the data")
    recipe_of(order, order.base)
    mark, order = _frozen_corrections(order)
    dataset = _data(order)
    found = check_data(dataset, limits=order.settings.limits)
    errors = [one for one in found.findings if one.severity is Severity.ERROR]
    if errors:
        what = f"{len(errors)} errors in the data; the first: {errors[0]}"
        raise Refused(what, remedy=f"look at all of them with `emendo check {order.data}`")
    samples = _labelled(order, dataset)
    folds = make_folds(samples, order.folds, order.seed)
    return {
        "data": order.data,
        "mark": mark,
        "samples": len(samples),
        "warnings": found.count(Severity.WARNING),
        "dealt": folds.dealt,
        "base": resolved(order.base, samples, threads=order.all_threads),
    }


def checked_order(order: TrainOrder, checked: Mapping[str, Any]) -> TrainOrder:
    """The order of all steps after the check: its data stay as they were checked, its base is no longer `auto`."""
    return order.model_copy(update={"data": checked["data"], "base": checked["base"]})


def _frozen_corrections(order: TrainOrder) -> tuple[int, TrainOrder]:
    """Up to which correction a workspace is learned (0: the data are none), and the order with these as a data set."""
    from ...correct import samples as corrected
    from ...datasets.build import build

    if not (Path(order.data) / HIDDEN).is_dir():
        return 0, order
    workspace = Workspace.open(Path(order.data))
    with workspace.store() as store:
        mark = store.mark()
        samples = list(corrected(workspace, store))
    if not samples:
        raise DataError("there are no corrections yet", where=workspace.root, remedy="correct lines and collect them")
    built = build(samples, workspace, name="corrections")
    return mark, order.model_copy(update={"data": str(workspace.datasets / built.id)})


def models(order: TrainOrder) -> tuple[str, ...]:
    """What is trained side by side, for `learn`; the final model takes longest and comes first."""
    return (FINAL, *map(str, range(order.folds)))


def learn(order: TrainOrder, model: str) -> str:
    """Train one of `models`, and let that of a fold read what it did not learn; returns its name."""
    if model == FINAL:
        final(order)
    else:
        fold(order, int(model))
    return model


def fold(order: TrainOrder, at: int) -> None:
    """Train the model of fold `at` (from 0) and let it read what it did not learn."""
    from ...datasets.folds import make_folds
    from ...train.crossval import read_held
    from ...train.foldwise import train_fold

    dataset = _data(order)
    samples = _labelled(order, dataset)
    folds = make_folds(samples, order.folds, order.seed)
    tell = teller()
    name = f"fold {at + 1} of {order.folds}"
    bundle = train_fold(
        samples,
        folds,
        at,
        order.out / FOLDS,
        base=order.base,
        recipe=recipe_of(order, order.base),
        threads=order.threads,
        workspace=order.root,
        progress=lambda done, total, text: tell(done, total, f"{name}: {text}"),
    )
    place = _held(order, at)
    if not (place / "report.json").is_file():
        report = read_held(
            dataset,
            samples,
            folds.folds[at],
            bundle,
            threads=order.threads,
            limits=order.settings.limits,
            progress=lambda done, total: tell(done, total, f"{name}: reading"),
        )
        report.write(place)


def mean(order: TrainOrder) -> tuple[dict[str, Any], str]:
    """Mean and spread over the folds, written to `crossval.json`; the figures and the card."""
    from ...train.curve import read_curve
    from ..cards.train import card_file, folds_card

    made = _crossval(order)
    write_json(order.out / "crossval.json", made.to_dict())
    curves = {f"fold {at + 1}": read_curve(order.out / FOLDS / f"fold-{at}") for at in range(order.folds)}
    page = folds_card(made, curves)
    write_text(card_file(order.cards, "folds"), page)
    return made.to_dict(), page


def final(order: TrainOrder) -> None:
    """Train on everything but the test lines, into `final`."""
    from ...train.run import train
    from ...train.selection import training_parts

    parts = training_parts([_data(order)])
    train(
        parts.train,
        val=parts.val,
        base=order.base,
        recipe=recipe_of(order, order.base),
        out=order.out / FINAL,
        resume=(order.out / FINAL).exists(),
        workspace=order.root,
        threads=order.threads,
        progress=_named("final model"),
        name=order.out.name,
        left_out=parts.left_out,
    )


def evaluate(order: TrainOrder) -> tuple[dict[str, Any], str]:
    """Read the test lines with the final model; figures (those of the folds where there are none), and the card."""
    from ...evaluate.page import MOST_LINES, line_images
    from ...evaluate.run import evaluate as evaluate_model
    from ...models.references import load_recognizer
    from ...train.curve import read_curve
    from ..cards.train import card_file, model_card

    dataset = _data(order)
    folds = _crossval(order)
    if any(sample.text for sample in dataset.split(Split.TEST)):
        reader = load_recognizer(str(order.out / FINAL / "bundle"), threads=order.all_threads)
        tell = teller()
        report = evaluate_model(
            reader,
            dataset,
            split=Split.TEST,
            limits=order.settings.limits,
            progress=lambda done, total: tell(done, total, "reading the test lines"),
        )
        judged_on = f"{len(report.lines)} test lines"
    else:
        report = _together(folds)
        judged_on = f"{counted(len(report.lines), 'line')} held out of the folds"
    report.write(order.out / REPORT)
    images = line_images(dataset, [line.id for line in report.worst(MOST_LINES)], None)
    page = model_card(report, images, read_curve(order.out / FINAL))
    write_text(card_file(order.cards, "model"), page)
    return {**report.figures(), "judged_on": judged_on}, page


def register(
    order: TrainOrder, checked: Mapping[str, Any], crossval: Mapping[str, Any], found: Mapping[str, Any]
) -> tuple[dict[str, Any], str]:
    """Put the model in use and register it, if it is as good as required and the gate of the workspace lets it pass.

    The verdict and its card; the verdict stands in `OUT/result.json` too.
    """
    from ...models.bundle import read_bundle
    from ..cards.train import card_file, verdict_card

    bundle = read_bundle(order.out / FINAL / "bundle")
    findings = [_required(rate, most, found) for rate, most in order.require.items()]
    promoted = False
    if order.root is not None and all(one["good"] for one in findings):
        promoted, judged = _judged(order, order.root)
        findings += judged
    passed = all(one["good"] for one in findings)
    registered = _registered(order) if passed and order.name else ""
    wrong = [str(one["what"]) for one in findings if not one["good"]]
    better = [str(one["what"]) for one in findings if one["name"] in {"better", *order.require}]
    verdict = {
        "passed": passed,
        "promoted": promoted,
        "registered": registered,
        "model": bundle.id,
        "bundle": str(bundle.folder),
        "reason": "; ".join(wrong or better) or "nothing was asked of it",
        "cer": found["cer"],
        "wer": found["wer"],
        "judged_on": found["judged_on"],
        "folds": crossval["mean"],
        "spread": crossval["spread"],
        "base": order.base,
        "findings": findings,
    }
    page = verdict_card(verdict)
    write_text(card_file(order.cards, "verdict"), page)
    verdict["cards"] = [str(card_file(order.cards, name)) for name in ("folds", "model", "verdict")]
    write_json(order.out / RESULT, verdict)
    if checked["mark"]:
        with Workspace.open(Path(order.data).parents[2]).store() as store:  # WORKSPACE/.emendo/datasets/ID
            told = {"mark": checked["mark"], "model": bundle.id, "passed": passed, "reason": verdict["reason"]}
            store.add_event(TRAINED, told)
    return verdict, page


def corrections_waiting(store: Store) -> int:
    """Corrected lines that neither a flow nor a round of learning has seen."""
    from ...learn.round import DONE

    ended = [event for kind in (TRAINED, DONE) for event in store.events(kind, limit=1)]
    return store.count_new(max((int(event.data["mark"]) for event in ended), default=0))


def recipe_of(order: LearnOrder, base: str) -> BaseModel:
    """The recipe of an order for its base. Raises UsageError for one of another family, or a family of documents."""
    from ...models.bundle import FIELDS_FAMILY
    from ...train.families import family_of, recipe_for

    family, _ = family_of(base, workspace=order.root)
    if family.name == FIELDS_FAMILY:
        raise UsageError(f"{base} reads documents, and this flow trains on lines", remedy="use `emendo mine`")
    return recipe_for(family, order.recipe, order.changes, plates=order.settings.plates.alphabet)


def _data(order: LearnOrder) -> Dataset:
    return open_data(order.data, order.settings, order.root)


def _labelled(order: LearnOrder, dataset: Dataset) -> list[Sample]:
    from ...train.crossval import labelled_samples

    return labelled_samples(dataset, [sample for sample in dataset.samples if sample.split is not Split.TEST])


def _held(order: TrainOrder, at: int) -> Path:
    return order.out / FOLDS / f"fold-{at}" / "held"


def _crossval(order: TrainOrder) -> CrossValidation:
    from ...datasets.folds import make_folds
    from ...evaluate import read_report
    from ...train.crossval import CrossValidation, Fold

    folds = make_folds(_labelled(order, _data(order)), order.folds, order.seed)
    reports = [read_report(_held(order, at)) for at in range(order.folds)]
    made = tuple(Fold(len(one.train), report) for one, report in zip(folds.folds, reports, strict=True))
    return CrossValidation(order.base, folds.dealt, made)


def _together(folds: CrossValidation) -> Report:
    """The held-out lines of all folds as one report."""
    from dataclasses import replace

    first = folds.folds[0].report
    reports = [one.report for one in folds.folds]
    return replace(
        first,
        model=f"{len(reports)} folds",
        lines=tuple(line for one in reports for line in one.lines),
        unreadable=tuple(one for report in reports for one in report.unreadable),
        seconds=sum(report.seconds for report in reports),
    )


def _required(rate: str, most: float, found: Mapping[str, Any]) -> dict[str, Any]:
    value = float(found[rate])
    what = f"{rate.upper()} {100 * value:.2f} % on {found['judged_on']}, {100 * most:g} % at most is required"
    return {"name": rate, "good": value <= most, "what": what}


def _judged(order: TrainOrder, root: Path) -> tuple[bool, list[dict[str, Any]]]:
    """Whether the gate let the model pass and it is in use now, and what the gate found."""
    from ...datasets.synth import general_set
    from ...models.base import cache_folder
    from ...models.bundle import read_bundle
    from ...release import current, promote
    from ...release.judgement import read_judgement
    from ...release.personal import personal_set

    workspace = Workspace.open(root)
    bundle = order.out / FINAL / "bundle"
    if current(workspace) == read_bundle(bundle).id:
        return True, [{"name": "gate", "good": True, "what": "the model is in use already"}]
    dataset = _data(order)
    decision: Decision
    try:
        personal = dataset if any(one.text for one in dataset.split(Split.TEST)) else personal_set(workspace)
        decision = promote(
            workspace,
            bundle,
            personal,
            [
                general_set(cache_folder(), order.settings.gate.general_lines),
                *(open_data(ref, order.settings, root) for ref in order.general),
            ],
            split=Split.TEST,
            settings=order.settings.gate,
            limits=order.settings.limits,
            threads=order.all_threads,
            keep=order.out / JUDGEMENT,
        )
    except DataError as error:
        return False, [{"name": "gate", "good": False, "what": str(error)}]
    except Refused as error:
        held = read_judgement(order.out / JUDGEMENT)
        if held is None:
            return False, [{"name": "gate", "good": False, "what": error.what}]
        decision = held.decision
    return decision.passed, _findings(decision)


def _findings(decision: Decision) -> list[dict[str, Any]]:
    return [{"name": one.name, "good": one.good, "what": one.what} for one in decision.findings]


def _registered(order: TrainOrder) -> str:
    """Register the final model; its reference there."""
    from ...models.bundle import read_bundle
    from ...models.registry import open_registry
    from ...release.registry import push

    workspace = Workspace.open(order.root) if order.root is not None else None
    registry = open_registry(load_settings(order.root).registry, workspace)
    bundle = read_bundle(order.out / FINAL / "bundle")
    return push(registry, bundle, order.name, order.alias, workspace=workspace)[-1].reference


def _named(name: str) -> Callable[[int, int, str], None]:
    tell = teller()
    return lambda done, total, text: tell(done, total, f"{name}: {text}")
