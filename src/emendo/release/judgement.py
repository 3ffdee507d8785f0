"""What the gate saw of a candidate, kept beside it: the findings, and both models' readings of the test lines."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from ..errors import FormatError
from ..evaluate import Comparison, compare_reports, read_report
from ..evaluate.fields import FieldComparison, compare_field_reports, is_field_report, read_field_report
from ..tools.files import new_folder, write_json
from .gate import Decision, Finding

FORMAT = "emendo-judgement/1"
DECISION = "decision.json"


@dataclass(frozen=True)
class Judgement:
    """One decision of the gate; `at` is ISO 8601 UTC."""

    folder: Path
    at: str
    candidate: str
    champion: str
    findings: tuple[Finding, ...]

    @property
    def decision(self) -> Decision:
        """What was decided."""
        return Decision(self.candidate, self.champion, self.findings)

    @cached_property
    def comparison(self) -> Comparison | None:
        """The model in use then (A) against the candidate (B) on the test lines.

        None when the bundle was refused, or reads documents. Raises FormatError when the files are damaged.
        """
        if not (self.folder / "a").is_dir() or is_field_report(self.folder / "a"):
            return None
        return compare_reports(read_report(self.folder / "a"), read_report(self.folder / "b"))

    @cached_property
    def field_comparison(self) -> FieldComparison | None:
        """The same on the test documents, where these decided."""
        if not is_field_report(self.folder / "a"):
            return None
        return compare_field_reports(read_field_report(self.folder / "a"), read_field_report(self.folder / "b"))


def keep_judgement(folder: Path, decision: Decision) -> None:
    """Write a decision to a folder, whole or not at all; it takes the place of an earlier one."""
    content = {"format": FORMAT, "at": datetime.now(UTC).isoformat(timespec="seconds"), **decision.figures()}
    with new_folder(folder, replace=True) as fresh:
        for comparison in decision.comparisons[:1]:
            comparison.a.write(fresh / "a")
            comparison.b.write(fresh / "b")
        write_json(fresh / DECISION, content)


def read_judgement(folder: Path) -> Judgement | None:
    """The decision in a folder, None when none was taken yet. Raises FormatError when it is damaged."""
    path = folder / DECISION
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise FormatError(f"is not JSON ({error})", where=path, remedy="judge the run again") from error
    try:
        if content["format"] != FORMAT:
            raise FormatError(f"format is {content['format']!r}, not {FORMAT!r}", where=path)
        return Judgement(
            folder=folder,
            at=str(content["at"]),
            candidate=str(content["candidate"]),
            champion=str(content["champion"]),
            findings=tuple(Finding(**row) for row in content["findings"]),
        )
    except (KeyError, TypeError) as error:
        raise FormatError(f"is no complete decision ({error})", where=path, remedy="judge the run again") from error
