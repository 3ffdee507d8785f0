"""Documents that come through the page: taken in with every check before anything is decoded, read one after the other.

A document is kept in the workspace under a safe name, as if the person had put it there, or only read: then it lies in
`.emendo/uploads` and goes when its owner removes it, when the server ends, or when newer ones push it out.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, BinaryIO

from ..correct import collect
from ..errors import BadInput, Busy, EmendoError, UsageError, WorkspaceError
from ..formats.layout import LayoutLine, LayoutRegion, PageLayout
from ..formats.page import page_bytes
from ..image.load import open_document, read_frame
from ..models.detector import Detector
from ..models.references import load_recognizer
from ..pages.note import NoteFiles, note_files
from ..pages.read import read_document
from ..release import current
from ..settings import Settings
from ..text.direction import right_to_left
from ..tools.counts import counted
from ..tools.files import PARTIAL, sha256_file, sync_folder
from ..types import Recognizer
from ..workspace.folder import Workspace
from .names import safe_name
from .pictures import jpeg

FOLDER = "uploads"
MOST_WAITING, MOST_KNOWN = 8, 40
"""Documents that may wait to be read, and those that are remembered."""
LEFT_OVER = 86_400.0
"""Age in seconds from which what an earlier server left behind is removed."""
SAME_NAMES = 1000


class State(StrEnum):
    """Where a document is."""

    WAITING = "waiting"
    READING = "reading"
    READ = "read"
    FAILED = "failed"


@dataclass
class Upload:
    """One document that came through the page. `notice` and `fault` are sentences for its owner."""

    id: str
    owner: str
    name: str
    path: Path
    kept: bool
    pages: int
    notice: str = ""
    state: State = State.WAITING
    done: int = 0
    expected: int = 0
    fault: str = ""
    text: str = ""
    rows: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    """What was read, by page from 1: the rows of `lines.jsonl`."""

    def to_dict(self) -> dict[str, Any]:
        """For the page."""
        plain = ("id", "name", "kept", "pages", "notice", "done", "expected", "fault")
        lines = sum(map(len, self.rows.values()))
        return {**{name: getattr(self, name) for name in plain}, "state": self.state.value, "lines": lines}

    def lines(self, page: int) -> list[dict[str, Any]]:
        """The lines of a page, for the page in the browser: outline in pixels of `size`.

        Raises BadInput when there is no such page.
        """
        if not 1 <= page <= self.pages:
            raise BadInput(f"has {counted(self.pages, 'page')}, page {page} was asked for", where=self.name)
        return [
            {
                "text": row["text"],
                "confidence": row["confidence"],
                "polygon": row["polygon"],
                "size": [row["page_width"], row["page_height"]],
                "direction": "rtl" if right_to_left(row["text"]) else "ltr",
            }
            for row in self.rows.get(page, [])
        ]

    def page_xml(self, page: int) -> bytes:
        """A page as PAGE 2019. Raises BadInput when nothing was read there."""
        rows = self.rows.get(page)
        if not rows:
            raise BadInput(f"no line was read on page {page}", where=self.name)
        regions: dict[int, list[LayoutLine]] = {}
        for row in rows:
            outline = tuple((float(x), float(y)) for x, y in row["polygon"])
            regions.setdefault(row["region"], []).append(LayoutLine(polygon=outline, text=row["text"]))
        blocks = tuple(LayoutRegion(lines=tuple(lines)) for lines in regions.values())
        size = {"width": rows[0]["page_width"], "height": rows[0]["page_height"]}
        return page_bytes(PageLayout(image=self.name, regions=blocks, **size), Path(self.name))


class Arriving:
    """A document on its way in: bytes are taken as they come, never more than may be."""

    def __init__(self, path: Path, stream: BinaryIO, most: int) -> None:
        self.path = path
        self._stream = stream
        self._left = self._most = most

    def take(self, chunk: bytes) -> None:
        """Keep the next bytes. Raises UsageError when they become too many, WorkspaceError when the disk is full."""
        self._left -= len(chunk)
        if self._left < 0:
            raise too_large(self._most)
        with _sentences(self.path.parent):
            self._stream.write(chunk)

    def finish(self) -> None:
        """All bytes are here."""
        with _sentences(self.path.parent):
            self._stream.flush()
            os.fsync(self._stream.fileno())


class Uploads:
    """The documents that came through the page since the server began; may be shared by threads."""

    def __init__(self, workspace: Workspace, read: Callable[[Upload], None] | None = None) -> None:
        self.workspace = workspace
        self.settings = workspace.settings()
        self._read = read or Reader(workspace).read
        self._known: dict[str, Upload] = {}
        self._waiting: SimpleQueue[Upload] = SimpleQueue()
        self._lock = Lock()
        self._worker: Thread | None = None
        self._clean()

    @property
    def folder(self) -> Path:
        """Where documents arrive, and where those lie that are only read."""
        return self.workspace.hidden / FOLDER

    @contextmanager
    def arriving(self, declared: int | None = None) -> Iterator[Arriving]:
        """Take a document in; what is not accepted within the block goes again.

        Raises UsageError when the declared number of bytes is too large already.
        """
        most = self.settings.limits.upload_bytes
        if declared is not None and declared > most:
            raise too_large(most)
        path = self.folder / f"{PARTIAL}{uuid.uuid4().hex}"
        try:
            with _sentences(self.folder):
                self.folder.mkdir(exist_ok=True)
                stream = path.open("xb")
            with stream:
                yield Arriving(path, stream, most)
        finally:
            path.unlink(missing_ok=True)

    def accept(self, arrived: Arriving, name: str, owner: str, *, keep: bool) -> Upload:
        """Check a document that has arrived and let it wait for its reading.

        Raises UsageError when it is none that can be read, Busy when too many wait, WorkspaceError on a full disk.
        """
        arrived.finish()
        key = uuid.uuid4().hex[:16]
        ending, pages = self._checked(arrived.path, safe_name(name, ""))
        safe = safe_name(name, ending)
        with self._lock, _sentences(self.workspace.root):
            waiting = sum(one.state in (State.WAITING, State.READING) for one in self._known.values())
            if waiting >= MOST_WAITING:
                raise Busy(f"{waiting} documents wait to be read already", remedy="send it when some are done")
            if keep:
                path, notice = _into(self.workspace.root, safe, arrived.path)
            else:
                path, notice = self.folder / key / safe, ""
                path.parent.mkdir()
                arrived.path.replace(path)
            upload = Upload(key, owner, path.name, path, keep, pages, notice)
            self._known[key] = upload
            self._forget_oldest()
            if self._worker is None:
                self._worker = Thread(target=self._work, name="uploads", daemon=True)
                self._worker.start()
        self._waiting.put(upload)
        return upload

    def of(self, owner: str) -> list[Upload]:
        """The documents of one person, the latest first."""
        with self._lock:
            return [one for one in reversed(self._known.values()) if one.owner == owner]

    def get(self, key: str, owner: str) -> Upload:
        """One document of a person. Raises BadInput when they have none by that name."""
        with self._lock:
            found = self._known.get(key)
        if found is None or found.owner != owner:
            raise BadInput("is no document of yours", where=key)
        return found

    def remove(self, key: str, owner: str) -> None:
        """Forget a document; one that was only read is deleted. Raises UsageError while it is read, BadInput."""
        found = self.get(key, owner)
        if found.state is State.READING:
            raise UsageError(f"{found.name} is being read", remedy="remove it when it is done")
        with self._lock:
            self._drop(found)

    def picture(self, upload: Upload, page: int) -> bytes:
        """A page as JPEG. Raises BadInput when it cannot be shown."""
        return jpeg(read_frame(upload.path, page - 1, self.settings.limits, dpi=self.settings.read.dpi))

    def close(self) -> None:
        """The server ends: what was only read goes."""
        with self._lock:
            for one in list(self._known.values()):
                self._drop(one)

    def _checked(self, path: Path, name: str) -> tuple[str, int]:
        """Ending and number of pages of a document, from its head alone."""
        try:
            with open_document(path, self.settings.limits) as document:
                return ENDINGS[document.kind], len(document)
        except BadInput as error:
            raise UsageError(error.what, where=name, remedy=error.remedy) from error

    def _work(self) -> None:
        while True:
            upload = self._waiting.get()
            if upload.id not in self._known:
                continue  # removed while it waited
            upload.state = State.READING
            try:
                self._read(upload)
            except EmendoError as error:
                upload.fault, upload.state = str(error), State.FAILED
            except Exception as error:  # one bad document must not end the reading of all later ones
                upload.fault, upload.state = f"{upload.name}: reading failed ({error!r})", State.FAILED
            else:
                upload.state = State.READ

    def _forget_oldest(self) -> None:
        over = [one for one in self._known.values() if one.state in (State.READ, State.FAILED)]
        for one in over[: max(0, len(self._known) - MOST_KNOWN)]:
            self._drop(one)

    def _drop(self, upload: Upload) -> None:
        self._known.pop(upload.id, None)
        if not upload.kept:
            shutil.rmtree(upload.path.parent, ignore_errors=True)

    def _clean(self) -> None:
        """Remove what a killed server left behind."""
        for path in self.folder.glob("*"):
            if time.time() - path.stat().st_mtime > LEFT_OVER:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


class Reader:
    """Reads documents with the model in use, which is opened again when another one was promoted."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._opened: tuple[str, Recognizer] | None = None
        self._detector: Detector | None = None

    def read(self, upload: Upload) -> None:
        """Read one document; its lines and text are then in `upload`. Raises what `read_document` raises."""
        settings = self._workspace.settings()
        recognizer = self._recognizer(settings)
        self._detector = self._detector or Detector(threads=settings.cores)

        def progress(done: int, expected: int, _: str) -> None:
            upload.done, upload.expected = done, expected

        out = None if upload.kept else upload.path.parent
        result = read_document(
            upload.path, recognizer=recognizer, detector=self._detector, out=out, settings=settings, progress=progress
        )
        files = note_files(upload.path, out)
        upload.text, upload.rows = files.text.read_text(encoding="utf-8"), _rows(files)
        if result.status == "kept":
            upload.notice = f"{upload.name} was read and corrected before: its text stays as it is"
        if upload.kept:
            self._take_in(upload, recognizer, settings)

    def _take_in(self, upload: Upload, recognizer: Recognizer, settings: Settings) -> None:
        """Let its lines be corrected, as `emendo collect` does."""
        try:
            collect(self._workspace, recognizer=recognizer, settings=settings)
        except Busy:
            upload.notice = f"{upload.notice} its lines can be corrected after the next `emendo collect`".strip()

    def _recognizer(self, settings: Settings) -> Recognizer:
        name = settings.model or current(self._workspace)
        if self._opened is None or self._opened[0] != name:
            loaded = load_recognizer(
                settings.model,
                workspace=self._workspace.root,
                threads=settings.cores,
                language=settings.read.language,
                engine=settings.read.engine,
            )
            self._opened = name, loaded
        return self._opened[1]


ENDINGS = {"pdf": ".pdf", "png": ".png", "jpeg": ".jpg", "tiff": ".tif", "webp": ".webp"}


def too_large(most: int) -> UsageError:
    """What is said of a document with too many bytes."""
    return UsageError(
        f"the document is larger than {most / 1e6:,.0f} MB", remedy="split it or raise limits.upload_bytes"
    )


def _into(folder: Path, name: str, arrived: Path) -> tuple[Path, str]:
    """Give a file its place in a folder without ever overwriting; the place, and a sentence where it is another one."""
    stem, ending = Path(name).stem, Path(name).suffix
    for number in range(1, SAME_NAMES):
        path = folder / (name if number == 1 else f"{stem}-{number}{ending}")
        try:
            _place(arrived, path)
        except FileExistsError:
            if path.is_file() and not path.is_symlink() and sha256_file(path) == sha256_file(arrived):
                return path, f"{path.name} was here already, with the same content"
            continue
        sync_folder(folder)
        return path, "" if number == 1 else f"{name} was here already with other content: this one is {path.name}"
    raise UsageError(f"{SAME_NAMES - 1} documents have this name already", where=name, remedy="give it another name")


def _place(arrived: Path, path: Path) -> None:
    """Give a whole file a name that nobody has. Raises FileExistsError."""
    try:
        os.link(arrived, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        with path.open("xb"):  # a disk without links: the name is taken first, then the file put there
            arrived.replace(path)


def _rows(files: NoteFiles) -> dict[int, list[dict[str, Any]]]:
    pages: dict[int, list[dict[str, Any]]] = {}
    if files.manifest.is_file():
        for line in files.manifest.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            pages.setdefault(int(row["page"]), []).append(row)
    return pages


@contextmanager
def _sentences(where: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        what = f"the document cannot be stored ({(error.strerror or str(error)).lower()})"
        raise WorkspaceError(what, where=where, remedy="make room and send it again") from error
