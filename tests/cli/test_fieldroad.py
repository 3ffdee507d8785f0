"""From pictures of receipts to figures, by the command line, the line finder and the embedded reader of lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.models.bundle import BundleInfo, write_bundle
from emendo.models.extract.tagger import Tags
from emendo.types import Word

from ..models.extract.made import tags_of
from ..receipts import SHOPS, receipts


class ByPlace:
    """Tags the first line as the seller, what follows `Date` as the date, and the last amount beside `Total`."""

    model = "by-place@0123456789ab"

    def __init__(self, *_: object, **__: object) -> None:
        self.decoding: dict[str, Any] = {}

    def tag(self, words: Sequence[Word]) -> Tags:
        """The tags of a receipt's words."""
        meanings = []
        for at, word in enumerate(words):
            before = words[at - 1].text.casefold() if at else ""
            total = word.text[0].isdecimal() and word == words[-1]
            first = word.line == words[0].line
            meanings.append("seller" if first else "date" if before == "date" else "total" if total else "")
        return tags_of(meanings, "receipt")


def test_drawn_receipts_are_read_and_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("emendo.models.extract.tagger.OnnxTagger", ByPlace)
    write_bundle(tmp_path / "model", BundleInfo(family="fields", name="by-place"), {"card.md": b"made"})
    manifest = receipts(tmp_path / "shops", [SHOPS[0], SHOPS[2]])
    (tmp_path / "shops" / "images" / "corner.png").write_bytes(b"no picture")
    common = ["--data", str(manifest), "--threads", "1", "--json"]
    assert main(["evaluate", "--model", str(tmp_path / "model"), *common]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["samples"], told["right"], told["wrong"], told["missed"]) == (2, 3, 0, 3)
    assert [one["id"] for one in told["unreadable"]] == ["images/corner.png"]
    assert told["fields"]["total"]["accuracy"] == 0.5 and told["model"].startswith("by-place@")
    image = str(manifest.parent / "images" / "harbour.png")
    assert main(["compare", str(tmp_path / "model"), str(tmp_path / "model"), "--image", image, *common[2:]]) == 0
    assert json.loads(capsys.readouterr().out)["differing"] == 0
