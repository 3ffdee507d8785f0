"""The plates of a folder: units by path, labels.txt beside the database, pre-labels that never count as labels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emendo.correct.dataset import samples
from emendo.errors import BadInput, UsageError, WorkspaceError
from emendo.formats.labels import SKIP, read_labels
from emendo.image.encode import jpeg_bytes
from emendo.label.crops import looks_like_crops, plate_workspace
from emendo.label.desk import Desk
from emendo.label.plates import PlateBook, plate_id
from emendo.types import Image, Reading, Verdict
from emendo.workspace.folder import Workspace
from emendo.workspace.store import Stale, UnknownLine

from ..drawn import small_workspace
from ..plates import TEXTS, draw_crops, plate

FIRST = "2026-11-20/CAM1_track1.jpg"


@dataclass
class Reader:
    """Says what it is told to."""

    text: str = "KTR4821"
    model: str = "spoken@1"
    asked: list[int] = field(default_factory=list)

    def read(self, images: Sequence[Image]) -> list[Reading]:
        self.asked.append(len(images))
        return [Reading(self.text, 0.9, (), "member") for _ in images]


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    draw_crops(tmp_path / "crops")
    return tmp_path / "crops"


@pytest.fixture
def opened(crops: Path) -> Iterator[Callable[[], tuple[Desk, PlateBook]]]:
    held: list[Desk] = []

    def opener() -> tuple[Desk, PlateBook]:
        workspace = plate_workspace(crops)
        assert workspace is not None
        held.append(Desk.open(workspace))
        book = PlateBook(workspace, held[-1].store, reader=Reader)
        book.refresh()
        return held[-1], book

    yield opener
    for desk in held:
        desk.close()


def labels(crops: Path) -> dict[str, str]:
    return read_labels(crops / "labels.txt")[0]


Opened = Callable[[], tuple[Desk, PlateBook]]


def test_a_folder_of_crops_becomes_a_workspace_of_plates(crops: Path, opened: Opened) -> None:
    desk, book = opened()
    plates = book.plates()
    assert [one.unit.document for one in plates] == ["2026-11-20"] * 4 + ["2026-11-21"] * 4
    assert plates[0].unit.attributes["camera"] == "CAM1" and plates[0].unit.attributes["track"] == "1"
    assert desk.progress().total == 0 and book.counts()["states"] == {"waiting": 8}
    assert book.refresh().new == 0 and [one.unit for one in book.plates()] == [one.unit for one in plates]


def test_each_save_stands_in_the_file_before_it_is_acknowledged(crops: Path, opened: Opened) -> None:
    desk, book = opened()
    first = plate_id(FIRST)
    desk.save(first, "ktr4821", Verdict.EDITED, expected=0, author="ann")
    assert labels(crops) == {FIRST: "KTR4821"}
    desk.save(first, None, Verdict.SKIPPED, expected=1, author="ann")
    assert labels(crops) == {FIRST: SKIP} and book.plate(first).state == "skipped"
    assert (crops / "labels.txt").read_text().count("\n") == 2
    with pytest.raises(Stale):
        desk.save(first, "OTHER1", Verdict.EDITED, expected=0, author="bob")
    with pytest.raises(UsageError, match="a plate holds no '-'"):
        desk.save(first, "KTR-48", Verdict.EDITED, expected=2, author="ann")
    assert labels(crops) == {FIRST: SKIP}


def test_a_file_that_cannot_be_written_undoes_the_save(crops: Path, opened: Opened) -> None:
    desk, book = opened()
    (crops / "labels.txt").mkdir()
    with pytest.raises(WorkspaceError, match="cannot be written"):
        desk.save(plate_id(FIRST), "KTR4821", Verdict.EDITED, expected=0, author="ann")
    assert book.plate(plate_id(FIRST)).verdict is None


def test_what_a_person_wrote_into_the_file_is_a_correction(crops: Path, opened: Opened) -> None:
    file = crops / "labels.txt"
    file.write_text(f"# my labels\n{FIRST}\tktr4821\nelsewhere/x.jpg\tABC\nno tab here\n", encoding="utf-8")
    desk, book = opened()
    first = book.plate(plate_id(FIRST))
    assert first.verdict is not None and (first.verdict.text, first.verdict.source) == ("KTR4821", "labels")
    desk.save(first.unit.id, "KTR4822", Verdict.EDITED, expected=1, author="ann")
    assert book.refresh().taken == 0 and book.plate(first.unit.id).verdict.text == "KTR4822"  # type: ignore[union-attr]
    kept = file.read_text(encoding="utf-8")
    assert kept.startswith("# my labels\n") and "no tab here\n" in kept and kept.endswith(f"{FIRST}\tKTR4822\n")
    file.write_text(kept + f"{FIRST}\tKTR4823", encoding="utf-8")
    seen = book.refresh()
    assert seen.taken == 1 and book.plate(first.unit.id).verdict.text == "KTR4823"  # type: ignore[union-attr]
    assert seen.unknown == ["elsewhere/x.jpg"] and ":4: the line has no tab" in seen.failures[0]
    desk.save(first.unit.id, "KTR4824", Verdict.EDITED, expected=3, author="ann")
    assert labels(crops)[FIRST] == "KTR4824"


def test_labels_that_the_file_lost_are_written_again(crops: Path, opened: Opened) -> None:
    desk, book = opened()
    for number, path in enumerate([FIRST, "2026-11-20/CAM1_track3.jpg"]):
        desk.save(plate_id(path), TEXTS[number], Verdict.EDITED, expected=0, author="ann")
    before = labels(crops)
    (crops / "labels.txt").write_text(f"{FIRST}\tHAND1\n", encoding="utf-8")
    seen = book.refresh()
    assert (seen.taken, seen.written) == (1, 1)
    assert labels(crops) == {**before, FIRST: "HAND1"}


def test_a_label_that_the_crash_left_in_the_file_alone_is_taken_in(crops: Path, opened: Opened) -> None:
    desk, book = opened()
    desk.save(plate_id(FIRST), "OLD1", Verdict.EDITED, expected=0, author="ann")
    with (crops / "labels.txt").open("a", encoding="utf-8") as stream:
        stream.write(f"{FIRST}\tNEW1\n{FIRST}\tTO")  # the second is torn
    assert book.refresh().taken == 1
    assert labels(crops)[FIRST] == "TO"
    (crops / "labels.txt").write_text(f"{FIRST}\tOLD1\n{FIRST}\tNEW1\n", encoding="utf-8")
    book.refresh()
    assert book.plate(plate_id(FIRST)).verdict.text == "NEW1"  # type: ignore[union-attr]


def test_a_save_while_the_file_is_read_is_not_undone(
    crops: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, book = opened()
    first = plate_id(FIRST)
    desk.save(first, "OLD1", Verdict.EDITED, expected=0, author="ann")

    def slowly(*given: Any) -> Any:
        found = read_labels(*given)
        desk.save(first, "NEW1", Verdict.EDITED, expected=1, author="bob")
        return found

    with monkeypatch.context() as patched:
        patched.setattr("emendo.label.plates.read_labels", slowly)
        assert book.refresh().taken == 0
    assert book.refresh().taken == 0
    verdict = book.plate(first).verdict
    assert verdict is not None and verdict.text == "NEW1" and labels(crops)[FIRST] == "NEW1"


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["A1", "B2", SKIP]), st.booleans()), max_size=12))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_file_and_database_agree_whoever_writes(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, str, bool]]
) -> None:
    crops = tmp_path_factory.mktemp("crops")
    paths = draw_crops(crops, TEXTS[:3])
    workspace = plate_workspace(crops)
    assert workspace is not None
    desk = Desk.open(workspace)
    book = PlateBook(workspace, desk.store)
    book.refresh()
    last: dict[str, str] = {}
    for at, text, by_hand in steps:
        name = paths[at].relative_to(crops).as_posix()
        held = book.plate(plate_id(name)).verdict
        if by_hand:
            with (crops / "labels.txt").open("a", encoding="utf-8") as stream:
                stream.write(f"{name}\t{text}\n")
            book.refresh()
        else:
            verdict = Verdict.SKIPPED if text == SKIP else Verdict.EDITED
            version = held.version if held else 0
            desk.save(plate_id(name), None if text == SKIP else text, verdict, expected=version, author="ann")
        last[name] = text
    book.refresh()
    found = {one.unit.image: one.verdict.text or SKIP for one in book.plates() if one.verdict}
    desk.close()
    assert found == last == (labels(crops) if last else {})


def test_a_pre_label_is_shown_and_is_no_label(crops: Path, opened: Opened) -> None:
    desk, book = opened()
    desk.save(plate_id(FIRST), "HAND1", Verdict.EDITED, expected=0, author="ann")
    assert book.prelabel([one.unit.id for one in book.plates()]) == 7
    assert book.prelabel([one.unit.id for one in book.plates()]) == 0
    second = book.plates()[1]
    assert (second.state, second.to_dict()["text"], second.verdict) == ("pre-labelled", "KTR4821", None)
    assert book.plate(plate_id(FIRST)).to_dict()["text"] == "HAND1"
    assert labels(crops) == {FIRST: "HAND1"}
    assert book.counts()["states"] == {"labelled": 1, "pre-labelled": 7}
    accepted = desk.save(second.unit.id, "KTR4821", Verdict.EDITED, expected=0, author="ann")
    assert accepted.verdict is Verdict.ACCEPTED


def test_a_better_picture_keeps_the_label_and_brings_back_what_was_skipped(crops: Path, opened: Opened) -> None:
    desk, book = opened()
    book.prelabel([one.unit.id for one in book.plates()])
    first, second = (one.unit.id for one in book.plates()[:2])
    desk.save(first, "KTR4821", Verdict.EDITED, expected=0, author="ann")
    desk.save(second, None, Verdict.SKIPPED, expected=0, author="ann")
    assert second not in book.queue("waiting", fresh=True)
    for one in book.plates()[:2]:
        path = crops / one.unit.image
        path.write_bytes(jpeg_bytes(plate("KTR4821", 5, size=(400, 200))))
    assert book.refresh().replaced == 2
    assert book.plate(first).state == "labelled" and book.plate(second).state == "waiting"
    assert second in book.queue("waiting", fresh=True) and first in book.queue("review", fresh=True)
    assert book.prelabel([first, second]) == 1 and book.plate(second).reading.text == "KTR4821"  # type: ignore[union-attr]


def test_pictures_that_are_gone_or_damaged_are_told(crops: Path, opened: Opened) -> None:
    _, book = opened()
    (crops / FIRST).unlink()
    (crops / "2026-11-20" / "CAM1_track3.jpg").write_bytes(b"no picture")
    seen = book.refresh()
    assert (seen.gone, seen.plates, len(seen.failures)) == (2, 6, 1) and "CAM1_track3.jpg" in seen.failures[0]
    with pytest.raises(UnknownLine):
        book.plate("none")
    with pytest.raises(UsageError, match="unknown queue 'best'"):
        book.queue("best")
    left = book.plates()[0].unit
    (crops / left.image).replace(crops.parent / "moved.jpg")
    with pytest.raises(BadInput, match="not there any more"):
        book.picture(left.id)


def test_the_least_sure_pre_label_comes_first(crops: Path, opened: Opened) -> None:
    _, book = opened()
    ids = [one.unit.id for one in book.plates()]
    with book.store.transaction() as transaction:
        transaction.add_readings({one: Reading("A1", 0.9 - 0.1 * at, (), "m") for at, one in enumerate(ids[:4])})
    assert book.queue("unsure", fresh=True) == [*ids[3::-1], *ids[4:]]


def test_which_folders_hold_crops(tmp_path: Path, crops: Path) -> None:
    assert looks_like_crops(crops)
    notes = small_workspace(tmp_path / "notes")
    assert plate_workspace(notes.root) is None
    pages = tmp_path / "pages"
    pages.mkdir()
    (pages / "scan.jpg").write_bytes(jpeg_bytes(plate("PAGE1", size=(1200, 1600))))
    assert plate_workspace(pages) is None and not (pages / ".emendo").exists()
    assert plate_workspace(tmp_path / "none") is None
    (pages / "labels.txt").write_text("scan.jpg\tABC\n", encoding="utf-8")
    assert looks_like_crops(pages)
    with pytest.raises(UsageError, match="is not a folder"):
        plate_workspace(tmp_path / "none", plates=True)


def test_plates_in_a_workspace_of_notes_leave_the_notes_alone(tmp_path: Path) -> None:
    notes = small_workspace(tmp_path / "notes")
    draw_crops(notes.root / "notes", TEXTS[:2])  # a folder called as the document of the lines
    assert plate_workspace(notes.root / "notes", plates=True) == notes
    desk = Desk.open(Workspace.open(notes.root))
    book = PlateBook(notes, desk.store)
    assert book.refresh().plates == 2
    assert desk.progress().total == 12 and len(desk.order("document")) == 12
    desk.save(book.plates()[0].unit.id, "AB1", Verdict.EDITED, expected=0, author="ann")
    assert labels(notes.root / "notes") == {FIRST: "AB1"}
    assert plate_workspace(notes.root) == notes
    with pytest.raises(UsageError, match="its workspace holds its plates in"):
        plate_workspace(notes.root / "notes_lines", plates=True)
    desk.close()


def test_the_rules_of_plates_are_settings(crops: Path, opened: Opened) -> None:
    (crops / "emendo.toml").write_text('[plates]\nalphabet = "ABC123Ä"\npattern = "[ABC]+[0-9Ä]*"\n', encoding="utf-8")
    desk, _ = opened()
    first = plate_id(FIRST)
    assert desk.save(first, "ab1ä", Verdict.EDITED, expected=0, author="ann").text == "AB1Ä"
    with pytest.raises(UsageError, match="a plate holds no 'Z'"):
        desk.save(first, "Z1", Verdict.EDITED, expected=1, author="ann")
    with pytest.raises(UsageError, match="does not match the pattern"):
        desk.save(first, "1AB", Verdict.EDITED, expected=1, author="ann")


def test_labelled_plates_are_samples_and_one_plate_is_never_split(crops: Path, opened: Opened) -> None:
    desk, book = opened()
    for one, text in zip(book.plates(), ("KTR4O21", "KTR4021", "XYZ1"), strict=False):
        desk.save(one.unit.id, text, Verdict.EDITED, expected=0, author="ann")
    desk.save(book.plates()[3].unit.id, None, Verdict.SKIPPED, expected=0, author="ann")
    found = list(samples(desk.workspace, desk.store))
    assert sorted((one.text, one.group) for one in found) == [
        ("KTR4021", "plate KTR4021"),
        ("KTR4O21", "plate KTR4021"),
        ("XYZ1", "plate XYZ1"),
    ]
