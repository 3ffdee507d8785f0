"""The card of the flow `batch`: how much was read, how sure, and what could not be read."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from ...errors import EmendoError
from ...evaluate.boards import html
from ...evaluate.page import direction, figure_cards, html_page, image_tag
from ...image.load import read_image
from ...settings import Limits
from . import plots

SHOWN, BINS = 20, 20


def batch_card(readings: Path, result: Mapping[str, Any], *, limits: Limits | None = None) -> str:
    """The page of a batch; `readings` is its merged file, read once, row by row."""
    bins: Counter[int] = Counter()
    least: list[tuple[float, int, dict[str, Any]]] = []
    with readings.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            for one in () if "error" in row else row.get("lines", [row]):
                sure = float(one["confidence"])
                bins[min(BINS - 1, int(sure * BINS))] += 1
                entry = (-sure, -bins.total(), {**row, "text": one["text"], "confidence": sure})
                (heapq.heappush if len(least) < SHOWN else heapq.heappushpop)(least, entry)
    per_second = result["items_now"] / result["seconds"] if result["seconds"] else 0.0
    cards = [
        ("Read", f"{result['read']:,}", f"of {result['items']:,}; {result['lines']:,} lines"),
        ("Not read", f"{result['failed']:,}", "each with its sentence below"),
        ("Shards", f"{result['shards']:,}", f"{result['shards_now']:,} of them now, the others before"),
        ("A second", f"{per_second:.1f}" if per_second else "–", f"{result['seconds']:.0f} s of reading now"),
        ("Processes that died", f"{result['deaths']:,}", "what they had was read by others"),
    ]
    counted = [(f"{at / BINS:.2f}", float(bins[at])) for at in range(BINS)]
    body = [
        "<h1>Batch reading</h1>",
        f'<p class="soft">model {escape(str(result["model"]))}</p>',
        figure_cards(cards),
        "<h2>How sure the model is</h2>",
        plots.columns(counted if bins else [], across="confidence of a line", up="lines"),
        _failures(result["failures"]),
        f"<h2>The {len(least)} least sure lines</h2>" if least else "",
        *(_line(row, limits) for _, _, row in sorted(least, key=lambda entry: (-entry[0], -entry[1]))),
    ]
    return html_page("Batch reading", body, html.STYLE + plots.STYLE)


def _failures(sentences: list[str]) -> str:
    if not sentences:
        return ""
    shown = "".join(f'<li><bdi dir="auto">{escape(one)}</bdi></li>' for one in sentences[:100])
    more = f"<p class='soft'>and {len(sentences) - 100:,} more</p>" if len(sentences) > 100 else ""
    return f"<h2>Not read ({len(sentences):,})</h2><ul>{shown}</ul>{more}"


def _line(row: Mapping[str, Any], limits: Limits | None) -> str:
    picture = ""
    if "page" not in row:
        try:
            picture = image_tag(read_image(Path(row["file"]), limits))
        except EmendoError:  # moved since it was read: its text is still worth showing
            picture = ""
    head = f"<span>{escape(str(row['id']))}</span><span>confidence {row['confidence']:.2f}</span>"
    text = f'<p dir="{direction(row["text"])}">{escape(row["text"]) or "–"}</p>'
    return f"<article><header>{head}</header>{picture}{text}</article>"
