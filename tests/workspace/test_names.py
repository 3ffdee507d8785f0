"""Names under which models are kept: versions are counted, aliases move, what was dropped is not found."""

from __future__ import annotations

from pathlib import Path

import pytest

from emendo.errors import UsageError, WorkspaceError
from emendo.workspace.folder import Workspace
from emendo.workspace.names import NAMES_FILE, drop, keep, names, parse_place, places, resolve


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.init(tmp_path / "notes")


def test_versions_are_counted_and_an_alias_stays_where_it_was_put(workspace: Workspace) -> None:
    assert keep(workspace, "journal@best", "aa") == ("journal", 1)
    assert keep(workspace, "models:/journal", "bb") == ("journal", 2)
    assert keep(workspace, "journal", "bb") == ("journal", 2), "the newest one gets no second number"
    found = {ref: resolve(workspace, ref) for ref in ("models:/journal", "models:/journal@best", "models:/journal/1")}
    assert list(found.values()) == ["bb", "aa", "aa"]
    assert places(workspace) == {"aa": ("models:/journal/1", "models:/journal@best"), "bb": ("models:/journal/2",)}
    keep(workspace, "journal@best", "bb")
    assert resolve(workspace, "models:/journal@best") == "bb"


def test_what_is_dropped_is_not_found_and_its_number_not_given_again(workspace: Workspace) -> None:
    for model in ("aa", "bb"):
        keep(workspace, "journal@best", model)
    drop(workspace, {"bb", "cc"})
    assert resolve(workspace, "models:/journal") == "aa"
    with pytest.raises(UsageError, match=r"has no alias 'best'.*; use 1"):
        resolve(workspace, "models:/journal@best")
    assert keep(workspace, "journal", "dd") == ("journal", 3)
    drop(workspace, {"aa", "dd"})
    with pytest.raises(UsageError, match="no model is kept under the name 'journal'"):
        resolve(workspace, "models:/journal")


@pytest.mark.parametrize("place", ["", "models:/", "a b", "../up", "journal/0", "journal/x", "a@", "a@b/1", "a" * 64])
def test_what_is_no_place_is_refused(workspace: Workspace, place: str) -> None:
    with pytest.raises(UsageError, match="names no place for a model"):
        parse_place(place)


@pytest.mark.parametrize("place", ["journal/3", "journal@latest"])
def test_versions_and_the_latest_are_not_given_by_hand(workspace: Workspace, place: str) -> None:
    with pytest.raises(UsageError, match="versions are counted"):
        keep(workspace, place, "aa")
    assert names(workspace) == {}


def test_what_is_not_there_is_told_with_what_is(workspace: Workspace) -> None:
    keep(workspace, "journal@best", "aa")
    with pytest.raises(UsageError, match="has no version 7; use 1, @best"):
        resolve(workspace, "models:/journal/7")
    with pytest.raises(UsageError, match="names here: journal"):
        resolve(workspace, "models:/other")


@pytest.mark.parametrize("content", ["[]", "{", '{"journal": {"last": 1}}', '{"journal": 3}', '{"a": {"last": "x"}}'])
def test_a_damaged_file_is_named(workspace: Workspace, content: str) -> None:
    (workspace.models / NAMES_FILE).write_text(content)
    with pytest.raises(WorkspaceError, match=r"names\.json"):
        names(workspace)
