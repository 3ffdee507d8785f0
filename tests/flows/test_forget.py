from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.correct import samples
from emendo.datasets.build import build
from emendo.errors import UsageError
from emendo.flows import forget as forgetting
from emendo.learn import round as learning
from emendo.models.references import load_bundle
from emendo.models.registry import MlflowRegistry, install
from emendo.monitor import Captures, Seen, SeenLine, Truth
from emendo.monitor.collect import collect
from emendo.release.registry import catch_up, still_registered
from emendo.settings import Settings
from emendo.types import Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.names import keep, places
from emendo.workspace.store import Entry, Line

from ..release.colours import write_colour_bundle

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
AUTHORS = ("anna", "ben", "anna", "ben", "carl", "carl")


def corrected(workspace: Workspace) -> None:
    """Six lines of one note, corrected by three authors."""
    rows = []
    for at in range(len(AUTHORS)):
        image = workspace.root / f"{at}.png"
        image.write_bytes(f"image {at}".encode())
        line = Line(
            id=f"l{at}", document="journal", number=at + 1, text_line=at + 1, page=at, image=image.name, sha256=""
        )
        rows.append((line, None))
    with workspace.store() as store:
        store.put_document("journal", rows)
        for at, author in enumerate(AUTHORS):
            store.add_correction(
                Entry(line=f"l{at}", reading="x", text=f"text {at}", verdict=Verdict.EDITED, author=author)
            )


def learned(workspace: Workspace, model: str, without: tuple[str, ...] = ()) -> str:
    """A data set of the corrections, a run on it, and the model that it made, in use."""
    with workspace.store() as store:
        rows = list(samples(workspace, store, without_authors=without))
        mark = store.mark()
    built = build(rows, workspace, name="corrections")
    run = workspace.runs / f"{built.id}-{mark}"
    run.mkdir()
    (run / "report.json").write_text(json.dumps({"model": model}))
    (workspace.models / model).mkdir()
    workspace.set_champion(model, "better")
    return built.id


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.init(tmp_path / "notes")
    corrected(made)
    return made


def test_nothing_that_rests_on_the_author_stays(workspace: Workspace) -> None:
    free = learned(workspace, "free", without=("ben",))
    owing = learned(workspace, "owing")
    workspace.set_champion("owing", "reads fields too", kind="fields")
    (workspace.models / "foreign").mkdir()
    for model in ("free", "owing"):
        keep(workspace, "journal@best", model)
    done = forgetting.forget(workspace, Settings(), "ben", rebuild=False)
    assert (done.corrections, done.datasets, done.models, done.images) == (2, (owing,), ("owing",), 2)
    assert (workspace.in_use(), workspace.in_use("fields")) == ("free", "base-fields")
    assert (done.champion, done.unknown, done.rebuilt) == ("free", ("foreign",), None)
    assert {path.name for path in workspace.models.iterdir() if path.is_dir()} == {"free", "foreign"}
    assert [path.name.split("-")[0] for path in workspace.runs.iterdir()] == [free]
    assert not (workspace.datasets / owing).exists()
    assert places(workspace) == {"free": ("models:/journal/1",)}, "no name leads to what is gone"
    champion = workspace.champion()
    assert champion is not None and (champion.model, champion.why) == ("free", "ben was forgotten")
    assert (workspace.root / "1.png").is_file(), "the notes belong to the person"
    with workspace.store() as store:
        assert {one.attributes["author"] for one in samples(workspace, store)} == {"anna", "carl"}
    again = forgetting.forget(workspace, Settings(), "ben", rebuild=False)
    assert (again.datasets, again.images, again.champion) == ((), 0, "free")


def test_what_a_registry_still_holds_is_told(
    workspace: Workspace, registry_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = write_colour_bundle(tmp_path / "owing")
    learned(workspace, bundle.id)
    (workspace.models / bundle.id).rmdir()
    install(workspace, bundle.folder)
    catch_up(workspace)
    assert load_bundle("models:/notes@champion").id == bundle.id
    done = forgetting.forget(workspace, Settings(), "ben", rebuild=False)
    assert done.registered == (f"models:/notes/1 at {registry_uri}",)
    registry = MlflowRegistry(registry_uri, "emendo", 10)
    assert registry.entries("notes")[0].aliases == ()
    assert not list((tmp_path / "cache" / "registry").glob(f"{bundle.id}-*"))
    monkeypatch.setenv("EMENDO_REGISTRY__URI", "http://127.0.0.1:9")
    (told,) = still_registered(workspace, (bundle.id,))
    assert told.startswith("no one can say what is registered: the registry http://127.0.0.1:9 cannot be used")


def test_without_an_earlier_model_the_base_comes_back(workspace: Workspace) -> None:
    learned(workspace, "owing")
    assert forgetting.forget(workspace, Settings(), "anna", rebuild=False).champion == "base"


def test_a_round_that_was_cut_off_is_not_taken_up_again(workspace: Workspace) -> None:
    owing = learned(workspace, "owing")
    with workspace.store() as store:
        store.add_event(learning.STARTED, {"dataset": owing, "run": f"{owing}-9", "mark": store.mark()})
        assert learning.unfinished(store) is not None
    forgetting.forget(workspace, Settings(), "ben", rebuild=False)
    with workspace.store() as store:
        assert learning.unfinished(store) is None


def test_it_rebuilds_without_the_author(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[str]] = []

    def learn(held: Workspace, settings: Settings, **_: Any) -> learning.Round:
        with held.store() as store:
            seen.append({str(one.attributes["author"]) for one in samples(held, store)})
        return learning.Round("d", "r", True, "better")

    monkeypatch.setattr(forgetting, "learn", learn)
    done = forgetting.forget(workspace, Settings(), "carl")
    assert seen == [{"anna", "ben"}]
    assert done.rebuilt is not None and done.to_dict()["rebuilt"]["promoted"] is True


def test_an_unknown_author_is_answered_with_the_known(workspace: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="no correction is by 'bob'; corrections are by anna, ben, carl"):
        forgetting.forget(workspace, Settings(), "bob")
    place = ["--workspace", str(workspace.root), "--no-rebuild"]
    assert main(["forget", "--author", "bob", *place]) == 2
    assert "corrections are by anna" in capsys.readouterr().err
    assert main(["forget", "--author", "ben", *place, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["corrections"] == 2


def served(workspace: Workspace, *documents: str, kind: str = "line", folder: Path | None = None) -> list[str]:
    """The service read a picture of each document, and somebody told what is right; the ids of the readings."""
    captures = Captures(folder or workspace.captures)
    ids = [f"r-{kind}-{at}" for at in range(len(documents))]
    for name, document in zip(ids, documents, strict=True):
        picture = captures.put_image(f"picture of {name}".encode(), AT)
        line = SeenLine(f"raed {name}", 0.5)
        captures.add([Seen(id=name, at=AT, kind=kind, document=document, lines=(line,), image=picture)])
        captures.add_truths([Truth(id=name, at=AT, author="anna", text=f"read {name}")])
    return ids


def collected(workspace: Workspace) -> Path:
    """The data set that `emendo monitor collect` makes."""
    found = collect(Captures(workspace.captures))
    return workspace.datasets / build(found.samples, workspace, name="captures").id


@pytest.mark.parametrize("kind", ["line", "plate"])
@pytest.mark.parametrize("document", ["secret7", "/elsewhere/scan 7.png", "https://a.example//7", "ب" * 200])
def test_a_document_that_only_the_service_read_is_forgotten(workspace: Workspace, document: str, kind: str) -> None:
    _, kept = served(workspace, document, "plain", kind=kind)
    trial = workspace.trials / "one"
    served(workspace, document, kind=kind, folder=trial)
    built = collected(workspace)
    done = forgetting.forget(workspace, Settings(), document=document, rebuild=False)
    assert (done.datasets, done.images) == ((built.name,), 2), "pictures that no data set names any more go"
    seen = done.copies.captures
    assert (seen.readings, seen.truths, seen.pictures) == (2, 2, 2)
    assert not built.exists()
    for held, left in ((Captures(workspace.captures), [kept]), (Captures(trial), [])):
        assert [one.id for one in held.seen()] == [one.id for one in held.truths()] == left
        assert len(list(held.folder.rglob("*.png"))) == len(left)
    assert [one.source for one in collect(Captures(workspace.captures)).samples] == [f"capture {kept}"]
    again = forgetting.forget(workspace, Settings(), document=document, rebuild=False)
    assert (again.datasets, again.copies.captures.readings) == ((), 0), "the wish is known, though nothing is left"


def test_a_data_set_is_found_when_its_captures_are_gone(workspace: Workspace) -> None:
    served(workspace, "secret7", "plain")
    built = collected(workspace)
    Captures(workspace.captures).drop(documents={"secret7"})
    assert forgetting.forget(workspace, Settings(), document="secret7", rebuild=False).datasets == (built.name,)


def test_a_reading_without_a_document_is_forgotten_by_its_id(workspace: Workspace) -> None:
    alone, kept = served(workspace, "", "plain")
    built = collected(workspace)
    done = forgetting.forget(workspace, Settings(), document=alone, rebuild=False)
    assert done.datasets == (built.name,) and done.copies.captures.readings == 1
    assert [one.id for one in Captures(workspace.captures).seen()] == [kept]


def test_an_unknown_document_is_answered_with_the_captured_too(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    served(workspace, "secret7", "")
    place = ["--workspace", str(workspace.root), "--no-rebuild"]
    assert main(["forget", "--document", "secret8", *place]) == 2
    assert "no document 'secret8' was read here; known are journal, secret7\n" in capsys.readouterr().err
    assert main(["forget", "--document", "secret7", *place]) == 0
    assert "copies removed: 1 captured readings, 1 captured truths" in capsys.readouterr().err
