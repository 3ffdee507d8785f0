"""The manifest: one JSON object a line.

    {"image": "images/001.jpg", "text": "Je suis reçu", "split": "train", "page": "B.12_0048", "language": "fr"}

Keys: `image` or `pdf` (relative to the file, inside its folder), `frame` (page of a PDF or TIFF, from 0), `crop`
(outline that the sample is cut from), `text`, `fields`, `lines`/`boxes`/`plates` (regions of a page, each with `text`
and `poly`, `polygon` or `box`), `split`, `group`/`document`/`page` (the first that is there must never be split),
`language`, `subset`, `origin`, `source`, `id`. Every other key is an attribute and can be a slice.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..tools.files import write_text
from ..types import UNKNOWN_LANGUAGE, Origin, Polygon, Sample, Split
from .base import (
    Collector,
    Content,
    Folder,
    ReadOptions,
    Refusal,
    bounded_lines,
    clean_text,
    label,
    outline,
)
from .images import place_file, place_line

REGIONS = ("lines", "boxes", "plates")
"""Keys that hold the regions of a page."""

LARGE = 24_000_000
"""Manifests of more bytes are not held as samples: `scan` notes where each row stands (see `rows`)."""

BOM = b"\xef\xbb\xbf"

_OWN = frozenset(
    {
        "id",
        "image",
        "pdf",
        "frame",
        "crop",
        "text",
        "fields",
        "split",
        "group",
        "language",
        "subset",
        "origin",
        "source",
    }
)
_SPLITS = {str(split): split for split in Split}
_ORIGINS = {str(origin): origin for origin in Origin}


def detect(path: Path) -> bool:
    """A `.jsonl` file, or a folder with one."""
    return path.suffix == ".jsonl" if path.is_file() else manifest_of(path) is not None


def manifest_of(folder: Path) -> Path | None:
    """The one manifest of a folder: its only `.jsonl`, else `manifest.jsonl`, else `lines.jsonl`; None when unclear."""
    found = sorted(path for path in folder.glob("*.jsonl") if path.is_file() and path.name != "metadata.jsonl")
    if len(found) == 1:
        return found[0]
    return next((path for name in ("manifest.jsonl", "lines.jsonl") for path in found if path.name == name), None)


def read(path: Path, options: ReadOptions) -> Content:
    """Samples of a manifest file, or of the manifest in a folder."""
    manifest = path if path.is_file() else manifest_of(path)
    if manifest is None:
        raise FileNotFoundError(path)
    if options.unit == "row" and manifest.stat().st_size > LARGE:
        from .scan import scan

        return scan(manifest, options)
    collector = Collector(manifest, strict=options.strict)
    folder = Folder(options.root or manifest.parent)
    limit = options.limits.manifest_line_bytes
    for number, line in bounded_lines(manifest, limit):
        try:
            if line is None:
                raise Refusal(
                    f"the line is longer than {limit:,} bytes", "raise limits.manifest_line_bytes if it is right"
                )
            if line.strip():
                row = parse(line.removeprefix(BOM) if number == 1 else line)
                for sample in samples_of_row(row, folder, options, collector, number):
                    collector.add(sample, number)
        except Refusal as refusal:
            collector.reject(number, refusal.what, refusal.remedy)
    return collector.content()


def parse(line: bytes) -> dict[str, Any]:
    """One row. Raises Refusal unless it is an object of strict JSON: UTF-8, finite numbers."""
    try:
        row = DECODER.decode(line.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Refusal(f"byte {error.start + 1} of the line is not UTF-8", "save the file as UTF-8") from error
    except RecursionError as error:
        raise Refusal("the line is nested too deeply") from error
    except json.JSONDecodeError as error:
        raise Refusal(
            f"not JSON ({error.msg} at character {error.pos + 1})", "one JSON object stands on each line"
        ) from error
    except ValueError as error:
        raise Refusal(f"not JSON ({error})") from error
    if not isinstance(row, dict):
        raise Refusal("the line is JSON but not an object", 'a row is {"image": ..., "text": ...}')
    return row


def _not_finite(word: str) -> float:
    raise Refusal(f"{word} is not a number in JSON", "remove it")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise Refusal(f"the number {digits[:40]} is too large")
    return number


DECODER = json.JSONDecoder(parse_constant=_not_finite, parse_float=_finite)


def samples_of_row(
    row: dict[str, Any], folder: Folder, options: ReadOptions, collector: Collector, number: int
) -> Iterator[Sample]:
    """The sample of a row, or with `unit="line"` one for each of its regions. Raises Refusal."""
    sample = sample_of_row(row, folder, collector, number)
    regions = next(((key, row[key]) for key in REGIONS if isinstance(row.get(key), list)), None)
    if options.unit == "row" or regions is None:
        yield sample
        return
    key, entries = regions
    for index, entry in enumerate(entries):
        try:
            region, changed = _region(sample, entry, f"{key}[{index}]", index)
            if changed:
                collector.note(number, f"{region.id}: the text was not NFC and was normalised")
            yield region
        except Refusal as refusal:
            collector.reject(number, refusal.what, refusal.remedy)


def sample_of_row(row: dict[str, Any], folder: Folder, collector: Collector, number: int) -> Sample:
    """The sample of one row. Raises Refusal with the first thing that is wrong in it."""
    key = "image" if "image" in row else "pdf"
    if key not in row:
        raise Refusal("neither 'image' nor 'pdf' is given", "name the image of this row")
    image = folder.find(row[key], key)
    others = row.get("images")
    for other in others if isinstance(others, list) else ():
        folder.find(other, "images")
    text, changed = (None, False) if row.get("text") is None else clean_text(row["text"])
    if changed:
        collector.note(number, "the text was not NFC and was normalised")
    fields = row.get("fields")
    if fields is not None and not isinstance(fields, dict | list):
        raise Refusal("'fields' is not an object")
    if text == "" and (fields is not None or key == "pdf"):
        text = None
    frame = row.get("frame", 0)
    if isinstance(frame, bool) or not isinstance(frame, int) or frame < 0:
        raise Refusal("'frame' is not a page number counted from 0")
    crop = outline(row["crop"], "crop") if row.get("crop") is not None else None
    return Sample(
        id=_id(row["id"]) if "id" in row else _name(row[key], frame, crop),
        image=image,
        frame=frame,
        polygon=crop,
        text=text,
        fields={"records": fields} if isinstance(fields, list) else fields,
        language=label(row["language"], "language") if "language" in row else UNKNOWN_LANGUAGE,
        subset=label(row["subset"], "subset") if "subset" in row else "",
        group=_group(row),
        split=_member(row, "split", _SPLITS),
        origin=_member(row, "origin", _ORIGINS) or Origin.GOLD,
        source=clean_text(row["source"], "source")[0] if row.get("source") else "",
        attributes={sys.intern(name): _intern(value) for name, value in row.items() if name not in _OWN},
    )


def _region(page: Sample, entry: object, key: str, index: int) -> tuple[Sample, bool]:
    if not isinstance(entry, dict):
        raise Refusal(f"{key} is not an object")
    place = next((entry[name] for name in ("poly", "polygon", "box") if name in entry), None)
    if place is None:
        raise Refusal(f"{key} has neither 'poly' nor 'box'")
    text, changed = (None, False) if entry.get("text") is None else clean_text(entry["text"], f"{key}.text")
    inherited = {name: value for name, value in page.attributes.items() if name not in REGIONS and _is_scalar(value)}
    own = {sys.intern(name): value for name, value in entry.items() if name not in ("text", "poly", "polygon", "box")}
    sample = Sample(
        id=f"{page.id}:{index}",
        image=page.image,
        frame=page.frame,
        polygon=outline(place, key),
        text=text,
        language=page.language,
        subset=page.subset,
        group=page.group,
        split=page.split,
        origin=page.origin,
        source=page.source,
        attributes={**inherited, "line": index, **own},
    )
    return sample, changed


def _id(value: object) -> str:
    """As `label`, but not kept: ids are many, and each is used once."""
    return clean_text(value, "id")[0] if isinstance(value, str) else label(value, "id")


def _name(image: str, frame: int, crop: Polygon | None) -> str:
    name = f"{image}#{frame}" if frame else image
    return f"{name}@{','.join(f'{x:g},{y:g}' for x, y in crop)}" if crop else name


def _group(row: Mapping[str, Any]) -> str:
    for key in ("group", "document", "page"):
        if row.get(key) not in (None, ""):
            return label(row[key], key)
    return ""


def _member(row: Mapping[str, Any], key: str, members: Mapping[str, Any]) -> Any:
    value = row.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or value not in members:
        raise Refusal(f"{key} {str(value)[:60]!r} is unknown", f"use {', '.join(members)}")
    return members[value]


def _intern(value: Any) -> Any:
    return sys.intern(value) if isinstance(value, str) and len(value) < 64 else value


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float | bool)


def write(samples: Sequence[Sample], target: Path) -> Path:
    """`manifest.jsonl` and `images/` into the folder `target`; parts of images are cut out. Returns the manifest."""
    manifest = target / "manifest.jsonl"
    used: set[str] = set()
    placed: dict[Path, Path] = {}
    lines = []
    for sample in samples:
        if sample.polygon is not None:
            image, kept = place_line(sample, target / "images", used), replace(sample, polygon=None, frame=0)
        else:
            if sample.image not in placed:
                placed[sample.image] = place_file(sample.image, target / "images", used)
            image, kept = placed[sample.image], sample
        lines.append(row_text(to_row(kept, image.relative_to(target).as_posix())))
    write_text(manifest, "".join(lines))
    return manifest


def row_text(row: Mapping[str, Any]) -> str:
    """One line of a manifest, with its end."""
    return json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n"


def to_row(sample: Sample, image: str) -> dict[str, Any]:
    """The manifest row of a sample, without keys that say nothing."""
    row: dict[str, Any] = {"id": sample.id, "image": image}
    if sample.frame:
        row["frame"] = sample.frame
    if sample.polygon is not None:
        row["crop"] = [list(point) for point in sample.polygon]
    for key, value in (("text", sample.text), ("fields", sample.fields), ("split", sample.split)):
        if value is not None:
            row[key] = str(value) if key == "split" else value
    for key, word, default in (
        ("group", sample.group, ""),
        ("language", sample.language, UNKNOWN_LANGUAGE),
        ("subset", sample.subset, ""),
        ("origin", str(sample.origin), str(Origin.GOLD)),
        ("source", sample.source, ""),
    ):
        if word != default:
            row[key] = word
    return row | {key: value for key, value in sample.attributes.items() if key not in row}
