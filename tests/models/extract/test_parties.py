"""Known sellers: a misread letter is put right, another seller is not."""

from __future__ import annotations

import pytest

from emendo.fields.schema import Document
from emendo.models.extract.parties import MOST_PARTIES, Party, learn_parties, recognised

KNOWN = [
    Party(name="GARDENIA BAKERIES (KL) SDN BHD", address="LOT 3, JALAN PELABUR 23/1,\n40300 SHAH ALAM, SELANGOR."),
    Party(name="MR D.I.Y. (M) SDN BHD", address="LOT 1851-A & 1851-B, JALAN KPB 6, 43300 SERI KEMBANGAN, SELANGOR"),
    Party(name="Müller & Söhne GmbH"),
]


@pytest.mark.parametrize(
    ("read", "name"),
    [
        ("GARDENEA BAKERIES (KL) SDN BHD", "GARDENIA BAKERIES (KL) SDN BHD"),
        ("Muller & Sohne GmbH", "Müller & Söhne GmbH"),
        ("GARDEN BAKERY SDN BHD", "GARDEN BAKERY SDN BHD"),
        ("MR D.I.Y. (M) SDN BHD", "MR D.I.Y. (M) SDN BHD"),
        ("MR", "MR"),
        (None, None),
    ],
)
def test_a_name_is_put_right_only_where_it_is_nearly_known(read: str | None, name: str | None) -> None:
    assert recognised(read, None, KNOWN) == (name, None)


def test_an_address_helps_its_name_and_the_name_its_address() -> None:
    read = "1OT 3, JALAN PELABUR 23/1, 4O300 SHAH AIAM, SELANGOR."
    assert recognised("buardenla Baker1es (KI) Sdn bh", read, KNOWN) == (KNOWN[0].name, KNOWN[0].address)
    assert recognised("ANOTHER SHOP AT THE SAME PLACE", read, KNOWN)[0] == "ANOTHER SHOP AT THE SAME PLACE"


def test_at_a_known_address_a_part_of_the_name_is_enough() -> None:
    read = "LOT 3, JALAN PELABUR 23/1, 40300 SHAH ALAM, SELANGOR"
    for name in ("GARDENIA BAKERIES (KL) SDN BHD (139386 X)", "BAKERIES (KL) SDN BHD"):
        assert recognised(name, read, KNOWN)[0] == KNOWN[0].name
        assert recognised(name, "12 OTHER ROAD, 50000 KUALA LUMPUR", KNOWN)[0] == name


def test_more_words_and_other_numbers_stay_as_they_were_read() -> None:
    longer = f"{KNOWN[1].address} (TESCO PUTRA NILAI)"
    assert recognised(KNOWN[1].name, longer, KNOWN) == (KNOWN[1].name, longer)
    other = "LOT 77123-A & 99851-B, JALAN ABC 66781, 10000 GEORGETOWN, PENANG"
    assert recognised(KNOWN[1].name, other, KNOWN)[1] == other


def test_sellers_are_learnt_once_each_and_the_oldest_are_forgotten() -> None:
    documents = [Document(seller="A Shop"), Document(seller="a shop."), Document(total="1"), Document(seller="B Shop")]  # type: ignore[arg-type]
    assert [one.name for one in learn_parties(documents, [Party(name="Earlier")])] == ["Earlier", "A Shop", "B Shop"]
    many = (Document(seller=f"Shop {at}") for at in range(MOST_PARTIES + 3))
    learnt = learn_parties(many)
    assert len(learnt) == MOST_PARTIES and learnt[-1].name == f"Shop {MOST_PARTIES + 2}"
