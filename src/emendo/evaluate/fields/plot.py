"""The picture of calibration: the share that is right over the certainty that was told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SIZE, MARGIN = 260, 36


def calibration_plot(bins: Sequence[Mapping[str, Any]]) -> str:
    """SVG: a dot a bin, larger for more values; on the dotted line certainty is what it says."""
    most = max((one["values"] for one in bins), default=0) or 1
    low, high = MARGIN, SIZE - MARGIN
    parts = [
        f'<rect class="axis" x="{low}" y="{low}" width="{high - low}" height="{high - low}" fill="none"/>',
        f'<line class="mark" x1="{low}" y1="{high}" x2="{high}" y2="{low}"/>',
    ]
    for share in (0.0, 0.5, 1.0):
        parts.append(f'<text x="{_x(share):.0f}" y="{SIZE - MARGIN + 16}" text-anchor="middle">{share:g}</text>')
        parts.append(f'<text x="{MARGIN - 6}" y="{_y(share) + 4:.0f}" text-anchor="end">{share:g}</text>')
    for one in bins:
        if one["values"]:
            radius = 3 + 6 * (one["values"] / most) ** 0.5
            at = f'cx="{_x(one["certainty"]):.1f}" cy="{_y(one["right"]):.1f}"'
            title = f"{one['values']} values"
            parts.append(f'<circle class="dot" {at} r="{radius:.1f}"><title>{title}</title></circle>')
    middle = SIZE / 2
    parts.append(f'<text class="label" x="{middle}" y="{SIZE - 4}" text-anchor="middle">certainty</text>')
    turned = f'transform="rotate(-90 12 {middle})"'
    parts.append(f'<text class="label" x="12" y="{middle}" text-anchor="middle" {turned}>right</text>')
    return f'<svg viewBox="0 0 {SIZE} {SIZE}" style="max-width: 22rem" role="img">{"".join(parts)}</svg>'


def _x(share: float) -> float:
    return MARGIN + share * (SIZE - 2 * MARGIN)


def _y(share: float) -> float:
    return SIZE - MARGIN - share * (SIZE - 2 * MARGIN)
