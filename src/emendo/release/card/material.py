"""What a model card is written from: the bundle, the run that made it, its evaluations, and what led to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from ...errors import BundleError, FormatError, UsageError
from ...evaluate.boards.results import Difference, Results, find_reports, id_in, read_results
from ...models.bundle import Bundle
from ...models.certificate import Certificate, read_certificate
from ...train.record import REPORT_FILE, RUN_FILE
from ..judgement import DECISION, Judgement, read_judgement
from ..lineage import Origins

REPORT_BYTES: Final = 64_000_000
"""Of a run's own files at most: they hold curves and configuration."""


@dataclass(frozen=True, slots=True)
class Run:
    """The run that made a model, as its folder tells it; either part is empty where the file is not there."""

    folder: Path
    record: Mapping[str, Any]
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """An evaluation of the model, and beside it those of other models on the same samples."""

    results: Results
    others: tuple[tuple[Results, Difference | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Material:
    """All that is known of a model. `ignored` are reports that say nothing of it, with the reason."""

    bundle: Bundle
    run: Run | None = None
    measured: tuple[Measured, ...] = ()
    judgement: Judgement | None = None
    origins: Origins | None = None
    certificate: Certificate | None = None
    ignored: tuple[str, ...] = field(default=())


def gather(bundle: Bundle, runs: Sequence[Path] = (), *, origins: Origins | None = None) -> Material:
    """The material of a bundle from the folders `runs`: training runs, reports, decisions of the gate, in any mixture.

    Raises UsageError for a folder that holds none of these, FormatError for a file that is damaged.
    """
    run, judgement = None, None
    reports: dict[Path, None] = {}
    ignored: list[str] = []
    for folder in dict.fromkeys(one.resolve() for one in runs):
        found = find_reports([folder])
        made_here = [path.parent for path in sorted(folder.rglob(RUN_FILE))]
        decided = [path.parent for path in sorted(folder.rglob(DECISION))]
        if not found and not made_here and not decided:
            raise UsageError(f"{folder} holds no run, report or decision", remedy="name folders that `emendo` wrote")
        for place in made_here:
            run = _own_run(place, bundle, ignored) or run
        for place in decided:
            judgement = _own_judgement(place, bundle, ignored) or judgement
        reports |= dict.fromkeys(found)
    measured, strange = _measured(bundle, [read_results(folder) for folder in reports])
    try:
        certificate = read_certificate(bundle)
    except BundleError:
        certificate = None
    return Material(bundle, run, measured, judgement, origins, certificate, (*ignored, *strange))


def _measured(bundle: Bundle, every: Sequence[Results]) -> tuple[tuple[Measured, ...], list[str]]:
    own = [one for one in every if one.model_id == bundle.id]
    rest = [one for one in every if one.model_id != bundle.id]
    found = [
        Measured(one, tuple((other, one.against(other)) for other in rest if other.data == one.data)) for one in own
    ]
    data = {one.data for one in own}
    strange = [
        f"the report {one.folder.name} is of another model ({one.model}) on samples that this one was not measured on"
        for one in rest
        if one.data not in data
    ]
    return tuple(found), strange


def _own_run(folder: Path, bundle: Bundle, ignored: list[str]) -> Run | None:
    held = Run(folder, _read(folder / RUN_FILE, yaml.safe_load), _read(folder / REPORT_FILE, json.loads))
    made = str(held.report.get("model", ""))
    if made in {"", bundle.id}:
        return held
    ignored.append(f"the run {folder.name} made another model ({made})")
    return None


def _own_judgement(folder: Path, bundle: Bundle, ignored: list[str]) -> Judgement | None:
    held = read_judgement(folder)
    if held is not None and id_in(held.candidate) != bundle.id:
        ignored.append(f"the decision {folder.name} is about another model ({held.candidate})")
        return None
    return held


def _read(path: Path, load: Any) -> dict[str, Any]:
    """A mapping from a file; empty when it is not there. Raises FormatError for anything else."""
    if not path.is_file():
        return {}
    if path.stat().st_size > REPORT_BYTES:
        raise FormatError(f"is larger than {REPORT_BYTES:,} bytes", where=path, remedy="it is no file of a run")
    try:
        content = load(path.read_text(encoding="utf-8"))
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        first = str(error).splitlines()[0]
        raise FormatError(
            f"cannot be read ({first})", where=path, remedy="leave the run out, or train again"
        ) from error
    if not isinstance(content, dict):
        raise FormatError("holds no mapping", where=path, remedy="leave the run out, or train again")
    return content
