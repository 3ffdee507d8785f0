"""Freely edited text over line images: each thing people do, what must be left out, and fuzzed edits of real pages."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.correct.align import Aligned, align
from emendo.correct.costs import edit_cost, longest, span_costs
from emendo.correct.lattice import Lattice
from emendo.correct.tokens import fold, split_words

TRUTH = [
    "le chat est sur la table",
    "il fait beau aujourd'hui",
    "nous partons à Paris demain",
    "voici une lettre de ma mère",
    "qui arrive avec un peu de retard",
    "et je dois lui répondre ce soir",
]
READ = [
    "le chat est sur 1a tabe",
    "il fat beau auiourd'hui",
    "nous parlons a Pans demain",
    "voici une letire de ma mere",
    "qu arrive avec un peu de retad",
    "et je dois lui repondre ce soir",
]


def texts(edited: str, readings: Sequence[str] = READ) -> list[str | None]:
    return [one.text for one in aligned(edited, readings)]


def aligned(edited: str, readings: Sequence[str] = READ) -> list[Aligned]:
    return align(readings, [(n, line) for n, line in enumerate(edited.split("\n"), start=1) if line.strip()])


def test_line_by_line() -> None:
    found = aligned("\n".join(TRUTH))
    assert [one.text for one in found] == TRUTH
    assert [one.first for one in found] == [1, 2, 3, 4, 5, 6]
    assert all(one.kept for one in found)


def test_untouched() -> None:
    assert texts("\n".join(READ)) == READ


def test_merged_lines() -> None:
    edited = "\n".join([f"{TRUTH[0]} {TRUTH[1]}", *TRUTH[2:4], f"{TRUTH[4]} {TRUTH[5]}"])
    assert texts(edited) == TRUTH


def test_split_lines() -> None:
    assert texts("\n".join(TRUTH).replace("est sur", "est\nsur").replace("une lettre", "une\nlettre")) == TRUTH


@pytest.mark.parametrize("width", [20, 31, 47, 1000])
def test_reflowed(width: int) -> None:
    lines, line = [], ""
    for word in " ".join(TRUTH).split():
        if len(line) + len(word) >= width:
            lines.append(line)
            line = ""
        line += f" {word}"
    assert texts("\n".join([*lines, line])) == TRUTH


def test_own_notes_and_deleted_lines() -> None:
    edited = "\n".join(["NB: à relire avec Jeanne", *TRUTH[:2], "[tache d'encre]", *TRUTH[3:], "fin du cahier"])
    found = aligned(edited)
    assert [one.text for one in found] == [*TRUTH[:2], None, *TRUTH[3:]]
    assert found[2].lost or found[2].reason


def test_all_but_one_deleted() -> None:
    assert texts(TRUTH[3]) == [None, None, None, TRUTH[3], None, None]


def test_nothing_left() -> None:
    assert all(one.lost and one.text is None for one in aligned(""))


def test_a_hyphenated_word_written_together_is_left_out() -> None:
    read = ["il faut bien se convain-", "cre que tout est fini ici"]
    for edited in (
        "il faut bien se convaincre\nque tout est fini ici",
        "il faut bien se convaincre que tout est fini ici",
    ):
        found = aligned(edited, read)
        assert [one.text for one in found] == [None, None]
        assert "written together" in found[0].reason


def test_a_missed_word_between_two_reflowed_lines_is_not_guessed() -> None:
    edited = " ".join([TRUTH[0], "vraiment", *TRUTH[1:]])
    found = texts(edited)
    assert found[2:] == TRUTH[2:]
    assert found[0] in (None, TRUTH[0]) and found[1] in (None, TRUTH[1])


def test_a_missed_word_at_the_end_of_a_kept_line_belongs_to_it() -> None:
    edited = [TRUTH[0] + " ronde", *TRUTH[1:]]
    assert texts("\n".join(edited)) == edited


def test_the_same_line_twice() -> None:
    read = ["Total", "12 francs et dix", "Total", "quatorze francs", "Total"]
    assert texts("Total\n12 francs et dix\nTotal\n14 francs\nTotal", read)[::2] == ["Total"] * 3


def test_a_rewritten_text_is_left_out_without_evidence() -> None:
    found = aligned("\n".join([*TRUTH[:2], "quelque chose de tout autre ici", *TRUTH[3:]]))
    assert found[2].text is None and found[2].reason
    assert [one.text for one in found[:2] + found[3:]] == [*TRUTH[:2], *TRUTH[3:]]


class _Says:
    """A judge that knows the truth: every wrong character costs five nats."""

    def __init__(self, truth: Sequence[str]) -> None:
        self.truth = truth
        self.asked: list[int] = []

    def scores(self, line: int, texts: Sequence[str]) -> list[float] | None:
        self.asked.append(line)
        return [-5.0 * edit_cost(self.truth[line], text) for text in texts]


def test_evidence_settles_what_edit_costs_cannot() -> None:
    truth = [TRUTH[0] + " vraiment", *TRUTH[1:]]
    judge = _Says(truth)
    found = align(READ, [(1, " ".join(truth))], judge)
    assert [one.text for one in found] == truth
    assert judge.asked


def test_evidence_refuses_a_text_that_is_not_on_the_image() -> None:
    wrong = "quelque chose de tout autre ici"
    edited = [(n, line) for n, line in enumerate([*TRUTH[:2], wrong, *TRUTH[3:]], start=1)]
    assert align(READ, edited, _Says(TRUTH))[2].text is None
    seen = [*TRUTH[:2], wrong, *TRUTH[3:]]
    assert align(READ, edited, _Says(seen))[2].text == wrong


def test_evidence_is_not_asked_for_plain_corrections() -> None:
    judge = _Says(TRUTH)
    align(READ, list(enumerate(TRUTH, start=1)), judge)
    assert judge.asked == []


def test_scripts_without_blanks_reflow_too() -> None:
    truth = ["春眠不觉晓处处闻啼鸟", "夜来风雨声花落知多少", "白日依山尽黄河入海流"]
    read = ["春眠不党晓处处闻啼鸟", "夜来风雨声花洛知多少", "白日依山尽黄何入海流"]
    assert texts("".join(truth), read) == truth


def test_a_long_document_is_searched_around_a_coarse_alignment() -> None:
    r = random.Random(5)
    words = ["".join(r.choices("abcdefghilmnoprstuv", k=r.randint(2, 9))) for _ in range(300)]
    truth = [" ".join(r.choices(words, k=8)) for _ in range(120)]
    read = [line.replace("e", "c").replace("m", "rn") for line in truth]
    edited = truth[:30] + ["une note de ma main"] * 3 + truth[30:60] + truth[75:]
    found = texts(" ".join(edited), read)
    wrong = [(f, t) for f, t in zip(found, truth, strict=True) if f is not None and f != t]
    assert not wrong
    assert sum(f is not None for f in found[:60] + found[75:]) >= 95
    assert found[60:75] == [None] * 15


@settings(max_examples=60, deadline=None)
@given(st.text("ab é.'", max_size=12), st.text("ab é.'", max_size=12))
def test_span_costs_are_a_distance(reading: str, text: str) -> None:
    reading, text = " ".join(reading.split()), " ".join(text.split())
    cost = edit_cost(reading, text)
    assert cost >= 0 and (cost == 0) == (reading == text)
    assert cost == pytest.approx(edit_cost(text, reading))
    assert cost <= len(reading) + len(text)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["le", "chat", "été", "a", "mer."]), min_size=1, max_size=7), st.data())
def test_span_costs_of_all_stretches_at_once(words: list[str], data: st.DataObject) -> None:
    reading = " ".join(data.draw(st.lists(st.sampled_from(["le", "chal", "ete", "mer"]), max_size=4)))
    split = split_words([(1, " ".join(words))])
    starts = split.starts.argsort()
    table = span_costs(reading, split, starts)
    for first in range(len(words)):
        for last in range(first + 1, min(len(words), first + table.shape[1]) + 1):
            text = " ".join(words[first:last])
            expected = edit_cost(reading, text) if len(text) <= longest(reading) else float("inf")
            assert table[first, last - first - 1] == pytest.approx(expected, abs=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(TRUTH), min_size=1, max_size=4), st.integers(0, 10_000))
def test_costs_forward_and_backward_agree(readings: list[str], seed: int) -> None:
    """Every line's best stretch lies on a way of the same cost: the cost of the best way of all."""
    r = random.Random(seed)
    words = [word for line in r.sample(TRUTH, 3) for word in line.split()]
    lines = [(1, " ".join(words[: len(words) // 2])), (2, " ".join(words[len(words) // 2 :]))]
    choices = Lattice(readings, split_words(lines)).choices()
    best = [min([choice.lost, *(s.cost for s in choice.stretches[:1])]) for choice in choices]
    assert best == pytest.approx([best[0]] * len(best), abs=1e-2)


@given(st.text(max_size=30))
def test_fold_keeps_the_length(text: str) -> None:
    assert len(fold(text)) == len(text)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text("abc é\t", max_size=8), max_size=6), st.lists(st.text("abc é\n", max_size=8), max_size=5))
def test_any_texts_give_an_answer_per_line(lines: list[str], readings: list[str]) -> None:
    readings = [" ".join(reading.split()) for reading in readings]
    edited = [(n, " ".join(line.split())) for n, line in enumerate(lines, start=1) if line.strip()]
    found = align(readings, edited)
    assert len(found) == len(readings)
    for one in found:
        assert (one.text is None) == bool(one.reason)
