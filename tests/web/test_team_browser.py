"""Several people and tabs in a real Chromium: history, people, second readings, drafts that are never lost."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from emendo.types import Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.people import People, Role
from emendo.workspace.store import Entry, Line

from .serving import TOKEN, Server, screenshots, settled, verdicts

FIRST = f"{0:016x}"
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
FULL = """() => {
  const set = Storage.prototype.setItem;
  Storage.prototype.setItem = function (key, value) {
    if (this === localStorage) throw new DOMException("full", "QuotaExceededError");
    return set.call(this, key, value);
  };
}"""


@pytest.fixture
def team(drawn_workspace: Workspace) -> Iterator[tuple[Server, dict[str, str]]]:
    (drawn_workspace.root / "emendo.toml").write_text("[label]\nsecond_share = 1\n", encoding="utf-8")
    with drawn_workspace.store() as store:
        people = People(store.database)
        tokens = {
            "ann": people.add("ann", Role.ANNOTATOR),
            "bob": people.add("bob", Role.ANNOTATOR),
            "rita": people.add("rita", Role.REVIEWER),
        }
    server = Server(drawn_workspace, author="owner")
    yield server, tokens | {"owner": TOKEN}
    server.kill()


Opens = Callable[[str], Page]


@contextmanager
def opening(browser: Browser, team: tuple[Server, dict[str, str]]) -> Iterator[Opens]:
    """Opens the page for one of the people in a browser of their own."""
    server, tokens = team
    contexts, faults = [], []

    def opens(name: str) -> Page:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 800}))
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(server.address_for(tokens[name]))
        page.locator("#text:visible, #note:not(:empty)").first.wait_for()  # a line, or why there is none
        return page

    yield opens
    for context in contexts:
        context.close()
    assert not faults


def say(workspace: Workspace, text: str | None, author: str, line: str = FIRST) -> None:
    verdict = Verdict.EDITED if text else Verdict.SKIPPED
    with workspace.store() as store:
        store.add_correction(Entry(line=line, reading="read", text=text, verdict=verdict, author=author))


def test_people_work_side_by_side(browser: Browser, team: tuple[Server, dict[str, str]]) -> None:
    with opening(browser, team) as opens:
        ann = opens("ann")
        expect(ann.locator("#place")).to_have_text("notes, page 1, line 1")
        bob = opens("bob")
        expect(bob.locator("#note")).to_have_text("The last 12 lines are in work with others.")
        ann.keyboard.press("Enter")
        settled(ann)
        ann.keyboard.press("Control+q")
        expect(ann.locator("#note")).to_contain_text("Everything is saved")
        bob.reload()
        expect(bob.locator("#place")).to_have_text("notes, page 1, line 2")
        expect(bob.locator("#to-lines")).to_be_visible()
        assert not bob.locator("#to-people, #to-differences, #to-models, #to-exchange").count()


def test_history_is_read_and_brought_back_by_keyboard(browser: Browser, team: tuple[Server, dict[str, str]]) -> None:
    workspace = team[0].workspace
    for text, author in (("the first text", "ann"), (HOSTILE, HOSTILE), ("the last text", "bob")):
        say(workspace, text, author)
    with opening(browser, team) as opens:
        page = opens("rita")
        page.locator("#order").select_option("done")
        expect(page.locator("#text")).to_have_value("the last text")
        page.locator("#text").focus()
        page.keyboard.press("Control+h")
        rows = page.locator("dialog .versions li")
        expect(rows).to_have_count(3)
        expect(rows.nth(1)).to_contain_text(HOSTILE)
        expect(rows.nth(0)).to_contain_text("3 · bob")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        expect(rows.nth(2)).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Enter")
        expect(page.locator("#text")).to_have_value("the first text")
        expect(page.locator("dialog.history")).to_be_hidden()
        assert page.evaluate("document.activeElement.id") == "text" and page.title() == "emendo"
        with workspace.store() as store:
            last = store.history(FIRST)[-1]
        assert (last.version, last.text, last.author, last.source) == (4, "the first text", "rita", "restored")
        page.keyboard.press("Control+h")
        expect(rows).to_have_count(4)
        page.keyboard.press("Escape")
        expect(page.locator("dialog.history")).to_be_hidden()
        expect(page.locator("#place")).to_have_text("notes, page 1, line 1"), "Escape closed the panel only"


def test_a_second_reader_and_the_reviewer(browser: Browser, team: tuple[Server, dict[str, str]]) -> None:
    workspace = team[0].workspace
    say(workspace, "the rain tell 1", "ann")
    with opening(browser, team) as opens:
        bob = opens("bob")
        bob.locator("#order").select_option("second")
        expect(bob.locator("#note")).to_contain_text("you do not see")
        expect(bob.locator("#text")).to_have_value("the rain fell 1")
        bob.keyboard.press("Control+h")
        expect(bob.locator("dialog.history")).to_be_hidden()
        bob.locator("#text").press("Enter")
        settled(bob)
        rita = opens("rita")
        rita.goto(rita.url + "#differences")
        options = rita.locator(".choices li")
        expect(options.nth(0)).to_contain_text("the rain tell 1")
        expect(options.nth(1)).to_contain_text("the rain fell 1")
        expect(options.locator("mark")).to_have_text(["t", "f"])
        rita.keyboard.press("ArrowDown")
        expect(rita.locator(".own textarea")).to_have_value("the rain fell 1")
        rita.keyboard.press("Enter")
        expect(rita.locator("#note")).to_have_text("There is nothing to decide.")
        expect(rita.locator(".agreement")).to_contain_text("ann · bob")
    with workspace.store() as store:
        assert [(one.text, one.author) for one in store.history(FIRST)] == [
            ("the rain tell 1", "ann"),
            ("the rain fell 1", "rita"),
        ]


def test_an_admin_lets_people_in(browser: Browser, team: tuple[Server, dict[str, str]]) -> None:
    with opening(browser, team) as opens:
        page = opens("owner")
        page.goto(page.url + "#people")
        page.locator("#new-name").fill(HOSTILE)
        page.keyboard.press("Enter")
        address = page.locator(".address").input_value()
        expect(page.locator("tbody th", has_text="onerror")).to_have_text(HOSTILE)
        assert page.title() == "emendo"
        other = browser.new_context()
        theirs = other.new_page()
        theirs.goto(address)
        expect(theirs.locator("#text")).to_have_value("the rain fell 1")
        row = page.locator("tbody tr").filter(has_text="onerror")
        row.get_by_role("button", name="Disable").click()
        expect(row).to_contain_text("disabled")
        theirs.keyboard.press("End")
        theirs.keyboard.type("kept ")
        theirs.keyboard.press("Enter")
        expect(theirs.locator("#note")).to_contain_text("not valid any more")
        expect(theirs.locator("#saved")).to_have_text("1 line not saved yet")
        row.get_by_role("button", name="Enable").click()
        settled(theirs)
        other.close()
    assert verdicts(team[0].workspace)[1][0] == "the rain fell 1kept"


def test_two_tabs_of_one_person_lose_nothing(page: Page, server: Server) -> None:
    other = page.context.new_page()
    other.goto(server.address)
    expect(other.locator("#text")).to_have_value("the rain fell 1")
    server.kill()
    for tab, more in ((page, " a"), (other, " b")):
        for _ in range(2):
            tab.keyboard.press("End")
            tab.keyboard.type(more)
            tab.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.type("half ")
    other.close()
    server.start()
    settled(page)
    assert {text for text, _ in verdicts(server.workspace).values()} == {"the rain fell 1 b", "over the hills 2 b"}
    page.reload()
    expect(page.locator("#text")).to_have_value("and we walked 3half ")


def test_a_tab_that_crashed_has_lost_nothing(page: Page, server: Server) -> None:
    server.kill()
    page.keyboard.press("End")
    page.keyboard.type(" one")
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    page.keyboard.type(" unfinished")
    with page.expect_event("crash"), contextlib.suppress(Error):
        page.goto("chrome://crash", timeout=3000)
    server.start()
    again = page.context.new_page()
    again.goto(server.address)
    settled(again)
    expect(again.locator("#text")).to_have_value("over the hills 2 unfinished")
    assert verdicts(server.workspace)[1][0] == "the rain fell 1 one"


def test_a_full_storage_is_told(page: Page, server: Server) -> None:
    page.evaluate(FULL)
    server.kill()
    page.keyboard.press("End")
    page.keyboard.type(" kept")
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_contain_text("keep this page open")
    server.start()
    settled(page)
    assert verdicts(server.workspace)[1][0] == "the rain fell 1 kept"


def test_a_draft_that_rests_on_an_older_text_shows_both(page: Page, server: Server) -> None:
    page.keyboard.press("End")
    page.keyboard.type(" mine")
    say(server.workspace, "what bob wrote", "bob")
    page.reload()
    page.locator("#order").select_option("done")
    conflict = page.get_by_role("alertdialog")
    expect(conflict).to_contain_text("bob changed this line meanwhile")
    expect(conflict).to_contain_text("what bob wrote")
    expect(conflict).to_contain_text("the rain fell 1 mine")


def test_hostile_names_are_text(browser: Browser, team: tuple[Server, dict[str, str]]) -> None:
    workspace = team[0].workspace
    with workspace.store() as store:
        line = store.line(FIRST)
        moved = Line(**{name: getattr(line, name) for name in line.__slots__} | {"document": HOSTILE})
        store.put_document(HOSTILE, [(moved, store.readings([FIRST])[FIRST])])
    say(workspace, HOSTILE, HOSTILE)
    with opening(browser, team) as opens:
        bob = opens("bob")
        bob.locator("#order").select_option("second")
        expect(bob.locator("#place")).to_contain_text(HOSTILE)
        bob.locator("#text").press("Enter")
        settled(bob)
        rita = opens("rita")
        rita.goto(rita.url + "#differences")
        expect(rita.locator(".choices")).to_contain_text(HOSTILE)
        expect(rita.locator(".agreement")).to_contain_text(HOSTILE)
        assert bob.title() == rita.title() == "emendo"


def test_screenshots(browser: Browser, team: tuple[Server, dict[str, str]], tmp_path: Path) -> None:
    server, _ = team
    workspace = server.workspace
    texts = ["the rain tell 1", "over the hills 2", "and we walked 3"]
    for at, text in enumerate(texts):
        say(workspace, text, "ann", f"{at:016x}")
    from emendo.workspace.seconds import Seconds

    with workspace.store() as store:
        seconds = Seconds(store.database, 1.0)
        for at, text in enumerate(["the rain fell 1", "over the hills 2", "and we talked 3"]):
            store.work(
                lambda one, at=at, text=text: seconds.add(one.connection, f"{at:016x}", text, Verdict.EDITED, "bob")
            )
    screenshots(browser, server.address + "#people", "people", "tbody th", tmp_path)
    screenshots(browser, server.address + "#differences", "differences", ".choices li", tmp_path)
