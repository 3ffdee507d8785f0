"""Names under which the models of a workspace are kept, as a registry has them: numbered versions, and aliases.

    .emendo/models/names.json   {"journal": {"last": 2, "versions": {"2": {"model": ...}}, "aliases": {"best": 2}}}

A reference is written as MLflow writes it: `models:/NAME` (the newest version), `models:/NAME/2`, `models:/NAME@best`.
A name says nothing about which model is in use; that is the champion, and only the gate moves it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from ..errors import UsageError, WorkspaceError
from ..tools.files import write_json
from .folder import Workspace, read_object, timestamp

SCHEME: Final = "models:/"
NAMES_FILE: Final = "names.json"
_WORD = r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}"
_PLACE: Final = re.compile(rf"(?P<name>{_WORD})(?:@(?P<alias>{_WORD})|/(?P<version>[1-9][0-9]{{0,8}}))?")


@dataclass(frozen=True, slots=True)
class Version:
    """One model under a name: its content id, since when (ISO 8601 UTC), and what it was kept from."""

    model: str
    since: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A name: its versions by number, the greatest number ever given, and the version that each alias means."""

    last: int
    versions: Mapping[int, Version]
    aliases: Mapping[str, int]


def parse_place(text: str) -> tuple[str, str, int]:
    """Name, alias (or ""), and version (or 0) of `NAME`, `NAME@ALIAS`, `NAME/VERSION`, with or without `models:/`.

    Raises UsageError for anything else.
    """
    found = _PLACE.fullmatch(text.removeprefix(SCHEME))
    if found is None:
        what = f"{text!r} names no place for a model"
        raise UsageError(what, remedy=f"write {SCHEME}NAME, {SCHEME}NAME@ALIAS or {SCHEME}NAME/VERSION")
    return found["name"], found["alias"] or "", int(found["version"] or 0)


def names(workspace: Workspace) -> dict[str, Named]:
    """Every name of a workspace, sorted. Raises WorkspaceError when the file is damaged."""
    path = workspace.models / NAMES_FILE
    if not path.exists():
        return {}
    try:
        return {name: _named(content) for name, content in sorted(read_object(path).items())}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WorkspaceError(
            f"holds no names of models ({error})", where=path, remedy="restore or remove it"
        ) from error


def keep(workspace: Workspace, place: str, model: str, source: str = "") -> tuple[str, int]:
    """Make `model` the newest version of the name in `NAME` or `NAME@ALIAS`, and let the alias mean it.

    Returns name and version. A model that is the newest version already gets no second number. Whoever calls it holds
    the lock of promotion. Raises UsageError for a place that cannot be given.
    """
    name, alias, version = parse_place(place)
    if version or alias == "latest":
        remedy = "give NAME or NAME@ALIAS; the newest version is always the latest"
        raise UsageError(f"{place!r} cannot be given to a model, versions are counted", remedy=remedy)
    known = names(workspace)
    held = known.get(name, Named(0, {}, {}))
    if held.last not in held.versions or held.versions[held.last].model != model:
        added = {held.last + 1: Version(model, timestamp(), source)}
        held = replace(held, last=held.last + 1, versions={**held.versions, **added})
    if alias:
        held = replace(held, aliases={**held.aliases, alias: held.last})
    _write(workspace, {**known, name: held})
    return name, held.last


def point(workspace: Workspace, name: str, alias: str, version: int | None) -> None:
    """Let an alias of a name mean a version, or nothing (None).

    Whoever calls it holds the lock of promotion. Raises UsageError when there is no such version.
    """
    known = names(workspace)
    if version is not None:
        resolve(workspace, f"{SCHEME}{name}/{version}")
    elif alias not in known.get(name, Named(0, {}, {})).aliases:
        return
    held = known[name]
    left = {one: number for one, number in held.aliases.items() if one != alias}
    moved = left if version is None else {**left, alias: version}
    _write(workspace, {**known, name: replace(held, aliases=moved)})


def resolve(workspace: Workspace, reference: str) -> str:
    """The content id of the model that a reference means. Raises UsageError when there is none."""
    name, alias, version = parse_place(reference)
    known = names(workspace)
    held = known.get(name)
    if held is None or not held.versions:
        told = ", ".join(one for one, other in known.items() if other.versions) or "none"
        remedy = f"keep one with `emendo promote MODEL --as {name}`; names here: {told}"
        raise UsageError(f"no model is kept under the name {name!r} in {workspace.root}", remedy=remedy)
    number = held.aliases.get(alias, 0) if alias else version or max(held.versions)
    if number not in held.versions:
        told = ", ".join([*map(str, held.versions), *(f"@{one}" for one in held.aliases)])
        raise UsageError(
            f"{name!r} has no {f'alias {alias!r}' if alias else f'version {version}'}", remedy=f"use {told}"
        )
    return held.versions[number].model


def places(workspace: Workspace) -> dict[str, tuple[str, ...]]:
    """The references under which each model is kept, by content id."""
    found: dict[str, tuple[str, ...]] = {}
    for name, held in names(workspace).items():
        for number, version in held.versions.items():
            aliases = [f"{SCHEME}{name}@{alias}" for alias, meant in held.aliases.items() if meant == number]
            found[version.model] = (*found.get(version.model, ()), f"{SCHEME}{name}/{number}", *aliases)
    return found


def drop(workspace: Workspace, models: Collection[str]) -> None:
    """Let no name lead to any of these models; their numbers are not given again."""
    known = names(workspace)
    if not any(version.model in models for held in known.values() for version in held.versions.values()):
        return
    left = {}
    for name, held in known.items():
        versions = {number: version for number, version in held.versions.items() if version.model not in models}
        left[name] = Named(held.last, versions, {a: number for a, number in held.aliases.items() if number in versions})
    _write(workspace, left)


def _named(content: Any) -> Named:
    versions = {int(number): Version(**one) for number, one in content["versions"].items()}
    aliases = {str(alias): int(number) for alias, number in content["aliases"].items()}
    return Named(int(content["last"]), versions, aliases)


def _write(workspace: Workspace, known: Mapping[str, Named]) -> None:
    content = {
        name: {
            "last": held.last,
            "versions": {str(number): asdict(version) for number, version in held.versions.items()},
            "aliases": dict(held.aliases),
        }
        for name, held in known.items()
    }
    write_json(workspace.models / NAMES_FILE, content)
