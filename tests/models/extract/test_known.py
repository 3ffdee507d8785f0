"""Sellers that were confirmed before are recognised, and only they."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emendo.models.extract.known import recognise
from emendo.models.extract.parties import Party
from emendo.types import Word

MILL = Party(name="Moulin Vert SARL", address="12 rue des Lilas\n69003 Lyon")
BRANCH = Party(name="Moulin Vert SARL", address="48 quai Perrache\n69002 Lyon")


def words(*lines: str) -> list[Word]:
    return [
        Word(text, (40.0 * at, 30.0 * line, 40.0 * at + 35, 30.0 * line + 20), line)
        for line, row in enumerate(lines)
        for at, text in enumerate(row.split())
    ]


def test_a_seller_is_taken_as_it_was_confirmed_where_letters_were_misread() -> None:
    found = recognise(words("MOUL1N VERT SARL", "I2 rue des Lilas", "69003 Ly0n", "Total 12,00"), [BRANCH, MILL])
    assert found is not None
    assert found.values == {"seller": MILL.name, "seller_address": MILL.address}
    assert found.sources["seller"].box == (0, 0, 115, 20)
    assert found.sources["seller_address"].box == (0, 30, 155, 80)


def test_figures_tell_branches_of_a_shop_apart() -> None:
    found = recognise(words("Moulin Vert SARL", "14 rue des Lilas", "69009 Lyon"), [MILL, BRANCH])
    assert found is not None and found.values == {"seller": MILL.name}


def test_another_seller_is_not_recognised() -> None:
    page = words("Boulangerie Dupont", "3 place Bellecour")
    assert recognise(page, [MILL, BRANCH]) is None
    assert recognise([], [MILL]) is None
    assert recognise(words("ab"), [Party(name="ab")]) is None
    assert recognise(page, []) is None


@given(st.lists(st.text(max_size=12), max_size=12), st.text(max_size=30), st.text(max_size=30))
def test_any_words_and_any_seller_are_taken(texts: list[str], name: str, address: str) -> None:
    page = [Word(text, (0.0, 0.0, 1.0, 1.0), 0) for text in texts]
    found = recognise(page, [Party(name=name, address=address)])
    assert found is None or set(found.values) == set(found.sources) <= {"seller", "seller_address"}


def test_a_part_of_a_known_name_over_its_address_stands_for_the_whole() -> None:
    page = words("Vert SARL", "12 rue des Lilas", "69003 Lyon")
    found = recognise(page, [MILL], "Vert SARL")
    assert found is not None and found.values == {"seller": MILL.name, "seller_address": MILL.address}
    other = recognise(page, [MILL], "Dupont et Fils")
    assert other is not None and other.values == {"seller_address": MILL.address}
