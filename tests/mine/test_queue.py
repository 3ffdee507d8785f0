from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emendo.datasets import open_dataset
from emendo.image.load import sample_image
from emendo.metrics import counts
from emendo.mine import Unread, expected_cer, queue
from emendo.models.references import load_recognizer
from emendo.settings import Limits
from emendo.types import Character, Reading


def reading(text: str, probability: float | list[float]) -> Reading:
    sure = probability if isinstance(probability, list) else [probability] * len(text)
    return Reading(text, 0.5, tuple(Character(c, p, 0, 1) for c, p in zip(text, sure, strict=True)))


def order(lines: list[Unread], corrected: list[str] | None = None) -> list[str]:
    return [one.id for one in queue(lines, corrected or [])]


def test_the_uncertain_line_comes_first() -> None:
    lines = [Unread("sure", reading("abcdefgh", 0.99)), Unread("unsure", reading("abcdefgh", 0.7))]
    assert order(lines) == ["unsure", "sure"]


def test_the_hopeless_line_comes_late() -> None:
    usual = [Unread(f"usual {i}", reading("abcdefgh", 0.8)) for i in range(3)]
    hopeless, sure = Unread("hopeless", reading("abcdefgh", 0.3)), Unread("sure", reading("abcdefgh", 0.99))
    assert order([hopeless, sure, *usual])[:3] == ["usual 0", "usual 1", "usual 2"]


def test_pages_take_turns() -> None:
    lines = [Unread(f"{page}{i}", reading("abcdefgh" * 4, 0.8 - i / 100), page=page) for page in "ab" for i in range(3)]
    assert [one[0] for one in order(lines, ["abcdefgh" * 50])[:4]] in (["a", "b", "a", "b"], ["b", "a", "b", "a"])


def test_length_does_not_buy_a_place() -> None:
    lines = [Unread("long", reading("abcdefgh" * 9, 0.95)), Unread("short", reading("abcdefgh" * 3, 0.8))]
    assert order(lines, ["abcdefgh" * 50]) == ["short", "long"]


def test_rare_characters_come_first_and_only_once() -> None:
    common = "les mots du soir"
    lines = [
        Unread("plain", reading(common, 0.9)),
        Unread("rare", reading("les mots § œuvre", 0.9)),
        Unread("rare too", reading("les mots § œuvre", 0.9)),
        Unread("other", reading("les mots ÿ ñandú", 0.9)),
    ]
    found = queue(lines, [common] * 200)
    assert [one.id for one in found] == ["other", "rare", "rare too", "plain"]
    assert found[0].rare == "ÿñanú" and not found[-1].rare


def test_disagreement_counts() -> None:
    lines = [
        Unread("same", reading("le chat noir", 0.9), "le chat noir"),
        Unread("apart", reading("le chat noir", 0.9), "la chat nuit"),
    ]
    assert order(lines) == ["apart", "same"]


def test_an_empty_reading_is_last() -> None:
    assert order([Unread("empty", Reading("", 0.0)), Unread("text", reading("bonjour", 0.9))]) == ["text", "empty"]


def test_most_and_nothing() -> None:
    lines = [Unread(str(i), reading("abc", 0.5 + i / 100)) for i in range(9)]
    assert len(queue(lines, most=4)) == 4
    assert queue([]) == []


@given(st.lists(st.tuples(st.text("abé '", max_size=9), st.floats(0, 1)), max_size=12))
def test_every_line_once_with_falling_worth(raw: list[tuple[str, float]]) -> None:
    lines = [Unread(str(i), reading(text, p)) for i, (text, p) in enumerate(raw)]
    found = queue(lines)
    assert sorted(one.id for one in found) == sorted(line.id for line in lines)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)


def test_on_real_lines_the_worst_readings_come_early(data: Path) -> None:
    samples = open_dataset(data / "peraire").split("train")[:48]
    found = load_recognizer("base").read([sample_image(s, Limits()) for s in samples])
    truth = {s.id: counts(s.text or "", r.text).cer for s, r in zip(samples, found, strict=True)}
    lines = [Unread(s.id, r) for s, r in zip(samples, found, strict=True)]
    ranked = [one.id for one in queue(lines)]
    guesses = np.argsort(np.argsort([expected_cer(line.reading) for line in lines]))
    actual = np.argsort(np.argsort([truth[line.id] for line in lines]))
    assert np.corrcoef(guesses, actual)[0, 1] > 0.3
    assert np.mean([truth[i] for i in ranked[:16]]) > np.mean([truth[i] for i in ranked[-16:]])
