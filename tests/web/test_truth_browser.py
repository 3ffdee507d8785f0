"""A document is read in a real Chromium and held against the truth that the person pastes or chooses."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from ..drawn import small_workspace
from .here import served_here
from .serving import screenshots
from .test_documents import drawn_page

LINES = ("The rain fell all day", "over the hills and", "we walked home")
WRONG = ("The rain fell all night", "over the hills and", "we walked home")


def compared(page: Page) -> None:
    """The truth is given and compared; the figures are in sight."""
    page.locator("#truth").fill("\n".join(WRONG))
    page.locator("#compare").click()
    page.locator("#truth-found table").wait_for()
    page.locator("#read-page").scroll_into_view_if_needed()
    page.locator("#truth-title").evaluate("element => element.scrollIntoView()")


def test_a_document_is_held_against_a_given_truth(browser: Browser, tmp_path: Path) -> None:
    picture, truth = tmp_path / "letter.png", tmp_path / "truth.txt"
    picture.write_bytes(drawn_page(LINES))
    truth.write_text("\n".join(WRONG), encoding="utf-8")
    with served_here(small_workspace(tmp_path / "ws")) as held:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.goto(f"{held.address}#read")
        page.locator("#file").set_input_files(picture)
        expect(page.locator("#read-lines li")).to_have_count(3, timeout=180_000)

        page.locator("#compare").click()
        expect(page.locator("#note")).to_contain_text("the truth is empty")

        page.locator("#truth").fill("\n".join(LINES))
        page.locator("#truth").press("Tab")
        page.keyboard.press("Enter")
        right = page.locator("#truth-found .figures b")
        expect(right).to_have_count(4)
        exact = right.first.inner_text()

        page.locator("#truth-file").set_input_files(truth)
        expect(page.locator("#truth")).to_have_value("\n".join(WRONG))
        page.locator("#compare").click()
        expect(right.first).not_to_have_text(exact)
        expect(page.locator(".compared mark").first).to_be_visible()
        expect(page.locator("#truth-found tbody tr")).to_have_count(5)
        expect(page.locator("#truth-found tbody tr").first).to_contain_text("64")
        address = f"{held.address}#{page.url.partition('#')[2]}"
        assert not faults
        context.close()
        screenshots(browser, address, "truth", "#truth", tmp_path, compared)
