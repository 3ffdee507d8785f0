"""Workspaces for other programs and back: nothing is lost, nothing newer is overwritten."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from emendo.cli import main
from emendo.correct.export import FORMS, baseline_of, export_workspace
from emendo.correct.importing import Imported, import_file
from emendo.correct.merge import Outcome, news
from emendo.errors import BadInput, DataError, FormatError, UsageError
from emendo.formats.layout import LayoutLine
from emendo.types import Correction, Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry

from ..drawn import small_workspace

PAGES = [form.name for form in FORMS]
OTHER = "a text from elsewhere"


def noise(seed: int) -> Image.Image:
    """A page on which no two lines look the same: a line is known by its picture."""
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (600, 800, 3), np.uint8))


@pytest.fixture
def drawn_workspace(tmp_path: Path) -> Workspace:
    """Twelve lines on the two pages of a TIFF."""
    workspace = small_workspace(tmp_path / "ws")
    noise(1).save(workspace.root / "notes.tif", save_all=True, append_images=[noise(2)], compression="tiff_deflate")
    (workspace.root / "notes.png").unlink()
    return workspace


def line(number: int) -> str:
    return f"{number - 1:016x}"


def judged(workspace: Workspace) -> Workspace:
    """The drawn workspace with verdicts of every kind, by two people, one of them twice."""
    said = [
        (1, "القطار (12) وصل Paris", Verdict.EDITED, "ann"),
        (2, None, Verdict.SKIPPED, "bob"),
        (3, None, Verdict.UNREADABLE, "ann"),
        (4, "home in silence 4", Verdict.ACCEPTED, "bob"),
        (5, "first try {with; signs}", Verdict.EDITED, "ann"),
        (5, "second \\u003b try", Verdict.EDITED, "bob"),
    ]
    with workspace.store() as store:
        for number, text, verdict, author in said:
            reading = store.readings([line(number)])[line(number)].text
            entry = Entry(line=line(number), reading=reading, text=text, verdict=verdict, author=author, source="page")
            store.add_correction(entry)
    return workspace


def histories(workspace: Workspace) -> list[tuple[str, str, float, list[tuple[object, ...]]]]:
    """Everything that must come back, line by line in the order of the pages."""
    with workspace.store() as store:
        lines = store.lines()
        readings, found = store.readings(one.id for one in lines), store.histories(one.id for one in lines)
        return [
            (
                str(one.polygon),
                readings[one.id].text,
                round(readings[one.id].confidence, 4),
                [(c.version, c.verdict, c.text, c.reading, c.author, c.at, c.source) for c in found.get(one.id, [])],
            )
            for one in lines
        ]


def exported(workspace: Workspace, form: str, target: Path) -> Path:
    export_workspace(workspace, form, target)
    return target


def imported(workspace: Workspace, source: Path) -> Imported:
    return import_file(workspace, source, author="carl")


@pytest.mark.parametrize("form", PAGES)
def test_a_workspace_comes_back_in_another_one(drawn_workspace: Workspace, tmp_path: Path, form: str) -> None:
    before = judged(drawn_workspace)
    archive = exported(before, form, tmp_path / "out.zip")
    assert archive.read_bytes() == exported(before, form, tmp_path / "again.zip").read_bytes()
    fresh = Workspace.init(tmp_path / "fresh")
    done = imported(fresh, archive)
    assert (done.pages, done.verdicts, done.failures) == (2, 6, ())
    assert histories(fresh) == histories(before)
    again = imported(fresh, archive)
    assert (again.documents, again.verdicts) == ((), 0)
    back = exported(fresh, form, tmp_path / "back.zip")
    assert imported(before, back).verdicts == 0 and histories(fresh) == histories(before)


@pytest.mark.parametrize("form", PAGES)
def test_verdicts_of_the_other_workspace_come_home(drawn_workspace: Workspace, tmp_path: Path, form: str) -> None:
    """A page is corrected by somebody else in a workspace of their own and comes back; here it was moved on too."""
    judged(drawn_workspace)
    theirs = Workspace.init(tmp_path / "theirs")
    imported(theirs, exported(drawn_workspace, form, tmp_path / "out.zip"))
    with theirs.store() as store:
        ids = [one.id for one in store.lines()]
        for at, text in ((5, "their sixth"), (0, "their first")):
            entry = Entry(line=ids[at], reading="", text=text, verdict=Verdict.EDITED, author="dora", source="page")
            store.add_correction(entry)
    with drawn_workspace.store() as store:
        ours = Entry(line=line(1), reading="", text="newer here", verdict=Verdict.EDITED, author="ann")
        store.add_correction(ours)
        later = Entry(
            line=line(2),
            reading="",
            text="x",
            verdict=Verdict.EDITED,
            author="ann",
            at=datetime.now(UTC) + timedelta(hours=1),
        )
        store.add_correction(later)
    done = imported(drawn_workspace, exported(theirs, form, tmp_path / "home.zip"))
    with drawn_workspace.store() as store:
        assert [(c.text, c.author) for c in store.history(line(6))] == [("their sixth", "dora")]
        assert store.history(line(1))[-1].text in ("newer here", "their first")
        assert store.history(line(2))[-1].text == "x"
    assert done.lines[Outcome.OLDER] >= 1 and not done.documents


def changed_in(archive: Path, change: Callable[[str], str], *endings: str) -> Path:
    """The same archive with its texts changed, as another program would."""
    target = archive.with_name(f"changed-{archive.name}")
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(endings):
                content = change(content.decode("utf-8")).encode("utf-8")
            new.writestr(name, content)
    return target


def edit_elsewhere(text: str) -> str:
    """Line 7 (`the rain fell 7`) is edited where the texts stand, not in what emendo keeps beside."""
    for before in (
        ">the rain fell 7<",
        'CONTENT="the rain fell 7"',
        '"text": ["the rain fell 7"]',
        '"text": "the rain fell 7"',
    ):
        text = text.replace(before, before.replace("the rain fell 7", OTHER))
    return text


@pytest.mark.parametrize("form", ["page-zip", "alto-zip"])
def test_a_text_edited_elsewhere_is_a_new_verdict(drawn_workspace: Workspace, tmp_path: Path, form: str) -> None:
    archive = exported(drawn_workspace, form, tmp_path / "out.zip")
    changed = changed_in(archive, edit_elsewhere, ".xml")
    done = imported(drawn_workspace, changed)
    assert (done.verdicts, done.lines[Outcome.NEW], done.lines[Outcome.SAME]) == (1, 1, 11)
    with drawn_workspace.store() as store:
        (held,) = store.history(line(7))
    assert (held.text, held.author, held.source) == (OTHER, "carl", "import:changed-out.zip")
    assert imported(drawn_workspace, changed).verdicts == 0


def test_an_archive_that_lost_our_part_is_still_understood(drawn_workspace: Workspace, tmp_path: Path) -> None:
    """As a program leaves it that keeps neither `custom` nor our ids: lines are known by where they stand."""
    judged(drawn_workspace)
    archive = exported(drawn_workspace, "page-zip", tmp_path / "out.zip")

    def forget(text: str) -> str:
        return edit_elsewhere(re.sub(' (custom|conf)="[^"]*"', "", text))

    changed = changed_in(archive, forget, ".xml")
    done = imported(drawn_workspace, changed)
    assert done.lines == {"same": 11, "new": 1, "older": 0, "unplaced": 0}


def test_labels_of_lines_come_and_go(drawn_workspace: Workspace, tmp_path: Path) -> None:
    judged(drawn_workspace)
    archive = exported(drawn_workspace, "labels", tmp_path / "labels.zip")
    with zipfile.ZipFile(archive) as opened:
        rows = opened.read("labels.txt").decode("utf-8").splitlines()
        assert len(opened.namelist()) == len(rows) + 1 == 6
    assert f"images/{line(2)}.png\t__SKIP__" in rows
    assert imported(drawn_workspace, archive).verdicts == 0
    changed = changed_in(archive, lambda text: text.replace("home in silence 4", "home in peace 4"), ".txt")
    assert imported(drawn_workspace, changed).verdicts == 1
    with drawn_workspace.store() as store:
        assert [one.text for one in store.history(line(4))] == ["home in silence 4", "home in peace 4"]
    fresh = Workspace.init(tmp_path / "fresh")
    done = imported(fresh, archive)
    assert (len(done.documents), done.verdicts, done.failures) == (5, 5, ())
    with fresh.store() as store:
        assert sorted(one.text or "" for one in store.corrections())[:2] == ["", ""]


LABEL_STUDIO = [
    {
        "id": 7,
        "data": {"ocr": "/data/upload/3/1a2b3c4d-scan%20one.png"},
        "annotations": [
            {"id": 1, "completed_by": 1, "was_cancelled": True, "updated_at": "2026-03-01", "result": [{"value": 3}]},
            {
                "id": 2,
                "completed_by": {"id": 4, "email": "eva@example.org"},
                "updated_at": "2026-02-01T10:00:00Z",
                "result": [
                    {
                        "original_width": 800, "original_height": 600, "image_rotation": 0, "id": "aB3", "type": kind,
                        "from_name": name, "to_name": "image", "origin": "manual",
                        "value": {"x": 12.5, "y": 10, "width": 75, "height": 10, "rotation": 0, **value},
                    }
                    for kind, name, value in (
                        ("rectangle", "bbox", {}),
                        ("labels", "label", {"labels": ["Handwriting"]}),
                        ("textarea", "transcription", {"text": ["قال (12) Paris"]}),
                    )
                ]
                + [
                    {
                        "original_width": 800, "original_height": 600, "id": "pQ9", "type": "polygonlabels",
                        "value": {"points": [[12.5, 30], [87.5, 30], [87.5, 42]], "polygonlabels": ["Unreadable"]},
                    },
                    {"from_name": "quality", "type": "choices", "original_width": 800, "original_height": 600,
                     "value": {"choices": ["good"]}},
                    {"type": "relation", "from_id": "aB3", "to_id": "pQ9", "direction": "right"},
                ],
            },
        ],
        "predictions": [],
    },
    {"id": 8, "data": {"ocr": "x.png"}, "annotations": []},
]  # fmt: skip


def label_studio(folder: Path, content: object) -> Path:
    folder.mkdir(exist_ok=True)
    noise(3).save(folder / "scan one.png")
    (folder / "tasks.json").write_text(json.dumps(content), encoding="utf-8")
    return folder / "tasks.json"


def test_what_label_studio_exports_comes_in(tmp_path: Path) -> None:
    fresh = Workspace.init(tmp_path / "fresh")
    done = imported(fresh, label_studio(tmp_path / "ls", LABEL_STUDIO))
    assert done.documents == ("scan_one",)
    assert done.failures == ("tasks.json: task 2: has no outline of a line",)
    with fresh.store() as store:
        first, second = store.lines()
        (held,), (other,) = store.history(first.id), store.history(second.id)
        assert store.readings([first.id])[first.id] == Reading("قال (12) Paris", 1.0, (), "given")
    assert first.polygon == ((100, 60), (700, 60), (700, 120), (100, 120)) and len(second.polygon) == 3
    assert (held.text, held.verdict, held.author) == ("قال (12) Paris", Verdict.ACCEPTED, "eva@example.org")
    assert (other.text, other.verdict) == (None, Verdict.UNREADABLE)
    assert imported(fresh, tmp_path / "ls" / "tasks.json").documents == ()
    layout = (fresh.root / "scan_one.xml").read_text(encoding="utf-8")
    assert "structure {type:Handwriting;}" in layout and 'id="aB3"' in layout


TRANSKRIBUS = """<?xml version="1.0" encoding="UTF-8"?>
<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2013-07-15"><Page imageFilename="p1.png"
 imageWidth="800" imageHeight="600"><TextRegion id="r1" custom="readingOrder {index:0;} structure {type:heading;}">
<Coords points="90,30 710,30 710,200 90,200"/><TextLine id="r1l1" custom="readingOrder {index:0;} textStyle {offset:0;
length:3; bold:true;} structure {type:heading;}"><Coords points="100,40 700,40 700,100 100,100"/>
<Baseline points="100,85 400,84 700,86"/><TextEquiv><Unicode>Chapitre un</Unicode></TextEquiv></TextLine>
<TextLine id="r1l2" custom="readingOrder {index:1;}"><Coords points="100,120 700,120 700,180 100,180"/>
<TextEquiv conf="0.62"><Unicode>lu par un modele</Unicode></TextEquiv></TextLine></TextRegion></Page></PcGts>"""


def test_what_transkribus_wrote_goes_out_again(tmp_path: Path) -> None:
    """Its zip has `page/p1.xml` and the picture one folder higher; a text with `conf` is a reading, not a verdict."""
    (tmp_path / "doc" / "page").mkdir(parents=True)
    noise(3).save(tmp_path / "doc" / "p1.png")
    (tmp_path / "doc" / "page" / "p1.xml").write_text(TRANSKRIBUS, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "doc.zip", "w") as out:
        for path in (tmp_path / "doc").rglob("*.*"):
            out.write(path, path.relative_to(tmp_path))
    fresh = Workspace.init(tmp_path / "fresh")
    done = imported(fresh, tmp_path / "doc.zip")
    assert (done.documents, done.verdicts, done.failures) == (("p1",), 1, ())
    with fresh.store() as store:
        ((waiting, reading),) = store.queue()
    assert (waiting.number, reading.text, reading.confidence) == (2, "lu par un modele", 0.62)
    archive = exported(fresh, "page-zip", tmp_path / "back.zip")
    with zipfile.ZipFile(archive) as opened:
        text = opened.read("p1.xml").decode("utf-8")
    assert 'id="r1l1"' in text and 'points="100,85 400,84 700,86"' in text and 'points="90,30 710,30' in text
    assert "textStyle {offset:0; length:3; bold:true;}" in text and "structure {type:heading;}" in text
    assert "emendoVerdict {version:1; verdict:accepted; reading:Chapitre un; text:Chapitre un; author:carl;" in text


def test_an_import_that_was_cut_off_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page came in, the verdicts did not: the same file again brings them, and no second copy of the page."""
    fresh, source = Workspace.init(tmp_path / "fresh"), label_studio(tmp_path / "ls", LABEL_STUDIO[:1])
    for step in ("_put", "_record"):
        with monkeypatch.context() as patched:
            patched.setattr(f"emendo.correct.importing._Run.{step}", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                imported(fresh, source)
    done = imported(fresh, source)
    assert (done.verdicts, done.documents, done.failures) == (2, (), ())
    assert [path.name for path in fresh.root.glob("*.png")] == ["scan_one.png"]


@pytest.mark.parametrize(
    ("name", "content", "error", "what"),
    [
        ("a.json", b"[{not json", FormatError, "is not JSON"),
        ("a.json", b"[" * 100_000, FormatError, "nothing that can be imported"),
        ("a.json", b'[{"data": ' + b"[" * 200_000, FormatError, "is not JSON"),
        ("a.txt", b"no label file", FormatError, "nothing that can be imported"),
        ("a.zip", b"PK\x03\x04 cut short", BadInput, "damaged archive"),
    ],
)
def test_bad_files_are_one_sentence(tmp_path: Path, name: str, content: bytes, error: type, what: str) -> None:
    fresh = Workspace.init(tmp_path / "fresh")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(error, match=what):
        imported(fresh, tmp_path / name)
    with pytest.raises(UsageError, match="is not there"):
        imported(fresh, tmp_path / "none.zip")
    with pytest.raises(UsageError, match="unknown form 'docx'"):
        export_workspace(fresh, "docx", tmp_path / "x.zip")
    with pytest.raises(DataError, match="nothing to export"):
        export_workspace(fresh, "labels", tmp_path / "x.zip")
    assert not list(fresh.hidden.glob("import-*")) and not list(fresh.hidden.glob("export-*"))


def bad(change: Callable[[dict[str, object]], object]) -> list[dict[str, object]]:
    """A task of Label Studio with one thing changed in its first result."""
    task = json.loads(json.dumps(LABEL_STUDIO[0]))
    change(task["annotations"][1]["result"][0])
    return [task]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda one: one["value"].update(x="left"), "a coordinate is not a number"),
        (lambda one: one["value"].update(width=0), "has no area"),
        (lambda one: one["value"].update(width=1e300), "beyond a million pixels"),
        (lambda one: one.update(original_width=0), "no size in pixels"),
        (lambda one: one.update(original_width=4000), "describes a page of"),
        (lambda one: one.update(meta={"emendo": {"known": {"history": "x"}}}), "no list of verdicts"),
        (
            lambda one: one.update(meta={"emendo": {"known": {"history": [{"verdict": "best"}]}}}),
            "cannot be understood",
        ),
        (
            lambda one: one.update(
                meta={"emendo": {"known": {"history": [{"verdict": "edited", "at": "2026-01-01"}]}}}
            ),
            "its text does not fit",
        ),
        (lambda one: one.update(meta={"emendo": {"baseline": [[0, 0, 0]]}}), "not \\[x, y\\]"),
    ],
)
def test_a_wrong_task_is_told_and_changes_nothing(tmp_path: Path, change: Callable[..., object], what: str) -> None:
    fresh = Workspace.init(tmp_path / "fresh")
    done = imported(fresh, label_studio(tmp_path / "ls", bad(change)))
    assert not done.documents and len(done.failures) == 1
    with pytest.raises(AssertionError, match=what):
        raise AssertionError(done.failures[0])


def test_a_document_that_is_gone_is_told(drawn_workspace: Workspace, tmp_path: Path) -> None:
    with drawn_workspace.store() as store:
        moved = [replace(one, document="gone", id=f"{99:016x}") for one in store.lines()[:1]]
        store.put_document("gone", [(one, Reading("x", 0.5)) for one in moved])
    done = export_workspace(drawn_workspace, "page-zip", tmp_path / "out.zip")
    assert (done.pages, done.failures) == (2, ("gone: its document is not there any more",))


def test_the_command_line_round_trip(
    drawn_workspace: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMENDO_MODEL", "base")
    judged(drawn_workspace)
    out, fresh = tmp_path / "out.zip", Workspace.init(tmp_path / "fresh")
    root = str(drawn_workspace.root)
    assert main(["dataset", "export", root, "--to", "page-zip", "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"pages": 2, "lines": 12, "judged": 5, "failures": []}
    assert main(["dataset", "import", str(out), "--workspace", str(fresh.root)]) == 0
    assert "2 pages, 2 of them new here; 6 verdicts taken over" in capsys.readouterr().err
    assert main(["dataset", "import", str(out)]) == 2
    assert "either --out DIR or --workspace DIR" in capsys.readouterr().err


MOMENT = datetime(2026, 11, 29, tzinfo=UTC)
TEXTS = ("read", "a", "b", "c")
verdict_lists = st.lists(st.tuples(st.sampled_from(TEXTS), st.sampled_from(["ann", "bob"])), max_size=4)


def corrections(said: list[tuple[str, str]], hours: int) -> list[Correction]:
    return [
        Correction(
            line="u",
            reading="read",
            text=text,
            verdict=Verdict.ACCEPTED if text == "read" else Verdict.EDITED,
            author=author,
            at=MOMENT + timedelta(hours=hours + at),
            version=at + 1,
        )
        for at, (text, author) in enumerate(said)
    ]


@settings(max_examples=200, deadline=None)
@given(verdict_lists, verdict_lists, st.sampled_from([None, *TEXTS, "new"]), st.integers(-9, 9))
def test_merging_settles_and_never_undoes(
    ours: list[tuple[str, str]], theirs: list[tuple[str, str]], now: str | None, hours: int
) -> None:
    held, history = corrections(ours, 0), corrections(theirs, hours)
    text = now or (history[-1].text if history else "read")
    line = LayoutLine(
        polygon=((0, 0), (9, 0), (9, 9)),
        text=text,
        unit="u",
        reading=Reading("read", 0.5),
        confidence=0.5 if not history and text == "read" else None,
        history=tuple(history),
    )
    entries, outcome = news(line, "u", "read", held, author="carl", source="import:x")
    assert (outcome is Outcome.NEW) == bool(entries)
    if outcome is Outcome.OLDER:
        assert held
    after = held + corrections([(one.text or "", one.author) for one in entries], 100)
    again, _ = news(line, "u", "read", after, author="carl", source="import:x")
    assert not again, "the same file says nothing new the second time"
    if held and history and any((held[-1].text, held[-1].author) == pair for pair in theirs[:-1]) and not now:
        assert len(entries) <= len(history)
    if not history and now is None:
        assert not entries


@given(st.integers(0, 300), st.integers(20, 200), st.integers(8, 60), st.integers(-10, 10))
def test_a_baseline_runs_inside_its_line(x: int, wide: int, high: int, lean: int) -> None:
    polygon = ((x, 50.0), (x + wide, 50.0 + lean), (x + wide, 50.0 + lean + high), (x, 50.0 + high))
    points = baseline_of(polygon)
    assert [px for px, _ in points] == sorted(px for px, _ in points) and points[0][0] == x
    for px, py in points:
        top = 50 + lean * (px - x) / wide
        assert top + high / 2 < py < top + high
