from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.metrics import Effort, effort, line_effort

texts = st.text(alphabet="abc dé", max_size=30)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "keys", "mental"),
    [
        ("un deux", "un deux", 1, 1),  # Enter
        ("un deux", "un deuz", 1 + 4 + 2, 2),  # one word jump, three arrows, delete, type
        ("un deux trois", "in deux trojs", 1 + 2 + (2 + 3) + 2, 3),  # two fixes
        ("un deux", "", 8, 1),  # typed anew
    ],
)
def test_by_hand(reference: str, hypothesis: str, keys: int, mental: int) -> None:
    one = line_effort(reference, hypothesis)
    assert one.keystrokes == keys
    assert one.seconds == pytest.approx(keys * 0.28 + mental * 1.35)


def test_a_hopeless_reading_is_typed_anew() -> None:
    one = line_effort("abcdefgh", "zyxwvutsrq")
    assert one.keystrokes == 1 + 8 + 1
    assert one.seconds == pytest.approx(one.anew_seconds + 1.35 + 0.28)


@given(texts, texts)
def test_never_much_worse_than_typing_anew(reference: str, hypothesis: str) -> None:
    one = line_effort(reference, hypothesis)
    assert one.seconds <= one.anew_seconds + 1.35 + 0.28 + 1e-9
    assert one.keystrokes >= 1
    assert one.characters <= len(reference)


def test_sums_and_rates() -> None:
    pairs = [("un deux", "un deuz"), ("trois", "trois")]
    summed = effort(pairs)
    assert summed == line_effort(*pairs[0]) + line_effort(*pairs[1])
    rates = summed.per_thousand()
    assert rates["keystrokes"] == pytest.approx(summed.keystrokes / 12 * 1000)
    assert 0 < rates["seconds_saved"] < 1
    assert Effort().per_thousand()["seconds_saved"] == 0.0
