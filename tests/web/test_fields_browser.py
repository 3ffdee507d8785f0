"""Field mode in a real Chromium: receipts filled in by keys alone and by mouse, and what does not add up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from emendo.workspace.folder import Workspace

from ..receipts import SHOPS, receipts, two_pages
from .serving import TOKEN, Server, screenshots, settled

HOSTILE = "<img src=x onerror=\"document.title='ran'\"><script>document.title='ran'</script>"
NAMES = tuple(f"{letter}-harbour" for letter in "abcdefghijklm")
"""A receipt for each test: they are served by one process."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("fields") / "shop"
    copies = [(name, (*SHOPS[0][1], (f"Till {name[0]}", "")), SHOPS[0][2]) for name in NAMES]
    manifest = receipts(folder, [*SHOPS[1:], *copies])
    bill = {"pdf": "bill.pdf", "fields": {"total": "55"}, "boxes": two_pages(folder / "bill.pdf")}
    with manifest.open("a") as rows:
        rows.write(json.dumps(bill) + "\n")
    held = Server(Workspace(folder), ("--token", TOKEN, "--model", "none"))
    yield held
    held.kill()


@pytest.fixture(scope="module")
def unused() -> Iterator[str]:
    return iter(NAMES)


@pytest.fixture
def name(unused: Iterator[str]) -> str:
    return f"images/{next(unused)}.png"


@pytest.fixture
def page(browser: Browser, served: Server, name: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    enter(opened, served, name)
    yield opened
    context.close()
    assert not faults


def enter(page: Page, served: Server, name: str) -> None:
    page.goto(f"{served.address}#fields/{name.replace('/', '%2F')}")
    expect(page.locator("#place")).to_contain_text(name)
    expect(page.locator(".outlines polygon").first).to_be_attached()
    expect(page.locator("#field-seller")).to_be_focused()


def saved(served: Server, name: str) -> tuple[dict[str, Any] | None, str, int]:
    """Fields, verdict and version of a document."""
    with Workspace(served.workspace.root).store() as store:
        line = next(one for one in store.lines() if one.document == name)
        held = store.history(line.id)[-1]
    return (json.loads(held.text) if held.text else None), held.verdict.value, held.version


def save(page: Page, name: str) -> None:
    """Enter; what is saved is on the server, and another document is shown."""
    page.keyboard.press("Enter")
    expect(page.locator("#place")).not_to_contain_text(name)
    settled(page)


def keys(page: Page, *pressed: str) -> None:
    for one in pressed:
        page.keyboard.press(one)


def test_a_receipt_is_filled_in_by_keys_alone(page: Page, served: Server, name: str) -> None:
    page.keyboard.type("Harbour [Books]")
    keys(page, "Tab", "Tab")
    page.keyboard.type("HB-2041")
    keys(page, "Tab")
    page.keyboard.type("25/12/2018")
    expect(page.locator("#field-date-normal")).to_have_text("= 2018-12-25")
    keys(page, "Tab")
    page.keyboard.type("gbp")
    keys(page, "Alt+ArrowDown")
    for at, (what, amount) in enumerate((("Atlas", "10,00"), ("Pencil", "2.30"), ("Nothing", "0"))):
        if at:
            keys(page, "Alt+ArrowDown")
        expect(page.locator(f"#field-lines-{at}-description")).to_be_focused()
        page.keyboard.type(what)
        keys(page, "Tab", "Tab", "Tab")
        page.keyboard.type(amount)
    keys(page, "Control+Delete")
    expect(page.locator("#field-lines-2-amount")).to_have_count(0)
    keys(page, "Control+z")
    expect(page.locator("#field-lines-2-amount")).to_have_value("0")
    keys(page, "Control+Delete")
    expect(page.locator("#field-lines-1-amount")).to_be_focused()
    keys(page, "Control+ArrowUp")
    expect(page.locator("#field-lines-0-amount")).to_have_value("2.30")
    keys(page, "ArrowDown")
    expect(page.locator("#field-lines-1-amount")).to_be_focused()
    for _ in range(20):
        if page.evaluate("document.activeElement.id") == "field-total":
            break
        keys(page, "Tab")
    page.keyboard.type("12.80")
    expect(page.locator("#findings .error")).to_have_text("lines add up to 12.30, total says 12.80")
    expect(page.locator("#field-total")).to_have_attribute("aria-invalid", "true")
    keys(page, "Enter")
    expect(page.locator("#note")).to_contain_text("Enter once more")
    keys(page, "Backspace", "Backspace")
    page.keyboard.type("30")
    expect(page.locator("#findings .fine")).to_be_visible()
    expect(page.locator("#json")).to_contain_text('"seller": "Harbour [Books]"')
    save(page, name)
    fields, verdict, _ = saved(served, name)
    assert fields == {
        "schema": "emendo.fields/1",
        "seller": "Harbour [Books]",
        "number": "HB-2041",
        "date": "2018-12-25",
        "currency": "GBP",
        "lines": [{"description": "Pencil", "amount": "2.30"}, {"description": "Atlas", "amount": "10.00"}],
        "total": "12.30",
    }
    assert verdict == "edited"


def test_words_are_chosen_by_keys_and_their_place_is_kept(page: Page, served: Server, name: str) -> None:
    keys(page, "F2")
    expect(page.locator("#picture")).to_be_focused()
    keys(page, "Shift+ArrowRight", "Shift+ArrowRight", "Enter")
    expect(page.locator("#field-seller")).to_have_value("HARBOUR BOOKS LTD")
    expect(page.locator("#field-seller")).to_be_focused()
    expect(page.locator(".drawing .source")).to_have_count(1)
    keys(page, "Tab", "F2", "ArrowDown", "ArrowUp", "Escape")
    expect(page.locator("#field-seller_address")).to_be_focused()
    assert page.locator("#field-seller_address").input_value() == ""
    save(page, name)
    fields, _, _ = saved(served, name)
    assert fields is not None and fields["seller"] == "HARBOUR BOOKS LTD"
    source = fields["sources"]["seller"]
    assert source["page"] == 1 and source["box"][0] < 45 and 200 < source["box"][2] < 400


def test_words_are_chosen_with_the_mouse(page: Page) -> None:
    page.locator("#field-total").focus()
    box = page.locator("#sheet").bounding_box()
    assert box is not None
    scale = box["width"] / 560
    total = page.locator(".outlines polygon").filter(has_text="12.30")
    total.click()
    expect(page.locator("#field-total")).to_have_value("12.30")
    page.locator("#field-seller_address").focus()
    page.mouse.move(box["x"] + 30 * scale, box["y"] + 132 * scale)
    page.mouse.down()
    page.mouse.move(box["x"] + 420 * scale, box["y"] + 128 * scale, steps=30)
    page.mouse.up()
    expect(page.locator("#field-seller_address")).to_have_value("12 Quay Street, Bristol")
    page.keyboard.down("Shift")
    page.locator(".outlines polygon").filter(has_text="HB-2041").click()
    page.keyboard.up("Shift")
    expect(page.locator("#field-seller_address")).to_have_value("12 Quay Street, Bristol\nHB-2041")
    keys(page, "Control+z", "Control+z")
    expect(page.locator("#field-seller_address")).to_have_value("")
    expect(page.locator("#field-total")).to_have_value("12.30")
    keys(page, "Control+z")
    expect(page.locator("#field-total")).to_have_value("")


def test_what_cannot_be_an_amount_is_not_saved(page: Page, served: Server, name: str) -> None:
    page.locator("#field-total").focus()
    page.keyboard.type("1,234")
    keys(page, "Enter")
    expect(page.locator("#note")).to_contain_text("Total: this value cannot be saved")
    expect(page.locator("#findings .error")).to_contain_text("can be 1234 or 1.234")
    expect(page.locator("#field-total")).to_be_focused()
    page.keyboard.type("1234.00")
    save(page, name)
    fields, _, _ = saved(served, name)
    assert fields == {"schema": "emendo.fields/1", "total": "1234.00"}


def test_drafts_stay_and_skipping_goes_on(page: Page, served: Server, name: str) -> None:
    page.keyboard.type("Half a na")
    page.reload()
    expect(page.locator("#field-seller")).to_have_value("Half a na")
    expect(page.locator("#note")).to_contain_text("unfinished")
    keys(page, "Escape")
    expect(page.locator("#place")).not_to_contain_text(name)
    settled(page)
    assert saved(served, name)[1] == "skipped"
    keys(page, "PageUp")
    expect(page.locator("#field-seller")).to_have_value("Half a na")


def test_an_empty_form_is_not_saved(page: Page) -> None:
    keys(page, "Enter")
    expect(page.locator("#note")).to_contain_text("No field is filled in")
    expect(page.locator("#field-seller")).to_be_focused()


def test_who_was_quicker_is_shown_by_field(browser: Browser, page: Page, served: Server, name: str) -> None:
    context = browser.new_context()
    other = context.new_page()
    enter(other, served, name)
    other.keyboard.type("Theirs")
    save(other, name)
    context.close()
    page.keyboard.type("Mine")
    keys(page, "Enter")
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text("Name: Theirs")
    expect(question).to_contain_text("Name: Mine")
    page.get_by_role("button", name="Keep yours").press("Enter")
    expect(page.locator("#place")).not_to_contain_text(name)
    settled(page)
    fields, _, version = saved(served, name)
    assert fields is not None and (fields["seller"], version) == ("Mine", 2)
    keys(page, "PageUp", "Control+h")
    expect(page.locator("dialog.history li")).to_have_count(2)
    keys(page, "ArrowDown", "Enter")
    expect(page.locator("#field-seller")).to_have_value("Theirs")


def test_skipping_what_somebody_else_filled_in_is_asked_about(
    browser: Browser, page: Page, served: Server, name: str
) -> None:
    context = browser.new_context()
    other = context.new_page()
    enter(other, served, name)
    other.keyboard.type("Theirs")
    save(other, name)
    context.close()
    keys(page, "Escape")
    question = page.get_by_role("alertdialog")
    expect(question).to_contain_text("skipped")
    page.get_by_role("button", name="Keep theirs").press("Enter")
    expect(page.locator("#field-seller")).to_have_value("Theirs")
    fields, _, version = saved(served, name)
    assert fields is not None and version == 1


def test_the_pages_of_a_document_follow_its_fields(page: Page, served: Server) -> None:
    enter(page, served, "bill.pdf")
    expect(page.locator("#number")).to_have_text("page 1 of 2")
    page.locator("#field-total").focus()
    keys(page, "Alt+PageDown")
    expect(page.locator("#number")).to_have_text("page 2 of 2")
    page.locator(".outlines polygon").filter(has_text="55.00").click()
    expect(page.locator("#field-total")).to_have_value("55.00")
    page.locator("#field-seller").focus()
    keys(page, "Alt+PageUp")
    page.locator(".outlines polygon").filter(has_text="NORTH").click()
    expect(page.locator("#field-seller")).to_have_value("NORTH")
    page.locator("#field-total").focus()
    expect(page.locator("#number")).to_have_text("page 2 of 2")
    expect(page.locator(".drawing .source")).to_have_count(1)


def test_what_is_saved_while_the_server_is_away_arrives(page: Page, served: Server, name: str) -> None:
    page.route("**/api/**", lambda route: route.abort())
    page.locator("#field-total").fill("1.234,50")
    expect(page.locator("#findings")).to_contain_text("cannot be reached")
    keys(page, "Enter")
    expect(page.locator("#place")).not_to_contain_text(name)
    expect(page.locator("#saved")).to_contain_text("not saved yet")
    page.unroute("**/api/**")
    settled(page)
    assert saved(served, name)[0] == {"schema": "emendo.fields/1", "total": "1234.50"}


def test_markup_in_fields_stays_text(page: Page, served: Server, name: str) -> None:
    page.locator("#field-seller").fill(HOSTILE)
    page.locator("#field-total").fill(HOSTILE)
    expect(page.locator("#findings .error")).to_contain_text("no amount")
    page.locator("#field-total").fill("1")
    page.locator("#field-seller").focus()
    save(page, name)
    page.reload()
    expect(page.locator("#field-seller")).to_have_value(HOSTILE)
    expect(page.locator("#json")).to_contain_text("onerror")
    assert page.title() == "emendo" and page.locator("main img:not(#sheet)").count() == 0
    fields, _, _ = saved(served, name)
    assert fields is not None and fields["seller"] == HOSTILE


def test_screenshots_have_nothing_cut_off(
    page: Page, browser: Browser, served: Server, name: str, tmp_path: Path
) -> None:
    for field, value in (("number", "HB-2041"), ("date", "25/12/2018"), ("currency", "GBP"), ("total", "12.80")):
        page.locator(f"#field-{field}").fill(value)
    page.locator("#field-seller").focus()
    keys(page, "F2", "Shift+ArrowRight", "Shift+ArrowRight", "Enter")
    for what, quantity, price, amount in (("Pocket atlas", "2", "5.00", "10.00"), ("Pencil", "1", "2.30", "2.30")):
        keys(page, "Alt+ArrowDown")
        for value in (what, quantity, price, amount):
            page.keyboard.type(value)
            keys(page, "Tab")
    page.locator("#field-total").focus()
    keys(page, "Enter")
    expect(page.locator("#note")).to_contain_text("Enter once more")
    save(page, name)
    screenshots(browser, f"{served.address}#fields/{name.replace('/', '%2F')}", "fields", "#findings .error", tmp_path)


def test_a_document_that_cannot_be_had_is_waited_for(page: Page, served: Server) -> None:
    """The fixture asserts that nothing went wrong unseen in the page."""
    page.goto(f"{served.address}#fields//all")
    expect(page.locator("#place")).to_contain_text("bill.pdf")
    page.wait_for_load_state("networkidle")
    served.kill()
    before = ""
    for _ in range(12):  # further than documents are loaded ahead
        before = page.locator("#place").text_content() or before
        keys(page, "PageDown")
    expect(page.locator("#note")).to_contain_text("The server cannot be reached")
    served.start()
    expect(page.locator("#note")).not_to_contain_text("cannot be reached")
    expect(page.locator("#place")).not_to_have_text(before)
    expect(page.locator(".outlines polygon").first).to_be_attached()
