"""Every error that emendo raises on purpose, as one tree.

    EmendoError                 exit status 2
    ├── UsageError              a flag, name or reference that cannot be
    ├── SettingsError           emendo.toml or an environment variable
    ├── BadInput                something outside is not what it should be
    │   ├── ImageError          an image that cannot or may not be decoded
    │   ├── DocumentError       a PDF or multi-page file
    │   ├── FormatError         manifest, label file, ALTO, PAGE
    │   └── BundleError         a model directory
    ├── DataError               data that is readable but does not suffice
    ├── WorkspaceError          the folder or database of a workspace
    │   └── Busy                another process does the same thing in this workspace
    ├── EngineError             an optional engine or extra that is missing or failed
    └── Refused                 exit status 1: the thing asked about is not so (check, gate)

Each message is one sentence a user can act on: where, what, and what to do.
"""

from __future__ import annotations

from pathlib import Path


class EmendoError(Exception):
    """Base of all errors raised on purpose.

    The message reads `where: what; remedy`, where `where` is a file with an optional line or page.
    """

    exit_status = 2

    def __init__(
        self, what: str, *, where: str | Path | None = None, line: int | None = None, remedy: str = ""
    ) -> None:
        self.what = what
        self.where = str(where) if where is not None else ""
        self.line = line
        self.remedy = remedy
        place = f"{self.where}:{line}" if self.where and line is not None else self.where
        super().__init__((f"{place}: " if place else "") + what + (f"; {remedy}" if remedy else ""))


class UsageError(EmendoError):
    """A flag, name or reference that cannot be."""


class SettingsError(EmendoError):
    """A setting that is unknown or out of range."""


class BadInput(EmendoError):
    """Something from outside is not what it should be."""


class ImageError(BadInput):
    """An image that cannot or may not be decoded."""


class DocumentError(BadInput):
    """A PDF or multi-page file that cannot or may not be opened."""


class FormatError(BadInput):
    """A manifest, label file or layout file that breaks its format."""


class BundleError(BadInput):
    """A model directory that is incomplete, altered or of another kind."""


class DataError(EmendoError):
    """Data that is readable but does not suffice for what was asked."""


class WorkspaceError(EmendoError):
    """The folder or database of a workspace that is missing, damaged, locked or of another version."""


class Busy(WorkspaceError):
    """Another process holds the lock that this one needs."""


class EngineError(EmendoError):
    """An optional engine or extra that is missing or failed."""


class Refused(EmendoError):
    """The thing asked about is not so: a check that found faults, a gate that stays shut."""

    exit_status = 1
