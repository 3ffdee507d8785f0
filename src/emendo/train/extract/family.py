"""The row `fields` in the table of families."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from emendo.datasets.dataset import content_hash
from emendo.errors import BundleError, DataError
from emendo.models.bundle import Bundle, update_info
from emendo.models.detector import Detector
from emendo.models.extract.customs import learn_customs
from emendo.models.extract.graph import weights_of
from emendo.models.extract.labels import LABELS
from emendo.models.extract.parties import Party, learn_parties
from emendo.models.extract.reader import chosen_reader, comes_along
from emendo.models.extract.tagger import OnnxTagger
from emendo.models.references import open_recognizer
from emendo.pages.wordcache import cached_words
from emendo.tools.files import remove_folder
from emendo.train.families import Job, Order, TokenRow
from emendo.train.record import BUNDLE, CURVE_FILE, draw_curve, peak_memory_mb
from emendo.train.selection import LeftOut
from emendo.train.session import CHECKPOINTS
from emendo.train.trainee import half_is_fast
from emendo.types import Image, Origin, Sample, Word

from .documents import PageReader, TrainingDocument, drawn_documents, texts_of, training_documents
from .fit import BEST, CANDIDATE, FIGURES_FILE, Task, fit, write_network
from .judge import calibrated
from .network import network_of
from .parity import TOLERANCE, parity
from .recipe import FieldsRecipe, course_for

LEAST = 2
"""Fewer documents than this say nothing about others."""
JUDGED = 400
"""Most documents that each validation reads."""
REPLAYED, DRAWN_SEED, REPLAY_SEED = 1000, 11, 12
"""Made-up documents that keep a network from forgetting, and the seeds of those that train and that are replayed."""
LEARNT_FROM = 2000
"""Documents that tell how amounts and dates are written."""


class FieldsFamily:
    """A transformer over the words of documents, from random weights or an earlier one."""

    name = "fields"
    recipe = FieldsRecipe
    default = "fields"
    exports = ("onnx", "onnx-int8")

    def prepare(self, order: Order) -> Job:
        """Read the documents and plan the run. Raises DataError when there are too few."""
        task, left_out = _prepare(order)
        record = _record(task, order)
        return Job(
            record=record,
            left_out=left_out,
            threads=task.threads,
            lines=len(task.own),
            steps=task.course.steps,
            fit=partial(_fit, task, record, left_out, order.name),
        )

    def shrunk(self, recipe: FieldsRecipe) -> FieldsRecipe:
        """The recipe for a rehearsal of two steps."""
        return recipe.model_copy(update={"steps": 2, "evaluations": 1, "replay": 0.0})

    def tokens(self, order: Order, number: int) -> list[list[TokenRow]]:
        """The words of the first documents with the label of each, as far as it is known; all others carry no loss."""
        recipe = order.recipe
        assert isinstance(recipe, FieldsRecipe)
        read = page_reader(_reader(order), order.threads or 1)
        documents, _ = training_documents(order.samples[:number], read, order.progress)
        return [_tokens(one) for one in documents]


FAMILY = FieldsFamily()


def _tokens(document: TrainingDocument) -> list[TokenRow]:
    import numpy as np

    drawn = document.draw(np.random.default_rng(0), 0.0)
    return [
        TokenRow(
            document.sample.id,
            made.labels[0],
            f"{made.word.text} {' or '.join(LABELS[label] or 'none' for label in made.labels[:3])}",
            len(made.labels) < len(LABELS),
        )
        for made in drawn.words
    ]


def _reader(order: Order) -> Bundle:
    return chosen_reader(order.recipe.reader, order.model if isinstance(order.model, Bundle) else None)


def page_reader(reader: Bundle, threads: int) -> PageReader:
    """The words of documents by an OCR reader, each page read once and remembered."""
    held: list[Any] = []

    def read(pages: Sequence[Image]) -> list[Word]:
        if not held:  # a run on made-up documents alone needs no reader
            recognizer = open_recognizer(reader, threads=threads, language="none" if comes_along(reader) else "")
            held.append(cached_words(recognizer, Detector(threads=threads)))
        return [word for number, page in enumerate(pages, 1) for word in held[0](page, number)]

    return read


def _prepare(order: Order) -> tuple[Task, list[LeftOut]]:
    recipe = order.recipe
    assert isinstance(recipe, FieldsRecipe)
    threads = order.threads or os.cpu_count() or 1
    reader = _reader(order)
    read = page_reader(reader, threads)
    own, left_out = training_documents(order.samples, read, order.progress)
    held, not_held = training_documents(order.val or (), read, order.progress)
    if len(own) < LEAST:
        why = f" ({len(left_out)} left out; the first, {left_out[0].id}: {left_out[0].reason})" if left_out else ""
        raise DataError(
            f"{len(own)} usable documents with fields are too few to train{why}", remedy="correct more documents"
        )
    start = weights_of(order.model) if isinstance(order.model, Bundle) else {}
    if recipe.drawn and not start:
        own = [*own, *drawn_documents(recipe.drawn, DRAWN_SEED, threads, order.progress)]
    replayed = (recipe.drawn or REPLAYED) if recipe.replay > 0 and start else 0
    average = sum(one.size for one in own) / len(own)
    task = Task(
        out=order.out,
        recipe=recipe,
        course=course_for(recipe, len(own), average, fresh=not start),
        decoding=_decoding(order, own),
        base=order.model.info.name if isinstance(order.model, Bundle) else "fields",
        reader=reader,
        licences=order.model.info.licences if isinstance(order.model, Bundle) else (),
        start=start,
        own=own,
        replayed=drawn_documents(replayed, REPLAY_SEED, threads, order.progress),
        judged=_spread(held or own),
        validated=bool(held),
        threads=threads,
        half=recipe.precision == "bfloat16" or (recipe.precision == "auto" and half_is_fast()),
        progress=order.progress,
        tell=order.tell,
    )
    return task, [*order.left_out, *left_out, *not_held]


def _decoding(order: Order, own: Sequence[TrainingDocument]) -> dict[str, Any]:
    """How its documents write: learnt anew from those of the run, over what the model it goes on from knew."""
    known = dict(order.model.info.decoding) if isinstance(order.model, Bundle) else {}
    told = learn_customs(texts_of(own[:LEARNT_FROM]))
    tables = {name: {**known.get(name, {}), **told.get(name, {})} for name in ("signs", "by_currency")}
    learnt: dict[str, Any] = {**known, **told, **tables}
    if order.recipe.parties:
        real = [one.truth for one in own if one.sample.origin is not Origin.SYNTHETIC]
        earlier = [Party.model_validate(party) for party in known.get("parties", ())]
        learnt["parties"] = [party.model_dump() for party in learn_parties(real, earlier)]
    return learnt


def _spread(documents: Sequence[TrainingDocument]) -> Sequence[TrainingDocument]:
    return documents[:: max(1, -(-len(documents) // JUDGED))]


def _record(task: Task, order: Order) -> dict[str, Any]:
    base = order.model
    known = {"name": base.info.name, "id": base.id} if isinstance(base, Bundle) else {"name": "fields", "id": ""}
    val: Sequence[Sample] = order.val or ()
    return {
        "base": known,
        "data": {"hash": content_hash(order.samples), "samples": len(order.samples), "usable": len(task.own)},
        "val": {"hash": content_hash(val), "samples": len(val)},
        "recipe": task.recipe.model_dump(mode="json"),
        "schedule": {"steps": task.course.steps, "evaluate_every": task.course.evaluate_every}
        | {"learning_rate": task.course.learning_rate},
        "precision": "bfloat16" if task.half else "float32",
        "replayed": len(task.replayed),
    }


def _fit(task: Task, record: dict[str, Any], left_out: Sequence[LeftOut], name: str, *, resume: bool) -> dict[str, Any]:
    """Train, write bundle, report and curve, and clear away what only the run needed; returns the report."""
    began = time.monotonic()
    best, outcome, rows = fit(task, resume=resume)
    judged_on = "validation documents" if task.validated else "some of the training documents (no validation set)"
    seen = {"f1_before": 1 - outcome.before, "f1_after": 1 - outcome.after}
    judged = {"judged_on": judged_on, "judged_documents": len(task.judged)}
    bundle, agreed = _written(task, best, record, name, {**seen, **judged})
    figures = outcome.figures()
    report = {
        "measure": "F1 of fields",
        **seen,
        **{key: figures[key] for key in ("kept", "steps", "restarts", "step_seconds", "losses")},
        "f1s": [[step, 1 - error] for step, error in outcome.cers],
        "validations": rows,
        **judged,
        "bundle": str(task.out / BUNDLE),
        "model": bundle.id,
        "lines": len(task.own),
        "replayed": len(task.replayed),
        "left_out": [{"id": one.id, "reason": one.reason} for one in left_out],
        "schedule": record["schedule"],
        "seconds": time.monotonic() - began,
        "peak_memory_mb": peak_memory_mb(),
        "parity": agreed,
    }
    title = f"{name}: F1 of fields on {judged_on[:20]} {100 * seen['f1_after']:.1f} %"
    draw_curve(task.out / CURVE_FILE, outcome.losses, outcome.cers, title=title, unit="word", error="1 - F1")
    for folder in (BEST, CANDIDATE, CHECKPOINTS):
        remove_folder(task.out / folder)
    (task.out / FIGURES_FILE).unlink(missing_ok=True)
    return report


def _written(
    task: Task, best: Bundle, record: dict[str, Any], name: str, metrics: dict[str, Any]
) -> tuple[Bundle, dict[str, Any]]:
    """The bundle of the best weights, held against the network that was trained.

    Raises BundleError when the graph does not say what the network says.
    """
    network, tagger = network_of(weights_of(best)).eval(), OnnxTagger(best, threads=task.threads)
    agreed = parity(network, tagger, [one.shown() for one in task.judged[:20]])
    if agreed["difference"] > TOLERANCE:
        what = f"the graph differs from the network that was trained (by {agreed['difference']:.4f})"
        raise BundleError(what, where=best.folder, remedy="train again, and tell us: this must not be")
    fitted = calibrated(tagger, task.judged) if task.validated else {}
    if fitted:
        task = replace(task, decoding={**task.decoding, "calibration": fitted})
    run = {key: record[key] for key in ("base", "recipe", "schedule")}
    bundle = write_network(
        network, task, task.out / BUNDLE, name=name, dataset=record["data"], run=run, metrics=metrics, parity=agreed
    )
    return update_info(bundle, parity={**agreed, "bundle": bundle.id}), agreed
