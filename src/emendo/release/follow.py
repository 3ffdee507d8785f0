"""The registry follows what is in use in a workspace.

The pointer of the workspace is the truth, and is switched first. Then the registry is told: the model as a version of
the workspace's name (for fields, of that name with `-fields`), `previous` for what it replaced, `champion` for it. What
was told last stands in a file beside the pointer, so whatever happens in between, the next command that promotes, rolls
back or asks the registry sees that it is behind and tells it. A registry that does not answer holds up nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, get_args

from ..errors import EmendoError, WorkspaceError
from ..models.bundle import INFO_FILE, Bundle, read_bundle
from ..models.registry import ADAPTER, CHAMPION, PREVIOUS, Entry, Registry, open_registry
from ..settings import RegistrySettings
from ..tools.files import write_json
from ..workspace.folder import FIRST, Champion, Reads, Workspace, read_object
from .facts import about_model, run_of

_STATE_FILES: Final = {"lines": "registry.json", "fields": "registry-fields.json"}


@dataclass(frozen=True, slots=True)
class Following:
    """How the registry stands to the workspace.

    `name` is the name there, `version` the one that is champion (0: none, the base is in use), `fault` why the
    registry is behind, empty when it is not.
    """

    place: str
    name: str
    version: int
    fault: str = ""

    def sentence(self) -> str:
        """For a person."""
        if self.fault:
            return f"the registry is behind: {self.fault}"
        if not self.version:
            return f"registry: {self.name} has no champion, for an embedded model is in use"
        return f"registry: models:/{self.name}@{CHAMPION} is version {self.version} at {self.place}"


def state_file(workspace: Workspace, kind: Reads = "lines") -> Path:
    """The file that says what the registry was told last, or why it could not be."""
    return workspace.models / _STATE_FILES[kind]


def follow(workspace: Workspace) -> None:
    """Tell the registry what is in use, for lines and for fields, if one is set and does not know yet.

    Whoever calls it holds the lock of promotion. Never raises because of the registry: see `following`.
    """
    settings = workspace.settings().registry
    for kind in get_args(Reads):
        champion = workspace.champion(kind)
        if settings.uri and champion is not None:
            _follow(workspace, settings, kind, champion)


def _follow(workspace: Workspace, settings: RegistrySettings, kind: Reads, champion: Champion) -> None:
    name, told = registered_name(workspace, settings, kind), _told(workspace, kind)
    wanted = {"uri": settings.uri, "name": name, "model": champion.model, "since": champion.since}
    if told is not None and all(told.get(key) == value for key, value in wanted.items()) and not told["fault"]:
        return
    place, version, fault = settings.uri, 0, ""
    try:
        registry = open_registry(settings, workspace)
        place = registry.place
        version = _tell(workspace, registry, name, champion, FIRST[kind])
    except (EmendoError, OSError) as error:
        fault = str(error)
    state = {**wanted, "place": place, "version": version, "fault": fault}
    write_json(state_file(workspace, kind), state)


def following(workspace: Workspace, kind: Reads = "lines") -> Following | None:
    """How the registry stands to the workspace by what was told last; asks nobody. None where there is none."""
    settings, champion, told = workspace.settings().registry, workspace.champion(kind), _told(workspace, kind)
    if not settings.uri or champion is None:
        return None
    name = registered_name(workspace, settings, kind)
    if told is None or (told.get("model"), told.get("since")) != (champion.model, champion.since):
        return Following(settings.uri, name, 0, "it was not told yet what is in use")
    return Following(str(told["place"]), name, int(told["version"]), str(told["fault"]))


def registered_name(workspace: Workspace, settings: RegistrySettings, kind: Reads = "lines") -> str:
    """The name under which the model in use is registered."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", workspace.root.name).strip("-._")[:63]
    name = settings.name or plain or "emendo"
    return name if kind == "lines" else f"{name[:56]}-{kind}"


def ensure_version(
    registry: Registry, bundle: Bundle, name: str, workspace: Workspace | None, *, run_id: str = ""
) -> list[Entry]:
    """The versions of a name that hold a bundle, registered if they are not; the last is the whole model."""
    held = registry.entries(name)
    about = about_model(bundle, f"models:/{name}", run_of(bundle.folder, workspace), run_id=run_id)
    parents = [one for one in held if one.model == about.tags.get("emendo.base_model") and one.form != ADAPTER]
    if parents:
        about = replace(about, tags={**about.tags, "parent_version": str(parents[-1].version)})
    return registry.put(bundle, name, about)


def _tell(workspace: Workspace, registry: Registry, name: str, champion: Champion, first: str) -> int:
    """Bring the aliases to where the pointer is; the champion's version. `previous` comes first: see `rolled_back`."""
    version = 0
    if champion.model != first:
        version = _whole(registry, name, champion.model)
    if champion.model != first and not version:
        version = ensure_version(registry, read_bundle(workspace.models / champion.model), name, workspace)[-1].version
    earlier = (model for model, _, _ in reversed(champion.history))
    before = next((one for one in earlier if one == first or (workspace.models / one / INFO_FILE).is_file()), first)
    registry.point(name, PREVIOUS, _whole(registry, name, before) or None)
    registry.point(name, CHAMPION, version or None)
    return version


def _whole(registry: Registry, name: str, model: str) -> int:
    """The newest version of a name that is this whole model; 0 when there is none."""
    return max((one.version for one in registry.entries(name) if one.model == model and one.form != ADAPTER), default=0)


def _told(workspace: Workspace, kind: Reads) -> dict[str, Any] | None:
    path = state_file(workspace, kind)
    try:
        return read_object(path) if path.exists() else None
    except WorkspaceError:
        return None  # it is written anew
