"""Alignment counts, rates, intervals, and author effort."""

from .align import Confusion, Counts, Span, confusions, corpus_counts, counts, spans, total
from .bootstrap import Interval, Paired, paired_bootstrap, ratio_interval
from .effort import Effort, effort, line_effort

__all__ = [
    "Confusion",
    "Counts",
    "Effort",
    "Interval",
    "Paired",
    "Span",
    "confusions",
    "corpus_counts",
    "counts",
    "effort",
    "line_effort",
    "paired_bootstrap",
    "ratio_interval",
    "spans",
    "total",
]
