"""Plates in a real Chromium: typing, skipping, going back, reviewing, mending, leaving and coming back."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from emendo.formats.labels import SKIP, read_labels
from emendo.image.encode import jpeg_bytes
from emendo.workspace.folder import Workspace

from ..plates import TEXTS, draw_crops, plate
from .serving import TOKEN, Server, screenshots, settled


@dataclass
class Place:
    """A folder of crops that is served, and a page in it."""

    crops: Path
    server: Server
    page: Page

    def at(self, place: str) -> None:
        self.page.goto(f"{self.server.address}#{place}")

    @property
    def labels(self) -> dict[str, str]:
        return read_labels(self.crops / "labels.txt")[0] if (self.crops / "labels.txt").exists() else {}


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    draw_crops(tmp_path / "crops", TEXTS[:4])
    return tmp_path / "crops"


@pytest.fixture
def place(browser: Browser, crops: Path) -> Iterator[Place]:
    server = Server(Workspace(crops))
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(30_000)
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield Place(crops, server, page)
    context.close()
    server.kill()
    assert not faults


def show(place: Place, number: int) -> None:
    expect(place.page.locator("#place")).to_contain_text(f"{number} of", timeout=20_000)


def test_plates_are_labelled_by_keyboard_and_every_letter_types(place: Place) -> None:
    page = place.page
    place.at("plates")
    show(place, 1)
    expect(page.locator(".badge.pre")).to_contain_text("pre-label KTR4821", timeout=60_000)
    expect(page.locator("#text")).to_have_value("KTR4821")
    assert place.labels == {}
    page.keyboard.type(string.ascii_lowercase + string.digits)
    expect(page.locator("#text")).to_have_value(string.ascii_uppercase + string.digits)
    page.keyboard.press("Control+a")
    page.keyboard.type("kt-r")
    expect(page.locator("#wrong")).to_have_text("Not on plates here: - (only 0-9 A-Z)")
    page.keyboard.type("é 4 8\\2]1")
    expect(page.locator("#text")).to_have_value("KTR4821")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")
    page.wait_for_load_state("networkidle")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Enter")
    show(place, 2)
    assert page.evaluate("document.getElementById('crop').complete")
    assert not [url for url in asked if re.search(r"/picture|/api/plates\?", url)]  # the next one was there already
    page.keyboard.press("Escape")
    show(place, 3)
    page.keyboard.press("[")
    show(place, 2)
    expect(page.locator(".badge.skipped")).to_have_text("skipped by ann")
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(" qws 631 ")
    expect(page.locator("#text")).to_have_value("QWS631")
    page.keyboard.press("Enter")
    show(place, 3)
    page.keyboard.type("unsaved")
    page.keyboard.press("Control+q")
    expect(page.locator("#note")).to_contain_text("Everything is saved")
    assert place.labels == {"2026-11-20/CAM1_track1.jpg": "KTR4821", "2026-11-20/CAM1_track3.jpg": "QWS631"}
    assert (page.locator("#count-labelled").inner_text(), page.locator("#count").inner_text()) == (
        "2",
        "2 of 4 plates",
    )


def test_it_goes_on_where_it_was_even_after_kill(place: Place) -> None:
    page = place.page
    place.at("plates")
    show(place, 1)
    page.keyboard.type("one1")
    page.keyboard.press("Enter")
    settled(page)
    place.server.kill()
    page.keyboard.type("two2")
    page.keyboard.press("Enter")
    expect(page.locator("#saved")).to_have_text("1 line not saved yet")
    page.keyboard.type("three")
    with (place.crops / "labels.txt").open("a", encoding="utf-8") as stream:
        stream.write("2026-11-21/CAM1_track4.jpg\tBYHAND4\n")
    place.server.start()
    expect(page.locator("#saved")).to_have_text("all saved", timeout=30_000)
    page.goto("about:blank")
    place.at("plates")
    expect(page.locator("#place")).to_have_text("2026-11-21/CAM1_track2.jpg · 1 of 1")
    expect(page.locator("#text")).to_have_value("THREE")
    assert sorted(place.labels.values()) == ["BYHAND4", "ONE1", "TWO2"]


def test_the_review_goes_over_labelled_ones_and_markup_is_text(browser: Browser, crops: Path) -> None:
    evil = "2026-11-22/<img src=x onerror=document.title='owned'>.jpg"
    (crops / "2026-11-22").mkdir()
    (crops / evil).write_bytes(jpeg_bytes(plate("EVIL666", 3)))
    rows = [("2026-11-20/CAM1_track1.jpg", "KTR4821"), ("2026-11-21/CAM1_track2.jpg", SKIP), (evil, "<script>1")]
    (crops / "labels.txt").write_text("".join(f"{name}\t{text}\n" for name, text in rows), encoding="utf-8")
    server = Server(Workspace(crops), ("--token", TOKEN, "--review"))
    page = browser.new_page()
    try:
        page.goto(f"{server.address}#plates/review")
        expect(page.locator("#text")).to_have_value("KTR4821")
        expect(page.locator(".badge.labelled")).to_have_text("labelled by ann")
        page.keyboard.press("Enter")
        expect(page.locator(".badge.skipped")).to_be_visible()
        page.keyboard.type("8bxc907")
        page.keyboard.press("Enter")
        expect(page.locator("#place")).to_contain_text(evil)
        expect(page.locator("#text")).to_have_value("<SCRIPT>1")
        page.keyboard.press("Enter")
        expect(page.locator("#note")).to_have_text("You have been over all labelled plates.")
        for _ in rows:
            page.keyboard.press("[")
        expect(page.locator("#text")).to_have_value("KTR4821")
        page.keyboard.press("Escape")
        settled(page)
        assert read_labels(crops / "labels.txt")[0] == {rows[0][0]: SKIP, rows[1][0]: "8BXC907", evil: "<script>1"}
        page.locator("#view-faults").click()
        expect(page.locator("#faults li")).to_contain_text("<SCRIPT>1")
        assert page.title() == "emendo" and page.locator("#main img[src=x]").count() == 0
    finally:
        page.close()
        server.kill()


def contaminate(crops: Path) -> None:
    (crops / "2026-11-21" / "CAM3_track9.jpg").write_bytes(jpeg_bytes(plate(TEXTS[1], 1), 60))
    rows = {
        "20/CAM1_track1": "EXIT",
        "21/CAM1_track2": "8BXC907",
        "20/CAM1_track3": "GUTSY",
        "21/CAM3_track9": "8BXC901",
    }
    text = "".join(f"2026-11-{name}.jpg\t{label}\n" for name, label in rows.items())
    (crops / "labels.txt").write_text(text, encoding="utf-8")


def test_doubtful_labels_are_mended_by_arrows_and_enter(browser: Browser, place: Place, tmp_path: Path) -> None:
    draw_crops(place.crops, TEXTS[:6])
    contaminate(place.crops)
    screenshots(browser, f"{place.server.address}#plates", "plates", ".badge.pre", tmp_path)
    screenshots(browser, f"{place.server.address}#plates/faults", "plates-doubtful", "#faults li", tmp_path)
    page = place.page
    place.at("plates/label")
    show(place, 1)
    page.locator("#view-faults").click()
    expect(page.locator("#faults-count")).to_have_text("3 doubtful labels")
    chosen = page.locator('#faults li[aria-selected="true"]')
    expect(chosen).to_contain_text("the same picture is labelled 8BXC907 and 8BXC901")
    page.keyboard.press("Enter")
    settled(page)
    assert place.labels["2026-11-21/CAM3_track9.jpg"] == "8BXC907"
    page.keyboard.press("[")
    expect(page.locator("#faults-count")).to_have_text("3 doubtful labels")
    settled(page)
    assert place.labels["2026-11-21/CAM3_track9.jpg"] == "8BXC901"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(chosen).to_contain_text("reads like a sign (EXIT)")
    page.keyboard.press("Escape")
    expect(chosen).to_contain_text("the label has no digit")
    page.keyboard.press("ArrowLeft")
    expect(chosen.locator("button", has_text="Edit")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.locator("#faults-count")).to_have_text("No label is doubtful.")
    settled(page)
    assert place.labels == {
        "2026-11-20/CAM1_track1.jpg": SKIP,
        "2026-11-20/CAM1_track3.jpg": "GUTSY",
        "2026-11-21/CAM1_track2.jpg": "8BXC901",
        "2026-11-21/CAM3_track9.jpg": "8BXC901",
    }
    page.reload()
    expect(page.locator("#faults-count")).to_contain_text("1 doubtful label")  # now twice the same
