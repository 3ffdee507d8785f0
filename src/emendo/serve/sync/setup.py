"""The first trust of a device: the root that it pins, and the settings by which it follows a channel."""

from __future__ import annotations

import json
from pathlib import Path

from emendo.errors import UsageError
from emendo.settings import FILE_NAME, ChannelSettings
from emendo.tools.files import write_bytes, write_text
from emendo.workspace.folder import Workspace

from .device import Device


def pin(folder: Path, root: Path, url: str, group: str = "", device: str = "") -> Workspace:
    """Make `folder` a workspace that follows the channel at `url`, trusting `root` and what it vouches for.

    Raises UsageError when the root is none, when another is pinned already, or `emendo.toml` has a channel already.
    """
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata, Root

    try:
        content = root.read_bytes()
        trusted = Metadata[Root].from_bytes(content)
        trusted.signed.verify_delegate("root", trusted.signed_bytes, trusted.signatures)
    except (OSError, RepositoryError, AttributeError, ValueError) as error:
        raise UsageError(
            f"{root} is no root of a channel ({error})", remedy="take 1.root.json of the channel"
        ) from error
    workspace = Workspace.init(folder)
    held = Device(workspace, ChannelSettings())
    if held.root.is_file() and held.root.read_bytes() != content:
        raise UsageError(f"{held.root} pins another root", remedy="remove it if this device is to change hands")
    toml = workspace.root / FILE_NAME
    text = toml.read_text(encoding="utf-8") if toml.is_file() else ""
    if workspace.settings().channel.url not in ("", url):
        raise UsageError("names another channel", where=toml, remedy="change the section [channel] by hand")
    write_bytes(held.root, content)
    if not workspace.settings().channel.url:
        keys = {"url": url, "group": group, "device": device}
        section = "".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items() if value)
        blank = "\n" if text and not text.endswith("\n\n") else ""
        write_text(toml, f"{text}{'' if text.endswith(chr(10)) or not text else chr(10)}{blank}[channel]\n{section}")
    workspace.settings()
    return workspace
