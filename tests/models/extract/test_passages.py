from __future__ import annotations

from datetime import date

import pytest
from tests.models.extract.made import typed

from emendo.fields.schema import Document
from emendo.models.extract.decode import decode
from emendo.models.extract.labels import INDEX
from emendo.models.extract.tagger import Tags

TODAY = date(2027, 1, 1)


def read(*lines: str) -> Document:
    words, tags = typed(*lines)
    return decode(words, tags, {"mark": ".", "order": "dmy"}, today=TODAY).document


def test_an_address_keeps_its_lines_and_a_name_does_not() -> None:
    found = read(
        "ACME<seller> TRADING<seller>", "SDN<seller> BHD<seller>", "12<seller_address> Mill<seller_address>",
        "4330O<seller_address> Kajang<seller_address>",
    )  # fmt: skip
    assert found.seller == "ACME TRADING SDN BHD"
    assert found.seller_address == "12 Mill\n43300 Kajang"


def test_what_stands_apart_is_no_part_of_a_passage() -> None:
    found = read("ACME<seller> TRADING<seller>", *[""] * 8, "thanks<seller>")
    assert found.seller == "ACME TRADING"


def test_a_name_that_stands_twice_is_said_once() -> None:
    assert read("ACME<seller> LTD<seller>", "ACME<seller> LTD<seller>").seller == "ACME LTD"


@pytest.mark.parametrize(("lines", "name"), [
    (("azure<seller>", "Azure<seller> Interior<seller>"), "Azure Interior"),
    (("FRUSGARDEN<seller> LTD<seller>", "FRU5<seller> GARDEN<seller> LTD<seller> CO<seller>"), "FRU5 GARDEN LTD CO"),
    (("A<seller>", "Ace<seller> Shop<seller>"), "A Ace Shop"), (("-<seller>", "Ace<seller>"), "- Ace"),
    (("Azure<seller> Interior<seller>", "Holding<seller>"), "Azure Interior Holding"),
])  # fmt: skip
def test_a_brand_above_the_name_is_no_part_of_it(lines: tuple[str, ...], name: str) -> None:
    assert read(*lines).seller == name


@pytest.mark.parametrize(("lines", "name"), [
    (("Verkehrsbetriebe GmbH", "Torti Mayer"), "Verkehrsbetriebe GmbH"),
    (("TRI SHAAS SDN BHD", "MYDIN MART SRI"), "TRI SHAAS SDN BHD"),
    (("KIKU JAPANESE RESTAURANT", "TK DIVISION KITCHEN SDN BHD"), "TK DIVISION KITCHEN SDN BHD"),
    (("PASARAYA BORONG PINTAR", "SDN BHD"), "PASARAYA BORONG PINTAR SDN BHD"),
    (("Nord GmbH", "& Co. KG"), "Nord GmbH & Co. KG"), (("Verlag", "Nord"), "Verlag Nord"),
    (("Kunden AG Mitte", "West"), "Kunden AG Mitte West"), (("Free SAS au capital de 365",), "Free SAS"),
])  # fmt: skip
def test_a_name_ends_with_the_legal_form_of_a_firm(lines: tuple[str, ...], name: str) -> None:
    assert read(*(" ".join(f"{word}<seller>" for word in line.split()) for line in lines)).seller == name


def test_a_word_between_two_of_a_name_belongs_to_it() -> None:
    assert read("ACME<seller> and SONS<seller>").seller == "ACME and SONS"


@pytest.mark.parametrize(
    ("text", "number"),
    [("No:CS-123", "CS-123"), ("Nr.47110818", "47110818"), ("n°562044387", "562044387"), ("#99012", "99012"),
     ("RE2007-452", "RE2007-452"), ("Invoice#A-7", "A-7"), ("INV.2018", "2018")],
)  # fmt: skip
def test_numbers_stand_without_their_keys(text: str, number: str) -> None:
    assert read(f"{text}<number>").number == number


def test_what_has_no_figure_is_no_number() -> None:
    assert read("Total<number>", "9.00<total>").number is None


@pytest.mark.parametrize(
    "printed",
    ["DE51 7230 9274 3034 1461 29", "DE51 7230 9274 3O34 1461 29", "DE5l 7230 9274 3034 1461 29",
     "DE51 7230 9274 3034 1461 Z9"],
)  # fmt: skip
def test_an_iban_is_mended_by_its_check_digits(printed: str) -> None:
    found = read(" ".join(f"{part}<iban>" for part in printed.split()))
    assert found.iban == "DE51 7230 9274 3034 1461 29"


def test_what_is_too_short_for_an_iban_is_none() -> None:
    assert read("R000002902<iban>").iban is None


def test_an_iban_that_nothing_mends_stays_as_it_was_read() -> None:
    found = read(" ".join(f"{part}<iban>" for part in ["DE51", "7230", "9274", "3034", "9999", "99"]))
    assert found.iban == "DE51 7230 9274 3034 9999 99"


@pytest.mark.parametrize("before, behind", [("", "(1070687-M)"), ("#000002", ""), ("A03066", "(139386 X)")])
def test_a_name_stands_without_the_number_of_its_register(before: str, behind: str) -> None:
    words = [*before.split(), "ACME", "(M)", "SDN", "BHD", *behind.split()]
    assert read(" ".join(f"{word}<seller>" for word in words)).seller == "ACME (M) SDN BHD"


def test_a_name_may_begin_with_a_short_number() -> None:
    assert read("99<seller> SPEED<seller> MART<seller>").seller == "99 SPEED MART"


def test_a_doubtful_name_is_better_than_none() -> None:
    words, tags = typed("Acme Foods", "9.00<total>")
    labels = tags.labels.copy()
    labels[:2, INDEX["seller"]], labels[:2, 0] = 0.3, 0.7
    assert (
        decode(words, Tags(labels, tags.rows, tags.kinds), {"mark": "."}, today=TODAY).document.seller == "Acme Foods"
    )


@pytest.mark.parametrize(("sold", "bought", "seller", "buyer"), [
    (0.9, 0.6, "Acme Foods", "Berg Ltd"), (0.6, 0.9, "Berg Ltd", "Acme Foods"), (0.0, 0.0, "Acme Foods", "Acme Foods"),
])  # fmt: skip
def test_nobody_sells_to_himself(sold: float, bought: float, seller: str, buyer: str) -> None:
    """The name that stands first says it is both; of the other name the tags say what is given here, less surely."""
    words, tags = typed("Acme<seller> Foods<seller>", *[""] * 4, "Acme<buyer> Foods<buyer>", *[""] * 4, "Berg Ltd")
    labels = tags.labels.copy()
    doubt = 0.45
    labels[4:, 0] = 1 - doubt
    labels[4:, INDEX["buyer"]], labels[4:, INDEX["seller"]] = doubt * (sold > bought), doubt * (bought > sold)
    found = decode(words, Tags(labels, tags.rows, tags.kinds), {"mark": "."}, today=TODAY).document
    assert (found.seller, found.buyer) == (seller, buyer)
