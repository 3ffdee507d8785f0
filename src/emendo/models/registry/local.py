"""The registry that every workspace has: bundles in `.emendo/models`, names in a file beside them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from emendo.errors import BundleError
from emendo.tools.files import new_folder, remove_folder
from emendo.workspace.folder import Workspace
from emendo.workspace.names import NAMES_FILE, SCHEME, keep, names, parse_place, point, resolve

from ..bundle import INFO_FILE, Bundle, read_bundle
from .entries import About, Entry, numbers


@dataclass(frozen=True, slots=True)
class LocalRegistry:
    """The names of a workspace. Whoever changes them holds the lock of promotion."""

    workspace: Workspace

    @property
    def place(self) -> str:
        """The workspace."""
        return f"the workspace {self.workspace.root}"

    def entries(self, name: str = "") -> list[Entry]:
        """All versions of a name (empty: of every name)."""
        return [
            Entry(
                name=one,
                version=number,
                model=version.model,
                since=version.since,
                place=self.place,
                aliases=tuple(sorted(alias for alias, meant in held.aliases.items() if meant == number)),
                tags={"source": version.source} if version.source else {},
            )
            for one, held in names(self.workspace).items()
            if name in {"", one}
            for number, version in sorted(held.versions.items())
        ]

    def find(self, reference: str) -> Entry:
        """The version that a reference means."""
        model = resolve(self.workspace, reference)
        name, alias, version = parse_place(reference)
        of_name = self.entries(name)
        if not alias and not version:
            return of_name[-1]
        return next(one for one in of_name if one.model == model and (one.version == version or alias in one.aliases))

    def measured(self, entry: Entry) -> dict[str, float]:
        """The figures in the bundle of a version."""
        return numbers(self.bundle(entry).info.metrics)

    def bundle(self, entry: Entry) -> Bundle:
        """The bundle of a version."""
        model = entry.model
        if Path(model).name != model or model.startswith("."):
            where = self.workspace.models / NAMES_FILE
            raise BundleError(f"names {model!r}, which is no model id", where=where, remedy="restore or remove it")
        return read_bundle(self.workspace.models / model)

    def put(self, bundle: Bundle, name: str, about: About) -> list[Entry]:
        """Copy the bundle into the workspace and count it."""
        installed = install(self.workspace, bundle.folder)
        kept, version = keep(self.workspace, name, installed.id, about.source)
        return [self.find(f"{SCHEME}{kept}/{version}")]

    def point(self, name: str, alias: str, version: int | None) -> None:
        """Move an alias."""
        point(self.workspace, name, alias, version)


def install(workspace: Workspace, candidate: Path) -> Bundle:
    """Copy a bundle into the workspace under its content id, whole or not at all; there already: checked again."""
    source = read_bundle(candidate)
    target = workspace.models / source.id
    if target.exists():
        try:
            return read_bundle(target)
        except BundleError:
            remove_folder(target)  # under its content's name lies something else: damaged, and not in use
    copy_bundle(source, target)
    return read_bundle(target)


def copy_bundle(source: Bundle, target: Path) -> None:
    """The same bytes in a new folder, whole or not at all. Raises BundleError when they changed on the way."""
    with new_folder(target) as folder:
        for name in (*source.info.files, INFO_FILE):
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source.folder / name, folder / name)
        if read_bundle(folder).id != source.id:
            raise BundleError("changed while it was copied", where=source.folder, remedy="do it again")
