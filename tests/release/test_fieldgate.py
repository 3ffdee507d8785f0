"""The gate for readers of documents, and the champion of fields beside that of lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emendo.cli import main
from emendo.errors import DataError, Refused
from emendo.evaluate.fields import FieldComparison, evaluate_fields
from emendo.models.bundle import BundleInfo, write_bundle
from emendo.release import models, promote, read_judgement, rollback
from emendo.release.fieldgate import decide_fields
from emendo.release.personal import personal_set
from emendo.release.promote import FIELD_GATE_EVENT, GATE_EVENT
from emendo.settings import GateSettings
from emendo.types import Sample, Split, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.rows import Kind, Line
from emendo.workspace.store import Entry

from ..documents import Damage, Damaged, Documents, documents, pages

SETTINGS = GateSettings()
TRUTHS: list[dict[str, Any]] = [
    {"seller": f"Mill {at}", "date": "2024-03-21", "net": f"{at}.50", "total": f"{at}.50", "currency": "EUR"}
    for at in range(40)
]


def losing(name: str, numbers: Sequence[int], value: str | None = None) -> Damage:
    """Reads `name` wrong (or not at all) in some documents."""
    return lambda at, truth: truth | {name: value} if at in numbers else truth


def faults(before: Damage, after: Damage, count: int = 40) -> list[str]:
    readers = Damaged("old", TRUTHS, before), Damaged("new", TRUTHS, after)
    given = documents(TRUTHS[:count])
    comparison = FieldComparison(*evaluate_fields(readers, given, load=pages))
    return [one.name for one in decide_fields(comparison, (), SETTINGS) if not one.good]


def test_fewer_errors_and_nothing_lost_passes() -> None:
    assert faults(losing("seller", range(15)), losing("seller", range(3))) == []


def test_the_same_errors_are_not_better() -> None:
    assert faults(losing("seller", range(15)), losing("seller", range(15))) == ["better"]


def test_one_field_that_gets_worse_blocks_whatever_else_is_won() -> None:
    found = faults(losing("seller", range(30)), losing("date", range(8), "2020-01-01"))
    assert found == ["field date"]


def test_sums_that_hold_no_more_block() -> None:
    before, after = losing("seller", range(40), "Someone"), losing("total", range(7), "1000")
    assert faults(before, after) == ["field total", "validity"]


def test_a_few_documents_give_no_verdict() -> None:
    assert faults(losing("seller", range(4)), losing("seller", ()), count=4) == ["documents"]


def test_documents_that_are_forgotten_block() -> None:
    readers = Damaged("old", TRUTHS, losing("seller", range(15))), Damaged("new", TRUTHS)
    first = FieldComparison(*evaluate_fields(readers, documents(TRUTHS), load=pages))
    worse = Damaged("old", TRUTHS), Damaged("new", TRUTHS, losing("net", range(12)))
    other = FieldComparison(*evaluate_fields(worse, Documents(documents(TRUTHS).samples, "made"), load=pages))
    assert [one.name for one in decide_fields(first, (other,), SETTINGS) if not one.good] == ["general made"]


def test_a_rare_field_is_judged_with_the_others_that_are_rare() -> None:
    rare = ({"buyer": "B"}, {"number": "N"})
    truths = [truth | (rare[at % 2] if at < 8 else {}) for at, truth in enumerate(TRUTHS)]

    def without(at: int, truth: dict[str, Any]) -> dict[str, Any]:
        return truth | dict.fromkeys(("buyer", "number"))

    readers = Damaged("old", truths, losing("seller", range(25))), Damaged("new", truths, without)
    comparison = FieldComparison(*evaluate_fields(readers, documents(truths), load=pages))
    found = {one.name: one for one in decide_fields(comparison, (), SETTINGS)}
    pooled = found["field (fields with few values together)"]
    assert not pooled.good and pooled.figures["values"] == 8 and "field buyer" not in found


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Damage]:
    """What each model reads, by a part of its reference; `base-fields` misses the sellers of fifteen documents."""
    damage: dict[str, Damage] = {"base-fields": losing("seller", range(15)), "": lambda _, truth: truth}

    def load(ref: str, **_: object) -> Damaged:
        return Damaged(ref, TRUTHS, next(one for name, one in damage.items() if name in ref))

    for module in ("gate", "fieldgate", "promote"):
        monkeypatch.setattr(import_module(f"emendo.release.{module}"), "load_document_reader", load)
    return damage


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace with a champion for lines, where a bundle of family fields stands for `base-fields`."""
    made = Workspace.init(tmp_path / "ws")
    made.set_champion("l1", "reads lines")
    base = write_bundle(tmp_path / "base", BundleInfo(family="fields", name="base-fields"), {"card.md": b"base"})
    monkeypatch.setattr(import_module("emendo.release.promote"), "load_bundle", lambda ref, workspace: base)
    return made


def candidate(folder: Path, name: str) -> Path:
    write_bundle(folder / name, BundleInfo(family="fields", name=name), {"card.md": name.encode()})
    return folder / name


@pytest.fixture
def corrected(tmp_path: Path) -> Documents:
    """The documents as files."""
    samples: list[Sample] = []
    for at, fields in enumerate(TRUTHS):
        path = tmp_path / f"{at}.png"
        cv2.imwrite(str(path), np.full((30, 20, 3), at, np.uint8))
        samples.append(Sample(id=str(at), image=path, fields=fields))
    return Documents(tuple(samples))


def test_a_better_reader_takes_the_place_for_fields_alone(
    workspace: Workspace, readers: dict[str, Damage], corrected: Documents, tmp_path: Path
) -> None:
    lines = workspace.pointer().read_bytes()
    decision = promote(workspace, candidate(tmp_path, "new"), corrected, keep=tmp_path / "judgement")
    assert decision.passed and "errors 15 -> 0 on 200 values of 40 test documents" in decision.reason
    assert workspace.pointer().read_bytes() == lines
    model = workspace.in_use("fields")
    assert (workspace.models / model / "card.md").read_bytes() == b"new"
    states = {(one.id, one.state, one.reads) for one in models(workspace)}
    assert {("base", "earlier", "lines"), ("base-fields", "earlier", "fields"), (model, "champion", "fields")} <= states
    kept = read_judgement(tmp_path / "judgement")
    assert kept is not None and kept.comparison is None
    assert kept.field_comparison is not None and kept.field_comparison.b.counts.errors == 0
    with workspace.store() as store:
        assert store.events(FIELD_GATE_EVENT) and not store.events(GATE_EVENT)
    assert rollback(workspace, "fields").model == "base-fields"
    assert workspace.pointer().read_bytes() == lines
    with pytest.raises(Refused, match="no earlier model"):
        rollback(workspace, "fields")


def test_a_worse_reader_is_refused(
    workspace: Workspace, readers: dict[str, Damage], corrected: Documents, tmp_path: Path
) -> None:
    readers[""] = losing("total", range(10), "1000")
    with pytest.raises(Refused, match=r"not promoted: .*total: errors 0 -> 10 on 40 values"):
        promote(workspace, candidate(tmp_path, "new"), corrected)
    assert workspace.champion("fields") is None
    with pytest.raises(Refused, match="it is the model in use already"):
        promote(workspace, tmp_path / "base", corrected)


def test_corrected_documents_decide_where_no_data_set_is_named(
    workspace: Workspace,
    readers: dict[str, Damage],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = candidate(tmp_path, "new")
    asked = ["promote", str(new), "--workspace", str(workspace.root)]
    monkeypatch.setattr("emendo.datasets.invoices.general.general_documents", lambda _: documents(TRUTHS[:1]))
    assert main(asked) == 2
    assert "there are no corrected documents to test on yet" in capsys.readouterr().err
    rows = []
    for at in range(len(TRUTHS)):
        cv2.imwrite(str(workspace.root / f"{at}.png"), np.full((30, 20, 3), at, np.uint8))
        rows.append(
            Line(
                id=f"d{at}",
                document=f"{at}.png",
                number=1,
                text_line=1,
                page=1,
                image=f"{at}.png",
                sha256="",
                kind=Kind.DOCUMENT,
            )
        )
    with workspace.store() as store:
        for at, row in enumerate(rows):
            store.put_document(row.document, [(row, None)], kind=Kind.DOCUMENT)
            text = json.dumps(TRUTHS[at])
            store.add_correction(Entry(line=row.id, reading="{}", text=text, verdict=Verdict.EDITED, author="ann"))
    held = personal_set(workspace, "fields").split(Split.TEST)
    assert len(held) == 6 and all(one.fields for one in held)
    with pytest.raises(DataError, match="there is no frozen test set yet"):
        personal_set(workspace)
    numbers = [int(str(one.fields["total"]).partition(".")[0]) for one in held if one.fields]
    readers["base-fields"] = losing("seller", numbers)
    monkeypatch.setattr(
        "emendo.datasets.invoices.general.general_documents", lambda _: personal_set(workspace, "fields")
    )
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["passed"] and "errors 6 -> 0 on 30 values of 6 test documents" in told["reason"]
    assert main(["rollback", "--fields", "--workspace", str(workspace.root), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == "base-fields"
    assert workspace.in_use() == "l1"
