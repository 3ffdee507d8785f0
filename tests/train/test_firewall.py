from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.datasets import Dataset
from emendo.datasets.synth import synth_lines
from emendo.errors import DataError
from emendo.models.base import base_bundle
from emendo.train import firewall, parallel
from emendo.types import Sample


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Generated lines in built-in faces."""
    return synth_lines(24, 3, tmp_path_factory.mktemp("firewall") / "lines", languages=("en",), fonts="builtin")


def swapped(dataset: Dataset) -> list[Sample]:
    """The same lines, the first two with each other's text."""
    rows = list(dataset.samples)
    return [replace(rows[0], text=rows[1].text), replace(rows[1], text=rows[0].text), *rows[2:]]


def test_swapped_labels_come_first(printed: Dataset) -> None:
    report = firewall.check_labels(swapped(printed))
    assert {one.sample.id for one in report.judged[:2]} == {printed.samples[0].id, printed.samples[1].id}
    assert {one.sample.id for one in report.suspects} >= {one.sample.id for one in report.judged[:2]}
    assert len(report.judged) == 24
    assert (report.way, report.judged[0].fold) == ("quick", -1)


def test_folds_are_trained_on_the_others_and_used_for_the_held_out(
    printed: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[list[str]] = []

    class Run:
        bundle = base_bundle("base").folder

    def train(samples: list[Sample], **more: Any) -> Run:
        assert more["out"].parent == tmp_path
        trained.append([sample.id for sample in samples])
        return Run()

    monkeypatch.setattr(parallel, "train", train)
    report = firewall.check_labels(swapped(printed), folds=3, work=tmp_path)
    assert len(trained) == 3
    assert sorted(one.sample.id for one in report.judged) == sorted(one.id for one in printed.samples)
    for one in report.judged:
        assert one.sample.id not in trained[one.fold]


def test_what_cannot_be_judged_is_named(printed: Dataset, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no")
    odd = [
        Sample(id="broken", image=tmp_path / "broken.png", text="x"),
        replace(printed.samples[0], id="silent", text=None),
        replace(printed.samples[0], id="page", text="a\nb"),
    ]
    report = firewall.check_labels([*printed.samples[:2], *odd])
    assert {one.id for one in report.unread} == {"broken", "silent", "page"}
    with pytest.raises(DataError, match="no line with a text to judge"):
        firewall.check_labels(odd[1:])
    with pytest.raises(DataError, match="folds need a folder to train in; give --out DIR"):
        firewall.check_labels(printed.samples, folds=2)


def test_the_command_writes_list_and_page(printed: Dataset, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [json.loads(line) for line in printed.where.read_text(encoding="utf-8").splitlines()]
    rows[0]["text"], rows[1]["text"] = rows[1]["text"], rows[0]["text"]
    manifest = printed.where.with_name("swapped.jsonl")
    manifest.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert main(["check", str(manifest), "--labels", "--out", str(tmp_path / "out"), "--threads", "1", "--json"]) == 1
    shown = json.loads(capsys.readouterr().out)
    assert shown == json.loads((tmp_path / "out" / "labels.json").read_text())
    first = shown["suspects"][0]
    assert first["label"] != first["reading"] and Path(first["image"]).is_file()
    assert "likely wrong" in (tmp_path / "out" / "labels.html").read_text()
