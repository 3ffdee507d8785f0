"""Which registry is asked, and what a reference `models:/...` means when it does not answer."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path
from typing import Final

from emendo.errors import BundleError, UsageError
from emendo.settings import RegistrySettings, load_settings
from emendo.tools.files import sha256_bytes, write_text
from emendo.workspace.folder import Workspace

from ..base import cache_folder
from ..bundle import Bundle
from .entries import Entry, Registry, RegistryAway
from .local import LocalRegistry
from .server import MlflowRegistry

EMBEDDED: Final = "mlflow"
"""Value of `registry.uri` that means MLflow wherever it is: the server of the environment, or our own file."""
FOLDER: Final = "mlflow"
_TELLER = logging.getLogger("emendo")


def open_registry(settings: RegistrySettings, workspace: Workspace | None) -> Registry:
    """The registry that the settings name. Raises UsageError for the local one outside of a workspace."""
    uri = settings.uri
    if not uri:
        if workspace is None:
            remedy = "run it in a workspace, or set registry.uri (EMENDO_REGISTRY__URI)"
            raise UsageError("without a workspace there is no registry here", remedy=remedy)
        return LocalRegistry(workspace)
    if uri == EMBEDDED:
        uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not uri:
        if workspace is None:
            remedy = "run it in a workspace, or set registry.uri to a file (sqlite:////PLACE/mlflow.db) or a server"
            raise UsageError("the registry 'mlflow' lies in a workspace, and this is none", remedy=remedy)
        uri = f"sqlite:///{workspace.hidden / FOLDER / 'mlflow.db'}"
    if uri.startswith("sqlite:///") and not uri.startswith("sqlite:////"):
        root = workspace.root if workspace is not None else Path().resolve()
        uri = f"sqlite:///{root / uri.removeprefix('sqlite:///')}"
    return MlflowRegistry(uri, settings.experiment, settings.timeout_seconds)


def registered_bundle(reference: str, workspace: Path | None) -> Bundle:
    """The verified bundle that `models:/...` means; see `registered`."""
    found, registry = registered(reference, workspace)
    if not isinstance(registry, MlflowRegistry):
        return registry.bundle(found)
    try:
        bundle = registry.bundle(found)
    except RegistryAway:
        last = _last(registry, reference)
        if last is None:
            raise
        return registry.cached(last)
    content = json.dumps({"reference": reference, "entry": asdict(found)}, ensure_ascii=False, indent=1) + "\n"
    path = _memory(registry, reference)
    if not path.is_file() or path.read_text(encoding="utf-8") != content:
        write_text(path, content)
    return bundle


def registered(reference: str, workspace: Path | None) -> tuple[Entry, Registry]:
    """The version that `models:/...` means, and the registry that knows it.

    A name that the registry of the settings knows means what that says; any other is looked up in the workspace. A
    registry that does not answer is believed to say what it said last, if that model is still in the cache. Raises
    UsageError when nothing of that name is known, RegistryAway when nobody can say.
    """
    held = Workspace(workspace) if workspace is not None else None
    settings = load_settings(workspace).registry
    if held is None and not settings.uri:
        what = f"{reference!r} is looked up in a workspace, and this is none"
        raise UsageError(what, remedy="run it in a workspace, or set registry.uri")
    registry = open_registry(settings, held)
    if not isinstance(registry, MlflowRegistry):
        return registry.find(reference), registry
    try:
        return registry.find(reference), registry
    except (UsageError, RegistryAway) as error:
        last = _last(registry, reference) if isinstance(error, RegistryAway) else None
        if last is not None:
            _TELLER.warning("%s; %s is read from the cache, as version %d", error.what, reference, last.version)
            return last, registry
        if held is None or not _known_here(held, reference):
            raise
        if isinstance(error, RegistryAway):
            _TELLER.warning("%s; %s is looked up in the workspace", error.what, reference)
        return LocalRegistry(held).find(reference), LocalRegistry(held)


def _last(registry: MlflowRegistry, reference: str) -> Entry | None:
    """What a reference meant last, if that model is in the cache."""
    try:
        content = json.loads(_memory(registry, reference).read_text(encoding="utf-8"))["entry"]
        entry = Entry(**{**content, "aliases": tuple(content["aliases"])})
        registry.cached(entry)
        return entry
    except (OSError, ValueError, KeyError, TypeError, BundleError):
        return None


def _memory(registry: MlflowRegistry, reference: str) -> Path:
    key = sha256_bytes(f"{registry.uri} {reference}".encode())[:24]
    return cache_folder() / "registry" / "known" / f"{key}.json"


def _known_here(workspace: Workspace, reference: str) -> bool:
    try:
        LocalRegistry(workspace).find(reference)
    except UsageError:
        return False
    return True
