"""Real documents are seen with the names and goods of others, everything else where it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from emendo.fields.schema import Document
from emendo.models.extract.labels import INDEX
from emendo.train.extract.align import align
from emendo.train.extract.documents import Read, TrainingDocument, made_up
from emendo.train.extract.refill import REFILLED, pool_of, refilled
from emendo.types import Origin, Sample, Word

NAMES = {"seller": ("Blue", "Harbour"), "number": ("R-77",), "lines.0.description": ("Oak", "shelf", "80")}


def made() -> TrainingDocument:
    words = [
        {"text": text, "page": 1, "box": [40.0 * x, 20.0 * y, 40.0 * x + 35, 20.0 * y + 8], "meaning": meaning}
        for y, (meaning, texts) in enumerate((*NAMES.items(), ("total", ("9.00",))))
        for x, text in enumerate(texts)
    ]
    return made_up(Sample(id="made-00000001", image=Path(), origin=Origin.SYNTHETIC), words, Document())


def real() -> Read:
    lines = ("Moulin Vert SARL", "Invoice 4711", "Tea 12.00", "Total 12.00", "Moulin Vert SARL au capital")
    words = tuple(
        Word(text, (60.0 * x, 30.0 * y, 60.0 * x + 50, 30.0 * y + 20), y)
        for y, line in enumerate(lines)
        for x, text in enumerate(line.split())
    )
    rows = [{"description": "Tea", "amount": "12.00"}]
    truth = Document.model_validate({"seller": "Moulin Vert SARL", "number": "4711", "total": "12.00", "lines": rows})
    return Read(Sample(id="a", image=Path(), origin=Origin.CORRECTED), words, truth, align(words, truth))


def test_names_numbers_and_goods_are_those_of_others_and_sums_stay() -> None:
    document, plain = refilled([real()], [made()], 1.0)[0], real()
    before, after = (one.draw(np.random.default_rng(0), 0.0) for one in (plain, document))
    texts = [one.word.text for one in after.words]
    assert texts == ["Blue", "Harbour", "Blue", "Invoice", "R-77", "Oak", "12.00", "Total", "12.00",
                     "Blue", "Harbour", "Blue", "au", "capital"]  # fmt: skip
    assert [one.word.box for one in after.words] == [one.word.box for one in before.words]
    assert [(one.labels, one.row) for one in after.words] == [(one.labels, one.row) for one in before.words]
    assert after.choices == before.choices and after.kind == before.kind


def test_a_share_of_the_times_and_never_what_is_judged() -> None:
    (document,) = refilled([real()], [made()], 0.5)
    drawn = [document.draw(np.random.default_rng(seed), 0.0).words[0].word.text for seed in range(60)]
    assert 15 < drawn.count("Blue") < 45 and drawn.count("Blue") + drawn.count("Moulin") == 60
    assert document.shown() == real().shown() and document.truth == real().truth and document.size == 14


def test_made_up_documents_stay_and_without_others_all_do() -> None:
    own = [made(), real()]
    kept = refilled(own, [made()], 0.5)
    assert kept[0] is own[0] and kept[1] is not own[1]
    assert refilled(own, [made()], 0.0) == own and refilled(own, [], 0.5) == own


def test_the_pool_holds_whole_passages() -> None:
    pool = pool_of([made()])
    assert pool[INDEX["seller"]] == [("Blue", "Harbour")] and pool[INDEX["lines[].description"]] == [
        NAMES["lines.0.description"]
    ]
    assert set(pool) == set(REFILLED) and not pool[INDEX["buyer"]]
    nobody = replace(real(), truth=Document(), targets=align(real().words, Document()))
    assert refilled([nobody], [made()], 1.0)[0].draw(np.random.default_rng(0), 0.0).words[0].word.text == "Moulin"
