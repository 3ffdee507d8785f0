"""Which untouched lines count as right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emendo.correct.accept import accepted_lines

NO, YES = False, True


def test_nothing_of_an_untouched_note() -> None:
    for policy in ("none", "span", "page", "note"):
        assert accepted_lines(policy, [1, 1], [NO, NO], [1.0, 1.0]) == (set(), [])


def test_span_ends_at_the_last_edit_of_the_last_page() -> None:
    pages = [1, 1, 1, 2, 2, 2, 3]
    touched = [YES, NO, NO, NO, YES, NO, NO]
    assert accepted_lines("span", pages, touched, [0.8] * 7)[0] == {1, 2, 3}


def test_a_page_without_an_edit_does_not_count() -> None:
    assert accepted_lines("span", [1, 2, 3], [YES, NO, YES], [0.9] * 3)[0] == set()


def test_few_edits_where_many_were_expected() -> None:
    accepted, notices = accepted_lines("span", [4] * 10, [NO] * 9 + [YES], [0.2] * 10)
    assert accepted == set()
    assert notices == [
        "page 4: 9 untouched lines are not taken as right, for 1 lines were edited where about 8 were expected to be "
        "wrong (setting collect.accept)"
    ]


@given(st.lists(st.tuples(st.integers(1, 3), st.booleans(), st.floats(0, 1)), max_size=20))
def test_each_policy_accepts_no_less_than_the_stricter_one(rows: list[tuple[int, bool, float]]) -> None:
    rows.sort(key=lambda row: row[0])
    columns = ([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
    sets = [accepted_lines(policy, *columns)[0] for policy in ("none", "span", "page", "note")]
    assert sets[0] <= sets[1] <= sets[2] <= sets[3]
    assert not any(columns[1][i] for i in sets[3])
