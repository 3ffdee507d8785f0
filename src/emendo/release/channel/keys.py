"""The keys of a channel, one file each, which only their owner can read.

root/1.pem ...     make other keys valid; belong on media that lie in a drawer, in different drawers
targets.pem        says which releases there are
snapshot.pem       says which metadata belong together
timestamp.pem      says which is the newest, again and again
certificate.pem    signs parity certificates; belongs where models are exported
certificate.json   its public half
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emendo.tools.files import new_folder, write_json
from emendo.tools.signing import load_key, make_key, public_key

from ..keys import read_public

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

    def certificate_keys(self) -> list[dict[str, Any]]:
        """The public key of parity certificates that was made with these keys, where there is one."""
        path = self.folder / f"{CERTIFICATE}.json"
        return [read_public(path)] if path.is_file() else []


def make_keys(folder: Path, root_keys: int, *, certificate: bool) -> KeyFolder:
    """New keys in a new folder, whole or not at all; with `certificate` one that signs parity certificates too."""
    with new_folder(folder) as partial:
        partial.chmod(0o700)
        for number in range(1, root_keys + 1):
            make_key(partial / "root" / f"{number}.pem")
        for role in ONLINE:
            make_key(partial / f"{role}.pem")
        if certificate:
            signer = make_key(partial / f"{CERTIFICATE}.pem")
            write_json(partial / f"{CERTIFICATE}.json", public_key(signer))
    return KeyFolder(folder)


def default_keys(channel: Path) -> Path:
    """Where the keys of a channel lie unless it is said: beside it, for what is in it is served."""
    place = channel.resolve()
    return place.with_name(f"{place.name}.keys")


def key_ids(keys: Iterable[Any]) -> set[str]:
    """The ids of some key pairs."""
    return {key.public_key.keyid for key in keys}
