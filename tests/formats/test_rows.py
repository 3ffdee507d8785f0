"""Large manifests, whose samples are made when asked for, against the plain reader."""

from __future__ import annotations

import gc
import json
import os
import pickle
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emendo.datasets import open_dataset
from emendo.datasets.splits import Shares, assign
from emendo.datasets.summary import filter_samples, included, summarize
from emendo.errors import FormatError, UsageError
from emendo.formats import Content, ReadOptions, jsonl
from emendo.formats.rows import Rows, columns_of, with_splits
from emendo.formats.scan import scan
from emendo.types import Sample, Split

NAMES = ("a.png", "sub/b.png", "é.png", "q:r.png", "back\\slash.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in NAMES:
        (tmp_path / name).touch()
    return tmp_path


def write(folder: Path, lines: Sequence[Any]) -> Path:
    path = folder / "manifest.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8", errors="surrogatepass")
    return path


def read(path: Path, how: str) -> Content | tuple[str, ...]:
    try:
        return jsonl.read(path, ReadOptions()) if how == "plain" else scan(path, ReadOptions())
    except FormatError as error:
        return (str(error),)


def same(path: Path) -> Content | tuple[str, ...]:
    """Both readers say the same; what they say."""
    plain, lazy = read(path, "plain"), read(path, "scan")
    if isinstance(plain, tuple) or isinstance(lazy, tuple):
        assert plain == lazy
        return plain
    assert isinstance(lazy.samples, Rows)
    assert list(lazy.samples) == list(plain.samples)
    assert list(lazy.lines) == list(plain.lines)
    assert sorted(map(str, lazy.rejects)) == sorted(map(str, plain.rejects))
    assert lazy.notes == plain.notes
    for mine, theirs in zip(_columns(lazy.samples), _columns(plain.samples), strict=True):
        assert mine == theirs
    return lazy


def _columns(samples: Sequence[Sample]) -> list[tuple[str, str, str, int, int]]:
    one = columns_of(samples)
    return [
        (one.language_names[a], one.subset_names[b], one.unit_names[c], int(d), int(e))
        for a, b, c, d, e in zip(one.languages, one.subsets, one.units, one.splits, one.texts, strict=True)
    ]


GOOD = {"image": "a.png", "text": "un"}
CASES: dict[str, list[Any]] = {
    "plain": [{**GOOD, "id": "1", "language": "fr", "subset": "s", "split": "test", "page": "p"}, {**GOOD, "id": "2"}],
    "names": [{"image": name, "text": "x"} for name in NAMES],
    "missing": [GOOD, {"image": "gone.png", "text": "x"}, {"image": "nowhere/a.png", "text": "x"}],
    "outside": [GOOD, {"image": "../a.png", "text": "x"}, {"image": "/etc/passwd", "text": "x"}],
    "not a path": [GOOD, {"image": 3, "text": "x"}, {"image": "", "text": "x"}, {"text": "x"}],
    "texts": [{**GOOD, "id": str(i), "text": t} for i, t in enumerate(["", " a  b ", "e\u0301", "a\u00a0b", "a\nb"])],
    "bad texts": [
        GOOD,
        {**GOOD, "id": "1", "text": "\u0007"},
        {**GOOD, "id": "2", "text": 5},
        {"image": "a.png", "id": 3},
    ],
    "groups": [
        {**GOOD, "id": str(i), **extra}
        for i, extra in enumerate(
            [
                {"group": 0, "page": "x"},
                {"group": [], "page": "x"},
                {"group": None, "document": "d"},
                {"page": False},
                {"group": "", "page": "p"},
                {"group": "é"},
                {"group": "e\u0301"},
                {"document": "", "page": 4},
            ]
        )
    ],
    "members": [
        {**GOOD, "id": str(i), **extra}
        for i, extra in enumerate(
            [
                {"split": "dev"},
                {"split": ["test"]},
                {"split": ""},
                {"split": None},
                {"language": None},
                {"language": 1},
                {"language": ["fr"]},
                {"subset": "e\u0301"},
                {"origin": "synthetic"},
                {"origin": "x"},
                {"source": "book"},
            ]
        )
    ],
    "pages": [
        {"pdf": "a.png", "frame": 2},
        {"image": "a.png", "crop": [0, 0, 5, 5], "text": "x"},
        {**GOOD, "frame": -1},
    ],
    "same id, same text": [{**GOOD, "id": "1"}, {**GOOD, "id": "1"}, {**GOOD, "id": "2"}],
    "same id, other text": [
        {**GOOD, "id": "1"},
        {**GOOD, "id": "1", "text": "b"},
        {**GOOD, "id": "2"},
        {**GOOD, "id": "1"},
    ],
    "nothing right": ["{", "[]", "3"],
    "odd lines": [
        "",
        "  ",
        '{"image": "a.png", "text": "x"} ',
        '{"image": "a.png"}, {"id": 1}',
        '{"a": NaN}',
        "\ufeff{}",
    ],
    "numbers": [{**GOOD, "weight": 1.5}, '{"image": "a.png", "id": "n", "text": "x", "weight": 1e999}'],
}


@pytest.mark.parametrize("name", CASES)
def test_both_readers_agree(folder: Path, name: str) -> None:
    same(write(folder, CASES[name]))


VALUES = st.sampled_from(
    ["a.png", "sub/b.png", "x", "", None, 0, 1, True, [], {}, "fr", "test", "e\u0301", "é", "../x"]
)
KEYS = st.sampled_from(
    ["image", "text", "id", "group", "document", "page", "split", "language", "subset", "own", "frame"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=6), min_size=1, max_size=6))
def test_both_readers_agree_on_anything(folder: Path, rows: list[dict[str, Any]]) -> None:
    same(write(folder, [{**GOOD, "id": f"g{at}", **row} if at % 2 else row for at, row in enumerate(rows)]))


def many(folder: Path, count: int = 400) -> Path:
    rows = [
        {"id": f"{at:03}", "image": NAMES[at % 3], "text": f"line {at % 37}", "page": f"p{at // 10}", "writer": at % 4}
        | {"language": ("fr", "en")[at % 2], "subset": ("print", "hand")[at // 2 % 2]}
        for at in range(count)
    ]
    return write(folder, rows)


@pytest.fixture
def large(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest that counts as large."""
    monkeypatch.setattr(jsonl, "LARGE", 100)
    return many(folder)


@pytest.mark.parametrize("size", [1, 90, 400, 100_000])
def test_blocks_of_any_size_give_the_same_rows(folder: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("emendo.formats.scan.BLOCK", size)
    rows: list[Any] = [
        {"id": f"l{i}", "image": NAMES[i % 2], "text": f"texte {i}", "page": f"p{i // 3}", "language": "fr"}
        for i in range(30)
    ]
    assert isinstance(same(write(folder, rows)), Content)
    spaced = [{**row, "text": f" {row['text']}  x "} for row in rows]
    ungrouped = [{"image": "é.png", "text": ""}, *({**row, "page": None} for row in rows)]
    assert isinstance(same(write(folder, spaced)), Content)
    assert isinstance(same(write(folder, ungrouped)), Content)
    groups = [{**row, "group": "g", "document": 7} if i == 20 else row for i, row in enumerate(rows)]
    assert isinstance(same(write(folder, groups)), Content)


@pytest.mark.parametrize(
    "pair",
    [
        ('{"image": "a.png", "text": "one"},{"image": "a.png", "text": ["two"', '"three"]}'),
        ('{"image": "a.png", "text": "one"}],[{"image": "a.png", "text": ["two"', '"three"]}'),
        ('{"image": "a.png", "text": "one"', '"id": "x"}'),
        ('{"image": "a.png", "text": "one"},{"image": "a.png", "text": "two"}', " "),
    ],
)
def test_no_two_lines_make_a_row_together(folder: Path, pair: tuple[str, str]) -> None:
    content = same(write(folder, [*pair, {"image": "sub/b.png", "text": "right"}]))
    assert isinstance(content, Content)
    assert [sample.text for sample in content.samples] == ["right"]


def test_filter_split_and_splits_are_those_of_plain_samples(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lazy = open_dataset(large)
    assert isinstance(lazy.samples, Rows)
    monkeypatch.setattr(jsonl, "LARGE", 1 << 40)
    plain = open_dataset(large)
    assert lazy.hash == plain.hash
    assert summarize(lazy) == summarize(plain)
    for wanted in ({"language": ["fr"]}, {"subset": ["hand"]}, {"language": ["en"], "subset": ["print"]}):
        assert list(filter_samples(lazy.samples, **wanted)) == list(filter_samples(plain.samples, **wanted))
    first, second = assign(lazy.samples, None, Shares(0.2, 0.2)), assign(plain.samples, None, Shares(0.2, 0.2))
    assert isinstance(first.samples, Rows)
    assert list(first.samples) == list(second.samples)
    assert (first.groups, first.counts(), first.repeated) == (second.groups, second.counts(), second.repeated)
    assert first.repeated, "the texts come again, so some stand in test and elsewhere"
    parts = replace(lazy, samples=first.samples)
    assert [one.id for one in parts.split("test")] == [one.id for one in second.samples if one.split is Split.TEST]
    kept = included(lazy, language=["en"])
    assert kept.place(3) == f"{large}:8"
    with pytest.raises(UsageError, match="unknown language 'xx'; the data set has 'en', 'fr'"):
        filter_samples(lazy.samples, language=["xx"])


def test_rows_behave_as_a_sequence(large: Path) -> None:
    rows = open_dataset(large).samples
    assert len(rows) == 400
    assert rows[-1].id == "399"
    assert [one.id for one in rows[5:8]] == ["005", "006", "007"]
    assert rows[0] in rows
    assert (*rows[:1], rows[1])[1].attributes["writer"] == 1
    with pytest.raises(IndexError):
        rows[400]
    assert list(pickle.loads(pickle.dumps(rows))) == list(rows)
    changed = with_splits(rows, np.full(400, 1))
    assert changed[7].split is Split.TRAIN
    assert rows[7].split is None


def test_a_replaced_file_is_still_read_and_a_changed_one_refused(large: Path) -> None:
    rows = open_dataset(large).samples
    last = rows[399]
    other = large.with_name("other")
    other.write_text("{}\n")
    other.replace(large)
    assert rows[399] == last
    again = open_dataset(many(large.parent)).samples
    with large.open("a") as stream:
        stream.write("\n")
    with pytest.raises(FormatError, match=r"manifest\.jsonl: was changed while it was in use"):
        again[0]


def test_the_file_is_closed_with_the_last_sample(large: Path) -> None:
    held = Path("/proc/self/fd")
    rows: Any = open_dataset(large).samples
    rows = rows[3:]
    assert sum(os.path.realpath(one) == str(large.resolve()) for one in held.iterdir()) == 1
    del rows
    gc.collect()
    assert sum(os.path.realpath(one) == str(large.resolve()) for one in held.iterdir()) == 0
