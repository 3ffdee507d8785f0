"""Label Studio (HumanSignal, 1.x): its JSON as it is exported and imported, for lines on page images.

A task is a page: `data.ocr` names its image. A line is up to three results of one id: its outline (`rectangle` or
`polygon`, in percent of the image), its label, its text (`textarea`). What a model read are `predictions`, what people
said are `annotations`, of which the last that was not cancelled holds. What Label Studio has no place for stands under
`emendo` in the `meta` of tasks and results, which it gives back.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..errors import FormatError
from ..settings import Limits
from ..types import Point, Polygon, Reading, Verdict
from .base import Refusal, Reject, clean_text, closed
from .known import known_row, page_row, with_known, with_page
from .layout import LayoutLine, LayoutRegion, PageLayout

TASKS, CONFIG = "tasks.json", "label_config.xml"
IMAGE, OUTLINE, LABEL, TEXT = "ocr", "outline", "label", "transcription"
LINE, SKIPPED, UNREADABLE = "Line", "Skipped", "Unreadable"
"""Labels of a line: as any, passed over, not to be read by anybody."""

INTERFACE = f"""<View>
  <Image name="image" value="${IMAGE}" zoom="true" zoomControl="true"/>
  <Labels name="{LABEL}" toName="image">
    <Label value="{LINE}" background="#2f5d8c"/>
    <Label value="{SKIPPED}" background="#8a8578"/>
    <Label value="{UNREADABLE}" background="#a3241c"/>
  </Labels>
  <Polygon name="{OUTLINE}" toName="image" strokeWidth="2"/>
  <Rectangle name="box" toName="image" strokeWidth="2"/>
  <TextArea name="{TEXT}" toName="image" editable="true" perRegion="true" rows="1" displayMode="region-list"/>
</View>
"""
"""The labelling interface that shows these tasks."""

_VERDICT_LABELS = {Verdict.SKIPPED: SKIPPED, Verdict.UNREADABLE: UNREADABLE}
_UPLOADED = re.compile(r"^[0-9a-f]{8}-")
_PLACES = 6
"""Decimals of a pixel that survive being written as percent."""


def tasks_of(pages: Sequence[PageLayout], image: str = "{}") -> list[dict[str, Any]]:
    """One task a page. `image` makes the address of a page's picture from its file name."""
    return [_task(number, page, image.format(page.image)) for number, page in enumerate(pages, start=1)]


def _task(number: int, page: PageLayout, address: str) -> dict[str, Any]:
    lines = [(line, line.unit or line.id or f"line_{at}") for at, line in enumerate(page.lines())]
    read: list[dict[str, Any]] = []
    said: list[dict[str, Any]] = []
    for line, key in lines:
        machine = line.reading.text if line.reading is not None else line.text if line.confidence is not None else None
        if machine is not None:
            read += _results(page, line, key, LINE, machine)
        verdict = line.history[-1].verdict if line.history else line.verdict
        if line.history or line.confidence is None:
            label = _VERDICT_LABELS.get(verdict, LINE) if verdict else LINE
            said += _results(page, line, key, label, line.text)
    models = sorted({line.reading.model for line, _ in lines if line.reading is not None})
    task: dict[str, Any] = {"id": number, "data": {IMAGE: address}, "predictions": [], "annotations": []}
    if read:
        task["predictions"] = [{"model_version": " ".join(models), "result": read}]
    if said:
        task["annotations"] = [{"was_cancelled": False, "result": said}]
    known = {"page": page_row(page), "custom": page.custom, "lines": [key for _, key in lines]}
    task["meta"] = {"emendo": {key: value for key, value in known.items() if value}}
    return task


def _results(page: PageLayout, line: LayoutLine, key: str, label: str, text: str | None) -> list[dict[str, Any]]:
    """The results of one line; what only we know stands at its outline."""
    points = [[100 * x / page.width, 100 * y / page.height] for x, y in line.polygon]
    place = {"points": points, "closed": True}
    own = {
        "line_id": line.id,
        "type": line.type,
        "custom": line.custom,
        "baseline": [list(point) for point in line.baseline],
        "known": known_row(line),
    }
    common = {
        "id": key,
        "to_name": "image",
        "original_width": page.width,
        "original_height": page.height,
        "image_rotation": 0,
    }
    meta = {"emendo": {name: value for name, value in own.items() if value}}
    found: list[dict[str, Any]] = [
        {**common, "type": "polygon", "from_name": OUTLINE, "value": place, "meta": meta},
        {**common, "type": "labels", "from_name": LABEL, "value": {**place, "labels": [label]}},
    ]
    if text is not None:
        found.append({**common, "type": "textarea", "from_name": TEXT, "value": {**place, "text": [text]}})
    return found


def is_tasks(path: Path) -> bool:
    """Whether a file may hold tasks: a `.json` file that begins with a list of objects."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    with path.open("rb") as stream:
        return re.match(rb"(\xef\xbb\xbf)?\s*\[\s*\{", stream.read(4096)) is not None


def read_tasks(path: Path, limits: Limits | None = None) -> tuple[list[PageLayout], list[Reject]]:
    """The pages of an exported file, and the tasks that had to be left out. Raises FormatError when it is no such file.

    `image` of a page is the last part of the address that its task names; no address is ever followed.
    """
    limits = limits or Limits()
    size = path.stat().st_size
    if size > limits.json_bytes:
        raise FormatError(f"is {size:,} bytes long, the limit is {limits.json_bytes:,}", where=path)
    try:
        tasks = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"is not JSON ({str(error)[:100]})", where=path) from error
    if not isinstance(tasks, list):
        raise FormatError("holds no list of tasks", where=path, remedy="export as JSON in Label Studio")
    pages: list[PageLayout] = []
    rejects: list[Reject] = []
    for number, task in enumerate(tasks, start=1):
        try:
            pages.append(_page(task))
        except Refusal as refusal:
            rejects.append(Reject(path, None, f"task {number}: {refusal.what}", refusal.remedy))
    return pages, rejects


def _page(task: object) -> PageLayout:
    if not isinstance(task, dict) or not isinstance(task.get("data"), dict):
        raise Refusal("has no 'data'", "export as JSON in Label Studio, not as another format")
    read = _regions(_list(_latest(task.get("predictions"))))
    annotation = _latest(task.get("annotations", task.get("completions")))
    said = _regions(_list(annotation))
    if not read and not said:
        raise Refusal("has no outline of a line")
    width, height = next(region.size for region in (*said.values(), *read.values()))
    author = _author(annotation)
    meta = _own(task)
    order = {str(key): at for at, key in enumerate(_plain_list(meta.get("lines")))}
    lines = []
    for key in sorted({**said, **read}, key=lambda key: order.get(key, len(order))):
        region = said.get(key) or read[key]
        machine = read[key].text if key in read else None
        lines.append(_line(key, region, machine, author, judged=key in said))
    page = PageLayout(
        image=_name(task["data"]),
        width=width,
        height=height,
        regions=(LayoutRegion(lines=tuple(lines)),),
        custom=clean_text(meta.get("custom") or "", "custom")[0],
    )
    return with_page(page, meta.get("page"))


class _Region:
    """The results of one id."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.polygon: Polygon = ()
        self.text: str | None = None
        self.labels: list[str] = []
        self.meta: Mapping[str, Any] = {}


def _regions(results: Iterable[Any]) -> dict[str, _Region]:
    """What the results say, by their ids; only those that have an outline. Raises Refusal."""
    found: dict[str, _Region] = {}
    for one in results:
        if not isinstance(one, dict) or not isinstance(one.get("value"), dict):
            continue
        value, size = one["value"], (_pixels(one, "original_width"), _pixels(one, "original_height"))
        key = str(one.get("id") or len(found))
        region = found.setdefault(key, _Region(size))
        polygon = _outline(value, region.size)
        region.polygon = region.polygon or polygon
        for name, texts in value.items():
            if name.endswith("labels") and isinstance(texts, list):
                region.labels += [str(text) for text in texts]
        if "text" in value:
            texts = value["text"] if isinstance(value["text"], list) else [value["text"]]
            region.text = " ".join(clean_text(text, "text")[0] for text in texts)
        region.meta = _own(one) or region.meta
    return {key: region for key, region in found.items() if region.polygon}


def _outline(value: Mapping[str, Any], size: tuple[int, int]) -> Polygon:
    """The outline in pixels; empty for a result that has none (a choice, a relation)."""
    width, height = size
    if isinstance(value.get("points"), list):
        points = [(_percent(x), _percent(y)) for x, y in _pairs(value["points"])]
        return closed([_scaled(x * width, y * height) for x, y in points], "points")
    if "x" in value and "width" in value and "y" in value and "height" in value:
        left, top = _percent(value["x"]) * width, _percent(value["y"]) * height
        wide, high = _percent(value["width"]) * width, _percent(value["height"]) * height
        angle = math.radians(_finite(value.get("rotation", 0)))
        across, down = (math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))
        corners = ((0.0, 0.0), (wide, 0.0), (wide, high), (0.0, high))
        turned = ((left + a * across[0] + b * down[0], top + a * across[1] + b * down[1]) for a, b in corners)
        return closed([_scaled(*point) for point in turned], "rectangle")
    return ()


def _pairs(points: list[Any]) -> Iterable[tuple[Any, Any]]:
    for point in points:
        if not isinstance(point, list) or len(point) != 2:
            raise Refusal("'points' holds what is not [x, y]")
        yield point[0], point[1]


def _scaled(x: float, y: float) -> Point:
    return round(x, _PLACES), round(y, _PLACES)


def _line(key: str, region: _Region, machine: str | None, author: str, *, judged: bool) -> LayoutLine:
    label = next((one for one in region.labels if one in (SKIPPED, UNREADABLE)), "")
    kind = clean_text(region.meta.get("type") or "", "type")[0]
    others = [one for one in region.labels if one not in (LINE, SKIPPED, UNREADABLE)]
    line = LayoutLine(
        polygon=region.polygon,
        baseline=tuple((_finite(x), _finite(y)) for x, y in _pairs(_plain_list(region.meta.get("baseline")))),
        text=None if label or not region.text else region.text,
        id=clean_text(region.meta.get("line_id") or "", "line_id")[0] if region.meta else key,
        type=kind or (clean_text(others[0], "labels")[0] if others else ""),
        custom=clean_text(region.meta.get("custom") or "", "custom")[0],
        confidence=None if judged else 0.0,
        verdict=Verdict.SKIPPED if label == SKIPPED else Verdict.UNREADABLE if label else None,
        author=author if judged else "",
    )
    known = with_known(line, region.meta.get("known"))
    if known.history and known.history[-1].verdict is known.verdict:
        known = replace(known, verdict=None)
    if known.reading is None and machine is not None:
        known = replace(known, reading=Reading(machine, 0.0, (), ""))
    if not judged and known.reading is not None:
        known = replace(known, confidence=known.reading.confidence)
    return known


def _latest(entries: object) -> Mapping[str, Any]:
    """The last of some annotations or predictions that was not cancelled."""
    kept = [one for one in _plain_list(entries) if isinstance(one, dict) and not one.get("was_cancelled")]
    return max(kept, key=lambda one: str(one.get("updated_at") or one.get("created_at") or ""), default={})


def _list(entry: Mapping[str, Any]) -> list[Any]:
    return _plain_list(entry.get("result"))


def _plain_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _own(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands under `meta.emendo`."""
    meta = entry.get("meta")
    own = meta.get("emendo") if isinstance(meta, dict) else None
    return own if isinstance(own, dict) else {}


def _author(annotation: Mapping[str, Any]) -> str:
    """Who annotated: Label Studio gives a number, or with full export a user with an address."""
    by = annotation.get("completed_by")
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    return clean_text(str(by), "completed_by")[0] if isinstance(by, str | int) and not isinstance(by, bool) else ""


def _name(data: Mapping[str, Any]) -> str:
    """File name of the image: the last part of whichever address the task holds, without the mark of an upload."""
    address = data.get(IMAGE) or data.get("image") or next((v for v in data.values() if isinstance(v, str)), "")
    if not isinstance(address, str) or not address:
        raise Refusal("names no image")
    last = unquote(address.replace("\\", "/")).partition("?d=")
    path = last[2] or last[0].partition("?")[0]
    return _UPLOADED.sub("", path.rpartition("/")[2])


def _pixels(one: Mapping[str, Any], key: str) -> int:
    value = _finite(one.get(key, 0))
    if not 1 <= value <= 1e6:
        raise Refusal(f"{key!r} of a result is no size in pixels")
    return round(value)


def _percent(value: object) -> float:
    return _finite(value) / 100


def _finite(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refusal("a coordinate is not a number")
    return float(value)
