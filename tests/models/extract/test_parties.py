"""Known parties: each once, and not without end."""

from __future__ import annotations

from emendo.fields.schema import Document
from emendo.models.extract.parties import MOST_PARTIES, Party, learn_parties


def test_sellers_are_learnt_once_each_and_the_oldest_are_forgotten() -> None:
    documents = [Document(seller="A Shop"), Document(seller="a shop."), Document(total="1"), Document(seller="B Shop")]  # type: ignore[arg-type]
    assert [one.name for one in learn_parties(documents, [Party(name="Earlier")])] == ["Earlier", "A Shop", "B Shop"]
    many = (Document(seller=f"Shop {at}") for at in range(MOST_PARTIES + 3))
    learnt = learn_parties(many)
    assert len(learnt) == MOST_PARTIES and learnt[-1].name == f"Shop {MOST_PARTIES + 2}"


def test_buyers_are_learnt_too_and_one_name_may_be_both() -> None:
    document = Document(seller="A Shop", buyer="B Firm", buyer_address="1 Way")
    learnt = learn_parties([document, Document(seller="B Firm")])
    assert [(one.role, one.name, one.address) for one in learnt] == [
        ("seller", "A Shop", ""),
        ("buyer", "B Firm", "1 Way"),
        ("seller", "B Firm", ""),
    ]
    assert Party.model_validate({"name": "As models of before have it"}).role == "seller"
