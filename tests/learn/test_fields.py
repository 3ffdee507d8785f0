"""Rounds of learning from corrected documents: what is trained on, what is judged, and that nothing is done twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import emendo.learn.fields as learning
from emendo.errors import DataError, Refused
from emendo.label.desk import Desk
from emendo.label.intake import take_documents, workspace_of
from emendo.learn import documents_waiting, learn_fields, only_documents, unfinished_fields
from emendo.models.bundle import BundleInfo, read_bundle, write_bundle
from emendo.release.gate import Decision, Finding
from emendo.settings import Settings
from emendo.types import Sample, Split, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.rows import Kind
from emendo.workspace.store import Store

from ..receipts import receipts

COUNT = 20


@dataclass
class Fake:
    """A training that writes a bundle, and a gate that says what it is told."""

    bundle: Path
    trained: list[dict[str, Any]] = field(default_factory=list)
    judged: list[dict[str, Any]] = field(default_factory=list)
    stop: bool = False
    passes: bool = True

    def train(self, samples: Sequence[Sample], *, out: Path, **how: Any) -> Any:
        self.trained.append({"samples": list(samples), "out": out, **how})
        out.mkdir(parents=True, exist_ok=True)
        if self.stop:
            raise KeyboardInterrupt
        if len(samples) < 5:
            raise DataError("too few documents")
        shutil.copytree(self.bundle, out / "bundle", dirs_exist_ok=True)
        return SimpleNamespace(bundle=out / "bundle", sentences=lambda: ["trained", "where it lies"])

    def judge(self, workspace: Workspace, candidate: Path, personal: Any, general: Any, **how: Any) -> Decision:
        self.judged.append({"personal": personal, "general": general, **how})
        if not self.passes:
            raise Refused("not promoted: total gets worse")
        workspace.set_champion(read_bundle(candidate).id, "better", kind="fields")
        return Decision("new", "old", (Finding("better", True, "fewer errors"),))


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    write_bundle(tmp_path / "made", BundleInfo(family="fields", name="made"), {"card.md": b"made"})
    found = Fake(tmp_path / "made")
    family = SimpleNamespace(name="fields", default="fields", recipe=dict)
    monkeypatch.setattr("emendo.train.run.train", found.train)
    monkeypatch.setattr("emendo.train.families.family_of", lambda base, workspace: (family, None))
    monkeypatch.setattr("emendo.train.families.recipe_for", lambda family, name: name or family.default)
    monkeypatch.setattr(learning, "promote", found.judge)
    monkeypatch.setattr(learning, "general_documents", lambda cache: "made-up documents")
    return found


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    shops = [(f"r{at:02}", ((f"SHOP {at}", ""), ("Total", f"{at}.00")), {"total": "1"}) for at in range(COUNT)]
    manifest = receipts(tmp_path / "shop", shops)
    manifest.write_text(manifest.read_text().replace('"split": "val", ', ""))
    return workspace_of(manifest)


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    with workspace.store() as opened:
        yield opened


def correct(workspace: Workspace, count: int = COUNT) -> None:
    """Somebody fills in the first documents, each with where the total stands."""
    desk = Desk.open(workspace)
    take_documents(workspace, desk.store, workspace.root)
    for at, line in enumerate(desk.store.lines(kind=Kind.DOCUMENT)[:count]):
        source = {"page": 1, "box": [400, 100, 520, 140]}
        text = json.dumps({"seller": f"Shop {at}", "total": f"{at + 1}.00", "sources": {"total": source}})
        desk.save(line.id, text, Verdict.EDITED, expected=0, author="ann")
    desk.close()


def test_a_round_trains_on_what_was_corrected_and_the_gate_decides(
    workspace: Workspace, store: Store, fake: Fake
) -> None:
    correct(workspace)
    assert documents_waiting(store) == COUNT and only_documents(workspace)
    told: list[str] = []
    ended = learn_fields(workspace, Settings(), log=told.append)
    (trained,), (judged,) = fake.trained, fake.judged
    assert (len(trained["samples"]), len(trained["val"]), trained["base"]) == (13, 2, "base-fields")
    assert all(one.fields["sources"]["total"]["page"] == 1 for one in trained["samples"])
    tested = [one for one in judged["personal"].samples if one.split is Split.TEST]
    assert len(tested) == 5 and judged["split"] is Split.TEST and judged["general"] == ["made-up documents"]
    assert ended.promoted and documents_waiting(store) == 0 and unfinished_fields(store) is None
    assert told[-1] == "promoted: better: fewer errors" or told[-1].startswith("promoted: ")
    assert workspace.in_use("fields") == read_bundle(fake.bundle).id


def test_the_next_round_goes_on_from_the_model_in_use(workspace: Workspace, fake: Fake) -> None:
    correct(workspace, 10)
    learn_fields(workspace, Settings())
    correct(workspace)
    learn_fields(workspace, Settings())
    assert [one["base"] for one in fake.trained] == ["base-fields", "champion:fields"]


def test_a_round_that_was_cut_off_is_taken_up_where_it_was(workspace: Workspace, store: Store, fake: Fake) -> None:
    correct(workspace, 12)
    fake.stop = True
    with pytest.raises(KeyboardInterrupt):
        learn_fields(workspace, Settings())
    assert unfinished_fields(store) is not None and not fake.judged
    correct(workspace)  # what comes meanwhile waits for the next round
    fake.stop = False
    learn_fields(workspace, Settings())
    first, second = fake.trained
    assert (first["resume"], second["resume"], first["out"] == second["out"]) == (False, True, True)
    assert len(second["samples"]) == len(first["samples"]) and documents_waiting(store) == COUNT - 12


def test_what_the_gate_refuses_is_not_put_in_use(workspace: Workspace, fake: Fake) -> None:
    correct(workspace)
    fake.passes = False
    ended = learn_fields(workspace, Settings())
    assert ended.promoted is False and "total gets worse" in ended.reason
    assert workspace.in_use("fields") == "base-fields"


def test_too_few_documents_make_no_model(workspace: Workspace, fake: Fake) -> None:
    assert learn_fields(workspace, Settings()).reason == "no document was corrected yet"
    correct(workspace, 3)
    ended = learn_fields(workspace, Settings())
    assert ended.promoted is None and "too few" in ended.reason and not fake.judged
