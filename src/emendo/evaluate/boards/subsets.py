"""Errors by subset: which characters are missed, which are falsely read, and how often.

Of one alignment, a deletion is a true character that is missing, an insertion a read one that is not there, and a
substitution is both: its true character was missed and its read one is false. Both rates are per true character, so
that they add up to at most twice the CER and can be compared between two models.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...metrics import Confusion, Counts, confusions, total
from ...metrics.align import nfc
from ..report import Line, Report, by_slice, interval

SHOWN = 12
"""Characters named in a summary."""
ALL = "all"
"""Name of the slice that is the whole."""

MEASURES: Mapping[str, str] = {
    "cer": "character error rate",
    "missed": "missed characters per true character",
    "false": "false characters per true character",
}
"""What is watched, by name."""


@dataclass(frozen=True)
class Errors:
    """The errors of some lines: raw counts, and every confusion with its count."""

    counts: Counts
    confusions: tuple[Confusion, ...]
    cer_low: float
    cer_high: float

    @property
    def missed(self) -> int:
        """True characters that were not read: deleted or substituted."""
        return self.counts.deletions + self.counts.substitutions

    @property
    def false(self) -> int:
        """Read characters that are not there: inserted or substituted."""
        return self.counts.insertions + self.counts.substitutions

    @property
    def missed_characters(self) -> Counter[str]:
        """Which true characters were missed, and how often."""
        return _count((one.reference, one.count) for one in self.confusions)

    @property
    def false_characters(self) -> Counter[str]:
        """Which characters were falsely read, and how often."""
        return _count((one.hypothesis, one.count) for one in self.confusions)

    def rate(self, measure: str) -> float:
        """One of MEASURES."""
        return {"cer": self.counts.edits, "missed": self.missed, "false": self.false}[measure] / max(
            self.counts.characters, 1
        )

    def figures(self) -> dict[str, Any]:
        """For JSON: counts, rates, and the characters concerned, most frequent first."""
        summed = self.counts
        return {
            "samples": summed.samples,
            "characters": summed.characters,
            "substitutions": summed.substitutions,
            "insertions": summed.insertions,
            "deletions": summed.deletions,
            "missed": self.missed,
            "false": self.false,
            "cer": summed.cer,
            "cer_low": self.cer_low,
            "cer_high": self.cer_high,
            "missed_rate": self.rate("missed"),
            "false_rate": self.rate("false"),
            "missed_characters": _top(self.missed_characters),
            "false_characters": _top(self.false_characters),
            "confusions": [[one.reference, one.hypothesis, one.count] for one in self.confusions[:SHOWN]],
        }


def errors_of(lines: Sequence[Line]) -> Errors:
    """The errors of some lines."""
    bounds = interval(lines)
    found = confusions((line.reference, line.hypothesis) for line in lines if line.counts.edits)
    return Errors(total(line.counts for line in lines), tuple(found), bounds.low, bounds.high)


def line_errors(line: Line, measure: str) -> int:
    """What one line adds to one of MEASURES."""
    counts = line.counts
    if measure == "cer":
        return counts.edits
    return counts.substitutions + (counts.deletions if measure == "missed" else counts.insertions)


def slices_of(report: Report) -> tuple[str, ...]:
    """The slices that the report was asked for, else all that its lines carry; those with more than one value."""
    names = report.slices or tuple(dict.fromkeys(name for line in report.lines for name in line.slices))
    return tuple(name for name in names if len({line.slices.get(name, "") for line in report.lines}) > 1)


def subsets_of(report: Report, slices: Sequence[str] | None = None) -> dict[str, dict[str, tuple[Line, ...]]]:
    """The lines by slice and value, `all` (with the one value "") first. `slices` None means `slices_of`."""
    names = slices_of(report) if slices is None else slices
    return {ALL: {"": report.lines}, **{name: by_slice(report.lines, name) for name in names}}


def errors_by_subset(report: Report, slices: Sequence[str] | None = None) -> dict[str, dict[str, Errors]]:
    """The errors by slice and value, `all` first."""
    return {
        name: {value: errors_of(lines) for value, lines in values.items()}
        for name, values in subsets_of(report, slices).items()
    }


def title(name: str, value: str) -> str:
    """How a subset is called in a sentence."""
    return "all lines" if name == ALL else f"{name}={value or '(none)'}"


def shown(character: str) -> str:
    """A character as it can be told in a line of text: a blank as ␣, a combining mark on a dotted circle."""
    if character == " ":
        return "␣"
    if unicodedata.category(character) in {"Mn", "Me"}:
        return f"◌{character}"
    return character if character.isprintable() else f"U+{ord(character):04X}"


def traits(line: Line) -> dict[str, str]:
    """Slices that any text has: its script, and whether it holds digits, capitals only, or marks and signs."""
    text = nfc(line.reference)
    scripts = Counter(unicodedata.name(char, "?").split()[0].title() for char in text if char.isalpha())
    return {
        "script": scripts.most_common(1)[0][0] if scripts else "none",
        "digits": "with" if any(char.isdigit() for char in text) else "without",
        "capitals": "only" if text.isupper() else "not only",
    }


def _count(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for character, count in pairs:
        if character:
            found[character] += count
    return found


def _top(counts: Counter[str]) -> list[list[Any]]:
    return [[char, count] for char, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]]
