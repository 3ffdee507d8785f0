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
