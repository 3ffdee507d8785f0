"""Family `ctc`: the embedded line network and what was trained from it."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emendo.errors import UsageError
from emendo.models.bundle import GRAPH_FILE, Bundle, update_info
from emendo.tools.files import remove_folder
from emendo.types import UNKNOWN_LANGUAGE, Sample

from .families import Job, Order, TokenRow
from .recipe import Recipe, Schedule, schedule_for
from .record import BUNDLE, CURVE_FILE, draw_curve, judged_on, peak_memory_mb
from .selection import (
    LeftOut,
    TrainingLine,
    certain,
    fitting_lines,
    readable_lines,
    require_lines,
    signs_of,
    spelled_lines,
    usable_lines,
    vouched,
)

if TYPE_CHECKING:
    from emendo.text.language import LanguageModel
    from emendo.text.lexicon import Lexicon

    from .candidate import Start
    from .fit import Task
    from .session import Outcome

Progress = Callable[[int, int, str], None]
JUDGED_LINES, JUDGED_OWN = 300, 60
"""Most validation lines that are read at each look, spread evenly; without any, so many of the own lines."""
MODEL_LINES, MODEL_GENERAL, MODEL_WEIGHT = 50, 300, 0.3
"""Without validation: author's lines from which a model of characters alone is used, general lines that a language
model learns too, and its weight without the words of the language."""
MOSTLY = 0.8
"""Share of the lines that must be in one language for its words to be used."""
GENERAL_LINES = 600
"""Most general lines that are rehearsed; beyond that they come again."""


class CtcFamily:
    """Line networks with a CTC head (Graves et al., 2006)."""

    name = "ctc"
    recipe = Recipe
    default = "default"
    exports = ("onnx", "onnx-int8")

    def prepare(self, order: Order) -> Job:
        """Read the lines and plan the run."""
        assert isinstance(order.model, Bundle) and isinstance(order.recipe, Recipe)
        task, left_out = _prepare(
            order.samples,
            order.val,
            order.model,
            order.recipe,
            beside=order.beside,
            out=order.out,
            threads=order.threads,
            progress=order.progress,
        )
        record = _record(task, order.samples, order.val, order.model)
        left_out = [*order.left_out, *left_out]
        return Job(
            record=record,
            left_out=left_out,
            threads=task.threads,
            lines=len(task.own),
            steps=task.schedule.steps,
            fit=partial(_fit, task, record, left_out, order.name),
        )

    def shrunk(self, recipe: Recipe) -> Recipe:
        """The recipe for a rehearsal of two steps."""
        return recipe.model_copy(update={"steps": 2, "evaluations": 1, "replay": 0.0})

    def tokens(self, order: Order, number: int) -> list[list[TokenRow]]:
        """Every character of the first lines is a class of the network, and each carries loss; blanks lie between."""
        from emendo.models.ctc.align import entries
        from emendo.models.ctc.network import COLUMNS_PER_FRAME
        from emendo.models.ctc.recognizer import load_geometry
        from emendo.text.direction import on_page

        from .candidate import direction_for

        assert isinstance(order.model, Bundle)
        geometry = load_geometry(order.model)
        lines, _ = usable_lines(order.samples[:number], geometry, columns_per_frame=COLUMNS_PER_FRAME)
        alphabet, direction = order.model.info.alphabet, direction_for(order.model, lines)
        return [
            [
                TokenRow(line.sample.id, number, entry, True)
                for entry, number in entries(alphabet, on_page(line.text, direction), direction)
            ]
            for line in lines
        ]


FAMILY = CtcFamily()


def _prepare(
    samples: Sequence[Sample],
    val: Sequence[Sample] | None,
    bundle: Bundle,
    recipe: Recipe,
    *,
    beside: Bundle | None,
    out: Path,
    threads: int,
    progress: Progress,
) -> tuple[Task, list[LeftOut]]:
    from emendo.models.ctc.network import COLUMNS_PER_FRAME

    from .candidate import fresh_share, geometry_for, open_start
    from .fit import Task
    from .trainee import half_is_fast

    progress(0, 0, "reading the lines")
    geometry = geometry_for(bundle, recipe)
    read, left_out = readable_lines(samples, geometry, columns_per_frame=COLUMNS_PER_FRAME)
    known = [entry for entry in bundle.info.alphabet if len(entry) > 1]
    signs = sorted({*known, *(signs_of(read) if recipe.signs else ())}, key=len, reverse=True)
    own, too_long = fitting_lines(read, signs)
    own, strange = spelled_lines(own, recipe.alphabet)
    left_out += too_long + strange
    require_lines(certain(own), left_out)
    held, not_held = readable_lines(val or (), geometry, columns_per_frame=COLUMNS_PER_FRAME)
    held, held_too_long = fitting_lines(held, signs)
    opened = open_start(bundle, own, recipe.seed, signs=signs, alphabet=recipe.alphabet, geometry=geometry)
    start = _thinned(opened, recipe, own, beside)
    if beside is not None and beside.info.alphabet != start.head.alphabet:
        what = f"the model {beside.info.name!r} has another alphabet than the one that would be trained"
        raise UsageError(what, remedy="train both from the same base, on the same corrected lines")
    schedule = schedule_for(recipe, len(own), fresh=fresh_share(start.head, own))
    general = _general_lines(recipe, schedule, geometry)
    half = recipe.precision == "bfloat16" or (recipe.precision == "auto" and half_is_fast())
    task = Task(
        out=out,
        recipe=recipe,
        schedule=schedule,
        start=start,
        beside=beside,
        own=own,
        general=general,
        replay=_replay_lines(recipe, schedule),
        judged=_spread(held or certain(own), JUDGED_LINES if held else JUDGED_OWN),
        validated=bool(held),
        threads=threads or os.cpu_count() or 1,
        half=half,
        progress=progress,
    )
    return task, left_out + not_held + held_too_long


def _thinned(start: Start, recipe: Recipe, own: Sequence[TrainingLine], beside: Bundle | None) -> Start:
    """The start in the form that the recipe asks for, which a model that stands beside must have already."""
    from .candidate import thin_start
    from .thin import form_for

    form = form_for(recipe.inside, recipe.halved, start.network.form)
    if beside is not None and form != start.network.form:
        what = "a model of another form cannot stand beside the one that is trained"
        raise UsageError(what, remedy="leave `inside` and `halved` as they are")
    return thin_start(start, form, own)


def _general_lines(recipe: Recipe, schedule: Schedule, geometry: Any) -> list[TrainingLine]:
    """Generated lines to rehearse; as many as the run can show, at most 600."""
    from emendo.datasets.synth import replay_samples
    from emendo.models.base import cache_folder
    from emendo.models.ctc.network import COLUMNS_PER_FRAME

    shown = schedule.steps * _replay_lines(recipe, schedule)
    if not shown:
        return []
    samples = replay_samples(min(GENERAL_LINES, shown), 0, cache_folder() / "replay")
    return usable_lines(samples, geometry, columns_per_frame=COLUMNS_PER_FRAME)[0]


def _replay_lines(recipe: Recipe, schedule: Schedule) -> int:
    share = recipe.replay
    return round(schedule.lines_per_batch * share / (1 - share)) or (1 if share > 0 else 0)


def _spread(lines: Sequence[TrainingLine], most: int) -> list[TrainingLine]:
    if len(lines) <= most:
        return list(lines)
    return [lines[round(i * (len(lines) - 1) / (most - 1))] for i in range(most)]


def _record(task: Task, samples: Sequence[Sample], val: Sequence[Sample] | None, bundle: Bundle) -> dict[str, Any]:
    from emendo.datasets.dataset import content_hash

    return {
        "base": {"name": bundle.info.name, "id": bundle.id},
        "data": {"hash": content_hash(samples), "samples": len(samples), "usable": len(task.own)},
        "val": {"hash": content_hash(val or ()), "samples": len(val or ())},
        "recipe": task.recipe.model_dump(),
        "schedule": task.schedule.model_dump(),
        "precision": "bfloat16" if task.half else "float32",
        "replay_lines": len(task.general),
        "new_characters": {"copied": task.start.head.copied, "random": list(task.start.head.random)},
        "signs": [entry for entry in task.start.head.alphabet if len(entry) > 1],
        **({"beside": {"name": task.beside.info.name, "id": task.beside.id}} if task.beside else {}),
    }


def _fit(task: Task, record: dict[str, Any], left_out: Sequence[LeftOut], name: str, *, resume: bool) -> dict[str, Any]:
    """Train, write bundle, report and curve, and clear away what only the run needed; returns the report."""
    from .fit import BEST, fit
    from .session import CHECKPOINTS

    began = time.monotonic()
    best, outcome = fit(task, resume=resume)
    seconds = time.monotonic() - began
    bundle, agreed, tuned = _written(task, best, outcome, record, name=name)
    report = {
        **outcome.figures(),
        "judged_on": judged_on(task.validated),
        "judged_lines": len(task.judged),
        "bundle": str(task.out / BUNDLE),
        "model": bundle.id,
        "lines": len(task.own),
        "unlabelled": len(task.own) - len(certain(task.own)),
        "left_out": [{"id": one.id, "reason": one.reason} for one in left_out],
        "schedule": record["schedule"],
        "seconds": seconds,
        "peak_memory_mb": peak_memory_mb(),
        "parity": agreed,
        "tuning": tuned,
    }
    on = "validation lines" if task.validated else "training lines"
    title = f"{name}: CER on {on} {100 * outcome.before:.1f} % before, {100 * outcome.after:.1f} % after"
    draw_curve(task.out / CURVE_FILE, outcome.losses, outcome.cers if task.validated else [], title=title)
    for folder in (BEST, CHECKPOINTS, "start", "candidate"):
        remove_folder(task.out / folder)
    return report


def _written(
    task: Task, best: Bundle, outcome: Outcome, record: dict[str, Any], *, name: str
) -> tuple[Bundle, dict[str, Any], dict[str, Any]]:
    """The bundle of the best weights, how it agrees with the network, and how its decoding was chosen."""
    from emendo.models.ctc.network import load_network
    from emendo.models.ctc.recognizer import CtcRecognizer
    from emendo.models.graph import load_graph

    from .candidate import parity, reading_of, write_candidate

    recognizer = CtcRecognizer(best, threads=task.threads)
    network = load_network(load_graph(best.path(GRAPH_FILE)))
    agreed = parity(network, recognizer, task.judged)
    judged = {"judged_on": judged_on(task.validated), "judged_lines": len(task.judged)}
    bundle = write_candidate(
        network,
        task.start,
        task.out / BUNDLE,
        name=name,
        dataset=record["data"],
        run={
            "base": record["base"],
            "recipe": record["recipe"],
            "schedule": record["schedule"],
            "preprocessing": task.start.preprocessing,
        },
        metrics={"cer_before": outcome.before, "cer_after": outcome.after, **judged},
        parity=agreed,
        **reading_of(best),
    )
    bundle, tuned = _decoded(task, bundle, trained=outcome.kept == "trained")
    return update_info(bundle, parity={**agreed, "bundle": bundle.id}), agreed, tuned


def _decoded(task: Task, bundle: Bundle, *, trained: bool) -> tuple[Bundle, dict[str, Any]]:
    """The bundle with the author's language model where that helps, and what was seen when it was chosen.

    The model also learns the general lines, so that it does not bend everything towards one author. With validation
    lines `tune` decides; without, it is taken at the weight that was best on other hands: always where the words of
    the language are known, otherwise from `MODEL_LINES` lines up.
    """
    from emendo.models.calibration import LEAST_LINES
    from emendo.models.ctc.decode import WORDS_WEIGHT
    from emendo.models.ctc.recognizer import CtcRecognizer
    from emendo.models.ctc.tune import ORDER, Tuning, apply, with_language
    from emendo.text.direction import swept
    from emendo.text.language import learn_language

    enough = task.validated and len(task.judged) >= LEAST_LINES
    if not task.recipe.language_model:
        return _tuned(task, bundle, None) if enough else (bundle, {})
    direction = task.start.direction
    author = vouched(task.own)
    lexicon = lexicon_for(task.recipe.language, task.own)
    own, further = ([swept(line.text, direction) for line in lines] for lines in (author, task.general[:MODEL_GENERAL]))
    language = learn_language(own, further, lexicon, order=ORDER)
    if enough:
        return _tuned(task, bundle, language)
    recognizer = CtcRecognizer(bundle, threads=task.threads)
    if not trained or (lexicon is None and len(author) < MODEL_LINES):
        return bundle, {}
    weight = WORDS_WEIGHT if lexicon is not None else MODEL_WEIGHT
    decoding = with_language(recognizer.decoding, language, weight)
    report = {"model_weight": weight, "language": decoding.language, "words_share": decoding.words_share}
    return apply(bundle, Tuning(decoding, recognizer.calibration, language, {})), report


def _tuned(task: Task, bundle: Bundle, language: LanguageModel | None) -> tuple[Bundle, dict[str, Any]]:
    from emendo.models.ctc.recognizer import CtcRecognizer
    from emendo.models.ctc.tune import apply, tune

    recognizer = CtcRecognizer(bundle, threads=task.threads)
    tuning = tune(recognizer, [line.image for line in task.judged], [line.text for line in task.judged], language)
    return apply(bundle, tuning), tuning.report


def lexicon_for(language: str, lines: Sequence[TrainingLine]) -> Lexicon | None:
    """The words of `language`, or with `auto` those of the language that the lines name or seem to be in, if any."""
    from emendo.text.lexicon import Lexicon, detect_language, language_code

    if language == "none":
        return None
    if language != "auto":
        return Lexicon.of(language)
    named = Counter(line.sample.language for line in lines)
    most, count = named.most_common(1)[0]
    if most == UNKNOWN_LANGUAGE:
        found = detect_language([line.text for line in lines])
    else:
        found = language_code(most) if count >= MOSTLY * len(lines) else ""
    return Lexicon.of(found) if found else None
