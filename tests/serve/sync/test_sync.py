"""A device follows its channel: takes what is newer, keeps what is good, gives back what is withdrawn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.errors import UsageError
from emendo.models.bundle import read_bundle
from emendo.models.channel import in_share
from emendo.serve.sync.setup import pin
from emendo.workspace.folder import Workspace

from .devices import QUICK, World
from .hostile import Mischief, serving


def test_a_newer_release_is_put_in_use_and_the_last_one_stays(world: World) -> None:
    assert world.read() == "abdge"
    world.publisher.release("second")
    assert world.look().model == world.second
    assert world.read() == "badge"
    assert {path.name for path in world.workspace.models.iterdir()} == {world.first, world.second, "champion.json"}
    third = world.third
    world.publisher.release("third")
    status = world.look()
    assert (status.model, status.release) == (third, 6)
    assert {path.name for path in world.workspace.models.iterdir()} == {world.second, third, "champion.json"}
    assert [model for model, _, _ in world.workspace.champion().history] == ["base", world.second]
    assert {path.name for path in world.device().tests.iterdir()} == {world.second, third}
    assert world.events() == ["installed"] * 3


def test_nothing_new_changes_nothing(world: World) -> None:
    before = world.workspace.pointer().read_bytes()
    assert world.look().state == "up to date"
    assert world.workspace.pointer().read_bytes() == before
    assert world.events() == ["installed"]


def test_a_model_that_was_promoted_or_rolled_back_here_stays_until_a_newer_release(world: World) -> None:
    world.workspace.restore_champion()
    assert world.look().model == "base"
    world.publisher.release("second")
    assert world.look().model == world.second


def test_a_withdrawn_release_is_given_back(world: World) -> None:
    from emendo.release.channel.publish import withdraw

    world.publisher.release("second")
    assert world.look().model == world.second
    withdraw(world.publisher.channel, world.second)
    assert world.look().model == world.first
    assert world.look().state == "up to date"
    withdraw(world.publisher.channel, world.first)
    assert world.look().model == "base"
    assert "withdrawn" in world.events()
    assert world.look().model == "base"


def test_groups_and_shares(world: World) -> None:
    assert world.look(group="other").model == world.first
    outside = next(name for name in map(str, range(1000)) if not in_share(name, world.second, 5))
    inside = next(name for name in map(str, range(1000)) if in_share(name, world.second, 5))
    world.publisher.release("second", share=5)
    assert world.look(device=outside).model == world.first
    assert world.look(device=inside).model == world.second
    assert world.look(device=outside).model == world.second, "what a device has it keeps"


def test_what_breaks_off_goes_on_where_it_stopped(world: World) -> None:
    world.publisher.release("second")
    with serving(world.publisher.channel.folder) as server:
        server.mischief = Mischief("targets/", truncate=700)
        assert world.look(url=server.url).state == "truncated"
        assert [path.stat().st_size for path in world.device().download.iterdir()] == [700]
        server.mischief = Mischief("targets/", truncate=1500)
        assert world.look(url=server.url).state == "truncated"
        server.mischief = Mischief()
        assert world.look(url=server.url).model == world.second
        assert [start for path, start in server.asked if "targets/" in path] == [0, 700, 1500]
    assert list(world.device().download.iterdir()) == []


def test_a_server_without_ranges_sends_all_again(world: World) -> None:
    world.publisher.release("second")
    with serving(world.publisher.channel.folder) as server:
        server.mischief = Mischief("targets/", truncate=700)
        world.look(url=server.url)
        server.mischief = Mischief("targets/", deaf=True)
        assert world.look(url=server.url).model == world.second


def test_offline_the_device_goes_on(world: World) -> None:
    with serving(world.publisher.channel.folder) as server:
        gone = server.url
    status = world.look(url=gone)
    assert (status.state, status.failures, status.model) == ("offline", 1, world.first)
    assert world.look(url=str(world.folder / "no-card")).failures == 2
    assert world.read() == "abdge"
    assert world.events()[1:] == ["offline", "offline"]
    status = world.look()
    assert (status.failures, status.state) == (0, "up to date")


def test_a_rotated_root_is_followed(world: World, tmp_path: Path) -> None:
    from emendo.release.channel.repository import trust
    from emendo.tools.signing import make_key, public_key

    key = public_key(make_key(tmp_path / "other.pem"))
    assert trust(world.publisher.channel, key) == 2
    assert world.look().state == "up to date"
    assert json.loads((world.device().metadata / "root.json").read_text())["signed"]["version"] == 2
    (own,) = world.publisher.channel.keys.certificate_keys()
    trust(world.publisher.channel, own, no_more=True)
    world.publisher.channel.commit(30)
    assert [one["keyid"] for one in world.publisher.channel.certificate_keys()] == [key["keyid"]]
    assert world.look(group="next").state == "no certificate"


BLOCKED = ("sqlalchemy", "torch", "cryptography", "onnx")
BLOCKER = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {BLOCKED!r}:
            raise ImportError(f"{{name}} is not installed on a device")

sys.meta_path.insert(0, Blocker())
"""


def test_a_device_needs_neither_database_nor_torch_nor_cryptography(world: World, tmp_path: Path) -> None:
    world.publisher.release("second")
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "sitecustomize.py").write_text(BLOCKER)
    toml = world.workspace.root / "emendo.toml"
    values = {**QUICK, "stall_seconds": 5, "url": str(world.publisher.channel.folder)}
    toml.write_text("[channel]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items()))
    paths = [str(tmp_path / "blocked"), str(Path(__file__).resolve().parents[3] / "src")]
    told = subprocess.run(
        [sys.executable, "-m", "emendo", "sync", "--once", "--json", "--workspace", str(world.workspace.root)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)["model"] == world.second
    blocked = subprocess.run(
        [sys.executable, "-c", "import cryptography"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        check=False,
    )
    assert blocked.returncode != 0


def test_the_commands(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    device = tmp_path / "new"
    channel = str(world.publisher.channel.folder)
    pinned = ["sync", "init", "--root", str(world.publisher.root), "--url", channel, "--group", "next"]
    assert main([*pinned, "--workspace", str(device)]) == 0
    assert main([*pinned, "--workspace", str(device)]) == 0, "the same again changes nothing"
    assert main(["sync", "--once", "--workspace", str(device)]) == 0
    capsys.readouterr()
    assert main(["sync", "--status", "--json", "--workspace", str(device)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["state"], told["model"], told["group"]) == ("up to date", world.second, "next")
    assert main(["sync", "--status", "--workspace", str(device)]) == 0
    assert world.second in capsys.readouterr().err
    (world.publisher.channel.metadata / "timestamp.json").unlink()
    assert main(["sync", "--once", "--workspace", str(device)]) == 1
    assert read_bundle(Workspace.open(device).models / world.second).id == world.second
    assert main(["init", str(tmp_path / "plain")]) == 0
    assert main(["sync", "--once", "--workspace", str(tmp_path / "plain")]) == 2
    assert "follows no channel" in capsys.readouterr().err


def test_first_trust_is_given_once(world: World, tmp_path: Path) -> None:
    text = tmp_path / "note.json"
    text.write_text("{}")
    with pytest.raises(UsageError, match="no root of a channel"):
        pin(tmp_path / "new", text, "http://x")
    targets = world.publisher.channel.metadata / "1.targets.json"
    with pytest.raises(UsageError, match="no root of a channel"):
        pin(tmp_path / "new", targets, "http://x")
    pin(tmp_path / "new", world.publisher.root, "http://x")
    with pytest.raises(UsageError, match="names another channel"):
        pin(tmp_path / "new", world.publisher.root, "http://y")
    other = json.loads(world.publisher.root.read_text())
    other["signatures"] = other["signatures"][:2]
    (tmp_path / "other.json").write_text(json.dumps(other))
    with pytest.raises(UsageError, match="pins another root"):
        pin(tmp_path / "new", tmp_path / "other.json", "http://x")


def test_a_workspace_without_a_pinned_root_is_told_so(world: World) -> None:
    world.device().root.unlink()
    with pytest.raises(UsageError, match="no trusted root"):
        world.look()
    world.device().root.write_text("{}")
    with pytest.raises(UsageError, match="no root of a channel"):
        world.look()
    with pytest.raises(UsageError, match="no address of a channel"):
        world.look(url="ftp://x")


@pytest.mark.parametrize("command", [["--once"], ["init", "--root", "x", "--url", "y"]])
def test_without_tuf_it_says_what_to_install(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("agent", "setup"):
        monkeypatch.setitem(sys.modules, f"emendo.serve.sync.{name}", None)
    assert main(["sync", *command]) == 2
    assert "pip install 'emendo[edge]'" in capsys.readouterr().err
