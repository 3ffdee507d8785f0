"""The page in a real Chromium: typing, saving, going back, losing the server, two people at one line."""

from __future__ import annotations

import string
import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from emendo.types import Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry, Line

from .serving import TOKEN, Server, screenshots, settled, verdicts


def field(page: Page) -> str:
    return page.locator("#text").input_value()


def test_lines_are_corrected_by_keyboard_alone(page: Page, server: Server) -> None:
    assert page.url.endswith("/") and TOKEN not in page.url
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_have_value("over the hills 2")
    page.keyboard.press("Control+a")
    page.keyboard.type("over the mills")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(page.locator("#place")).to_have_text("notes, page 1, line 4")
    settled(page)
    page.keyboard.press("[")
    page.keyboard.press("[")
    expect(page.locator("#text")).to_have_value("over the mills")
    page.keyboard.type("!")
    page.keyboard.press("Enter")
    settled(page)
    assert verdicts(server.workspace) == {
        1: ("the rain fell 1", "accepted"),
        2: ("over the mills!", "edited"),
        3: (None, "skipped"),
    }
    with server.workspace.store() as store:
        assert [(one.version, one.author) for one in store.history(f"{1:016x}")] == [(1, "ann"), (2, "ann")]
    expect(page.locator("#count")).to_have_text("3 of 12 lines")


def test_every_letter_digit_and_mark_can_be_typed(page: Page) -> None:
    typed = string.ascii_letters + string.digits + "éßçœ]{}()#!?.,;:'\"-_/\\|@&%$€«»" + "عربي"
    page.keyboard.press("Control+a")
    page.keyboard.insert_text("")
    page.keyboard.type(typed)
    assert field(page) == typed
    expect(page.locator("#place")).to_have_text("notes, page 1, line 1")


def test_tab_goes_to_what_is_uncertain_and_undo_takes_back(page: Page) -> None:
    expect(page.locator("#mirror mark")).to_have_count(1)
    page.keyboard.press("Tab")
    assert page.evaluate("[text.selectionStart, text.selectionEnd]") == [4, 5]
    page.keyboard.type("t")
    assert field(page) == "the tain fell 1"
    expect(page.locator("#mirror mark")).to_have_count(0)
    page.keyboard.press("Control+z")
    assert field(page) == "the rain fell 1"
    assert page.evaluate("document.activeElement.id") == "text"


def test_without_the_server_nothing_is_lost(page: Page, server: Server) -> None:
    server.kill()
    for number in range(3):
        page.keyboard.press("End")
        page.keyboard.type(f" kept{number}")
        page.keyboard.press("Enter")
    page.keyboard.press("Home")
    page.keyboard.type("unfinished ")
    expect(page.locator("#saved")).to_have_text("3 lines not saved yet")
    server.start()
    settled(page)
    assert [text for text, _ in verdicts(server.workspace).values()] == [
        "the rain fell 1 kept0",
        "over the hills 2 kept1",
        "and we walked 3 kept2",
    ]
    page.goto(server.address)
    expect(page.locator("#place")).to_have_text("notes, page 1, line 4")
    assert field(page).startswith("unfinished ") and "kept" in page.locator("#note").inner_text()


def test_a_mode_that_cannot_be_opened_says_why(page: Page, server: Server) -> None:
    """The fixture asserts that nothing went wrong unseen in the page."""
    server.kill()
    for mode in ("search", "lines/doubtful"):
        page.evaluate("mode => { location.hash = mode }", mode)
        expect(page.locator("#note")).to_contain_text("The server cannot be reached: is emendo label still running?")
    server.start()
    page.evaluate("location.hash = 'search'")
    expect(page.locator("main.search input").first).to_be_visible()
    expect(page.locator("#note")).to_have_text("")


def test_two_people_at_one_line_see_both_texts(page: Page, server: Server) -> None:
    with server.workspace.store() as store:
        theirs = Entry(line=f"{0:016x}", reading="", text="what bob wrote", verdict=Verdict.EDITED, author="bob")
        store.add_correction(theirs)
    page.keyboard.press("End")
    page.keyboard.type(" mine")
    page.keyboard.press("Enter")
    conflict = page.get_by_role("alertdialog")
    expect(conflict).to_contain_text("bob changed this line meanwhile")
    expect(conflict).to_contain_text("what bob wrote")
    expect(conflict).to_contain_text("the rain fell 1 mine")
    assert verdicts(server.workspace)[1][0] == "what bob wrote"
    conflict.get_by_role("button", name="Keep yours").press("Enter")
    expect(page.locator("#place")).to_have_text("notes, page 1, line 2")
    settled(page)
    assert verdicts(server.workspace)[1][0] == "the rain fell 1 mine"


def test_markup_is_text_and_arabic_runs_from_the_right(browser: Browser, drawn_workspace: Workspace) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\">"
    with drawn_workspace.store() as store:
        line, other = store.lines()[:2]
        moved = Line(**{name: getattr(line, name) for name in line.__slots__} | {"document": evil})
        store.put_document(evil, [(moved, Reading(evil, 0.5))])
        store.put_document("notes", [(other, Reading("قال (12) Paris", 0.5))])
    server = Server(drawn_workspace)
    context = browser.new_context()
    page = context.new_page()
    try:
        page.goto(server.address)
        expect(page.locator("#text")).to_have_value(evil)
        expect(page.locator("#place")).to_contain_text(evil)
        page.keyboard.press("Enter")
        expect(page.locator("#text")).to_have_attribute("dir", "rtl")
        page.keyboard.type("\u200f!")
        page.keyboard.press("Enter")
        settled(page)
        assert page.title() == "emendo"
        assert verdicts(drawn_workspace)[2][0] == "قال (12) Paris!"
    finally:
        context.close()
        server.kill()


def test_the_next_lines_are_there_before_they_are_asked_for(page: Page) -> None:
    asked: list[str] = []
    time.sleep(0.3)
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_have_value("over the hills 2")
    assert page.evaluate("document.getElementById('crop').complete")
    assert not [url for url in asked if "/api/cards" in url or url.endswith("/image")]


ONE_LINE = """() => {
  const box = (one) => one.getBoundingClientRect();
  const end = (one) => { const text = new Range(); text.selectNodeContents(one); return box(text).right; };
  const all = [...document.querySelectorAll("header > :not(#tools, #bar), #tools > *")];
  const parts = all.filter((one) => box(one).width);
  const middles = parts.map((one) => (box(one).top + box(one).bottom) / 2);
  return {
    apart: Math.max(...middles) - Math.min(...middles),
    right: Math.max(...parts.map((one) => box(one).right)),
    cut: [...document.querySelectorAll("header a")].filter((one) => end(one) > box(one).right).map((one) => one.text),
  };
}"""


@pytest.mark.parametrize("width", [1100, 1280])
@pytest.mark.parametrize("everything", [False, True])
def test_the_header_is_one_line_for_who_may_do_all(
    browser: Browser, server: Server, width: int, everything: bool
) -> None:
    """Also where there are documents with fields and plates too, which adds two modes."""

    def with_all(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "fields": 3, "plates": 3})

    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    if everything:
        page.route("**/api/state", with_all)
    page.goto(f"{server.address}#lines")
    expect(page.locator("#text")).to_have_value("the rain fell 1")
    settled(page)
    modes = [str(link.get_attribute("href"))[1:] for link in page.locator("#modes a").all()]
    assert len(modes) == 12 if everything else 10
    for mode in ["lines/doubtful", *modes]:
        page.evaluate("mode => { location.hash = mode }", mode)
        expect(page.locator(f"main.{mode.partition('/')[0]} > *").first).to_be_attached()
        if mode in {"lines/doubtful", "page"}:
            expect(page.locator("#tools button").last).to_be_visible()
            name = "Document" if mode == "page" else "Order"
            expect(page.get_by_role("combobox", name=name, exact=True)).to_be_visible()
        found = page.evaluate(ONE_LINE)
        assert found["apart"] < 6 and found["right"] <= width and not found["cut"], (mode, found)
        assert page.locator("#saved").is_visible() and page.locator("#bar").is_visible()
    context.close()


def test_screenshots_have_nothing_cut_off(browser: Browser, server: Server, tmp_path: Path) -> None:
    screenshots(browser, server.address, "lines", "#text", tmp_path)
