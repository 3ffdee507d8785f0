"""docs/help.md and docs/settings.md say what the program says."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from emendo.settings import Settings
from emendo.settings.section import Section

DOCS = Path(__file__).resolve().parents[2] / "docs"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, DOCS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_help_page_is_current() -> None:
    assert (DOCS / "help.md").read_text(encoding="utf-8") == script("make_help").pages(), "run `make docs`"


def test_settings_page_is_current_and_has_every_section() -> None:
    text = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert text == script("make_settings").page(), "run `make docs`"
    sections = {name for name, value in Settings() if isinstance(value, Section)}
    assert {"alerts", "retention", "trial"} <= sections
    assert all(f"\n## [{name}]\n" in text for name in sections)
