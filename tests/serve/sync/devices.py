"""Devices that follow a channel of small bundles, ready made: making one takes seconds, copying it none."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emendo.image.load import read_image
from emendo.models.references import load_recognizer
from emendo.release.channel.keys import KeyFolder
from emendo.release.channel.repository import Channel
from emendo.serve.sync.agent import Agent
from emendo.serve.sync.device import Device, Status
from emendo.serve.sync.setup import pin
from emendo.settings import ChannelSettings
from emendo.workspace.folder import Workspace

from ...release.colours import colour_samples
from ...release.released import TEXTS, Publisher

QUICK = {"stall_seconds": 0.4, "slowest_bytes": 0, "free_megabytes": 0, "device": "device-1"}


@dataclass
class World:
    """A publisher and a device."""

    folder: Path
    publisher: Publisher
    workspace: Workspace
    first: str
    """What the first release is."""
    second: str
    third: str

    @classmethod
    def make(cls, folder: Path) -> World:
        """The first release is in use on the device, others are offered to other groups."""
        publisher = Publisher.begin(folder)
        first = publisher.release("first", {"a": "b"})
        second = publisher.release("second", group="next")
        third = publisher.release("third", {"a": "c"}, group="next-but-one")
        workspace = pin(folder / "device", publisher.root, "nowhere")
        world = cls(folder, publisher, workspace, first.bundle, second.bundle, third.bundle)
        status = world.look()
        assert status.state == "up to date", status
        assert status.model == first.bundle
        return world

    def copy(self, folder: Path) -> World:
        """The same elsewhere."""
        shutil.copytree(self.folder, folder, symlinks=True)
        channel = Channel(folder / "channel", KeyFolder(folder / "channel.keys"))
        return World(
            folder, Publisher(folder, channel), Workspace.open(folder / "device"), self.first, self.second, self.third
        )

    def settings(self, **changes: Any) -> ChannelSettings:
        """Those of the device: quick, in the group `stable`, over the folder of the channel."""
        return ChannelSettings(**{"url": str(self.publisher.channel.folder), **QUICK, **changes})

    def device(self, **changes: Any) -> Device:
        return Device(self.workspace, self.settings(**changes))

    def look(self, *, say: Callable[[str], None] = print, **changes: Any) -> Status:
        """One look of the device at its channel."""
        return Agent.of(self.workspace, self.settings(**changes), say).look()

    def read(self) -> str:
        """What the model in use reads of a line with `badge`."""
        line = colour_samples(self.folder / "read", TEXTS[:1])[0]
        return load_recognizer("champion", workspace=self.workspace.root).read([read_image(line.image)])[0].text

    def events(self) -> list[str]:
        return [str(event["event"]) for event in self.device().events()]
