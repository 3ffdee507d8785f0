"""Where a channel lies: at an address (HTTP, also that of a bucket) or in a folder; read piece by piece, within limits.

A server may be slow, silent, endless or lie about lengths: it costs a bounded time and no more bytes than were
declared. Proxies of the environment are used, redirects only within HTTP.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Protocol

from emendo import __version__
from emendo.errors import UsageError

from .faults import Fault, SyncError
from .pace import Pace, opener

PIECE: Final = 1 << 16
_NOT_THERE: Final = frozenset({403, 404, 410})
_PART: Final = 206
_RESTART: Final = 416


@dataclass(frozen=True, slots=True)
class Body:
    """A file on its way: its pieces from byte `start` on, `length` in all bytes when the server tells it, else -1."""

    pieces: Iterator[bytes]
    start: int
    length: int


class Source(Protocol):
    """A place with the files of a channel."""

    def open(self, name: str, start: int = 0) -> Body:
        """The file `name` from byte `start` on, from 0 where the place cannot do that. Raises SyncError."""
        ...


def open_source(url: str, *, stall: float, slowest: int, stop: Callable[[], bool] = lambda: False) -> Source:
    """The source at an address or in a folder.

    A server that sends fewer than `slowest` bytes a second for `stall` seconds is left; `stop` is asked between
    pieces. Raises UsageError for an address of another kind.
    """
    scheme = urllib.parse.urlsplit(url).scheme.lower()
    if scheme in {"http", "https"}:
        return HttpSource(url.rstrip("/") + "/", stall, slowest, stop)
    if scheme == "file":
        return FolderSource(Path(urllib.request.url2pathname(urllib.parse.urlsplit(url).path)), stop)
    if "://" in url or not url:
        raise UsageError(f"{url!r} is no address of a channel", remedy="give http://, https:// or a folder")
    return FolderSource(Path(url).expanduser(), stop)


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A channel in a folder: a mounted share, a memory card."""

    folder: Path
    stop: Callable[[], bool]

    def open(self, name: str, start: int = 0) -> Body:
        """See `Source.open`."""
        path = self.folder / name
        try:
            stream = path.open("rb")
            length = path.stat().st_size
            stream.seek(start)
        except FileNotFoundError as error:
            fault = Fault.MISSING if self.folder.is_dir() else Fault.OFFLINE
            raise SyncError(fault, "is not there", where=str(path)) from error
        except OSError as error:
            raise SyncError(Fault.OFFLINE, f"cannot be read ({error.strerror})", where=str(path)) from error
        return Body(self._pieces(stream), start, length)

    def _pieces(self, stream: IO[bytes]) -> Iterator[bytes]:
        with stream:
            while piece := stream.read(PIECE):
                _go_on(self.stop)
                yield piece


@dataclass(frozen=True, slots=True)
class HttpSource:
    """A channel on a server of plain files; `url` ends in a slash."""

    url: str
    stall: float
    slowest: int
    stop: Callable[[], bool]

    def open(self, name: str, start: int = 0) -> Body:
        """See `Source.open`."""
        where = self.url + urllib.parse.quote(name)
        headers = {"User-Agent": f"emendo/{__version__}", "Accept-Encoding": "identity", "Cache-Control": "no-cache"}
        if start:
            headers["Range"] = f"bytes={start}-"
        pace = Pace(self.stall, self.slowest)
        try:
            answer = opener(pace).open(urllib.request.Request(where, headers=headers), timeout=self.stall)
        except urllib.error.HTTPError as error:
            pace.end()
            error.close()
            if error.code == _RESTART and start:
                return self.open(name)
            fault = Fault.MISSING if error.code in _NOT_THERE else Fault.OFFLINE
            raise SyncError(fault, f"the server answers {error.code}", where=where) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unreachable(error, pace, where) from error
        begins = start if answer.status == _PART and _begins(answer) == start else 0
        if begins == 0 and answer.status == _PART:
            pace.end()
            answer.close()
            return self.open(name)
        told = answer.headers.get("Content-Length", "")
        length = begins + int(told) if told.isascii() and told.isdigit() else -1
        return Body(self._pieces(answer, pace, where), begins, length)

    def _pieces(self, answer: http.client.HTTPResponse, pace: Pace, where: str) -> Iterator[bytes]:
        try:
            with answer:
                while piece := answer.read1(PIECE):
                    pace.came += len(piece)
                    _go_on(self.stop)
                    yield piece
            if pace.late:
                raise TimeoutError
        except (OSError, http.client.HTTPException, ValueError) as error:
            if pace.late or isinstance(error, TimeoutError):
                raise SyncError(Fault.STALLED, f"{pace.came} bytes came, then too few", where=where) from error
            what = f"the connection broke off ({error or type(error).__name__})"
            raise SyncError(Fault.TRUNCATED, what, where=where) from error
        finally:
            pace.end()


def _begins(answer: http.client.HTTPResponse) -> int:
    """First byte of a part, from `Content-Range: bytes 5-9/10` (RFC 9110, 14.4)."""
    unit, _, rest = answer.headers.get("Content-Range", "").partition(" ")
    first = rest.partition("-")[0]
    return int(first) if unit == "bytes" and first.isascii() and first.isdigit() else -1


def _go_on(stop: Callable[[], bool]) -> None:
    if stop():
        raise SyncError(Fault.STOPPED, "this process was asked to end")


def _unreachable(error: Exception, pace: Pace, where: str) -> SyncError:
    pace.end()
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if pace.late or isinstance(cause, TimeoutError):
        return SyncError(Fault.STALLED, "the server does not answer", where=where)
    return SyncError(Fault.OFFLINE, f"cannot be reached ({cause})", where=where)
