"""The key with which what is exported here is signed, and the keys that are trusted when it is checked.

A workspace has its own (`.emendo/keys/release.pem`); outside of one the user's, in the folder of settings. Either is
made at the first export. The public half lies beside it (`release.pub.json`) and is what others are given.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from emendo.errors import UsageError
from emendo.tools.files import write_json
from emendo.tools.signing import load_key, make_key, public_key
from emendo.workspace.folder import Workspace

PRIVATE: Final = "release.pem"
PUBLIC: Final = "release.pub.json"
_KEYS: Final = "keys"


def key_folder(workspace: Workspace | None) -> Path:
    """Where the release key lies: in the workspace, else in the user's folder of settings.

    That is `emendo` in `XDG_CONFIG_HOME` or `~/.config`.
    """
    if workspace is not None:
        return workspace.hidden / _KEYS
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "emendo" / _KEYS


def release_key(workspace: Workspace | None, given: Path | None = None) -> Any:
    """The key pair to sign with: that of the file `given`, else the one of this place, made when it is not there.

    Raises UsageError for a file that holds none, EngineError when nothing can be signed here.
    """
    if given is not None:
        return load_key(given)
    folder = key_folder(workspace)
    path = folder / PRIVATE
    if path.exists():
        signer = load_key(path)
    else:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        signer = make_key(path)
    if not (folder / PUBLIC).exists():
        write_json(folder / PUBLIC, public_key(signer))
    return signer


def trusted_keys(workspace: Workspace | None, given: Sequence[Path] = ()) -> list[Mapping[str, Any]]:
    """The public keys of the files `given`, else the one of this place.

    Raises UsageError when a file holds none, or there is none here.
    """
    paths = list(given) or [key_folder(workspace) / PUBLIC]
    return [read_public(path) for path in paths]


def read_public(path: Path) -> dict[str, Any]:
    """A public key as `public_key` gives it, from a JSON file. Raises UsageError when it holds none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        what = f"there is no public key in {path} ({error.strerror})"
        raise UsageError(what, remedy=f"give --key FILE: the {PUBLIC} of those who exported") from error
    except ValueError as error:
        raise UsageError(f"{path} holds no public key", remedy=f"give the {PUBLIC} of those who exported") from error
    if not isinstance(content, dict) or not {"keyid", "keytype", "scheme", "keyval"} <= content.keys():
        raise UsageError(f"{path} holds no public key", remedy=f"give the {PUBLIC} of those who exported")
    return content
