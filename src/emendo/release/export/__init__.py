"""A model as it is carried to where it reads, proven to read what was trained, and signed.

A writer (a row of `WRITERS`) makes the files. Then the trained model and every form on the way read the same samples
(`measure`; lines, unless the family has a row in `SUBJECTS`), the bundle is opened and read in a process of its own,
and the figures are signed into `bundle.yaml` (`models.certificate`). What does not agree is refused with the first line
that differs, and leaves nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from emendo.datasets.dataset import content_hash
from emendo.errors import BundleError, EngineError, Refused, UsageError
from emendo.models.bundle import FIELDS_FAMILY, GRAPH_FILE, INFO_FILE, Bundle, BundleInfo, read_bundle, update_info
from emendo.models.certificate import Certificate, certify
from emendo.models.generative.graphs import FORMS
from emendo.models.generative.source import Source
from emendo.models.probe import probe
from emendo.tools.files import new_folder

from . import ctc, fields, generative
from .int8 import worth
from .lines import megabytes
from .measure import LINES, Subject, Tally, measure, require_same
from .order import Draft, Order

PROBED_LINES: Final = 6
"""Samples that are read in a process of its own, by which its memory is measured."""
Writer = Callable[[Order], Draft]
WRITERS: Final[Mapping[str, Mapping[str, Writer]]] = {
    "ctc": {"onnx": ctc.write_onnx, "onnx-int8": ctc.write_int8},
    "crnn": {"onnx": ctc.write_onnx, "onnx-int8": ctc.write_int8},
    "trocr": {**dict.fromkeys(FORMS, generative.write_onnx), "safetensors": generative.write_safetensors},
    "vlm": {"safetensors": generative.write_safetensors},
    FIELDS_FAMILY: {"onnx": fields.write_onnx, "onnx-int8": fields.write_int8},
}
"""How a model of a family is written in a form."""
SUBJECTS: Final[Mapping[str, Callable[[Order], Subject]]] = {FIELDS_FAMILY: fields.subject}
"""What the forms of a family are measured on, where it is not lines."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written, and the certificate that it carries. `tried` are the forms of int8 that were compared."""

    bundle: Bundle
    certificate: Certificate
    tried: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()

    def figures(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "bundle": str(self.bundle.folder),
            "model": self.bundle.id,
            "form": self.certificate.form,
            "megabytes": round(megabytes(self.bundle), 1),
            "certificate": self.certificate.model_dump(mode="json"),
            "tried": [str(one) for one in self.tried],
            "notes": list(self.notes),
        }


def export(order: Order, out: Path, signer: Any, *, name: str = "") -> Exported:
    """Write the model of an order (its `work` folder is given here) to the new folder `out`, proven and signed.

    `name` says what the lines are. Raises UsageError for a form that the family has not, a folder that is there or no
    lines, EngineError when a form does not read what the trained model reads, Refused when int8 is not worth having.
    """
    write = writer_of(order)
    if out.exists():
        raise UsageError(f"{out} is there already", remedy="choose another --out")
    if not order.samples:
        raise UsageError("there is no line to compare the forms on", remedy="give --data REF with lines")
    with TemporaryDirectory(prefix="emendo-export-") as held:
        order = replace(order, work=Path(held))
        subject = subject_of(order)
        draft = write(order)
        tallies = measure(draft.forms, order.samples, subject=subject, timed=order.timed, progress=order.progress)
        _require(order, draft, tallies)
        order.progress(0, 0, "trying it in a process of its own")
        memory = _probed(order, draft, subject)
        certificate = _certificate(order, draft, tallies, memory, name)
        parity = {"bundle": draft.bundle.id, "exported_from": certificate.reference}
        signed = certify(update_info(draft.bundle, parity=parity), certificate, signer)
        return Exported(_placed(signed, out), certificate, draft.tried, draft.notes)


def writer_of(order: Order) -> Writer:
    """What writes the model of an order in its form; raises UsageError when nothing does."""
    writers = WRITERS.get(order.family, {})
    if order.form not in writers:
        known = f"it can be written as {', '.join(writers)}"
        raise UsageError(f"a model of the family {order.family!r} is not written as {order.form!r}", remedy=known)
    return writers[order.form]


def subject_of(order: Order) -> Subject:
    """What the forms of an order are measured on."""
    return SUBJECTS[order.family](order) if order.family in SUBJECTS else LINES


def _require(order: Order, draft: Draft, tallies: Sequence[Tally]) -> None:
    """Raise when the forms do not agree as they must."""
    small = "int8" in order.form
    require_same(tallies[:-1] if small else tallies)
    draft.check()
    _require_info(order, draft.bundle.info)
    if not small:
        return
    reference, plain, tally = tallies[0], tallies[-2], tallies[-1]
    fault = worth(reference, plain, tally, order.budget, share=1.0)
    if fault:
        tried = "".join(f"; tried: {one}" for one in draft.tried)
        raise Refused(
            f"{order.form} is {fault} ({_figures(plain)}; {_figures(tally)}{tried})", remedy="export it as onnx"
        )


def _figures(tally: Tally) -> str:
    one = tally.subject.one
    cer = "" if tally.cer is None else f"{tally.subject.error} {100 * tally.cer:.2f} %, "
    same = f"{tally.same} of {tally.lines} {one}s the same"
    return f"{tally.name}: {cer}{same}, {tally.milliseconds:.1f} ms a {one}, {tally.megabytes:.1f} MB"


def _require_info(order: Order, made: BundleInfo) -> None:
    """Raise EngineError when a line network's bundle says anything of its reading that the trained one does not."""
    if isinstance(order.model, Source) or GRAPH_FILE not in order.model.info.files:
        return
    for part in ("alphabet", "preprocessing", "decoding", "looks", "calibration"):
        if getattr(made, part) != getattr(order.model.info, part):
            what = f"the exported bundle has another {part} than the trained model"
            raise EngineError(what, remedy="nothing was written; report it")


def _probed(order: Order, draft: Draft, subject: Subject) -> dict[int, float]:
    """Most memory (MB) of a process that reads with the bundle, and of one with the float form, by row from the end.

    Raises EngineError when the bundle cannot be opened in a process of its own, or reads otherwise there.
    """
    shown = [subject.load(sample) for sample in order.samples[:PROBED_LINES]]
    asked: dict[str, Any] = {subject.probed: shown}
    found: dict[int, float] = {}
    for row, bundle in ((-1, draft.bundle), (-2, draft.plain)):
        if bundle is None:
            continue
        try:
            limit = round(3000 + 4 * megabytes(bundle))
            seen = probe(bundle.folder, seconds=600, megabytes=limit, **asked)
        except BundleError as error:
            raise EngineError(error.what, remedy="nothing was written; report it") from error
        here = subject.texts(bundle, shown, order.threads)
        other = next((at for at, (a, b) in enumerate(zip(here, seen.texts, strict=True)) if a != b), None)
        if other is not None:
            line = order.samples[other].id
            what = f"in a process of its own the bundle reads {line} as {seen.texts[other]!r}, here as {here[other]!r}"
            raise EngineError(what, remedy="nothing was written; report it")
        found[row] = seen.megabytes
    return found


def _certificate(
    order: Order, draft: Draft, tallies: Sequence[Tally], memory: Mapping[int, float], name: str
) -> Certificate:
    rows = [tally.row(tallies[0], memory.get(at - len(tallies))) for at, tally in enumerate(tallies)]
    model = order.model
    return Certificate(
        bundle=draft.bundle.id,
        reference=model.id[:200],
        data=f"{content_hash(order.samples)} {name}"[:200].rstrip(),
        form=order.form,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{platform.machine()}, {os.cpu_count()} cores, {order.threads} thread{'s' * (order.threads != 1)}",
        budget=order.budget if "int8" in order.form else 0.0,
        subject=tallies[0].subject.one,
        error=tallies[0].subject.error,
        rows=tuple(rows),
    )


def _placed(bundle: Bundle, out: Path) -> Bundle:
    """The bundle in its final folder, whole or not at all."""
    with new_folder(out) as folder:
        for member in (*bundle.info.files, INFO_FILE):
            (folder / member).parent.mkdir(exist_ok=True)
            shutil.copyfile(bundle.folder / member, folder / member)
        read_bundle(folder)
    return read_bundle(out)


__all__ = ["WRITERS", "Draft", "Exported", "Order", "export"]
