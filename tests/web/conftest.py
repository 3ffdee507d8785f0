"""One Chromium for all browser tests, and the drawn workspace served to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from emendo.workspace.folder import Workspace

from .serving import PATIENCE, Server


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        expect.set_options(timeout=PATIENCE)
        yield opened
        opened.close()


@pytest.fixture
def server(drawn_workspace: Workspace) -> Iterator[Server]:
    held = Server(drawn_workspace)
    yield held
    held.kill()


@pytest.fixture
def page(browser: Browser, server: Server) -> Iterator[Page]:
    """The first line of the drawn workspace, ready to be typed in; an error of the page's scripts fails the test."""
    context = browser.new_context(viewport={"width": 1300, "height": 800})
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(server.address)
    expect(opened.locator("#text")).to_have_value("the rain fell 1")
    yield opened
    context.close()
    assert not faults
