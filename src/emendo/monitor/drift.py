"""Drift: how traffic differs from its baseline, page by page, and from which page on that is more than chance.

The alarm is the detector's (`detector`); what is told of each measure beside it (means, bands, the tests of Kolmogorov
and Smirnov, stability indices) explains an alarm and raises none, for a test that is looked at every day fires in the
end without any change. Where people judged readings later, the errors of pages are watched in the same way, and by
subset as between two reports (`evaluate.boards.drift`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from ..settings import AlertSettings
from .baseline import LEAST_PAGES, Baseline, Profile
from .detector import Detector, family_weights
from .distance import character_index, kolmogorov_smirnov, stability_index
from .features import MEASURES, PageFeatures, grouped
from .labelled import Judged
from .norm import Norm, norm_of
from .seen import Seen
from .steps import Alarm, Step, alarms_of

FORMAT: Final = "emendo-monitor-drift/1"
WINDOW: Final = 30
"""Last pages that are described beside the baseline."""
UNWATCHED: Final = frozenset({"time"})
"""Families that raise no alarm of drift: how long a reading takes is a matter of the machine."""
LEAST_ERROR: Final = 0.005
"""Least standard deviation of the pages' CER."""
NAMED: Final = 0.05
"""Part of the evidence from which a measure is named as a cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureNow:
    """One measure over the last pages beside the baseline, in natural units.

    `low` to `high` hold nine of ten pages of the baseline; `score` is the mean of the pages' scores (in spreads of the
    baseline); `index` the stability index, `p` the p-value of the test of Kolmogorov and Smirnov.
    """

    measure: str
    family: str
    title: str
    pages: int
    before: float
    low: float
    high: float
    now: float
    score: float
    index: float
    p: float


@dataclass(frozen=True, kw_only=True)
class KindDrift:
    """Traffic of one kind: its pages, what each did to the evidence, the measures over the last pages, the characters
    whose shares changed most (character, before, now) with their stability index; and the judged pages' errors.

    `missing` are measures of the baseline that the last pages did not have; `scripts` letters of the last pages by
    script, `known` their known words by all, `expected` what the baseline held.
    """

    kind: str
    threshold: float
    pages: tuple[PageFeatures, ...]
    steps: tuple[Step, ...]
    measures: tuple[MeasureNow, ...]
    index: float
    characters: tuple[tuple[str, float, float], ...]
    missing: tuple[str, ...]
    scripts: Mapping[str, int]
    scripts_before: Mapping[str, int]
    language: str
    judged: tuple[Judged, ...] = ()
    error_steps: tuple[Step, ...] = ()
    error_norm: Norm | None = None

    @property
    def alarm(self) -> bool:
        """Whether the last page leaves an alarm of label-free drift."""
        return bool(self.steps) and self.steps[-1].alarm

    @property
    def error_alarm(self) -> bool:
        """Whether the last judged page leaves an alarm of errors."""
        return bool(self.error_steps) and self.error_steps[-1].alarm

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Every alarm of label-free drift, those that are over among them, the earliest first."""
        return alarms_of(self.steps)

    @property
    def error_alarms(self) -> tuple[Alarm, ...]:
        """Every alarm of errors; its pages are the judged ones."""
        return alarms_of(self.error_steps)

    @property
    def began(self) -> Step | None:
        """The first page of the last alarm, which may be over."""
        return self.alarms[-1].first if self.alarms else None

    @property
    def cer(self) -> float | None:
        """CER of the last judged pages, None without any."""
        last = self.judged[-WINDOW:]
        return sum(one.edits for one in last) / max(sum(one.characters for one in last), 1) if last else None


@dataclass(frozen=True)
class Drift:
    """All kinds, and what had to be left out (`notes`, sentences)."""

    baseline: Baseline
    kinds: tuple[KindDrift, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True without an alarm that lasts."""
        return not any(one.alarm or one.error_alarm for one in self.kinds)

    @property
    def alarmed(self) -> bool:
        """Whether there was any alarm, though it may be over."""
        return any(one.alarms or one.error_alarms for one in self.kinds)

    def sentences(self) -> list[str]:
        """What is to be said of each kind, alarms first."""
        told = [text for one in self.kinds for text in _sentences(one)]
        return sorted(told, key=lambda text: not text.startswith("ALARM")) + list(self.notes)

    def measures(self) -> dict[str, float]:
        """Figures by name for the gauges of `/metrics`: `kind.measure` over the last pages, and the evidence as a part
        of the threshold."""
        found: dict[str, float] = {}
        for one in self.kinds:
            found |= {f"{one.kind}.{row.measure}": row.now for row in one.measures}
            if one.steps:
                found[f"{one.kind}.evidence"] = one.steps[-1].evidence / one.threshold
            if one.cer is not None:
                found[f"{one.kind}.cer"] = one.cer
        return found

    def to_dict(self) -> dict[str, Any]:
        """For JSON: figures, alarms and the evidence page by page."""
        return {
            "format": FORMAT,
            "ok": self.ok,
            "alarmed": self.alarmed,
            "baseline": {"made": self.baseline.made.isoformat(), "source": self.baseline.source},
            "sentences": self.sentences(),
            "notes": list(self.notes),
            "kinds": [_kind_row(one) for one in self.kinds],
        }


def find_drift(
    seen: Iterable[Seen],
    baseline: Baseline,
    settings: AlertSettings | None = None,
    *,
    judged: Mapping[str, Sequence[Judged]] | None = None,
) -> Drift:
    """Compare traffic, in the order of its time, with a baseline; `judged` are pages with a truth, by kind."""
    settings = settings or AlertSettings()
    kinds: dict[str, list[tuple[Seen, ...]]] = {}
    for page in grouped(seen):
        kinds.setdefault(page[0].kind, []).append(page)
    found = tuple(
        _kind_drift(baseline.profiles[kind], pages, tuple((judged or {}).get(kind, ())), settings)
        for kind, pages in kinds.items()
        if kind in baseline.profiles
    )
    notes = [
        f"{kind}: {len(pages)} pages, a kind that the baseline does not hold; make a new one to watch them"
        for kind, pages in kinds.items()
        if kind not in baseline.profiles
    ]
    models = {page.model for one in found for page in one.pages if page.model} - set(baseline.models)
    if models:
        notes.append(
            f"read by {', '.join(sorted(models))}, the baseline by {', '.join(baseline.models) or 'no named model'}:"
            " a change of model moves confidence and texts; make a new baseline after a promotion"
        )
    return Drift(baseline, found, tuple(notes))


def watcher(profile: Profile, settings: AlertSettings, families: Collection[str] | None = None) -> Detector:
    """The detector of a profile's watched measures; `families` None: all but those that say nothing of the traffic."""
    norms = {
        name: norm
        for name, norm in profile.norms.items()
        if (MEASURES[name].family in families if families is not None else MEASURES[name].family not in UNWATCHED)
    }
    return Detector(norms, per_thousand=settings.false_per_thousand, weights=family_weights(norms))


def error_watcher(profile: Profile, settings: AlertSettings) -> tuple[Detector, Norm] | None:
    """The detector of the judged pages' CER, which watches for rises; None where the baseline has too few of them."""
    if len(profile.judged) < LEAST_PAGES:
        return None
    norm = norm_of("cer", [one.cer for one in profile.judged], LEAST_ERROR)
    return Detector({"cer": norm}, per_thousand=settings.false_per_thousand, upward=True), norm


def _kind_drift(
    profile: Profile, pages: Sequence[tuple[Seen, ...]], judged: tuple[Judged, ...], settings: AlertSettings
) -> KindDrift:
    features = tuple(profile.features(page) for page in pages)
    detector = watcher(profile, settings)
    steps = tuple(_step(detector, page.group, page.at, page.values) for page in features)
    last = features[-WINDOW:]
    index, characters = character_index(profile.characters, _summed(page.characters for page in last))
    errors = error_watcher(profile, settings)
    return KindDrift(
        kind=profile.kind,
        threshold=detector.threshold,
        pages=features,
        steps=steps,
        measures=tuple(_now(norm, last) for name, norm in profile.norms.items() if any(name in p.values for p in last)),
        index=index,
        characters=characters[:8],
        missing=tuple(name for name in profile.norms if not any(name in page.values for page in last)),
        scripts=_summed(page.scripts for page in last),
        scripts_before=_summed(page.scripts for page in profile.pages),
        language=profile.expected.language,
        judged=judged,
        error_steps=tuple(_step(errors[0], one.group, one.at, {"cer": one.cer}) for one in judged) if errors else (),
        error_norm=errors[1] if errors else None,
    )


def _step(detector: Detector, group: str, at: datetime, values: Mapping[str, float]) -> Step:
    evidence = detector.step(values)
    alarm = evidence >= detector.threshold
    shares = sorted(detector.shares().items(), key=lambda item: -abs(item[1])) if alarm else []
    return Step(group, at, evidence, alarm, tuple(item for item in shares if abs(item[1]) >= NAMED))


def _now(norm: Norm, pages: Sequence[PageFeatures]) -> MeasureNow:
    values = [page.values[norm.measure] for page in pages if norm.measure in page.values]
    row, (low, high) = MEASURES[norm.measure], norm.band
    return MeasureNow(
        measure=norm.measure,
        family=row.family,
        title=row.title,
        pages=len(values),
        before=sum(norm.values) / len(norm.values),
        low=low,
        high=high,
        now=sum(values) / len(values),
        score=sum(norm.score(value) for value in values) / len(values),
        index=stability_index(norm.values, values),
        p=kolmogorov_smirnov(norm.values, values)[1],
    )


def _sentences(one: KindDrift) -> list[str]:
    told = []
    if one.alarm:
        began = one.began
        assert began is not None
        by_name = {row.measure: row for row in one.measures}
        causes = "; ".join(_cause(by_name[name], part) for name, part in one.steps[-1].causes[:4] if name in by_name)
        told.append(
            f"ALARM {one.kind}: pages differ from the baseline since {began.group} ({began.at:%F %R}): {causes}"
        )
    if one.error_alarm and one.error_norm is not None and one.cer is not None:
        usual = sum(one.error_norm.values) / len(one.error_norm.values)
        told.append(
            f"ALARM {one.kind}: more errors than in the baseline: CER {100 * one.cer:.1f} % on the last"
            f" {len(one.judged[-WINDOW:])} judged pages, {100 * usual:.1f} % a page before"
        )
    told += _over(one.kind, one.alarms)
    told += _over(one.kind, one.error_alarms, of=" of errors", pages="judged pages")
    if one.missing:
        titles = ", ".join(MEASURES[name].title for name in one.missing)
        told.append(f"{one.kind}: the last pages do not tell {titles}, the baseline does")
    return told or [f"{one.kind}: {len(one.pages)} pages like those of the baseline"]


def _cause(row: MeasureNow, part: float) -> str:
    way = "higher" if part > 0 else "lower"
    return f"{row.title} {way} ({row.now:.3g}, usually {row.low:.3g} to {row.high:.3g})"


def _over(kind: str, alarms: Sequence[Alarm], *, of: str = "", pages: str = "pages") -> list[str]:
    """What is said when the last alarm is over; nothing while it holds, or without any."""
    if not alarms or not alarms[-1].over:
        return []
    first, last, lasted = alarms[0], alarms[-1], sum(one.pages for one in alarms)
    if len(alarms) == 1:
        what, end, all_pages = f"an alarm{of} is over: it", " and", f"{lasted} {pages}"
    else:
        what, end, all_pages = f"{len(alarms)} alarms{of} are over: the first", ", the last", f"{lasted} {pages} in all"
    return [
        f"{kind}: {what} came with {first.first.group} ({first.first.at:%F %R}) after {first.after} {pages}{end} lasted"
        f" until {last.last.group} ({last.last.at:%F %R}; {all_pages}); {last.since} {pages} since then are like those"
        " of the baseline"
    ]


def _summed(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in many:
        found.update(one)
    return dict(found)


def _kind_row(one: KindDrift) -> dict[str, Any]:
    since, error_since = ([row.first.group for row in rows if not row.over] for rows in (one.alarms, one.error_alarms))
    return {
        "kind": one.kind,
        "pages": len(one.pages),
        "alarm": one.alarm,
        "since": since[0] if since else None,
        "alarms": [row.to_dict() for row in one.alarms],
        "threshold": one.threshold,
        "evidence": [[step.group, step.at.isoformat(), round(step.evidence, 4)] for step in one.steps],
        "causes": dict(one.steps[-1].causes) if one.steps else {},
        "measures": [asdict(row) for row in one.measures],
        "characters": {"index": one.index, "changed": [list(row) for row in one.characters]},
        "missing": list(one.missing),
        "scripts": dict(one.scripts),
        "language": one.language,
        "judged": len(one.judged),
        "cer": one.cer,
        "error_alarm": one.error_alarm,
        "error_since": error_since[0] if error_since else None,
        "error_alarms": [row.to_dict() for row in one.error_alarms],
    }
