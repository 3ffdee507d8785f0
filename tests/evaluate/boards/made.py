"""Reports from texts alone."""

from __future__ import annotations

from collections.abc import Sequence

from emendo.evaluate.report import Line, Report
from emendo.metrics import counts


def report(
    pairs: Sequence[tuple[str, str]],
    *,
    model: str = "m",
    subsets: Sequence[str] = (),
    seconds: float = 0.0,
    tokens: int = 0,
    dataset_hash: str = "0123456789abcdef",
) -> Report:
    """A report whose line n has the n-th pair of reference and reading, and the n-th subset."""
    lines = tuple(
        Line(
            id=f"s{at}",
            reference=true,
            hypothesis=read,
            confidence=0.5,
            counts=counts(true, read),
            slices={"subset": subsets[at]} if subsets else {},
            seconds=seconds,
            tokens=tokens,
        )
        for at, (true, read) in enumerate(pairs)
    )
    return Report(model, "lines", dataset_hash, "val", lines, seconds=seconds * len(lines))
