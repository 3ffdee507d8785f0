"""What the dashboard shows of production: traffic, error rates, doubts, pictures, characters, alerts, worst pages."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import fmean, median
from typing import Any, Final

from ..errors import BadInput
from ..image.quality import Quality
from .captures import IMAGES, Captures
from .estimate import Estimators, estimate_units, estimators_at, sentence
from .seen import Outcome, Seen
from .timeline import counted, timeline
from .units import Unit, by, halves, units_of

DAYS: Final = 30
MOST_DAYS: Final = 366
BINS: Final = 10
"""Steps of the distribution of confidence."""
RECENT: Final = 7
"""Days at the end of the time shown that are held against those before."""
CHARACTERS, WORST, REASONS, EXCERPT = 16, 8, 5, 10
MEASURES: Final = ("sharpness", "contrast", "brightness", "ink")
STATE: Final = "monitor.json"
_PICTURE = re.compile(rf"\d{{4}}-\d\d-\d\d/{IMAGES}/[0-9a-f]{{32}}\.[a-z0-9]{{1,5}}")


def overview(captures: Captures, now: datetime, *, days: int = DAYS) -> dict[str, Any]:
    """The last `days` days up to `now`, as JSON; `days` is held between 1 and `MOST_DAYS`.

    Raises FormatError when the workspace's estimators are damaged.
    """
    days = min(max(1, days), MOST_DAYS)
    first = now.date() - timedelta(days=days - 1)
    since = datetime.combine(first, datetime.min.time(), tzinfo=now.tzinfo)
    seen = list(captures.seen(since=since))
    units = units_of(seen, captures.truths(since=since))
    estimators = estimators_at(captures.folder)
    known, unknown = halves(units)
    found = estimate_units(unknown, estimators)
    recent = now.date() - timedelta(days=RECENT - 1)
    return {
        "days": days,
        "recent": RECENT,
        "from": first.isoformat(),
        "images": len(seen),
        "torn": captures.torn,
        "estimate": {**asdict(found), "sentence": sentence(found)} if found else None,
        "counted": counted(known).to_dict() if known else None,
        "traffic": [_day(day, held) for day, held in _by_day(seen).items()],
        "timeline": [one.to_dict() for one in timeline(units, estimators, "week" if days > 92 else "day")],
        "confidence": _halves(seen, recent, _confidences),
        "characters": _characters(seen, recent),
        "reasons": Counter(
            one.reason or one.outcome.value for one in seen if one.outcome is not Outcome.READ
        ).most_common(REASONS),
        "alerts": alerts(captures.folder / STATE),
        "worst": _worst(unknown, seen, estimators),
        "models": _models(seen),
    }


def alerts(path: Path) -> list[dict[str, str]]:
    """The alerts that stand, as the last look left them; none where nobody looked."""
    try:
        rows = json.loads(path.read_bytes())["alerts"]
        return [{key: str(row.get(key, "")) for key in ("name", "since", "message")} for row in rows]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return [
            {"name": path.name, "since": "", "message": f"{path.name} cannot be read: run `emendo monitor drift` again"}
        ]


def picture(captures: Captures, name: str) -> Path:
    """The file of a picture among the captures. Raises BadInput for a name that is none or a file that is gone."""
    path = captures.folder / name
    if not _PICTURE.fullmatch(name) or not path.is_file():
        raise BadInput("is no picture that was captured", where=name, remedy="it may have been removed by its age")
    return path


def _by_day(seen: Iterable[Seen]) -> dict[date, list[Seen]]:
    found: dict[date, list[Seen]] = {}
    for one in seen:
        found.setdefault(one.at.date(), []).append(one)
    return dict(sorted(found.items()))


def _day(day: date, seen: Sequence[Seen]) -> dict[str, Any]:
    outcomes = Counter(one.outcome for one in seen)
    read = [one for one in seen if one.outcome is Outcome.READ]
    doubts = [line.doubt for one in read for line in one.lines if line.doubt is not None]
    return {
        "day": day.isoformat(),
        **{outcome.value: outcomes[outcome] for outcome in Outcome},
        "lines": sum(len(one.lines) for one in read),
        "not_read": 1 - len(read) / len(seen),
        "confidence": fmean(_confidences(read)) if _confidences(read) else None,
        "doubt": fmean(doubts) if doubts else None,
        "seconds": median([one.seconds for one in read]) if read else None,
        "quality": _quality([one.quality for one in seen if one.quality]),
    }


def _quality(held: Sequence[Quality]) -> dict[str, float] | None:
    return {name: median(float(getattr(one, name)) for one in held) for name in MEASURES} if held else None


def _confidences(seen: Iterable[Seen]) -> list[float]:
    return [line.confidence for one in seen for line in one.lines]


def _halves(seen: Sequence[Seen], recent: date, values: Any) -> dict[str, list[float]]:
    """Shares of `BINS` equal steps from 0 to 1, of the last days and of those before."""
    return {
        "now": _shares(values(one for one in seen if one.at.date() >= recent)),
        "before": _shares(values(one for one in seen if one.at.date() < recent)),
    }


def _shares(values: Sequence[float]) -> list[float]:
    bins = Counter(min(int(value * BINS), BINS - 1) for value in values)
    return [bins[at] / len(values) for at in range(BINS)] if values else []


def _characters(seen: Sequence[Seen], recent: date) -> list[dict[str, Any]]:
    """The characters whose share of the text changed most, per thousand, from before to the last days."""
    texts: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for one in seen:
        texts[one.at.date() >= recent].update(one.text.replace("\n", ""))
    sums = [sum(one.values()) for one in texts]
    if not all(sums):
        return []
    rates = {char: [1000 * texts[at][char] / sums[at] for at in (0, 1)] for char in texts[0] | texts[1]}
    moved = sorted(rates.items(), key=lambda item: (-abs(item[1][1] - item[1][0]), item[0]))
    return [{"character": char, "before": rate[0], "now": rate[1]} for char, rate in moved[:CHARACTERS]]


def _worst(units: Sequence[Unit], seen: Sequence[Seen], estimators: Estimators) -> list[dict[str, Any]]:
    """Documents without a truth by what is estimated of them, the worst first, each with a picture if one was kept."""
    pictures: dict[str, Seen] = {}
    for one in seen:
        if one.image and one.outcome is Outcome.READ:
            known = pictures.get(one.group)
            if known is None or one.confidence < known.confidence:
                pictures[one.group] = one
    documents = by(units, "document")
    rates = [(found, name) for name, held in documents.items() if (found := estimate_units(held, estimators))]
    return [
        {
            "document": name,
            "estimate": asdict(found),
            "lines": [line.text for unit in documents[name] for line in unit.lines][:EXCERPT],
            "image": pictures[name].image if name in pictures else "",
        }
        for found, name in sorted(rates, key=lambda one: (-one[0].cer, one[1]))[:WORST]
    ]


def _models(seen: Sequence[Seen]) -> list[dict[str, Any]]:
    held: dict[tuple[str, str], list[Seen]] = {}
    for one in seen:
        if one.outcome is Outcome.READ:
            held.setdefault((one.model, one.arm), []).append(one)
    rows = [
        {
            "model": model,
            "arm": arm,
            "images": len(mine),
            "first": min(one.at for one in mine).isoformat(),
            "last": max(one.at for one in mine).isoformat(),
            "confidence": fmean(_confidences(mine)) if _confidences(mine) else None,
        }
        for (model, arm), mine in held.items()
    ]
    return sorted(rows, key=lambda row: str(row["last"]), reverse=True)
