"""Field mode that is filled in ahead, in a real Chromium: what is unsure is stopped at, and a correction teaches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from emendo.image.load import read_image
from emendo.types import Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry

from ..receipts import Row, receipts
from .filled_label import look
from .serving import TOKEN, Server, screenshots, settled
from .test_fields_browser import keys, saved

SHOP: tuple[Row, ...] = (("HARBOUR BOOKS LTD", ""), ("12 Quay Street, Bristol", ""))
HERE = Path(__file__).with_name("filled_label.py")


def receipt(number: int, day: str, price: str) -> tuple[Row, ...]:
    return (
        *SHOP,
        (f"Receipt no. HB-{number}", ""),
        (f"Date {day}/12/2018", ""),
        ("1 x Atlas", price),
        ("Total GBP", price),
        ("Cash", "90.00"),
    )


def answers(folder: Path, names: dict[str, dict[str, Any]], path: Path, **more: str) -> Path:
    """What the reader says of each picture, by what it is known by."""
    said = {look(read_image(folder / "images" / f"{name}.png")): answer for name, answer in names.items()}
    path.write_text(json.dumps({"answers": said, **more}))
    return path


FIRST = {
    "fields": {
        "type": "receipt",
        "seller": "HARB0UR BOOKS",
        "number": "HB-100",
        "date": "2018-12-25",
        "currency": "GBP",
        "total": "10.00",
        "lines": [{"description": "Atlas", "amount": "10.00"}],
        "sources": {
            "total": {"page": 1, "box": [430, 355, 524, 390]},
            "date": {"page": 1, "box": [100, 230, 310, 265]},
        },
    },
    "certainty": {
        "seller": 0.42,
        "number": 0.97,
        "date": 0.99,
        "currency": 0.98,
        "total": 0.71,
        "lines.0.amount": 0.95,
    },
}


def guess(fields: dict[str, Any], certainty: dict[str, float]) -> dict[str, Any]:
    return {"fields": {**FIRST["fields"], "sources": {}, **fields}, "certainty": {**FIRST["certainty"], **certainty}}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Server]:
    folder = tmp_path / "shop"
    sheets = {"a-first": ("100", "25", "10.00"), "b-second": ("101", "26", "20.00"), "c-third": ("102", "27", "30.00")}
    receipts(folder, [(name, receipt(int(n), day, price), {"total": "1"}) for name, (n, day, price) in sheets.items()])
    second = guess({"number": "HB-101", "date": "2018-12-26", "total": "90.00"}, {"total": 0.55})
    third = guess({"seller": "Harbour Books", "number": "HB-102", "date": "2018-12-27", "total": "30.00"}, {})
    third["fields"]["lines"] = [{"description": "Atlas", "amount": "30.00"}]
    third["certainty"] = dict.fromkeys(("seller", "number", "date", "currency", "total", "lines.0.amount"), 0.98)
    said = answers(folder, {"a-first": FIRST, "b-second": second, "c-third": third}, tmp_path / "said.json")
    held = Server(Workspace.init(folder), ("--token", TOKEN), program=(str(HERE), str(said)))
    yield held
    held.kill()


@pytest.fixture
def page(browser: Browser, served: Server) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(f"{served.address}#fields")
    expect(opened.locator("#place")).to_contain_text("a-first")
    yield opened
    context.close()
    assert not faults


def test_enter_goes_through_what_is_unsure_and_then_saves(page: Page, served: Server) -> None:
    expect(page.locator("#field-total")).to_have_value("10.00")
    expect(page.locator("#note")).to_contain_text("2 fields to look at")
    expect(page.locator("#field-seller")).to_be_focused()
    expect(page.locator("#field-seller-sure")).to_have_text("42 %")
    expect(page.locator(".shaky[data-path]")).to_have_count(2)
    expect(page.locator("#field-date")).to_have_attribute("title", "99 % sure")
    expect(page.locator(".places rect.shaky")).to_have_count(1)
    expect(page.locator(".places rect")).to_have_count(2)
    page.keyboard.type("Harbour Books")
    expect(page.locator(".shaky[data-path]")).to_have_count(1)
    keys(page, "Enter")
    expect(page.locator("#field-total")).to_be_focused()
    expect(page.locator(".drawing .source")).to_have_count(1)
    expect(page.locator(".offer button")).to_have_count(1)
    keys(page, "Alt+1")
    expect(page.locator("#field-total")).to_have_value("90.00")
    keys(page, "Control+z")
    expect(page.locator("#field-total")).to_have_value("10.00")
    keys(page, "Enter")
    expect(page.locator("#place")).to_contain_text("b-second")
    settled(page)
    fields, verdict, version = saved(served, "images/a-first.png")
    assert fields is not None and (fields["seller"], fields["total"], verdict, version) == (
        "Harbour Books",
        "10.00",
        "edited",
        1,
    )


def test_a_correction_teaches_the_next_receipt_of_the_shop(page: Page, served: Server) -> None:
    expect(page.locator("#field-total")).to_have_value("10.00")
    expect(page.locator("#field-seller")).to_be_focused()
    page.keyboard.type("Harbour Books")
    keys(page, "Tab")
    page.keyboard.type("12 Quay Street, Bristol")
    keys(page, "Control+Enter")
    expect(page.locator("#place")).to_contain_text("b-second")
    expect(page.locator("#field-seller")).to_have_value("Harbour Books")
    expect(page.locator("#field-seller_address")).to_have_value("12 Quay Street, Bristol")
    expect(page.locator("#field-total")).to_have_value("20.00")
    expect(page.locator("#field-seller-sure")).to_have_text("as before")
    page.locator("#field-lines-0-amount").fill("20.00")
    keys(page, "Control+Enter")
    expect(page.locator("#place")).to_contain_text("c-third")
    expect(page.locator("#field-seller_address")).to_have_value("12 Quay Street, Bristol")
    expect(page.locator("#note")).to_contain_text("sure of every field")
    keys(page, "Enter")
    expect(page.locator("#note")).to_contain_text("No document is left")
    settled(page)
    fields, verdict, _ = saved(served, "images/c-third.png")
    assert verdict == "accepted" and fields is not None and fields["seller"] == "Harbour Books"


def test_what_was_typed_stays_when_the_page_is_loaded_again(page: Page, served: Server) -> None:
    expect(page.locator("#field-seller")).to_be_focused()
    page.keyboard.type("Mine")
    served.kill()
    served.start()
    page.reload()
    expect(page.locator("#field-seller")).to_have_value("Mine")
    expect(page.locator("#field-total")).to_have_value("10.00")
    expect(page.locator("#field-seller-sure")).to_have_text("")  # nobody is 42 % sure of what was typed


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """Where this file is, the reader begins."""
    return tmp_path / "start"


@pytest.fixture
def slow(tmp_path: Path, start: Path) -> Iterator[Server]:
    """One document, which the reader leaves for now."""
    folder = tmp_path / "slow"
    receipts(folder, [("only", receipt(100, "25", "10.00"), {"total": "1"})])
    said = answers(folder, {"only": FIRST}, tmp_path / "slow.json", start=str(start))
    held = Server(Workspace.init(folder), ("--token", TOKEN), program=(str(HERE), str(said)))
    yield held
    held.kill()


@pytest.fixture
def waiting(browser: Browser, slow: Server) -> Iterator[Page]:
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(f"{slow.address}#fields")
    expect(opened.locator("#note")).to_contain_text("is filling this document in")
    yield opened
    context.close()


def test_a_document_is_shown_as_soon_as_it_is_filled_in(waiting: Page, start: Path) -> None:
    expect(waiting.locator("#field-seller")).to_have_value("")
    start.touch()
    expect(waiting.locator("#field-seller")).to_have_value("HARB0UR BOOKS")
    expect(waiting.locator("#field-seller")).to_be_focused()


def test_what_is_typed_before_a_document_is_filled_in_stays_and_the_rest_is_filled_in(
    waiting: Page, start: Path
) -> None:
    waiting.locator("#field-date").fill("24/12/2018")
    start.touch()
    expect(waiting.locator("#field-total")).to_have_value("10.00")
    expect(waiting.locator("#field-date")).to_have_value("24/12/2018")
    expect(waiting.locator("#field-date")).to_be_focused()
    waiting.keyboard.type("9")
    expect(waiting.locator("#field-date")).to_have_value("24/12/20189")
    assert waiting.locator("#field-date-sure").text_content() == ""
    expect(waiting.locator(".places rect")).to_have_count(1)  # the date is no longer where the model read it


def test_what_was_typed_before_the_document_was_filled_in_joins_it_when_the_page_is_loaded_again(
    waiting: Page, slow: Server, start: Path
) -> None:
    waiting.locator("#field-seller").fill("Mine")
    slow.kill()
    start.touch()
    slow.start()
    waiting.reload()
    expect(waiting.locator("#field-total")).to_have_value("10.00")
    expect(waiting.locator("#field-seller")).to_have_value("Mine")
    settled(waiting)


def test_what_was_typed_early_is_held_against_what_another_person_saved(
    waiting: Page, slow: Server, start: Path
) -> None:
    waiting.locator("#field-seller").fill("Mine")
    with Workspace(slow.workspace.root).store() as store:
        (line,) = store.lines()
        text = json.dumps({"type": "receipt", "seller": "Theirs", "total": "10.00"})
        store.add_correction(Entry(line=line.id, reading="", text=text, verdict=Verdict.EDITED, author="bob"))
    start.touch()
    waiting.evaluate("location.hash = 'fields/images%2Fonly.png'")
    conflict = waiting.get_by_role("alertdialog")
    expect(conflict).to_contain_text("Theirs")
    expect(conflict).to_contain_text("Mine")
    expect(conflict).not_to_contain_text("–")  # what was not typed is as it was saved
    expect(conflict).not_to_contain_text("10.00")


def test_screenshots_of_what_was_filled_in(browser: Browser, served: Server, tmp_path: Path) -> None:
    screenshots(browser, f"{served.address}#fields", "prefill", ".shaky[data-path]", tmp_path)
