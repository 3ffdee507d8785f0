"""The keys of a channel, one file each, which only their owner can read.

root/1.pem ...     make other keys valid; belong on media that lie in a drawer, in different drawers
targets.pem        says which releases there are
snapshot.pem       says which metadata belong together
timestamp.pem      says which is the newest, again and again
certificate.pem    signs parity certificates; belongs where models are exported
certificate.json   its public half
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emendo.errors import UsageError
from emendo.tools.files import new_folder, write_text
from emendo.tools.signing import load_key, make_key, public_key

ONLINE: Final = ("targets", "snapshot", "timestamp")
"""Roles with one key each, needed to publish."""
CERTIFICATE: Final = "certificate"


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """A folder with the keys of a channel, or with some of them."""

    folder: Path

    @property
    def root_files(self) -> list[Path]:
        """The root keys that are here."""
        return sorted((self.folder / "root").glob("*.pem"))

    def signer(self, role: str) -> Any:
        """The key of a role. Raises UsageError when it is not here."""
        return load_key(self.folder / f"{role}.pem")

    def root_signers(self) -> list[Any]:
        """The root keys that are here."""
        return [load_key(path) for path in self.root_files]

    def certificate_key(self) -> dict[str, Any]:
        """The public key of parity certificates."""
        return read_public_key(self.folder / f"{CERTIFICATE}.json")


def make_keys(folder: Path, root_keys: int) -> KeyFolder:
    """New keys in a new folder, whole or not at all."""
    with new_folder(folder) as partial:
        partial.chmod(0o700)
        for number in range(1, root_keys + 1):
            make_key(partial / "root" / f"{number}.pem")
        for role in ONLINE:
            make_key(partial / f"{role}.pem")
        certificate = make_key(partial / f"{CERTIFICATE}.pem")
        write_text(partial / f"{CERTIFICATE}.json", json.dumps(public_key(certificate), indent=1) + "\n")
    return KeyFolder(folder)


def default_keys(channel: Path) -> Path:
    """Where the keys of a channel lie unless it is said: beside it, for what is in it is served."""
    place = channel.resolve()
    return place.with_name(f"{place.name}.keys")


def read_public_key(path: Path) -> dict[str, Any]:
    """A public key from a JSON file. Raises UsageError when it holds none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path} holds no public key ({error})", remedy="give certificate.json of a channel"
        ) from error
    if not isinstance(content, dict) or not {"keyid", "keytype", "scheme", "keyval"} <= set(content):
        raise UsageError(f"{path} holds no public key", remedy="give certificate.json of a channel")
    return content


def key_ids(keys: Iterable[Any]) -> set[str]:
    """The ids of some key pairs."""
    return {key.public_key.keyid for key in keys}
