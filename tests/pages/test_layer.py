"""The text layer of PDF pages: words where their ink is, and pages that are read as pictures in spite of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pypdfium2
import pytest

from emendo.image import glyphs, pdf
from emendo.image.load import Document, open_content
from emendo.models.references import load_recognizer
from emendo.pages.layer import layer_words
from emendo.types import Image, Recognizer, Word

from ..pdfs import Show, page_pdf, written

DPI = 120
TEXTS = (
    Show(60, 760, "Harbour Books Ltd", 18, font="F2"),
    Show(60, 735, "12 Quay Street, Bristol"),
    Show(60, 700, "Invoice number HB-2041"),
    Show(60, 640, "Pocket atlas"),
    Show(400, 640, "2 x 5,00"),
    Show(500, 640, "10,00 €"),
    Show(60, 620, "Total"),
    Show(500, 620, "10,00 €", font="F2"),
)
SAID = [
    "Harbour Books Ltd",
    "12 Quay Street, Bristol",
    "Invoice number HB-2041",
    "Pocket atlas",
    "Total",
    "2 x 5,00",
    "10,00 €",
    "10,00 €",
]
"""In reading order: what stands side by side over two rows is taken for columns."""


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    return load_recognizer("base", threads=1, language="none")


def opened(content: bytes) -> Document:
    return open_content(content, "a.pdf", dpi=DPI)


def words_of(content: bytes, reader: Recognizer) -> list[Word] | None:
    with opened(content) as document:
        return layer_words(document.frame(0), document.layer(0), reader, number=3)


def lines_of(words: Sequence[Word] | None) -> list[str]:
    assert words is not None
    rows: dict[int, list[str]] = {}
    for word in words:
        rows.setdefault(word.line, []).append(word.text)
    assert list(rows) == list(range(len(rows)))
    return [" ".join(row) for row in rows.values()]


def ink(page: Image) -> np.ndarray:
    return np.asarray(page.min(axis=2) < 128)


def turned(turn: int) -> list[Show]:
    """The same texts on a page that is shown turned by so many quarters, so that they are level again."""
    places = {
        0: lambda x, y: (x, y),
        1: lambda x, y: (842 - y, x),
        2: lambda x, y: (595 - x, 842 - y),
        3: lambda x, y: (y, 595 - x),
    }
    moved = []
    for one in TEXTS:
        x, y = places[turn](one.x, one.y)
        moved.append(replace(one, x=x, y=y, turn=turn))
    return moved


PAGES = {
    "plain": page_pdf(TEXTS),
    "moved": page_pdf([replace(one, x=one.x - 50, y=one.y + 200) for one in TEXTS], box="-50 200 545 1042"),
    "cropped": page_pdf(TEXTS, page="/CropBox[40 600 580 800]"),
    "quarter": page_pdf(turned(1), box="0 0 842 595", page="/Rotate 90"),
    "half": page_pdf(turned(2), page="/Rotate 180"),
    "back": page_pdf(turned(3), box="0 0 842 595", page="/Rotate 270"),
    "turned and cropped": page_pdf(turned(1), box="0 0 842 595", page="/Rotate 90/CropBox[30 50 300 590]"),
    "larger unit": page_pdf(TEXTS, page="/UserUnit 1.5"),
}


@pytest.mark.parametrize("name", PAGES)
def test_words_stand_where_their_ink_is(name: str, reader: Recognizer) -> None:
    words = words_of(PAGES[name], reader)
    assert lines_of(words) == SAID and words is not None
    assert {word.page for word in words} == {3} and {word.confidence for word in words} == {1.0}
    with opened(PAGES[name]) as document:
        left = ink(document.frame(0))
    for word in words:
        x0, y0, x1, y1 = (round(side) for side in word.box)
        part = left[y0:y1, x0:x1]
        columns = np.flatnonzero(part.any(axis=0))
        assert part.any() and max(columns[0], len(part[0]) - columns[-1]) <= 5, word
        left[y0 - 1 : y1 + 1, x0 - 2 : x1 + 2] = False
    assert not left.any()


def test_boxes_are_as_high_as_those_of_the_detector(reader: Recognizer) -> None:
    words = words_of(page_pdf(TEXTS), reader)
    assert words is not None
    small = [word.box[3] - word.box[1] for word in words[3:]]
    assert small[0] == pytest.approx(1.2 * 11 * DPI / 72, rel=0.02) and max(small) < 1.02 * min(small)


@pytest.mark.parametrize(
    "content",
    [
        page_pdf([]),
        page_pdf([b"q 400 0 0 60 100 700 cm /P Do Q"], picture=written(["A line that was scanned"], (800, 120))),
        page_pdf([Show(60, 700, "Page 1")]),
    ],
    ids=["empty", "picture", "few characters"],
)
def test_a_page_without_a_layer_is_read_as_a_picture(content: bytes, reader: Recognizer) -> None:
    assert words_of(content, reader) is None


ALPHABET = range(0x21, 0x7F)
CLAIMS = {
    "right": {code: code for code in ALPHABET},
    "shifted": {code: 0x21 + (code - 0x21 + 29) % 94 for code in ALPHABET},
    "private use": {code: 0xE000 + code for code in ALPHABET},
    "control codes": {code: code % 8 + 3 for code in ALPHABET},
    "one letter": dict.fromkeys(ALPHABET, ord("i")),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_font_that_names_wrong_characters_is_found_out(name: str, reader: Recognizer) -> None:
    texts = [replace(one, text=one.text.replace("€", "EUR"), font="F1") for one in TEXTS]
    assert (words_of(page_pdf(texts, maps=CLAIMS[name]), reader) is not None) == (name == "right")


def test_few_unknown_characters_are_left_out_and_many_are_not_believed(reader: Recognizer) -> None:
    stars = {ord("*"): 0xF0A7}
    long = [Show(60, 560 - 20 * at, "Delivered to the harbour office in the morning") for at in range(4)]
    words = words_of(page_pdf([*TEXTS, *long, Show(60, 420, "* paid")], maps=stars), reader)
    assert lines_of(words)[-1] == "paid"
    assert words_of(page_pdf([*TEXTS, Show(60, 420, "********")], maps=stars), reader) is None


SCAN = written([one.text.replace("€", "EUR") for one in TEXTS], (600, 850))
FULL = b"q 595 0 0 842 0 0 cm /P Do Q\n"
STRIPS = b"".join(b"q 595 0 0 85 0 %d cm /P Do Q\n" % (84 * at) for at in range(10))


@pytest.mark.parametrize(
    ("content", "form"),
    [
        ([FULL, *(replace(one, before="3 Tr") for one in TEXTS)], b""),
        ([*TEXTS, FULL], b""),
        ([STRIPS, *TEXTS], b""),
        ([b"q 2 0 0 2 0 0 cm /F Do Q\n", *TEXTS], b"q 297 0 0 421 0 0 cm /P Do Q"),
    ],
    ids=["invisible", "text under it", "strips", "in a form"],
)
def test_a_scan_is_read_as_a_picture_whatever_layer_it_has(
    content: list[Show | bytes], form: bytes, reader: Recognizer
) -> None:
    assert words_of(page_pdf(content, picture=np.full((30, 20, 3), 250, np.uint8), form=form), reader) is None
    assert words_of(page_pdf(content, picture=SCAN, form=form), reader) is None


def test_words_that_nobody_sees_are_left_out_and_many_of_them_not_believed(reader: Recognizer) -> None:
    white = Show(300, 560, "Total 9.999,00", before="1 1 1 rg")
    covered = [Show(300, 500, "IBAN", before="0 0 0 rg"), b"1 1 1 rg 290 490 100 30 re f\n"]
    long = [Show(60, 440 - 20 * at, "Delivered to the harbour office in the morning") for at in range(4)]
    words = words_of(page_pdf([*TEXTS, *long, white, *covered]), reader)
    assert [line for line in lines_of(words) if "9.999" in line or "IBAN" in line] == []
    hidden = [replace(white, y=560 - 20 * at) for at in range(8)]
    assert words_of(page_pdf([*TEXTS, *hidden]), reader) is None


def test_a_name_in_a_picture_is_read_and_added(reader: Recognizer) -> None:
    logo = written(["Lighthouse"], (240, 60), 36)
    words = words_of(page_pdf([b"q 120 0 0 30 400 770 cm /P Do Q\n", *TEXTS], picture=logo), reader)
    assert words is not None and sorted(lines_of(words)) == sorted(["Lighthouse", *SAID])
    added = next(word for word in words if word.text == "Lighthouse")
    x0, y0, x1, y1 = (side * 72 / DPI for side in added.box)
    assert 399 < x0 < 410 and 470 < x1 < 521 and 842 - 805 < y0 < y1 < 842 - 765 and added.confidence < 1


def test_a_drawing_adds_nothing_and_a_pasted_receipt_is_read_with_its_page(reader: Recognizer) -> None:
    shapes = b"0.2 0.4 0.7 rg 420 760 30 40 re f 470 760 m 500 800 l 530 760 l f 60 600 480 0.7 re f\n"
    frame = b"0.5 w 50 610 500 60 re S 390 610 m 390 670 l S\n"
    assert lines_of(words_of(page_pdf([shapes, frame, *TEXTS]), reader)) == SAID
    receipt = written([f"{at + 1} x Postcard of the harbour {at}.50" for at in range(12)], (620, 500))
    pasted = b"q 300 0 0 240 60 300 cm /P Do Q\n"
    assert words_of(page_pdf([pasted, *TEXTS], picture=receipt), reader) is None


def test_writing_up_the_page_stays_whole_and_a_stamp_is_left_out(reader: Recognizer) -> None:
    stamp = Show(0, 0, "COPY", 40)
    slanted = stamp.content().replace(b"1 0 0 1 0 0 Tm", b"0.87 0.5 -0.5 0.87 250 420 Tm")
    words = words_of(page_pdf([*TEXTS, slanted, Show(30, 300, "Form 17 b", turn=1)]), reader)
    assert lines_of(words) == [*SAID, "Form 17 b"] and words is not None
    x0, y0, x1, y1 = words[-1].box
    assert words[-1].text == "Form 17 b" and y1 - y0 > 3 * (x1 - x0)
    upside = [Show(500, 500 - 20 * at, "printed upside down", turn=2) for at in range(9)]
    assert words_of(page_pdf([*TEXTS, *upside]), reader) is None


def test_words_are_parted_by_where_they_stand(reader: Recognizer) -> None:
    placed = [
        Show(60, 560, "printed"), Show(60.3, 560, "printed"),  # twice to look bold
        b"BT /F1 11 Tf 60 530 Td [(Ver) -20 (k\xe4ufer) -280 (EUR)] TJ ET\n",
        b"BT /F1 11 Tf 60 500 Td (12 m) Tj 7 Tf 4 Ts (2) Tj ET\n",
        Show(400, 530, "right:"), Show(460, 530, "12,00"),
    ]  # fmt: skip
    words = words_of(page_pdf([*TEXTS, *placed]), reader)
    assert words is not None
    texts = Counter(word.text for word in words) - Counter(" ".join(SAID).split())
    assert texts == Counter(["printed", "Verkäufer", "EUR", "right:", "12,00", "12", "m2"])


def test_a_layer_that_cannot_be_read_or_is_too_long_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise pypdfium2.PdfiumError("failed to load")

    with opened(page_pdf(TEXTS)) as document:
        assert document.layer(0) is not None
        with pytest.raises(IndexError):
            document.layer(1)
        monkeypatch.setattr(glyphs, "MOST", 50)
        assert document.layer(0) is None
        monkeypatch.setattr(pdf, "text_layer", broken)
        assert document.layer(0) is None
