"""Conflict copies by name."""

from __future__ import annotations

import pytest

from emendo.tools.sync import conflict_of


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("journal (Anna's conflicted copy 2026-11-20).txt", "journal.txt"),
        ("journal (Copie en conflit de Anna 2026-11-20).txt", "journal.txt"),
        ("journal (In Konflikt stehende Kopie von Anna 2026-11-20).txt.orig", "journal.txt.orig"),
        ("journal.sync-conflict-20261120-101500-ABCDEFG.txt", "journal.txt"),
        ("journal.sync-conflict-20261120-101500.txt", "journal.txt"),
        ("journal_conflict-20261120-101500.txt", "journal.txt"),
        ("journal.Conflict.txt", "journal.txt"),
        ("emendo (conflicted copy 2026-11-20 101500).db", "emendo.db"),
        ("journal.txt", None),
        ("journal (2).txt", None),
        ("the conflict of 1914.txt", None),
        ("conflict.txt", None),
        ("notes (on the war).txt", None),
    ],
)
def test_conflict_of(name: str, original: str | None) -> None:
    assert conflict_of(name) == original


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("journal-DESKTOP-4Q2K7AB.txt", "journal.txt"),
        ("journal-LAPTOP-9XY.pdf", "journal.pdf"),
        ("journal-ANNA-PC.txt", "journal.txt"),
        ("journal-ANNA-PC-2.txt", "journal.txt"),
        ("journal-Annas-MacBook-Pro.txt", "journal.txt"),
        ("journal.txt-DESKTOP-4Q2K7AB.orig", "journal.txt.orig"),
        ("journal_lines-DESKTOP-4Q2K7AB", "journal_lines"),
        ("letters-DESKTOP-4Q2K7AB.txt", None),
        ("journal-2.pdf", None),
        ("journal-PARIS.pdf", None),
        ("journal-II.pdf", None),
        ("journal-2026-11-20.pdf", None),
        ("journal.pdf", None),
    ],
)
def test_the_computer_s_name_counts_only_beside_the_original(name: str, original: str | None) -> None:
    beside = {"journal.txt", "journal.pdf", "journal.txt.orig", "journal_lines", name}
    assert conflict_of(name, beside) == original
    assert conflict_of(name) is None
