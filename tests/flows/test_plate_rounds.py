"""A round of learning over labelled plates: the recipe, the base and the data that it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emendo import learn as rounds
from emendo.datasets import open_dataset
from emendo.errors import DataError
from emendo.evaluate import are_plates
from emendo.label.crops import plate_workspace
from emendo.label.desk import Desk
from emendo.label.plates import PlateBook
from emendo.learn import round as module
from emendo.train.recipe import Recipe, load_recipe
from emendo.types import Verdict
from emendo.workspace.folder import Workspace

from ..plates import TEXTS, draw_crops


@pytest.fixture
def labelled(tmp_path: Path) -> Workspace:
    """Eight plates, all of them labelled."""
    draw_crops(tmp_path / "crops")
    workspace = plate_workspace(tmp_path / "crops")
    assert workspace is not None
    desk = Desk.open(workspace)
    book = PlateBook(workspace, desk.store)
    book.refresh()
    for one, text in zip(book.plates(), TEXTS, strict=True):
        desk.save(one.unit.id, text, Verdict.EDITED, expected=0, author="ann")
    desk.close()
    return workspace


@pytest.mark.parametrize(
    ("toml", "recipe", "expected"),
    [
        ("", None, "plates"),
        ('[plates]\nalphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789Ä"\n', None, "plates"),
        ('[watch]\nrecipe = "hands"\n', None, "hands"),
        ('[watch]\nrecipe = "hands"\n', "default", "default"),
    ],
)
def test_plates_are_learned_by_their_recipe_unless_another_is_named(
    labelled: Workspace, monkeypatch: pytest.MonkeyPatch, toml: str, recipe: str | None, expected: str
) -> None:
    (labelled.root / "emendo.toml").write_text(toml, encoding="utf-8")
    seen: dict[str, Any] = {}

    def trained(samples: Any, others: Any, settings: Any) -> Any:
        seen.update(settings, samples=samples)
        raise DataError("not in this test")

    monkeypatch.setattr(module, "_trained", trained)
    ended = rounds.learn(labelled, labelled.settings(), recipe=recipe)
    assert (ended.promoted, ended.reason) == (None, "not in this test")
    wanted = load_recipe(expected)
    found = seen["recipe"]
    assert isinstance(found, Recipe)
    assert found.geometry == wanted.geometry
    assert found.alphabet == (labelled.settings().plates.alphabet if expected == "plates" else "")
    assert are_plates(seen["samples"])
    assert are_plates(open_dataset(ended.dataset, workspace=labelled.root).samples), "the frozen set says so as well"
