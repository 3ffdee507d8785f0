"""The registry, used: models pushed and fetched, aliases moved."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from ..errors import Refused, UsageError
from ..models.base import cache_folder
from ..models.bundle import Bundle, read_bundle
from ..models.registry import (
    ADAPTER,
    CHAMPION,
    PREVIOUS,
    Entry,
    LocalRegistry,
    MlflowRegistry,
    Registry,
    RegistryAway,
    copy_bundle,
    open_registry,
)
from ..tools.files import new_folder, remove_folder
from ..workspace.folder import Reads, Workspace
from ..workspace.names import SCHEME, parse_place
from .follow import ensure_version, follow, registered_name
from .promote import LOCK, clean, log_event
from .runs import read_told


def push(
    registry: Registry, bundle: Bundle, name: str, alias: str = "", *, workspace: Workspace | None = None
) -> list[Entry]:
    """Register a bundle under a name, and let an alias mean it; returns its versions there, the whole model last.

    Raises UsageError for a name or alias that cannot be given, RegistryAway when the registry does not answer, Busy
    when another process is promoting in the workspace.
    """
    check_place(name, alias, registry, workspace)
    with _locked(workspace):
        told = read_told(bundle.folder.parent)
        run_id = told.run if told and told.place == registry.place else ""
        entries = ensure_version(registry, bundle, name, workspace, run_id=run_id)
        version = entries[-1].version
        if alias:
            registry.point(name, alias, version)
        if workspace is not None:
            facts = {"model": bundle.id, "name": name, "version": version, "alias": alias, "registry": registry.place}
            log_event(workspace, "kept", facts)
        return [one for one in registry.entries(name) if one.version in {entry.version for entry in entries}]


def keep_as(workspace: Workspace, candidate: Path, place: str) -> tuple[str, str, int]:
    """Keep a bundle under a name of the registry that is set, `NAME` or `NAME@ALIAS`; content id, name, version.

    What is in use stays in use. Raises UsageError for a place that cannot be given, BundleError for no sound bundle,
    Busy when another process is promoting.
    """
    name, alias, version = parse_place(place)
    if version:
        remedy = "give NAME or NAME@ALIAS; the newest version is always the latest"
        raise UsageError(f"{place!r} cannot be given to a model, versions are counted", remedy=remedy)
    registry = open_registry(workspace.settings().registry, workspace)
    entry = push(registry, read_bundle(candidate), name, alias, workspace=workspace)[-1]
    return entry.model, name, entry.version


def pull(registry: Registry, reference: str, out: Path) -> Entry:
    """Fetch what a reference means into the new folder `out`: a bundle, or the files of an adapter.

    Raises UsageError when nothing is meant or the folder is there, BundleError when it is not what was registered.
    """
    if out.exists():
        raise UsageError(f"{out} is there already", remedy="choose another --out")
    entry = registry.find(reference)
    if entry.form == ADAPTER and isinstance(registry, MlflowRegistry):
        with new_folder(out) as folder:
            registry.fetch_adapter(entry, folder)
    else:
        copy_bundle(registry.bundle(entry), out)
    return entry


def promote_version(registry: Registry, reference: str, *, workspace: Workspace | None = None) -> Entry:
    """Let the alias champion of a name mean a version, and `previous` the one that it replaces.

    The champion of a workspace's own name is what is in use there: it moves by `emendo promote` alone, past the gate.
    """
    entry = registry.find(reference)
    check_place(entry.name, CHAMPION, registry, workspace)
    if entry.form == ADAPTER:
        raise UsageError(f"{entry.reference} is an adapter alone", remedy="promote the version of the whole model")
    with _locked(workspace):
        now = _meant(registry, entry.name, CHAMPION)
        if now != entry.version:
            if now:
                registry.point(entry.name, PREVIOUS, now)
            registry.point(entry.name, CHAMPION, entry.version)
        return registry.find(f"{entry.name}/{entry.version}")


def rollback_version(registry: Registry, name: str, *, workspace: Workspace | None = None) -> Entry:
    """Let the alias champion of a name mean the version before again. Raises Refused when there is none."""
    check_place(name, CHAMPION, registry, workspace)
    with _locked(workspace):
        registry.find(name)
        before, now = _meant(registry, name, PREVIOUS), _meant(registry, name, CHAMPION)
        if not before or before == now:
            remedy = f"name one: emendo registry promote {name} --version N"
            raise Refused(f"{name} has no earlier champion to return to", remedy=remedy)
        registry.point(name, CHAMPION, before)
        registry.point(name, PREVIOUS, None)
        return registry.find(f"{name}/{before}")


def catch_up(workspace: Workspace | None) -> None:
    """Tell the registry what is in use in a workspace, if it does not know yet."""
    if workspace is not None and workspace.settings().registry.uri:
        with workspace.lock(LOCK):
            follow(workspace)


def still_registered(workspace: Workspace, models: Collection[str]) -> tuple[str, ...]:
    """Where MLflow still holds models that were removed here, for a person to delete there; no copy stays in the cache.

    One sentence instead when it does not answer. Whoever calls it holds the lock of promotion.
    """
    settings = workspace.settings().registry
    if not settings.uri or not models:
        return ()
    for model in models:
        for folder in (cache_folder() / "registry").glob(f"{model}-*"):
            remove_folder(folder)
    follow(workspace)
    try:
        held = open_registry(settings, workspace).entries()
    except RegistryAway as away:
        return (f"no one can say what is registered: {away}",)
    return tuple(f"{one.reference} at {one.place}" for one in held if one.model in models)


def figures(entry: Entry) -> dict[str, Any]:
    """A version for `--json`."""
    return {**asdict(entry), "reference": entry.reference, "aliases": list(entry.aliases)}


def _meant(registry: Registry, name: str, alias: str) -> int:
    return next((one.version for one in registry.entries(name) if alias in one.aliases), 0)


def check_place(name: str, alias: str, registry: Registry, workspace: Workspace | None) -> None:
    """Refuse what is no name, and the aliases that only a promotion moves."""
    given = f"{name}@{alias}" if alias else name
    parsed = parse_place(given)
    if parsed != (name, alias, 0):
        raise UsageError(f"{given!r} cannot be given to a model, versions are counted", remedy="give a plain name")
    if alias == "latest":
        raise UsageError("the newest version is always the latest", remedy="give another alias, or none")
    if workspace is None or alias not in {CHAMPION, PREVIOUS} or isinstance(registry, LocalRegistry):
        return
    settings = workspace.settings().registry
    if name in {registered_name(workspace, settings, kind) for kind in get_args(Reads)}:
        what = f"{name}@{alias} follows what is in use in {workspace.root}"
        raise UsageError(what, remedy=f"use `emendo promote {SCHEME}{name}/VERSION`, or `emendo rollback`")


@contextmanager
def _locked(workspace: Workspace | None) -> Iterator[None]:
    if workspace is None:
        yield
        return
    with workspace.lock(LOCK):
        clean(workspace)
        yield
