"""What ALTO and PAGE share: folders of page files beside their images, points, order, and samples to pages and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol
from xml.etree.ElementTree import Element

from PIL import Image as Pillow

from ..errors import FormatError
from ..settings import Limits
from ..tools.files import write_bytes
from ..types import Point, Sample
from .base import Collector, Content, Folder, ReadOptions, Refusal
from .images import IMAGE_SUFFIXES, place_page
from .known import known_row, with_known
from .layout import LayoutLine, LayoutRegion, PageLayout
from .xml import root_name


class LayoutReader(Protocol):
    """Reads one page file."""

    def __call__(
        self, path: Path, limits: Limits | None = None, *, image_size: tuple[int, int] | None = None
    ) -> PageLayout:
        """The page."""
        ...


def is_layout(path: Path, root: str) -> bool:
    """True for an XML file with that root element, or a folder whose first XML file has it."""
    if path.is_file():
        return path.suffix.lower() == ".xml" and root_name(path) == root
    return any(root_name(file) == root for file in sorted(path.glob("*.xml"))[:20])


def read_folder(path: Path, options: ReadOptions, root: str, reader: LayoutReader) -> Content:
    """Samples of one page file or of all in a folder; a wrong file is a reject, the others go on."""
    files = [path] if path.is_file() else sorted(file for file in path.glob("*.xml") if root_name(file) in (root, ""))
    collector = Collector(path, strict=options.strict)
    folder = Folder(options.root or (path.parent if path.is_file() else path))
    for file in files:
        try:
            image = find_image(file, folder)
            layout = reader(file, options.limits, image_size=_size(image))
            if layout.image and Path(layout.image).suffix and Path(layout.image).stem != image.stem:
                image = _named(layout.image, folder) or image
            for sample in _samples(layout, file, image, options):
                collector.add(sample)
        except Refusal as refusal:
            collector.reject(None, f"{file.name}: {refusal.what}", refusal.remedy)
        except FormatError as error:
            place = f"{file.name}:{error.line}" if error.line else file.name
            collector.reject(None, f"{place}: {error.what}", error.remedy)
    return collector.content()


def find_image(file: Path, folder: Folder) -> Path:
    """The page image beside a page file: the same name with an image's suffix. Raises Refusal."""
    for suffix in IMAGE_SUFFIXES:
        for name in (file.stem + suffix, file.stem + suffix.upper()):
            if (folder.root / name).exists():
                return folder.find(name)
    named = _named(_declared(file), folder)
    if named is None:
        raise Refusal("has no image beside it", f"put {file.stem}.jpg into {folder.root}")
    return named


def _named(name: str, folder: Folder) -> Path | None:
    """The image that a page file names, by its last part only: a path or address in the file is never followed."""
    last = name.replace("\\", "/").rpartition("/")[2]
    try:
        return folder.find(last) if last else None
    except Refusal:
        return None


def _declared(file: Path) -> str:
    """Image name in the head of a page file; a light look, the file is parsed for good by its reader."""
    with file.open("rb") as stream:
        head = stream.read(1 << 14).decode("utf-8", "replace")
    for before, after in (("<fileName>", "</fileName>"), ('imageFilename="', '"')):
        if before in head:
            return head.partition(before)[2].partition(after)[0].strip()
    return ""


def _size(image: Path) -> tuple[int, int] | None:
    """Width and height from the image's header; None when it is no image (reading it tells why)."""
    try:
        with Pillow.open(image) as opened:
            return opened.size
    except (OSError, ValueError, Pillow.DecompressionBombError):
        return None


def _samples(layout: PageLayout, file: Path, image: Path, options: ReadOptions) -> list[Sample]:
    entries = to_entries(layout)
    common: dict[str, Any] = {"image": image, "group": file.stem, "source": file.name}
    if options.unit == "row":
        texts = [entry["text"] for entry in entries if "text" in entry]
        attributes = {"width": layout.width, "height": layout.height, "lines": entries}
        text = "\n".join(texts) if texts else None
        return [Sample(id=file.stem, text=text, attributes=attributes, **common)]
    samples = []
    for index, entry in enumerate(entries):
        extra = {key: value for key, value in entry.items() if key not in ("text", "poly")}
        samples.append(
            Sample(
                id=f"{file.stem}:{index}",
                text=entry.get("text"),
                polygon=tuple((x, y) for x, y in entry["poly"]),
                attributes={"page": file.stem, "line": index, "width": layout.width, "height": layout.height, **extra},
                **common,
            )
        )
    return samples


def to_entries(layout: PageLayout) -> list[dict[str, Any]]:
    """The lines of a page as the manifest writes them."""
    entries = []
    for number_, region in enumerate(layout.regions):
        for line in region.lines:
            entry: dict[str, Any] = {"poly": [list(point) for point in line.polygon], "region": number_}
            if line.text is not None:
                entry["text"] = line.text
            if line.baseline:
                entry["baseline"] = [list(point) for point in line.baseline]
            for key, value in (
                ("type", line.type),
                ("region_type", region.type),
                ("line_id", line.id),
                ("custom", line.custom),
                ("confidence", line.confidence),
                ("emendo", known_row(line)),
            ):
                if value or value == 0.0:
                    entry[key] = value
            entries.append(entry)
    return entries


def to_layout(samples: Sequence[Sample], image: str, size: tuple[int, int]) -> PageLayout:
    """A page from the samples of one image: line samples (with polygon), or one page sample with its lines."""
    regions: dict[int, list[LayoutLine]] = {}
    types: dict[int, str] = {}
    for sample in samples:
        entries = [{**sample.attributes, "text": sample.text, "poly": sample.polygon}]
        if sample.polygon is None:
            entries = list(sample.attributes.get("lines") or [])
            if not entries:
                corners = [(0.0, 0.0), (size[0], 0.0), (size[0], size[1]), (0.0, size[1])]
                entries = [{"text": sample.text, "poly": corners}]
        for entry in entries:
            region = entry.get("region", 0)
            key = region if isinstance(region, int) else 0
            types[key] = str(entry.get("region_type", ""))
            regions.setdefault(key, []).append(_layout_line(entry))
    ordered = tuple(LayoutRegion(lines=tuple(lines), type=types[key]) for key, lines in sorted(regions.items()))
    return PageLayout(image=image, width=size[0], height=size[1], regions=ordered)


def _layout_line(entry: dict[str, Any]) -> LayoutLine:
    place = entry.get("poly") or entry.get("polygon")
    line = LayoutLine(
        polygon=tuple((float(x), float(y)) for x, y in place or ()),
        baseline=tuple((float(x), float(y)) for x, y in entry.get("baseline") or ()),
        text=entry.get("text"),
        id=str(entry.get("line_id", "")),
        type=str(entry.get("type", "")),
        custom=str(entry.get("custom", "")),
        confidence=sure if isinstance(sure := entry.get("confidence"), float) else None,
    )
    return with_known(line, entry.get("emendo"))


def write_folder(samples: Sequence[Sample], target: Path, to_bytes: Callable[[PageLayout, Path], bytes]) -> Path:
    """Write one page file a page image into `target`, the image beside it. Returns `target`."""
    pages: dict[tuple[Path, int], list[Sample]] = {}
    for sample in samples:
        pages.setdefault((sample.image, sample.frame), []).append(sample)
    used: set[str] = set()
    for (image, frame), members in pages.items():
        placed = place_page(image, frame, target, used)
        file = placed.with_suffix(".xml")
        size = _size(placed)
        if size is None:
            raise FormatError("is no image that can be opened", where=image)
        try:
            layout = to_layout(members, placed.name, size)
        except Refusal as refusal:
            raise FormatError(refusal.what, where=image, remedy=refusal.remedy) from refusal
        write_bytes(file, to_bytes(layout, file))
    return target


def in_order(elements: list[Element], order: Sequence[str], key: str) -> list[Element]:
    """Elements in the order of the references; those not named keep their place in the file, at the end."""
    rank = {reference: index for index, reference in enumerate(order)}
    return sorted(elements, key=lambda element: rank.get(element.get(key, ""), len(rank)))


def number(element: Element, name: str) -> float:
    """A finite number in an attribute. Raises Refusal."""
    text = element.get(name, "")
    try:
        value = float(text)
    except ValueError as error:
        raise Refusal(f"{element.tag} has {name}={text[:40]!r}, not a number") from error
    if not math.isfinite(value) or abs(value) > 1e6:
        raise Refusal(f"{element.tag} has {name}={text[:40]!r}, out of range")
    return value


def confidence_of(element: Element, name: str) -> float | None:
    """A number in [0, 1] in an attribute that may be missing; None when it is, or is no such number."""
    try:
        value = float(element.get(name, "nan"))
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def parse_points(text: str, key: str, scale: Point = (1.0, 1.0)) -> tuple[Point, ...]:
    """Points from "x y x y" or "x,y x,y"; a single number gives none. Raises Refusal."""
    words = text.replace(",", " ").split()
    try:
        numbers = [float(word) for word in words]
    except ValueError as error:
        raise Refusal(f"{key} {text[:40]!r} holds what is not a number") from error
    if not all(math.isfinite(value) and abs(value) <= 1e6 for value in numbers):
        raise Refusal(f"{key} {text[:40]!r} holds a number out of range")
    if len(numbers) % 2 and len(numbers) > 1:
        raise Refusal(f"{key} {text[:40]!r} holds an odd count of numbers")
    return tuple((numbers[i] * scale[0], numbers[i + 1] * scale[1]) for i in range(0, len(numbers) - 1, 2))


def points_text(points: Sequence[Point], between: str) -> str:
    """Points as "x y x y" (`between` a space) or "x,y x,y"."""
    return " ".join(f"{_plain(x)}{between}{_plain(y)}" for x, y in points)


def _plain(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
