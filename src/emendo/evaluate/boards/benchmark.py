"""A benchmark table from the reports of several models: Markdown to paste, JSON for programs.

One table for each data set and part, best model first by its first figure; each model is set against the first on the
same samples in pairs. Of documents a second table shows each field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...metrics.table import Better
from .results import Difference, Results, Told

FORMAT = "emendo-benchmark/1"


@dataclass(frozen=True)
class Row:
    """One model; `against` is its difference from the first row, None for the first and where it cannot be told."""

    results: Results
    against: Difference | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        held, summary = self.results, self.results.summary
        return {
            "model": held.model,
            "report": str(held.folder),
            "samples": held.whole.samples,
            "left_out": held.left_out,
            "figures": _figures(held.whole.figures),
            "parts": {
                name: {value: {"samples": one.samples, **_figures(one.figures)} for value, one in values.items()}
                for name, values in held.parts.items()
            },
            "milliseconds": held.milliseconds,
            "size": (summary.size or None) if summary else None,
            "processor": summary.processor if summary else "",
            "against_first": _difference(self.against),
        }


@dataclass(frozen=True)
class Bench:
    """The models on one part of one data set, best first."""

    noun: str
    dataset: str
    dataset_hash: str
    split: str
    rows: tuple[Row, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "noun": self.noun,
            "dataset": self.dataset,
            "dataset_hash": self.dataset_hash,
            "split": self.split,
            "rows": [row.to_dict() for row in self.rows],
        }

    def markdown(self) -> list[str]:
        """Heading, table, and for documents the table of fields."""
        part = f", part {self.split}" if self.split else ""
        names = list(dict.fromkeys(name for row in self.rows for name in row.results.whole.figures))
        told = [f"## {_cell(self.dataset)}{_cell(part)}", "", f"{self._counts()}; hash `{self.dataset_hash}`.", ""]
        heads = ["model", *names, "against the first (95 %)", "ms", "MB"]
        told += _table(heads, (self._row(row, names) for row in self.rows))
        fields = list(dict.fromkeys(name for row in self.rows for name in row.results.parts.get("field", {})))
        if fields:
            heads = ["field", *(f"{_cell(row.results.model)}, F1" for row in self.rows)]
            told += ["", *_table(heads, (self._field(name) for name in fields))]
        return [*told, ""]

    def _counts(self) -> str:
        counts = sorted({row.results.whole.samples for row in self.rows})
        return f"{' or '.join(map(str, counts))} {self.noun}"

    def _row(self, row: Row, names: Sequence[str]) -> list[str]:
        held = row.results
        size = held.summary.size if held.summary else 0
        return [
            _cell(held.model),
            *(_shown(held.whole.figures.get(name)) for name in names),
            "" if row is self.rows[0] else _against(row.against),
            "" if held.milliseconds is None else f"{held.milliseconds:.1f}",
            f"{size / 1e6:.1f}" if size else "",
        ]

    def _field(self, name: str) -> list[str]:
        parts = [row.results.parts.get("field", {}).get(name) for row in self.rows]
        return [f"`{name}`", *(_shown(part.figures.get("f1")) if part else "" for part in parts)]


@dataclass(frozen=True)
class Benchmark:
    """All tables, the one with most models first."""

    benches: tuple[Bench, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"format": FORMAT, "benches": [one.to_dict() for one in self.benches]}

    def markdown(self) -> str:
        """All tables as one text."""
        note = "Brackets are 95 % intervals. Differences are paired, below 0 is better than the first."
        return "\n".join([row for one in self.benches for row in one.markdown()] + [note]) + "\n"


def benchmark(reports: Sequence[Results]) -> Benchmark:
    """The tables of some reports; of several of one model on one data set the last holds."""
    by_data: dict[tuple[str, str, str], dict[str, Results]] = {}
    for one in reports:
        by_data.setdefault(one.data, {})[one.model] = one
    benches = [_bench(list(models.values())) for models in by_data.values()]
    return Benchmark(tuple(sorted(benches, key=lambda one: -len(one.rows))))


def _bench(models: Sequence[Results]) -> Bench:
    first, *rest = sorted(models, key=_rank)
    rows = (Row(first), *(Row(one, one.against(first)) for one in rest))
    return Bench(first.noun, first.dataset, first.dataset_hash, first.split, rows)


def _rank(results: Results) -> tuple[float, str]:
    """By the first figure in its right direction, then by name."""
    told = next(iter(results.whole.figures.values()), None)
    if told is None:
        return float("inf"), results.model
    return (1 if told.figure.better is Better.LOWER else -1) * told.figure.value, results.model


def _figures(figures: Any) -> dict[str, Any]:
    return {name: told.figure.model_dump(mode="json", exclude={"better"}) for name, told in figures.items()}


def _difference(one: Difference | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {"of": one.name, "difference": one.value, "low": one.low, "high": one.high, "apart": one.apart}


def _against(one: Difference | None) -> str:
    if one is None:
        return "other samples"
    sure = "" if one.apart else ", not told apart"
    return f"{one.name} {100 * one.value:+.2f} ({100 * one.low:+.2f} to {100 * one.high:+.2f}){sure}"


def _shown(told: Told | None) -> str:
    if told is None:
        return ""
    figure, scale = told.figure, 100 if told.share else 1
    low, high = figure.low, figure.high
    bounds = "" if low is None or high is None else f" [{scale * low:.2f}, {scale * high:.2f}]"
    return f"{scale * figure.value:.2f}{' %' if told.share else ''}{bounds}"


def _table(heads: Sequence[str], rows: Any) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]


def _cell(text: str) -> str:
    """A name from outside as one cell of Markdown."""
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("`", "\\`").replace("<", "\\<")
