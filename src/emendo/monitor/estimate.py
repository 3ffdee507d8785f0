"""How many errors there are in what nobody has looked at: an estimate for people, by page, document or day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import FormatError
from ..metrics.align import total
from ..tools.files import write_text
from .estimator import Estimate, Estimator
from .units import Unit, by, halves

FILE: Final = "estimator.json"
"""Name of the estimators in the folder of captures, in place of those that come along."""
By = Literal["page", "document", "day"]


class Estimators(BaseModel):
    """Several estimators, for readings of different models; the one without a model is for all others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["emendo-estimators/1"] = "emendo-estimators/1"
    estimators: tuple[Estimator, ...]

    def of(self, model: str) -> Estimator | None:
        """The estimator of a model: of this very one, else of its name, else of any."""
        held = {one.model: one for one in self.estimators}
        return next((held[name] for name in (model, model.partition("@")[0], "") if name in held), None)

    def with_one(self, new: Estimator) -> Estimators:
        """These, `new` in place of that of the same model."""
        return Estimators(estimators=(*(one for one in self.estimators if one.model != new.model), new))

    def write(self, path: Path) -> None:
        """Keep them."""
        write_text(path, self.model_dump_json(indent=1) + "\n")


@dataclass(frozen=True, slots=True)
class Part:
    """One page, document or day: what is estimated of that part of it of which there is no truth, and what was counted
    on the rest (None where there is nothing of either kind)."""

    name: str
    estimate: Estimate | None
    truth: Mapping[str, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "estimate": asdict(self.estimate) if self.estimate else None,
            "truth": dict(self.truth) if self.truth else None,
        }


@lru_cache(maxsize=1)
def shipped() -> Estimators:
    """Those that come along: for the embedded models, and one for all others."""
    text = (resources.files("emendo.monitor") / "estimators.json").read_text(encoding="utf-8")
    return Estimators.model_validate_json(text)


def read_estimators(path: Path) -> Estimators:
    """What was kept. Raises FormatError for anything else, with what to do."""
    try:
        return Estimators.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(f"cannot be read ({error})", where=path) from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        what = f"holds no estimators of this version ({place}{': ' if place else ''}{first['msg']})"
        raise FormatError(what, where=path, remedy="run `emendo monitor calibrate` again") from error


def estimators_at(folder: Path | None) -> Estimators:
    """Those of a folder of captures before those that come along. Raises FormatError."""
    if folder is None or not (folder / FILE).is_file():
        return shipped()
    held = shipped()
    for one in read_estimators(folder / FILE).estimators:
        held = held.with_one(one)
    return held


def estimate_units(units: Sequence[Unit], estimators: Estimators) -> Estimate | None:
    """The error rate of all units that hold text together; None without any.

    Those of several models are each estimated by their own estimator and added up by characters, their half widths as
    if all were off in the same way: wider than the truth, never narrower.
    """
    held: dict[str, list[Unit]] = {}
    for one in units:
        if one.characters:
            held.setdefault(one.model, []).append(one)
    chosen = [(estimators.of(model), mine) for model, mine in held.items()]
    found = [estimator.estimate(mine) for estimator, mine in chosen if estimator]
    if not found:
        return None
    return found[0] if len(found) == 1 else _added(found)


def estimate_by(units: Sequence[Unit], estimators: Estimators, key: By = "document") -> list[Part]:
    """Each page, document or day by itself, in order."""
    parts = []
    for name, held in by(units, key).items():
        known, unknown = halves(held)
        truth = total(one.truth for one in known if one.truth)
        counted = {"cer": truth.cer, "wer": truth.wer, "characters": truth.characters} if known else None
        parts.append(Part(name, estimate_units(unknown, estimators), counted))
    return parts


def sentence(found: Estimate, what: str = "page", truth: str = "without a truth") -> str:
    """The estimate for a person."""
    many = f"{found.units} {what}{'s' * (found.units != 1)}"
    told = f"CER about {100 * found.cer:.1f} % ({100 * found.low:.1f} to {100 * found.high:.1f}) on {many} {truth}"
    if found.strange:
        told += f"; they look unlike what this was learned on ({', '.join(found.strange)}), so it is a rough guess"
    return told


def _added(found: Sequence[Estimate]) -> Estimate:
    characters = sum(one.characters for one in found)

    def mean(name: str) -> float:
        return float(sum(getattr(one, name) * one.characters for one in found) / characters)

    return Estimate(
        cer=mean("cer"),
        low=mean("low"),
        high=mean("high"),
        level=found[0].level,
        units=sum(one.units for one in found),
        lines=sum(one.lines for one in found),
        characters=characters,
        raw=mean("raw"),
        strange=tuple(dict.fromkeys(name for one in found for name in one.strange)),
    )
