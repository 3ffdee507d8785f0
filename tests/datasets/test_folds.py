from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.datasets.folds import make_folds
from emendo.errors import DataError
from emendo.types import Sample


def samples(rows: list[tuple[str, str]]) -> list[Sample]:
    return [Sample(id=str(at), image=Path("a.png"), text=text, group=group) for at, (group, text) in enumerate(rows)]


ROWS = st.lists(
    st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["x", "X ", "y", "zz", "q", "w", "long"])), min_size=8
)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(2, 4), st.integers(0, 3))
def test_no_document_and_no_text_is_on_both_sides(rows: list[tuple[str, str]], count: int, seed: int) -> None:
    made = samples(rows)
    if len({group for group, _ in rows}) < count:
        with pytest.raises(DataError, match="documents do not make"):
            make_folds(made, count, seed)
        return
    found = make_folds(made, count, seed)
    assert sorted(np.concatenate([fold.held for fold in found.folds]).tolist()) == list(range(len(rows)))
    for fold in found.folds:
        held, train = [rows[int(at)] for at in fold.held], [rows[int(at)] for at in fold.train]
        assert not {group for group, _ in held} & {group for group, _ in train}
        assert not {text.strip().lower() for _, text in held} & {text.strip().lower() for _, text in train}
    if found.dealt == "documents and texts":
        assert all(len(fold.held) + len(fold.train) == len(rows) for fold in found.folds), "no text is in two folds"


def test_texts_of_their_own_are_dealt_evenly_and_by_seed() -> None:
    made = samples([(f"g{at // 4}", f"text {at}") for at in range(120)])
    found = make_folds(made, 5, 1)
    assert found.dealt == "documents and texts"
    assert [len(fold.held) for fold in found.folds] == [24] * 5
    same, other = make_folds(made, 5, 1), make_folds(made, 5, 2)
    assert all((a.held == b.held).all() for a, b in zip(found.folds, same.folds, strict=True))
    assert any((a.held != b.held).any() for a, b in zip(found.folds, other.folds, strict=True))


def test_a_text_that_is_everywhere_does_not_tie_all_documents_together() -> None:
    made = samples([(f"g{at // 4}", "le" if at % 4 == 0 else f"text {at}") for at in range(80)])
    found = make_folds(made, 4)
    assert found.dealt == "documents"
    assert [len(fold.held) for fold in found.folds] == [20] * 4
    assert all(len(fold.train) == 45 for fold in found.folds), "of the 60 others, 15 hold the text that is held out"
