"""Training, comparing, promoting and rolling back; reading a document; effort: in a real Chromium."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from emendo.datasets.build import export
from emendo.evaluate import Comparison, Line, Report
from emendo.learn.round import DONE, JUDGEMENT
from emendo.metrics import counts
from emendo.release import Decision, Finding, decide
from emendo.release.judgement import keep_judgement
from emendo.settings import GateSettings
from emendo.tools.files import sha256_file
from emendo.train.curve import add_to_curve, begin_curve
from emendo.types import Reading, Split, Verdict
from emendo.workspace.efforts import Effort, add_effort, spent
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Entry
from emendo.workspace.store import Line as Unit

from ..release.colours import colour_samples, write_colour_bundle
from ..release.test_gate import TEXTS
from .serving import Server, screenshots, settled
from .test_documents import drawn_page
from .test_models import RUN

FAST = Path(__file__).with_name("fast_label.py")
STEPS, PAUSE = 60, 0.1
LETTER = ("Dear Ann,", "the rain fell over the", "hills, and we walked", "home in silence until", "the bells called.")


@pytest.fixture
def striped(tmp_path: Path) -> Workspace:
    """Lines of coloured stripes on six pages, all corrected; the model in use confuses letters."""
    workspace = Workspace.init(tmp_path / "ws")
    wrong = {"a": "b", "c": "d"}
    old = write_colour_bundle(workspace.models / "old", wrong=wrong, name="old")
    (workspace.models / "old").rename(workspace.models / old.id)
    workspace.set_champion(old.id, "set by the test")
    write_colour_bundle(tmp_path / "made", name="new", dataset={"usable": 30})
    samples = colour_samples(workspace.root / "stripes_lines", TEXTS * 2)
    export([replace(one, split=Split.TEST) for one in samples[:2]], "jsonl", tmp_path / "general")
    with workspace.store() as store:
        for page in range(5):
            rows = []
            for at in range(8 * page, 8 * page + 8):
                image = f"stripes_lines/{at:03}.png"
                digest = sha256_file(workspace.root / image)
                unit = Unit(
                    id=f"{at:016x}", document=f"p{page}", number=at, text_line=at, page=1, image=image, sha256=digest
                )
                rows.append((unit, Reading("x", 0.5)))
            store.put_document(f"p{page}", rows)
        for at, text in enumerate(TEXTS * 2):
            store.add_correction(Entry(line=f"{at:016x}", reading="x", text=text, verdict=Verdict.EDITED, author="ann"))
    return workspace


@pytest.fixture
def trainer(striped: Workspace, tmp_path: Path) -> Iterator[Server]:
    held = Server(striped, program=(str(FAST), str(STEPS), str(PAUSE), str(tmp_path / "made")))
    yield held
    held.kill()


def opened(browser: Browser, server: Server, mode: str) -> Page:
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(30_000)
    page.goto(server.address)
    page.goto(f"http://127.0.0.1:{server.port}/#{mode}")
    return page


def test_from_start_to_promotion_and_back_through_a_killed_server(
    browser: Browser, trainer: Server, striped: Workspace
) -> None:
    page = opened(browser, trainer, "models")
    expect(page.locator("#phase")).to_contain_text("There are 40 corrections")
    page.get_by_role("button", name="Start training").press("Enter")
    expect(page.locator("#phase")).to_contain_text(f"of {STEPS}.", timeout=60_000)
    expect(page.locator("#curve svg")).to_be_visible()

    page.get_by_role("button", name="Stop").press("Enter")
    expect(page.locator("#phase")).to_contain_text("The training was stopped after step", timeout=60_000)
    page.get_by_role("button", name="Give this run up").press("Enter")
    expect(page.get_by_role("button", name="No")).to_be_focused()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Go on").press("Enter")
    expect(page.locator("#phase")).to_contain_text("Training since ann started it", timeout=60_000)

    page.context.close()
    trainer.kill()
    trainer.start()
    page = opened(browser, trainer, "models")
    expect(page.locator("#phase")).to_contain_text("The last training has ended: it may be put in use", timeout=90_000)
    seen = "15.00 %, 10.00 %, 7.50 %, 6.00 %, 5.00 %, 4.29 %"
    label = f"Step {STEPS} of {STEPS}, loss 0.19, CER on validation lines {seen}"
    expect(page.locator("#curve svg")).to_have_attribute("aria-label", label)
    assert len(list(striped.runs.iterdir())) == 1

    page.get_by_role("link", name="Compare").press("Enter")
    judged = page.locator("#judged")
    expect(judged.get_by_role("heading")).to_be_focused()
    expect(judged.locator(".figures")).to_contain_text("0.00 %")
    assert judged.locator(".findings li.bad").count() == 0
    judged.get_by_text("Lines that got better").press("Enter")
    expect(judged.locator("article").first.locator("mark").first).to_be_visible()
    assert page.evaluate("document.querySelector('#judged article img').src").endswith("/image")

    judged.get_by_role("button", name="Put it in use").press("Enter")
    expect(page.locator("#note")).to_contain_text("In use now: CER")
    expect(page.locator("#runs .tag.good")).to_have_text("in use")
    judged.get_by_role("button", name="Put it in use").press("Enter")
    expect(page.locator("#note")).to_contain_text("it is the model in use already")
    page.get_by_role("button", name="Roll back").press("Enter")
    page.get_by_role("button", name="Yes").press("Enter")
    expect(page.locator("#note")).to_contain_text("In use now")
    expect(page.locator("#models tr.chosen")).to_contain_text("old")
    expect(page.locator("#models tr.chosen")).to_contain_text("rolled back from")
    page.context.close()


def two_pages() -> bytes:
    """A letter and the back of it as TIFF."""
    pages = [Image.open(BytesIO(drawn_page(lines))) for lines in (LETTER, ("Yours, Bob",))]
    held = BytesIO()
    pages[0].save(held, "TIFF", save_all=True, append_images=pages[1:], compression="tiff_deflate")
    return held.getvalue()


def test_a_document_is_read_in_the_page(browser: Browser, tmp_path: Path) -> None:
    server = Server(Workspace.init(tmp_path / "ws"))
    try:
        page = opened(browser, server, "read")
        name = "<img src=x onerror=\"document.title='owned'\">.png"
        evil = {"name": name, "mimeType": "image/png", "buffer": drawn_page()}
        page.locator("#file").set_input_files([{"name": "no.png", "mimeType": "image/png", "buffer": b"no"}])
        expect(page.locator("#note")).to_contain_text("no: is no image or PDF")
        page.locator("#file").set_input_files([evil])  # type: ignore[list-item]
        expect(page.locator("#read-lines li")).to_have_count(2, timeout=90_000)
        expect(page.locator("#read-lines")).to_contain_text("rain")
        expect(page.locator("#read-page polygon")).to_have_count(2)
        assert page.title() == "emendo"
        letter = {"name": "letter.tif", "mimeType": "image/tiff", "buffer": two_pages()}
        page.locator("#file").set_input_files([letter])  # type: ignore[list-item]
        expect(page.locator("#read-lines li")).to_have_count(len(LETTER), timeout=90_000)
        page.locator("#over").check()
        expect(page.locator("#read-page text").first).to_be_visible()
        page.locator("#read-lines li").first.focus()
        page.keyboard.press("ArrowDown")
        expect(page.locator("#read-page polygon").nth(1)).to_have_class("chosen")
        with page.expect_download() as saving:
            page.locator("#get-text").click()
        assert "rain" in saving.value.path().read_text().lower()
        page.get_by_role("link", name="Next").press("Enter")
        expect(page.locator("#read-lines li")).to_have_count(1)
        page.get_by_role("link", name="Before").press("Enter")
        expect(page.locator("#read-lines li")).to_have_count(len(LETTER))
        screenshots(browser, f"{server.address}#{page.url.partition('#')[2]}", "read", "#read-lines li", tmp_path)
        page.get_by_role("button", name="Remove: letter.tif").press("Enter")
        expect(page.locator("#documents li")).to_have_count(1)
        expect(page.locator("#result")).to_be_hidden()
        page.context.close()
    finally:
        server.kill()


def test_what_a_line_costs_is_counted_and_shown(page: Page, server: Server) -> None:
    page.keyboard.press("End")
    page.keyboard.type("AB")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    settled(page)
    with server.workspace.store() as store:
        (day,) = spent(store)
    # End, A, B, Enter (Shift counts for none); then Enter alone
    assert (day.author, day.lines, day.keys, day.characters) == ("ann", 2, 5, 33)
    assert 0 < day.seconds < 60 and (day.accepted, day.edited) == (1, 1)
    page.evaluate("location.hash = '#effort'")
    expect(page.locator("#plots svg")).to_be_visible()
    row = page.locator("table").first.locator("tbody tr").first
    expect(row).to_contain_text("ann")
    expect(row).to_contain_text("50 %")
    expect(row).to_contain_text("152")


def read_badly(text: str, every: int) -> str:
    """The text with every so many characters read wrong."""
    return "".join("o" if at % every == every - 1 and char != " " else char for at, char in enumerate(text))


def judged_run(workspace: Workspace) -> None:
    """A finished run whose new model reads the drawn lines better than the old one, but for one line."""
    run = workspace.runs / RUN
    begin_curve(run, 0)
    for step in range(1, 241):
        add_to_curve(
            run, step=step, total=240, loss=2.4 / (1 + 0.03 * step) + 0.15 * ((step * 7) % 5) / (1 + step / 40)
        )
        if step % 40 == 0:
            add_to_curve(run, step=step, cer=0.24 / (1 + step / 60))
    bundle = write_colour_bundle(run / "bundle", name="notes-12", dataset={"usable": 212})
    report = {"model": bundle.id, "lines": 212, "seconds": 310.0, "cer_before": 0.24, "cer_after": 0.048}
    (run / "report.json").write_text(json.dumps({**report, "judged_on": "validation lines"}))
    with workspace.store() as store:
        truths = {line.id: reading.text for line, reading in store.queue()}
        store.add_event(
            DONE, {"dataset": "0123", "run": RUN, "promoted": False, "reason": "it may be put in use", "mark": 9}
        )
    sides = []
    for name, every in (("embedded", 5), ("notes-12", 17)):
        lines = [
            Line(id=key, reference=text, hypothesis=read, confidence=0.9, counts=counts(text, read), group=key)
            for at, (key, text) in enumerate(truths.items())
            for read in [read_badly(text, 3 if every == 17 and at == 4 else every)]
        ]
        sides.append(Report(f"{name}@{bundle.id}", "corrections", "0123", "test", tuple(lines)))
    seen = Comparison(*sides)
    findings = [Finding("bundle", True, "the bundle is complete and unaltered"), *decide(seen, [], GateSettings())]
    keep_judgement(run / JUDGEMENT, Decision(sides[1].model, sides[0].model, tuple(findings), (seen,)))


def spent_days(workspace: Workspace) -> None:
    """What two people spent on five days."""
    with workspace.store() as store:
        for at, line in enumerate(store.lines()[:10]):
            author, day = ("ann", "bob")[at % 2], at // 2
            said = Entry(line=line.id, reading="x", text="a text " * 6, verdict=Verdict.EDITED, author=author)
            with store.transaction() as transaction:
                correction = transaction.add_corrections([said])[0][0]
                moved = replace(correction, at=datetime(2026, 11, 23 + day, 9, tzinfo=UTC))
                add_effort(transaction.connection, moved, Effort(13 - 2 * day + at % 2, 24.0 - 3 * day + 4 * (at % 2)))


def test_screenshots(browser: Browser, drawn_workspace: Workspace, tmp_path: Path) -> None:
    judged_run(drawn_workspace)
    spent_days(drawn_workspace)
    server = Server(drawn_workspace)
    try:
        screenshots(browser, f"{server.address}#models", "models", "#curve svg", tmp_path)
        screenshots(browser, f"{server.address}#models/{RUN}", "compare", "#judged article", tmp_path)
        screenshots(browser, f"{server.address}#effort", "effort", "#plots svg", tmp_path)
    finally:
        server.kill()
