"""The dashboard in a real Chromium: plots and tables of what was captured, and what to do when nothing was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from emendo.monitor import Captures

from ..drawn import small_workspace
from ..monitor.traffic import ODD, fill
from .here import served_here
from .serving import Server, screenshots


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    workspace = small_workspace(tmp_path_factory.mktemp("monitor") / "ws")
    now = datetime.now(UTC)
    fill(Captures(workspace.captures), now)
    alert = {"name": "page: doubt", "since": now.isoformat(), "message": "The doubt rose from 7 % to 16 % on 16 pages."}
    (workspace.captures / "monitor.json").write_text(json.dumps({"alerts": [alert]}))
    with served_here(workspace) as held:
        yield held


def opened(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(address)
    expect(page.locator("#to-lines")).to_be_visible()
    yield page
    context.close()
    assert not faults


@pytest.fixture
def page(browser: Browser, served: Server) -> Iterator[Page]:
    yield from opened(browser, served.address)


def test_everything_that_was_captured_is_shown(page: Page) -> None:
    page.click("#to-monitor")
    expect(page.locator("#monitor-title")).to_have_text("What the service reads")
    expect(page.locator(".alert")).to_contain_text("The doubt rose from 7 % to 16 %")
    errors = page.locator("section[aria-labelledby=errors-title]")
    expect(errors.locator("polygon.band")).to_have_count(1)
    expect(errors.locator("line.bound")).to_have_count(7)
    expect(page.locator("section[aria-labelledby=traffic-title] rect.bar")).to_have_count(28)
    expect(page.locator("section[aria-labelledby=quality-title] svg")).to_have_count(4)
    expect(page.locator("section[aria-labelledby=characters-title]")).to_contain_text(ODD)
    expect(page.locator("section[aria-labelledby=models-title] tbody tr")).to_have_count(2)


def test_the_worst_documents_show_their_picture_and_their_text_as_it_runs(page: Page) -> None:
    page.click("#to-monitor")
    worst = page.locator("article.worst")
    expect(worst).to_have_count(8)
    shown = worst.locator("img").first
    shown.scroll_into_view_if_needed()
    page.wait_for_function("image => image.complete && image.naturalWidth > 100", arg=shown.element_handle())
    directions = worst.locator(".text p").evaluate_all("lines => lines.map(line => getComputedStyle(line).direction)")
    assert {"ltr", "rtl"} == set(directions)


def test_figures_stand_in_tables_that_the_keyboard_reaches(page: Page) -> None:
    page.click("#to-monitor")
    details = page.locator("section[aria-labelledby=errors-title] details")
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(details.locator("tbody tr")).to_have_count(14)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "scroll"


def test_another_span_of_days_is_asked_for(page: Page) -> None:
    page.click("#to-monitor")
    page.locator("#days").select_option("7")
    expect(page.locator("section[aria-labelledby=errors-title] tbody tr")).to_have_count(7)
    assert page.evaluate("location.hash") == "#monitor/7"


def test_without_captures_it_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    with served_here(small_workspace(tmp_path / "ws")) as held:
        for page in opened(browser, held.address):
            page.click("#to-monitor")
            expect(page.locator("#empty")).to_contain_text("emendo serve")


def test_pictures_of_the_dashboard(browser: Browser, served: Server, tmp_path: Path) -> None:
    screenshots(browser, f"{served.address}#monitor", "monitor", "article.worst", tmp_path)
