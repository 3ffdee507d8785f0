"""Models in S3 by their address: `s3://BUCKET/PREFIX/bundles/ID` is fetched once, verified, and read from the cache."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ..errors import BundleError
from ..models.base import cache_folder
from ..models.bundle import FILE_BYTES, INFO_BYTES, INFO_FILE, Bundle, read_bundle
from ..settings import load_settings
from ..tools.files import new_folder, remove_folder, sha256_bytes, sha256_file, write_bytes
from ..tools.locks import held
from .aws import MISSING, Account, CloudError
from .s3 import Store

CACHED: Final = "s3"
CONTENT_ID: Final = re.compile("[0-9a-f]{16}")


def fetch_bundle(reference: str, workspace: Path | None) -> Bundle:
    """The verified bundle at an address in S3.

    Where the address ends in a content id, what is in the cache is not asked for again. Raises UsageError for what is
    no address, BundleError when nothing or something else lies there, CloudError when it cannot be fetched.
    """
    known = _cached(_last(reference))
    if known is not None:
        return known
    cloud = load_settings(workspace).cloud
    return get_bundle(Store.at(reference, Account(cloud.region, cloud.profile)))


def get_bundle(store: Store) -> Bundle:
    """The verified bundle whose files lie at the prefix of a store, in the cache; what came before a break is kept."""
    try:
        told = store.get(INFO_FILE, INFO_BYTES)
    except CloudError as error:
        if error.code in MISSING:
            what = f"holds no model bundle (no {INFO_FILE})"
            raise BundleError(what, where=store.uri(), remedy="give s3://BUCKET/PREFIX/bundles/ID") from error
        raise
    place = cache_folder() / CACHED
    staged = place / f".staged-{sha256_bytes(told)[:16]}"
    place.mkdir(parents=True, exist_ok=True)
    with held(place / f"{staged.name}.lock"):  # whoever wants the same model waits until it is there
        write_bytes(staged / INFO_FILE, told)
        info = read_bundle(staged, verify=False).info
        if CONTENT_ID.fullmatch(_last(store.uri())) and info.id != _last(store.uri()):
            raise BundleError(f"holds the model {info.id}", where=store.uri(), remedy="put the bundle there again")
        known = _cached(info.id)
        if known is None:
            for name, entry in info.files.items():
                _fetch(store, name, staged / name, entry.size, entry.sha256)
            read_bundle(staged)
            with new_folder(place / info.id, replace=True) as folder:
                for name in (*info.files, INFO_FILE):
                    (folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (staged / name).replace(folder / name)
        remove_folder(staged)
    return known or read_bundle(place / info.id)


def _last(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]


def _cached(name: str) -> Bundle | None:
    """The bundle of a content id in the cache; None when it is not there, or not whole any more."""
    if not CONTENT_ID.fullmatch(name):
        return None
    try:
        found = read_bundle(cache_folder() / CACHED / name)
    except BundleError:
        return None
    return found if found.id == name else None


def _fetch(store: Store, name: str, target: Path, size: int, sha256: str) -> None:
    """Bring a file of a bundle, from where an earlier try broke off."""
    if target.is_file() and target.stat().st_size == size and sha256_file(target) == sha256:
        return
    partial = target.parent / f".{target.name}.part"
    partial.parent.mkdir(parents=True, exist_ok=True)
    start = partial.stat().st_size if partial.is_file() else 0
    if start >= size:
        partial.unlink(missing_ok=True)
        start = 0
    if size:
        with partial.open("ab") as out:
            for piece in store.pieces(name, start=start, most=min(size, FILE_BYTES)):
                out.write(piece)
    else:
        partial.write_bytes(b"")
    if sha256_file(partial) != sha256:
        partial.unlink()
        raise BundleError("differs from its checksum", where=store.uri(name), remedy="put the bundle there again")
    partial.replace(target)
