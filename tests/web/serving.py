"""The page in a process of its own and what a browser test asks of it again and again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image as Pillow
from playwright.sync_api import Browser, Page, ViewportSize, expect

from emendo.workspace.folder import Workspace

TOKEN = "browser-test"
SCREENSHOTS = "EMENDO_SCREENSHOTS"
PATIENCE = 20_000
"""Milliseconds in which a busy machine does what takes a free one a moment."""


class Server:
    """`emendo label` in a process of its own."""

    def __init__(
        self,
        workspace: Workspace,
        options: Sequence[str] = ("--token", TOKEN),
        author: str = "ann",
        program: Sequence[str] = ("-m", "emendo"),
    ) -> None:
        self.workspace, self.options, self.author, self.port = workspace, options, author, 0
        self.program = program
        self.start()

    def start(self) -> None:
        command = [sys.executable, *self.program, "label", str(self.workspace.root), *self.options]
        environment = {**os.environ, "EMENDO_AUTHOR": self.author, "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port)],
            stderr=subprocess.STDOUT,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self.process.stdout is not None
        shown = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)/", shown)
        assert found, shown + self.process.stdout.read()
        self.port = int(found.group(1))

    @property
    def address(self) -> str:
        return self.address_for(TOKEN)

    def address_for(self, token: str) -> str:
        """The address that lets the holder of `token` in."""
        return f"http://127.0.0.1:{self.port}/?token={token}"

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def verdicts(workspace: Workspace) -> dict[int, tuple[str | None, str]]:
    """Text and verdict of each corrected line of a drawn workspace, by its number from 1."""
    with workspace.store() as store:
        return {int(one.line, 16) + 1: (one.text, one.verdict.value) for one in store.corrections()}


def settled(page: Page) -> None:
    """Wait until the server has everything."""
    expect(page.locator("#saved")).to_have_text("all saved", timeout=PATIENCE)


def screenshots(
    browser: Browser, address: str, mode: str, ready: str, folder: Path, act: Callable[[Page], None] | None = None
) -> None:
    """Pictures of a mode, light and dark, for the documentation when `EMENDO_SCREENSHOTS` names its folder; nothing
    may be cut off, at 480 pixels width either. `ready` is the CSS selector of what must be there first; `act` is done
    in the page before the picture."""
    named = os.environ.get(SCREENSHOTS)
    kept = Path(named) if named else folder
    shapes = (("light", 1280, kept / f"{mode}-light.png"), ("dark", 1280, kept / f"{mode}-dark.png"))
    for scheme, width, path in (*shapes, ("light", 480, folder / f"{mode}-narrow.png")):
        view = ViewportSize(width=width, height=800)
        context = browser.new_context(viewport=view, color_scheme="dark" if scheme == "dark" else "light")
        page = context.new_page()
        page.goto(address)
        page.locator(ready).first.wait_for()
        if act:
            act(page)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.screenshot(path=str(path))
        assert path.stat().st_size > 5000
        if named:
            with Pillow.open(path) as picture:
                small = picture.convert("RGB").quantize(128, dither=Pillow.Dither.NONE)
            small.save(path, optimize=True)
        context.close()
