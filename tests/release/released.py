"""A channel with certified bundles of a few kilobytes, for tests of publishing and of devices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emendo.models.bundle import Bundle
from emendo.models.certificate import Certificate, Row, certify
from emendo.models.channel import Release
from emendo.release.channel.publish import publish
from emendo.release.channel.repository import Channel, init_channel

from .colours import colour_samples, write_colour_bundle

TEXTS = ("badge", "gfedcba", "facade", "bead")


def certificate_for(bundle: Bundle) -> Certificate:
    row = Row(form="onnx", lines=3, same=3, cer=0.0, cer_difference=0.0, milliseconds=0.1, megabytes=0.01)
    made = "2026-11-29T12:00:00+00:00"
    return Certificate(bundle=bundle.id, reference=bundle.id, data="stripes", form="onnx", made=made, rows=(row,))


@dataclass(frozen=True)
class Publisher:
    """Somebody with a channel in `folder/channel`, who makes and releases bundles that read coloured stripes."""

    folder: Path
    channel: Channel

    @classmethod
    def begin(cls, folder: Path) -> Publisher:
        return cls(folder, init_channel(folder / "channel", root_keys=2, threshold=2))

    @property
    def root(self) -> Path:
        return self.channel.metadata / "1.root.json"

    def bundle(self, name: str, wrong: Mapping[str, str] | None = None, *, certified: bool = True) -> Bundle:
        place = self.folder / "bundles" / name
        bundle = write_colour_bundle(place, name=name, wrong=wrong)
        if certified:
            certify(bundle, certificate_for(bundle), self.channel.keys.signer("certificate"))
        return bundle

    def release(
        self,
        name: str,
        wrong: Mapping[str, str] | None = None,
        *,
        group: str = "stable",
        share: int = 100,
        texts: Sequence[str] = TEXTS,
    ) -> Release:
        place = self.folder / "bundles" / name
        folder = place if place.is_dir() else self.bundle(name, wrong).folder
        samples = colour_samples(self.folder / "lines", texts)
        return publish(self.channel, folder, group, share, samples=samples)
