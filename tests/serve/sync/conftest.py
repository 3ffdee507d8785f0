"""A publisher and a device, made once and copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from .devices import World


@pytest.fixture(scope="session")
def made_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.make(tmp_path_factory.mktemp("made") / "world")


@pytest.fixture
def world(made_world: World, tmp_path: Path) -> World:
    return made_world.copy(tmp_path / "world")
