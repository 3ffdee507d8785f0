"""Made-up documents as words: those of the pages, kept in files that are whole or made anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.datasets.invoices import rehearsal as module
from emendo.datasets.invoices.build import make_document
from emendo.datasets.invoices.rehearsal import made_words, rehearsal
from emendo.fields import read_document


def test_the_words_are_those_of_the_pages() -> None:
    made, words = make_document(6, 2), made_words(6, 2)
    assert [word["text"] for word in words["words"]] == [word.text for word, _ in made.words()]
    assert [word["meaning"] for word in words["words"]] == [word.meaning for word, _ in made.words()]
    assert read_document(words["fields"]).document == made.document


def test_documents_are_kept_and_a_damaged_file_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART", 2)
    first = list(rehearsal(3, 6, tmp_path))
    assert len(first) == 3 and first[2] == made_words(6, 2)
    files = sorted(tmp_path.iterdir())
    assert len(files) == 2
    files[0].write_text(files[0].read_text()[:200])
    files[1].write_text(json.dumps({"no": "document"}) + "\n")
    assert list(rehearsal(3, 6, tmp_path)) == first
    shown: list[tuple[int, int, str]] = []
    list(rehearsal(4, 6, tmp_path, progress=lambda *told: shown.append(told)))
    assert shown == [(0, 2, "making up documents")]
