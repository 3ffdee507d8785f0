"""What the documents name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from emendo.cli import app
from emendo.cli.develop import BENCHMARKS

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:tests|benchmarks|docs)/[\w/.-]+\.(?:py|md|yaml|png)\b", text))
    missing = sorted(name for name in named if not (ROOT / name).is_file())
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+?)\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_names_exist(page: Path) -> None:
    group = typer.main.get_command(app)
    known = set(group.commands)  # type: ignore[attr-defined]
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`emendo ([a-z][a-z-]*)\b", text)) | set(
        re.findall(r"^emendo ([a-z][a-z-]*)\b", text, re.MULTILINE)
    )
    assert named <= known, sorted(named - known)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_has_its_script(name: str) -> None:
    assert (ROOT / "benchmarks" / BENCHMARKS[name][0]).is_file()


def test_no_page_waits_for_a_figure() -> None:
    for page in PAGES:
        assert "@@" not in page.read_text(encoding="utf-8"), page.name
