"""A workspace for other programs: its pages with outlines, readings and verdicts as one file.

The same content gives the same bytes. Where a page came with a layout file (ALTO, PAGE), the ids, types and attributes
of that file go out again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image as Pillow

from emendo.image.encode import png_bytes

from ..errors import BadInput, DataError, UsageError
from ..formats import alto, jsonl, labels, labelstudio, page
from ..formats.images import free_name, safe_name
from ..formats.known import page_row
from ..formats.layout import LayoutLine, LayoutRegion, PageLayout
from ..formats.pagefiles import to_entries
from ..image.load import Document, open_document
from ..pages.given import layout_beside, scaled
from ..pages.inputs import source_of
from ..pages.note import NoteFiles
from ..settings import Settings
from ..tools.archives import pack
from ..tools.files import write_bytes, write_json, write_text
from ..types import Correction, Image, Point, Polygon, Reading
from ..workspace.folder import Workspace
from ..workspace.rows import Kind, Line
from .fields import write_documents

_PLAIN = frozenset({".jpg", ".jpeg", ".png"})
"""Page images that every program opens: they go along as they are, others as PNG."""
_BASELINE = 0.22
"""The baseline of a line that has none lies this share of its height above its lower edge."""

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page with its picture; `layout.image` is the picture's name in `folder`."""

    layout: PageLayout
    folder: Path


@dataclass(frozen=True, slots=True)
class Form:
    """One row of the table: how pages are written into a folder."""

    name: str
    title: str
    write: Callable[[Sequence[Sheet], Path], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """What went out, and sentences on what could not."""

    pages: int
    lines: int
    judged: int
    failures: tuple[str, ...]

    def summary(self) -> dict[str, Any]:
        """The `--json` object."""
        return {"pages": self.pages, "lines": self.lines, "judged": self.judged, "failures": list(self.failures)}


def _write_page(sheets: Sequence[Sheet], folder: Path) -> None:
    for sheet in sheets:
        file = folder / Path(sheet.layout.image).with_suffix(".xml").name
        write_bytes(file, page.page_bytes(sheet.layout, file))


def _write_alto(sheets: Sequence[Sheet], folder: Path) -> None:
    for sheet in sheets:
        file = folder / Path(sheet.layout.image).with_suffix(".xml").name
        write_bytes(file, alto.alto_bytes(sheet.layout, file))


def _write_label_studio(sheets: Sequence[Sheet], folder: Path) -> None:
    tasks = labelstudio.tasks_of([sheet.layout for sheet in sheets], "/data/local-files/?d={}")
    write_json(folder / labelstudio.TASKS, tasks)
    write_text(folder / labelstudio.CONFIG, labelstudio.INTERFACE)


def _write_jsonl(sheets: Sequence[Sheet], folder: Path) -> None:
    rows = []
    for sheet in sheets:
        layout = sheet.layout
        about = {"width": layout.width, "height": layout.height, "lines": to_entries(layout)}
        custom = {"custom": layout.custom} if layout.custom else {}
        rows.append({"id": Path(layout.image).stem, "image": layout.image, **page_row(layout), **custom, **about})
    write_text(folder / "manifest.jsonl", "".join(map(jsonl.row_text, rows)))


FORMS: tuple[Form, ...] = (
    Form("label-studio", "Label Studio tasks with page images", _write_label_studio),
    Form("page-zip", "PAGE XML with page images (eScriptorium, Transkribus)", _write_page),
    Form("alto-zip", "ALTO XML with page images (eScriptorium)", _write_alto),
    Form("jsonl", "manifest of pages with page images", _write_jsonl),
)
"""Forms that hold pages. Those in `OTHERS` hold pictures of lines, and documents with fields."""
LABELS, FIELDS = "labels", "fields"


def export_workspace(
    workspace: Workspace,
    form: str,
    target: Path,
    *,
    documents: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write a workspace (or some of its documents) as a zip in one of `FORMS` or `OTHERS`.

    A page whose document is gone or cannot be read is left out and told. Raises UsageError for an unknown form,
    DataError when there is nothing to write.
    """
    row = next((one for one in FORMS if one.name == form), None)
    if row is None and form not in OTHERS:
        known = ", ".join([*(one.name for one in FORMS), *OTHERS])
        raise UsageError(f"unknown form {form!r}", remedy=f"use {known}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=workspace.hidden, prefix="export-") as place:
        folder = Path(place) / "out"
        folder.mkdir()
        if row is None:
            done = OTHERS[form](workspace, folder, documents)
        else:
            done = _write_pages(workspace, row, folder, documents, progress)
        if not done.lines:
            raise DataError("has nothing to export", where=workspace.root, remedy="run `emendo read` and correct first")
        pack(folder, target)
    return done


def _write_pages(
    workspace: Workspace, form: Form, folder: Path, documents: Collection[str] | None, progress: Progress | None
) -> Exported:
    failures: list[str] = []
    sheets = []
    for sheet in sheets_of(workspace, folder, failures, documents=documents, progress=progress):
        sheets.append(sheet)
    form.write(sheets, folder)
    lines = [line for sheet in sheets for line in sheet.layout.lines()]
    return Exported(len(sheets), len(lines), sum(bool(line.history) for line in lines), tuple(failures))


def _write_crops(workspace: Workspace, folder: Path, documents: Collection[str] | None) -> Exported:
    """`labels.txt` and the pictures of all lines (and plates) that have a verdict."""
    failures: list[str] = []
    texts = []
    with workspace.store() as store:
        lines = {line.id: line for line in store.lines() if line.kind is not Kind.DOCUMENT}
        verdicts = {one.line: one for one in store.corrections()}
    for key, line in lines.items():
        verdict = verdicts.get(key)
        if verdict is None or (documents is not None and line.document not in documents):
            continue
        source = workspace.root / line.image
        if not source.is_file():
            failures.append(f"{line.image}: is not in the workspace any more")
            continue
        name = f"images/{safe_name(key)}{source.suffix.lower()}"
        write_bytes(folder / name, source.read_bytes())
        texts.append(f"{name}\t{labels.SKIP if verdict.text is None else verdict.text}\n")
    write_text(folder / labels.NAMES[0], "".join(texts))
    return Exported(0, len(texts), len(texts), tuple(failures))


def _write_documents(workspace: Workspace, folder: Path, documents: Collection[str] | None) -> Exported:
    """Documents with fields: the whole, and crops of their regions."""
    count, failures = write_documents(workspace, folder, documents)
    return Exported(count, count, count, failures)


OTHERS: Mapping[str, Callable[[Workspace, Path, Collection[str] | None], Exported]] = {
    LABELS: _write_crops,
    FIELDS: _write_documents,
}


def sheets_of(
    workspace: Workspace,
    folder: Path,
    failures: list[str],
    *,
    documents: Collection[str] | None = None,
    progress: Progress | None = None,
) -> Iterator[Sheet]:
    """Every page of a workspace that has lines, its picture put into `folder`."""
    settings = workspace.settings()
    with workspace.store() as store:
        lines = [line for line in store.lines() if line.kind is Kind.LINE]
        lines = [line for line in lines if documents is None or line.document in documents]
        readings = store.readings(line.id for line in lines)
        histories = store.histories(line.id for line in lines)
    used: set[str] = set()
    done = 0
    for document, of_document in groupby(lines, key=lambda line: line.document):
        pages = {number: list(of_page) for number, of_page in groupby(of_document, key=lambda line: line.page)}
        try:
            with _opened(workspace, document, settings) as (source, opened):
                for number, members in pages.items():
                    several = f"_{number:04}" if len(opened) > 1 else ""
                    stem = safe_name(document.replace("/", "_")) + several
                    image = opened.frame(number - 1) if number <= len(opened) else None
                    if image is None:
                        raise BadInput(f"has no page {number} any more", where=source)
                    name = _place_picture(image, source, len(opened), folder, stem, used)
                    size = (image.shape[1], image.shape[0])
                    given = layout_beside(source, size, settings.limits) if len(opened) == 1 else None
                    layout = _layout(members, readings, histories, given, size)
                    yield Sheet(replace(layout, image=name), folder)
                    done += len(members)
                    if progress:
                        progress(done, len(lines), document)
        except BadInput as error:
            failures.append(str(error))


class _opened:
    """The document of a note, opened as it was read."""

    def __init__(self, workspace: Workspace, document: str, settings: Settings) -> None:
        stem = workspace.root / document
        source = source_of(stem)
        if source is None:
            raise BadInput("its document is not there any more", where=document)
        job = NoteFiles(stem).job()
        self.source = source
        self._opened = open_document(source, settings.limits, dpi=job.dpi if job else settings.read.dpi)

    def __enter__(self) -> tuple[Path, Document]:
        return self.source, self._opened

    def __exit__(self, *_: object) -> None:
        self._opened.close()


def _place_picture(image: Image, source: Path, frames: int, folder: Path, stem: str, used: set[str]) -> str:
    """Put the picture of a page into the folder: the file itself where any program sees in it what we see."""
    suffix = source.suffix.lower()
    with Pillow.open(source) if suffix in _PLAIN else Pillow.new("L", (1, 1)) as header:
        upright = header.getexif().get(0x0112, 1) == 1
        as_it_is = frames == 1 and upright and header.size == (image.shape[1], image.shape[0])
    if as_it_is:
        name = free_name(stem, suffix, used)
        write_bytes(folder / name, source.read_bytes())
        return name
    name = free_name(stem, ".png", used)
    write_bytes(folder / name, png_bytes(image))
    return name


def _layout(
    lines: Sequence[Line],
    readings: Mapping[str, Reading],
    histories: Mapping[str, Sequence[Correction]],
    given: PageLayout | None,
    size: tuple[int, int],
) -> PageLayout:
    """The lines of one page as a layout in pixels of its picture of `size`."""
    first = lines[0]
    told = (first.page_width or size[0], first.page_height or size[1])
    templates = (
        {_key(line.polygon): (region, line) for region in given.regions for line in region.lines} if given else {}
    )
    regions: dict[int, list[LayoutLine]] = {}
    kinds: dict[int, LayoutRegion] = {}
    for line in lines:
        region, template = templates.get(_key(line.polygon), (None, None))
        reading = readings.get(line.id)
        reading = replace(reading, characters=()) if reading is not None else None
        made = _line(line, reading, histories.get(line.id, ()), template)
        regions.setdefault(line.region, []).append(made)
        if region is not None:
            kinds.setdefault(line.region, region)
    found = tuple(
        replace(kinds.get(number, LayoutRegion(lines=())), lines=tuple(members)) for number, members in regions.items()
    )
    whose = (given.document, given.page) if given and given.document else (first.document, first.page)
    layout = PageLayout(
        image="",
        width=told[0],
        height=told[1],
        regions=found,
        document=whose[0],
        page=whose[1],
        custom=given.custom if given else "",
    )
    return scaled(layout, size, Path(first.document), Path(first.document))


def _line(
    line: Line, reading: Reading | None, history: Sequence[Correction], template: LayoutLine | None
) -> LayoutLine:
    last = history[-1] if history else None
    waiting = last is None and reading is not None
    x0, y0, x1, y1 = line.box
    polygon = line.polygon or ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
    base = template or LayoutLine(polygon=polygon, baseline=baseline_of(polygon))
    unit = (template.unit if template else "") or line.id
    return replace(
        base,
        text=reading.text or None if waiting and reading else last.text if last else None,
        confidence=reading.confidence if waiting and reading else None,
        verdict=None,
        unit=unit,
        reading=reading,
        history=tuple(replace(one, line=unit) for one in history),
    )


def _key(polygon: Polygon) -> tuple[float, ...]:
    return tuple(round(value, 1) for point in polygon for value in point)


def baseline_of(polygon: Polygon) -> tuple[Point, ...]:
    """Where the letters of an outlined line stand, told by its edges at five places from left to right."""
    points = np.asarray(polygon, dtype=np.float64)
    left, right = float(points[:, 0].min()), float(points[:, 0].max())
    edges = np.stack([points, np.roll(points, -1, axis=0)], axis=1)
    found: list[Point] = []
    for x in np.linspace(left, right, 5):
        spans = [edge for edge in edges if min(edge[:, 0]) <= x <= max(edge[:, 0])]
        ys = [y for edge in spans for y in _heights(edge, float(x))]
        found.append((round(float(x), 1), round(max(ys) - _BASELINE * (max(ys) - min(ys)), 1)))
    return tuple(found)


def _heights(edge: np.ndarray[Any, np.dtype[np.float64]], x: float) -> tuple[float, ...]:
    """The heights at which an edge crosses `x`; both ends of an upright one."""
    (x0, y0), (x1, y1) = edge
    if x0 == x1:
        return float(y0), float(y1)
    return (float(y0 + (y1 - y0) * (x - x0) / (x1 - x0)),)
