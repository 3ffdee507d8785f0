"""From readings of two models and what people said of them to a verdict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from emendo.monitor import Outcome, Seen, SeenLine, Truth
from emendo.monitor.trial import (
    APART,
    ARMS,
    CANDIDATE,
    CHAMPION,
    Rules,
    Tally,
    Verdict,
    judge,
    tally,
    witnesses,
)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def seen(name: str, arm: str, *lines: str, document: str = "", **more: object) -> Seen:
    return Seen(
        id=name,
        at=NOON,
        kind="page",
        arm=arm,
        document=document,
        lines=tuple(SeenLine(line, 0.9, 0.1) for line in lines),
        **more,  # type: ignore[arg-type]
    )


def truth(name: str, text: str, line: int | None = None, minutes: int = 0) -> Truth:
    return Truth(id=name, at=NOON + timedelta(minutes=minutes), author="ann", text=text, line=line)


def pairs(errors: list[tuple[int, int]], size: int = 100) -> list[dict[str, Tally]]:
    return [{CHAMPION: Tally(a, size, 1), CANDIDATE: Tally(b, size, 1)} for a, b in errors]


def test_errors_are_those_of_what_was_said_whole_or_line_by_line() -> None:
    page = seen("a", CHAMPION, "ein Wort", "noch ains")
    assert tally(page, [truth("a", "ein Wort\n\nnoch  eins")]) == Tally(1, 18, 1)
    assert tally(page, [truth("a", "noch eins", 1)]) == Tally(1, 9, 1)
    assert tally(page, [truth("a", "x", 1), truth("a", "noch eins", 1)]) == Tally(1, 9, 1), "the later one holds"
    assert tally(page, [truth("a", "was fehlt", 7)]) == Tally(9, 9, 1), "a line that was not found is all wrong"
    assert tally(page, []) == Tally()


def test_of_documents_the_wrong_values_count() -> None:
    read = Seen(id="a", at=NOON, kind="document", arm=CHAMPION, fields={"total": "1.00", "currency": "EUR"})
    said = Truth(id="a", at=NOON, author="ann", fields={"total": "2.00", "currency": "EUR"})
    assert tally(read, [said]) == Tally(1, 2, 1)


def test_a_document_counts_once_in_the_order_in_which_it_became_known_and_where_both_read_it() -> None:
    rows = [
        *(seen("a1", arm, "ab", document="book") for arm in ARMS),
        *(seen("a2", arm, "cd", document="book") for arm in ARMS),
        *(seen("b", arm, "ef" if arm == CHAMPION else "xx") for arm in ARMS),
        seen("c", CHAMPION, "gh"),
        seen("d", "", "ij"),
        *(seen("e", arm, "kl") for arm in ARMS),
    ]
    said = [truth("a1", "ab", minutes=1), truth("b", "ef", minutes=2), truth("a2", "cx", minutes=3)]
    said += [truth(name, "zz", minutes=4) for name in "cd"]
    found = witnesses(rows, said, rules=Rules())
    assert found == [
        {CHAMPION: Tally(0, 2, 1), CANDIDATE: Tally(2, 2, 1), APART: Tally(2, 2, 1)},
        {CHAMPION: Tally(1, 4, 2), CANDIDATE: Tally(1, 4, 2), APART: Tally(0, 4, 2)},
    ]
    assert witnesses(rows, said, rules=Rules(), before=NOON + timedelta(minutes=2)) == found[:1]
    assert witnesses(rows, said, rules=Rules(paired=False)) == [{CHAMPION: Tally(2, 2, 1)}]


def test_an_image_that_the_candidate_failed_on_counts_as_empty() -> None:
    rows = [seen("a", CHAMPION, "abcd"), seen("a", CANDIDATE, outcome=Outcome.FAILED, reason="broken")]
    assert witnesses(rows, [truth("a", "abcd")], rules=Rules())[0][CANDIDATE] == Tally(4, 4, 1)


def test_verdicts() -> None:
    assert judge([], Rules()).verdict is Verdict.OPEN
    assert judge(pairs([(10, 9), (8, 9), (12, 12)]), Rules()).verdict is Verdict.OPEN
    better = judge(pairs([(10, 5)] * 12), Rules())
    assert better.verdict is Verdict.BETTER and better.ratio == 0.5 and better.high is not None and better.high < 1
    worse = judge(pairs([(5, 10)] * 12), Rules())
    assert worse.verdict is Verdict.WORSE and worse.wealth["worse"] >= 10 and "worse after 12" in worse.sentence
    assert judge(pairs([(5, 6), (6, 5)] * 20), Rules(documents=40)).verdict is Verdict.SAME
    assert judge(pairs([(50, 51), (50, 49)] * 60), Rules()).verdict is Verdict.SAME, "no gain of 3 % is left"
    row = better.to_dict()
    assert row["champion_rate"] == 0.1 and row["verdict"] == "better" and row["champion"]["errors"] == 120


def test_harm_is_seen_sooner_than_a_gain_of_the_same_size() -> None:
    def needed(errors: tuple[int, int], verdict: Verdict) -> int:
        return next(n for n in range(1, 50) if judge(pairs([errors] * n), Rules()).verdict is verdict)

    assert needed((5, 10), Verdict.WORSE) < needed((10, 5), Verdict.BETTER)


def test_a_candidate_with_more_errors_in_all_is_not_called_better() -> None:
    found = judge(pairs([(10, 8)] * 30 + [(10, 400)]), Rules())
    assert found.ratio is not None and found.ratio > 1 and found.verdict is not Verdict.BETTER


def test_without_truths_a_candidate_is_stopped_when_unsure_and_never_called_better() -> None:
    def rows(champion: float, candidate: float) -> list[Seen]:
        doubts = {CHAMPION: champion, CANDIDATE: candidate}
        return [
            Seen(id=f"{n}", at=NOON, kind="line", arm=arm, lines=(SeenLine("twenty characters...", 0.5, doubts[arm]),))
            for n in range(40)
            for arm in ARMS
        ]

    rules = Rules(basis="agreement", documents=40)
    assert judge(witnesses(rows(0.05, 0.2), rules=rules), rules).verdict is Verdict.WORSE
    assert judge(witnesses(rows(0.05, 0.2), rules=rules), rules).apart.rate == 0
    surer = judge(witnesses(rows(0.2, 0.05), rules=rules), rules)
    assert surer.verdict is Verdict.SAME and "without corrections" in surer.sentence
