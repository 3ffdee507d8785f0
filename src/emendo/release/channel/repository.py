"""The signed metadata of a channel, as The Update Framework has them: root, targets, snapshot, timestamp.

Every change writes new files beside the old ones (consistent snapshots) and `timestamp.json`, by which devices find
them, last: a publisher who is killed at any moment leaves the channel as it was, and the next one writes over what
nobody has been told of. Hashes and lengths stand in snapshot and timestamp, so that pieces of different states never
fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emendo.errors import EngineError, FormatError, UsageError
from emendo.models.channel import CERTIFICATE_KEYS, METADATA, TARGETS
from emendo.tools.files import new_folder, remove_folder, sync_folder, write_bytes
from emendo.tools.locks import held
from emendo.tools.signing import INSTALL, load_key, make_key

from .keys import ONLINE, KeyFolder, default_keys, key_ids, make_keys

if TYPE_CHECKING:
    from tuf.api.metadata import Metadata

DAYS: Final = 30
"""Days for which snapshot and timestamp are valid: a device that hears nothing new for longer trusts no more."""
TARGETS_DAYS: Final = 365
ROOT_DAYS: Final = 730
RENEW_BEFORE: Final = timedelta(days=60)
"""What has less time left than this is signed again by `renew`: targets, and the root where its keys are at hand."""
_NOBODY: Final[Mapping[str, Any]] = {}
KEPT: Final = 10
"""Versions of snapshot and targets that stay on the disk, for devices that are just fetching them."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel on disk with its keys."""

    folder: Path
    keys: KeyFolder

    @classmethod
    def open(cls, folder: Path, keys: Path | None = None) -> Channel:
        """The channel in a folder. Raises UsageError when there is none."""
        if not (folder / METADATA / "timestamp.json").is_file():
            raise UsageError(f"{folder} is no channel", remedy=f"run `emendo channel init {folder}` first")
        return cls(folder, KeyFolder(keys or default_keys(folder)))

    @property
    def metadata(self) -> Path:
        """Where the signed files lie."""
        return self.folder / METADATA

    @property
    def targets_folder(self) -> Path:
        """Where the releases lie."""
        return self.folder / TARGETS

    def root(self) -> Metadata[Any]:
        """The newest root."""
        newest = max(_versions(self.metadata, "root"), default=0)
        return read_metadata(self.metadata / f"{newest}.root.json")

    def state(self) -> tuple[Metadata[Any], Metadata[Any], Metadata[Any]]:
        """Targets, snapshot and timestamp as devices see them now."""
        timestamp = read_metadata(self.metadata / "timestamp.json")
        snapshot = read_metadata(self.metadata / f"{timestamp.signed.snapshot_meta.version}.snapshot.json")
        version = snapshot.signed.meta["targets.json"].version
        return read_metadata(self.metadata / f"{version}.targets.json"), snapshot, timestamp

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Be the only one who changes the channel while the block runs."""
        if not self.keys.folder.is_dir():
            raise UsageError(f"no keys of the channel in {self.keys.folder}", remedy="give their folder with --keys")
        with held(self.keys.folder / "lock"):
            yield

    def certificate_keys(self) -> list[Mapping[str, Any]]:
        """The public keys whose parity certificates are accepted."""
        return list(self.root().signed.unrecognized_fields.get(CERTIFICATE_KEYS, []))

    def commit(self, days: int, change: Callable[[Any], None] | None = None, also: Mapping[str, Any] = _NOBODY) -> None:
        """Sign a new state: targets after `change` (as they were without it), snapshot, and timestamp last.

        `also` are keys that sign beside those of the roles. Raises UsageError when a key is not the channel's.
        """
        targets, snapshot, timestamp = self.state()
        signers = {role: [self._signer(role), *([also[role]] if role in also else [])] for role in ONLINE}
        if change is not None:
            change(targets.signed)
            _bump(targets, TARGETS_DAYS)
            self._write("targets", targets, *signers["targets"])
        snapshot.signed.meta["targets.json"] = _described(self.metadata / f"{targets.signed.version}.targets.json")
        _bump(snapshot, days)
        self._write("snapshot", snapshot, *signers["snapshot"])
        timestamp.signed.snapshot_meta = _described(self.metadata / f"{snapshot.signed.version}.snapshot.json")
        _bump(timestamp, days)
        self._write("timestamp", timestamp, *signers["timestamp"])
        _drop_old(self.metadata)

    def _signer(self, role: str) -> Any:
        signer = self.keys.signer(role)
        if signer.public_key.keyid not in self.root().signed.roles[role].keyids:
            what = f"{self.keys.folder / role}.pem is not the channel's key of {role}"
            raise UsageError(what, remedy="give the right --keys, or finish `emendo channel rotate`")
        return signer

    def sign_root(self, change: Callable[[Any], None], more: Sequence[Any] = ()) -> int:
        """A new version of the root, signed by the root keys at hand and `more`; returns how it is numbered.

        Raises UsageError when they are too few.
        """
        root = self.root()
        threshold = root.signed.roles["root"].threshold
        signers = [*self.keys.root_signers(), *more]
        if len(key_ids(signers) & set(root.signed.roles["root"].keyids)) < threshold:
            where = self.keys.folder / "root"
            raise UsageError(
                f"{threshold} root keys of the channel are needed and {where} holds {len(signers)}",
                remedy="bring them there from where they are kept",
            )
        change(root.signed)
        _bump(root, ROOT_DAYS)
        self._write("root", root, *signers)
        return int(root.signed.version)

    def _write(self, role: str, content: Metadata[Any], *signers: Any) -> None:
        content.signatures.clear()
        for signer in signers:
            content.sign(signer, append=True)
        number = "" if role == "timestamp" else f"{content.signed.version}."
        write_bytes(self.metadata / f"{number}{role}.json", content.to_bytes())


def init_channel(
    folder: Path,
    keys: Path | None = None,
    *,
    trusted: Sequence[Mapping[str, Any]] = (),
    root_keys: int = 3,
    threshold: int = 2,
    days: int = DAYS,
) -> Channel:
    """Make an empty channel, and its keys unless the folder `keys` holds them; whole or not at all.

    `trusted` are the public keys whose parity certificates count; without any, such a key is made. Raises UsageError
    when something is in the folder, or when the keys would lie in it, where they are served.
    """
    _need_tuf()
    place, folder = (keys or default_keys(folder)).resolve(), folder.resolve()
    if place.is_relative_to(folder):
        raise UsageError("the keys would lie in the channel, which is served", remedy="give another --keys")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty", remedy="give a new folder")
    if not 1 <= threshold <= root_keys:
        raise UsageError(f"{threshold} of {root_keys} root keys cannot be", remedy="give --threshold up to --root-keys")
    if not place.exists():
        make_keys(place, root_keys, certificate=not trusted)
    held_keys = KeyFolder(place)
    if len(held_keys.root_files) < threshold:
        raise UsageError(f"{place} holds fewer than {threshold} root keys", remedy="give another --keys")
    if folder.is_dir():
        folder.rmdir()
    with new_folder(folder) as partial:
        (partial / METADATA).mkdir()
        (partial / TARGETS).mkdir()
        _first(Channel(partial, held_keys), trusted or held_keys.certificate_keys(), threshold, days)
    return Channel(folder, held_keys)


def _first(channel: Channel, trusted: Sequence[Mapping[str, Any]], threshold: int, days: int) -> None:
    from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp

    keys = channel.keys
    signers = keys.root_signers()
    root = Metadata(
        Root(
            expires=_expiry(ROOT_DAYS),
            consistent_snapshot=True,
            unrecognized_fields={CERTIFICATE_KEYS: [dict(key) for key in trusted]},
        )
    )
    for signer in signers:
        root.signed.add_key(signer.public_key, "root")
    root.signed.roles["root"].threshold = threshold
    for role in ("targets", "snapshot", "timestamp"):
        root.signed.add_key(keys.signer(role).public_key, role)
    channel._write("root", root, *signers)
    channel._write("targets", Metadata(Targets(expires=_expiry(TARGETS_DAYS))), keys.signer("targets"))
    snapshot = Metadata(Snapshot(expires=_expiry(days)))
    snapshot.signed.meta["targets.json"] = _described(channel.metadata / "1.targets.json")
    channel._write("snapshot", snapshot, keys.signer("snapshot"))
    timestamp = Metadata(Timestamp(expires=_expiry(days)))
    timestamp.signed.snapshot_meta = _described(channel.metadata / "1.snapshot.json")
    channel._write("timestamp", timestamp, keys.signer("timestamp"))


def renew(channel: Channel, days: int = DAYS) -> list[str]:
    """Sign timestamp and snapshot again, and what else expires soon; returns what was done and what ought to be."""
    with channel.changing():
        said = []
        targets, _, _ = channel.state()
        soon = datetime.now(UTC) + RENEW_BEFORE
        if targets.signed.expires < soon:
            channel.commit(days, lambda _: None)
            said.append(f"targets, snapshot and timestamp are signed; the last two hold for {days} days")
        else:
            channel.commit(days)
            said.append(f"snapshot and timestamp are signed and hold for {days} days")
        root = channel.root().signed
        if root.expires < soon:
            if len(channel.keys.root_files) >= root.roles["root"].threshold:
                said.append(f"root {channel.sign_root(lambda _: None)} is signed and holds for {ROOT_DAYS} days")
            else:
                said.append(f"the root expires {root.expires:%Y-%m-%d}: run it again with the root keys at hand")
        return said


def trust(channel: Channel, key: Mapping[str, Any], *, no_more: bool = False) -> int:
    """Accept the parity certificates of a key, or with `no_more` accept them no longer; returns the root's version.

    Raises UsageError when the root keys at hand are too few.
    """

    def change(root: Any) -> None:
        known = [one for one in root.unrecognized_fields.get(CERTIFICATE_KEYS, []) if one["keyid"] != key["keyid"]]
        root.unrecognized_fields[CERTIFICATE_KEYS] = known if no_more else [*known, dict(key)]

    with channel.changing():
        return channel.sign_root(change)


def rotate_root(channel: Channel) -> int:
    """Replace all root keys, as many and with the same threshold, signed by the old ones and the new; returns the
    root's version.

    The old ones are kept in `root.old`, for they sign nothing any more. Killed in between, it goes on where it was.
    Raises UsageError when the root keys at hand are too few.
    """
    with channel.changing():
        folder = channel.keys.folder
        old, fresh = folder / "root", folder / "root.new"
        role = channel.root().signed.roles["root"]
        if not fresh.is_dir():
            with new_folder(fresh) as partial:
                for number in range(1, len(role.keyids) + 1):
                    make_key(partial / f"{number}.pem")
        signers = [load_key(path) for path in sorted(fresh.glob("*.pem"))]
        if not key_ids(signers) <= set(role.keyids):

            def change(root: Any) -> None:
                for keyid in list(role.keyids):
                    root.revoke_key(keyid, "root")
                for signer in signers:
                    root.add_key(signer.public_key, "root")

            channel.sign_root(change, signers)
        if old.is_dir():
            remove_folder(folder / "root.old")
            old.replace(folder / "root.old")
        fresh.replace(old)
        sync_folder(folder)
        return int(channel.root().signed.version)


def rotate(channel: Channel, role: str) -> int:
    """Replace the key of a role that publishes, which may have been stolen; returns the root's version.

    Devices refuse what the thief signs as soon as they see the new root. Killed in between, it goes on where it was.
    Raises UsageError when the root keys at hand are too few.
    """
    if role not in ONLINE:
        raise UsageError(f"{role!r} has no key that can be replaced", remedy=f"use root, {', '.join(ONLINE)}")
    with channel.changing():
        fresh = channel.keys.folder / f"{role}.new.pem"
        signer = load_key(fresh) if fresh.is_file() else make_key(fresh)
        root = channel.root().signed
        if signer.public_key.keyid not in root.roles[role].keyids:

            def change(root: Any) -> None:
                for keyid in list(root.roles[role].keyids):
                    root.revoke_key(keyid, role)
                root.add_key(signer.public_key, role)

            channel.commit(DAYS, lambda _: None, {role: signer})  # signed by both: good before the new root and after
            channel.sign_root(change)
        fresh.replace(channel.keys.folder / f"{role}.pem")
        sync_folder(channel.keys.folder)
        channel.commit(DAYS, lambda _: None)
        return int(channel.root().signed.version)


def read_metadata(path: Path) -> Metadata[Any]:
    """A signed file. Raises FormatError when it is none."""
    _need_tuf()
    from tuf.api.exceptions import RepositoryError
    from tuf.api.metadata import Metadata

    try:
        return Metadata.from_bytes(path.read_bytes())
    except (OSError, RepositoryError) as error:
        raise FormatError(f"is no TUF metadata ({error})", where=path, remedy="restore the channel") from error


def _need_tuf() -> None:
    try:
        import tuf  # noqa: F401
    except ImportError as error:
        raise EngineError("a channel needs python-tuf", remedy=INSTALL) from error


def _expiry(days: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)


def _bump(content: Metadata[Any], days: int) -> None:
    content.signed.version += 1
    content.signed.expires = _expiry(days)


def _described(path: Path) -> Any:
    from tuf.api.metadata import MetaFile

    return MetaFile.from_data(int(path.name.partition(".")[0]), path.read_bytes(), ["sha256"])


def _versions(folder: Path, role: str) -> list[int]:
    return [int(path.name.partition(".")[0]) for path in folder.glob(f"[0-9]*.{role}.json")]


def _drop_old(folder: Path) -> None:
    for role in ("snapshot", "targets"):
        for version in sorted(_versions(folder, role))[:-KEPT]:
            (folder / f"{version}.{role}.json").unlink(missing_ok=True)
