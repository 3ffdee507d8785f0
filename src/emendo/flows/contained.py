"""Which models still contain what is forgotten: those that learned from it, and those that were made of such models."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile, ZipFile

import yaml

from ..datasets import open_dataset
from ..datasets.dataset import content_hash
from ..errors import EmendoError
from ..models.bundle import INFO_BYTES, INFO_FILE
from ..models.certificate import CERTIFICATE
from ..release.lineage import REPORT, lineage
from ..types import Split
from ..workspace.folder import Workspace

RUN_FILE: Final = "run.yaml"
READ_FILE: Final = "read.jsonl"
"""In a run that also learned from lines which nobody had corrected: what was read of them."""
_ARCHIVES: Final = 100_000
"""Most archives that are looked into below a place."""


@dataclass(frozen=True, slots=True)
class Tainted:
    """The models that learned from something, each with how, and the hashes of the lines from which they learned."""

    models: Mapping[str, str]
    hashes: frozenset[str]

    def joined(self, told: Mapping[str, Any]) -> Tainted:
        """With what an earlier call that was cut off had found, before it removed it."""
        models = {**dict(told.get("models", {})), **self.models}
        return Tainted(models, self.hashes | set(told.get("hashes", ())))


@dataclass(frozen=True, slots=True)
class Held:
    """A model outside of what was removed that contains it still: where it lies, and how it came to contain it."""

    model: str
    place: str
    how: str

    def __str__(self) -> str:
        return f"{self.place} holds the model {self.model}, which {self.how}"


def tainted(workspace: Workspace, datasets: Collection[str], lines: Collection[str] = ()) -> Tainted:
    """The models of a workspace that learned from one of these data sets of its own, or from the readings of one of
    these lines that nobody had corrected, and all that were made of such models.
    """
    found: dict[str, str] = {}
    for model, one in lineage(workspace).items():
        if one.dataset in datasets:
            found[model] = f"learned from data set {one.dataset}"
        elif one.run and _read_by(workspace.runs / one.run / READ_FILE, lines):
            found[model] = "learned from what was read of it"
    hashes = set()
    for name in datasets:
        with suppress(EmendoError):
            samples = open_dataset(name, workspace=workspace.root).samples
            hashes.add(content_hash([one for one in samples if one.split in (None, Split.TRAIN)]))
    made = list(_parents(workspace))
    while news := {
        model: f"was made of {one}" for model, parents in made if model not in found for one in parents if one in found
    }:
        found |= news
    return Tainted(found, frozenset(hashes))


def _read_by(path: Path, lines: Collection[str]) -> bool:
    """Whether a run learned from readings of one of these lines."""
    with suppress(OSError, ValueError), path.open("rb") as stream:
        return any(json.loads(row).get("id") in lines for row in stream if row.strip())
    return False


def _parents(workspace: Workspace) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every model that a run here made or that lies here, with the models that it was made of."""
    for report in sorted(workspace.runs.glob(f"*/{REPORT}")):
        with suppress(OSError, ValueError, KeyError, TypeError):
            model = str(json.loads(report.read_bytes())["model"])
            yield model, _made_of(_yaml(report.with_name(RUN_FILE)))
    for card in sorted(workspace.models.glob(f"*/{INFO_FILE}")):
        yield card.parent.name, _made_of(_mapping(_yaml(card).get("run")))


def _made_of(run: Mapping[str, Any]) -> tuple[str, ...]:
    """Content ids of the model that a run started from and of one whose weights it took in."""
    return tuple(str(_mapping(run.get(name)).get("id", "")) for name in ("base", "beside") if run.get(name))


def still_held(places: Sequence[Path], known: Tainted) -> tuple[Held, ...]:
    """The bundles below some places that contain it, however deep, also those packed in the releases of a channel.

    They are told, not removed: others may have them already.
    """
    found: dict[str, Held] = {}
    for place in places:
        for path in sorted(place.rglob(INFO_FILE)):
            _look(path.parent, _yaml(path), path.parent.name, known, found)
        for path in sorted(place.rglob("*.zip"))[:_ARCHIVES]:
            _look(path, _packed(path), path.stem.rpartition(".")[2], known, found)
    return tuple(found.values())


def _look(place: Path, info: Mapping[str, Any], name: str, known: Tainted, found: dict[str, Held]) -> None:
    parity = _mapping(info.get("parity"))
    certificate = _mapping(parity.get(CERTIFICATE))
    ids = (str(certificate.get("bundle", "")), str(parity.get("bundle", "")), name)
    own = next((one for one in ids if one), name)
    how = next((known.models[one] for one in ids if one in known.models), "")
    if not how and str(_mapping(info.get("dataset")).get("hash", "")) in known.hashes:
        how = "learned the same lines"
    reference = str(certificate.get("reference", ""))
    parents = (reference.rpartition("@")[2], *_made_of(_mapping(info.get("run"))))
    parent = next((one for one in parents if one in known.models), "")
    if not how and parent:
        how = f"was made of {parent}"
    if how:
        found[str(place)] = Held(own, str(place), how)


def _packed(path: Path) -> dict[str, Any]:
    """The `bundle.yaml` inside of an archive; empty for one that holds none."""
    try:
        with ZipFile(path) as archive:
            inside = (one for one in archive.infolist() if Path(one.filename).name == INFO_FILE)
            member = next((one for one in inside if one.file_size <= INFO_BYTES), None)
            return _mapping(yaml.safe_load(archive.read(member))) if member is not None else {}
    except (OSError, BadZipFile, yaml.YAMLError, NotImplementedError, RuntimeError):
        return {}


def _yaml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > INFO_BYTES:
            return {}
        return _mapping(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError):
        return {}


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def rows(held: Sequence[Held]) -> list[dict[str, str]]:
    """For `--json`."""
    return [asdict(one) for one in held]
