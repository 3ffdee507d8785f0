"""Sellers and buyers that were confirmed before are recognised, and only they."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from emendo.models.extract.known import FAMILIAR, Leaning, Read, recognise
from emendo.models.extract.parties import ROLES, Party, Role
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
    assert found.values == {"seller": MILL.name, "seller_address": MILL.address}
    assert found.sources["seller"].box == (0, 0, 115, 20)
    assert found.sources["seller_address"].box == (0, 30, 155, 80)


def test_figures_tell_branches_of_a_shop_apart() -> None:
    found = recognise(words("Moulin Vert SARL", "14 rue des Lilas", "69009 Lyon"), [MILL, BRANCH])
    assert found.values == {"seller": MILL.name}


def test_another_seller_is_not_recognised() -> None:
    page = words("Boulangerie Dupont", "3 place Bellecour")
    assert not recognise(page, [MILL, BRANCH]).values
    assert not recognise([], [MILL]).values
    assert not recognise(words("ab"), [Party(name="ab")]).values
    assert not recognise(page, []).values


@given(st.lists(st.text(max_size=12), max_size=12), st.text(max_size=30), st.text(max_size=30), st.sampled_from(ROLES))
def test_any_words_and_any_party_are_taken(texts: list[str], name: str, address: str, role: Role) -> None:
    page = [Word(text, (0.0, 0.0, 1.0, 1.0), 0) for text in texts]
    found = recognise(page, [Party(role=role, name=name, address=address)])
    assert set(found.values) == set(found.sources) <= {role, f"{role}_address"}


def test_a_part_of_a_known_name_over_its_address_stands_for_the_whole() -> None:
    page = words("Vert SARL", "12 rue des Lilas", "69003 Lyon")
    found = recognise(page, [MILL], {"seller": Read("Vert SARL", 3.0)})
    assert found.values == {"seller": MILL.name, "seller_address": MILL.address}
    other = recognise(page, [MILL], {"seller": Read("Dupont et Fils", 3.0)})
    assert other.values == {"seller_address": MILL.address}


def test_the_buyer_of_earlier_documents_is_recognised_beside_the_seller() -> None:
    buyer = Party(role="buyer", name="Ma jolie boutique", address="35 rue de la République\n69001 Lyon")
    page = words("Moulin Vert SARL", "Ma joIie boutique", "35 rue de la Republ1que", "69001 Lyon", "Total 12,00")
    found = recognise(page, [MILL, buyer])
    assert found.values == {"seller": MILL.name, "buyer": buyer.name, "buyer_address": buyer.address}


def test_who_is_known_in_both_roles_is_taken_for_what_the_page_was_read_to_say() -> None:
    both = [MILL, Party(role="buyer", name=MILL.name, address=MILL.address)]
    page = words("Boulangerie Dupont", "Moulin Vert SARL", "12 rue des Lilas", "69003 Lyon")
    assert not recognise(page, both, {"seller": Read("Boulangerie Dupont", 3.0)}).values
    assert recognise(page, both, {"buyer": Read("Moulin Vert SARI", 3.0)}).values == {
        "buyer": MILL.name,
        "buyer_address": MILL.address,
    }
    assert recognise(page, both, {"seller": Read("Moulin Vert", 3.0)}).values["seller"] == MILL.name


def test_a_known_name_is_not_found_within_another() -> None:
    miller, known = Party(role="buyer", name="Liselotte Müller"), Party(role="buyer", name="Liselotte Müllermann")
    assert not recognise(words("Liselotte Müllermann", "Feldweg 3"), [miller]).values
    assert not recognise(words("Liselotte Müller", "Feldweg 3"), [known]).values
    assert recognise(words("Liselotte Müllers", "Feldweg 3"), [miller]).values == {"buyer": miller.name}
    assert recognise(words("Hermes·Liselotte Müller·Feldweg", "3"), [miller]).values == {"buyer": miller.name}


def test_a_known_name_without_its_address_gives_way_to_what_is_much_likelier() -> None:
    person = Party(role="buyer", name="Liselotte Müller", address="Feldweg 3")
    page = words("Consulting GmbH", "Ihr Kontakt: Liselotte Müller")
    read: dict[Role, Read] = {"buyer": Read("Consulting GmbH", 4.0)}

    def leaning(odds: float) -> Leaning:
        return lambda role, held: odds if held == [4, 5] else 9.0

    assert not recognise(page, [person], read, leaning(4.0 - FAMILIAR - 0.1)).values
    assert recognise(page, [person], read, leaning(4.0 - FAMILIAR)).values == {"buyer": person.name}
    assert recognise([*page, *words("Feldweg 3")], [person], read, leaning(-9.0)).values["buyer"] == person.name
