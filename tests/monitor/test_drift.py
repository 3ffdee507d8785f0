"""Traffic beside its baseline: what changed is found, named, drawn; what did not is left alone."""

from __future__ import annotations

import random
from dataclasses import replace
from html import escape

import pytest
from tests.monitored import ENGLISH, START, page, traffic, truths

from emendo.monitor import Outcome, Seen, Truth
from emendo.monitor.baseline import Baseline, make_baseline
from emendo.monitor.drift import Drift, find_drift
from emendo.monitor.drift_page import drift_page
from emendo.monitor.labelled import joined, judged_pages, report_of
from emendo.monitor.steps import Step, alarms_of, spans_of


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    seen = traffic(60, 1)
    return make_baseline(seen, source="letters", judged=judged_pages(seen, truths(seen, 20)))


def mixed(**how: object) -> list[Seen]:
    """20 pages as ever, then 40 of which every second is another."""
    other = traffic(60, 3, prefix="o", **how)
    late = [one for one in other if int(one.document[1:]) >= 20 and int(one.document[1:]) % 2]
    gone = {one.document[1:] for one in late}
    return [*(one for one in traffic(60, 2) if one.document[1:] not in gone), *late]


def found(baseline: Baseline, seen: list[Seen]) -> Drift:
    return find_drift(seen, baseline)


def test_the_same_traffic_is_no_drift(baseline: Baseline) -> None:
    drift = found(baseline, traffic(150, 9))
    (one,) = drift.kinds
    assert drift.ok and not drift.alarmed and not any(step.alarm for step in one.steps)
    assert drift.sentences() == ["line: 150 pages like those of the baseline"]
    assert one.index < 0.1 and not one.missing and set(one.scripts) == {"LATIN"}


@pytest.mark.parametrize(
    ("how", "cause"),
    [({"words": ENGLISH}, "language"), ({"sharpness": 150.0}, "sharpness"), ({"confidence": 0.45}, "confidence")],
)
def test_a_shift_is_found_soon_and_named(baseline: Baseline, how: dict[str, object], cause: str) -> None:
    drift = found(baseline, mixed(**how))
    (one,) = drift.kinds
    assert not drift.ok and one.began is not None
    first = next(at for at, step in enumerate(one.steps) if step.alarm)
    assert 20 < first < 20 + 40
    causes = dict(one.steps[-1].causes)
    assert cause in causes or "novelty" in causes
    row = next(row for row in one.measures if row.measure == cause)
    assert row.p < 0.01 and abs(row.score) > 0.5
    assert drift.sentences()[0].startswith(f"ALARM line: pages differ from the baseline since {one.began.group}")


def test_an_alarm_that_is_over_is_told_still(baseline: Baseline) -> None:
    blurred = traffic(15, 3, prefix="b", sharpness=60.0)
    held = found(baseline, blurred)
    (alarm,) = held.kinds[0].alarms
    assert not held.ok and not alarm.over and alarm.since == 0
    assert held.sentences()[0].startswith("ALARM line: ") and "is over" not in " ".join(held.sentences())

    drift = found(baseline, [*blurred, *traffic(40, 2, first=15)])
    (one,), (over,) = drift.kinds, drift.kinds[0].alarms
    assert drift.ok and drift.alarmed and over.over and one.began == over.first == alarm.first
    assert over.after == alarm.after <= 15 and over.after - 1 + over.pages + over.since == 55
    (told,) = drift.sentences()
    assert told.startswith(f"line: an alarm is over: it came with {over.first.group} (2026-03-01 08:")
    assert f" after {over.after} pages and lasted until {over.last.group} " in told
    assert told.endswith(f"; {over.since} pages since then are like those of the baseline")
    assert told in drift_page(drift)
    report = drift.to_dict()
    assert report["ok"] and report["alarmed"]
    row = report["kinds"][0]
    assert (row["alarm"], row["since"], row["alarms"]) == (False, None, [over.to_dict()])
    assert row["alarms"][0]["over"] and row["alarms"][0]["pages_since"] == over.since


def test_an_alarm_of_errors_that_is_over_is_told_still(baseline: Baseline) -> None:
    seen = traffic(80, 8)
    some = len(seen) // 4
    said = [*truths(seen[:some], 5), *truths(seen[some:], 20)]
    drift = find_drift(seen, baseline, judged=judged_pages(seen, said))
    assert drift.ok and drift.alarmed and drift.kinds[0].error_alarms[-1].over
    rows = drift.kinds[0].error_alarms
    (told,) = drift.sentences()
    assert len(rows) > 1 and told.startswith(f"line: {len(rows)} alarms of errors are over: the first came with p")
    assert f"; {sum(row.pages for row in rows)} judged pages in all); {rows[-1].since} judged pages since" in told
    assert all(row["over"] for row in drift.to_dict()["kinds"][0]["error_alarms"])


def test_alarms_are_runs_of_pages() -> None:
    steps = [Step(str(at), START, 1.0, alarm) for at, alarm in enumerate([False, True, True, False, True])]
    assert spans_of(steps) == [(1, 2), (4, 4)]
    first, second = alarms_of(steps)
    assert (first.first.group, first.last.group, first.after, first.pages, first.since) == ("1", "2", 2, 2, 2)
    assert (second.after, second.pages, second.over) == (5, 1, False) and first.over
    assert alarms_of([]) == ()


def test_refusals_are_a_change(baseline: Baseline) -> None:
    seen = traffic(40, 4)
    refused = [
        replace(one, outcome=Outcome.REJECTED, lines=(), quality=None) if int(one.id[-1]) % 2 else one for one in seen
    ]
    drift = found(baseline, refused)
    assert not drift.ok
    assert drift.measures()["line.rejected"] > 0.2
    assert drift.measures()["line.evidence"] >= 1


def test_a_kind_and_a_model_that_the_baseline_does_not_know_are_told(baseline: Baseline) -> None:
    strange = [replace(one, kind="plate") for one in traffic(3, 5)]
    newer = [replace(one, model="base@2") for one in traffic(5, 6, prefix="n")]
    drift = found(baseline, [*strange, *newer])
    assert [one.kind for one in drift.kinds] == ["line"]
    assert any(note.startswith("plate: 3 pages") for note in drift.notes)
    assert any("base@2" in note and "make a new baseline" in note for note in drift.notes)


def test_what_is_not_told_any_more_is_named(baseline: Baseline) -> None:
    bare = [replace(one, quality=None) for one in traffic(5, 7)]
    assert any("do not tell sharpness" in text for text in found(baseline, bare).sentences())


def test_late_truths_raise_an_alarm_of_errors(baseline: Baseline) -> None:
    seen = traffic(60, 8)
    worse = [*truths(seen[: len(seen) // 3], 20), *truths(seen[len(seen) // 3 :], 8)]
    drift = find_drift(seen, baseline, judged=judged_pages(seen, worse))
    (one,) = drift.kinds
    assert one.error_alarm and not one.alarm and not drift.ok
    assert one.cer is not None and 0.1 < one.cer < 0.14
    assert any("more errors than in the baseline" in text for text in drift.sentences())
    as_before = find_drift(seen, baseline, judged=judged_pages(seen, truths(seen, 20)))
    assert as_before.ok and not as_before.kinds[0].error_alarm


def test_no_pages_no_alarm(baseline: Baseline) -> None:
    drift = found(baseline, [])
    assert drift.ok and drift.kinds == () and drift.sentences() == [] and drift.measures() == {}
    assert "<h1>Drift</h1>" in drift_page(drift)


def test_the_page_shows_every_measure_and_escapes_what_it_shows(baseline: Baseline) -> None:
    seen = [replace(one, document=f"<script>{one.document}") for one in mixed(words=ENGLISH)]
    drift = find_drift(seen, baseline, judged=judged_pages(seen, truths(seen, 10)))
    html = drift_page(drift)
    assert "<script" not in html and "&lt;script&gt;" in html
    for row in drift.kinds[0].measures:
        assert f"<b>{escape(row.title[:1].upper() + row.title[1:])}</b>" in html
    assert "CER" in html and html.count("<svg") == len(drift.kinds[0].measures) + 2
    assert spans_of(drift.kinds[0].steps)


class TestJoined:
    """Truths meet readings."""

    SEEN = page(0, random.Random(1))

    def test_the_last_truth_of_a_reading_holds(self) -> None:
        one = self.SEEN[0]
        said = [
            Truth(id=one.id, at=START.replace(day=day), author="a", text=text) for day, text in ((3, "b"), (2, "a"))
        ]
        (line,) = joined(self.SEEN, said)
        assert (line.reference, line.hypothesis, line.group) == ("b", one.text, one.document)
        assert line.slices["model"] == "base@1"

    def test_lines_of_a_page_are_joined_by_number(self) -> None:
        whole = replace(self.SEEN[0], kind="page", lines=tuple(one.lines[0] for one in self.SEEN))
        said = [Truth(id=whole.id, at=START, author="a", text="x", line=at) for at in (1, 99, -1)]
        said += [Truth(id=whole.id, at=START, author="a", text="all of it")]
        (line,) = joined([whole], said)
        assert line.hypothesis == self.SEEN[1].text and line.id.endswith("#1")

    def test_truths_of_nothing_are_left_out(self) -> None:
        said = [
            Truth(id="unknown", at=START, author="a", text="x"),
            Truth(id=self.SEEN[0].id, at=START, author="a", fields={}),
        ]
        assert joined(self.SEEN, said) == () and judged_pages(self.SEEN, said) == {}

    def test_a_report_has_the_slices_that_are_told(self) -> None:
        report = report_of(self.SEEN, truths(self.SEEN, 10), "now")
        assert report.slices == ("kind", "model") and 0.05 < report.counts.cer < 0.15
