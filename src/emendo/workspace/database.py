"""Opening a database: SQLite that survives a power cut, or PostgreSQL, and their faults as sentences."""

from __future__ import annotations

import time
from asyncio import sleep, wrap_future
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError, OperationalError, SQLAlchemyError

from ..errors import Busy, EmendoError, EngineError, UsageError, WorkspaceError
from .schema import metadata
from .together import Together

T = TypeVar("T")

BUSY_SECONDS = 10.0
"""How long a write waits for another process's write to end."""

WRITE = "emendo_write"

POOL = 20
"""Most connections to a database."""
PAUSES = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Seconds before work that collided with other work is tried again."""
COLLISIONS = frozenset({"40001", "40P01", "23505"})
"""SQLSTATE of a serialisation failure, a deadlock, and a key that somebody else wrote at the same moment."""


class Collided(WorkspaceError):
    """Two transactions that could not both be; this one was undone and may be tried again."""


def sqlite_url(path: Path) -> str:
    """The URL of a SQLite file."""
    return f"sqlite:///{path.resolve()}"


class Database:
    """An engine with the transactions that the store uses."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
            if parsed.get_backend_name() not in ("sqlite", "postgresql"):
                raise UsageError(
                    f"database {parsed.get_backend_name()!r} is not supported", remedy="use sqlite or postgresql"
                )
            if parsed.drivername == "postgresql":
                parsed = parsed.set(drivername="postgresql+psycopg")
            self.engine: Engine = create_engine(parsed, **_options(parsed.get_backend_name()))
        except (ArgumentError, NoSuchModuleError) as error:
            raise UsageError(f"database URL cannot be understood ({error})") from error
        except ModuleNotFoundError as error:
            raise EngineError(
                f"the driver {error.name!r} is missing", remedy="pip install 'emendo[postgres]'"
            ) from error
        self._turn: AbstractContextManager[Any] = Lock() if self.is_sqlite else nullcontext()
        self.where = parsed.database or url if self.is_sqlite else parsed.render_as_string(hide_password=True)
        self._together = Together(self.write)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is a SQLite file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view; nothing is written."""
        with self._sentences(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, on the disk when the block ends; it takes the write lock at once (no deadlock later).

        Threads write in turn: SQLite would let them try again and again until one is lucky.
        """
        connect = self.engine.connect
        with (
            self._sentences(),
            self._turn,
            connect().execution_options(**{WRITE: True}) as connection,
            connection.begin(),
        ):
            yield connection

    def begin(self, work: Callable[[Connection], T]) -> Future[T]:
        """What `work` will return, when all that it wrote is on the disk, or raise, and then nothing is.

        What many begin at the same time shares a transaction (see `together`).
        """
        return self._together.begin(work)

    def work(self, work: Callable[[Connection], T]) -> T:
        """The same, waited for; work that collided with that of another process is done again."""
        for pause in PAUSES:
            try:
                with self._sentences():
                    return self.begin(work).result()
            except Collided:
                time.sleep(pause)
        with self._sentences():
            return self.begin(work).result()

    async def soon(self, work: Callable[[Connection], T]) -> T:
        """The same for a coroutine, which needs no thread while it waits."""
        for pause in PAUSES:
            try:
                with self._sentences():
                    return await wrap_future(self.begin(work))
            except Collided:
                await sleep(pause)
        with self._sentences():
            return await wrap_future(self.begin(work))

    def scrub(self) -> None:
        """Make that what was deleted can be read in no file of the database any more.

        SQLite: the file is written anew and its log emptied. PostgreSQL: the tables are written anew; its own log and
        every backup hold the rows until they are recycled. Raises Busy when another program holds the database.
        """
        with self._sentences(), self._turn:
            raw = self.engine.raw_connection()
            try:
                if self.is_sqlite:
                    _scrub_sqlite(raw.cursor(), self.where)
                else:
                    _scrub_postgresql(raw.driver_connection, self.engine.dialect.default_schema_name or "public")
            finally:
                raw.invalidate()  # its way of transactions was changed: nobody else uses it
                raw.close()

    def close(self) -> None:
        """Close all connections (SQLite then folds its log into the one file)."""
        self._together.close()
        self.engine.dispose()

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except EmendoError:
            raise
        except SQLAlchemyError as error:
            raise self._sentence(error) from error

    def _sentence(self, error: SQLAlchemyError) -> WorkspaceError:
        cause = getattr(error, "orig", None) or error
        name, state = getattr(cause, "sqlite_errorname", ""), getattr(cause, "sqlstate", None) or ""
        if state in COLLISIONS:
            return Collided("somebody else wrote the same at this moment", where=self.where, remedy="try again")
        if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
            what, remedy = "the database is locked by another program", "close it and try again; nothing was changed"
        elif name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
            what = f"the database is damaged ({cause})"
            remedy = (
                "move it away and run `emendo collect` to read the corrections from the notes again, "
                "or restore it from a backup"
            )
        elif name.startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_READONLY")):
            what, remedy = f"the database cannot be written or opened ({cause})", "check the disk and its permissions"
        elif not self.is_sqlite and isinstance(error, OperationalError):
            what, remedy = f"the database cannot be reached ({_first(cause)})", "see that it runs; nothing was changed"
        elif isinstance(error, DatabaseError):
            what, remedy = f"the database refused a command ({_first(cause)})", ""
        else:
            what, remedy = f"the database cannot be used ({error})", ""
        return WorkspaceError(what, where=self.where, remedy=remedy)


def insert_into(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insertion that can say what happens when the key is there already."""
    return inserting(connection.dialect.name, table)


def inserting(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    """The same for a database of this kind."""
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


def _options(backend: str) -> dict[str, Any]:
    # none beyond those that are kept: opening one costs more than what it would be used for
    kept = {"pool_size": POOL, "max_overflow": 0, "pool_use_lifo": True}
    if backend == "sqlite":
        return kept | {"connect_args": {"timeout": BUSY_SECONDS}}
    # connections are looked at before use: those to a server that was started anew are replaced
    return kept | {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}


def _first(cause: BaseException) -> str:
    """The first line of what a driver says."""
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]


def _configure_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we begin transactions ourselves
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
    cursor.execute(
        "PRAGMA journal_mode=WAL"
    )  # network shares without shared memory stay at the older journal: slower, as safe
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _scrub_sqlite(cursor: Any, where: str) -> None:
    cursor.execute("PRAGMA secure_delete=ON")
    for command in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
        row = cursor.execute(command).fetchone()
        if row is not None and row[0]:
            what = "another program reads the database, so its log cannot be emptied"
            raise Busy(what, where=where, remedy="stop it and give the same command again")
    cursor.close()


def _scrub_postgresql(connection: Any, schema: str) -> None:
    connection.autocommit = True
    for table in metadata.tables:
        connection.execute(f'VACUUM FULL "{schema}"."{table}"')


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
