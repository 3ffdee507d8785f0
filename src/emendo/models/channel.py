"""What a channel and its devices agree on: how a release is named, described, packed, shared out and tested.

A channel is a repository of The Update Framework (TUF, https://theupdateframework.github.io/specification/latest/)
made of plain files. A release is one of its targets, an archive named `CONTENT-ID.zip`:

    bundle/...            the bundle, every file of it
    selftest/lines.json   what the model reads of each picture
    selftest/000.png ...  the pictures

Its description stands in the `custom` field of the target, so the keys of the channel vouch for it. The public keys of
those who may sign parity certificates stand in the root metadata: only the offline root keys can change them, so a
thief of the publishing keys can put no model on a device that was not measured.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emendo.errors import BundleError
from emendo.tools.files import sha256_bytes

METADATA: Final = "metadata"
TARGETS: Final = "targets"
"""Folders of a channel; a device finds both below the address of the channel."""
CERTIFICATE_KEYS: Final = "x-emendo-certificate-keys"
"""Field of the root metadata with the public keys whose parity certificates devices accept."""
BUNDLE: Final = "bundle"
SELF_TEST: Final = "selftest"
LINES_FILE: Final = "lines.json"
ROUNDING: Final = 0.05
"""Share of the characters of a self-test that may differ: another processor rounds otherwise, no more."""
MOST_LINES: Final = 64
GROUP: Final = r"[a-z0-9][a-z0-9._-]{0,62}"


class Listing(BaseModel):
    """A release in one group of devices: `number` orders releases (greater is newer), `share` is in percent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(ge=1)
    share: int = Field(ge=1, le=100)
    created: str = Field(max_length=40, description="ISO 8601 UTC.")
    withdrawn: str = Field("", max_length=40, description="ISO 8601 UTC; empty: it stands.")


class Release(BaseModel):
    """The description of a release; `certificate` is the content id of the bundle that its certificate is of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bundle: str = Field(pattern="^[0-9a-f]{16}$")
    certificate: str = Field(pattern="^[0-9a-f]{16}$")
    name: str = Field("", max_length=200)
    groups: dict[str, Listing] = Field(default_factory=dict)


class TestLine(BaseModel):
    """One picture of a self-test, and what the model reads of it."""

    __test__ = False
    model_config = ConfigDict(frozen=True, extra="forbid")

    image: str = Field(pattern=r"^[0-9]{3}\.png$")
    text: str = Field(max_length=2000)


class SelfTest(BaseModel):
    """The pictures of a release with their readings, at most `MOST_LINES`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lines: tuple[TestLine, ...] = Field(min_length=1, max_length=MOST_LINES)


def target_name(bundle: str) -> str:
    """Path of a release among the targets."""
    return f"{bundle}.zip"


def read_release(path: str, custom: Mapping[str, Any] | None) -> Release | None:
    """The release that a target is; None for a target that is none of ours."""
    try:
        release = Release.model_validate(custom or {})
    except ValidationError:
        return None
    return release if path == target_name(release.bundle) else None


def in_share(device: str, bundle: str, share: int) -> bool:
    """Whether a device is among the `share` percent that get a release.

    The place of a device, 0 to 99, follows from its id and the release: a growing share only adds devices, and
    another release meets other devices first.
    """
    return int(sha256_bytes(f"{bundle}\n{device}".encode())[:12], 16) % 100 < share


def read_self_test(folder: Path) -> SelfTest:
    """The self-test in a folder. Raises BundleError when there is none."""
    path = folder / LINES_FILE
    try:
        test = SelfTest.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        what = " ".join(str(error).split())[:120]
        raise BundleError(f"is no self-test ({what})", where=path, remedy="publish the release again") from error
    missing = [line.image for line in test.lines if not (folder / line.image).is_file()]
    if missing:
        raise BundleError(f"lacks the picture {missing[0]}", where=folder, remedy="publish the release again")
    return test


def compare(expected: Sequence[str], read: Sequence[str]) -> str:
    """What is wrong when a self-test should read `expected` and reads `read`: a sentence, or nothing."""
    from rapidfuzz.distance import Levenshtein

    if len(expected) != len(read):
        return f"{len(read)} of {len(expected)} lines were read"
    wrong = sum(Levenshtein.distance(one, other) for one, other in zip(expected, read, strict=True))
    characters = sum(map(len, expected))
    if wrong <= ROUNDING * characters:
        return ""
    first, other = next((one, other) for one, other in zip(expected, read, strict=True) if one != other)
    return f"{wrong} of {characters} characters differ; {first[:60]!r} is read as {other[:60]!r}"
