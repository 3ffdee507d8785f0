"""Documents read by vision-language models: grammar, repair, pages, certainty; every row of the table."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from emendo.errors import FormatError, UsageError
from emendo.fields.answers import paths_of
from emendo.fields.grammar import START, grammar_of
from emendo.fields.names import REGIONS
from emendo.fields.regions import PAGE, names_of
from emendo.fields.repair import mend
from emendo.fields.schema import Document, read_text
from emendo.models.generative.asking import SHOWN, Ask, answer_of, ask_for, prompt_of
from emendo.models.generative.documents import Picture, VlmDocumentReader, certainties, spelled
from emendo.models.generative.graphs import Written
from emendo.models.generative.guide import Guide, Place, Vocabulary
from emendo.models.generative.recognizer import GenerativeRecognizer
from emendo.models.generative.source import from_folder
from emendo.types import DocumentReader, Image, RegionReader

from ... import tiny
from ...tiny import VLM_TYPES


def picture(seed: int = 0, height: int = 40, width: int = 90) -> Image:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


@pytest.fixture(scope="module", params=VLM_TYPES)
def recognizer(request: pytest.FixtureRequest, tiny_vlm) -> GenerativeRecognizer:
    return GenerativeRecognizer(from_folder(tiny_vlm(request.param)))


def test_every_region_is_asked_for_its_fields_and_no_others() -> None:
    assert set(SHOWN) == {PAGE, *REGIONS}
    for region in SHOWN:
        asked = prompt_of(region).partition("The names are ")[2].partition(". Write")[0]
        outside = asked
        for table in ("lines", "taxes"):
            before, opened, rest = outside.partition(f"{table} (rows of ")
            outside = before + table + rest.partition(")")[2] if opened else outside
        assert tuple(outside.split(", ")) == names_of(region)
    assert len({prompt_of(region) for region in SHOWN}) == len(SHOWN)
    with pytest.raises(FormatError, match="did you mean 'vendor_block'"):
        ask_for("vendorblock")


def test_a_random_model_that_is_guided_writes_beginnings_of_answers_only(recognizer: GenerativeRecognizer) -> None:
    network = recognizer.network
    for region in (PAGE, "totals_section", "line_items_table"):
        grammar = grammar_of(region)
        (written,) = network.write([picture()], most=60, asks=[ask_for(region)])
        text, _ = spelled(written, network.vocabulary)
        assert grammar.after(START, text.rstrip("\ufffd")) is not None, text
        assert len(written.tokens) == len(written.logs) and text.startswith("{")
        mended = mend(text)
        assert set(mended.values) <= {*names_of(region)}
        assert all("missing" in fault.what for fault in mended.faults)
    (free,) = network.write([picture()], most=60, asks=[ask_for(PAGE, constrained=False)])
    assert grammar_of(PAGE).after(START, free.text[:1] or " ") is None


def test_each_row_of_a_batch_keeps_to_its_own_grammar(recognizer: GenerativeRecognizer, monkeypatch) -> None:
    network = recognizer.network
    monkeypatch.setattr(type(network), "batch", 3)
    asks = [ask_for("vendor_block"), Ask(), ask_for("tax_section")]
    together = network.write([picture(1), picture(1), picture(2)], most=30, asks=asks)
    texts = [spelled(one, network.vocabulary)[0].rstrip("\ufffd") for one in together]
    assert grammar_of("vendor_block").after(START, texts[0]) is not None
    assert grammar_of("tax_section").after(START, texts[2]) is not None
    alone = network.write([picture(2)], most=30, asks=asks[2:])[0]
    assert alone.tokens == together[2].tokens
    assert network.write([picture(1)], most=30)[0].tokens == together[1].tokens


def script(network, monkeypatch: pytest.MonkeyPatch, answers: Sequence[str], logs: float = -0.1) -> list[Ask]:
    """The network writes these answers, one after the other; returns what it was asked."""
    asked: list[Ask] = []
    waiting = list(answers)

    def write(images: Sequence[Image], *, most: int, asks: Sequence[Ask]) -> list[Written]:
        asked.extend(asks)
        tokens = tuple(network.label_ids(waiting.pop(0))[:most])
        return [Written("", 1.0, tokens, (logs,) * len(tokens))]

    monkeypatch.setattr(network, "write", write)
    return asked


def test_pages_are_asked_one_by_one_and_become_one_document(recognizer, monkeypatch) -> None:
    answers = [
        '{"seller":"Été & Fils","lines":[{"amount":"1.00"}]}',
        '{"lines":[{"amount":"2.00"}],"total":"3.00"}',
    ]
    asked = script(recognizer.network, monkeypatch, answers)
    reader = VlmDocumentReader(recognizer)
    assert isinstance(reader, DocumentReader) and reader.model == recognizer.model
    (reading,) = reader.read_documents([[picture(1), picture(2)]])
    assert reading.fields == {
        "seller": "Été & Fils",
        "lines": [{"amount": "1.00"}, {"amount": "2.00"}],
        "total": "3.00",
    }
    assert read_text(reading.text).document.values() == reading.fields
    assert {*reading.certainty} == {"seller", "lines.0.amount", "lines.1.amount", "total"}
    assert reading.certainty["total"] == pytest.approx(np.exp(-0.1 * len('"3.00"')))
    assert reading.certainty["seller"] == pytest.approx(np.exp(-0.1 * len('"Été & Fils"'.encode())))
    assert reading.confidence == pytest.approx(np.prod([*reading.certainty.values()]))
    assert asked == [ask_for(PAGE)] * 2


def test_crops_are_asked_for_their_region(recognizer, monkeypatch) -> None:
    asked = script(recognizer.network, monkeypatch, ['{"total":"3.00"}', '{"seller":"Ann"}'])
    crops = [Picture(picture(1), "totals_section", 2), Picture(picture(2), "vendor_block", 1)]
    part = VlmDocumentReader(recognizer).ask(crops)
    assert part.document.values() == {"seller": "Ann", "total": "3.00"} and part.faults == ()
    assert asked == [ask_for("totals_section"), ask_for("vendor_block")]
    with pytest.raises(FormatError, match="'totals' is unknown"):
        VlmDocumentReader(recognizer).ask([Picture(picture(1), "totals")])
    script(recognizer.network, monkeypatch, ['{"total":"3.00"}', '{"seller":"Ann"}'])
    reader = VlmDocumentReader(recognizer)
    assert isinstance(reader, RegionReader)
    reading = reader.read_regions([("vendor_block", picture(1)), ("totals_section", picture(2))])
    assert reading.fields is None and reading.text == ""
    assert reading.faults["total"].startswith("page 1: is no field of vendor_block: it is one of totals_section")


def test_what_was_mended_or_left_out_is_told_with_page_and_field(recognizer, monkeypatch) -> None:
    answers = ['Sure! {"seller":"Ann","total":"1.234.5,0"}', '{"lines":[{"amount":"2.00","description":"Vis', "no"]
    script(recognizer.network, monkeypatch, answers)
    part = VlmDocumentReader(recognizer, constrained=False).ask([Picture(picture(n), page=n) for n in (1, 2, 3)])
    assert part.document.values() == {"seller": "Ann", "lines": [{"amount": "2.00"}]}
    told = [(fault.path, fault.what.partition(" (")[0]) for fault in part.faults]
    assert told[0] == ("", "page 1: text before the JSON was left aside: 'Sure!'")
    assert told[1][0] == "total" and told[1][1].startswith("page 1: '1.234.5,0' is no amount")
    assert told[2][0] == "lines.0.description"
    assert told[2][1].startswith("page 2: the text ends inside this value, which was left out")
    assert told[3] == ("", "page 3: nothing was read")


def test_a_document_of_which_nothing_was_read_has_no_fields(recognizer, monkeypatch) -> None:
    script(recognizer.network, monkeypatch, ["", "{}", '{"total":"1.00"}'])
    readings = VlmDocumentReader(recognizer).read([picture(1), picture(2), picture(3)])
    assert [reading.fields for reading in readings] == [None, None, {"total": "1.00"}]
    assert readings[0].faults["page 1"].startswith("nothing was read (the answer holds no JSON object: it is empty")
    assert readings[2].faults == {}
    assert [reading.confidence > 0 for reading in readings] == [False, False, True]


def test_a_picture_that_the_model_refuses_is_told_and_the_others_go_on(tiny_vlm) -> None:
    reader = VlmDocumentReader(GenerativeRecognizer(from_folder(tiny_vlm("qwen2_vl"))))
    reader.most = 8
    part = reader.ask([Picture(picture(1, 2, 900)), Picture(picture(2), page=2)])
    assert part.faults[0].what.startswith("page 1: nothing was read (") and "\n" not in part.faults[0].what
    assert any(fault.what.startswith("page 2: the text ends") for fault in part.faults)


def test_a_model_that_cannot_be_asked_is_refused(tiny_trocr) -> None:
    with pytest.raises(UsageError, match="reads lines and cannot be asked for fields"):
        VlmDocumentReader(GenerativeRecognizer(from_folder(tiny_trocr)))


def test_the_right_answer_is_read_back_as_it_was() -> None:
    document = Document.model_validate({"seller": "Ann", "lines": [{"amount": "5"}], "total": 5})
    assert answer_of(document, PAGE) == '{"seller":"Ann","lines":[{"amount":"5.00"}],"total":"5.00"}'
    assert answer_of(document, "totals_section") == '{"total":"5.00"}'
    assert answer_of(document, "tax_section") == "{}"
    for region in SHOWN:
        state = grammar_of(region).after(START, answer_of(document, region))
        assert state is not None and grammar_of(region).complete(state)


def words(pieces: Sequence[str]):
    """A tokenizer of another kind: whole pieces, a sign for the blank, bytes by name."""
    from tokenizers import Tokenizer, decoders, models
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE(vocab={piece: at for at, piece in enumerate(pieces)}, merges=[]))
    core.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return PreTrainedTokenizerFast(tokenizer_object=core, eos_token="</s>")


def test_tokens_are_bytes_in_either_kind_of_vocabulary() -> None:
    level = tiny.tokenizer(["</s>"], pad="</s>", end="</s>")
    assert b"".join(Vocabulary(level).of(token) or b"" for token in level("Été 5 €")["input_ids"]) == "Été 5 €".encode()
    assert Vocabulary(level).of(0) is None and Vocabulary(level).of(9999) is None
    found = Vocabulary(words(["</s>", "▁the", "<0xC3>", "é"]))
    assert [found.of(at) for at in range(4)] == [None, b" the", b"\xc3", "é".encode()]


def test_a_character_of_several_tokens_is_ended_before_anything_else() -> None:
    made = words(["</s>", '{"', "seller", '":"', "<0xC3>", "<0xA9>", '"}', "a", "<0xFF>"])
    place = Place(grammar_of(PAGE), Vocabulary(made), 0)
    inside = {1, 2, 4, 6, 7}
    for token, expected in [(1, {1}), (2, {2}), (3, {3}), (4, inside), (5, {5}), (6, inside), (0, {0})]:
        assert {at for at in range(9) if place.permits(at)} == expected, token
        place.take(token)
    assert place.done


def test_where_no_token_is_permitted_the_model_goes_on_free() -> None:
    made = words(["</s>", "a", "b"])
    guide = Guide([grammar_of(PAGE), None], Vocabulary(made), 0)
    scores = torch.tensor([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])
    assert torch.equal(guide(torch.zeros(2, 4, dtype=torch.long), scores.clone()), scores)


def test_certainty_is_that_of_the_tokens_that_write_a_value() -> None:
    made = tiny.tokenizer(["</s>"], pad="</s>", end="</s>")
    text = '{"seller":"é","total":"1.00"}'
    tokens = tuple(made(text)["input_ids"])
    written = Written(text, 1.0, tokens, tuple(-0.01 * at for at in range(len(tokens))))
    said, places = spelled(written, Vocabulary(made))
    assert said == text and places[-1][0][1] == len(text)
    from emendo.fields.answers import read_answer

    found = certainties(read_answer(said), places)
    first = text.encode().index('"é"'.encode())
    assert found["seller"] == pytest.approx(np.exp(-0.01 * sum(range(first, first + 4))))
    assert {*found} == {*paths_of(read_answer(said).document)} and json.loads(said)
