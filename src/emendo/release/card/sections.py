"""The sections of a model card, each from the material alone: a figure stands there with its source, or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ...evaluate.boards.results import Part, Results, Told
from ...models.bundle import FIELDS_FAMILY, INFO_FILE
from ...train.record import REPORT_FILE, RUN_FILE
from ..judgement import DECISION
from .markdown import UNKNOWN, Sources, line, number, percent, points, table
from .material import Material, Measured
from .use import KINDS, elsewhere, requirement

MOST_PARTS: Final = 40
"""Rows of a slice at most; the others are counted."""
_BULKY: Final = frozenset({"losses", "cers", "epochs", "left_out", "bundle", "tuning"})
"""What of a run's report is no single figure of its recipe, or a place on somebody's disk."""


def reads(material: Material, sources: Sources) -> Iterator[str]:
    """What the model takes and gives."""
    bundle = material.bundle
    info, path = bundle.info, bundle.folder / INFO_FILE
    yield KINDS[info.family].reads
    yield ""
    yield f"- Family {info.family}, content id `{bundle.id}` ({sources.cite(path)})"
    yield f"- Base: {line(info.base) or UNKNOWN}"
    if info.alphabet:
        yield f"- Characters that it can write: {len(info.alphabet)} ({sources.cite(path, 'alphabet')})"
        longest = " ".join(one for one in info.alphabet if len(one) == 1)
        yield f"- They are: {line(longest)}" if len(info.alphabet) <= 120 else "- They stand in `bundle.yaml`"
        yield f"- Direction of its lines: {line(info.decoding.get('direction', 'ltr'))}"
    if info.family == FIELDS_FAMILY:
        reader = info.preprocessing.get("reader")
        yield f"- Its words come from the recogniser {line(reader)} ({sources.cite(path, 'preprocessing.reader')})"


def learned(material: Material, sources: Sources) -> Iterator[str]:
    """The data: counts and hashes."""
    info, path = material.bundle.info, material.bundle.folder / INFO_FILE
    told = dict(_flat(info.dataset))
    yield from _rows(told, path, "dataset.", sources) if told else ("- Training data: unknown",)
    run = material.run
    if run is None:
        yield "- Validation data, samples that were left out: unknown (no run was given)"
        return
    held = {key: run.record[key] for key in ("data", "val") if isinstance(run.record.get(key), Mapping)}
    yield from _rows(dict(_flat(held)), run.folder / RUN_FILE, "", sources)
    left = run.report.get("left_out")
    if isinstance(left, list):
        cited = sources.cite(run.folder / REPORT_FILE, "left_out")
        yield f"- Samples that were left out, each with a reason: {len(left)} ({cited})"


def recipe(material: Material, sources: Sources) -> Iterator[str]:
    """How it was trained."""
    info, run = material.bundle.info, material.run
    path, content = (run.folder / RUN_FILE, run.record) if run else (material.bundle.folder / INFO_FILE, info.run)
    before = "" if run else "run."
    parts = {key: content[key] for key in ("base", "recipe", "schedule", "precision") if key in content}
    flat = dict(_flat(parts))
    if not flat:
        yield "The recipe is unknown."
    rows = [[line(key), line(value), sources.cite(path, before + key)] for key, value in flat.items()]
    yield from table(["what", "value", "source"], rows) if rows else ()
    yield ""
    if run is not None:
        plain = {key: value for key, value in run.report.items() if key not in _BULKY and not isinstance(value, list)}
        yield from _rows(dict(_flat(plain)), run.folder / REPORT_FILE, "", sources)
        around = {key: run.record[key] for key in ("machine", "versions", "commit", "began") if key in run.record}
        yield from _rows(dict(_flat(around)), run.folder / RUN_FILE, "", sources)
    else:
        yield "Time, machine and versions of the training: unknown (no run was given)."


def results(material: Material, sources: Sources) -> Iterator[str]:
    """The evaluations: as a whole, by slice or field, and against other models."""
    info = material.bundle.info
    if info.metrics:
        yield "Counted while it was trained, on its own validation samples:"
        yield ""
        yield from _rows(dict(_flat(info.metrics)), material.bundle.folder / INFO_FILE, "metrics.", sources)
        yield ""
    if not material.measured:
        yield "How it reads samples that no training saw: unknown (no evaluation was given)."
    for one in material.measured:
        yield from _evaluation(one, sources)
    if material.judgement is not None:
        held = material.judgement
        cited = sources.cite(held.folder / DECISION, "findings")
        said = "let it pass" if held.decision.passed else "refused it"
        yield f"The gate {said} against {line(held.champion)} ({cited}):"
        yield ""
        yield from (f"- {'ok' if one.good else 'no'}: {line(one.what)}" for one in held.findings)


def _evaluation(one: Measured, sources: Sources) -> Iterator[str]:
    own = one.results
    part = f", part {own.split}" if own.split else ""
    yield f"### {line(own.dataset)}{line(part)}"
    yield ""
    cited = sources.cite(own.folder / "report.json")
    yield f"{own.whole.samples} {own.noun}, data set hash `{own.dataset_hash}` ({cited})."
    yield ""
    heads = ["model", *own.whole.figures, "source"]
    rows = [_figures("this model", own, own.whole, sources)]
    rows += [_figures(line(other.model), other, other.whole, sources) for other, _ in one.others]
    yield from table(heads, rows)
    yield ""
    for other, difference in one.others:
        if difference is None:
            yield f"- Against {line(other.model)}: unknown (the two reports are not of the same samples)"
            continue
        sure = "told apart" if difference.apart else "not told apart"
        yield (
            f"- Against {line(other.model)}: {difference.name} {points(difference.value)} points, 95 %: "
            f"{points(difference.low)} to {points(difference.high)}, {sure} (paired bootstrap over the samples of both)"
        )
    for name, values in own.parts.items():
        yield from ("", f"By {line(name)}:", "")
        shown = list(values.items())[:MOST_PARTS]
        rows = [_figures(line(value) or "(none)", own, part, sources) for value, part in shown]
        yield from table([line(name), *_names(values), "source"], rows)
        if len(values) > len(shown):
            yield f"... and {len(values) - len(shown)} more"
    yield ""


def _names(values: Mapping[str, Part]) -> list[str]:
    return list(next(iter(values.values())).figures) if values else []


def _figures(name: str, own: Results, part: Part, sources: Sources) -> list[str]:
    """A row: what, each figure with its interval, and where they stand."""
    cells = [_with_bounds(told) for told in part.figures.values()]
    keys: dict[str, list[str]] = {}
    for told in part.figures.values():
        keys.setdefault(told.file, []).append(told.key)
    cited = "; ".join(f"{sources.cite(own.folder / file)} {_together(some)}" for file, some in keys.items())
    return [f"{name} ({part.samples})", *cells, cited]


def _together(keys: Sequence[str]) -> str:
    """Several keys of one place as `slices.language.fr.(cer, wer)`."""
    before = {key.rpartition(".")[0] for key in keys}
    if len(before) > 1 or before == {""}:
        return ", ".join(f"`{key}`" for key in keys)
    return f"`{before.pop()}.({', '.join(key.rpartition('.')[2] for key in keys)})`"


def _with_bounds(told: Told) -> str:
    show = percent if told.share else number
    figure = told.figure
    bounds = f" ({show(figure.low)} to {show(figure.high)})" if figure.low is not None else ""
    return f"{show(figure.value)}{bounds}"


def calibration(material: Material, sources: Sources) -> Iterator[str]:
    """How far its confidence can be believed; of documents the expected calibration error stands among the results."""
    held = material.bundle.info.calibration
    path = material.bundle.folder / INFO_FILE
    flat = {key: value for key, value in _flat(held) if isinstance(value, int | float)}
    if not flat:
        yield "Unknown: the model was not calibrated, its confidence is that of the network."
        return
    yield "The confidence of a reading estimates the chance that it is exactly right. Of its fitting:"
    yield ""
    yield from _rows(flat, path, "calibration.", sources)


def parity(material: Material, sources: Sources) -> Iterator[str]:
    """The certificate."""
    held = material.certificate
    path = material.bundle.folder / INFO_FILE
    if held is None:
        yield "No certificate: nobody has proven by `emendo export` that this bundle reads what was trained."
        plain = {key: value for key, value in _flat(material.bundle.info.parity) if isinstance(value, int | float)}
        yield from _rows(plain, path, "parity.", sources)
        return
    yield f"Proven as {line(held.form)} of `{held.reference}` on {line(held.data)}, {line(held.machine)}, {held.made}:"
    yield ""
    rows = [
        [
            line(row.form),
            f"{row.same} of {row.lines}",
            percent(row.cer),
            UNKNOWN if row.logit_difference is None else number(row.logit_difference),
            number(row.milliseconds),
            number(row.megabytes),
            UNKNOWN if row.memory_megabytes is None else number(row.memory_megabytes),
            sources.cite(path, f"parity.certificate.rows.{at}"),
        ]
        for at, row in enumerate(held.rows)
    ]
    heads = ["form", "read the same", "error", "greatest difference", "ms", "MB", "MB of memory", "source"]
    yield from table(heads, rows)


def limits(material: Material, sources: Sources) -> Iterator[str]:
    """What it cannot do, as far as the material tells."""
    unknown = True
    for one in material.measured:
        own = one.results
        for name, values in own.parts.items():
            worst = _worst(values)
            if worst is not None:
                value, told = worst
                unknown = False
                cited = sources.cite(own.folder / told.file, told.key)
                yield f"- {line(own.dataset)}, worst {line(name)}: {line(value)}, {_with_bounds(told)} ({cited})"
        if own.left_out:
            cited = sources.cite(own.folder / "report.json")
            yield f"- {line(own.dataset)}: {own.left_out} {own.noun} could not be read and are in no figure ({cited})"
    if unknown:
        yield "- Where it is weak: unknown (no evaluation by slice or field was given)"
    if material.bundle.info.family != FIELDS_FAMILY:
        yield "- It reads no character that is not among its own, whatever stands on the paper."
    else:
        yield "- It finds no field that the words do not tell: what the recogniser misses, it misses."
    yield "- What no evaluation above covers (other languages, other kinds of documents, other cameras) is unknown."
    yield from (f"- Not considered: {line(one)}" for one in material.ignored)


def _worst(values: Mapping[str, Part]) -> tuple[str, Told] | None:
    """The value of a slice that does worst, by the first figure; None when there are not two."""
    firsts = [(value, next(iter(part.figures.values()))) for value, part in values.items() if part.figures]
    if len(firsts) < 2:
        return None
    sign = 1 if firsts[0][1].figure.better == "lower" else -1
    return max(firsts, key=lambda one: sign * one[1].figure.value)


def lineage(material: Material, sources: Sources) -> Iterator[str]:
    """Whose corrections it learned, and how they are forgotten."""
    held = material.origins
    if held is None:
        yield "Corrections in it: unknown (no workspace knows the model)."
    elif held.fault:
        yield f"Corrections in it: unknown ({line(held.fault)})."
    else:
        yield (
            f"{len(held.corrections)} corrections by {len(held.authors)} people in {len(held.documents)} documents "
            f"(data set {line(held.dataset)}, run {line(held.run or 'elsewhere')}; `emendo lineage {held.model}`)."
        )
    yield ""
    yield (
        "`emendo lineage MODEL` lists the corrections that a model learned, `emendo forget NAME` takes an author's "
        "back; a model trained after that does not know them, this one is not changed by it."
    )


def use(material: Material, reference: str) -> Iterator[str]:
    """How to read with it."""
    yield f"    pip install '{requirement(material.bundle)}'"
    yield f"    emendo read {KINDS[material.bundle.info.family].read} --model {reference}"
    yield ""
    yield elsewhere(material.bundle)


def licences(material: Material) -> Iterator[str]:
    """As the bundle states them."""
    yield from [f"- {line(one)}" for one in material.bundle.info.licences] or ["- not stated"]


def _rows(flat: Mapping[str, Any], path: Path, before: str, sources: Sources) -> Iterator[str]:
    for key, value in flat.items():
        yield f"- {line(key)}: {line(value)} ({sources.cite(path, before + key)})"


def _flat(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str | int | float]]:
    """A nested mapping as rows `part.name`, value: texts and numbers."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        elif isinstance(value, str | int | float) and value != "":
            yield f"{before}{key}", value
