"""The row `crnn` in the table of families."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from emendo.datasets.dataset import content_hash
from emendo.errors import BundleError, DataError
from emendo.models.bundle import WEIGHTS_FILE, Bundle, update_info
from emendo.models.calibration import LEAST_LINES, features
from emendo.models.calibration import fit as calibrate
from emendo.models.ctc.align import entries
from emendo.models.ctc.crnn import network_of
from emendo.models.ctc.crnn_graph import COLUMNS_PER_FRAME, Array, plate_geometry
from emendo.models.ctc.recognizer import CtcRecognizer, load_geometry
from emendo.text.plates import DIGITS, LETTERS
from emendo.tools.files import remove_folder
from emendo.train.candidate import parity
from emendo.train.families import Job, Order, TokenRow
from emendo.train.record import BUNDLE, CURVE_FILE, draw_curve, judged_on, peak_memory_mb
from emendo.train.selection import LeftOut, TrainingLine, require_lines, usable_lines
from emendo.train.session import CHECKPOINTS
from emendo.train.trainee import half_is_fast
from emendo.types import Sample

from .fit import BEST, CANDIDATE, EPOCHS_FILE, Task, fit, write_network
from .lines import drawn_plates, held_out, parted, too_few
from .recipe import CrnnRecipe, course_for

LEAST = 100
"""Fewer lines than this, drawn ones among them, do not take a network away from reading nothing."""
JUDGED_LINES = 1000
PARITY_LIMIT = 1e-3
"""Greatest difference of a log-probability between the graph and the network; float32 sums in another order stay
hundreds of times below."""


class CrnnFamily:
    """Convolutions and LSTMs with a CTC head, from random weights."""

    name = "crnn"
    recipe = CrnnRecipe
    default = "crnn"
    exports = ("onnx", "onnx-int8")

    def prepare(self, order: Order) -> Job:
        """Read the lines and plan the run. Raises DataError when there are too few to converge."""
        task, left_out, samples, val = _prepare(order)
        record = _record(task, order, samples, val)
        return Job(
            record=record,
            left_out=left_out,
            threads=task.threads,
            lines=len(task.real) + len(task.drawn),
            steps=task.course.steps,
            fit=partial(_fit, task, record, left_out, order.name),
        )

    def shrunk(self, recipe: CrnnRecipe) -> CrnnRecipe:
        """The recipe for a rehearsal of two steps."""
        return recipe.model_copy(update={"steps": 2, "synthetic": 0, "force": True})

    def tokens(self, order: Order, number: int) -> list[list[TokenRow]]:
        """Every character of the first lines is a class of the network, and each carries loss; blanks lie between."""
        lines, _ = usable_lines(order.samples[:number], _geometry(order), columns_per_frame=COLUMNS_PER_FRAME)
        alphabet = _alphabet(order, lines)
        return [
            [TokenRow(line.sample.id, number, entry, True) for entry, number in entries(alphabet, line.text, "ltr")]
            for line in lines
        ]


FAMILY = CrnnFamily()


def _prepare(order: Order) -> tuple[Task, list[LeftOut], Sequence[Sample], Sequence[Sample]]:
    recipe = order.recipe
    assert isinstance(recipe, CrnnRecipe)
    samples, val = list(order.samples), list(order.val or ())
    if not val:
        samples, val = held_out(samples, recipe.val_split)
    order.progress(0, 0, "reading the lines")
    geometry = _geometry(order)
    own, left_out = usable_lines(samples, geometry, columns_per_frame=COLUMNS_PER_FRAME)
    held, not_held = usable_lines(val, geometry, columns_per_frame=COLUMNS_PER_FRAME)
    require_lines(own, left_out)
    if len(own) + recipe.synthetic < LEAST and not (recipe.force or order.model):
        remedy = (
            "add drawn plates (--set synthetic=8000), start from the base (--base base), or insist (--set force=true)"
        )
        raise DataError(too_few(len(own), LEAST), remedy=remedy)
    real, drawn = parted(own)
    drawn += drawn_plates(recipe, geometry, order.progress)
    alphabet = _alphabet(order, [*own, *drawn])
    task = Task(
        out=order.out,
        recipe=recipe,
        course=course_for(recipe, len(real), len(drawn)),
        alphabet=alphabet,
        geometry=geometry,
        base=order.model.info.name if isinstance(order.model, Bundle) else "crnn",
        start=_start(order.model, alphabet, recipe.seed) if isinstance(order.model, Bundle) else {},
        real=real,
        drawn=drawn,
        judged=(held or own)[:JUDGED_LINES],
        validated=bool(held),
        threads=order.threads or os.cpu_count() or 1,
        half=recipe.precision == "bfloat16" or (recipe.precision == "auto" and half_is_fast()),
        progress=order.progress,
        tell=order.tell,
    )
    return task, [*order.left_out, *left_out, *not_held], samples, val


def _geometry(order: Order) -> Any:
    """That of the CRNN from which a run goes on, else what the recipe says."""
    return load_geometry(order.model) if isinstance(order.model, Bundle) else plate_geometry(order.recipe.columns)


def _alphabet(order: Order, lines: Sequence[TrainingLine]) -> tuple[str, ...]:
    """The characters of the model it goes on from, then those of the lines; drawn plates bring all of theirs."""
    known = order.model.info.alphabet if isinstance(order.model, Bundle) else ()
    found = {char for line in lines for char in line.text} | (
        set(DIGITS + LETTERS) if order.recipe.synthetic else set()
    )
    return (*known, *sorted(found - set(known)))


def _start(bundle: Bundle, alphabet: Sequence[str], seed: int) -> Mapping[str, Array]:
    """The weights of an earlier CRNN, with small random rows of the head for new characters."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = dict(load_file(bundle.path(WEIGHTS_FILE)))
    except SafetensorError as error:
        raise BundleError(f"{WEIGHTS_FILE} is damaged", where=bundle.folder, remedy="fetch it again") from error
    network_of(arrays)  # is it a CRNN?
    new = 1 + len(alphabet) - len(arrays["head.bias"])
    if new:
        rows = 0.02 * np.random.default_rng(seed).standard_normal((new, arrays["head.weight"].shape[1]))
        arrays["head.weight"] = np.concatenate([arrays["head.weight"], rows.astype(np.float32)])
        mean = np.full(new, arrays["head.bias"][1:].mean(), np.float32)
        arrays["head.bias"] = np.concatenate([arrays["head.bias"], mean])
    return arrays


def _record(task: Task, order: Order, samples: Sequence[Sample], val: Sequence[Sample]) -> dict[str, Any]:
    base = order.model
    known = {"name": base.info.name, "id": base.id} if isinstance(base, Bundle) else {"name": "crnn", "id": ""}
    course = task.course
    return {
        "base": known,
        "data": {"hash": content_hash(samples), "samples": len(samples), "usable": len(task.real) + len(task.drawn)},
        "val": {"hash": content_hash(val), "samples": len(val), "held_out": not order.val},
        "recipe": task.recipe.model_dump(mode="json"),
        "schedule": {"steps": course.steps, "epoch": course.epoch, "drawn_alone": course.drawn_alone}
        | {"real_per_batch": course.real, "drawn_per_batch": course.drawn},
        "precision": "bfloat16" if task.half else "float32",
        "drawn_lines": len(task.drawn),
        "alphabet": "".join(task.alphabet),
    }


def _fit(task: Task, record: dict[str, Any], left_out: Sequence[LeftOut], name: str, *, resume: bool) -> dict[str, Any]:
    """Train, write bundle, report and curve, and clear away what only the run needed; returns the report."""
    began = time.monotonic()
    best, outcome, epochs = fit(task, resume=resume)
    seconds = time.monotonic() - began
    bundle, agreed = _written(task, best, record, name, {"cer_before": outcome.before, "cer_after": outcome.after})
    kept = next((row for row in epochs if row["cer"] == outcome.after), {})
    report = {
        **outcome.figures(),
        "exact_after": kept.get("exact"),
        "epochs": epochs,
        "judged_on": judged_on(task.validated),
        "judged_lines": len(task.judged),
        "bundle": str(task.out / BUNDLE),
        "model": bundle.id,
        "lines": len(task.real) + len(task.drawn),
        "drawn": len(task.drawn),
        "left_out": [{"id": one.id, "reason": one.reason} for one in left_out],
        "schedule": record["schedule"],
        "seconds": seconds,
        "peak_memory_mb": peak_memory_mb(),
        "parity": agreed,
    }
    title = f"{name}: CER on {judged_on(task.validated)[:16]} {100 * outcome.after:.1f} %"
    draw_curve(task.out / CURVE_FILE, outcome.losses, outcome.cers, title=title)
    for folder in (BEST, CHECKPOINTS, CANDIDATE):
        remove_folder(task.out / folder)
    (task.out / EPOCHS_FILE).unlink(missing_ok=True)
    return report


def _written(
    task: Task, best: Bundle, record: dict[str, Any], name: str, metrics: dict[str, Any]
) -> tuple[Bundle, dict[str, Any]]:
    """The bundle of the best weights with its calibration, held against the network that was trained.

    Raises BundleError when the graph does not read what the network reads.
    """
    recognizer = CtcRecognizer(best, threads=task.threads)
    network = network_of(_start(best, task.alphabet, task.recipe.seed))
    agreed = parity(network, recognizer, task.judged, most=len(task.judged))
    if not agreed["same_reading"] or agreed["log_prob_difference"] > PARITY_LIMIT:
        what = f"the graph differs from the network that was trained (by {agreed['log_prob_difference']:.4f})"
        raise BundleError(what, where=best.folder, remedy="train again, and tell us: this must not be")
    judged = {"judged_on": judged_on(task.validated), "judged_lines": len(task.judged)}
    bundle = write_network(
        network,
        task,
        task.out / BUNDLE,
        name=name,
        dataset=record["data"],
        run={key: record[key] for key in ("base", "recipe", "schedule")},
        metrics={**metrics, **judged},
        calibration=_calibration(task, recognizer),
        parity=agreed,
    )
    return update_info(bundle, parity={**agreed, "bundle": bundle.id}), agreed


def _calibration(task: Task, recognizer: CtcRecognizer) -> dict[str, Any]:
    """How its confidence follows from what it shows, from the validation lines when there are enough."""
    if not task.validated or len(task.judged) < LEAST_LINES:
        return {}
    seen = recognizer.observe([line.image for line in task.judged])
    rows = np.asarray([features(one.evidence, one.characters) for one in seen])
    exact = np.asarray([one.text == line.text for one, line in zip(seen, task.judged, strict=True)])
    return calibrate(rows, exact).model_dump()
