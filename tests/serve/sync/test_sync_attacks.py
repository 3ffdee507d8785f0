"""Each attack is named in the log, and the old model goes on reading."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emendo.models.bundle import read_bundle, update_info
from emendo.release.channel.publish import releases
from emendo.release.channel.repository import init_channel
from emendo.serve.sync.device import Bad
from emendo.serve.sync.faults import Fault
from emendo.tools.archives import pack
from emendo.tools.files import sha256_file

from .devices import World
from .hostile import Mischief, serving


def held_off(world: World, fault: Fault, **changes: Any) -> None:
    """The device looks, says what is wrong, and reads as before."""
    said: list[str] = []
    status = world.look(say=said.append, **changes)
    assert status.state == fault, status
    assert status.model == world.first
    assert world.events()[-1] == fault
    assert any(line.startswith(str(fault)) or f"{fault}: " in line for line in said)
    assert world.read() == "abdge"
    names = {path.name for path in world.workspace.models.iterdir()}
    assert names == {world.first, "champion.json"}
    assert read_bundle(world.workspace.models / world.first).id == world.first
    assert not world.device().staging.exists() or not any(world.device().staging.iterdir())


def timestamp(world: World) -> Path:
    return world.publisher.channel.metadata / "timestamp.json"


def expired(world: World) -> None:
    world.publisher.channel.commit(-1)


def rolled_back(world: World) -> None:
    old = timestamp(world).read_bytes()
    world.publisher.channel.commit(30)
    assert world.look().state == "up to date"
    timestamp(world).write_bytes(old)


def mixed(world: World) -> None:
    """The newest timestamp with a snapshot of yesterday under its name."""
    world.publisher.release("second")
    channel = world.publisher.channel
    newest = channel.state()[1].signed.version
    shutil.copyfile(channel.metadata / f"{newest - 1}.snapshot.json", channel.metadata / f"{newest}.snapshot.json")


def mixed_targets(world: World) -> None:
    world.publisher.release("second")
    channel = world.publisher.channel
    newest = channel.state()[0].signed.version
    shutil.copyfile(channel.metadata / f"{newest - 1}.targets.json", channel.metadata / f"{newest}.targets.json")


def forged(world: World) -> None:
    """A whole other channel, signed by somebody else's keys, under the same address."""
    other = init_channel(world.folder / "other", root_keys=1, threshold=1)
    for _ in range(5):
        other.commit(30)
    shutil.rmtree(world.publisher.channel.metadata)
    shutil.copytree(other.metadata, world.publisher.channel.metadata)
    (world.publisher.channel.metadata / "1.root.json").unlink()


def forged_root(world: World) -> None:
    """A new root that only its own keys have signed."""
    other = init_channel(world.folder / "other", root_keys=1, threshold=1)
    other.sign_root(lambda _: None)
    shutil.copyfile(other.metadata / "2.root.json", world.publisher.channel.metadata / "2.root.json")


def repeated_root(world: World) -> None:
    shutil.copyfile(world.publisher.root, world.publisher.channel.metadata / "2.root.json")


def altered_timestamp(world: World) -> None:
    content = json.loads(timestamp(world).read_text())
    content["signed"]["version"] += 7
    timestamp(world).write_text(json.dumps(content))


def garbage(world: World) -> None:
    timestamp(world).write_text("[" * 10_000)


def wrong_snapshot(world: World) -> None:
    world.publisher.release("second")
    channel = world.publisher.channel
    path = channel.metadata / f"{channel.state()[1].signed.version}.snapshot.json"
    path.write_bytes(path.read_bytes().replace(b"targets.json", b"targetz.json"))


@pytest.mark.parametrize(
    ("attack", "fault"),
    [
        (expired, Fault.EXPIRED),
        (rolled_back, Fault.ROLLED_BACK),
        (mixed, Fault.MIXED),
        (mixed_targets, Fault.MIXED),
        (forged, Fault.FORGED),
        (forged_root, Fault.FORGED),
        (repeated_root, Fault.ROLLED_BACK),
        (altered_timestamp, Fault.FORGED),
        (garbage, Fault.DAMAGED_METADATA),
        (wrong_snapshot, Fault.WRONG_HASH),
    ],
)
def test_metadata(world: World, attack: Callable[[World], None], fault: Fault) -> None:
    attack(world)
    held_off(world, fault)


@pytest.mark.parametrize(
    ("mischief", "fault"),
    [
        (Mischief("targets/", truncate=0), Fault.TRUNCATED),
        (Mischief("targets/", truncate=1000), Fault.TRUNCATED),
        (Mischief("targets/", flip=0), Fault.WRONG_HASH),
        (Mischief("targets/", flip=1234), Fault.WRONG_HASH),
        (Mischief("targets/", endless=True), Fault.ENDLESS),
        (Mischief("targets/", stall=True), Fault.STALLED),
        (Mischief("targets/", drip=True), Fault.STALLED),
        (Mischief("targets/", status=404), Fault.MISSING),
        (Mischief("targets/", status=503), Fault.OFFLINE),
        (Mischief("timestamp", endless=True), Fault.ENDLESS),
        (Mischief("timestamp", truncate=100), Fault.TRUNCATED),
        (Mischief("timestamp", stall=True), Fault.STALLED),
        (Mischief("timestamp", status=500), Fault.OFFLINE),
        (Mischief("timestamp", status=404), Fault.MISSING),
        (Mischief("snapshot", flip=300), Fault.WRONG_HASH),
    ],
)
def test_the_way_here(world: World, mischief: Mischief, fault: Fault) -> None:
    world.publisher.release("second")
    with serving(world.publisher.channel.folder) as server:
        server.mischief = mischief
        held_off(world, fault, url=server.url)


def test_a_release_that_is_too_large_is_not_begun(world: World) -> None:
    world.publisher.release("second")
    held_off(world, Fault.ENDLESS, release_bytes=100)


def republish(world: World, change: Callable[[Path], None]) -> None:
    """The second release with another content, truly signed: what a publisher does wrong, or a thief of the keys."""
    from tuf.api.metadata import TargetFile

    channel = world.publisher.channel
    world.publisher.release("second")
    release = releases(channel)[world.second]
    name = f"{world.second}.zip"
    (archive,) = channel.targets_folder.glob(f"*.{name}")
    place = world.folder / "changed"
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(place)
    archive.unlink()
    change(place)
    made = place if place.is_file() else world.folder / "changed.zip"
    if made != place:
        pack(place, made, stored=True)

    def put(targets: Any) -> None:
        targets.targets[name] = TargetFile.from_file(name, str(made), ["sha256"])
        targets.targets[name].unrecognized_fields["custom"] = release.model_dump(mode="json")

    channel.commit(30, put)
    shutil.copyfile(made, channel.targets_folder / f"{sha256_file(made)}.{name}")


def slipped(place: Path) -> None:
    shutil.rmtree(place)
    with zipfile.ZipFile(place, "w") as opened:
        opened.writestr("bundle/../../../../escaped.txt", "x")


def linked(place: Path) -> None:
    shutil.rmtree(place)
    with zipfile.ZipFile(place, "w") as opened:
        entry = zipfile.ZipInfo("bundle/model.onnx")
        entry.create_system, entry.external_attr = 3, 0o120777 << 16
        opened.writestr(entry, "/etc/passwd")


def no_archive(place: Path) -> None:
    shutil.rmtree(place)
    place.write_bytes(b"not a zip" * 100)


def bomb(place: Path) -> None:
    shutil.rmtree(place)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("bundle/model.onnx", bytes(50_000_000))


def more_than_a_bundle(place: Path) -> None:
    (place / "hook.py").write_text("import os")


def altered_file(place: Path) -> None:
    path = place / "bundle" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def another_bundle(place: Path) -> None:
    bundle = read_bundle(place / "bundle")
    text = (place / "bundle" / "bundle.yaml").read_text()
    (place / "bundle" / "bundle.yaml").write_text(text.replace("- a\n- b", "- b\n- a"))
    assert read_bundle(place / "bundle").id != bundle.id


def without_certificate(place: Path) -> None:
    update_info(read_bundle(place / "bundle"), parity={})


def certificate_of_a_stranger(place: Path) -> None:
    from emendo.models.certificate import certify
    from emendo.tools.signing import make_key

    from ...release.released import certificate_for

    bundle = read_bundle(place / "bundle")
    certify(bundle, certificate_for(bundle), make_key(place.parent / "stranger.pem"))


def other_texts(place: Path) -> None:
    path = place / "selftest" / "lines.json"
    path.write_text(path.read_text().replace("gfedcba", "abcdefg"))


def no_lines(place: Path) -> None:
    (place / "selftest" / "lines.json").write_text('{"lines": []}')


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (slipped, Fault.BAD_ARCHIVE),
        (linked, Fault.BAD_ARCHIVE),
        (no_archive, Fault.BAD_ARCHIVE),
        (bomb, Fault.BAD_ARCHIVE),
        (more_than_a_bundle, Fault.BAD_ARCHIVE),
        (altered_file, Fault.BAD_BUNDLE),
        (another_bundle, Fault.BAD_BUNDLE),
        (without_certificate, Fault.NO_CERTIFICATE),
        (certificate_of_a_stranger, Fault.NO_CERTIFICATE),
        (other_texts, Fault.SELF_TEST),
    ],
)
def test_a_bad_release_is_remembered(world: World, change: Callable[[Path], None], fault: Fault) -> None:
    republish(world, change)
    held_off(world, fault)
    assert [(one.bundle, one.fault) for one in world.device().state().bad] == [(world.second, fault)]
    assert not (world.folder / "escaped.txt").exists()
    assert world.look().state == "up to date", "it is not tried again"


def test_a_bad_release_waits_for_a_newer_one(world: World) -> None:
    republish(world, without_certificate)
    held_off(world, Fault.NO_CERTIFICATE)
    world.publisher.release("third")
    assert world.look().model == world.third
    assert world.read() == "bcdge"


def test_what_may_be_the_devices_own_fault_is_tried_again(world: World) -> None:
    republish(world, no_lines)
    for _ in range(2):
        held_off(world, Fault.SELF_TEST)
        assert world.device().state().bad == ()
    held_off(world, Fault.SELF_TEST)
    (bad,) = world.device().state().bad
    assert isinstance(bad, Bad)
    assert world.look().state == "up to date"


def test_a_model_that_needs_too_long_is_not_taken(world: World) -> None:
    world.publisher.release("second")
    held_off(world, Fault.SELF_TEST, probe_seconds=0.01)


def test_a_full_disk(world: World) -> None:
    world.publisher.release("second")
    held_off(world, Fault.DISK_FULL, free_megabytes=10**9)
    with small_disk(world) as fill:
        fill()
        said: list[str] = []
        status = world.look(say=said.append)
        assert status.state == Fault.DISK_FULL
        assert any("disk full" in line for line in said)
        assert world.read() == "abdge"
    assert world.look().model == world.second


@contextmanager
def small_disk(world: World) -> Iterator[Callable[[], None]]:
    """After `fill`, no file of this process may grow beyond 2,000 bytes: what a full disk is to a write."""
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
