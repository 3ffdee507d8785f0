"""Commands about models on their way: export, certificate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from . import output
from .context import Context, Json, Threads, open_context

if TYPE_CHECKING:
    from ..models.bundle import Bundle
    from ..models.certificate import Certificate
    from ..models.generative.source import Source
    from ..release.package import Packaged
    from ..types import Sample

DRAWN = 20
"""Lines (or documents) that are drawn where none are given."""


Form = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="FORM",
        help="onnx, onnx-int8, onnx-int8-decoder (encoder as it is), safetensors; or folder, package, sagemaker.",
    ),
]
Given = Annotated[
    str | None,
    typer.Option(
        "--data", metavar="REF", help="Lines or documents to agree on: best the model's own. [default: 20 drawn ones]"
    ),
]
Most = Annotated[int | None, typer.Option(metavar="N", min=1, help="At most so many of them, evenly. [default: all]")]
Fitted = Annotated[
    str | None,
    typer.Option(metavar="REF", help="Lines that int8 is fitted to. [default: what --data has to train and val]"),
]
Budget = Annotated[
    float,
    typer.Option(metavar="SHARE", min=0, max=1, help="Greatest rise of CER (or field errors) that int8 may cost."),
]
PrivateKey = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Private key to sign with. [default: that of the workspace]")
]
PackageName = Annotated[
    str | None, typer.Option(metavar="NAME", help="With package: what the model is called. [default: its name]")
]


def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Bundle, run folder, model folder or hub id.")],
    to: Form,
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for it.")],
    name: PackageName = None,
    data: Given = None,
    lines: Most = None,
    calibration: Fitted = None,
    budget: Budget = 0.003,
    key: PrivateKey = None,
    threads: Threads = None,
    json: Json = False,
) -> None:
    """Write a model so that others can load it.

    As ONNX graphs, which read without torch, or merged weights: proven on lines to read what the trained model reads,
    with a signed certificate; what does not is refused. int8 must be smaller, faster and within the budget.
    Or as it is: as a folder with a model card, as a package that pip installs and --model NAME reads with, or as the
    model.tar.gz that a SageMaker endpoint unpacks.
    """
    from ..models.references import find_model
    from ..release.export import Order
    from ..release.export import export as export_model
    from ..release.export.int8 import spread
    from ..release.keys import release_key
    from ..release.package import FORMS

    context = open_context(Path(), threads=threads)
    options = {"--data": data, "--lines": lines, "--calibration": calibration, "--key": key, "--name": name}
    _refuse_useless(to, options)
    if to in FORMS:
        _package(context, model, to, out, name or "", json=json)
        return
    found = find_model(model, workspace=context.root)
    samples, fitted, told = samples_for(context, found, data, calibration)
    with output.progress("exporting", quiet=json) as bar:
        order = Order(
            model=found,
            form=to,
            samples=spread(samples, lines or len(samples)) if samples else (),
            calibration=fitted,
            budget=budget,
            threads=context.threads,
            progress=bar,
            find=partial(find_model, workspace=context.root),
        )
        done = export_model(order, out, release_key(context.workspace, key), name=told)
    output.show(done.figures(), [*map(str, done.tried), *done.notes, *_rows(done.certificate), str(out)], json=json)


def certificate(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="Folder of an exported model.")],
    key: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Public key that is trusted. [default: that of the workspace, or yours]"),
    ] = None,
    json: Json = False,
) -> None:
    """Show what a model was proven to read, and check who signed it.

    The bundle must be whole and unaltered, the certificate of this very bundle, and signed by a trusted key.
    """
    from ..models.bundle import read_bundle
    from ..models.certificate import check_certificate
    from ..release.keys import trusted_keys

    context = open_context(Path())
    held = read_bundle(bundle)
    seen = check_certificate(held, trusted_keys(context.workspace, key or ()))
    signed = str(held.info.parity["signature"]["keyid"])
    told = [
        f"{held.id}, as {seen.form}, of {seen.reference}, signed {seen.made} by {signed[:16]}",
        f"on {seen.rows[0].lines} {seen.subject}s ({seen.data}), {seen.machine}",
        *_rows(seen),
    ]
    output.show({**seen.model_dump(mode="json"), "keyid": signed}, told, json=json)


def _refuse_useless(form: str, given: Mapping[str, object]) -> None:
    """Raise UsageError for an option that a form has no use for."""
    from ..release.package import FORMS

    useless = set(given) if form in FORMS else {"--name"} if "int8" in form else {"--name", "--calibration"}
    if form == "package":
        useless.discard("--name")
    for option, value in given.items():
        if value and option in useless:
            raise UsageError(f"{option} has no use with --to {form}", remedy="leave it out")


def _package(context: Context, model: str, form: str, out: Path, name: str, *, json: bool) -> None:
    from ..models.references import load_bundle
    from ..release.package import package

    made = package(load_bundle(model, workspace=context.root), form, out, name=name)
    output.show(made.figures(), [_use(made)], json=json)


def _use(made: Packaged) -> str:
    if made.form == "sagemaker":
        return f"{made.path}: model data of a SageMaker endpoint whose container runs `emendo serve --sagemaker`"
    return f"{made.path}: read with it by --model {made.reference}"


def samples_for(
    context: Context, model: Bundle | Source, data: str | None, calibration: str | None
) -> tuple[list[Sample], list[Sample], str]:
    """Samples to agree on, those to fit int8 to, and what the first are called.

    Of a set with splits the forms agree on what tests (else validates), and int8 is never fitted to what tests.
    """
    from ..datasets.invoices.drawn import drawn_documents
    from ..datasets.synth import replay_samples
    from ..models.base import cache_folder
    from ..models.bundle import FIELDS_FAMILY, Bundle
    from ..types import Split

    if data is None and isinstance(model, Bundle) and model.info.family == FIELDS_FAMILY:
        made = list(drawn_documents(DRAWN, cache_folder()))
        return made, made, "made-up documents"
    if data is None:
        drawn = list(replay_samples(DRAWN, 0, cache_folder() / "replay"))
        return drawn, list(context.dataset(calibration).samples) if calibration else drawn, "drawn lines"
    dataset = context.dataset(data)
    held = [dataset.split(split) for split in (Split.TEST, Split.VAL)]
    shown = next((list(one) for one in held if one), list(dataset.samples))
    rest = list(context.dataset(calibration).samples) if calibration else list(dataset.samples)
    return shown, [sample for sample in rest if sample.split is not Split.TEST], data


def _rows(seen: Certificate) -> Sequence[str]:
    """The rows of a certificate, for a person."""
    told = []
    for row in seen.rows:
        cer = "" if row.cer is None else f"  {seen.error} {100 * row.cer:6.2f} %"
        rise = "" if row.cer_difference is None else f" ({100 * row.cer_difference:+.2f})"
        apart = "" if row.logit_difference is None else f"  difference {row.logit_difference:.2g}"
        memory = "" if row.memory_megabytes is None else f"  {row.memory_megabytes:.0f} MB of memory"
        told.append(
            f"{row.form:18} {row.same} of {row.lines} {seen.subject}s the same{cer}{rise}{apart}"
            f"  {row.milliseconds:.1f} ms  {row.megabytes:.1f} MB{memory}"
        )
    return told
