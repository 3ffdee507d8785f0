"""Sellers that were confirmed before are recognised, and only they."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emendo.errors import BundleError
from emendo.fields.schema import Document
from emendo.models.extract.decode import Extraction
from emendo.models.extract.known import recognise
from emendo.models.extract.sellers import Seller, learn_sellers, read_sellers, sellers_text
from emendo.types import Word

MILL = Seller("Moulin Vert SARL", "12 rue des Lilas\n69003 Lyon")
BRANCH = Seller("Moulin Vert SARL", "48 quai Perrache\n69002 Lyon")


def words(*lines: str) -> list[Word]:
    return [
        Word(text, (40.0 * at, 30.0 * line, 40.0 * at + 35, 30.0 * line + 20), line)
        for line, row in enumerate(lines)
        for at, text in enumerate(row.split())
    ]


def test_a_seller_is_taken_as_it_was_confirmed_where_letters_were_misread() -> None:
    page = words("MOUL1N VERT SARL", "I2 rue des Lilas", "69003 Ly0n", "Total 12,00")
    found = recognise(page, Extraction(Document(seller="MOUL1N", total="12.00")), [BRANCH, MILL])
    assert found.document.seller == "Moulin Vert SARL"
    assert found.document.seller_address == "12 rue des Lilas\n69003 Lyon"
    assert str(found.document.total) == "12.00"
    assert found.document.sources["seller_address"].box == (0, 30, 155, 80)
    assert found.certainty["seller"] == found.certainty["seller_address"] > 0.9


def test_figures_tell_branches_of_a_shop_apart() -> None:
    page = words("Moulin Vert SARL", "14 rue des Lilas", "69009 Lyon")
    before = Extraction(Document(seller_address="14 rue des Lilas\n69009 Lyon"))
    found = recognise(page, before, [MILL])
    assert (found.document.seller, found.document.seller_address) == (MILL.name, "14 rue des Lilas\n69009 Lyon")


def test_another_seller_stays_as_it_was_read() -> None:
    before = Extraction(Document(seller="Boulangerie Dupont"))
    assert recognise(words("Boulangerie Dupont", "3 place Bellecour"), before, [MILL, BRANCH]) is before
    assert recognise([], before, [MILL]) is before
    assert recognise(words("ab"), before, [Seller("ab", "")]) is before


def test_the_most_frequent_spelling_is_learnt() -> None:
    named = [Document(seller=name) for name in ("ACME, Ltd", "Acme Ltd", "Acme Ltd", "Other", "")]
    assert learn_sellers(named) == (Seller("Acme Ltd", "", 3), Seller("Other", "", 1))
    assert read_sellers(sellers_text([MILL, BRANCH])) == (MILL, BRANCH)
    for text in ("{", "[1]", '[{"name": "x"}]', "null"):
        with pytest.raises(BundleError, match="is no list of sellers"):
            read_sellers(text)


@given(st.lists(st.text(max_size=12), max_size=12), st.text(max_size=30), st.text(max_size=30))
def test_any_words_and_any_seller_give_a_document(texts: list[str], name: str, address: str) -> None:
    page = [Word(text, (0.0, 0.0, 1.0, 1.0), 0) for text in texts]
    found = recognise(page, Extraction(Document()), [Seller(name, address)])
    assert set(found.document.sources) <= {"seller", "seller_address"}
