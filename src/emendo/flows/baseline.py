"""What a release check has to reach: figures and facts that were recorded, and how new ones are held against them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any, Final

from .. import __version__
from ..errors import FormatError, UsageError
from ..evaluate.boards.html import STYLE, Scale, interval_picture, name_cell, percent, points, table, tag, with_bounds
from ..evaluate.page import html_page
from ..metrics import paired_bootstrap
from ..metrics.bootstrap import Paired
from ..tools.files import write_json, write_text
from ..workspace.folder import timestamp
from .release_check import Checked, Figure

FORMAT: Final = "emendo-release-baseline/1"
LEVEL: Final = 0.95
PAGE, REPORT = "report.html", "report.json"


@dataclass(frozen=True, slots=True)
class Baseline:
    """Figures and facts as they were recorded by an emendo of `version` at `made` (ISO 8601 UTC)."""

    fixture: str
    version: str
    made: str
    figures: Mapping[str, Figure]
    facts: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check came to: the pairs of figures, and a sentence on each thing for which it is refused."""

    checked: Checked
    baseline: Baseline
    pairs: Mapping[str, Paired]
    refused: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing fell."""
        return not self.refused

    def to_dict(self) -> dict[str, Any]:
        """For `--json`."""
        seen = self.checked
        rows = {}
        for name, figure in seen.figures.items():
            held, pair = figure.interval, self.pairs.get(name)
            row = {
                "what": figure.what,
                "value": held.value,
                "low": held.low,
                "high": held.high,
                "count": len(figure.sizes),
            }
            if pair is not None:
                row |= {
                    "baseline": self.baseline.figures[name].interval.value,
                    "difference": pair.difference,
                    "difference_low": pair.low,
                    "difference_high": pair.high,
                }
            rows[name] = row
        return {
            "fixture": seen.fixture,
            "version": __version__,
            "passed": self.passed,
            "refused": list(self.refused),
            "figures": rows,
            "facts": {name: {"holds": holds, "what": what} for name, (holds, what) in seen.facts.items()},
            "baseline": {"version": self.baseline.version, "made": self.baseline.made},
            "seconds": {name: round(value, 1) for name, value in seen.seconds.items()},
            "cpu_seconds": round(seen.cpu_seconds, 1),
        }

    def sentences(self) -> list[str]:
        """For a person."""
        told = [str(figure) for figure in self.checked.figures.values()]
        told += [f"{name}: {'yes' if holds else 'no'}, {what}" for name, (holds, what) in self.checked.facts.items()]
        took = sum(self.checked.seconds.values())
        told.append(f"took {took:.0f} s, {self.checked.cpu_seconds:.0f} s of a processor")
        if self.passed:
            return [*told, f"fit to be released: nothing is worse than the baseline of {self.baseline.made[:10]}"]
        return told


def record(checked: Checked, path: Path) -> Baseline:
    """Write a check as the baseline that later ones are held against."""
    content = {
        "format": FORMAT,
        "fixture": checked.fixture,
        "version": __version__,
        "made": timestamp(),
        "facts": {name: holds for name, (holds, _) in checked.facts.items()},
        "figures": {name: asdict(figure) for name, figure in checked.figures.items()},
    }
    write_text(path, json.dumps(content, ensure_ascii=False) + "\n")
    return read_baseline(path)


def own_baseline(fixture: str) -> Path:
    """The baseline that comes along with emendo."""
    return Path(str(resources.files("emendo.flows") / "baselines" / f"{fixture}.json"))


def read_baseline(path: Path) -> Baseline:
    """A recorded baseline. Raises UsageError when there is none, FormatError for a file that is none."""
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise FormatError(f"has format {content['format']!r}, not {FORMAT!r}", where=path)
        figures = {
            str(name): Figure(
                str(row["what"]), str(row["unit"]), tuple(map(float, row["errors"])), tuple(map(float, row["sizes"]))
            )
            for name, row in content["figures"].items()
        }
        facts = {str(name): bool(holds) for name, holds in content["facts"].items()}
        return Baseline(str(content["fixture"]), str(content["version"]), str(content["made"]), figures, facts)
    except FileNotFoundError as error:
        remedy = "record one: emendo release check --record"
        raise UsageError("there is no baseline", where=path, remedy=remedy) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        remedy = "record it anew: emendo release check --record"
        raise FormatError(f"is no baseline ({error})", where=path, remedy=remedy) from error


def judge(checked: Checked, baseline: Baseline) -> Verdict:
    """Hold a check against a baseline.

    A figure fell when, over the same lines or documents, its errors rose with 95 % confidence (paired bootstrap); a
    fact that held must hold. Raises UsageError when the baseline is of another fixture.
    """
    if baseline.fixture != checked.fixture:
        what = f"the baseline is of the fixture {baseline.fixture!r}, the check of {checked.fixture!r}"
        raise UsageError(what, remedy="give the baseline of this fixture")
    refused: list[str] = []
    pairs: dict[str, Paired] = {}
    for name, before in baseline.figures.items():
        now = checked.figures.get(name)
        if now is None or now.sizes != before.sizes:
            why = "is not measured any more" if now is None else "was measured on other material than the baseline"
            refused.append(f"{name}: {before.what} {why}; record the baseline anew if that is meant")
            continue
        pair = paired_bootstrap(before.errors, now.errors, now.sizes, level=LEVEL)
        pairs[name] = pair
        if pair.low > 0:
            refused.append(
                f"{name}: {now.what} rose from {percent(before.interval.value)} to {percent(now.interval.value)}, "
                f"by at least {100 * pair.low:.2f} points with {LEVEL:.0%} confidence"
            )
    for name, held in baseline.facts.items():
        holds, what = checked.facts.get(name, (False, "it is not looked at any more"))
        if held and not holds:
            refused.append(f"{name}: it held in the baseline and does not any more: {what}")
    return Verdict(checked, baseline, pairs, tuple(refused))


def write_report(verdict: Verdict, folder: Path) -> Path:
    """Write `report.json` and `report.html`; the page."""
    write_json(folder / REPORT, verdict.to_dict())
    write_text(folder / PAGE, _page(verdict))
    return folder / PAGE


def _page(verdict: Verdict) -> str:
    seen, before = verdict.checked, verdict.baseline
    state = tag("fit to be released", "good") if verdict.passed else tag("refused", "bad")
    reasons = "".join(f"<li>{escape(one)}</li>" for one in verdict.refused)
    took = f"{sum(seen.seconds.values()):.0f} s, {seen.cpu_seconds:.0f} s of a processor"
    body = f"""<h1>Release check, fixture {escape(seen.fixture)} {state}</h1>
<p class="lead">emendo {escape(__version__)} against the baseline of {escape(before.made[:10])}
(emendo {escape(before.version)}). Rates of errors, the lower the better; a figure is refused when its errors rose
with {LEVEL:.0%} confidence over the same lines or documents. {took}.</p>
{f"<ul>{reasons}</ul>" if reasons else ""}
<h2>Figures</h2>{_figures(verdict)}<h2>What must hold</h2>{_facts(seen.facts)}
<h2>Time</h2>{table(["step", "seconds"], ([escape(n), f"{s:.1f}"] for n, s in seen.seconds.items()))}"""
    return html_page("Release check", [body], STYLE)


def _figures(verdict: Verdict) -> str:
    rows: list[Sequence[str]] = []
    held = {name: figure.interval for name, figure in verdict.checked.figures.items()}
    scale = Scale.around([value for one in held.values() for value in (one.low, one.high)], zero=True)
    for name, figure in verdict.checked.figures.items():
        one, pair = held[name], verdict.pairs.get(name)
        fell = pair is not None and pair.low > 0
        old = verdict.baseline.figures[name].interval.value if pair is not None else None
        picture = interval_picture(one.value, one.low, one.high, scale, mark=old)
        rows.append(
            [
                name_cell(figure.what, f"{len(figure.sizes)} {figure.unit}s"),
                with_bounds(percent(one.value), percent(one.low), percent(one.high)),
                f'<td class="{"bad" if fell else "good"}">{picture}</td>',
                percent(old),
                with_bounds(points(pair.difference), points(pair.low), points(pair.high)) if pair else "–",
                tag("worse", "bad") if fell else tag("holds", "good"),
            ]
        )
    return table(['<th class="name">figure</th>', "now", "", "baseline", "difference, points", ""], rows)


def _facts(facts: Mapping[str, tuple[bool, str]]) -> str:
    rows = (
        [name_cell(name, what), tag("yes", "good") if holds else tag("no", "bad")]
        for name, (holds, what) in facts.items()
    )
    return table(['<th class="name">what</th>', ""], rows)
