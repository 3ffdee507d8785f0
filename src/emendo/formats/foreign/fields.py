"""Fields of documents as people and programs annotate them: crops of regions, and whole invoices by a manifest.

    crops/ID_REGION.png          what a region covers
    annotations/ID_REGION.json   {"region": "totals_section", "fields": {"total": "12.30"}}

    manifest.jsonl               {"invoice_id": ..., "image_path": ..., "ground_truth_path": ...}, an invoice a line

Fields come under the names of the schema, amounts and dates in its spelling; names that were others are told. What is
contradictory is left out: a value that cannot be one, a field of another region, one picture with two truths.
"""

from __future__ import annotations

import difflib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...errors import FormatError
from ...fields.conventions import conventions
from ...fields.names import REGIONS
from ...fields.regions import EVERY, PAGE, names_of, strangers
from ...fields.schema import read_document
from ..base import Collector, Content, Folder, ReadOptions, Refusal, bounded_lines
from ..images import IMAGE_SUFFIXES
from ..jsonl import manifest_of, parse, sample_of_row
from .common import Row, head, load, part

CROPS: Final = "crops"
ANNOTATIONS: Final = "annotations"
_KEYS: Final = frozenset({"image_path", "ground_truth_path"})
_TRIED: Final = 5
_GIVEN: Final = frozenset({"region", "fields", "image", *_KEYS})


@dataclass(frozen=True, slots=True)
class Annotated:
    """One annotation as it was found: its number from 1, its name, picture (relative to the root), region, fields."""

    number: int
    name: str
    image: str
    region: str
    fields: Row
    further: Row


def detect_regions(path: Path) -> bool:
    """A folder of such annotations, or one in which `annotations` lies."""
    folder = _annotations(path)
    return folder is not None and any(_is_annotation(file) for file in sorted(folder.glob("*.json"))[:_TRIED])


def read_regions(path: Path, options: ReadOptions) -> Content:
    """The crops of a folder, each with the fields of its region."""
    folder = _annotations(path)
    assert folder is not None
    return build(path, folder.parent / CROPS, folder, options)


def build(path: Path, crops: Path, annotations: Path, options: ReadOptions) -> Content:
    """The same where crops and annotations lie in folders of any name, both below `options.root`, else one folder."""
    root = options.root or _common(crops, annotations)
    collector = Collector(path, strict=options.strict)
    found: list[Annotated] = []
    for number, file in enumerate(sorted(annotations.glob("*.json")), start=1):
        try:
            found.append(_annotation(number, file, crops, root, options.limits.json_bytes))
        except (Refusal, FormatError) as error:
            collector.reject(None, f"{file.name}: {error.what}", error.remedy)
    return _settled(found, root, collector)


def detect_manifest(path: Path) -> bool:
    """A manifest of invoices, or a folder whose manifest is one; its first row tells."""
    manifest = manifest_of(path) if path.is_dir() else path if path.suffix == ".jsonl" and path.is_file() else None
    if manifest is None:
        return False
    _, line = next(iter(bounded_lines(manifest, 1 << 20)), (0, None))
    try:
        return line is not None and parse(line.removeprefix(b"\xef\xbb\xbf")).keys() >= _KEYS
    except Refusal:
        return False


def read_manifest(path: Path, options: ReadOptions) -> Content:
    """The invoices of a manifest, each with the fields of its ground truth."""
    manifest = manifest_of(path) if path.is_dir() else path
    assert manifest is not None
    root = options.root or manifest.parent
    folder = Folder(root)
    collector = Collector(manifest, strict=options.strict)
    found: list[Annotated] = []
    for number, line in bounded_lines(manifest, options.limits.manifest_line_bytes):
        try:
            if line is None:
                raise Refusal("the line is too long", "raise limits.manifest_line_bytes if it is right")
            if line.strip():
                row = parse(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
                found.append(_invoice(number, row, folder, options.limits.json_bytes))
        except (Refusal, FormatError) as error:
            collector.reject(number, error.what, error.remedy)
    return _settled(found, root, collector)


def _annotations(path: Path) -> Path | None:
    if not path.is_dir():
        return None
    inside = path / ANNOTATIONS
    return inside if inside.is_dir() else path if (path.parent / CROPS).is_dir() else None


def _common(crops: Path, annotations: Path) -> Path:
    return next(one for one in (crops, *crops.parents) if annotations.is_relative_to(one))


def _is_annotation(file: Path) -> bool:
    beginning = head(file)
    return b'"region"' in beginning and b'"fields"' in beginning


def _annotation(number: int, file: Path, crops: Path, root: Path, limit: int) -> Annotated:
    content: Row = load(file, dict, limit)
    region, fields = part(content, "region", str), part(content, "fields", dict)
    if region == PAGE:
        raise Refusal("names no region", f"use {', '.join(REGIONS)}")
    names_of(region)
    inside = crops.relative_to(root).as_posix()
    named = content.get("image")
    names = [named] if isinstance(named, str) else [f"{file.stem}{end}" for end in IMAGE_SUFFIXES]
    there = [name for name in names if (crops / name).is_file()]
    if len(there) != 1:
        what = f"has no crop {names[0]!r}" if not there else f"has {len(there)} crops: {', '.join(there)}"
        raise Refusal(f"{what} in {crops}", "put one picture of the same name there")
    document = file.stem.removesuffix(f"_{region}")
    further = {"group": document, **{key: value for key, value in content.items() if key not in _GIVEN}}
    image = there[0] if inside == "." else f"{inside}/{there[0]}"
    return Annotated(number, file.stem, image, region, fields, further)


def _invoice(number: int, row: Row, folder: Folder, limit: int) -> Annotated:
    place = folder.find(row.get("ground_truth_path"), "ground_truth_path")
    image = row.get("image_path")
    folder.find(image, "image_path")
    try:
        truth: Any = json.loads(place.read_bytes()) if place.stat().st_size <= limit else None
    except (ValueError, RecursionError) as error:
        raise Refusal(f"the ground truth {row['ground_truth_path']!r} is not JSON ({error})") from error
    if isinstance(truth, list) and len(truth) == 1:
        truth = truth[0]
    if not isinstance(truth, dict):
        raise Refusal(f"the ground truth {row['ground_truth_path']!r} is no JSON object within the limits")
    name = str(row.get("invoice_id") or Path(str(image)).stem)
    further = {"group": name, **{key: value for key, value in row.items() if key not in _GIVEN}}
    return Annotated(number, name, str(image), PAGE, truth, further)


def _settled(found: Sequence[Annotated], root: Path, collector: Collector) -> Content:
    """The samples of annotations, without those that contradict the schema, their region, or each other."""
    folder = Folder(root)
    mark, order = conventions(text for one in found for text in _texts(one.fields))
    kept: list[tuple[Annotated, Row]] = []
    for one in found:
        try:
            kept.append((one, _fields(one, collector, mark=mark, order=order)))
        except (Refusal, FormatError) as error:
            collector.reject(one.number, f"{one.name}: {error.what}", error.remedy)
    for one, fields in _agreeing(kept, collector):
        row = {"id": one.name, "image": one.image, **one.further, "fields": fields}
        row |= {"region": one.region} if one.region else {}
        try:
            collector.add(sample_of_row(row, folder, collector, one.number), one.number)
        except Refusal as refusal:
            collector.reject(one.number, f"{one.name}: {refusal.what}", refusal.remedy)
    return collector.content()


def _fields(one: Annotated, collector: Collector, **way: Any) -> Row:
    """The fields under the names of the schema. Raises Refusal for what cannot be."""
    read = read_document(one.fields, **way)
    if read.faults:
        fault = read.faults[0]
        raise Refusal(f"field {fault.path}: {fault.what}", "correct it, or leave it out")
    values = read.document.values()
    if not values:
        raise Refusal("has no fields", "name what stands there, or leave it out")
    for name, own in strangers(values, one.region).items():
        close = difflib.get_close_matches(name, names_of(one.region), n=1)
        hint = f"did you mean {close[0]!r}" if close else f"use {', '.join(names_of(one.region))}"
        where = f"is a field of {own}, not of {one.region}" if own else "is a field that the schema does not know"
        raise Refusal(f"{name!r} {where}", "annotate the other region" if own else hint)
    if not set(values) & set(EVERY):
        raise Refusal(f"none of {', '.join(sorted(values))[:120]} is a field that the schema knows")
    for given, known in (read.renamed or {}).items():
        collector.note(one.number, f"{one.name}: field {given!r} was taken for {known!r}")
    return values


def _agreeing(found: Sequence[tuple[Annotated, Row]], collector: Collector) -> Iterator[tuple[Annotated, Row]]:
    """Those that do not contradict another one of the same picture and region, or of the same name."""
    alike: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for at, (one, _) in enumerate(found):
        alike["name", one.name, one.region].append(at)
        alike["picture", one.image, one.region].append(at)
    out: set[int] = set()
    for (kind, shown, _), places in alike.items():
        first, *others = places
        differ = [at for at in others if found[at][1] != found[first][1]]
        for at in others:
            this, that = found[at][0], found[first][0]
            end = "with other fields" if differ else "with the same fields"
            remedy = "all of them are left out: keep the right one" if differ else "remove one of them"
            if at not in out:
                what = f"{this.name}: the {kind} {shown!r} is annotated before, by {that.name} ({that.number}), {end}"
                collector.reject(this.number, what, remedy)
            out.add(at)
        if differ and first not in out:
            out.add(first)
            what = f"{found[first][0].name}: the {kind} {shown!r} is annotated again, with other fields"
            collector.reject(found[first][0].number, what, "all of them are left out: keep the right one")
    return (one for at, one in enumerate(found) if at not in out)


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
