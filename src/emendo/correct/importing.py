"""Files of other programs into a workspace: verdicts on lines that are here, and pages that are not here yet.

A page that is here is known by the name that its file gives (ours do), by the ids of its lines, or by its own name;
its lines by their ids or by where they stand. A page that is not here comes in as a document: its picture, beside it a
PAGE file with the layout as it came, and the note as `emendo read` makes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import BadInput, EmendoError, UsageError
from ..formats.images import free_name, safe_name
from ..formats.layout import LayoutLine, PageLayout
from ..formats.page import page_bytes
from ..pages.note import note_files
from ..pages.read import read_document
from ..settings import Settings
from ..text.normalize import normalize_text
from ..tools.files import write_bytes
from ..types import Image, Point, Reading, Recognizer
from ..workspace.folder import Workspace
from ..workspace.rows import Kind, Line
from ..workspace.store import Entry, Store
from .merge import Outcome, news, without_history
from .notes import LINES_FOLDER, Note, read_rows
from .sources import Arrived, opened

SOURCE = "import:"
"""How the source of an imported verdict begins."""
EVENT = "import"
GIVEN = "given"
"""Model that stands in readings which a file brought."""
LEAST_OVERLAP = 0.5
"""Two outlines whose boxes share this much of their union are the same line."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import changed: documents that came in, lines by what became of them, sentences on the rest."""

    pages: int
    documents: tuple[str, ...]
    lines: Mapping[str, int]
    verdicts: int
    failures: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """The `--json` object."""
        return {
            "pages": self.pages,
            "documents": list(self.documents),
            "lines": dict(self.lines),
            "verdicts": self.verdicts,
            "failures": list(self.failures),
        }

    def sentences(self) -> list[str]:
        """What a person should know."""
        pages, verdicts = _counted(self.pages, "page"), _counted(self.verdicts, "verdict")
        told = [f"{pages}, {len(self.documents)} of them new here; {verdicts} taken over"]
        if self.lines[Outcome.SAME]:
            told.append(f"{_counted(self.lines[Outcome.SAME], 'line')} said nothing new")
        if self.lines[Outcome.OLDER]:
            told.append(f"{_counted(self.lines[Outcome.OLDER], 'line')} kept as it is here, for that is newer")
        if self.lines[UNPLACED]:
            told.append(f"{_counted(self.lines[UNPLACED], 'line')} left out: none of this workspace stands there")
        return told


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


UNPLACED = "unplaced"


def import_file(
    workspace: Workspace,
    source: Path,
    *,
    author: str,
    name: str = "",
    recognizer: Recognizer | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Take in what other programs say: a zip of PAGE or ALTO files, Label Studio's JSON, a manifest, a label file.

    `author` stands in verdicts for which the file names nobody, `name` is what the file is called (its own name if
    empty), `recognizer` reads lines of new pages that come without a text. All verdicts on a page are one transaction.
    What cannot be used is a sentence in `failures`. Raises UsageError when the file is not there, BadInput or
    FormatError when it cannot be used as a whole, Busy when another process collects or imports here.
    """
    if not source.exists():
        raise UsageError("is not there", where=source)
    settings = settings or workspace.settings()
    with (
        workspace.lock("collect"),
        workspace.store() as store,
        opened(source, settings.limits, workspace.hidden) as arrivals,
    ):
        run = _Run(workspace, store, settings, author, SOURCE + (name or source.name), recognizer)
        run.failures += [str(one.error()) for one in arrivals.rejects]
        for done, page in enumerate(arrivals.pages):
            if progress:
                progress(done, len(arrivals.pages), page.name)
            try:
                run.take(page)
            except EmendoError as error:
                run.failures.append(str(error))
        result = run.result(len(arrivals.pages))
        store.add_event(EVENT, {"source": run.source, "author": author, **result.summary()})
    return result


@dataclass
class _Run:
    """One import on its way."""

    workspace: Workspace
    store: Store
    settings: Settings
    author: str
    source: str
    recognizer: Recognizer | None
    failures: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    verdicts: int = 0

    def __post_init__(self) -> None:
        lines = [line for line in self.store.lines() if line.kind is not Kind.DOCUMENT]
        self.units = {line.id: line for line in lines}
        self.pages: dict[tuple[str, int], list[Line]] = {}
        for line in lines:
            self.pages.setdefault((line.document, line.page), []).append(line)
        several = {document for document, page in self.pages if page > 1}
        self.names = {
            safe_name(document.replace("/", "_")) + (f"_{page:04}" if document in several else ""): (document, page)
            for document, page in self.pages
        }

    def take(self, page: Arrived) -> None:
        """One page: its verdicts to the lines that are here, or the whole page as a new document."""
        here = self._here(page)
        lines = self._bring(page) if here is None else match(page.layout, here, self.units)
        self.outcomes[UNPLACED] += sum(line is None for line in lines)
        pairs = [(line, unit) for line, unit in zip(page.layout.lines(), lines, strict=True) if unit is not None]
        self._record(pairs, fresh=here is None)

    def _here(self, page: Arrived) -> list[Line] | None:
        """The lines of this page in the workspace; None when the page is not here."""
        layout = page.layout
        known = [self.units[line.unit] for line in layout.lines() if line.unit in self.units]
        if known:
            return self.pages[known[0].document, known[0].page]
        places = [(layout.document, layout.page), self.names.get(safe_name(page.name))]
        return next((self.pages[place] for place in places if place in self.pages), None)

    def _bring(self, page: Arrived) -> list[Line | None]:
        """Make the page a document of the workspace; its lines in the order of the layout."""
        if next(page.layout.lines(), None) is None:
            raise BadInput(f"{page.name}: has no lines", remedy="put its picture here and run `emendo read`")
        if page.image is None:
            what = f"{page.name}: is not in this workspace, and no picture of it came along"
            raise BadInput(what, remedy="put the page images into the zip, or beside the file")
        picture = page.image.read_bytes()
        target = self._target(safe_name(page.name), page.image.suffix.lower(), picture)
        layout = replace(page.layout, image=target.name)
        try:
            write_bytes(target, picture)
            write_bytes(target.with_suffix(".xml"), page_bytes(_bare(layout), target))
            read_document(target, recognizer=_Given(list(layout.lines()), self.recognizer), settings=self.settings)
            return self._put(target)
        except EmendoError:
            for path in (target, target.with_suffix(".xml")):
                path.unlink(missing_ok=True)
            raise

    def _target(self, stem: str, suffix: str, picture: bytes) -> Path:
        """Where a picture goes: a free name, or where an import that was cut off had put it."""
        there = self.workspace.root / f"{stem}{suffix}"
        if there.is_file() and there.with_suffix(".xml").is_file() and there.read_bytes() == picture:
            return there
        taken = {path.name.partition(".")[0].casefold() for path in self.workspace.root.iterdir()}
        return self.workspace.root / free_name(stem, suffix, taken)

    def _put(self, target: Path) -> list[Line | None]:
        """The lines of the note that was just made into the database."""
        folder = note_files(target).folder
        note = Note(folder.name.removesuffix(LINES_FOLDER), folder)
        rows = read_rows(note, self.workspace.root, self.settings.limits)
        distinct = {row.line.id: row for row in rows}
        with self.store.transaction() as transaction:
            transaction.put_document(note.name, [(row.line, row.reading) for row in distinct.values()])
        self.documents.append(note.name)
        for row in distinct.values():
            self.units[row.line.id] = row.line
            self.pages.setdefault((note.name, row.line.page), []).append(row.line)
        return [row.line for row in rows]

    def _record(self, pairs: Sequence[tuple[LayoutLine, Line]], *, fresh: bool) -> None:
        with self.store.transaction() as transaction:
            ids = [unit.id for _, unit in pairs]
            readings, histories = transaction.readings(ids), transaction.histories(ids)
            entries: list[Entry] = []
            for line, unit in pairs:
                known = readings.get(unit.id)
                reading = known.text if known else ""
                # a reading that a file gave is not a model's: what it says was said, also after a cut-off import
                new_here = fresh or (known is not None and known.model == GIVEN)
                held = histories.get(unit.id, [])
                about = {"author": self.author, "source": self.source}
                new, outcome = news(line, unit.id, reading, held, fresh=new_here, **about)
                entries += new
                self.outcomes[outcome] += 1
            self.verdicts += sum(added for _, added in transaction.add_corrections(entries))

    def result(self, pages: int) -> Imported:
        """What became of everything."""
        lines = {name: self.outcomes[name] for name in (*Outcome, UNPLACED)}
        return Imported(pages, tuple(self.documents), lines, self.verdicts, tuple(self.failures))


class _Given:
    """Reads the lines of a page in their order by what its file says; a line without a text is read by a model."""

    model = GIVEN

    def __init__(self, lines: Sequence[LayoutLine], other: Recognizer | None) -> None:
        self._lines = iter(lines)
        self._other = other

    def read(self, images: Sequence[Image]) -> list[Reading]:
        return [self._one(next(self._lines), image) for image in images]

    def _one(self, line: LayoutLine, image: Image) -> Reading:
        if line.reading is not None:
            return line.reading
        if line.text is not None:
            sure = 1.0 if line.confidence is None else line.confidence
            return Reading(normalize_text(line.text), sure, (), GIVEN)
        return self._other.read([image])[0] if self._other is not None else Reading("", 0.0, (), GIVEN)


def _bare(layout: PageLayout) -> PageLayout:
    """The layout as it lies beside the picture: what people said of it is in the database.

    The ids of a page that another workspace exported stay, so that it can be exported back to there.
    """

    def bare(line: LayoutLine) -> LayoutLine:
        return replace(without_history(line), unit=line.unit if layout.document else "")

    regions = tuple(replace(one, lines=tuple(map(bare, one.lines))) for one in layout.regions)
    return replace(layout, regions=regions)


def match(layout: PageLayout, here: Sequence[Line], units: Mapping[str, Line]) -> list[Line | None]:
    """The line of the workspace for each line of a page, by its id, else by where it stands; None for no such line."""
    lines = list(layout.lines())
    told = (here[0].page_width or layout.width, here[0].page_height or layout.height)
    across, down = told[0] / max(1, layout.width), told[1] / max(1, layout.height)
    found: list[Line | None] = [units.get(line.unit) for line in lines]
    taken = {line.id for line in found if line is not None}
    left = [one for one in here if one.id not in taken]
    pairs = sorted(
        (
            (-overlap([(x * across, y * down) for x, y in line.polygon], one.polygon), at, number)
            for at, line in enumerate(lines)
            if found[at] is None
            for number, one in enumerate(left)
        ),
    )
    used: set[int] = set()
    for shared, at, number in pairs:
        if -shared >= LEAST_OVERLAP and found[at] is None and number not in used:
            found[at] = left[number]
            used.add(number)
    return found


def overlap(a: Sequence[Point], b: Sequence[Point]) -> float:
    """What the boxes of two outlines share, as part of what they cover together."""
    if not a or not b:
        return 0.0
    ax, ay = [x for x, _ in a], [y for _, y in a]
    bx, by = [x for x, _ in b], [y for _, y in b]
    wide = min(max(ax), max(bx)) - max(min(ax), min(bx))
    high = min(max(ay), max(by)) - max(min(ay), min(by))
    if wide <= 0 or high <= 0:
        return 0.0
    areas = (max(ax) - min(ax)) * (max(ay) - min(ay)) + (max(bx) - min(bx)) * (max(by) - min(by))
    return wide * high / (areas - wide * high)
