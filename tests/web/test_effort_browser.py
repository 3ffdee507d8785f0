"""Line mode in a real Chromium: it is the machine that the simulated author works with, and undo takes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from emendo.label.author import LineEditor, next_keys
from emendo.label.desk import Desk
from emendo.label.predict import Prediction
from emendo.models.references import load_recognizer
from emendo.types import Image
from emendo.workspace.folder import Workspace

from ..drawn import small_workspace
from .serving import Server, screenshots, settled

TEXTS = (
    "We left the harbour before the sun was up",
    "and followed the narrow road along the river",
    "Nobody spoke, for the night had been long",
    "At noon we rested under three old chestnut trees",
    "where a farmer sold us bread, cheese and cider",
    "The valley lay open, and the bells were ringing",
)


def blurred_workspace(root: Path) -> Workspace:
    """Six drawn lines, hard to read, with the readings of the embedded base."""
    workspace = small_workspace(root, 6, tuple(TEXTS))
    (root / "emendo.toml").write_text('[read]\nengine = "onnxruntime"\n')  # as the machine beside it
    reader = load_recognizer("base")
    rng = np.random.default_rng(3)
    with workspace.store() as store:
        lines = store.lines()
        crops: list[Image] = []
        for line, text in zip(lines, TEXTS, strict=True):
            crop = np.full((60, 900, 3), 235, np.uint8)
            cv2.putText(crop, text, (8, 40), cv2.FONT_HERSHEY_TRIPLEX, 0.9, (60, 40, 30), 1, cv2.LINE_AA)
            noisy = cv2.GaussianBlur(crop, (0, 0), 1.45).astype(np.float32) + rng.normal(0, 14, crop.shape)
            crops.append(np.clip(noisy, 0, 255).astype(np.uint8))
            cv2.imwrite(str(root / line.image), crops[-1][:, :, ::-1])
        store.put_document("notes", list(zip(lines, reader.read(crops), strict=True)))
    return workspace


@pytest.fixture(scope="module")
def blurred(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return blurred_workspace(tmp_path_factory.mktemp("effort") / "ws")


@pytest.fixture
def served(blurred: Workspace, tmp_path: Path) -> Iterator[Server]:
    held = Server(blurred)
    yield held
    held.kill()


class Ahead:
    """Counts the lines that the page has had foreseen before they are edited."""

    def watch(self, page: Page) -> None:
        self.page, self.count = page, 0
        page.on("requestfinished", self.finished)

    def finished(self, request: Request) -> None:
        self.count += request.post_data == '{"before":"","between":"","kept":""}'

    def wait(self, count: int) -> None:
        for _ in range(600):
            if self.count >= count:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{self.count} lines are foreseen, not {count}")


@pytest.fixture
def ahead() -> Ahead:
    return Ahead()


@pytest.fixture
def page(browser: Browser, served: Server, ahead: Ahead) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    ahead.watch(opened)
    opened.goto(served.address)
    expect(opened.locator("#place")).to_have_text("notes, page 1, line 1")
    yield opened
    context.close()
    assert not faults


WORKED = 4
"""Lines that the last test corrects; the others need lines that nobody has corrected."""
STATE = "[text.value, text.selectionStart, text.selectionEnd]"


def quiet(page: Page) -> None:
    """Wait until nothing is being foreseen."""
    expect(page.locator("#text")).not_to_have_attribute("data-waiting", "yes")


def state(page: Page) -> tuple[str, int, int]:
    found: tuple[str, int, int] = tuple(page.evaluate(STATE))
    return found


def machine(desk: Desk, line: str, shown: Prediction) -> LineEditor:
    """The line as the simulated author has it before them."""

    def predict(before: str, between: str, kept: str) -> Prediction | None:
        return desk.foresight.predict(line, before, between, kept)

    return LineEditor.show(shown, predict)


def test_one_key_takes_a_prediction_back_and_what_was_typed_stays(page: Page, ahead: Ahead) -> None:
    ahead.wait(1)
    page.keyboard.press("Home")
    read = state(page)[0]
    page.keyboard.press("Shift+End")
    page.keyboard.type("W")
    quiet(page)
    foreseen = state(page)[0]
    assert foreseen.startswith("W") and len(foreseen) > 10, "the line is read anew behind what was typed"
    assert state(page)[1:] == (1, 1)
    page.keyboard.press("Control+z")
    assert state(page)[0] == "W"
    page.keyboard.press("Control+z")
    assert state(page)[0] == read
    quiet(page)
    assert state(page)[0] == read, "what was taken back is not foreseen again"


def test_an_answer_to_what_no_longer_stands_there_is_left_aside(page: Page, ahead: Ahead) -> None:
    ahead.wait(1)
    page.keyboard.press("Control+a")
    late: list[Route] = []

    def hold(route: Route) -> None:
        if late:
            route.continue_()
        else:
            late.append(route)

    page.route("**/predict", hold)
    page.keyboard.type("X")
    page.wait_for_timeout(50)
    page.keyboard.type("Y")
    quiet(page)
    now = state(page)[0]
    assert now.startswith("XY")
    late[0].fulfill(json={"text": "Xstale", "probabilities": [1.0] * 6, "stops": []})
    page.wait_for_timeout(150)
    assert state(page)[0] == now


def test_without_answers_the_field_is_a_plain_one(page: Page, ahead: Ahead) -> None:
    ahead.wait(1)
    page.route("**/predict", lambda route: route.abort())
    page.keyboard.press("End")
    before = state(page)[0]
    page.keyboard.type(" and")
    quiet(page)
    assert state(page)[0] == f"{before} and"


def test_pictures_of_line_mode(browser: Browser, served: Server, tmp_path: Path) -> None:
    screenshots(browser, served.address, "lines", "#options li", tmp_path)


def test_the_page_and_the_simulated_author_agree_key_for_key(page: Page, blurred: Workspace, ahead: Ahead) -> None:
    desk = Desk.open(blurred, lambda: load_recognizer("auto"))
    lines = desk.order("document")[:WORKED]
    shown = {line: desk.foresight.predict(line) for line in lines[:2]}
    pressed: list[str] = []
    ahead.wait(2)
    for at, (line, truth) in enumerate(zip(lines, TEXTS, strict=False)):
        first = shown[line]
        assert first is not None
        editor = machine(desk, line, first)
        expect(page.locator("#text")).to_have_value(editor.text, timeout=30_000)
        while editor.text != truth:
            for key in next_keys(editor, truth):
                assert state(page) == (editor.text, *editor.selection), editor.keys
                editor.press(key)
                page.keyboard.press(key)
                quiet(page)
            assert page.evaluate("[...text.value].length") == len(editor.typed)
        pressed += editor.keys
        page.keyboard.press("Enter")
        settled(page)
        desk.foresight.learn(line, truth)
        ahead.wait(at + 3)
        if at + 2 < len(lines):
            shown[lines[at + 2]] = desk.foresight.predict(lines[at + 2])
    assert {"Tab", "ArrowDown"} <= set(pressed), "the lines are too easy to show anything"
    assert any(len(key) == 1 for key in pressed)
    with blurred.store() as store:
        assert [one.text for one in store.corrections()] == list(TEXTS[:WORKED])
    desk.close()
