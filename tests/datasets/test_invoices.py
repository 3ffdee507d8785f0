"""Made-up invoices: exact, as printed, the same for the same seed, and whole after a stop."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.cli import main
from emendo.datasets.invoices.build import make_document, synth_invoices
from emendo.datasets.invoices.content import draw_content
from emendo.datasets.invoices.extras import sentence
from emendo.datasets.invoices.letters import set_document
from emendo.datasets.invoices.places import PLACES, Place, Writing
from emendo.datasets.invoices.smallprint import usual_sentence
from emendo.datasets.invoices.terms import ENGLISH, TERMS
from emendo.datasets.invoices.vocabulary import thing, usual_words
from emendo.errors import UsageError
from emendo.fields import read_text, validate_document
from emendo.fields.values import parse_amount, parse_date
from emendo.text.wordlists import frequent_words
from emendo.tools.files import sha256_file


@given(st.integers(0, 2**40))
@settings(max_examples=150, deadline=None)
def test_every_document_holds_to_the_coin_and_says_only_what_is_printed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = draw_content(rng)
    assert validate_document(content.document).exact
    sheet, document = set_document(content, rng)
    checked = validate_document(document)
    assert checked.exact, checked.findings
    assert document.seller and document.total is not None and document.date and len(document.lines)
    shown = {word.meaning for word in sheet.words}
    assert all(f"lines.{at}.amount" in shown for at in range(len(document.lines)))
    for word in sheet.words:
        x0, y0, x1, y1 = word.box
        assert 0 <= x0 < x1 <= sheet.width + 0.5 and 0 <= y0 < y1 <= sheet.height and word.page <= len(sheet.pages)


def test_a_printed_value_is_read_back_as_what_it_is() -> None:
    for index in range(60):
        rng = np.random.default_rng([5, index])
        content = draw_content(rng)
        sheet, document = set_document(content, rng)
        joined: dict[str, str] = {}
        for word in sheet.words:
            joined[word.meaning] = f"{joined.get(word.meaning, '')} {word.text}".strip()
        plain = "".join(char for char in joined["total"] if char.isdigit() or char in ".,' ")
        assert parse_amount(plain.strip(" .")) == document.total, (joined["total"], document.total)
        assert document.seller is not None and document.seller.split()[0] in joined["seller"]


def test_names_may_take_two_lines_stand_below_a_brand_and_beside_a_number() -> None:
    """However a name is set, the words told to be it say it, in order, and no other word is."""
    heights: Counter[int] = Counter()
    branded = numbered = 0
    for index in range(300):
        rng = np.random.default_rng([9, index])
        sheet, document = set_document(draw_content(rng), rng)
        assert document.seller
        own = [word for word in sheet.words if word.meaning == "seller"]
        words = document.seller.split()
        assert " ".join(word.text for word in own[: len(words)]) == document.seller
        heights[len({round(word.box[1]) for word in own[: len(words)]})] += 1
        others = [word for word in sheet.words if not word.meaning and word.page == own[0].page]
        branded += any(word.text.casefold() == words[0].casefold() and word.box[3] < own[0].box[3] for word in others)
        row = (round(own[-1].box[3]), own[-1].page)
        numbered += any((round(word.box[3]), word.page) == row and word.text.startswith("(") for word in others)
    assert heights[1] > 200 and heights[2] > 15 and set(heights) == {1, 2}
    assert branded > 10 and numbered > 2


def test_words_lie_where_the_ink_is() -> None:
    """On the photographs, which are bent and faint in places."""
    made = [one for one in (make_document(2, index) for index in range(50)) if one.scans[0].kind == "phone"][:5]
    inked = count = 0
    for one in made:
        page = one.scans[0].image.astype(float)
        words = [box for word, box in one.words() if word.page == 1 and len(word.text) > 2]
        count += len(words)
        for x0, y0, x1, y1 in words:
            part = page[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1]
            inked += part.size > 0 and np.ptp(part) > 60
    assert inked >= 0.97 * count and count > 100


def test_the_pdf_has_its_text_and_pages() -> None:
    made = next(made for made in (make_document(1, index) for index in range(200)) if len(made.scans) > 1)
    document = pypdfium2.PdfDocument(made.pdf)
    assert len(document) == len(made.scans)
    text = " ".join(page.get_textpage().get_text_range() for page in document)
    assert all(word.text in text for word in made.sheet.words)


def test_no_two_sheets_are_laid_out_alike() -> None:
    """The sums, the number and the names stand in many places; what tells them is in many words."""
    places: dict[str, set[tuple[int, int]]] = {name: set() for name in ("total", "number", "seller", "buyer")}
    headings: Counter[tuple[str, ...]] = Counter()
    for index in range(150):
        rng = np.random.default_rng([11, index])
        sheet, document = set_document(draw_content(rng), rng)
        if document.type == "receipt":
            continue
        for name, seen in places.items():
            word = next((one for one in sheet.words if one.meaning == name), None)
            if word:
                seen.add((round(word.box[0] / 40), round(word.box[1] / 40)))
        columns = [one for one in sheet.words if one.meaning.startswith("lines.0.")]
        ordered = dict.fromkeys(one.meaning[8:] for one in sorted(columns, key=lambda one: one.box[0]))
        headings[tuple(ordered)] += 1
    assert all(len(seen) > 25 for seen in places.values()), {name: len(seen) for name, seen in places.items()}
    assert len(headings) > 30 and headings.most_common(1)[0][1] < 25


def test_many_programs_print_sums_that_are_none_of_the_fields() -> None:
    zeros = repeated = 0
    for index in range(150):
        rng = np.random.default_rng([12, index])
        sheet, _ = set_document(draw_content(rng), rng)
        told = {one.text for one in sheet.words if one.meaning == "total" and any(map(str.isdecimal, one.text))}
        repeated += any(one.text in told for one in sheet.words if not one.meaning)
        zeros += any(one.text in ("0.00", "0,00", "-0.00", "-0,00") for one in sheet.words if not one.meaning)
    assert repeated > 20 and zeros > 5


def test_cells_stand_at_any_line_of_a_long_description() -> None:
    lines: Counter[str] = Counter()
    for index in range(250):
        rng = np.random.default_rng([13, index])
        sheet, document = set_document(draw_content(rng), rng)
        for at in range(len(document.lines) if document.type != "receipt" else 0):
            name = [word.box for word in sheet.words if word.meaning == f"lines.{at}.description"]
            amount = [word.box for word in sheet.words if word.meaning == f"lines.{at}.amount"]
            high = name[0][3] - name[0][1]
            if amount and name[-1][3] - name[0][1] > 2 * high:
                down = (amount[0][3] - name[0][3]) / (name[-1][3] - name[0][3])
                lines["first" if down < 0.1 else "below" if down > 1.1 else "last" if down > 0.9 else "between"] += 1
    assert lines["first"] > 20 and min(lines[one] for one in ("between", "last", "below")) > 2, lines


@pytest.mark.parametrize("place", PLACES, ids=lambda one: one.code)
def test_sentences_are_filled_in_and_can_be_printed(place: Place) -> None:
    writing = Writing(*place.marks[0], place.signs[0], place.days[0], place.currency, place.months)
    rng = np.random.default_rng(4)
    said = {usual_sentence(rng, place, writing) for _ in range(120)}
    assert len(said) > 60 and any(any(map(str.isdecimal, text)) for text in said)
    for text in (*said, *(sentence(rng, place, writing) for _ in range(50))):
        assert text.encode("cp1252") and not set("{}") & set(text)


@pytest.mark.parametrize("language", sorted(TERMS))
def test_words_are_those_of_the_language(language: str) -> None:
    one, other = (usual_words(np.random.default_rng(1), language, 400) for _ in range(2))
    known = frequent_words(language)
    assert one == other and all(word.lower() in known and word.encode("cp1252") for word in one)
    assert len(set(one)) > 100 and any(word[0].isupper() for word in one) == (language == "de")
    rng = np.random.default_rng(2)
    assert all(len(thing(rng, language)) > 3 for _ in range(50))


def test_there_is_much_of_everything() -> None:
    seen: Counter[str] = Counter()
    for index in range(400):
        content = draw_content(np.random.default_rng([9, index]))
        document = content.document
        seen.update((content.place.language, content.place.currency, str(document.type)))
        seen.update(
            name for name in ("discount", "charges", "rounding", "prepaid", "order_number") if getattr(document, name)
        )
        seen["several rates"] += len(document.taxes) > 1
        seen["long"] += len(document.lines) > 40
    kinds = ("invoice", "receipt", "credit_note", "discount", "charges", "rounding", "prepaid", "order_number")
    for one in (*TERMS, *{place.currency for place in PLACES}, *kinds, "several rates", "long"):
        assert seen[one] > 2, one


def test_every_language_has_a_word_for_everything() -> None:
    for terms in TERMS.values():
        assert set(terms) == set(ENGLISH) and all(terms.values())
        assert all(word.encode("cp1252") for words in terms.values() for word in words)


@pytest.mark.parametrize("place", PLACES, ids=lambda one: one.code)
def test_figures_and_days_are_written_as_they_are_there(place: Place) -> None:
    for thousands, decimal in place.marks:
        writing = Writing(thousands, decimal, place.signs[0], place.days[0], place.currency, place.months)
        assert parse_amount(writing.figures(Decimal("1234567.80")), mark=decimal) == Decimal("1234567.80")
        assert writing.amount(Decimal("-3.5")).count("-") == 1
    for form in place.days:
        shown = Writing("", ".", "{0}", form, place.currency, place.months).written_day(date(2024, 11, 23))
        assert parse_date(shown) == date(2024, 11, 23), shown


def test_the_same_seed_gives_the_same_bytes_and_a_stopped_run_goes_on(tmp_path: Path) -> None:
    first = synth_invoices(12, 7, tmp_path / "one", jobs=1)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    shutil.rmtree(tmp_path / "two" / "part_00000")
    (tmp_path / "two" / "documents.jsonl").unlink()
    synth_invoices(12, 7, tmp_path / "two", jobs=2)
    names = {path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file()}
    assert len(names) > 12 * 8
    for name in names:
        assert sha256_file(tmp_path / "one" / name) == sha256_file(tmp_path / "two" / name), name
    assert len(first.samples) == 12 and {str(sample.split) for sample in first} == {"train", "val", "test"}
    for sample in first:
        truth = read_text((sample.image.parent.parent / "truth" / f"{sample.id}.json").read_text(encoding="utf-8"))
        assert validate_document(truth).exact and truth.document.values() == sample.fields
    regions = json.loads(next((tmp_path / "one").glob("part_*/annotations/*_totals_section.json")).read_text())
    assert regions["region"] == "totals_section" and regions["fields"]["total"]
    assert regions["split"] in ("train", "val", "test") and regions["language"]
    part = tmp_path / "one" / "part_00000"
    cut = 0
    for sample in first:
        table = json.loads((part / "annotations" / f"{sample.id}_line_items_table.json").read_text(encoding="utf-8"))
        words = json.loads((part / "words" / f"{sample.id}.json").read_text(encoding="utf-8"))
        page = Counter(one["page"] for one in words if one["region"] == "line_items_table").most_common(1)[0][0]
        rows = {one["meaning"].split(".")[1] for one in words if one["meaning"][:6] == "lines." and one["page"] == page}
        assert 0 < len(table["fields"]["lines"]) == len(rows) <= len(sample.fields["lines"])
        cut += len(rows) < len(sample.fields["lines"])
    assert cut, "of a table on several pages the crop holds one page"
    with pytest.raises(UsageError, match="holds something else"):
        synth_invoices(12, 5, tmp_path / "one")


def test_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["synth", "invoices", "-n", "3", "--jobs", "1", "--out", str(tmp_path / "docs"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["samples"] == 3
    assert main(["synth", "invoices", "-n", "0", "--out", str(tmp_path / "none")]) == 2
    assert "error: cannot make 0 documents" in capsys.readouterr().err
