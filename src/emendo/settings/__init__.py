"""The settings of emendo: declared once here, frozen, with unknown names refused.

Precedence: command-line flag > environment > `emendo.toml` of the workspace > default. Environment names are
`EMENDO_SECTION__NAME` (`EMENDO_WATCH__MIN_CORRECTIONS=20`) or `EMENDO_NAME` for the top level; `OCR_MODEL` is another
name of `EMENDO_MODEL`.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_origin

from pydantic import Field, ValidationError

from ..errors import SettingsError
from .loop import (
    CollectSettings,
    DriftSettings,
    GateSettings,
    LabelSettings,
    Limits,
    PlateSettings,
    PrefillSettings,
    ReadSettings,
    WatchSettings,
)
from .production import (
    AlertSettings,
    CaptureSettings,
    ChannelSettings,
    CloudSettings,
    FlowSettings,
    RegistrySettings,
    RetentionSettings,
    ServeSettings,
    StreamSettings,
    TrialSettings,
)
from .section import Section

__all__ = [
    "FILE_NAME",
    "IGNORED",
    "OPTIONS",
    "AlertSettings",
    "CaptureSettings",
    "ChannelSettings",
    "CloudSettings",
    "CollectSettings",
    "DriftSettings",
    "FlowSettings",
    "GateSettings",
    "LabelSettings",
    "Limits",
    "PlateSettings",
    "PrefillSettings",
    "ReadSettings",
    "RegistrySettings",
    "RetentionSettings",
    "ServeSettings",
    "Settings",
    "StreamSettings",
    "TrialSettings",
    "WatchSettings",
    "cores",
    "load_settings",
]

FILE_NAME = "emendo.toml"
IGNORED = frozenset({"EMENDO_DATA", "EMENDO_CACHE", "EMENDO_SCREENSHOTS", "EMENDO_API_KEY"})
"""Environment names with our prefix that are no settings: where the development data, converted models and the
pictures that tests make for the documentation lie, and the key for a service that reads elsewhere."""


OPTIONS = {
    "capture__share": "--capture",
    "cloud__least": "--min",
    "cloud__most": "--max",
    "serve__api_keys": "--api-key-file",
    "serve__deadline_seconds": "--deadline",
    "serve__grace_seconds": "--grace",
    "trial__model": "--trial",
}
"""Options of the command line that are not called as their settings are."""


class Settings(Section):
    """All settings of one workspace or one command."""

    model: str = Field("", description="Model to use: base, a path, or a name (empty: the champion, else base).")
    author: str = Field("", description="Name that stands in corrections (empty: the login name).")
    database: str = Field("", description="Database URL (empty: SQLite in .emendo).")
    threads: int = Field(0, ge=0, description="Threads of the recogniser (0: one per core).")
    limits: Limits = Limits()
    read: ReadSettings = ReadSettings()
    gate: GateSettings = GateSettings()
    collect: CollectSettings = CollectSettings()
    watch: WatchSettings = WatchSettings()
    drift: DriftSettings = DriftSettings()
    alerts: AlertSettings = AlertSettings()
    plates: PlateSettings = PlateSettings()
    label: LabelSettings = LabelSettings()
    prefill: PrefillSettings = PrefillSettings()
    trial: TrialSettings = TrialSettings()
    registry: RegistrySettings = RegistrySettings()
    channel: ChannelSettings = ChannelSettings()
    serve: ServeSettings = ServeSettings()
    capture: CaptureSettings = CaptureSettings()
    retention: RetentionSettings = RetentionSettings()
    stream: StreamSettings = StreamSettings()
    flow: FlowSettings = FlowSettings()

    cloud: CloudSettings = CloudSettings()

    @property
    def cores(self) -> int:
        """Threads to use: the setting, or one per core that this process may use."""
        return self.threads or cores()


def cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load_settings(
    folder: Path | None = None, *, environment: Mapping[str, str] | None = None, **flags: object
) -> Settings:
    """Resolve the settings for a workspace folder.

    `flags` are top-level or `section__name` values given on the command line; None means not given. Raises
    SettingsError with the place of the first wrong entry.
    """
    environment = os.environ if environment is None else environment
    merged: dict[str, Any] = {}
    places: dict[tuple[str, ...], str] = {}
    toml = folder / FILE_NAME if folder else None
    if toml is not None and toml.is_file():
        try:
            content = tomllib.loads(toml.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"is not valid TOML ({error})", where=toml) from error
        _merge(merged, content, str(toml), places)
    for name, value in sorted(environment.items()):
        if name == "OCR_MODEL" and "EMENDO_MODEL" not in environment:
            _merge(merged, {"model": value}, name, places)
        elif name.startswith("EMENDO_") and name not in IGNORED:
            parts = name.removeprefix("EMENDO_").lower().split("__")
            _merge(merged, _nest(parts, _listed(parts, value)), name, places)
    for name, flag in flags.items():
        if flag is not None:
            _merge(merged, _nest(name.split("__"), flag), _option(name), places)
    try:
        return Settings.model_validate(merged)
    except ValidationError as error:
        first = error.errors()[0]
        path = tuple(str(part) for part in first["loc"])
        raise SettingsError(_sentence(path, first), where=places.get(path, places.get(path[:1], ""))) from error


def _listed(path: list[str], value: str) -> object:
    """The value of a variable; of a setting that is a list its parts, which commas part."""
    kind: Any = Settings
    for part in path:
        field = getattr(kind, "model_fields", {}).get(part)
        kind = field.annotation if field is not None else None
    if get_origin(kind) is not tuple:
        return value
    return tuple(filter(None, map(str.strip, value.split(","))))


def _option(name: str) -> str:
    """What somebody typed to give a setting: `--instance` for `cloud__instance`."""
    return OPTIONS.get(name, f"--{name.rpartition('__')[2].replace('_', '-')}")


def _nest(path: list[str], value: object) -> dict[str, Any]:
    nested: Any = value
    for part in reversed(path):
        nested = {part: nested}
    return dict(nested)


def _merge(
    into: dict[str, Any],
    new: Mapping[str, Any],
    place: str,
    places: dict[tuple[str, ...], str],
    at: tuple[str, ...] = (),
) -> None:
    for key, value in new.items():
        path = (*at, key)
        places[path] = place
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _merge(into[key], value, place, places, path)
        elif isinstance(value, Mapping):
            into[key] = {}
            _merge(into[key], value, place, places, path)
        else:
            into[key] = value


def _sentence(path: tuple[str, ...], error: Any) -> str:
    name = ".".join(path)
    if error["type"] != "extra_forbidden":
        return f"setting {name!r}: {error['msg'].lower()} (given {error['input']!r})"
    section: Any = Settings()
    for part in path[:-1]:
        section = getattr(section, part)
    close = difflib.get_close_matches(path[-1], list(type(section).model_fields), n=1)
    return f"unknown setting {name!r}" + (f", did you mean {close[0]!r}?" if close else "")
