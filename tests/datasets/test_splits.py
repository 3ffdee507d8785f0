"""The frozen test set: whatever is added, in whatever order, no group ever changes its part.

Covers the frozen personal test set of X1.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.datasets.splits import Shares, assign, load_state, repeated_texts, save_state
from emendo.errors import FormatError, UsageError
from emendo.formats.rows import unit_of
from emendo.types import Sample, Split


def sample(name: str, group: str = "", text: str = "text", split: Split | None = None) -> Sample:
    return Sample(id=name, image=Path(f"{name}.png"), group=group, text=text, split=split)


def pages(count: int, lines: int = 20) -> list[Sample]:
    return [
        sample(f"{page}-{line}", f"page {page}", f"{page} {line}") for page in range(count) for line in range(lines)
    ]


batches = st.lists(
    st.dictionaries(st.integers(0, 40), st.integers(1, 30), min_size=1, max_size=8), min_size=1, max_size=6
)


@settings(max_examples=60, deadline=None)
@given(batches=batches, order=st.randoms())
def test_it_grows_and_never_leaks(batches: list[dict[int, int]], order: object) -> None:
    known: dict[str, Split] = {}
    seen: list[Sample] = []
    for number, batch in enumerate(batches):
        seen += [sample(f"{number}-{page}-{i}", f"p{page}") for page, size in batch.items() for i in range(size)]
        result = assign(seen, known)
        for name, part in known.items():
            assert result.groups[name] is part
        for one in result.samples:
            assert one.split is result.groups[unit_of(one)]
        shuffled = list(seen)
        order.shuffle(shuffled)  # type: ignore[attr-defined]
        assert assign(shuffled, known).groups == result.groups, "the order of the samples does not matter"
        known = dict(result.groups)


@pytest.mark.parametrize(("count", "parts"), [(1, {"train"}), (2, {"train", "test"}), (3, {"train", "test", "val"})])
def test_few_pages(count: int, parts: set[str]) -> None:
    assert {str(one.split) for one in assign(pages(count)).samples} == parts


def test_the_shares_are_met() -> None:
    counts = assign(pages(100)).counts()
    assert counts == {"train": 1500, "val": 200, "test": 300}


def test_a_published_split_is_kept_for_the_whole_group() -> None:
    given_ = [
        sample("a", "p", split=Split.TRAIN),
        sample("b", "p", split=Split.TEST),
        sample("c", "q", split=Split.VAL),
    ]
    result = assign(given_)
    assert [one.split for one in result.samples] == ["test", "test", "val"] and result.conflicts == ("p",)
    assert assign(given_, {"p": Split.TRAIN}).samples[1].split is Split.TRAIN, "the memory wins"


def test_without_a_group_each_sample_is_its_own() -> None:
    result = assign([sample(f"s{i}") for i in range(40)])
    assert result.counts() == {"train": 30, "val": 4, "test": 6}


def test_texts_in_test_and_elsewhere_are_reported() -> None:
    rows = [
        sample("a", "p", "the  same", Split.TEST),
        sample("b", "q", "the same", Split.TRAIN),
        sample("c", "r", "twice", Split.TRAIN),
        sample("d", "s", "twice", Split.VAL),
    ]
    (found,) = repeated_texts(rows)
    assert found.text == "the same" and found.groups == ("p", "q")


def test_the_memory_is_kept_and_guarded(tmp_path: Path) -> None:
    assert load_state(tmp_path) == {}
    save_state(tmp_path, {"p": Split.TEST, "é": Split.TRAIN})
    assert load_state(tmp_path) == {"p": Split.TEST, "é": Split.TRAIN}
    with pytest.raises(FormatError, match="group 'p' would change its part"):
        save_state(tmp_path, {"p": Split.TRAIN, "é": Split.TRAIN})
    with pytest.raises(FormatError, match="would change"):
        save_state(tmp_path, {"é": Split.TRAIN})


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"version": 1, "groups": {"p": "dev"}}', '{"version": 1, "groups": 3}']
)
def test_a_damaged_memory_stops_the_build(tmp_path: Path, content: str) -> None:
    (tmp_path / "splits.json").write_text(content)
    with pytest.raises(FormatError, match="restore it from a backup"):
        load_state(tmp_path)


def test_shares_that_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave nothing to train on"):
        Shares(val=0.5, test=0.5)
