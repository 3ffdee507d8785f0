"""Page mode in a real Chromium: lines corrected and set right, by keys alone and by mouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from emendo.correct import collect
from emendo.types import Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry

from ..paged import PAGES, SETTINGS, SIZE, paged_workspace
from .serving import Server, screenshots, settled

MISSED = 3
FIRST = [text for at, text in enumerate(PAGES[0]) if at != MISSED]


NAMES = tuple(f"trips/log {letter}" for letter in "abcdefghijkl")
"""A document for each test: they are served by one process."""


@pytest.fixture(scope="module")
def paged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    held = Server(paged_workspace(tmp_path_factory.mktemp("paged") / "ws", missed=MISSED, names=NAMES))
    yield held
    held.kill()


@pytest.fixture(scope="module")
def unused(paged: Server) -> Iterator[str]:
    return iter(NAMES[::-1])


@dataclass(frozen=True)
class Note:
    """The document that a test works on."""

    workspace: Workspace
    name: str
    address: str

    def lines(self) -> list[str]:
        return (self.workspace.root / f"{self.name}.txt").read_text().split("\n")

    def verdicts(self) -> dict[int, tuple[str | None, str]]:
        with self.workspace.store() as store:
            held = store.corrections(documents=[self.name])
            return {store.line(one.line).number: (one.text, one.verdict.value) for one in held}

    def at_rest(self) -> bool:
        """Whether a collection finds nothing that the page has not told the database."""
        found = collect(self.workspace, settings=SETTINGS)
        return not (found.new or found.left_out or found.failures or any(note.notices for note in found.notes))


@pytest.fixture
def note(paged: Server, unused: Iterator[str]) -> Note:
    name = next(unused)
    return Note(paged.workspace, name, f"{paged.address}#page/{quote(name, safe='')}/1")


@pytest.fixture
def page(browser: Browser, note: Note) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    enter(opened, note)
    yield opened
    context.close()
    assert not faults


def enter(page: Page, note: Note) -> None:
    """Go to page 1 of the document."""
    page.goto(note.address)
    expect(page.locator("#rows li")).to_have_count(len(FIRST))
    expect(page.locator("#text")).to_be_focused()


def texts(page: Page) -> list[str]:
    """Every line as it is shown, the one in work by its field."""
    shown = "(li) => li.querySelector('textarea')?.value ?? li.querySelector('.said').textContent"
    found: list[str] = page.evaluate(f"[...document.querySelectorAll('#rows li')].map({shown})")
    return found


def current(page: Page) -> int:
    """Which line is in work, from 1."""
    return int(page.locator("#rows li[aria-current=true] .number").inner_text())


def test_a_page_is_corrected_by_keys_alone(page: Page, note: Note) -> None:
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Enter")
    assert current(page) == 2
    page.keyboard.press("Tab")
    assert page.evaluate("[text.selectionStart, text.selectionEnd]") == [4, 5]
    page.keyboard.type("h")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert current(page) == 4
    page.keyboard.press("[")
    page.keyboard.press("ArrowUp")
    assert current(page) == 2 and page.locator("#text").input_value() == "the hog still lay upon the water."
    page.keyboard.type(" ](?")
    assert page.locator("#text").input_value().endswith("water. ](?")
    page.keyboard.press("[")
    assert current(page) == 1
    settled(page)
    assert note.verdicts() == {
        1: (FIRST[0], "accepted"),
        2: ("the hog still lay upon the water.", "edited"),
        3: (None, "skipped"),
    }
    states = [one.get_attribute("class") for one in page.locator("#rows li").all()]
    assert states == ["accepted", "draft", "skipped", "open", "open", "open", "open"]


def test_split_merge_move_and_delete_by_keys_and_all_of_it_undone(page: Page, note: Note) -> None:
    before = note.lines()
    page.keyboard.press("ArrowDown")
    page.evaluate("text.setSelectionRange(8, 8)")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#rows li")).to_have_count(len(FIRST) + 1)
    expect(page.locator("#text")).to_be_focused()
    assert current(page) == 2
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.press("Control+Backspace")
    expect(page.locator("#rows li")).to_have_count(len(FIRST))
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#rows li:nth-child(3)")).to_have_attribute("aria-current", "true")
    assert texts(page)[1] == FIRST[2]
    page.keyboard.press("Control+Delete")
    expect(page.locator("#rows li")).to_have_count(len(FIRST) - 1)
    expect(page.locator("#note")).to_contain_text("Ctrl+Z brings it back")
    assert note.at_rest()
    for count in (7, 7, 8, 7):
        page.keyboard.press("Control+z")
        expect(page.locator("#note")).to_contain_text("taken back")
        expect(page.locator("#rows li")).to_have_count(count)
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowDown")
        page.evaluate("note.textContent = ''")
    expect(page.locator("#undo")).to_be_disabled()
    assert texts(page) == FIRST and note.at_rest()
    assert note.lines() == before


def test_lines_that_lie_apart_are_merged_only_when_asked(page: Page) -> None:
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.press("Control+Backspace")
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text("do not lie side by side")
    page.keyboard.press("Escape")
    expect(question).to_be_hidden()
    assert texts(page) == FIRST and current(page) == 2
    page.keyboard.press("Home")
    page.keyboard.press("Control+Backspace")
    question.get_by_role("button", name="Merge them").press("Enter")
    expect(page.locator("#rows li")).to_have_count(len(FIRST) - 1)


def test_what_was_typed_and_not_saved_goes_on_as_a_draft(page: Page, note: Note) -> None:
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Home")
    page.keyboard.type("Typed ")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#rows li")).to_have_count(len(FIRST) + 1)
    assert texts(page)[1:3] == ["Typed the", "fog still lay upon the water."]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.type("..")
    page.keyboard.press("Home")
    page.keyboard.press("Control+Backspace")
    expect(page.locator("#rows li")).to_have_count(len(FIRST))
    assert texts(page)[1] == "Typed the fog still lay upon the water..."
    assert page.evaluate("text.selectionStart") == len("Typed the")
    page.reload()
    page.locator("#rows li:nth-child(2)").click()
    expect(page.locator("#text")).to_have_value("Typed the fog still lay upon the water...")
    page.keyboard.press("Enter")
    settled(page)
    assert note.verdicts() == {2: ("Typed the fog still lay upon the water...", "edited")}


def test_a_missed_line_is_added_by_keys(page: Page, note: Note) -> None:
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+Shift+Enter")
    expect(page.locator("#picture")).to_be_focused()
    page.keyboard.type("nothing is typed here")
    band = page.locator(".drawing polyline")
    start = band.get_attribute("points")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    assert band.get_attribute("points") != start
    page.keyboard.press("Escape")
    expect(band).to_have_count(0)
    assert texts(page) == FIRST
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Control+Shift+Enter")
    page.keyboard.press("Enter")
    expect(page.locator("#rows li")).to_have_count(len(FIRST) + 1)
    expect(page.locator("#text")).to_be_focused()
    assert current(page) == 4 and "wind came" in texts(page)[3]
    page.keyboard.press("Control+e")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_be_focused()
    assert current(page) == 4 and note.at_rest()


def test_a_missed_line_is_drawn_around_or_along_with_the_mouse(page: Page, note: Note) -> None:
    box = page.locator("#sheet").bounding_box()
    assert box is not None
    scale, y = box["width"] / SIZE[0], 90 + 62 * MISSED
    ring = [
        (60, y),
        (65, y - 26),
        (320, y - 28),
        (600, y - 25),
        (605, y + 24),
        (330, y + 27),
        (64, y + 25),
        (60, y + 4),
    ]
    for kind, stroke in (("around", ring), ("along", [(62, y), (300, y + 1), (590, y)])):
        for at, (x, down) in enumerate(stroke):
            page.mouse.move(box["x"] + x * scale, box["y"] + down * scale, steps=1 if not at else 6)
            if not at:
                page.mouse.down()
        expect(page.locator(f".drawing .{kind}")).to_have_count(1)
        page.mouse.up()
        expect(page.locator("#rows li")).to_have_count(len(FIRST) + 1)
        assert current(page) == 4 and "wind came" in texts(page)[3]
        assert note.at_rest() and "wind came" in note.lines()[3]
        page.keyboard.press("Control+z")
        expect(page.locator("#rows li")).to_have_count(len(FIRST))


def test_a_click_on_an_outline_goes_to_its_text_and_the_wheel_zooms(page: Page) -> None:
    page.locator(".outlines polygon").nth(4).click()
    expect(page.locator("#text")).to_be_focused()
    assert current(page) == 5
    width = page.locator("#sheet").evaluate("(image) => image.clientWidth")
    page.keyboard.press("Control+ArrowUp")
    page.keyboard.press("Control+ArrowUp")
    assert page.locator("#sheet").evaluate("(image) => image.clientWidth") == pytest.approx(1.5 * width, rel=0.03)
    outline = page.locator(".outlines polygon.now").bounding_box()
    assert outline is not None and outline["y"] < 800
    page.mouse.move(300, 400)
    page.keyboard.down("Control")
    page.mouse.wheel(0, 100)
    page.keyboard.up("Control")
    assert page.locator("#sheet").evaluate("(image) => image.clientWidth") == pytest.approx(1.25 * width, rel=0.03)
    page.locator("#picture").focus()
    page.keyboard.press("0")
    assert page.locator("#sheet").evaluate("(image) => image.clientWidth") == pytest.approx(width, rel=0.03)


def test_the_last_line_leads_to_the_next_page_and_a_reload_stays_there(page: Page) -> None:
    for _ in range(len(FIRST)):
        page.keyboard.press("Enter")
    expect(page.locator("#number")).to_have_text("page 2 of 2")
    expect(page.locator("#rows li")).to_have_count(len(PAGES[1]))
    page.reload()
    expect(page.locator("#text")).to_have_value(PAGES[1][0])
    page.keyboard.press("PageUp")
    expect(page.locator("#number")).to_have_text("page 1 of 2")


def test_lines_that_somebody_else_changed_are_shown_first(browser: Browser, page: Page, note: Note) -> None:
    context = browser.new_context()
    other = context.new_page()
    enter(other, note)
    other.keyboard.press("Control+Delete")
    expect(other.locator("#rows li")).to_have_count(len(FIRST) - 1)
    context.close()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("End")
    page.keyboard.type(" kept")
    page.keyboard.press("Alt+ArrowDown")
    expect(page.locator("#note")).to_contain_text("changed meanwhile")
    expect(page.locator("#rows li")).to_have_count(len(FIRST) - 1)
    assert page.locator("#text").input_value() == f"{FIRST[1]} kept"


def test_two_people_at_one_line_see_both_texts_and_its_history(page: Page, note: Note) -> None:
    with note.workspace.store() as store:
        line = next(line for line in store.lines(note.name) if line.number == 1)
        theirs = Entry(line=line.id, reading="", text="what bob wrote", verdict=Verdict.EDITED, author="bob")
        store.add_correction(theirs)
    page.keyboard.press("End")
    page.keyboard.type(" mine")
    page.keyboard.press("Enter")
    conflict = page.get_by_role("alertdialog")
    expect(conflict).to_contain_text("bob changed this line meanwhile")
    expect(conflict).to_contain_text("what bob wrote")
    conflict.get_by_role("button", name="Keep yours").press("Enter")
    settled(page)
    assert note.verdicts()[1] == (f"{FIRST[0]} mine", "edited")
    page.locator("#rows li").first.click()
    page.keyboard.press("Control+h")
    expect(page.get_by_role("dialog")).to_contain_text("what bob wrote")


def test_screenshots_have_nothing_cut_off(page: Page, browser: Browser, note: Note, tmp_path: Path) -> None:
    for key in ("Enter", "End", "!", "Enter", "Escape"):
        page.keyboard.press(key)
    settled(page)
    screenshots(browser, note.address, "page", "#rows li", tmp_path)
