"""The desk: orders, cards, verdicts; nothing lost, nothing overwritten unseen."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from emendo.errors import BadInput, UsageError, WorkspaceError
from emendo.label.desk import Desk
from emendo.label.queues import ORDERS
from emendo.types import Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Stale


@pytest.fixture
def desk(drawn_workspace: Workspace) -> Iterator[Desk]:
    opened = Desk.open(drawn_workspace)
    yield opened
    opened.close()


def line(number: int) -> str:
    return f"{number - 1:016x}"


def test_orders_hold_the_lines_that_wait_and_done_those_that_do_not(desk: Desk) -> None:
    assert desk.order("document") == [line(n) for n in range(1, 13)]
    assert desk.order("confidence") == [line(n) for n in range(12, 0, -1)]
    assert sorted(desk.order("instructive")) == desk.order("document")
    assert desk.order("done") == []
    desk.save(line(3), "corrected", Verdict.EDITED, expected=0, author="ann")
    desk.save(line(1), None, Verdict.SKIPPED, expected=0, author="ann")
    assert desk.order("document") == [line(n) for n in range(1, 13)]
    assert desk.order("document", fresh=True) == [line(2), *(line(n) for n in range(4, 13))]
    assert desk.order("done", fresh=True) == [line(1), line(3)]
    assert (desk.progress().done, desk.progress().total) == (2, 12)
    with pytest.raises(UsageError, match="unknown order 'best'"):
        desk.order("best")
    assert set(ORDERS) == {"document", "confidence", "instructive", "done", "doubtful", "second"}


def test_a_card_shows_reading_place_and_what_holds(desk: Desk) -> None:
    card = desk.cards(desk.order("document")[1:2])[0]
    shown = card.to_dict()
    assert (shown["text"], shown["page"], shown["number"], shown["version"]) == ("over the hills 2", 1, 2, 0)
    assert shown["characters"][4] == [" ", 0.6] and len(shown["characters"]) == len(shown["text"])
    assert shown["polygon"][0] == [100, 120] and shown["page_size"] == [800, 600]
    desk.save(line(2), "over the mills 2", Verdict.EDITED, expected=0, author="ann")
    again = desk.card(line(2)).to_dict()
    assert (again["text"], again["reading"], again["version"], again["author"]) == (
        "over the mills 2",
        "over the hills 2",
        1,
        "ann",
    )
    assert again["characters"] == []


def test_what_is_saved_is_clean_and_judged_by_its_text(desk: Desk) -> None:
    same = desk.save(line(1), " the rain  fell 1\u200f", Verdict.EDITED, expected=0, author="ann")
    assert (same.verdict, same.text) == (Verdict.ACCEPTED, "the rain fell 1")
    other = desk.save(line(1), "the re\u0301in", Verdict.ACCEPTED, expected=1, author="ann")
    assert (other.verdict, other.text, other.version) == (Verdict.EDITED, "the réin", 2)
    with pytest.raises(UsageError, match="empty text"):
        desk.save(line(1), " \u200f ", Verdict.EDITED, expected=2, author="ann")
    assert [one.version for one in desk.history(line(1))] == [1, 2]
    with pytest.raises(WorkspaceError, match="unknown line"):
        desk.save("nothing", "x", Verdict.EDITED, expected=0, author="ann")


def test_a_save_on_an_older_version_changes_nothing_and_shows_what_holds(desk: Desk) -> None:
    desk.save(line(1), "first", Verdict.EDITED, expected=0, author="ann")
    with pytest.raises(Stale) as stale:
        desk.save(line(1), "second", Verdict.EDITED, expected=0, author="bob")
    assert (stale.value.current.text, stale.value.current.author) == ("first", "ann")
    assert [one.text for one in desk.history(line(1))] == ["first"]
    assert desk.save(line(1), "first", Verdict.EDITED, expected=0, author="bob").version == 1


def test_many_people_at_once_lose_nothing(desk: Desk) -> None:
    def person(name: int) -> int:
        accepted = 0
        for number in range(1, 13):
            try:
                desk.save(line(number), f"text of {name}", Verdict.EDITED, expected=0, author=str(name))
            except Stale:
                continue
            accepted += 1
        return accepted

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(person, range(6))) == 12
    assert all(len(desk.history(line(number))) == 1 for number in range(1, 13))


def test_pictures_of_line_and_page(desk: Desk) -> None:
    assert desk.pictures.crop(line(1)).name == "line_001.png"
    page = cv2.imdecode(np.frombuffer(desk.pictures.page("notes", 1), np.uint8), cv2.IMREAD_COLOR)
    assert page.shape == (600, 800, 3)
    with pytest.raises(BadInput, match="not there any more"):
        desk.pictures.page("other", 1)
    (desk.workspace.root.parent / "secret.png").write_bytes((desk.workspace.root / "notes.png").read_bytes())
    with pytest.raises(BadInput):
        desk.pictures.page("../secret", 1)
    (desk.workspace.root / "notes_lines" / "line_001.png").unlink()
    with pytest.raises(BadInput, match="not in the workspace any more"):
        desk.pictures.crop(line(1))


def test_without_a_model_there_are_no_alternatives(desk: Desk) -> None:
    assert desk.alternatives(line(1)) == []
