"""The pages of optical and structural compression, and the picture of accuracy over compression."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

from ...metrics.structural import Structural
from ...tools.files import write_json, write_text
from ..page import figure_cards, html_page
from .compression import HOW, AtMode, Optical
from .html import STYLE, name_cell, percent, table, times, with_bounds


def write_optical(folder: Path, made: Optical) -> None:
    """Write `samples.jsonl`, `compression.html`, `compression.svg` and, last, `compression.json`."""
    rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made.samples())
    write_text(folder / "samples.jsonl", rows)
    write_text(folder / "compression.svg", plot(made.modes, alone=True))
    write_text(folder / "compression.html", optical_page(made))
    write_json(folder / "compression.json", made.to_dict())


def optical_page(made: Optical) -> str:
    """HTML: table and picture of all modes."""
    best = max(made.modes, key=lambda one: one.accuracy.value)
    densest = max(made.modes, key=lambda one: one.compression.value)
    cards = [
        ("Best read", percent(best.accuracy.value), f"mode {escape(best.mode)}, {times(best.compression.value)}"),
        (
            "Most compressed",
            times(densest.compression.value),
            f"mode {escape(densest.mode)}, {percent(densest.accuracy.value)} right",
        ),
        ("Text tokens", f"{sum(best.text_tokens):,}", escape(made.tokenizer)),
    ]
    rows = [
        [
            name_cell(one.mode, one.counted if one.counted != one.mode else ""),
            f"{one.vision_tokens / max(len(one.report.lines), 1):,.1f}",
            percent(one.valid / one.vision_tokens if one.vision_tokens else None, 0),
            with_bounds(times(one.compression.value), times(one.compression.low), times(one.compression.high)),
            with_bounds(percent(one.accuracy.value), percent(one.accuracy.low), percent(one.accuracy.high)),
            percent(one.report.counts.exact_rate, 1),
        ]
        for one in made.modes
    ]
    heads = ["Mode", "vision tokens a sample", "seeing", "compression, 95 %", "characters right, 95 %", "no error"]
    samples = len(made.modes[0].report.lines)
    body = [
        "<h1>Optical compression</h1>",
        f'<p class="soft">{escape(made.model)} on <bdi dir="auto">{escape(made.dataset)}</bdi>: '
        f"{samples:,} samples</p>",
        figure_cards(cards),
        f'<div class="plot">{plot(made.modes)}</div>',
        table(heads, rows),
        '<p class="note">Compression is text tokens of the reference / vision tokens of the image; below 1 the image '
        "costs more tokens than its text. Tokens are summed over all samples. “Seeing” is the share of the vision "
        f"tokens that see the image and not padding. Text tokens: {escape(made.tokenizer)}. Every row was read anew. "
        f"{'; '.join(f'<b>{how}</b>: {escape(HOW[how])}' for how in dict.fromkeys(one.counted for one in made.modes))}"
        ".</p>",
    ]
    return html_page(f"Optical compression of {made.model}", body, STYLE)


def plot(modes: Sequence[AtMode], *, alone: bool = False) -> str:
    """Accuracy over compression (logarithmic), one point a mode with its intervals, as SVG; `alone` for a file."""
    width, height, left, right, top, bottom = 680, 340, 64, 24, 18, 48
    xs = [x for one in modes for x in (one.compression.value, one.compression.low, one.compression.high) if x > 0]
    ys = [y for one in modes for y in (one.accuracy.low, one.accuracy.high)]
    x_low, x_high = math.log(min(xs, default=0.1) / 1.3), math.log(max(xs, default=1.0) * 1.5)
    y_low, y_high = min(ys), max(ys)
    pad = max(0.01, 0.12 * (y_high - y_low))
    y_low, y_high = y_low - pad, min(1.0, y_high + pad) if y_high <= 1 else y_high + pad

    def at(ratio: float, share: float) -> tuple[float, float]:
        x = (math.log(max(ratio, 1e-9)) - x_low) / (x_high - x_low)
        y = (share - y_low) / (y_high - y_low)
        return left + min(max(x, 0.0), 1.0) * (width - left - right), height - bottom - y * (height - top - bottom)

    parts = [_axes(at, (x_low, x_high), (y_low, y_high), width - right, height - bottom, left)]
    last = (-99.0, 0.0)
    for one in sorted(modes, key=lambda mode: mode.compression.value):
        x, y = at(one.compression.value, one.accuracy.value)
        below = 18 if x - last[0] < 60 and abs(y - last[1]) < 20 else -8
        last = (x, y)
        x1, y1 = at(one.compression.low, one.accuracy.low)
        x2, y2 = at(one.compression.high, one.accuracy.high)
        parts.append(
            f'<line class="whisker" x1="{x:.1f}" x2="{x:.1f}" y1="{y1:.1f}" y2="{y2:.1f}"/>'
            f'<line class="whisker" x1="{x1:.1f}" x2="{x2:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
            f'<text class="label" x="{x + 9:.1f}" y="{y + below:.1f}">{escape(one.mode)}</text>'
        )
    style = (
        "<style>text{font:12px sans-serif;fill:#6b675f}.label{font-size:13px;fill:#1c1b19}.axis{stroke:#ddd8ce}"
        ".whisker{stroke:#3b6ea8;stroke-width:2}.dot{fill:#3b6ea8}</style>"
        if alone
        else ""
    )
    space = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    told = "; ".join(f"{one.mode}: {times(one.compression.value)}, {percent(one.accuracy.value)}" for one in modes)
    head = f'<svg{space} viewBox="0 0 {width} {height}" role="img"><title>{escape(told)}</title>{style}'
    return f"{head}{''.join(parts)}</svg>"


def _axes(
    at: Callable[[float, float], tuple[float, float]],
    xs: tuple[float, float],
    ys: tuple[float, float],
    right: float,
    bottom: float,
    left: float,
) -> str:
    parts = []
    step = next(one for one in (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 1e9) if (ys[1] - ys[0]) / one <= 6)
    for number in range(math.ceil(ys[0] / step), math.floor(ys[1] / step) + 1):
        y = at(1.0, number * step)[1]
        parts.append(f'<line class="axis" x1="{left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        digits = 1 if step < 0.01 else 0
        parts.append(
            f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{100 * number * step:.{digits}f} %</text>'
        )
    for power in range(-4, 4):
        for tick in (1, 2, 5):
            ratio = tick * 10.0**power
            if xs[0] <= math.log(ratio) <= xs[1]:
                x = at(ratio, ys[0])[0]
                parts.append(f'<line class="axis" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>')
                parts.append(f'<text x="{x:.1f}" y="{bottom + 19}" text-anchor="middle">{ratio:g}x</text>')
    middle = (left + right) / 2
    parts.append(
        f'<text x="{middle}" y="{bottom + 40}" text-anchor="middle">text tokens / vision tokens (logarithmic); '
        "up: characters right</text>"
    )
    return "".join(parts)


def structural_page(name: str, found: Structural) -> str:
    """HTML of the structural compression of a corpus: both ratios, beside zlib."""
    rows = [
        [
            name_cell("Signatures alone", "the text cannot be had back from them"),
            f"{found.signature_size:,}",
            f"{found.signature_ratio:.2f}x",
            '<span class="bad">no</span>',
        ],
        [
            name_cell("What reconstruction needs", "signatures, table of windows, exceptions"),
            f"{found.stored:,}",
            f"<b>{found.stored_ratio:.2f}x</b>",
            _came_back(found.exact),
        ],
        [
            name_cell(f"The same, then zlib (level {found.zlib_level})"),
            f"{found.stored_zlib:,}",
            f"<b>{found.stored_zlib_ratio:.2f}x</b>",
            _came_back(found.exact),
        ],
        [
            name_cell(f"zlib alone (level {found.zlib_level})", "no windows, no signatures"),
            f"{found.plain_zlib:,}",
            f"<b>{found.zlib_ratio:.2f}x</b>",
            _came_back(True),
        ],
    ]
    cards = [
        ("Text", f"{found.original:,}", "bytes of UTF-8"),
        ("Windows", f"{found.windows:,}", f"of {found.window} bytes, one every {found.stride}"),
        ("Different signatures", f"{found.signatures:,}", f"{found.exceptions:,} windows shared one wrongly"),
    ]
    body = [
        "<h1>Structural compression</h1>",
        f'<p class="soft"><bdi dir="auto">{escape(name)}</bdi></p>',
        figure_cards(cards),
        table(["What is kept", "bytes", "ratio", "text comes back"], rows),
        f'<p class="note">The first ratio is arithmetic and no measurement: every window pays {found.signature_bytes} '
        f"bytes for {found.stride} new ones, so any text of any content gives about {found.stride} / "
        f"{found.signature_bytes} = {found.arithmetic:.1f}. The second counts everything that was needed to rebuild "
        "the text here, byte for byte.</p>",
    ]
    return html_page(f"Structural compression of {name}", body, STYLE)


def _came_back(exact: bool) -> str:
    return '<span class="good">yes, every byte</span>' if exact else '<span class="bad">no</span>'
