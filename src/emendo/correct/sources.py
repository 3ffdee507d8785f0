"""Pages from files of other programs: an archive, a folder or a single file, told by what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image as Pillow

from ..errors import BadInput, FormatError
from ..formats import alto, jsonl, labels, page
from ..formats.base import Collector, Folder, ReadOptions, Refusal, Reject
from ..formats.images import IMAGE_SUFFIXES
from ..formats.known import with_page
from ..formats.labelstudio import is_tasks, read_tasks
from ..formats.layout import LayoutLine, LayoutRegion, PageLayout
from ..formats.pagefiles import LayoutReader, find_image, is_layout, to_layout
from ..pages.given import scaled
from ..settings import Limits
from ..tools.archives import unpack
from ..types import Sample, Verdict

ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".xz", ".bz2")
_XML: tuple[tuple[str, LayoutReader], ...] = (("alto", alto.read_alto), ("PcGts", page.read_page))


@dataclass(frozen=True, slots=True)
class Arrived:
    """A page as it came: its layout in pixels of its picture, and the picture; None when it did not come along.

    `name` is what the page is called in the file.
    """

    layout: PageLayout
    image: Path | None
    name: str


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The pages of a source, and what of it could not be used."""

    pages: tuple[Arrived, ...]
    rejects: tuple[Reject, ...]


@contextmanager
def opened(source: Path, limits: Limits, work: Path) -> Iterator[Arrivals]:
    """The pages of an archive (unpacked into a folder below `work` while the block runs), a folder or a file.

    Raises BadInput for an archive that may not be unpacked, FormatError when nothing in it is known.
    """
    if source.is_file() and source.suffix.lower() in ARCHIVES:
        with TemporaryDirectory(dir=work, prefix="import-") as place:
            unpack(source, Path(place), limits)
            yield _arrivals(Path(place), sorted(Path(place).rglob("*")), limits, source)
    elif source.is_dir():
        yield _arrivals(source, sorted(source.rglob("*")), limits, source)
    else:
        yield _arrivals(source.parent, [source], limits, source)


def _arrivals(root: Path, files: Sequence[Path], limits: Limits, source: Path) -> Arrivals:
    rejects: list[Reject] = []
    files = [path for path in files if path.is_file() and not path.is_symlink() and "__MACOSX" not in path.parts]
    for kind in (_from_xml, _from_tasks, _from_manifest, _from_labels):
        pages = list(kind(root, files, limits, rejects))
        if pages or rejects:
            return Arrivals(tuple(pages), tuple(_shown(one, root, source) for one in rejects))
    remedy = "give a zip of PAGE or ALTO files, Label Studio's JSON, a manifest (.jsonl) or labels.txt"
    raise FormatError("holds nothing that can be imported", where=source, remedy=remedy)


def _shown(reject: Reject, root: Path, source: Path) -> Reject:
    """With the place as the person knows it, not that of the unpacked copy."""
    inside = reject.where.relative_to(root) if reject.where.is_relative_to(root) else Path(reject.where.name)
    return replace(reject, where=inside if source == root / inside else Path(source.name) / inside)


def _from_xml(root: Path, files: Sequence[Path], limits: Limits, rejects: list[Reject]) -> Iterator[Arrived]:
    for file in files:
        reader = next((read for name, read in _XML if file.suffix.lower() == ".xml" and is_layout(file, name)), None)
        if reader is None:
            continue
        try:
            image = _beside(file, root)
            size = _size(image)
            layout = reader(file, limits, image_size=size)
            if size is not None:
                layout = scaled(layout, size, file, image or file)
            yield Arrived(layout, image, _stem(layout.image) or file.stem)
        except BadInput as error:
            rejects.append(Reject(file, error.line, error.what, error.remedy))


def _beside(file: Path, root: Path) -> Path | None:
    """The picture of a layout file: beside it, or where Transkribus puts `page/` one folder higher."""
    for folder in (file.parent, file.parent.parent):
        if folder.is_relative_to(root):
            try:
                return find_image(file, Folder(folder))
            except Refusal:
                continue
    return None


def _from_tasks(root: Path, files: Sequence[Path], limits: Limits, rejects: list[Reject]) -> Iterator[Arrived]:
    for file in filter(is_tasks, files):
        pages, wrong = read_tasks(file, limits)
        rejects += wrong
        near = (*file.parent.glob("*"), *file.parent.glob("*/*"))
        pictures = {path.name: path for path in near if path.suffix.lower() in IMAGE_SUFFIXES and not path.is_symlink()}
        for layout in pages:
            image = pictures.get(layout.image)
            try:
                size = _size(image)
                fitted = scaled(layout, size, file, image or file) if size is not None else layout
                yield Arrived(fitted, image, _stem(layout.image))
            except BadInput as error:
                rejects.append(Reject(file, None, f"{layout.image}: {error.what}", error.remedy))


def _from_manifest(root: Path, files: Sequence[Path], limits: Limits, rejects: list[Reject]) -> Iterator[Arrived]:
    for file in (path for path in files if path.suffix.lower() == ".jsonl"):
        content = jsonl.read(file, ReadOptions(limits=limits))
        rejects += content.rejects
        for sample in content.samples:
            try:
                yield _of_sample(sample, file)
            except (Refusal, BadInput) as error:
                rejects.append(Reject(file, None, f"{sample.id}: {error.what}", error.remedy))


def _of_sample(sample: Sample, file: Path) -> Arrived:
    size = _size(sample.image)
    if size is None or sample.frame:
        raise Refusal("its picture cannot be opened", "only images can be imported, not parts of documents")
    layout = to_layout([sample], sample.image.name, size)
    custom = sample.attributes.get("custom")
    known = {"document": sample.attributes.get("document"), "page": sample.attributes.get("page", 1)}
    if not isinstance(known["page"], int):  # a manifest from elsewhere may call a page by a name
        known = {}
    layout = replace(with_page(layout, known), custom=custom if isinstance(custom, str) else "")
    return Arrived(layout, sample.image, sample.image.stem)


def _from_labels(root: Path, files: Sequence[Path], limits: Limits, rejects: list[Reject]) -> Iterator[Arrived]:
    for file in (path for path in files if path.name in labels.NAMES or (len(files) == 1 and labels.detect(path))):
        collector, folder = Collector(file), Folder(file.parent)
        for name, (number, text) in labels.held(file, limits.manifest_line_bytes, collector).items():
            try:
                image = folder.find(name)
                size = _size(image)
                if size is None:
                    raise Refusal(f"{name} cannot be opened as an image")
                yield Arrived(_whole(image, size, text), image, image.stem)
            except Refusal as refusal:
                rejects.append(Reject(file, number, refusal.what, refusal.remedy))
        rejects += collector.rejects


def _whole(image: Path, size: tuple[int, int], text: str) -> PageLayout:
    """A picture of one line as a page with that line; its name may be the id of a line of this workspace."""
    width, height = size
    skipped = text == labels.SKIP
    line = LayoutLine(
        polygon=((0.0, 0.0), (width, 0.0), (width, height), (0.0, height)),
        text=None if skipped else text,
        verdict=Verdict.SKIPPED if skipped else None,
        unit=image.stem,
    )
    return PageLayout(image=image.name, width=width, height=height, regions=(LayoutRegion(lines=(line,)),))


def _stem(name: str) -> str:
    return Path(name.replace("\\", "/").rpartition("/")[2]).stem


def _size(image: Path | None) -> tuple[int, int] | None:
    """Width and height from the head of a picture."""
    if image is None:
        return None
    try:
        with Pillow.open(image) as header:
            return header.size
    except (OSError, ValueError, Pillow.DecompressionBombError):
        return None
