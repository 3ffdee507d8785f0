"""`emendo flow arabic` on two printed books: figures as read and normalised, options, gate, pages. Covers A1-A4."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emendo.cli import main

QUICK = ("steps=2", "evaluations=1", "replay=0", "lines_per_batch=2")
BOOKS = ("book_IbnQutayba.Adab", "book_Jahiz.Hayawan")


@pytest.fixture
def books(data: Path, tmp_path: Path) -> str:
    """Six training lines, two validation lines and three test lines of each of two books."""
    folder = data / "arabic_print"
    wanted = {(book, split): most for book in BOOKS for split, most in (("train", 6), ("val", 2), ("test", 3))}
    kept = []
    for line in (folder / "lines.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        key = (row["book"], row["split"])
        if wanted.get(key, 0) > 0:
            wanted[key] -= 1
            kept.append(row)
    path = tmp_path / "lines.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in kept), encoding="utf-8")
    return f"books={path}:{folder}"


def test_each_book_is_learned_and_judged_on_its_own(
    books: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMENDO_GATE__MIN_TEST_LINES", "2")
    out = tmp_path / "out"
    command = ["flow", "arabic", "--data", books, "--out", str(out), "--threads", "1", "--json"]
    status = main([*command, *(f"--set={one}" for one in QUICK)])
    streams = capsys.readouterr()
    assert status in {0, 1}, streams.err
    found = json.loads(streams.out)
    assert [one["book"] for one in found["books"]] == list(BOOKS)
    assert found["passed"] == all(one["passed"] for one in found["books"]) == (status == 0)
    for one in found["books"]:
        for model in ("base", "adapted"):
            raw, folded = one[model]["raw"], one[model]["normalized"]
            assert raw["samples"] == 3 and {"cer", "wer", "bleu", "chrf"} <= set(raw) & set(folded)
            assert folded["cer"] <= raw["cer"] and "alef" in folded["folds"]
        options = {option["name"]: option for option in one["options"]}
        assert {"as trained", "words of the language off", "words of the language on", "folded: harakat"} <= set(
            options
        )
        assert options["folded: arabic"]["cer"] <= options["as trained"]["cer"]
        assert all(option["lines"] == 2 for option in options.values()), "options are measured on validation lines"
    page = (out / "cards" / "arabic.html").read_text(encoding="utf-8")
    assert all(book in page for book in BOOKS) and page.count("<tr>") >= 5
    pages = [Path(card).read_text(encoding="utf-8") for card in found["cards"][1:]]
    assert len(pages) == 2 and all('dir="rtl"' in one and "data:image/jpeg" in one for one in pages)


def test_wrong_books_are_one_sentence(books: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(*more: str) -> str:
        command = ["flow", "arabic", "--data", books, "--out", str(tmp_path / "out"), *more]
        assert main(command) == 2
        return capsys.readouterr().err.splitlines()[-1]

    assert "no book 'Kalila' that can be learned; known: book_IbnQutayba.Adab" in refused("--book", "Kalila")
    assert "no typeface has lines to learn from and test lines" in refused("--by", "typeface")
    assert "everything" in refused("--normalize", "everything")
