"""What a model wrote, as fields: mended where one thing can be meant, told, and never made up."""

from __future__ import annotations

import json
import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emendo.errors import FormatError
from emendo.fields.answers import paths_of, read_answer
from emendo.fields.grammar import START, grammar_of
from emendo.fields.merge import Part, merged
from emendo.fields.names import REGIONS
from emendo.fields.regions import PAGE, names_of, regions_of
from emendo.fields.repair import mend
from emendo.fields.schema import Document, Fault, read_document

FULL: dict[str, Any] = {
    "type": "invoice",
    "seller": "L'Atelier “Été” \\ & Co.",
    "seller_address": "5 rue du Port\n33000 Bordeaux",
    "number": "2024/17",
    "date": "2024-03-05",
    "currency": "EUR",
    "lines": [
        {"description": 'Vis 5"', "quantity": "2", "unit_price": "1.50", "amount": "3.00"},
        {"description": "{[,]}:", "amount": "1234.56"},
    ],
    "net": "1237.56",
    "taxes": [{"rate": "20", "base": "1237.56", "amount": "247.51"}],
    "tax": "247.51",
    "total": "1485.07",
}
TRUTH = read_document(FULL).document


def compact(values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


TEXT = compact(TRUTH.values())


def is_beginning(part: Any, whole: Any) -> bool:
    """Whether all that `part` says is what `whole` says there."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(
            name in whole and is_beginning(value, whole[name]) for name, value in part.items()
        )
    if isinstance(part, list):
        return isinstance(whole, list) and len(part) <= len(whole) and all(map(is_beginning, part, whole))
    return bool(part == whole)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.text(max_size=8)
    | st.decimals(-(10**9), 10**9, places=2).map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
SPACED = st.sampled_from([{"separators": (",", ":")}, {"indent": 2}, {}, {"ensure_ascii": True}])


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5), SPACED)
def test_sound_json_is_read_as_json_reads_it(values: dict[str, Any], how: dict[str, Any]) -> None:
    text = json.dumps(values, **{"ensure_ascii": False, **how})
    found = mend(text)
    assert found.values == values and found.faults == ()


@settings(max_examples=300)
@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5), SPACED, st.data())
def test_json_cut_anywhere_says_a_beginning_of_the_truth_or_nothing(
    values: dict[str, Any], how: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(values, **{"ensure_ascii": False, **how})
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    if not cut.strip():
        with pytest.raises(FormatError, match="holds no JSON object: it is empty"):
            mend(cut)
        return
    found = mend(cut)
    assert is_beginning(found.values, values)
    assert len(found.faults) == 1 and "missing" in found.faults[0].what


def test_every_cut_of_a_document_says_only_what_the_document_says() -> None:
    whole = TRUTH.values()
    for end in range(1, len(TEXT)):
        answer = read_answer(TEXT[:end])
        assert is_beginning(answer.document.values(), whole), TEXT[:end]
        assert answer.faults, TEXT[:end]
        assert {*answer.spans} == {*paths_of(answer.document)}
    assert read_answer(TEXT).document == TRUTH and read_answer(TEXT).faults == ()


def test_a_cut_names_the_value_that_it_goes_through() -> None:
    end = TEXT.index("1234.56") + 4
    answer = read_answer(TEXT[:end])
    (fault,) = answer.faults
    assert fault.path == "lines.1.amount" and "ends inside this value, which was left out" in fault.what
    assert [row.description for row in answer.document.lines] == ['Vis 5"', "{[,]}:"]
    assert answer.document.lines[1].amount is None


@pytest.mark.parametrize(
    ("text", "values", "told"),
    [
        ('```json\n{"total":"5.00"}\n```', {"total": "5.00"}, ["the JSON stood in a code fence"]),
        ('Here: {"total":"5.00"} Done.', {"total": "5.00"}, ["text before the JSON", "text after the JSON"]),
        ("{'seller': 'L'Atelier', 'total': '5.00'}", {"seller": "L'Atelier", "total": "5.00"}, ["single quotes"]),
        ('{"a":"b",}', {"a": "b"}, ["a comma without a value behind it"]),
        ('{"a":[1,2,],"b":"c"}', {"a": [1, 2], "b": "c"}, ["a comma without a value behind it"]),
        ('{"a":"b" "c":"d"}', {"a": "b", "c": "d"}, ["a missing comma was put in"]),
        ('{"a":"1","a":"1"}', {"a": "1"}, ["stands twice, with the same value"]),
        ('{"a":"1","b":"x","a":"2","a":"1"}', {"b": "x"}, ["stands twice, with diff", "stands twice, with diff"]),
        ('{"a":1,234.50,"b":2}', {"b": 2}, ["'1,234.50' is neither JSON nor in quotes"]),
        ('{"a":12.345,00}', {}, ["'12.345,00' is neither JSON nor in quotes"]),
        ('{"a":12.50 EUR,"b":"c"}', {"b": "c"}, ["'12.50 EUR' is neither"]),
        ('{"a":None,"b":True}', {"a": None, "b": True}, ["None was read as JSON", "True was read as JSON"]),
        ('{"a":"Joe "The Man" Smith","b":"c"}', {"b": "c"}, ["holds a quote without a backslash"]),
        ('{"a":"one\ntwo"}', {"a": "one\ntwo"}, ["a control character inside quotes"]),
        (r'{"a":"it\'s"}', {"a": "it's"}, ["a backslash before"]),
        (r'{"a":"\ud83d\ude00\ud83d!"}', {"a": "😀!"}, ["an escape that is no character"]),
        (r'{"a":"\u00zz!"}', {"a": "00zz!"}, ["an escape that is no character"]),
        ('{"a":"b",c:1}', {"a": "b"}, ["no JSON from character 10 on ('c:1}')"]),
        ('{"a" "b"}', {}, ["no JSON from character"]),
        ('{"a":"b"; "c":1}', {}, ["the text ends inside this value"]),
        ('[{"a":"b"}]', {"a": "b"}, ["text before the JSON", "text after the JSON"]),
        ('{"a":' + "[" * 30 + "1" + "]" * 30 + "}", None, ["nests too deeply"]),
        ('{"a":1e5,"b":' + "9" * 80 + "}", {"a": Decimal("1e5")}, ["is neither JSON nor in quotes"]),
    ],
)
def test_every_repair_is_told(text: str, values: dict[str, Any] | None, told: list[str]) -> None:
    found = mend(text)
    if values is not None:
        assert found.values == values
    assert len(found.faults) == len(told), found.faults
    for fault, what in zip(found.faults, told, strict=True):
        assert what in fault.what


@pytest.mark.parametrize("text", ["", "   ", "no fields here", "[]", '"{'[:1]])
def test_what_holds_no_object_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(FormatError, match="the answer holds no JSON object: it is") as caught:
        read_answer(text)
    assert "\n" not in str(caught.value)


@given(st.text(max_size=60) | st.text("{}[]\",:'\\ab1.-u \n", max_size=60))
def test_garbage_gives_a_document_or_a_sentence(text: str) -> None:
    try:
        answer = read_answer(text)
    except FormatError as error:
        assert str(error)
        return
    assert {*answer.spans} <= {*paths_of(answer.document)}
    said = set(text)
    assert all(
        set(str(value)) <= said | set("0.\n ") for value in answer.document.extras().values() if isinstance(value, str)
    )


def test_amounts_with_two_decimal_marks_are_faults_of_their_field() -> None:
    answer = read_answer('{"total":"1.234.5,0","lines":[{"amount":"12,50.3","description":"x"}]}')
    assert {fault.path for fault in answer.faults} == {"total", "lines.0.amount"}
    assert all("is no amount" in fault.what for fault in answer.faults)
    assert answer.document.values() == {"lines": [{"description": "x"}]}


def test_values_are_found_in_the_text_under_the_names_of_the_schema() -> None:
    text = '{ "company": "Ann", "items": [{"qty": 2, "name": "Ink"}], "grand_total": 7.5 }'
    answer = read_answer(text)
    shown = {path: text[start:end] for path, (start, end) in answer.spans.items()}
    assert shown == {"seller": '"Ann"', "lines.0.quantity": "2", "lines.0.description": '"Ink"', "total": "7.5"}


def test_a_field_of_another_region_is_left_out_and_told() -> None:
    answer = read_answer('{"seller":"Ann","total":"5.00","mood":"good"}', region="totals_section")
    assert answer.document.values() == {"total": "5.00"} and {*answer.spans} == {"total"}
    assert answer.faults == (
        Fault("seller", "is no field of totals_section: it is one of vendor_block; it was left out"),
        Fault("mood", "is no field of totals_section: the schema does not know it; it was left out"),
    )


def test_an_unknown_region_is_refused_with_what_was_meant() -> None:
    with pytest.raises(FormatError, match=r"'total_section' is unknown; did you mean 'totals_section'"):
        names_of("total_section")


@pytest.mark.parametrize("region", [PAGE, *REGIONS])
def test_what_is_written_of_a_region_is_in_its_grammar_and_so_is_every_beginning(region: str) -> None:
    grammar = grammar_of(region)
    values = TRUTH.values() if region == PAGE else regions_of(TRUTH).get(region, {})
    text = compact(values)
    state = START
    for at, char in enumerate(text):
        found = grammar.step(state, char)
        assert found is not None, text[: at + 1]
        assert not grammar.complete(state)
        state = found
    assert grammar.complete(state) and grammar.step(state, " ") is None


@pytest.mark.parametrize(
    "text",
    [
        " {",
        '{"x',
        '{"total":1',
        '{"total":"1","total"',
        '{"total":"1",}',
        '{"lines":"',
        '{"lines":[]',
        '{"lines":[{}',
        '{"lines":[{"amount":"1","amount"',
        '{"lines":[{"total"',
        '{"total":"a\n',
        '{"total":"\\u',
        '{"total":"1"}x',
    ],
)
def test_what_is_no_answer_is_in_no_grammar(text: str) -> None:
    assert grammar_of(PAGE).after(START, text) is None


@settings(max_examples=60)
@given(st.randoms(use_true_random=False), st.sampled_from([PAGE, *REGIONS]))
def test_whatever_the_grammar_permits_is_read_without_repair(chance: Any, region: str) -> None:
    grammar, state, text = grammar_of(region), START, ""
    letters = '{}[]",:\\/_ 1.' + string.ascii_lowercase
    while not grammar.complete(state):
        may = [char for char in letters if grammar.step(state, char) is not None]
        assert may, text
        if len(text) > 400:
            answer = read_answer(text, region=region)
            assert all("missing" in fault.what or "is no" in fault.what for fault in answer.faults)
            return
        char = chance.choice(may)
        found = grammar.step(state, char)
        assert found is not None
        state, text = found, text + char
    assert mend(text).faults == ()
    assert json.loads(text) == mend(text).values


def page(number: int, fields: dict[str, Any], *faults: Fault, sure: float = 0.5) -> Part:
    document = read_document(fields).document
    return Part(number, document, dict.fromkeys(paths_of(document), sure), faults)


def test_pages_become_one_document() -> None:
    first = page(1, {"seller": "Ann", "date": "2024-01-02", "lines": [{"amount": "1.00"}], "total": "1.00"}, sure=0.9)
    second = page(
        2,
        {"seller": "Anna", "lines": [{"amount": "2.00"}, {"amount": "3.00"}], "net": "6.00", "total": "6.00"},
        Fault("tax", "is no amount"),
        sure=0.4,
    )
    found = merged([second, first])
    assert (
        found.document
        == read_document(
            {
                "seller": "Ann",
                "date": "2024-01-02",
                "lines": [{"amount": "1.00"}, {"amount": "2.00"}, {"amount": "3.00"}],
                "net": "6.00",
                "total": "6.00",
            }
        ).document
    )
    assert {*found.certainty} == {*paths_of(found.document)}
    assert found.certainty["lines.0.amount"] == 0.9 and found.certainty["lines.2.amount"] == 0.4
    assert found.certainty["total"] == 0.4
    assert found.faults == (
        Fault("tax", "page 2: is no amount"),
        Fault("seller", "page 2: says 'Anna', an earlier page 'Ann', which was kept"),
    )


def test_sums_are_those_of_the_page_with_the_total() -> None:
    parts = [page(1, {"net": "4.00", "total": "5.00", "tax": "1.00"}), page(2, {"net": "9.00"})]
    assert merged(parts).document.values() == {"net": "4.00", "tax": "1.00", "total": "5.00"}
    assert merged([]).document == Document()
