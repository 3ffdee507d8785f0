"""Bundles, archives, pictures and captures in a bucket: verified, resumed where an upload broke off, never half there.

    PREFIX/bundles/ID/...            the files of a bundle, by its content id; bundle.yaml comes last
    PREFIX/endpoints/ID/model.tar.gz the same for a SageMaker endpoint
    PREFIX/images/AA/HASH.png        pictures, by their content
    PREFIX/captures/NAME/2026-...    what a service captured (see `monitor.captures`), NAME being the service

A bundle is there when its bundle.yaml is, which lists size and SHA-256 of every other file: whoever reads sees all of
it or nothing. S3 checks the SHA-256 of everything that is sent (AWS, "Checking object integrity in Amazon S3").
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

from ..errors import UsageError
from ..models.bundle import INFO_FILE, Bundle
from ..tools.files import sha256_bytes, sha256_file
from .aws import MISSING, Account, CloudError, asking

SCHEME: Final = "s3://"
BUNDLES: Final = "bundles"
ENDPOINTS: Final = "endpoints"
IMAGES: Final = "images"
CAPTURES: Final = "captures"
PART_BYTES: Final = 16 << 20
"""Files larger than this are sent in parts of this size, and a broken upload goes on at the part that is missing."""
Tell = Callable[[int, int, str], None]
"""Progress: bytes done, bytes in all, and of which file."""


def silent(done: int, total: int, text: str = "") -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Store:
    """A bucket and the prefix in it below which everything lies (empty, or ending in a slash)."""

    client: Any
    bucket: str
    prefix: str = ""
    part_bytes: int = PART_BYTES

    @classmethod
    def at(cls, uri: str, account: Account) -> Self:
        """The store at `s3://BUCKET/PREFIX`. Raises UsageError for another address."""
        bucket, prefix = split(uri)
        return cls(account.client("s3"), bucket, f"{prefix.rstrip('/')}/" if prefix else "")

    def below(self, prefix: str) -> Store:
        """The same further down."""
        return replace(self, prefix=f"{self.prefix}{prefix}/")

    def uri(self, key: str = "") -> str:
        """Address of a key below the prefix."""
        return f"{SCHEME}{self.bucket}/{self.prefix}{key}"

    def size(self, key: str) -> tuple[int, str] | None:
        """Bytes of an object and the SHA-256 that was said of it when it was put; None when it is not there."""
        try:
            with asking(self.uri(key)):
                found = self.client.head_object(Bucket=self.bucket, Key=self.prefix + key)
        except CloudError as error:
            if error.code in MISSING:
                return None
            raise
        return int(found["ContentLength"]), str(found.get("Metadata", {}).get("sha256", ""))

    def put_bytes(self, content: bytes, key: str, *, kind: str = "", only_new: bool = False) -> bool:
        """Put an object, whole; with `only_new` whatever is there stays. Whether something was put."""
        digest = hashlib.sha256(content)
        more: dict[str, Any] = {"ContentType": kind} if kind else {}
        if only_new:
            more["IfNoneMatch"] = "*"
        try:
            with asking(self.uri(key)):
                self.client.put_object(
                    Bucket=self.bucket,
                    Key=self.prefix + key,
                    Body=content,
                    ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
                    Metadata={"sha256": digest.hexdigest()},
                    **more,
                )
        except CloudError as error:
            if only_new and error.code in {"PreconditionFailed", "ConditionalRequestConflict"}:
                return False
            raise
        return True

    def put_file(self, path: Path, key: str, *, sha256: str = "", tell: Tell = silent) -> bool:
        """Put a file as an object, unless it is there already; whether anything was sent.

        `key` should name the content: an upload in parts that broke off goes on with what is there.
        """
        sha256 = sha256 or sha256_file(path)
        size = path.stat().st_size
        if self.size(key) == (size, sha256):
            tell(size, size, path.name)
            return False
        if size <= self.part_bytes:
            self.put_bytes(path.read_bytes(), key)
            tell(size, size, path.name)
            return True
        with asking(self.uri(key)):
            Parts(self, path, self.prefix + key, sha256, tell).send()
        return True

    def get(self, key: str, most: int) -> bytes:
        """An object of at most `most` bytes. Raises CloudError."""
        return b"".join(self.pieces(key, most=most))

    def pieces(self, key: str, *, start: int = 0, most: int) -> Iterator[bytes]:
        """An object from byte `start` on, piece by piece. Raises CloudError when there are more than `most` bytes."""
        more = {"Range": f"bytes={start}-"} if start else {}
        with asking(self.uri(key)):
            body = self.client.get_object(Bucket=self.bucket, Key=self.prefix + key, **more)["Body"]
            came = start
            for piece in body.iter_chunks(1 << 20):
                came += len(piece)
                if came > most:
                    raise CloudError(f"holds more than {most:,} bytes", where=self.uri(key))
                yield piece

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Keys below a prefix, relative to that of the store."""
        with asking(self.uri(prefix)):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix + prefix
            )
            for page in pages:
                for one in page.get("Contents", ()):
                    yield str(one["Key"]).removeprefix(self.prefix)

    def put_bundle(self, bundle: Bundle, tell: Tell = silent) -> str:
        """Put a bundle, by its content id; its address. What is there already is not sent again."""
        place = self.below(BUNDLES).below(bundle.id)
        for name, entry in bundle.info.files.items():
            place.put_file(bundle.folder / name, name, sha256=entry.sha256, tell=tell)
        place.put_bytes((bundle.folder / INFO_FILE).read_bytes(), INFO_FILE, kind="application/yaml")
        return place.uri().rstrip("/")

    def put_image(self, content: bytes, suffix: str = ".png") -> str:
        """Put a picture, by its content; its key."""
        digest = sha256_bytes(content)
        key = f"{IMAGES}/{digest[:2]}/{digest}{suffix}"
        if self.size(key) is None:
            self.put_bytes(content, key, only_new=True)
        return key

    def put_captures(self, folder: Path, name: str, tell: Tell = silent) -> tuple[int, int]:
        """Put what was captured in `folder` below the name of its service; files sent, and files that were there.

        A file that is being written is sent up to its last whole line; what is sent later replaces it.
        """
        sent = same = 0
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")):
            key = f"{CAPTURES}/{name}/{path.relative_to(folder).as_posix()}"
            if path.suffix == ".jsonl":
                content = path.read_bytes()
                content = content[: content.rfind(b"\n") + 1]
                new = self.size(key) != (len(content), sha256_bytes(content)) and self.put_bytes(content, key)
            else:
                new = self.put_file(path, key)
            sent, same = sent + new, same + (not new)
            tell(sent + same, 0, path.name)
        return sent, same


def split(uri: str) -> tuple[str, str]:
    """Bucket and prefix of `s3://BUCKET/PREFIX`. Raises UsageError."""
    bucket, _, prefix = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or not bucket:
        raise UsageError(f"{uri!r} is no address in S3", remedy="give s3://BUCKET/PREFIX")
    return bucket, prefix.strip("/")


@dataclass(frozen=True, slots=True)
class Parts:
    """A file on its way in parts: those that are there already, by their content, are not sent again."""

    store: Store
    path: Path
    key: str
    sha256: str
    tell: Tell

    def send(self) -> None:
        """Send what is missing, then make it one object; errors as of boto3."""
        client, place = self.store.client, {"Bucket": self.store.bucket, "Key": self.key}
        upload = (
            self._begun()
            or client.create_multipart_upload(**place, ChecksumAlgorithm="SHA256", Metadata={"sha256": self.sha256})[
                "UploadId"
            ]
        )
        there = self._there(upload)
        size, done, parts = self.path.stat().st_size, 0, []
        with self.path.open("rb") as stream:
            number = 0
            while content := stream.read(self.store.part_bytes):
                number += 1
                checksum = base64.b64encode(hashlib.sha256(content).digest()).decode()
                part = there.get(number)
                if part is None or not _same(part, content, checksum):
                    part = client.upload_part(
                        **place, UploadId=upload, PartNumber=number, Body=content, ChecksumSHA256=checksum
                    )
                parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": checksum})
                done += len(content)
                self.tell(done, size, self.path.name)
        client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})

    def _begun(self) -> str | None:
        """The last upload of this key that was not ended."""
        pages = self.store.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.store.bucket, Prefix=self.key
        )
        begun = [one for page in pages for one in page.get("Uploads", ()) if one["Key"] == self.key]
        return str(max(begun, key=lambda one: one["Initiated"])["UploadId"]) if begun else None

    def _there(self, upload: str) -> dict[int, Any]:
        pages = self.store.client.get_paginator("list_parts").paginate(
            Bucket=self.store.bucket, Key=self.key, UploadId=upload
        )
        return {int(one["PartNumber"]): one for page in pages for one in page.get("Parts", ())}


def _same(part: Any, content: bytes, checksum: str) -> bool:
    """Whether a part that is there holds this content."""
    if part["Size"] != len(content):
        return False
    if "ChecksumSHA256" in part:
        return bool(part["ChecksumSHA256"] == checksum)
    return bool(part["ETag"].strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest())
