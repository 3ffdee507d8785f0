"""Collecting: every convention, nothing twice, nothing lost, nothing guessed, every fault one sentence."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from emendo.correct import CollectResult, collect, corrected_set, missing_pictures, samples, uncorrected
from emendo.datasets.splits import save_state
from emendo.errors import Busy, DataError
from emendo.settings import CollectSettings, Settings, WatchSettings
from emendo.types import Origin, Sample, Split, Verdict
from emendo.workspace import Workspace
from emendo.workspace.store import Entry

from .notes import age, make_note

READ = [
    "le chat est sur 1a tabe",
    "il fat beau auiourd'hui",
    "nous partons à Paris demain",
    "voici une letire de ma mere",
    "qu arrive avec un peu de retad",
    "et je dois lui répondre ce soir",
]
TRUTH = [
    "le chat est sur la table",
    "il fait beau aujourd'hui",
    "nous partons à Paris demain",
    "voici une lettre de ma mère",
    "qui arrive avec un peu de retard",
    "et je dois lui répondre ce soir",
]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "notes")


def save(path: Path, text: str | bytes) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    age(path.parent)


def collected(workspace: Workspace, **settings: object) -> CollectResult:
    return collect(workspace, settings=Settings(author="me", **settings), wait=False)  # type: ignore[arg-type]


def held(workspace: Workspace) -> dict[str, str | None]:
    with workspace.store() as store:
        return {sample.attributes["reading"]: sample.text for sample in samples(workspace, store)}


def test_an_untouched_note_gives_nothing(workspace: Workspace) -> None:
    make_note(workspace.root, READ)
    result = collected(workspace)
    assert (result.new, result.failures, result.left_out) == (0, (), ())
    with workspace.store() as store:
        assert [line.text_line for line in store.lines()] == [1, 2, 3, 4, 5, 6]
        assert len(store.queue()) == 6


@pytest.mark.parametrize("name", ["journal.txt", "journal_corrected.txt", "journal.corrected.txt"])
def test_every_text_convention(workspace: Workspace, name: str) -> None:
    make_note(workspace.root, READ)
    save(workspace.root / name, "\n\n".join(TRUTH).replace("\n", "\r\n"))
    result = collected(workspace)
    assert (result.notes[0].edited, result.notes[0].accepted, result.new) == (4, 1, 5)
    assert held(workspace) == dict(list(zip(READ, TRUTH, strict=True))[:5])


def test_texts_beside_crops(workspace: Workspace) -> None:
    make_note(workspace.root, READ)
    save(workspace.root / "journal_lines" / "line_002.gt.txt", TRUTH[1] + "\n")
    save(workspace.root / "journal_lines" / "line_003.gt.txt", READ[2] + "\n")
    save(workspace.root / "journal_lines" / "line_004.gt.txt", "\n")
    save(workspace.root / "journal_lines" / "line_099.gt.txt", "whose?")
    result = collected(workspace)
    assert held(workspace) == {READ[1]: TRUTH[1], READ[2]: TRUTH[2]}
    assert (result.total_edited, result.total_accepted) == (1, 1)
    assert "line_099.gt.txt belongs to no line" in result.notes[0].notices[0]


def test_the_text_beside_a_crop_wins(workspace: Workspace) -> None:
    note = make_note(workspace.root, READ)
    save(note, "\n".join([*TRUTH[:5], READ[5]]))
    save(workspace.root / "journal_lines" / "line_001.gt.txt", "le chat est sur la tablette")
    collected(workspace)
    assert held(workspace)[READ[0]] == "le chat est sur la tablette"


def test_samples_trace_back(workspace: Workspace) -> None:
    note = make_note(workspace.root, READ, name="trips/journal", pages=[1, 1, 1, 2, 2, 2])
    save(note, "\n".join([*TRUTH[:3], "", "ma note à moi", *TRUTH[3:]]))
    collected(workspace)
    with workspace.store() as store:
        found: dict[int, Sample] = {sample.attributes["line"]: sample for sample in samples(workspace, store)}
        assert list(samples(workspace, store, without_authors=["me"])) == []
        assert list(samples(workspace, store, since=store.mark())) == []
    sample = found[4]
    assert (sample.text, sample.origin, sample.group) == (TRUTH[3], Origin.CORRECTED, "trips/journal#2")
    assert sample.source == "note:trips/journal.txt:6"
    assert sample.image == workspace.root / "trips/journal_lines/line_004.jpg"
    assert {key: sample.attributes[key] for key in ("document", "page", "reading", "version", "author")} == {
        "document": "trips/journal",
        "page": 2,
        "reading": READ[3],
        "version": 1,
        "author": "me",
    }
    assert found[3].origin is Origin.ACCEPTED
    assert 6 not in found, "after the last edit nobody may have looked"


def test_twice_is_once_and_only_changes_are_looked_at(workspace: Workspace) -> None:
    note = make_note(workspace.root, READ)
    make_note(workspace.root, ["une autre note", "avec deux lignes"], name="other")
    save(note, "\n".join(TRUTH))
    first = collected(workspace)
    again = collected(workspace)
    assert (first.new, again.new, again.unchanged, again.notes) == (5, 0, 2, ())
    assert (again.total_edited, again.total_accepted) == (4, 1)
    save(note, "\n".join([*TRUTH[:5], "et je dois lui répondre ce soir-ci"]))
    third = collected(workspace)
    assert (third.new, third.unchanged, len(third.notes)) == (1, 1, 1)
    os.utime(note)
    age(workspace.root)
    assert collected(workspace).new == 0


def test_a_later_edit_does_not_undo_the_web_page(workspace: Workspace) -> None:
    note = make_note(workspace.root, READ)
    save(note, "\n".join([*TRUTH[:2], *READ[2:]]))
    collected(workspace)
    with workspace.store() as store:
        line = store.lines()[0].id
        web = Entry(line=line, reading=READ[0], text="de la page", verdict=Verdict.EDITED, author="web", source="web")
        store.add_correction(web)
    save(note, "\n".join([*TRUTH[:4], *READ[4:]]))
    collected(workspace)
    assert held(workspace)[READ[0]] == "de la page"
    save(note, "\n".join(["le chat et sur la table", *TRUTH[1:4], *READ[4:]]))
    collected(workspace)
    assert held(workspace)[READ[0]] == "le chat et sur la table"


def test_taking_an_edit_back_accepts_the_reading(workspace: Workspace) -> None:
    note = make_note(workspace.root, READ)
    save(note, "\n".join(["le chat est sur 1a tabl", *TRUTH[1:]]))
    collected(workspace)
    save(note, "\n".join([READ[0], *TRUTH[1:]]))
    collected(workspace)
    with workspace.store() as store:
        assert [c.verdict for c in store.history(store.lines()[0].id)] == [Verdict.EDITED, Verdict.ACCEPTED]


def test_merged_and_inserted_lines_shift_nothing(workspace: Workspace) -> None:
    note = make_note(workspace.root, READ)
    save(note, f"{TRUTH[0]} {TRUTH[1]}\n{TRUTH[3]}\nÀ relire avec Jeanne\n{TRUTH[4]} {TRUTH[5]}\n")
    result = collected(workspace)
    assert held(workspace) == {READ[i]: TRUTH[i] for i in (0, 1, 3, 4)}
    assert result.notes[0].deleted + len(result.left_out) == 1


@pytest.mark.parametrize(("accept", "count"), [("none", 0), ("span", 2), ("page", 3), ("note", 5)])
def test_which_untouched_lines_count(workspace: Workspace, accept: str, count: int) -> None:
    reading = [f"une ligne de la page qui va bien {word}" for word in ["un", "deux", "trois", "quatre", "cinq", "six"]]
    note = make_note(workspace.root, reading, pages=[1, 1, 1, 1, 2, 2], confidence=0.6)
    save(note, "\n".join([*reading[:2], "une ligne corrigée de la page qui va trois", *reading[3:]]))
    result = collected(workspace, collect=CollectSettings(accept=accept))
    assert (result.total_edited, result.total_accepted) == (1, count)


def test_one_fixed_word_is_no_review_of_the_page(workspace: Workspace) -> None:
    reading = [f"ligne numero {i} comme elle fut lue" for i in range(20)]
    note = make_note(workspace.root, reading, confidence=0.1)
    save(note, "\n".join([*reading[:18], "ligne numéro 18 comme elle fut lue", reading[19]]))
    result = collected(workspace)
    assert (result.total_edited, result.total_accepted) == (1, 0)
    assert "18 untouched lines are not taken as right" in result.notes[0].notices[0]


def test_a_deleted_text_loses_nothing_and_the_rest_goes_on(workspace: Workspace) -> None:
    note = make_note(workspace.root, READ)
    other = make_note(workspace.root, READ, name="other")
    save(note, "\n".join(TRUTH))
    collected(workspace)
    save(note, "\n\n")
    save(other, "\n".join(TRUTH))
    result = collected(workspace)
    assert len(result.failures) == 1
    assert "has no lines left, the reading had 6; nothing was taken from it" in result.failures[0]
    with workspace.store() as store:
        assert len(store.corrections()) == 10
    assert collected(workspace).failures == result.failures, "it is said until it is mended"


def _latin_1(root: Path) -> None:
    save(root / "journal.txt", "été\n".encode("latin-1"))


def _pipe(root: Path) -> None:
    (root / "journal.txt").unlink()
    os.mkfifo(root / "journal.txt")


def _link(root: Path) -> None:
    (root / "journal.txt").unlink()
    (root / "journal.txt").symlink_to("/etc/passwd")


def _huge(root: Path) -> None:
    with (root / "journal.txt").open("wb") as stream:
        stream.truncate(1 << 30)
    age(root)


def _manifest(change: str) -> Callable[[Path], None]:
    def damage(root: Path) -> None:
        path = root / "journal_lines" / "lines.jsonl"
        rows = path.read_text().splitlines()
        if change == "cut":
            rows[3] = rows[3][:40]
        elif change == "empty":
            rows = []
        elif change == "list":
            rows[3] = "[]"
        else:
            row = json.loads(rows[3])
            key, _, value = change.partition("=")
            if value:
                row[key] = json.loads(value)
            else:
                del row[key]
            rows[3] = json.dumps(row)
        save(path, "".join(f"{row}\n" for row in rows))
        age(root)

    return damage


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_latin_1, r"journal\.txt:1: is not UTF-8"),
        (_pipe, "is a special file"),
        (_link, "is a link"),
        (_huge, "1,073,741,824 bytes, more than"),
        (_manifest("cut"), r"lines\.jsonl:4: is damaged"),
        (_manifest("empty"), "holds no lines"),
        (_manifest("list"), r"lines\.jsonl:4: is damaged"),
        (_manifest("text_line"), r"lines\.jsonl:4: lacks 'text_line'"),
        (_manifest('image="../../secret.png"'), r"lines\.jsonl:4: is damaged .*no plain file name"),
        (_manifest('page="x"'), r"lines\.jsonl:4: is damaged"),
        (_manifest("box=[1,2]"), r"lines\.jsonl:4: is damaged"),
    ],
)
def test_bad_input_is_one_sentence_and_the_rest_goes_on(
    workspace: Workspace, damage: Callable[[Path], None], sentence: str
) -> None:
    make_note(workspace.root, READ)
    save(make_note(workspace.root, READ, name="other"), "\n".join(TRUTH))
    damage(workspace.root)
    result = collected(workspace)
    assert len(result.failures) == 1
    assert re.search(sentence, result.failures[0])
    assert "\n" not in result.failures[0]
    assert result.total_edited == 4


def test_missing_and_altered_pictures_are_left_out(workspace: Workspace) -> None:
    note = make_note(workspace.root, READ)
    save(note, "\n".join(TRUTH))
    (workspace.root / "journal_lines" / "line_001.jpg").unlink()
    (workspace.root / "journal_lines" / "line_002.jpg").write_bytes(b"another picture")
    age(workspace.root)
    result = collected(workspace)
    assert [(line.text_line, line.reason) for line in result.left_out] == [
        (1, "its picture line_001.jpg is missing"),
        (2, "its picture line_002.jpg is not the one that was read"),
    ]
    assert READ[0] not in held(workspace) and READ[1] not in held(workspace)


def test_a_note_that_was_moved_away(workspace: Workspace) -> None:
    save(make_note(workspace.root, READ), "\n".join(TRUTH))
    collected(workspace)
    shutil.rmtree(workspace.root / "journal_lines")
    assert collected(workspace).failures == ()
    with workspace.store() as store:
        assert list(samples(workspace, store)) == []
        assert len(missing_pictures(workspace, store)) == 5


def test_a_renamed_note_keeps_its_corrections(workspace: Workspace) -> None:
    save(make_note(workspace.root, READ), "\n".join(TRUTH))
    collected(workspace)
    for path in list(workspace.root.glob("journal*")):
        path.rename(path.with_name(path.name.replace("journal", "diary")))
    assert collected(workspace).new == 0
    with workspace.store() as store:
        assert {sample.group for sample in samples(workspace, store)} == {"diary#1"}


def test_a_fresh_file_is_waited_for(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    note = make_note(workspace.root, READ)
    note.write_text("\n".join(TRUTH))
    settings = Settings(author="me", watch=WatchSettings(settle_seconds=600))
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    assert collect(workspace, settings=settings, wait=False).waiting == ("journal",)
    assert waits == []
    assert collect(workspace, settings=settings).waiting == ("journal",), "it is still arriving after the wait"
    monkeypatch.setattr("time.sleep", lambda _: age(workspace.root))
    result = collect(workspace, settings=settings)
    assert (result.waiting, result.new) == ((), 5)
    assert waits == [600]


@pytest.mark.parametrize(
    "name",
    [
        "journal (Anna's conflicted copy 2026-11-20).txt",
        "journal (conflicted copy 2026-11-20 101500).txt",
        "journal.sync-conflict-20261120-101500-ABCDEFG.txt",
        "journal_conflict-20261120-101500.txt",
        "journal.Conflict.txt",
        "journal-DESKTOP-4Q2K7AB.txt",
    ],
)
def test_conflict_copies_are_named_and_not_used(workspace: Workspace, name: str) -> None:
    make_note(workspace.root, READ)
    save(workspace.root / name, "\n".join(TRUTH))
    result = collected(workspace)
    assert result.new == 0
    assert result.conflicts == (f"{name} is a conflict copy of journal.txt: not used; merge it by hand and remove it",)


def test_files_of_the_note_are_never_written(workspace: Workspace) -> None:
    save(make_note(workspace.root, READ), "\n".join(TRUTH))
    before = {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in workspace.root.glob("journal*") if path.is_file()
    }
    collected(workspace)
    assert {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in before} == before
    assert {path.name for path in workspace.root.iterdir()} == {
        *(path.name for path in before),
        "journal_lines",
        ".emendo",
    }


def test_only_one_collects(workspace: Workspace) -> None:
    make_note(workspace.root, READ)
    with workspace.lock("collect"), pytest.raises(Busy, match="another emendo is at `collect`"):
        collected(workspace)


def test_the_same_picture_twice(workspace: Workspace) -> None:
    crops = [f"crop {i}".encode() for i in range(5)] + [b"crop 0"]
    note = make_note(workspace.root, [*READ[:5], READ[0]], crops=crops)
    save(note, "\n".join([*TRUTH[:5], "le chat dort sur la table"]))
    result = collected(workspace)
    assert len(held(workspace)) == 5
    assert "its image is the same as that of an earlier line" in str(result.left_out[0])


def test_result_for_people_and_programs(workspace: Workspace) -> None:
    save(make_note(workspace.root, READ), "\n".join(TRUTH))
    result = collected(workspace)
    assert json.loads(json.dumps(result.summary()))["corrected"] == 4
    assert result.sentences()[-1] == "in all 1 line right as read and 4 corrected (20 : 80)"


def test_the_corrections_of_a_workspace_are_a_data_set(workspace: Workspace) -> None:
    with pytest.raises(DataError, match="holds no corrections yet; correct a text"):
        corrected_set(workspace)
    save(make_note(workspace.root, READ), "\n".join(TRUTH))
    collected(workspace)
    found = corrected_set(workspace)
    assert sorted(sample.text or "" for sample in found.samples) == sorted(set(held(workspace).values()))  # type: ignore[type-var]
    assert found.path.parent == workspace.datasets
    assert corrected_set(workspace).hash == found.hash


def test_what_nobody_has_corrected_is_there_to_be_read(workspace: Workspace) -> None:
    assert uncorrected(workspace) == []
    save(make_note(workspace.root, READ, pages=[1, 1, 1, 2, 2, 2]), "\n".join([*TRUTH[:3], "", *READ[3:]]))
    collected(workspace)
    others = uncorrected(workspace)
    assert [(one.group, one.image.name, one.text) for one in others] == [
        (f"journal#{page}", f"line_{number:03d}.jpg", None) for page, number in ((1, 3), (2, 4), (2, 5), (2, 6))
    ], "nobody may have looked behind the last edit"
    others[1].image.unlink()
    assert len(uncorrected(workspace)) == 3
    save_state(workspace.datasets, {"journal#2": Split.TEST})
    assert len(uncorrected(workspace)) == 1, "a model must not have seen the pages that judge it"
