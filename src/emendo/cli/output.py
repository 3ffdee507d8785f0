"""What commands print: one JSON object, one error line, tables, and a progress bar on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

from ..tools.counts import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ..train.families import TokenRow
    from ..workspace.efforts import Spent


def complain(sentence: str) -> None:
    """One line `error: ...` on standard error."""
    one_line = " ".join(sentence.split())
    sys.stderr.write(f"error: {one_line}\n")


def note(sentence: str) -> None:
    """A line for the person, on standard error, so that standard output stays clean for pipes."""
    sys.stderr.write(sentence.rstrip("\n") + "\n")


def print_json(value: Mapping[str, Any]) -> None:
    """One JSON object on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, sort_keys=False, default=str) + "\n")


def show(report: Mapping[str, Any], sentences: Sequence[str], *, json: bool) -> None:
    """What a command found: the report as JSON, or its sentences."""
    if json:
        print_json(report)
        return
    for sentence in sentences:
        note(sentence)


def console() -> Console:
    """A rich console on standard error."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


class Bar(Protocol):
    """Callback of long work: done so far, total (0 when unknown), and a short text."""

    def __call__(self, done: int, total: int, text: str = "") -> None:
        """Show the state."""
        ...


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Bar]:
    """A live bar with the time left; silent when `quiet` or when standard error is no terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, total, text="": None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=console(), transient=True) as bars:
        task = bars.add_task(title, total=None, text="")

        def show(done: int, total: int, text: str = "") -> None:
            bars.update(task, completed=done, total=total or None, text=text)

        yield show


def show_labels(samples: Sequence[Sequence[TokenRow]], *, json: bool) -> None:
    """The tokens of some samples: `+` before those that carry loss, `-` before the rest."""
    if json:
        rows = [
            {"sample": tokens[0].sample, "tokens": [{"id": t.id, "text": t.text, "loss": t.loss} for t in tokens]}
            for tokens in samples
        ]
        print_json({"samples": rows})
        return
    for tokens in samples:
        sys.stdout.write(f"{tokens[0].sample}: {sum(t.loss for t in tokens)} of {len(tokens)} tokens carry loss\n")
        for loss, run in groupby(tokens, key=lambda token: token.loss):
            sys.stdout.write(f"  {'+' if loss else '-'} {' '.join(token.text for token in run)}\n")


def rehearsal(seen: Mapping[str, Any]) -> list[str]:
    """What a dry run has seen, for a person."""
    told = [
        f"{seen['rehearsed']} of {counted(seen['lines'], 'usable line')} went through everything, and nothing was kept"
    ]
    if seen["left_out"]:
        first = seen["left_out"][0]
        told.append(
            f"{counted(len(seen['left_out']), 'line')} would be left out; the first, {first['id']}: {first['reason']}"
        )
    told.append(
        f"{counted(seen['steps'], 'step')} of {seen['step_seconds']:.2f} s: about {seen['estimated_seconds']:.0f} s"
    )
    return [*told, f"memory: {seen['peak_memory_mb']:.0f} MB at most, {seen['free_memory_mb']:.0f} MB were free"]


def percent(value: float | None) -> str:
    """A rate in [0, 1] as percent with one decimal, `-` when unknown."""
    return "-" if value is None else f"{100 * value:.1f} %"


def show_report(figures: Mapping[str, Any]) -> None:
    """The figures of one evaluation, for a person."""
    slices = [
        (f"{name}={value or '(none)'}", part)
        for name, values in figures["slices"].items()
        for value, part in values.items()
    ]
    _rows([("all lines", figures), *slices])
    for name, value in figures.get("metrics", {}).items():
        sys.stdout.write(f"{name} {value:.4f}\n")
    if "normalized" in figures:
        folded = dict(figures["normalized"])
        signs = [f"{phrase} as {sign}" for phrase, sign in folded.pop("phrases", ())]
        folds = ", ".join([*folded.pop("folds"), *signs])
        sys.stdout.write(f"with {folds} folded: {', '.join(f'{name} {value:.4f}' for name, value in folded.items())}\n")
    effort = figures["effort"]
    sys.stdout.write(
        f"author effort per 1,000 characters: {effort['keystrokes']:.0f} keystrokes, {effort['seconds']:.0f} s "
        f"(typed anew: {effort['anew_keystrokes']:.0f} and {effort['anew_seconds']:.0f} s)\n"
    )
    shown = ", ".join(f"{_glyph(a)}→{_glyph(b)} {count}" for a, b, count in figures["confusions"][:12])
    sys.stdout.write(f"most frequent errors: {shown or 'none'}\n")
    for one in figures["unreadable"]:
        complain(f"{one['id']}: {one['reason']}")


def show_comparison(figures: Mapping[str, Any]) -> None:
    """Two models side by side, for a person."""
    _rows([(f"{name.upper()} {figures[name]['model']}", figures[name]) for name in ("a", "b")])
    better = counted(figures["lines_better"], "line")
    sys.stdout.write(
        f"B - A: {100 * figures['difference']:+.2f} points "
        f"({100 * figures['difference_low']:+.2f} to {100 * figures['difference_high']:+.2f}), "
        f"B better with {100 * figures['confidence_better']:.1f} % confidence; "
        f"{better} better, {figures['lines_worse']} worse, {figures['lines_same']} the same\n"
    )


def show_efforts(rows: Sequence[Spent]) -> None:
    """What people spent, a row each, for a person."""
    width = max((len(row.author) for row in rows), default=0)
    for row in rows:
        rates = row.to_dict()
        per = f"{rates['keys_per_thousand'] or 0:8.0f} keys {rates['seconds_per_thousand'] or 0:7.0f} s per 1,000"
        accepted = f"{percent(row.accepted_share):>7} right as read"
        sys.stdout.write(f"{row.day or 'all days':10}  {row.author:{width}}  {row.lines:6} lines {per}  {accepted}\n")


def _glyph(character: str) -> str:
    return character.replace(" ", "␣") or "∅"


def _rows(rows: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    width = max(len(name) for name, _ in rows)
    for name, figures in rows:
        bounds = f"({percent(figures['cer_low'])} to {percent(figures['cer_high'])})"
        lines = f"{figures['samples']} line{'s' * (figures['samples'] != 1)}"
        folded = f" ({percent(figures['exact_folded'])} folded)" if "exact_folded" in figures else ""
        sys.stdout.write(
            f"{name:{width}}  CER {percent(figures['cer']):>7} {bounds:18}  WER {percent(figures['wer']):>7}"
            f"  without error {percent(figures['exact']):>7}{folded}  {lines}, {figures['characters']} characters\n"
        )
