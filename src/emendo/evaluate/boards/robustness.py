"""Robustness: what noise, blur, skew and faded ink cost, in which subset, with characters missed and falsely read.

The same lines are read as they are and once for every damage and level (`image.degrade`); each damaged reading is
compared with the undamaged one of the same line, so the interval is that of a paired difference. The damage of a line
is drawn from its id and a seed: every model meets the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from typing import Any

from ...errors import UsageError
from ...image.degrade import check, degrade, rng_for
from ...image.load import sample_image
from ...metrics.bootstrap import Paired, paired_bootstrap
from ...settings import Limits
from ...types import Image, Recognizer, Sample, Split
from ..page import html_page
from ..report import Report
from ..run import Load, SampleSet, evaluate
from .html import STYLE, Scale, interval_picture, name_cell, percent, points, table, tag
from .subsets import errors_by_subset, errors_of

FORMAT = "emendo-robustness/1"
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Damaged:
    """One damage at one level: its kinds joined by `+`, the report, and the difference to the undamaged reading."""

    damage: str
    level: float
    report: Report
    against: Paired

    @property
    def name(self) -> str:
        """How it is called in a sentence."""
        return f"{self.damage} {self.level:g}"

    @property
    def sure(self) -> bool:
        """Whether the rise of the CER is beyond chance."""
        return self.against.low > 0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "damage": self.damage,
            "level": self.level,
            "rise": self.against.difference,
            "rise_low": self.against.low,
            "rise_high": self.against.high,
            "beyond_chance": self.sure,
            "subsets": _subsets(self.report),
        }


@dataclass(frozen=True)
class Robustness:
    """A model on undamaged lines, and on the same lines damaged."""

    clean: Report
    damaged: tuple[Damaged, ...]
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "format": FORMAT,
            "model": self.clean.model,
            "dataset": self.clean.dataset,
            "dataset_hash": self.clean.dataset_hash,
            "split": self.clean.split,
            "samples": len(self.clean.lines),
            "unreadable": len(self.clean.unreadable),
            "seed": self.seed,
            "clean": {"subsets": _subsets(self.clean)},
            "damaged": [one.to_dict() for one in self.damaged],
        }

    @cached_property
    def most_hurt(self) -> Mapping[str, str]:
        """For each damage the subset whose CER rose most, told; nothing where the lines have no subsets."""
        before = errors_by_subset(self.clean)
        found = {}
        for one in self.damaged:
            rises = [
                (errors.counts.cer - before[name][value].counts.cer, f"{name}={value or '(none)'}")
                for name, values in errors_by_subset(one.report).items()
                if name != "all"
                for value, errors in values.items()
            ]
            if rises:
                rise, subset = max(rises)
                found[one.name] = f"{subset} {100 * rise:+.2f}"
        return found

    def sentences(self) -> list[str]:
        """For a person."""
        bounds = self.clean.cer_interval
        told = [f"as they are: CER {_shown(bounds.value)} ({_shown(bounds.low)} to {_shown(bounds.high)})"]
        for one in self.damaged:
            errors, rise = errors_of(one.report.lines), one.against
            sentence = (
                f"{one.name}: CER {_shown(errors.counts.cer)} ({100 * rise.difference:+.2f} points, "
                f"{100 * rise.low:+.2f} to {100 * rise.high:+.2f}), missed {_shown(errors.rate('missed'))}, "
                f"false {_shown(errors.rate('false'))}"
            )
            most = self.most_hurt.get(one.name)
            told.append(f"{sentence}; most: {most}" if most else sentence)
        return told


def robustness(
    recognizer: Recognizer,
    dataset: SampleSet,
    damages: Sequence[str] = ("noise", "blur", "skew", "fade"),
    levels: Sequence[float] = (1.0, 2.0),
    *,
    split: Split | None = None,
    slices: Sequence[str] = (),
    seed: int = 0,
    limits: Limits | None = None,
    load: Load | None = None,
    progress: Progress | None = None,
) -> Robustness:
    """Read the labelled samples as they are and under each of `damages` (kinds, joined by `+`) at each level.

    Raises UsageError for an unknown damage or a level out of range, and what `evaluate` raises.
    """
    for damage in damages:
        for level in levels:
            check(damage.split("+"), level)
    if not damages or not levels:
        raise UsageError("no damage to try", remedy="name one, and a level above 0")
    bounds = limits or Limits()
    original = load or (lambda sample: sample_image(sample, bounds))
    show = progress or (lambda done, total, text: None)
    rounds = 1 + len(damages) * len(levels)

    def read(at: int, name: str, load: Load) -> Report:
        return evaluate(
            recognizer,
            dataset,
            split=split,
            slices=slices,
            load=load,
            progress=lambda done, total: show(at * total + done, rounds * total, name),
        )

    clean = read(0, "as they are", original)
    damaged: list[Damaged] = []
    for damage in damages:
        for level in levels:
            report = read(len(damaged) + 1, f"{damage} {level:g}", _damaging(original, damage, level, seed))
            damaged.append(Damaged(damage, level, report, _difference(clean, report)))
    return Robustness(clean, tuple(damaged), seed)


def _damaging(load: Load, damage: str, level: float, seed: int) -> Load:
    def damaged(sample: Sample) -> Image:
        return degrade(load(sample), damage.split("+"), level, rng_for(seed, f"{damage} {sample.id}"))

    return damaged


def _difference(clean: Report, damaged: Report) -> Paired:
    return paired_bootstrap(
        [line.counts.edits for line in clean.lines],
        [line.counts.edits for line in damaged.lines],
        [line.counts.characters for line in clean.lines],
        groups=[line.group or line.id for line in clean.lines],
    )


def _subsets(report: Report) -> dict[str, dict[str, Any]]:
    return {
        name: {value: one.figures() for value, one in values.items()}
        for name, values in errors_by_subset(report).items()
    }


def _shown(share: float) -> str:
    return f"{100 * share:.2f} %"


def robustness_page(made: Robustness) -> str:
    """HTML: one row a damage, with the rise and its interval, and the subset that suffers most."""
    clean = errors_of(made.clean.lines)
    scale = Scale.around([bound for one in made.damaged for bound in (one.against.low, one.against.high)], zero=True)
    first = [
        name_cell("as they are"),
        f"<b>{percent(clean.counts.cer)}</b>",
        "–",
        "",
        percent(clean.rate("missed")),
        percent(clean.rate("false")),
        "–",
    ]
    rows = [first]
    for one in made.damaged:
        errors, rise = errors_of(one.report.lines), one.against
        kind = "bad" if one.sure else "quiet"
        rows.append(
            [
                name_cell(one.damage, f"level {one.level:g}"),
                f"<b>{percent(errors.counts.cer)}</b>",
                f"{points(rise.difference)}<small>{points(rise.low)} to {points(rise.high)}</small>",
                interval_picture(rise.difference, rise.low, rise.high, scale, mark=0.0),
                percent(errors.rate("missed")),
                percent(errors.rate("false")),
                tag(made.most_hurt.get(one.name, "–"), kind),
            ]
        )
    heads = ['<th class="name">Damage</th>', "CER", "rise in points", "", "missed", "false", "hurt most, in points"]
    report = made.clean
    body = [
        "<h1>Robustness</h1>",
        f'<p class="soft"><bdi dir="auto">{escape(report.model)} on {escape(report.dataset)}</bdi>, '
        f"{len(report.lines):,} lines</p>",
        table(heads, rows),
        '<p class="note">The same lines each time; the damage of a line is drawn from its id and the seed. Level 1 is '
        "a careless scan, 2 a bad one, 3 hard to read for a person. Missed and false are per true character.</p>",
    ]
    return html_page(f"Robustness of {report.model}", body, STYLE)
