"""What is told of a model and of the run that made it, from the files that they left (bundle.yaml, run.yaml, ...).

One road for every family, and for a run of today or of last year.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import yaml

from ..errors import BundleError, EmendoError
from ..models.bundle import INFO_FILE, Bundle
from ..models.certificate import SIGNATURE, Certificate, read_certificate
from ..models.registry import About, RunFacts, numbers
from ..train.curve import read_curve
from ..train.record import BUNDLE, CURVE_FILE, REPORT_FILE, RUN_FILE
from ..workspace.folder import Workspace
from .card import gather, model_card, requirement

_RESOLVED: Final = ("recipe", "schedule", "base", "data", "val", "precision")
"""Parts of run.yaml that are told as parameters."""
_TAG_CHARACTERS: Final = 4000


def about_model(bundle: Bundle, reference: str, run: Path | None, *, run_id: str = "") -> About:
    """Card, lineage, figures and certificate of a bundle, and the run in the folder `run` that made it, if known."""
    info = bundle.info
    certificate = _certificate(bundle)
    base = info.run.get("base")
    tags = {
        "family": info.family,
        "base": info.base,
        "emendo.base_model": str(base.get("id", "")) if isinstance(base, dict) else "",
        "dataset": str(info.dataset.get("hash", "")),
        "run": run.resolve().name if run else "",
        "certified": "true" if certificate else "false",
        "licences": ", ".join(info.licences),
        **(_certified(bundle, certificate) if certificate else {}),
    }
    return About(
        card=_card(bundle, reference, run),
        tags={name: value for name, value in tags.items() if value},
        run=run_facts(run, bundle) if run else _bundle_facts(bundle),
        requirement=requirement(bundle),
        source=info.name,
        run_id=run_id,
    )


def _card(bundle: Bundle, reference: str, run: Path | None) -> str:
    """From the bundle alone where the files of its run are damaged: that hinders nobody who registers the model."""
    try:
        material = gather(bundle, [run] if run else [])
    except EmendoError:
        material = gather(bundle)
    return model_card(material, bundle.info.name or bundle.id, reference)


def run_facts(run: Path, bundle: Bundle | None) -> RunFacts:
    """A run from its folder; without a `bundle` one that has not ended."""
    record, report = _yaml(run / RUN_FILE), _json(run / REPORT_FILE)
    curve = read_curve(run)
    losses, cers = curve.losses or _pairs(report, "losses"), curve.cers or _pairs(report, "cers")
    began = str(record.get("began", ""))
    seconds = report.get("seconds")
    ended = ""
    if began and isinstance(seconds, int | float):
        ended = (datetime.fromisoformat(began) + timedelta(seconds=seconds)).isoformat(timespec="seconds")
    return RunFacts(
        name=run.resolve().name,
        model=bundle.id if bundle else "",
        params=dict(_flat({key: record[key] for key in _RESOLVED if key in record})),
        metrics={**(_bundle_figures(bundle) if bundle else {}), **numbers(report)},
        steps=[*(("loss", step, loss) for step, loss in losses), *(("cer", step, cer) for step, cer in cers)],
        files=[run / name for name in (RUN_FILE, REPORT_FILE, CURVE_FILE) if (run / name).is_file()],
        began=began,
        ended=ended,
    )


def run_of(bundle: Path, workspace: Workspace | None) -> Path | None:
    """The folder of the run that made a bundle: around it, or a run of the workspace whose report names the model."""
    around = bundle.resolve().parent
    if bundle.resolve().name == BUNDLE and (around / RUN_FILE).is_file():
        return around
    model = bundle.resolve().name
    reports = sorted(workspace.runs.glob(f"*/{REPORT_FILE}")) if workspace is not None else []
    return next((path.parent for path in reversed(reports) if _json(path).get("model") == model), None)


def _bundle_facts(bundle: Bundle) -> RunFacts:
    info = bundle.info
    told: dict[str, Any] = {key: info.run[key] for key in _RESOLVED if key in info.run}
    return RunFacts(
        name=info.name or bundle.id,
        model=bundle.id,
        params=dict(_flat({"data": dict(info.dataset), **told})),
        metrics=_bundle_figures(bundle),
        files=[bundle.folder / INFO_FILE],
    )


def _bundle_figures(bundle: Bundle) -> dict[str, float]:
    certificate = _certificate(bundle)
    figures = numbers(bundle.info.metrics)
    for row in certificate.rows if certificate else ():
        kept = row.model_dump(exclude={"form"})
        figures |= {f"parity.{row.form}.{name}": float(value) for name, value in kept.items() if value is not None}
    return figures


def _certificate(bundle: Bundle) -> Certificate | None:
    try:
        return read_certificate(bundle)
    except BundleError:
        return None


def _certified(bundle: Bundle, certificate: Certificate) -> dict[str, str]:
    """What the certificate says, for people; whoever trusts it checks the signature in the bundle."""
    signature = bundle.info.parity.get(SIGNATURE)
    rows = json.dumps([row.model_dump(mode="json") for row in certificate.rows])
    return {
        "certified_form": certificate.form,
        "certified_on": certificate.data,
        "signed_by": str(signature.get("keyid", "")) if isinstance(signature, dict) else "",
        "certificate": rows if len(rows) <= _TAG_CHARACTERS else "",
    }


def _flat(content: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """A nested mapping as rows `part.name`, value."""
    for name, value in content.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", str(value)


def _pairs(report: Mapping[str, Any], name: str) -> tuple[tuple[int, float], ...]:
    rows = report.get(name)
    return tuple((int(step), float(value)) for step, value in rows) if isinstance(rows, list) else ()


def _yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
