"""Changes of a page's lines: files and database say the same, nothing that was said is lost, each can be taken back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image as Pillow

from emendo.correct import collect, missing_pictures, samples
from emendo.errors import BadInput, UsageError
from emendo.label.changes import Add, Change, Delete, Merge, Move, Shape, Split
from emendo.label.desk import Desk
from emendo.label.pagework import PageDesk, PageState, StalePage
from emendo.pages.note import NoteFiles
from emendo.pages.session import read_inputs
from emendo.tools.files import sha256_file
from emendo.types import Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.leases import InWork

from ..correct.notes import make_note
from ..paged import HEIGHT, LEFT, PAGES, SETTINGS, STEP, TOP, Reader, paged_workspace

MISSED = 3
FIRST = [text for at, text in enumerate(PAGES[0]) if at != MISSED]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that was read once for all tests; each works on a copy."""
    workspace = paged_workspace(tmp_path_factory.mktemp("read") / "ws", missed=MISSED)
    (workspace.root / "emendo.toml").write_text('author = "me"\n')
    return workspace.root


@pytest.fixture
def desk(read: Path, tmp_path: Path) -> Iterator[PageDesk]:
    opened = Desk.open(Workspace.open(shutil.copytree(read, tmp_path / "ws")), Reader)
    yield PageDesk(opened)
    opened.close()


def page(desk: PageDesk, number: int = 1) -> PageState:
    return desk.page("log", number)


def change(desk: PageDesk, make: Callable[[list[str]], Change], number: int = 1) -> PageState:
    """A change of the page as it is, made from the ids of its lines."""
    state = page(desk, number)
    return desk.change("log", number, state.version, make([card.line.id for card in state.cards]), "ann")


def texts(state: PageState) -> list[str]:
    return [card.text for card in state.cards]


def file(desk: PageDesk, name: str) -> str:
    return (desk.desk.workspace.root / name).read_text()


def save(desk: PageDesk, at: int, text: str, number: int = 1) -> str:
    card = page(desk, number).cards[at]
    desk.desk.save(card.line.id, text, Verdict.EDITED, expected=card.version, author="ann")
    return card.line.id


def sound(desk: PageDesk) -> None:
    """Manifest, pictures, text, untouched copy and database fit together, and a collection has nothing to say."""
    root = desk.desk.workspace.root
    rows = [json.loads(line) for line in file(desk, "log_lines/lines.jsonl").splitlines()]
    original = file(desk, "log.txt.orig").split("\n")
    assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["page"] for row in rows] == sorted(row["page"] for row in rows)
    for row in rows:
        assert sha256_file(root / "log_lines" / row["image"]) == row["sha256"]
        assert original[row["text_line"] - 1] == row["text"]
    pictures = {path.name for path in (root / "log_lines").glob("line_*.png")}
    assert pictures == {row["image"] for row in rows}
    assert [line.id for line in desk.desk.store.lines("log")] == [row["id"] for row in rows]
    assert not list(root.rglob(".reading"))
    found = collect(desk.desk.workspace, recognizer=Reader(), settings=desk.desk.workspace.settings(), wait=False)
    assert (found.new, found.left_out, found.failures, found.waiting) == (0, (), (), ())
    assert not any(note.notices for note in found.notes)


def test_a_page_shows_its_lines_and_what_was_said(desk: PageDesk) -> None:
    save(desk, 1, "the fog still lay upon the water!")
    state = page(desk)
    shown = state.to_dict()
    assert (shown["pages"], shown["size"], shown["undo"]) == (2, [900, 700], "")
    assert [one["text"] for one in shown["lines"]] == [FIRST[0], "the fog still lay upon the water!", *FIRST[2:]]
    assert [one["number"] for one in shown["lines"]] == list(range(1, len(FIRST) + 1))
    assert shown["lines"][1]["verdict"] == "edited" and shown["lines"][0]["height"] == pytest.approx(HEIGHT)
    assert not any(one["continues"] for one in shown["lines"])
    assert texts(page(desk, 2)) == list(PAGES[1])
    assert desk.documents() == [{"document": "log", "page": 1}]


def test_a_line_is_split_where_its_letter_stands(desk: PageDesk) -> None:
    state = change(desk, lambda ids: Split(ids[1], 8, FIRST[1]))
    assert len(state.cards) == len(FIRST) + 1 and state.fresh == tuple(card.line.id for card in state.cards[1:3])
    left, right = (card.line.box for card in state.cards[1:3])
    at = LEFT - 8 + 8 / len(FIRST[1]) * (right[2] - left[0])
    assert left[2] == pytest.approx(at, abs=4) and right[0] == pytest.approx(at, abs=4)
    assert state.to_dict()["lines"][2]["continues"]
    assert state.cards[1].line.attributes == {"made": "split"}
    sound(desk)
    again = change(desk, lambda ids: Merge(ids[1:3]))
    # the same picture: it is the line that it was
    assert [card.line.id for card in again.cards] == [
        line.id for line in desk.desk.store.lines("log") if line.page == 1
    ]
    assert again.cards[1].line.box == pytest.approx((LEFT - 8, 132.4, right[2], 171.6), abs=2)
    sound(desk)


def test_what_a_person_said_of_a_line_goes_to_both_halves_as_a_draft(desk: PageDesk) -> None:
    line = save(desk, 1, "the fig still lay upon the waiter.")
    state = change(desk, lambda ids: Split(ids[1], 8, "the fig still lay upon the waiter."))
    assert texts(state)[1:3] == ["the fig", "still lay upon the waiter."]
    assert all(card.verdict is None for card in state.cards[1:3])
    sound(desk)
    merged = change(desk, lambda ids: Merge(ids[:2], {ids[1]: "the fog"}))
    assert texts(merged)[0] == f"{FIRST[0]} the fog" and merged.cards[0].verdict is None
    assert [one.text for one in desk.desk.history(line)] == ["the fig still lay upon the waiter."]
    sound(desk)


def test_an_arabic_line_is_split_from_the_right(tmp_path: Path) -> None:
    text = "قال الرجل مرحبا"
    workspace = paged_workspace(tmp_path / "ws", [[text, "and another"]])
    desk = PageDesk(Desk.open(workspace, Reader))
    state = change(desk, lambda ids: Split(ids[0], 4, text))
    first, second = (card.line.box for card in state.cards[:2])
    # the reader laid the letters out from the left; the first word is taken from where its letters were seen
    assert first[0] > second[0] or first[2] > second[2]
    desk.desk.close()


def test_lines_are_moved_added_shaped_and_deleted(desk: PageDesk) -> None:
    state = change(desk, lambda ids: Move(ids[0], ids[3]))
    assert texts(state)[:4] == [FIRST[1], FIRST[2], FIRST[0], FIRST[3]] and state.fresh == ()
    y = TOP + STEP * MISSED
    added = change(desk, lambda _: Add(outline=((60, y - 24), (600, y - 24), (600, y + 24), (60, y + 24))))
    assert added.fresh == (added.cards[3].line.id,) and added.cards[3].text.startswith("new ")
    sound(desk)
    shaped = change(desk, lambda ids: Shape(ids[3], "typed", middle=((62, y), (580, y)), height=40))
    assert shaped.cards[3].text == "typed" and shaped.cards[3].line.id != added.cards[3].line.id
    again = change(desk, lambda ids: Add(middle=((560, 640), (80, 640)), after=ids[0]))
    assert again.cards[1].line.box[0] == pytest.approx(80, abs=3) and len(again.cards) == len(FIRST) + 2
    deleted = change(desk, lambda ids: Delete([ids[0], ids[2]]))
    assert len(deleted.cards) == len(FIRST)
    sound(desk)
    assert texts(page(desk, 2)) == list(PAGES[1])


def test_every_change_is_taken_back_to_the_very_files_that_were(desk: PageDesk) -> None:
    files = ("log.txt", "log.txt.orig", "log_lines/lines.jsonl")
    before = {name: file(desk, name) for name in files}
    said = save(desk, 2, "Nobody spoke.")
    change(desk, lambda ids: Split(ids[2], 6, "Nobody spoke."))
    change(desk, lambda ids: Delete([ids[0]]))
    change(desk, lambda ids: Merge(ids[:2]))
    state = change(desk, lambda ids: Move(ids[1], ids[0]))
    seen = []
    while state.undo:
        seen.append(state.undo)
        state = desk.undo("log", 1, state.version, "bob")
        sound(desk)
    assert seen == ["move", "merge", "delete", "split"]
    assert {name: file(desk, name) for name in files} == before
    assert state.cards[2].line.id == said and state.cards[2].text == "Nobody spoke."
    with pytest.raises(UsageError, match="no change"):
        desk.undo("log", 1, state.version, "bob")
    changed = change(desk, lambda ids: Delete([ids[-1]]))
    back = desk.undo("log", 1, changed.version, "bob")
    assert back.undo == "" and back.version == state.version
    what = [(event.data["what"], event.data["author"]) for event in desk.desk.store.events("layout")]
    assert what[:3] == [("undo", "bob"), ("delete", "ann"), ("undo", "bob")]


def test_what_was_corrected_in_the_text_goes_with_its_line(desk: PageDesk) -> None:
    root = desk.desk.workspace.root
    desk.desk.recognizer = lambda: Reader(["the fag", "still lay upon the water."])
    lines = file(desk, "log.txt").split("\n")
    lines[0], lines[1] = "We left the arbour before dawn, when", "the fog still lay on the water."
    (root / "log.txt").write_text("\n".join([*lines[:-1], "a remark of mine", ""]))
    state = change(desk, lambda ids: Split(ids[1], 8, FIRST[1]))
    told = file(desk, "log.txt").split("\n")
    assert told[:3] == [lines[0], "the fog", "still lay on the water."] and told[-2] == "a remark of mine"
    assert [card.text for card in state.cards[:3]] == told[:3]
    assert state.cards[0].verdict is not None and state.cards[0].verdict.author == "me"
    sound(desk)
    change(desk, lambda ids: Move(ids[0], ids[2]))
    assert file(desk, "log.txt").split("\n")[:3] == [told[1], told[0], told[2]]
    change(desk, lambda ids: Delete(ids[:2]))
    assert file(desk, "log.txt").split("\n")[0] == told[2] and "a remark of mine" in file(desk, "log.txt")
    sound(desk)
    held = {one.text for one in desk.desk.store.corrections()}
    assert {lines[0], "the fog still lay on the water.", "the fog"} <= held


def test_a_new_line_in_an_edited_text_is_not_taken_as_seen(desk: PageDesk) -> None:
    root = desk.desk.workspace.root
    lines = [line + "." if line else line for line in file(desk, "log.txt").split("\n")]
    (root / "log.txt").write_text("\n".join(lines))
    y = TOP + STEP * MISSED
    state = change(desk, lambda _: Add(middle=((62, y), (580, y))))
    verdicts = [card.verdict.verdict if card.verdict else None for card in state.cards]
    assert verdicts[3] is None and set(verdicts[:3] + verdicts[4:]) == {Verdict.EDITED}
    sound(desk)


def test_a_deleted_line_trains_no_model_and_comes_back_with_all_that_was_said(desk: PageDesk) -> None:
    line, other = save(desk, 0, "one"), save(desk, 1, "two")
    workspace, store = desk.desk.workspace, desk.desk.store
    (workspace.root / "log_lines" / "line_001.gt.txt").write_text("one by its picture\n")
    state = change(desk, lambda ids: Delete([ids[0]]))
    assert {sample.id for sample in samples(workspace, store)} == {other}
    assert missing_pictures(workspace, store) == []
    assert desk.desk.pictures.crop(line).parent.name == ".layout" and not store.line(line).present
    assert [one.text for one in desk.desk.history(line)] == ["one", "one by its picture"]
    sound(desk)
    back = desk.undo("log", 1, state.version, "ann")
    assert back.cards[0].text == "one by its picture" and store.line(line).present
    assert {sample.id for sample in samples(workspace, store)} == {line, other}
    assert file(desk, "log_lines/line_001.gt.txt") == "one by its picture\n"
    sound(desk)


def test_no_line_ever_gets_the_picture_name_of_another(desk: PageDesk) -> None:
    seen: dict[str, str] = {}
    for _ in range(3):
        state = change(desk, lambda ids: Delete([ids[-1]]))
        state = change(desk, lambda ids: Split(ids[0], 7, texts(page(desk))[0]))
        for card in state.cards:
            assert seen.setdefault(card.line.image, card.line.id) == card.line.id
        desk.undo("log", 1, state.version, "ann")


def test_a_changed_page_is_not_read_anew(desk: PageDesk) -> None:
    root = desk.desk.workspace.root
    change(desk, lambda ids: Delete([ids[0]]))
    result = read_inputs([root / "log.tif"], recognizer=Reader(), settings=SETTINGS, again=True)
    assert [note.status for note in result.notes] == ["kept"]
    sound(desk)


def test_a_stale_page_is_not_changed(desk: PageDesk) -> None:
    state = page(desk)
    change(desk, lambda ids: Delete([ids[0]]))
    before = file(desk, "log_lines/lines.jsonl")
    with pytest.raises(StalePage, match="changed meanwhile"):
        desk.change("log", 1, state.version, Delete([state.cards[1].line.id]), "bob")
    with pytest.raises(StalePage):
        desk.undo("log", 1, state.version, "bob")
    assert file(desk, "log_lines/lines.jsonl") == before


def test_a_line_that_somebody_else_has_in_work_stays(desk: PageDesk) -> None:
    state = page(desk)
    line = state.cards[0].line.id
    desk.desk.leases.take([line], "bob")
    with pytest.raises(InWork, match="bob has line"):
        desk.change("log", 1, state.version, Delete([line]), "ann")
    assert page(desk).version == state.version
    assert len(desk.change("log", 1, state.version, Delete([line]), "bob").cards) == len(FIRST) - 1
    assert desk.desk.leases.holders([line]) == {}


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda ids: Split(ids[0], 0, FIRST[0]), "within its text"),
        (lambda ids: Split(ids[0], len(FIRST[0]), FIRST[0]), "within its text"),
        (lambda ids: Split(ids[0], 3, "   x"), "within its text"),
        (lambda ids: Split("other", 3, FIRST[0]), "no line 'other'"),
        (lambda ids: Merge(ids[:1]), "two lines"),
        (lambda ids: Merge([ids[0], ids[0]]), "two lines"),
        (lambda ids: Merge([ids[0], "other"]), "no line 'other'"),
        (lambda _: Delete([]), "no line is named"),
        (lambda ids: Move(ids[0], "other"), "no line 'other'"),
        (lambda _: Add(), "by its outline or by its middle"),
        (lambda _: Add(outline=((0, 0), (9, 0), (9, 9)), middle=((0, 0), (9, 9))), "by its outline or by its middle"),
        (lambda _: Add(outline=((2000, 0), (2100, 0), (2100, 90))), "outside of the page"),
        (lambda _: Add(middle=((float("nan"), 0), (90, 90))), "no place on a page"),
        (lambda _: Add(middle=((62, 90), (500, 90)), after="other"), "no line 'other'"),
    ],
)
def test_what_cannot_be_changes_nothing(desk: PageDesk, make: Callable[[list[str]], Change], what: str) -> None:
    before = file(desk, "log_lines/lines.jsonl")
    with pytest.raises(UsageError, match=what):
        change(desk, make)
    assert file(desk, "log_lines/lines.jsonl") == before and not desk.desk.store.events("layout")
    sound(desk)


def test_the_same_place_twice_is_refused(desk: PageDesk) -> None:
    y = TOP + STEP * MISSED
    change(desk, lambda _: Add(middle=((62, y), (580, y))))
    with pytest.raises(UsageError, match="very same picture"):
        change(desk, lambda _: Add(middle=((62, y), (580, y))))
    sound(desk)


@pytest.mark.parametrize("document", ["", "other", "../ws/log", "/etc/passwd", "log\0", "log_lines/.layout"])
def test_an_unknown_document_is_refused(desk: PageDesk, document: str) -> None:
    for act in (
        lambda: desk.page(document, 1),
        lambda: desk.change(document, 1, "x", Delete(["y"]), "ann"),
        lambda: desk.undo(document, 1, "x", "ann"),
    ):
        with pytest.raises(BadInput):
            act()
    assert not (desk.desk.workspace.root / "other_lines").exists()


def test_a_page_that_is_not_there_and_one_that_is_another_now(desk: PageDesk) -> None:
    with pytest.raises(BadInput, match="has 2 pages"):
        page(desk, 9)
    Pillow.new("RGB", (300, 200)).save(desk.desk.workspace.root / "log.tif")
    with pytest.raises(BadInput, match="not the page that was read"):
        change(desk, lambda ids: Delete([ids[0]]))


def test_the_last_lines_of_a_page_may_go_but_not_of_a_document(desk: PageDesk) -> None:
    empty = change(desk, Delete, number=2)
    assert (empty.cards, empty.pages, empty.size) == ((), 2, (900, 700))
    sound(desk)
    added = change(desk, lambda _: Add(middle=((62, TOP), (700, TOP))), number=2)
    assert len(added.cards) == 1
    change(desk, Delete, number=2)
    with pytest.raises(UsageError, match="last line of a document"):
        change(desk, Delete)
    sound(desk)


def test_a_note_that_tells_outlines_alone_and_pictures_of_another_kind(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path / "ws")
    make_note(workspace.root, ["one line of text", "another line", "a third"], name="journal")
    Pillow.new("RGB", (400, 2000), (250, 250, 250)).save(workspace.root / "journal.png")
    for path in (workspace.root / "journal_lines").glob("*.jpg"):
        Pillow.new("RGB", (400, 40), (250, 250, 250)).save(path)
    opened = Desk.open(workspace, Reader)
    desk = PageDesk(opened)
    state = desk.page("journal", 1)
    split = desk.change("journal", 1, state.version, Split(state.cards[1].line.id, 8, "another line"), "ann")
    assert len(split.cards) == 4 and split.cards[1].line.image.endswith("line_004.png")
    back = desk.undo("journal", 1, split.version, "ann")
    assert [card.text for card in back.cards] == ["one line of text", "another line", "a third"]
    opened.close()


@pytest.mark.parametrize(
    "told",
    [
        {"reach": "x", "baseline": [[1]], "height": "high"},
        {"reach": [[1, 2], [3, None], [4, 5]], "baseline": [], "height": 0},
        {"reach": [[1, 2], [3, 4], [float("nan"), 5]], "region": None, "page": "1"},
        {"polygon": [[10, 10], [60, 10], [60, 11]], "box": [10, 10, 60, 11], "reach": None},
        {"polygon": [], "reach": None, "baseline": None},
    ],
)
def test_a_manifest_that_tells_odd_things_is_shown_and_changed(desk: PageDesk, told: dict[str, object]) -> None:
    path = desk.desk.workspace.root / "log_lines" / "lines.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows[1] |= told
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert texts(page(desk)) == FIRST
    assert texts(change(desk, lambda ids: Move(ids[1], ids[0])))[:2] == [FIRST[1], FIRST[0]]


def test_a_manifest_with_numbers_that_are_none_is_refused_with_its_line(desk: PageDesk) -> None:
    path = desk.desk.workspace.root / "log_lines" / "lines.jsonl"
    path.write_text(path.read_text().replace('"box": [62.0', '"box": [NaN', 1))
    with pytest.raises(BadInput, match=r"lines\.jsonl:1: is damaged \(nan is no place"):
        page(desk)


@pytest.mark.parametrize("source", ["../../secret.tif", "/etc/passwd", "", 7])
def test_a_record_that_names_another_file_is_not_followed(desk: PageDesk, source: object) -> None:
    path = desk.desk.workspace.root / "log_lines" / ".read.json"
    state = json.loads(path.read_text())
    state["job"]["source"], state["pages"] = source, "many"
    path.write_text(json.dumps(state))
    assert desk.desk.pictures.source("log").name == "log.tif" and page(desk).pages == 2


def test_a_change_that_was_stopped_is_finished_by_whoever_comes_next(
    desk: PageDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = page(desk)

    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("emendo.pages.relayout.put_in_place", stopped)
        with pytest.raises(KeyboardInterrupt):
            desk.change("log", 1, state.version, Delete([state.cards[0].line.id]), "ann")
    assert (NoteFiles(desk.desk.workspace.root / "log").reading / "ready.json").exists()
    shutil.copytree(desk.desk.workspace.root, tmp_path / "other")
    assert texts(page(desk)) == FIRST[1:] and page(desk).undo == "delete"
    sound(desk)
    other = Workspace.open(tmp_path / "other")
    collect(other, recognizer=Reader(), settings=SETTINGS)
    with other.store() as store:
        assert len(store.lines("log")) == len(FIRST) + 1


def test_a_later_reading_that_took_a_pictures_name_does_not_train_under_it(desk: PageDesk) -> None:
    workspace, store = desk.desk.workspace, desk.desk.store
    line = save(desk, 0, "one")
    first, *rest = store.lines("log")
    moved = [(replace(rest[0], image=first.image, sha256="0" * 64), Reading("x", 0.5))]
    store.put_document("log", moved)
    shutil.copy(workspace.root / rest[0].image, workspace.root / first.image)
    assert [sample.id for sample in samples(workspace, store)] == []
    assert [one.id for one in missing_pictures(workspace, store)] == [line]
