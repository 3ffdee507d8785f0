"""The database: versions of corrections, latest wins, durable settings, migrations, and its faults as sentences."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect

from emendo.errors import EngineError, UsageError, WorkspaceError
from emendo.types import Character, Reading, Verdict
from emendo.workspace import Workspace, database
from emendo.workspace.migrations import MIGRATIONS, VERSION
from emendo.workspace.schema import metadata
from emendo.workspace.store import Entry, Line, Stale, Store


def line(number: int, document: str = "journal", page: int = 1) -> Line:
    return Line(
        id=f"{document}-{number}",
        document=document,
        number=number,
        text_line=number,
        page=page,
        image=f"{document}_lines/line_{number:03d}.png",
        sha256="0" * 64,
        polygon=((0.5, 1.0), (9.0, 1.0), (9.0, 4.0)),
        box=(0, 1, 9, 4),
        page_width=100,
        page_height=200,
    )


def entry(number: int, text: str | None, verdict: Verdict = Verdict.EDITED, **more: object) -> Entry:
    values = {"line": f"journal-{number}", "reading": "read", "author": "me", "source": "web"} | more
    return Entry(text=text, verdict=verdict, **values)  # type: ignore[arg-type]


@pytest.fixture
def store(empty_workspace: Workspace) -> Iterator[Store]:
    with empty_workspace.store() as opened:
        rows = [(line(n), Reading("read", 0.1 * n, (Character("r", 0.5, 0, 3),), "m@1")) for n in range(1, 6)]
        opened.put_document("journal", rows)
        yield opened


def test_lines_and_readings_come_back_as_they_went_in(store: Store) -> None:
    assert store.lines() == [line(n) for n in range(1, 6)]
    assert store.line("journal-2") == line(2)
    reading = store.readings(["journal-1", "unknown"])
    assert reading == {"journal-1": Reading("read", 0.1, (Character("r", 0.5, 0, 3),), "m@1")}


def test_a_document_that_is_read_again(store: Store) -> None:
    store.add_correction(entry(5, "right"))
    store.put_document("journal", [(line(n), Reading("anew", 0.9, (), "m@2")) for n in range(1, 4)])
    assert [one.number for one in store.lines()] == [1, 2, 3]
    assert len(store.lines(present=False)) == 5
    assert store.readings(["journal-1"])["journal-1"].text == "anew"
    store.put_document("journal", [(line(1), Reading("read", 0.1, (Character("r", 0.5, 0, 3),), "m@1"))])
    assert store.readings(["journal-1"])["journal-1"].model == "m@1", (
        "back to the older model: its reading is the latest"
    )
    assert [correction.line for correction in store.corrections()] == ["journal-5"], "nothing is lost"


def test_corrections_are_versions_and_the_same_is_not_new(store: Store) -> None:
    first, new = store.add_correction(entry(1, "right"))
    assert new and first.version == 1 and first.at.tzinfo is not None
    again, new = store.add_correction(entry(1, "right", author="somebody else"))
    assert not new and again == first
    second, new = store.add_correction(entry(1, None, Verdict.UNREADABLE))
    assert new and second.version == 2
    assert [c.text for c in store.history("journal-1")] == ["right", None]
    assert store.corrections() == [second]


def test_mark_and_count_since_a_run(store: Store) -> None:
    store.add_corrections([entry(1, "a"), entry(2, "read", Verdict.ACCEPTED)])
    mark = store.mark()
    store.add_event("train", {"mark": mark})
    store.add_corrections([entry(1, "b"), entry(3, "c")])
    assert (store.count_new(), store.count_new(mark), store.count_new(mark, verdict=Verdict.ACCEPTED)) == (2, 2, 0)
    assert [c.line for c in store.corrections(since=mark)] == ["journal-1", "journal-3"]
    assert store.events("train")[0].data == {"mark": mark}
    assert store.corrections(documents=["other"]) == []


def test_a_stale_save_shows_what_holds(store: Store) -> None:
    store.add_correction(entry(1, "theirs", author="Anna"))
    with pytest.raises(Stale, match=r"changed meanwhile by Anna \(version 1\)") as caught:
        store.add_correction(entry(1, "mine", expected=0))
    assert caught.value.current.text == "theirs"
    assert store.add_correction(entry(1, "mine", expected=1))[0].version == 2


def test_all_or_none(store: Store) -> None:
    with pytest.raises(WorkspaceError, match="unknown line"):
        store.add_corrections([entry(1, "right"), entry(99, "no such line")])
    assert store.corrections() == []


def test_queue_orders(store: Store) -> None:
    store.add_correction(entry(1, "done"))
    assert [one.number for one, _ in store.queue()] == [2, 3, 4, 5]
    store.put_document("journal", [(line(n), Reading("x", 1 - 0.1 * n, (), "m@2")) for n in range(1, 6)])
    assert [one.number for one, _ in store.queue("confidence", limit=2)] == [5, 4]
    with pytest.raises(UsageError, match="unknown order"):
        store.queue("random")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 3), st.sampled_from(["a", "b", "ü\u0301", None])), max_size=12))
def test_latest_version_is_the_last_that_differs(
    tmp_path_factory: pytest.TempPathFactory, says: list[tuple[int, str | None]]
) -> None:
    with Workspace.init(tmp_path_factory.mktemp("w")).store() as opened:
        opened.put_document("journal", [(line(n), None) for n in range(1, 4)])
        model: dict[int, list[str | None]] = {}
        for number, text in says:
            opened.add_correction(entry(number, text, Verdict.EDITED if text else Verdict.SKIPPED))
            if not model.get(number) or model[number][-1] != text:
                model.setdefault(number, []).append(text)
        for number, texts in model.items():
            history = opened.history(f"journal-{number}")
            assert [c.text for c in history] == texts
            assert [c.version for c in history] == list(range(1, len(texts) + 1))
        assert {c.line: c.text for c in opened.corrections()} == {f"journal-{n}": t[-1] for n, t in model.items()}


def test_threads_and_processes_write_at_once(empty_workspace: Workspace) -> None:
    workspace = empty_workspace
    code = (
        "import sys; from pathlib import Path; from emendo.types import Verdict\n"
        "from emendo.workspace import Workspace; from emendo.workspace.store import Entry\n"
        "with Workspace.open(Path(sys.argv[1])).store() as store:\n"
        "    for i in range(25):\n"
        "        store.add_correction(Entry(line='journal-1', reading='read', text=f'{sys.argv[2]} {i}',"
        " verdict=Verdict.EDITED, author='me'))"
    )
    with workspace.store() as opened:
        opened.put_document("journal", [(line(1), None)])
        children = [subprocess.Popen([sys.executable, "-c", code, str(workspace.root), name]) for name in "ab"]
        threads = [
            threading.Thread(target=lambda k=k: [opened.add_correction(entry(1, f"t{k} {i}")) for i in range(25)])
            for k in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [child.wait() for child in children] == [0, 0]
        assert [c.version for c in opened.history("journal-1")] == list(range(1, 101))


def test_sqlite_is_set_to_survive_a_power_cut(tmp_path: Path) -> None:
    with Workspace.init(tmp_path).store() as store, store.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_postgresql_without_its_driver_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(EngineError, match=r"the driver 'psycopg' is missing; pip install 'emendo\[postgres\]'"):
        Store.open("postgresql://localhost/emendo")


def test_one_file_at_rest(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    with workspace.store() as opened:
        opened.put_document("journal", [(line(1), None)])
    assert [path.name for path in workspace.hidden.glob("emendo.db*")] == ["emendo.db"]


def test_migrated_tables_are_those_of_the_schema(empty_workspace: Workspace) -> None:
    with empty_workspace.store() as store, store.database.read() as connection:
        inspector = inspect(connection)
        for table in metadata.tables.values():
            assert [c["name"] for c in inspector.get_columns(table.name)] == [c.name for c in table.columns]
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM schema_version").scalar() == len(MIGRATIONS) == VERSION


def test_newer_database_is_refused(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    workspace.store().close()
    with closing(sqlite3.connect(workspace.database)) as connection:
        connection.execute("INSERT INTO schema_version VALUES (99, 'from the future')")
        connection.commit()
    with pytest.raises(WorkspaceError, match=rf"version 99, this emendo knows up to {VERSION}; update emendo"):
        workspace.store()


def test_damaged_database_is_a_sentence_with_a_way_out(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    workspace.database.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(WorkspaceError, match=r"damaged .*; move it away and run `emendo collect`"):
        workspace.store()


def test_damage_in_the_middle_is_a_sentence(tmp_path: Path) -> None:
    workspace = Workspace.init(tmp_path)
    with workspace.store() as opened:
        opened.put_document("journal", [(line(n), Reading("x" * 200, 0.5)) for n in range(300)])
    content = bytearray(workspace.database.read_bytes())
    for at in range(4096, len(content), 64):
        content[at : at + 16] = b"\xff" * 16
    workspace.database.write_bytes(bytes(content))
    with pytest.raises(WorkspaceError, match="damaged"), workspace.store() as opened:
        opened.lines()
        opened.readings(f"journal-{n}" for n in range(300))


def test_locked_database_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    workspace = Workspace.init(tmp_path)
    workspace.store().close()
    with closing(sqlite3.connect(workspace.database, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(WorkspaceError, match="locked by another program; close it and try again"):
            workspace.store()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://host/db", "not supported"),
        ("no url", "cannot be understood"),
        ("nonsense://x", "cannot be understood|not supported"),
    ],
)
def test_database_urls_that_cannot_be(url: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Store.open(url)
