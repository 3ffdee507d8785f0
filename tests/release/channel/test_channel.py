"""The publishing side: keys that only their owner reads, metadata that devices verify, releases that are certified."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Root

from emendo.cli import main
from emendo.errors import BundleError, EngineError, FormatError, UsageError
from emendo.release.channel import repository
from emendo.release.channel.keys import KeyFolder, key_ids
from emendo.release.channel.publish import publish, releases, show, withdraw, write_archive
from emendo.release.channel.repository import Channel, init_channel, renew, rotate, rotate_root, trust
from emendo.serve.sync.source import open_source
from emendo.serve.sync.trust import refresh
from emendo.tools.files import PARTIAL, sha256_file
from emendo.tools.signing import load_key, make_key, public_key

from ..colours import colour_samples, write_colour_bundle
from ..released import TEXTS, Publisher


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Publisher:
    """A channel with one release; not to be changed."""
    publisher = Publisher.begin(tmp_path_factory.mktemp("published"))
    publisher.release("one")
    return publisher


@pytest.fixture
def publisher(published: Publisher, tmp_path: Path) -> Publisher:
    """A copy of it."""
    folder = tmp_path / "copy"
    shutil.copytree(published.folder, folder)
    return Publisher(folder, Channel(folder / "channel", KeyFolder(folder / "channel.keys")))


def seen(publisher: Publisher, place: Path) -> dict[str, tuple[int, int]]:
    """What a fresh device believes of the group `stable`: number and share by bundle."""
    source = open_source(str(publisher.channel.folder), stall=5, slowest=0)
    offers = refresh(source, place, publisher.root).offers
    listed = {offer.release.bundle: offer.release.groups.get("stable") for offer in offers}
    return {bundle: (one.number, one.share) for bundle, one in listed.items() if one and not one.withdrawn}


def test_keys_lie_apart_and_only_their_owner_reads_them(publisher: Publisher) -> None:
    keys = publisher.channel.keys.folder
    files = list(keys.rglob("*.pem"))
    assert len(files) == 2 + 3 + 1
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert not any(path.suffix == ".pem" for path in publisher.channel.folder.rglob("*"))


def test_the_root_needs_its_threshold(publisher: Publisher) -> None:
    root = Metadata[Root].from_file(str(publisher.root))
    assert root.signed.roles["root"].threshold == 2
    assert root.signed.consistent_snapshot
    drawer = publisher.channel.keys.folder / "root" / "2.pem"
    drawer.rename(publisher.folder / "2.pem")
    with pytest.raises(UsageError, match="2 root keys of the channel are needed"):
        trust(publisher.channel, publisher.channel.keys.certificate_keys()[0])
    with pytest.raises(UsageError, match="no channel"):
        Channel.open(publisher.folder / "nowhere")


def test_a_channel_is_begun_once_and_never_over_its_keys(tmp_path: Path) -> None:
    for wrong, keys, sentence in (
        ({}, tmp_path / "c" / "keys", "which is served"),
        ({"threshold": 4}, None, "4 of 3 root keys"),
    ):
        with pytest.raises(UsageError, match=sentence):
            init_channel(tmp_path / "c", keys, **wrong)
    assert not (tmp_path / "c").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(UsageError, match="not empty"):
        init_channel(tmp_path / "full")
    (tmp_path / "c").mkdir()
    made = init_channel(tmp_path / "c", root_keys=1, threshold=1)
    again = init_channel(tmp_path / "d", made.keys.folder, root_keys=1, threshold=1)
    assert again.certificate_keys() == made.certificate_keys()
    with pytest.raises(UsageError, match="fewer than 2 root keys"):
        init_channel(tmp_path / "e", made.keys.folder, root_keys=2, threshold=2)
    others = [public_key(make_key(tmp_path / name)) for name in ("one.pem", "two.pem")]
    given = init_channel(tmp_path / "g", trusted=others, root_keys=1, threshold=1)
    assert given.certificate_keys() == others
    assert not list(given.keys.folder.glob("certificate*"))
    shutil.rmtree(made.keys.folder)
    with pytest.raises(UsageError, match="no keys of the channel"):
        renew(made)


def test_a_bundle_without_its_certificate_is_refused(publisher: Publisher, tmp_path: Path) -> None:
    bare = publisher.bundle("bare", {"a": "b"}, certified=False)
    with pytest.raises(BundleError, match="has no parity certificate"):
        publish(publisher.channel, bare.folder, "stable")
    other = Publisher.begin(tmp_path / "other")
    stranger = other.bundle("stranger", {"a": "b"})
    with pytest.raises(BundleError, match="not trusted"):
        publish(publisher.channel, stranger.folder, "stable")
    assert list(releases(publisher.channel)) == list(seen(publisher, tmp_path / "device"))


def test_a_share_grows_and_a_number_stays(publisher: Publisher, tmp_path: Path) -> None:
    second = publisher.release("two", {"a": "b"}, share=5)
    number = second.groups["stable"].number
    assert seen(publisher, tmp_path / "a")[second.bundle] == (number, 5)
    assert publisher.release("two", share=50).groups["stable"].number == number
    assert seen(publisher, tmp_path / "b")[second.bundle] == (number, 50)
    with pytest.raises(UsageError, match="has reached 50 percent"):
        publisher.release("two", share=5)
    with pytest.raises(UsageError, match="a share of 0 percent"):
        publisher.release("two", share=0)
    with pytest.raises(UsageError, match="no name of a group"):
        publisher.release("two", group="../x")
    beta = publisher.release("two", group="beta")
    assert set(beta.groups) == {"stable", "beta"}
    withdraw(publisher.channel, second.bundle, "stable")
    assert second.bundle not in seen(publisher, tmp_path / "c")
    assert list(publisher.channel.targets_folder.glob(f"*{second.bundle}*")), "the group beta has it still"
    withdraw(publisher.channel, second.bundle)
    assert not list(publisher.channel.targets_folder.glob(f"*{second.bundle}*"))
    with pytest.raises(UsageError, match="is not offered"):
        withdraw(publisher.channel, second.bundle)
    again = publisher.release("two")
    assert again.groups["stable"].number > number
    assert seen(publisher, tmp_path / "d")[second.bundle] == (again.groups["stable"].number, 100)


def test_the_same_release_is_the_same_bytes(tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "bundle")
    from emendo.image.load import sample_image

    images = [sample_image(one) for one in colour_samples(tmp_path / "lines", TEXTS)]
    for name in ("one.zip", "two.zip"):
        write_archive(bundle, tmp_path / name, images, TEXTS)
        os.utime(bundle.folder / "model.onnx", (1, 1))
    assert sha256_file(tmp_path / "one.zip") == sha256_file(tmp_path / "two.zip")
    assert not list(tmp_path.glob(f"{PARTIAL}*"))


def test_drawn_lines_are_a_self_test_for_a_model_that_reads(publisher: Publisher) -> None:
    bundle = publisher.bundle("blind", {"a": "b"})
    with pytest.raises(UsageError, match="reads nothing of 8 of 8 lines"):
        publish(publisher.channel, bundle.folder, "stable")


def test_renew_signs_what_expires(publisher: Publisher, tmp_path: Path) -> None:
    before = show(publisher.channel)["roles"]
    assert renew(publisher.channel, 7) == ["snapshot and timestamp are signed and hold for 7 days"]
    after = show(publisher.channel)["roles"]
    assert after["targets"] == before["targets"]
    assert after["timestamp"]["version"] == before["timestamp"]["version"] + 1
    expires = datetime.fromisoformat(after["timestamp"]["expires"])
    assert timedelta(days=6) < expires - datetime.now(UTC) <= timedelta(days=7)
    seen(publisher, tmp_path / "device")


def test_renew_signs_targets_and_root_when_their_time_comes(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "RENEW_BEFORE", timedelta(days=1000))
    said = renew(publisher.channel)
    assert said[0].startswith("targets, snapshot and timestamp")
    assert said[1].startswith("root 2 is signed")
    shutil.rmtree(publisher.channel.keys.folder / "root")
    assert "run it again with the root keys" in renew(publisher.channel)[1]
    assert seen(publisher, tmp_path / "device")
    for _ in range(repository.KEPT + 3):
        publisher.channel.commit(30)
    assert len(list(publisher.channel.metadata.glob("*.snapshot.json"))) == repository.KEPT
    assert seen(publisher, tmp_path / "device")


def test_a_stolen_key_is_replaced(publisher: Publisher, tmp_path: Path) -> None:
    stolen = tmp_path / "stolen"
    shutil.copytree(publisher.channel.keys.folder, stolen)
    for role, version in (("timestamp", 2), ("targets", 3)):
        assert rotate(publisher.channel, role) == version
    assert seen(publisher, tmp_path / "device")
    thief = Channel(publisher.channel.folder, KeyFolder(stolen))
    with pytest.raises(UsageError, match="is not the channel's key of targets"):
        thief.commit(30)
    with pytest.raises(UsageError, match="no key that can be replaced"):
        rotate(publisher.channel, "mirror")
    assert not list(publisher.channel.keys.folder.glob("*.new.pem"))


def test_root_keys_are_replaced_by_those_who_have_them(publisher: Publisher, tmp_path: Path) -> None:
    steps = 0
    while killed_after(steps, partial(rotate_root, publisher.channel)):
        assert seen(publisher, tmp_path / f"device-{steps}")
        steps += 1
        assert steps < 30
    assert steps >= 3
    keys = publisher.channel.keys
    ids = key_ids(keys.root_signers())
    assert set(publisher.channel.root().signed.roles["root"].keyids) == ids
    assert publisher.channel.root().signed.roles["root"].threshold == 2
    assert not ids & key_ids(load_key(path) for path in (keys.folder / "root.old").glob("*.pem"))
    assert rotate(publisher.channel, "timestamp") == publisher.channel.root().signed.version
    assert seen(publisher, tmp_path / "device-end")
    shutil.rmtree(keys.folder / "root")
    shutil.copytree(keys.folder / "root.old", keys.folder / "root")
    with pytest.raises(UsageError, match="2 root keys of the channel are needed"):
        rotate_root(publisher.channel)


def test_a_replacement_that_was_killed_is_finished(publisher: Publisher, tmp_path: Path) -> None:
    steps = 0
    while killed_after(steps, partial(rotate, publisher.channel, "snapshot")):
        assert seen(publisher, tmp_path / f"device-{steps}")
        steps += 1
        assert steps < 30
    assert steps >= 4
    publisher.release("one", group="after")
    assert seen(publisher, tmp_path / "device-end")


def test_a_publisher_killed_at_any_moment_leaves_a_channel_that_devices_can_use(
    publisher: Publisher, tmp_path: Path
) -> None:
    """At every step of a publication the process is killed; a device sees the old state or the new one."""
    bundle = next(iter(releases(publisher.channel)))
    steps = 0
    while killed_after(steps, partial(publisher.release, "one", group=f"group-{steps}")):
        listed = seen(publisher, tmp_path / f"device-{steps}")
        assert set(listed) == {bundle}
        steps += 1
        assert steps < 30
    assert steps >= 3, "targets, snapshot and timestamp"
    assert set(releases(publisher.channel)[bundle].groups) >= {"stable", f"group-{steps}"}
    publisher.release("one", group="after")
    assert seen(publisher, tmp_path / "device-end")


def killed_after(renames: int, work: Callable[[], object]) -> bool:
    """Run something in a forked child that kills itself before its rename number `renames`; whether it was killed."""
    child = os.fork()
    if child == 0:
        left = [renames]

        def replace(self: Path, target: Path) -> Path:
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
                time.sleep(10)
            left[0] -= 1
            return really(self, target)

        really, Path.replace = Path.replace, replace
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_an_archive_that_was_altered_in_the_channel_is_not_offered_again(publisher: Publisher) -> None:
    (archive,) = publisher.channel.targets_folder.iterdir()
    archive.write_bytes(archive.read_bytes()[:-1] + b"x")
    with pytest.raises(BundleError, match="was altered in the channel"):
        publisher.release("one", group="beta")


def test_damaged_metadata_are_told(publisher: Publisher) -> None:
    (publisher.channel.metadata / "timestamp.json").write_text("{")
    with pytest.raises(FormatError, match="is no TUF metadata"):
        publisher.release("one")


def test_without_tuf_it_says_what_to_install(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tuf", None)
    with pytest.raises(EngineError, match=r"emendo\[edge\]"):
        init_channel(publisher.folder / "new")
    with pytest.raises(EngineError, match=r"emendo\[edge\]"):
        renew(publisher.channel)


def test_the_commands(publisher: Publisher, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = str(publisher.channel.folder)
    assert main(["channel", "init", str(tmp_path / "new"), "--root-keys", "1", "--threshold", "1", "--json"]) == 0
    assert Path(json.loads(capsys.readouterr().out)["root"]).is_file()
    bundle = str(publisher.folder / "bundles" / "one")
    assert main(["channel", "publish", bundle, "--channel", place, "--group", "beta", "--share", "5", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["groups"]["beta"]["share"] == 5
    assert main(["channel", "renew", place]) == 0
    key = tmp_path / "new.keys" / "certificate.json"
    begun = ["channel", "init", str(tmp_path / "other"), "--trust", str(key), "--json"]
    assert main(begun) == 0
    capsys.readouterr()
    assert main(["channel", "trust", str(key), "--channel", place]) == 0
    assert main(["channel", "trust", str(publisher.folder), "--channel", place]) == 2
    assert main(["channel", "withdraw", told["bundle"], "--channel", place, "--group", "beta"]) == 0
    capsys.readouterr()
    assert main(["channel", "show", place, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert len(shown["certificate_keys"]) == 2
    assert shown["releases"][0]["groups"]["beta"]["withdrawn"]
    assert main(["channel", "show", place]) == 0
    assert "withdrawn" in capsys.readouterr().err
