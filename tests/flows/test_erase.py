"""What is erased is nowhere in the workspace any more, byte by byte, also after kills; what others own stays."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
from pathlib import Path

import pytest

from emendo.cli import main
from emendo.correct import samples
from emendo.correct.fields import document_samples
from emendo.datasets.build import build
from emendo.errors import Busy, UsageError
from emendo.flows.forget import SIGNED, Forgotten, forget
from emendo.monitor import Captures, Seen, SeenLine, Truth
from emendo.monitor.collect import collect
from emendo.settings import Settings
from emendo.workspace import database as opening
from emendo.workspace.folder import Workspace
from emendo.workspace.rows import Kind
from emendo.workspace.store import Store

from ..postgres import Cluster
from .erasable import AT, KEPT, OWN, SECRET, bundle, full_workspace, holding, killed

SERVED = "numbat of the service"
"""Stands in captures and what was collected from them, and nowhere else."""
STEPS = 7
"""How often a call that erases tells what it has done."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return full_workspace(tmp_path_factory.mktemp("made") / "ws").root


@pytest.fixture
def workspace(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("EMENDO_CACHE", str(tmp_path / "cache"))
    shutil.copytree(made, tmp_path / "ws")
    return Workspace.open(tmp_path / "ws")


def erased(workspace: Workspace, author: str = "", document: str = "") -> Forgotten:
    return forget(workspace, Settings(), author, document=document, erase=True, rebuild=False)


def test_a_document_is_in_no_byte_of_the_workspace(workspace: Workspace) -> None:
    before = holding(workspace.root, SECRET)
    assert ".emendo/emendo.db" in before and "trips/secret.txt" in before and "bill.fields.json" in before
    assert any(name.startswith(".emendo/datasets/") for name in before)
    assert any(name.startswith(".emendo/captures/") for name in before)
    assert any(name.startswith(".emendo/reports/") for name in before)
    done = erased(workspace, document="trips/secret.pdf")
    assert done.models == ("child", "owing") and done.champion == "free"
    assert set(done.files) == {"trips/secret.pdf", "trips/secret.txt", "trips/secret.txt.orig", "trips/secret_lines"}
    assert {"bill.pdf", "bill.fields.json"} <= set(done.left), "another document says the same: that is told"
    bill = erased(workspace, document="bill.pdf")
    assert set(bill.files) == {"bill.pdf", "bill.fields.json"}
    assert (bill.copies.errors, bill.left) == (1, ())
    assert holding(workspace.root, SECRET) == []
    assert (workspace.root / "plain.txt").read_text().startswith(KEPT)
    with workspace.store() as store:
        assert {line.document for line in store.lines()} == {"plain", "shared", "own", "other.pdf"}
        assert len(store.events("collect")) == 4, "the log keeps that something was collected"
    seen = list(Captures(workspace.captures).seen())
    assert [one.id for one in seen] == ["2", "3"]
    assert [one.id for one in Captures(workspace.captures).truths()] == ["2"]
    assert not list(workspace.captures.rglob("*.png"))


def test_an_author_is_in_no_byte_and_the_work_of_others_stays(workspace: Workspace) -> None:
    assert {"shared.txt", "own.txt", ".emendo/emendo.db"} <= set(holding(workspace.root, OWN))
    done = erased(workspace, "ben")
    assert holding(workspace.root, OWN) == [] == list(done.left)
    assert set(done.files) == {"shared.txt", "own.txt"}
    assert (workspace.root / "shared.txt").read_text() == "and her line\n"
    assert (workspace.root / "own.txt").read_text() == "womba twice\n", "only ben worked on it: it is as it was read"
    with workspace.store() as store:
        assert {one.author for one in store.corrections()} == {"anna"}
        assert len(store.lines("own")) == 1, "the document is somebody else's"
    assert [one.id for one in Captures(workspace.captures).seen()] == ["1", "2"]
    assert [one.author for one in Captures(workspace.captures).truths()] == ["anna"]
    database = sqlite3.connect(workspace.database)
    assert database.execute("SELECT count(*) FROM users").fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM seconds").fetchone() == (0,)
    database.close()


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_kill_anywhere_is_made_good_by_the_same_call(workspace: Workspace, step: int) -> None:
    assert killed(workspace, step, "trips/secret.pdf") == -signal.SIGKILL
    with workspace.store() as store:
        assert all("secret" not in sample.group for sample in samples(workspace, store)), (
            "forgotten from the first step"
        )
        assert bool(store.events(SIGNED)) == (step == STEPS)
    done = erased(workspace, document="trips/secret.pdf")
    assert holding(workspace.root / "trips", SECRET) == []
    assert holding(workspace.root / ".emendo", f"{SECRET} again") == []
    assert workspace.in_use() == "free"
    with workspace.store() as store:
        (signed, *_) = store.events(SIGNED)
        assert signed.data["document"] == "trips/secret.pdf" and signed.data["erased"] is True
        assert signed.data["by"]
    assert done.champion == "free"


def test_what_models_still_contain_it_is_told_after_a_kill_too(workspace: Workspace, tmp_path: Path) -> None:
    elsewhere = tmp_path / "exports"
    bundle(elsewhere / "onnx", "exported", base="child")
    bundle(elsewhere / "same", "owing")
    bundle(elsewhere / "free", "free")
    bundle(workspace.root / "here", "owing")
    shutil.make_archive(str(tmp_path / "channel" / "targets" / "3f.owing"), "zip", elsewhere / "same")
    killed(workspace, 3, "trips/secret.pdf")
    assert not (workspace.models / "owing").exists()
    look = [elsewhere, tmp_path / "channel"]
    done = forget(workspace, Settings(), document="trips/secret.pdf", erase=True, look=look, rebuild=False)
    told = {Path(one.place).relative_to(tmp_path).as_posix(): one.how for one in done.held}
    assert set(told) == {"exports/onnx", "exports/same", "ws/here", "channel/targets/3f.owing.zip"}
    assert told["exports/onnx"] == "was made of child"
    assert told["exports/same"].startswith("learned from data set ")
    with workspace.store() as store:
        assert len(store.events(SIGNED)[0].data["held"]) == 4


def test_without_erase_the_document_stays_and_is_not_used(workspace: Workspace) -> None:
    done = forget(workspace, Settings(), document="trips/secret", rebuild=False)
    assert (done.corrections, done.files, done.rows) == (2, (), 0)
    assert (workspace.root / "trips/secret.txt").is_file()
    assert not any(
        name.startswith((".emendo/datasets", ".emendo/runs")) for name in holding(workspace.root, f"{SECRET} again")
    )
    forget(workspace, Settings(), document="bill.pdf", rebuild=False)
    with workspace.store() as store:
        assert len(store.lines("trips/secret")) == 2
        assert {sample.attributes["document"] for sample in samples(workspace, store)} == {"plain", "shared", "own"}
        assert {sample.attributes["document"] for sample in document_samples(workspace, store)} == {"other.pdf"}


def captured_only(workspace: Workspace) -> Path:
    """A data set collected from a document that only the service read, with its fields and one line of it."""
    captures = Captures(workspace.captures)
    picture = captures.put_image(f"picture {SERVED}".encode(), AT)
    captures.add([Seen(id="7", at=AT, kind="line", document="served", lines=(SeenLine("x", 1.0),), image=picture)])
    captures.add([Seen(id="8", at=AT, kind="document", document="served", fields={"seller": SERVED})])
    captures.add_truths([Truth(id="7", at=AT, author="anna", text=SERVED)])
    return workspace.datasets / build(collect(captures).samples, workspace, name="captures").id


def test_a_document_of_captures_alone_is_in_no_byte(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    built = captured_only(workspace)
    assert {name.split("/")[1] for name in holding(workspace.root, SERVED)} == {"captures", "datasets"}
    before = [one.id for one in Captures(workspace.captures).seen()]
    place = ["--workspace", str(workspace.root), "--no-rebuild", "--json"]
    assert main(["forget", "--document", "served", "--erase", "--yes", *place]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["erased"] and built.name in told["datasets"] and told["copies"]["captured_readings"] == 2
    assert holding(workspace.root, SERVED) == [] and '"served"' not in (workspace.datasets / "splits.json").read_text()
    assert [one.id for one in Captures(workspace.captures).seen()] == [one for one in before if one not in ("7", "8")]


def test_where_a_captured_text_stands_still_is_told(workspace: Workspace) -> None:
    captured_only(workspace)
    (workspace.root / "copy.txt").write_text(f"by hand: {SERVED}")
    assert erased(workspace, document="served").left == ("copy.txt",)


def test_the_same_twice_does_no_harm(workspace: Workspace) -> None:
    erased(workspace, document="trips/secret.pdf")
    again = erased(workspace, document="trips/secret.pdf")
    assert (again.corrections, again.datasets, again.rows, again.files) == (0, (), 0, ())
    assert again.champion == "free"


def test_an_open_database_elsewhere_is_told(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.1)
    reader = sqlite3.connect(workspace.database, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM units").fetchone()
    with pytest.raises(Busy, match=r"its log cannot be emptied|locked"):
        erased(workspace, document="trips/secret.pdf")
    reader.close()
    erased(workspace, document="trips/secret.pdf")
    assert SECRET not in "".join(holding(workspace.root / "trips", SECRET))


def test_rows_go_from_postgresql_too(workspace: Workspace, postgres: Cluster) -> None:
    url = postgres.database()
    (workspace.root / "emendo.toml").write_text(f'database = "{url}"\n')
    with workspace.store() as store, Store.open(f"sqlite:///{workspace.database}") as before:
        readings = before.readings([line.id for line in before.lines()])
        for kind in (Kind.LINE, Kind.DOCUMENT):
            for name, _ in before.documents(kind=kind):
                rows = [(line, readings[line.id]) for line in before.lines(name, kind=kind)]
                store.put_document(name, rows, kind=kind)
    done = erased(workspace, document="trips/secret.pdf")
    assert done.rows == 4
    assert "recycled" in done.database
    with workspace.store() as store:
        assert store.lines("trips/secret") == [] and len(store.lines("plain")) == 2


def test_bad_wishes_are_answered_in_a_sentence(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match=r"no document 'nothing\.pdf' was read here; known are bill\.pdf, other\.pdf"):
        erased(workspace, document="nothing.pdf")
    with pytest.raises(UsageError, match="is no document of"):
        erased(workspace, document="../outside.pdf")
    with pytest.raises(UsageError, match="one at a time"):
        erased(workspace, "ben", "bill.pdf")
    place = ["--workspace", str(workspace.root), "--no-rebuild"]
    assert main(["forget", "--document", "bill.pdf", "--erase", *place]) == 2
    told = capsys.readouterr().err
    assert "bill.fields.json" in told and "erasing must be confirmed; add --yes" in told
    assert (workspace.root / "bill.pdf").is_file()
    assert main(["forget", "--document", "bill.pdf", "--erase", "--yes", "--json", *place]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["erased"] is True and report["files"] == ["bill.fields.json", "bill.pdf"]
    assert main(["forget", "--author", "ben", "--look", str(workspace.root / "none"), *place]) == 2
