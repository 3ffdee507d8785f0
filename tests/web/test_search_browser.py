"""Search, filters, doubtful texts and Arabic lines in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest
from playwright.sync_api import Browser, Page, expect

from emendo.types import Character, Reading, Verdict
from emendo.workspace.doubts import Doubt, Doubts
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry

from ..drawn import small_workspace
from .here import served_here
from .serving import Server, screenshots, settled, verdicts

ARABIC = "قال أحمد (12) إن Paris [2024] بعيدة"


def line(number: int) -> str:
    return f"{number - 1:016x}"


@pytest.fixture
def drawn_workspace(drawn_workspace: Workspace) -> Workspace:
    prepare(drawn_workspace, doubted=9)
    return drawn_workspace


@pytest.fixture
def server(drawn_workspace: Workspace) -> Iterator[Server]:
    with served_here(drawn_workspace) as held:
        yield held


def prepare(workspace: Workspace, *, doubted: int) -> None:
    """One text that a model doubts, and an Arabic line whose bracket and number are uncertain."""
    with workspace.store() as store:
        lines = store.lines()
        characters = tuple(
            Character(char, 0.5 if char in "(1" else 0.99, 9.0 * at, 9.0 * at + 9) for at, char in enumerate(ARABIC)
        )
        readings = store.readings(one.id for one in lines)
        rows = [(one, readings[one.id]) for one in lines]
        rows[4] = (lines[4], Reading(ARABIC, 0.6, characters, "drawn"))
        store.put_document("notes", rows)
        read = readings[line(doubted)].text
        text = read.replace("walked", "talked").replace("hills", "mills")
        store.add_correction(Entry(line=line(doubted), reading="", text=text, verdict=Verdict.EDITED, author="bob"))
        Doubts(store.database).keep([Doubt(line(doubted), 1, 0.87, read, "base-hand")])


def test_a_search_opens_its_lines_one_after_the_other(page: Page, server: Server) -> None:
    page.keyboard.press("Control+k")
    expect(page.locator("#query")).to_be_focused()
    page.keyboard.type("RAIN  fell")
    expect(page.locator("#found")).to_have_text("2 lines")
    assert page.locator(".hits mark").all_inner_texts() == ["rain", "fell", "rain", "fell"]
    assert page.url.endswith("#search/RAIN%20%20fell")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#place")).to_have_text("notes, page 1, line 1")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#place")).to_have_text("notes, page 2, line 7")
    page.keyboard.press("End")
    page.keyboard.type(" again")
    page.keyboard.press("Enter")
    expect(page.locator("#note")).to_have_text("No line is left in this order.")
    settled(page)
    assert verdicts(server.workspace)[7] == ("the rain fell 7 again", "edited")
    page.go_back()
    expect(page.locator("#found")).to_have_text("2 lines")
    expect(page.locator(".hits .text").last).to_have_text("the rain fell 7 again")


def test_the_second_hit_opens_at_its_place_and_back_leads_to_the_first(page: Page) -> None:
    page.goto(page.url + "#search/rain")
    page.locator(".hits a").nth(1).click()
    expect(page.locator("#place")).to_have_text("notes, page 2, line 7")
    page.keyboard.press("[")
    expect(page.locator("#place")).to_have_text("notes, page 1, line 1")


def test_filters_stand_in_the_address_and_work_by_keyboard(page: Page) -> None:
    page.locator("#text").press("Shift+Tab")
    page.locator("#filter").press("Enter")
    expect(page.get_by_label("Document")).to_be_focused()
    page.get_by_label("Text", exact=True).fill("hills [x]")
    page.get_by_label("Text", exact=True).fill("hills")
    page.get_by_label("least confidence in percent").fill("85")
    page.keyboard.press("Enter")
    expect(page.locator("#text")).to_have_value("over the hills 2")
    assert "low%3D0.85%26text%3Dhills" in page.url
    expect(page.locator("#filter")).to_have_text("Filter (2)")
    page.reload()
    expect(page.locator("#text")).to_have_value("over the hills 2")
    page.keyboard.press("Enter")
    expect(page.locator("#note")).to_have_text("No line is left in this order.")
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#text")).to_have_value("the rain fell 1")
    page.goto(page.url.partition("#")[0] + "#lines/done/author%3Dbob")
    expect(page.locator("#text")).to_have_value("and we talked 9")
    page.goto(page.url.partition("#")[0] + "#lines/document/mine%3Dtrue")
    expect(page.locator("#text")).to_have_value("over the hills 2")


def test_a_doubted_text_is_shown_with_what_is_read_instead(page: Page, server: Server) -> None:
    page.locator("#order").select_option("doubtful")
    expect(page.locator("#doubt")).to_contain_text(
        "Likely wrong (87 %). base-hand, which never learned this text, reads:"
    )
    assert page.locator("#doubt mark").all_inner_texts() == ["w"]
    expect(page.locator(".judging")).to_have_text("1 text to look at")
    expect(page.get_by_role("button", name="Judge all texts")).to_be_visible()
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.press("Enter")
    settled(page)
    expect(page.locator("#doubt")).to_be_hidden()
    with server.workspace.store() as store:
        assert not Doubts(store.database).open()


@pytest.fixture
def arabic(page: Page) -> Page:
    page.goto(page.url.partition("#")[0] + "#lines/document/text%3DParis")
    expect(page.locator("#text")).to_have_value(ARABIC)
    return page


PLACES = """() => {
  const mirror = document.getElementById("mirror");
  const plain = mirror.cloneNode(false);
  plain.removeAttribute("id");
  plain.textContent = mirror.textContent;
  mirror.parentElement.append(plain);
  const boxes = (element) => {
    const found = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      for (let at = 0; at < node.length; at++) {
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + 1);
        const box = range.getBoundingClientRect();
        found.push([box.left, box.right, box.top]);
      }
    return found;
  };
  const result = { tinted: boxes(mirror), plain: boxes(plain), dir: getComputedStyle(mirror).direction };
  plain.remove();
  return result;
}"""


def test_tints_stand_where_the_arabic_letters_stand(arabic: Page) -> None:
    found = arabic.evaluate(PLACES)
    assert found["dir"] == arabic.evaluate("getComputedStyle(text).direction") == "rtl"
    assert len(found["tinted"]) == len(found["plain"]) >= len(ARABIC)
    for tinted, plain in zip(found["tinted"], found["plain"], strict=True):
        assert tinted == pytest.approx(plain, abs=1.0)
    first, latin = found["plain"][0], found["plain"][ARABIC.index("P")]
    assert first[0] > latin[0], "the line begins at the right"
    assert latin[0] < found["plain"][ARABIC.index("P") + 4][0], "Latin words run from the left"
    same = "['fontFamily','fontSize','letterSpacing','textAlign','paddingInlineStart','lineHeight','whiteSpace']"
    assert arabic.evaluate(f"{same}.every((one) => getComputedStyle(mirror)[one] === getComputedStyle(text)[one])")


def test_arabic_is_edited_in_logical_order_and_marks_stay_out(arabic: Page, server: Server) -> None:
    assert arabic.evaluate("text.value.slice(text.selectionStart, text.selectionEnd)") == "("  # at first
    arabic.keyboard.press("End")
    arabic.keyboard.type(" جدا 3")
    assert arabic.evaluate("text.selectionStart") == len(ARABIC) + 6
    arabic.keyboard.press("Home")
    arabic.keyboard.press("ArrowLeft")
    assert arabic.evaluate("text.selectionStart") == 1, "left goes on in a line that runs to the left"
    arabic.keyboard.press("Home")
    paste = """(text) => {
      const data = new DataTransfer();
      data.setData("text/plain", text);
      document.getElementById("text").dispatchEvent(new InputEvent("beforeinput",
        { inputType: "insertFromPaste", dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    arabic.evaluate(paste, "\u202bثم\u202c\u200f ")
    assert arabic.locator("#text").input_value() == f"ثم {ARABIC} جدا 3"
    arabic.keyboard.press("Control+z")
    assert arabic.locator("#text").input_value() == f"{ARABIC} جدا 3"
    arabic.keyboard.press("Enter")
    settled(arabic)
    assert verdicts(server.workspace)[5][0] == f"{ARABIC} جدا 3"


def test_the_field_turns_with_what_is_typed(page: Page) -> None:
    page.keyboard.press("Control+a")
    page.keyboard.type("(12) ")
    expect(page.locator("#text")).to_have_attribute("dir", "ltr")
    page.keyboard.type("سطر")
    expect(page.locator("#text")).to_have_attribute("dir", "rtl")
    expect(page.locator("#mirror")).to_have_attribute("dir", "rtl")
    page.goto(page.url.partition("#")[0] + "#search/احمد")
    hit = page.locator(".hits a").first
    expect(hit).to_have_attribute("dir", "rtl")
    assert page.locator(".hits mark").all_inner_texts() == ["أحمد"]


def test_markup_in_a_text_or_a_question_is_text(page: Page, server: Server) -> None:
    evil = "<img src=x onerror=\"document.title='owned'\">"
    with server.workspace.store() as store:
        store.add_correction(Entry(line=line(2), reading="", text=evil, verdict=Verdict.EDITED, author=evil))
    page.goto(page.url.partition("#")[0] + "#search/onerror")
    expect(page.locator(".hits .text")).to_have_text(evil)
    expect(page.locator(".hits .where")).to_contain_text(evil)
    page.locator("#query").fill(evil)
    expect(page.locator("#found")).to_have_text("1 line")
    page.locator(".hits a").click()
    expect(page.locator("#text")).to_have_value(evil)
    assert page.title() == "emendo"


@pytest.fixture
def shown(browser: Browser, tmp_path: Path) -> Iterator[Server]:
    """One page whose fifth line is Arabic, on the pictures too, and whose second text is doubted."""
    workspace = small_workspace(tmp_path / "shown", 6)
    page = browser.new_page(viewport={"width": 600, "height": 60})
    style = "margin:0;background:#f5f5f5;color:#5a1e1e;font:34px/56px 'Noto Naskh Arabic',serif;padding:0 8px"
    page.set_content(f'<body dir="rtl" style="{style}">{ARABIC}</body>')
    page.screenshot(path=str(workspace.root / "notes_lines" / "line_005.png"))
    page.close()
    whole = cv2.imread(str(workspace.root / "notes.png"))
    assert whole is not None
    whole[360:420, 100:700] = cv2.imread(str(workspace.root / "notes_lines" / "line_005.png"))
    cv2.imwrite(str(workspace.root / "notes.png"), whole)
    prepare(workspace, doubted=2)
    with served_here(workspace) as held:
        yield held


VIEWS = (
    ("search", "#search/the", ".hits a"),
    ("filters", "#lines/document/verdict%3Dany%26text%3DParis", "#filters select"),
    ("doubtful", "#lines/doubtful", "#doubt p"),
)


def test_screenshots(browser: Browser, shown: Server, tmp_path: Path) -> None:
    for name, place, ready in VIEWS:
        screenshots(browser, shown.address + place, name, ready, tmp_path)
