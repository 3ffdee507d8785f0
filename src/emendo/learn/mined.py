"""What came of a round of mining: its report as JSON, as a page, and the errors of all rounds so far as a picture."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from typing import Any, Final

from ..errors import FormatError
from ..evaluate.boards.html import STYLE, name_cell, percent, table, tag
from ..evaluate.fields.report import FieldReport
from ..evaluate.page import figure_cards, html_page
from ..fields.compare import FieldCounts
from ..tools.counts import counted
from ..tools.files import write_bytes, write_json, write_text

FORMAT: Final = "emendo-mining-round/1"
REPORT, PAGE, PICTURE = "report.json", "report.html", "errors.png"


@dataclass(frozen=True, slots=True)
class Measured:
    """One model on one set: values that are wrong, missed or invented, in all and by field; documents by class."""

    documents: int
    values: int
    errors: int
    f1: float | None
    fields: Mapping[str, Mapping[str, int]]
    classes: Mapping[str, int]

    @classmethod
    def of(cls, report: FieldReport) -> Measured:
        """What a report counted."""
        fields: dict[str, FieldCounts] = {}
        classes: dict[str, int] = {}
        for one in report.documents:
            for name, counts in one.counts.items():
                fields[name] = fields.get(name, FieldCounts()) + counts
            for name in one.classes:
                classes[str(name)] = classes.get(str(name), 0) + 1
        return cls(
            documents=len(report.documents),
            values=report.counts.values,
            errors=report.counts.errors,
            f1=report.counts.f1,
            fields={name: asdict(fields[name]) for name in report.fields if name in fields},
            classes=classes,
        )

    def errors_of(self, name: str) -> int:
        """Errors of one field."""
        counts = self.fields.get(name)
        return FieldCounts(**counts).errors if counts else 0


@dataclass(frozen=True, slots=True)
class Compared:
    """A set that no round trains on: the model in use before the round, and the candidate where one was made."""

    name: str
    before: Measured
    after: Measured | None

    def sentence(self) -> str:
        """Errors before and after."""
        told = f"{self.name}: {self.before.errors} errors in {self.before.values} values"
        return told if self.after is None else f"{told}, {self.after.errors} with the new model"


@dataclass(frozen=True, slots=True)
class RoundReport:
    """How a round ended.

    `model` is the name of the model that read, `candidate` that of the one it trained, `in_use` the reference of what
    is in use now. `promoted` is None when nothing was judged; `reason` says why. `errors` is what the log holds of the
    readings of `model` (`mine.logbook.LogSummary`), `trained_on` the numbers of hard documents and of those read
    right, the shares of made-up and of all usual ones, and the hard ones by their worst class, `findings` what the gate
    looked at.
    """

    number: int
    model: str
    in_use: str
    read: int
    candidate: str = ""
    promoted: bool | None = None
    reason: str = ""
    unreadable: tuple[str, ...] = ()
    contradictions: tuple[str, ...] = ()
    errors: Mapping[str, Any] = field(default_factory=dict)
    trained_on: Mapping[str, Any] = field(default_factory=dict)
    held: tuple[Compared, ...] = ()
    findings: tuple[Mapping[str, Any], ...] = ()
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"format": FORMAT, **asdict(self)}

    def sentence(self) -> str:
        """The round in one line."""
        made = self.trained_on
        learned = f", trained on {made['hard']} of them with {made['share']:.0%} usual ones" if made else ""
        ended = {None: "no new model", True: "promoted", False: "refused"}[self.promoted]
        wrong = self.errors.get("wrong", 0)
        told = f"round {self.number}: {counted(wrong, 'document')} with errors{learned}; {ended}: {self.reason}"
        return "; ".join([told, *(one.sentence() for one in self.held)])


def read_round(folder: Path) -> RoundReport | None:
    """The report of a round that ended, None for one that did not. Raises FormatError when it is damaged."""
    path = folder / REPORT
    if not path.is_file():
        return None
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        if row.pop("format") != FORMAT:
            raise FormatError(f"is of another format than {FORMAT}", where=path)
        held = tuple(
            Compared(one["name"], Measured(**one["before"]), Measured(**one["after"]) if one["after"] else None)
            for one in row["held"]
        )
        lists = {name: tuple(row[name]) for name in ("unreadable", "contradictions", "findings")}
        return RoundReport(**{**row, **lists, "held": held})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(
            f"is no complete report of a round ({error})", where=path, remedy="remove its folder"
        ) from error


def write_round(folder: Path, report: RoundReport, rounds: Sequence[RoundReport]) -> None:
    """Write a report into the folder of its round; `rounds` are all so far, this one last. The JSON is written last."""
    from ..train.rounds import draw_rounds

    picture = draw_rounds([_errors(one) for one in rounds])
    write_bytes(folder / PICTURE, picture)
    write_text(folder / PAGE, round_page(report, rounds, picture))
    write_json(folder / REPORT, report.to_dict())


def _errors(report: RoundReport) -> dict[str, tuple[int, int]]:
    """Errors on each held set: of the model in use before the round, and of the one in use after it."""
    after = {one.name: one.after if report.promoted and one.after else one.before for one in report.held}
    return {one.name: (one.before.errors, after[one.name].errors) for one in report.held}


def round_page(report: RoundReport, rounds: Sequence[RoundReport], picture: bytes) -> str:
    """The report as one HTML file, with the picture (PNG) of all rounds so far."""
    state = {None: tag("no new model", "quiet"), True: tag("promoted", "good"), False: tag("refused", "bad")}
    made = report.trained_on
    cards = [
        ("Documents read", str(report.read), f"{report.errors.get('wrong', 0)} logged with errors"),
        ("Hard documents", str(made.get("hard", 0)), "trained on"),
        (
            "Usual documents",
            percent(made.get("share", 0.0), 0),
            f"of the whole; {made.get('right', 0)} were read right",
        ),
    ]
    shown = base64.b64encode(picture).decode("ascii")
    body = [
        f"<h1>Round {report.number} {state[report.promoted]}</h1>",
        f'<p class="lead">{escape(report.reason)}</p>',
        f'<p class="soft">{escape(report.model)} read, {escape(report.candidate or "no model")} was trained</p>',
        figure_cards(cards),
        f'<p><img alt="errors by round" src="data:image/png;base64,{shown}" style="max-width: 100%"></p>',
        *(_held(one) for one in report.held),
        "<h2>Errors of what was read</h2>",
        _counts("Class", report.errors.get("classes", {})),
        _counts("Field", report.errors.get("fields", {})),
        "<h2>The gate</h2>",
        _findings(report),
        *_list("Documents that could not be read", report.unreadable),
        *_list("Documents with two truths", report.contradictions),
        "<h2>Rounds</h2>",
        table(
            ["<th class='name'>Round</th>", "Hard", "Right", "Gate", *(escape(one.name) for one in report.held)],
            [_row(one) for one in rounds],
        ),
    ]
    return html_page(f"Round {report.number}", body, STYLE)


def _held(one: Compared) -> str:
    names = dict.fromkeys((*one.before.fields, *(one.after.fields if one.after else ())))
    rows = [_pair(name, one.before.errors_of(name), one.after.errors_of(name) if one.after else None) for name in names]
    classes = dict.fromkeys((*one.before.classes, *(one.after.classes if one.after else ())))
    sums = [
        _pair(name, one.before.classes.get(name, 0), one.after.classes.get(name, 0) if one.after else None)
        for name in classes
    ]
    whole = _pair("all", one.before.errors, one.after.errors if one.after else None)
    return "".join(
        [
            f"<h2>{escape(one.name)}: {one.before.documents} documents that no round trains on</h2>",
            table(["<th class='name'>Errors of field</th>", "Before", "After"], [whole, *rows]),
            table(["<th class='name'>Documents of class</th>", "Before", "After"], sums),
        ]
    )


def _pair(name: str, before: int, after: int | None) -> list[str]:
    return [name_cell(name), str(before), "–" if after is None else str(after)]


def _counts(title: str, counted: Mapping[str, int]) -> str:
    head = [f"<th class='name'>{title}</th>", "Documents"]
    return table(head, [[name_cell(name), str(count)] for name, count in counted.items()])


def _findings(report: RoundReport) -> str:
    if not report.findings:
        return '<p class="soft">Nothing was judged.</p>'
    rows = [
        [tag("ok", "good") if one["good"] else tag("no", "bad"), f'<td class="name">{escape(str(one["what"]))}</td>']
        for one in report.findings
    ]
    return table(["", "<th class='name'>Finding</th>"], rows)


def _list(title: str, sentences: Sequence[str]) -> list[str]:
    items = "".join(f"<li>{escape(one)}</li>" for one in sentences)
    return [f"<h2>{title}</h2><ul>{items}</ul>"] if items else []


def _row(report: RoundReport) -> list[str]:
    ended = {None: "–", True: "promoted", False: "refused"}[report.promoted]
    counts = [str(report.trained_on.get(name, 0)) for name in ("hard", "right")]
    errors = [f"{before} to {after}" if before != after else str(after) for before, after in _errors(report).values()]
    return [name_cell(str(report.number)), *counts, ended, *errors]
