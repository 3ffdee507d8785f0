"""Releases: a certified bundle is packed with its self-test, named by its content, and listed for a group of devices.

The model is tried in a child process while it is published, and what it reads there is what every device must read.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emendo.datasets.faces import BUILT_IN, PDF_FACES, Face
from emendo.datasets.invoices.build import make_document
from emendo.datasets.synth import make_line
from emendo.errors import BundleError, UsageError
from emendo.image.encode import png_bytes
from emendo.image.load import sample_image
from emendo.models.bundle import FIELDS_FAMILY, INFO_FILE, Bundle, read_bundle
from emendo.models.certificate import check_certificate
from emendo.models.channel import (
    BUNDLE,
    GROUP,
    LINES_FILE,
    MOST_LINES,
    SELF_TEST,
    Listing,
    Release,
    read_release,
    target_name,
)
from emendo.models.probe import probe
from emendo.pages.probed import probed_by
from emendo.tools.archives import pack
from emendo.tools.files import PARTIAL, sha256_file, sync_folder, write_json
from emendo.types import Image, Sample

from .repository import DAYS, Channel

if TYPE_CHECKING:
    from tuf.api.metadata import TargetFile

DRAWN: Final = 8
"""Lines that are drawn for a self-test where none are given."""
DRAWN_PAGES: Final = 2
"""The same for a model of fields."""
_SPACE, _SEED = 17, 1


def publish(
    channel: Channel,
    folder: Path,
    group: str,
    share: int = 100,
    *,
    samples: Sequence[Sample] = (),
    days: int = DAYS,
) -> Release:
    """Offer the bundle in `folder` to `share` percent of the devices of `group`; again with a greater share: to more.

    The self-test is made of `samples`, or of lines drawn for it; a bundle that is in the channel already keeps its
    archive. Raises BundleError for a bundle without a parity certificate that the channel accepts, or that cannot be
    run; UsageError for a share that shrinks or a self-test of which the model reads nothing.
    """
    if not re.fullmatch(GROUP, group):
        raise UsageError(f"{group!r} is no name of a group", remedy="use small letters, digits, '-', '_' and '.'")
    if not 1 <= share <= 100:
        raise UsageError(f"a share of {share} percent cannot be", remedy="give 1 to 100")
    bundle = read_bundle(folder)
    certificate = check_certificate(bundle, channel.certificate_keys())
    with channel.changing():
        before = releases(channel).get(bundle.id)
        listing = before.groups.get(group) if before else None
        renewed = listing is not None and not listing.withdrawn
        if listing is not None and renewed and listing.share > share:
            what = f"{bundle.id} has reached {listing.share} percent of {group} already"
            raise UsageError(what, remedy="give a greater share, or withdraw it")
        target = _target(channel, bundle) if before else None
        if target is None:
            target = _packed(channel, bundle, samples)
        number = channel.state()[0].signed.version + 1
        created = datetime.now(UTC).isoformat(timespec="seconds")
        entry = Listing(number=number, share=share, created=created)
        if listing is not None and renewed:
            entry = listing.model_copy(update={"share": share})
        release = Release(
            bundle=bundle.id,
            certificate=certificate.bundle,
            name=bundle.info.name,
            groups={**(before.groups if before else {}), group: entry},
        )
        _list(channel, target, release, days)
        return release


def withdraw(channel: Channel, bundle: str, group: str = "", *, days: int = DAYS) -> Release:
    """Take a release back, from one group or from all: devices that have it return to what they had before.

    Raises UsageError when it is not offered.
    """
    with channel.changing():
        release = releases(channel).get(bundle)
        standing = [name for name, one in release.groups.items() if not one.withdrawn] if release else []
        concerned = [name for name in standing if group in ("", name)]
        target = _target(channel, bundle)
        if release is None or target is None or not concerned:
            what = f"{bundle} is not offered to {group or 'any group'}"
            raise UsageError(what, remedy="look with `emendo channel show`")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        taken = {name: release.groups[name].model_copy(update={"withdrawn": now}) for name in concerned}
        release = release.model_copy(update={"groups": {**release.groups, **taken}})
        _list(channel, target, release, days)
        if all(one.withdrawn for one in release.groups.values()):
            for path in channel.targets_folder.glob(f"*.{target_name(bundle)}"):
                path.unlink()
        return release


def releases(channel: Channel) -> dict[str, Release]:
    """The releases of a channel by content id."""
    found = {}
    for path, target in channel.state()[0].signed.targets.items():
        release = read_release(path, target.custom)
        if release is not None:
            found[release.bundle] = release
    return found


def show(channel: Channel) -> dict[str, Any]:
    """What a channel offers and until when its metadata hold (ISO 8601 UTC), for `emendo channel show`."""
    targets, snapshot, timestamp = channel.state()
    root = channel.root()
    roles = {"root": root, "targets": targets, "snapshot": snapshot, "timestamp": timestamp}
    return {
        "folder": str(channel.folder),
        "roles": {
            name: {
                "version": one.signed.version,
                "expires": one.signed.expires.isoformat(),
                "keys": len(one.signatures),
            }
            for name, one in roles.items()
        },
        "threshold": root.signed.roles["root"].threshold,
        "certificate_keys": [str(key["keyid"]) for key in channel.certificate_keys()],
        "releases": [
            {
                **release.model_dump(mode="json"),
                "bytes": targets.signed.targets[target_name(release.bundle)].length,
            }
            for release in sorted(releases(channel).values(), key=_newest)
        ],
    }


def write_archive(bundle: Bundle, target: Path, images: Sequence[Image], texts: Sequence[str]) -> None:
    """A release as a file: the same bundle and lines give the same bytes."""
    with TemporaryDirectory(dir=target.parent, prefix=PARTIAL) as place:
        held, tests = Path(place) / BUNDLE, Path(place) / SELF_TEST
        tests.mkdir()
        for name in (*bundle.info.files, INFO_FILE):
            (held / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.folder / name, held / name)
        rows = []
        for at, (image, text) in enumerate(zip(images, texts, strict=True)):
            name = f"{at:03}.png"
            (tests / name).write_bytes(png_bytes(image))
            rows.append({"image": name, "text": text})
        write_json(tests / LINES_FILE, {"lines": rows})
        pack(Path(place), target, stored=True)


def _packed(channel: Channel, bundle: Bundle, samples: Sequence[Sample]) -> TargetFile:
    """The archive of a bundle among the targets, and its description."""
    from tuf.api.metadata import TargetFile

    images = [sample_image(sample) for sample in samples[:MOST_LINES]] or _drawn(bundle)
    texts = probe(bundle.folder, images=images, by=probed_by(bundle)).texts
    if 2 * sum(bool(text) for text in texts) < len(texts):
        raise UsageError(
            f"{bundle.id} reads nothing of {sum(not text for text in texts)} of {len(texts)} lines of the self-test",
            remedy="give lines that it reads with --lines",
        )
    name = target_name(bundle.id)
    partial = channel.targets_folder / f"{PARTIAL}{name}"
    try:
        write_archive(bundle, partial, images, texts)
        target = TargetFile.from_file(name, str(partial), ["sha256"])
        partial.replace(channel.targets_folder / f"{sha256_file(partial)}.{name}")
        sync_folder(channel.targets_folder)
    finally:
        partial.unlink(missing_ok=True)
    return target


def _newest(release: Release) -> int:
    return max(listing.number for listing in release.groups.values())


def _drawn(bundle: Bundle) -> list[Image]:
    """What a model of this family reads: lines, or pages of made-up documents."""
    if bundle.info.family == FIELDS_FAMILY:
        pages = (make_document(_SEED, at).scans[0].image for at in range(DRAWN_PAGES))
        return [np.repeat(page[:, :, None], 3, axis=2) for page in pages]
    faces: tuple[Face, ...] = (*PDF_FACES, BUILT_IN)
    return [make_line(_SPACE, _SEED, at, faces, longest=24).image for at in range(DRAWN)]


def _target(channel: Channel, bundle: Bundle | str) -> TargetFile | None:
    """The target of a bundle that is in the channel, None when its archive is not on the disk (any more)."""
    name = target_name(bundle if isinstance(bundle, str) else bundle.id)
    target: TargetFile | None = channel.state()[0].signed.targets.get(name)
    if target is None:
        return None
    if isinstance(bundle, str):
        return target
    path = channel.targets_folder / f"{target.hashes['sha256']}.{name}"
    if not path.is_file():
        return None
    if sha256_file(path) != target.hashes["sha256"]:
        raise BundleError("was altered in the channel", where=path, remedy="withdraw the release and publish it again")
    return target


def _list(channel: Channel, target: TargetFile, release: Release, days: int) -> None:
    def change(targets: Any) -> None:
        target.unrecognized_fields["custom"] = release.model_dump(mode="json")
        targets.targets[target.path] = target

    channel.commit(days, change)
