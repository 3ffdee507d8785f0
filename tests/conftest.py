"""Fixtures that many tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data() -> Path:
    """Folder of the real development data (`EMENDO_DATA`, else `shared/data` beside the checkout)."""
    folder = Path(os.environ.get("EMENDO_DATA", ROOT.parent / "shared" / "data"))
    assert folder.is_dir(), f"no development data at {folder}: set EMENDO_DATA"
    return folder
