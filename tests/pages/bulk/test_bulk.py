"""Batches: shards named by their content, each item read exactly once, whatever dies on the way. Covers A6."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from emendo.errors import DataError, FormatError, UsageError
from emendo.pages.bulk.child import Reader
from emendo.pages.bulk.crew import AT_ONCE, read_shards
from emendo.pages.bulk.merge import merge
from emendo.pages.bulk.plan import Item, items_of_pictures, make_plan, read_plan
from emendo.settings import load_settings

from ...release.colours import colour_samples, write_colour_bundle
from .trap import lay

TEXTS = tuple("abcdefg"[at % 7] + "gfedcba"[at % 5] + "bdfaceg"[at % 3] for at in range(80))


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Reader:
    bundle = write_colour_bundle(tmp_path_factory.mktemp("model") / "colours")
    return Reader(str(bundle.folder), settings=load_settings(environment={}))


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    pictures = [sample.image for sample in colour_samples(tmp_path / "pictures", TEXTS[:20])]
    return list(items_of_pictures(pictures))


def test_the_name_of_a_shard_follows_from_what_is_in_it(tmp_path: Path, items: list[Item]) -> None:
    plan = make_plan(tmp_path / "out", items, {"model": "a"}, shard=8)
    assert [len(plan.shard(name).items) for name in plan.names] == [8, 8, 4]
    assert read_plan(tmp_path / "out") == plan and plan.open() == plan.names
    assert [item for name in plan.names for item in plan.shard(name).items] == items
    assert make_plan(tmp_path / "out", items, {"model": "a"}, shard=8).names == plan.names
    other = make_plan(tmp_path / "out", items, {"model": "b"}, shard=8)
    assert not set(other.names) & set(plan.names), "another model reads everything anew"
    assert {path.stem for path in (tmp_path / "out" / "plan").glob("*.jsonl")} == set(other.names)
    os.utime(items[9].file, ns=(1, 1))
    changed = make_plan(
        tmp_path / "out", list(items_of_pictures([Path(one.file) for one in items])), {"model": "b"}, shard=8
    )
    assert [a == b for a, b in zip(changed.names, other.names, strict=True)] == [True, False, True]


def test_a_plan_of_nothing_or_with_an_id_twice_is_refused(tmp_path: Path, items: list[Item]) -> None:
    with pytest.raises(DataError, match="there is nothing to read"):
        make_plan(tmp_path / "out", [], {}, shard=8)
    with pytest.raises(DataError, match="comes twice; give each line an id"):
        make_plan(tmp_path / "out", [*items, items[3]], {}, shard=8)
    with pytest.raises(FormatError, match="is no plan"):
        read_plan(tmp_path / "out")


def test_a_picture_that_kills_or_hangs_costs_no_other(
    tmp_path: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(tmp_path / "site", monkeypatch)
    samples = colour_samples(tmp_path / "pictures", TEXTS[:60])
    paths = [sample.image for sample in samples]
    for at, name in ((7, "kill-a.png"), (41, "hang-b.png")):
        paths[at] = paths[at].rename(paths[at].with_name(name))
    (tmp_path / "pictures" / "none.png").write_bytes(b"no picture")
    paths.append(tmp_path / "pictures" / "none.png")
    plan = make_plan(tmp_path / "out", list(items_of_pictures(paths)), {"model": "a"}, shard=40)
    seen: list[int] = []
    tally = read_shards(
        plan,
        plan.names,
        reader,
        processes=2,
        tries=1,
        stall_seconds=5,
        progress=lambda done, total, text: seen.append(done),
    )
    assert (tally.shards, tally.items, tally.errors) == (2, 61, 3)
    assert tally.deaths >= 2 + 4, "halves of halves until each stood alone"
    assert seen == sorted(seen) and seen[-1] == 61
    merged = merge(plan)
    rows = [json.loads(line) for line in merged.readings.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [str(path) for path in paths]
    wrong = {Path(row["id"]).name: row["error"] for row in rows if "error" in row}
    assert set(wrong) == {"kill-a.png", "hang-b.png", "none.png"}
    assert "ended with signal 11" in wrong["kill-a.png"] and "ended with signal 9" in wrong["hang-b.png"]
    assert "is no image" in wrong["none.png"] or "not" in wrong["none.png"]
    read = [(row["text"], text) for row, text in zip(rows, TEXTS, strict=False) if "error" not in row]
    assert len(read) == 58 and all(a == b for a, b in read)
    assert (merged.items, merged.lines, len(merged.errors)) == (61, 58, 3)
    again = read_shards(plan, plan.names, reader, processes=2)
    assert (again.shards, again.items) == (0, 0), "what is there is not read again"


def test_a_shard_that_is_missing_or_damaged_is_never_merged(tmp_path: Path, reader: Reader, items: list[Item]) -> None:
    plan = make_plan(tmp_path / "out", items, {"model": "a"}, shard=12)
    with pytest.raises(FormatError, match="was not read yet"):
        merge(plan)
    read_shards(plan, plan.names, reader, processes=1)
    whole = merge(plan).readings.read_text(encoding="utf-8")
    assert [json.loads(line)["text"] for line in whole.splitlines()] == list(TEXTS[:20])
    file = plan.file(plan.names[0])
    rows = file.read_text(encoding="utf-8").splitlines(keepends=True)
    for damaged in ("".join(rows[:-1]), "".join([*rows, rows[0]]), "".join(rows)[:-9]):
        file.write_text(damaged, encoding="utf-8")
        with pytest.raises(FormatError, match=r"its items once|is damaged"):
            merge(plan)
    file.unlink()
    (tmp_path / "out" / "shards" / "0000000000000000.jsonl").write_text("{}\n")
    assert read_shards(plan, plan.names, reader, processes=1).items == 12, "only what is missing"
    assert merge(plan).readings.read_text(encoding="utf-8") == whole
    assert {path.stem for path in (tmp_path / "out" / "shards").iterdir()} == set(plan.names)


def test_a_model_that_is_not_there_is_told_as_anywhere(tmp_path: Path, reader: Reader, items: list[Item]) -> None:
    plan = make_plan(tmp_path / "out", items, {"model": "a"}, shard=12)
    with pytest.raises(UsageError, match="no model"):
        read_shards(plan, plan.names, replace(reader, model="nothing-of-that-name"), processes=2)


def test_lines_go_together_as_in_plain_reading() -> None:
    from emendo.models import crops

    assert AT_ONCE == crops.AT_ONCE, "the same lines together give the same texts"
