"""The errors of the models of several rounds as a picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

COLORS = ("#2f6ba8", "#c0392b", "#2e8b57", "#8e44ad")


def draw_rounds(rounds: Sequence[Mapping[str, tuple[int, int]]]) -> bytes:
    """PNG: for each set the errors of the model in use at the start and after each round.

    A round gives for each set the errors before and after it.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    names = list(dict.fromkeys(name for one in rounds for name in one))
    for at, name in enumerate(names):
        known = [(number, one[name]) for number, one in enumerate(rounds, 1) if name in one]
        first, (before, _) = known[0]
        points = [(first - 1, before), *((number, after) for number, (_, after) in known)]
        axes.plot(
            [number for number, _ in points],
            [errors for _, errors in points],
            color=COLORS[at % len(COLORS)],
            marker="o",
            label=name,
        )
    axes.set_xlabel("rounds of mining")
    axes.set_ylabel("values wrong, missed or invented")
    axes.set_xticks(range(len(rounds) + 1))
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color="#ececec")
    axes.set_axisbelow(True)
    if names:
        axes.legend(frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()
