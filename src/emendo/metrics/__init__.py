"""Alignment counts, rates, intervals, and author effort."""

from .align import Confusion, Counts, Span, confusions, corpus_counts, counts, spans, total
from .bootstrap import Interval, Paired, paired_bootstrap, ratio_interval, wilson
from .effort import Effort, effort, line_effort
from .table import METRICS, Better, Metric, Pairs, measure, metric

__all__ = [
    "METRICS",
    "Better",
    "Confusion",
    "Counts",
    "Effort",
    "Interval",
    "Metric",
    "Paired",
    "Pairs",
    "Span",
    "confusions",
    "corpus_counts",
    "counts",
    "effort",
    "line_effort",
    "measure",
    "metric",
    "paired_bootstrap",
    "ratio_interval",
    "spans",
    "total",
    "wilson",
]
