"""A page is measured in natural units; what cannot be told is missing."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from tests.monitored import START, traffic

from emendo.errors import FormatError
from emendo.image.quality import Quality
from emendo.monitor import Outcome, Seen, SeenLine
from emendo.monitor.features import FAMILIES, MEASURES, PageFeatures, grouped, page_features, with_surprise
from emendo.monitor.validity import Expected

FRENCH = Expected(("LATIN",), "fr")


def line(name: str, text: str, **more: object) -> Seen:
    lines = (SeenLine(text, 0.5, 0.1),)
    return Seen(id=name, at=START, kind="line", document="d", lines=lines, confidence=0.5, **more)  # type: ignore[arg-type]


def test_every_measure_has_a_row_of_its_own() -> None:
    assert all(name == row.name and row.family in FAMILIES and row.least > 0 for name, row in MEASURES.items())


def test_lines_of_a_document_are_one_page_in_the_order_of_time() -> None:
    seen = traffic(3)
    pages = grouped(reversed(seen))
    assert [page[0].group for page in pages] == ["p0", "p1", "p2"]
    assert sum(map(len, pages)) == len(seen)


def test_a_page_in_figures() -> None:
    quality = Quality(640, 64, 200.0, 100.0, 210.0, 0.1)
    page = [
        line("a", "Une lettre 12.", quality=quality, seconds=0.2),
        line("b", "À Paris", quality=quality, seconds=0.4),
    ]
    found = page_features(page, FRENCH)
    values = found.values
    assert (found.group, found.kind, found.images, found.lines) == ("d", "line", 2, 2)
    assert values["confidence"] == 0.5 and values["doubt"] == pytest.approx(0.1)
    assert values["lines"] == 2 and values["length"] == 10.5
    letters = len("Unelettre12.ÀParis")
    assert values["digits"] == pytest.approx(2 / letters) and values["marks"] == pytest.approx(1 / letters)
    assert values["upper"] == pytest.approx(3 / letters)
    assert values["focus"] == pytest.approx(200 / 100**2) and values["shape"] == 10
    assert values["density"] == pytest.approx(letters / 20)
    assert values["known"] == 1 and values["script"] == 1 and "language" not in values  # too few words to tell
    assert values["seconds"] == pytest.approx(0.3)
    assert values["failed"] == values["rejected"] == values["empty"] == 0


def test_refusals_and_failures_are_shares_and_do_not_read() -> None:
    page = [
        line("a", ""),
        Seen(id="b", at=START + timedelta(1), kind="line", document="d", outcome=Outcome.REJECTED, reason="full"),
        Seen(id="c", at=START, kind="line", document="d", outcome=Outcome.FAILED, reason="no image"),
        Seen(id="d", at=START, kind="line", document="d", outcome=Outcome.FAILED, reason="no image"),
    ]
    found = page_features(page, FRENCH)
    assert (found.values["rejected"], found.values["failed"], found.values["empty"]) == (0.25, 0.5, 1.0)
    assert found.at == START + timedelta(1)
    assert not {"sharpness", "lower", "known"} & set(found.values)


def test_a_document_is_measured_by_its_fields() -> None:
    fields = {"total": "12.00", "date": None, "lines": []}
    page = [Seen(id="a", at=START, kind="document", fields=fields, findings=2, confidence=0.25)]
    values = page_features(page, FRENCH).values
    assert (values["filled"], values["findings"], values["confidence"]) == (1, 2, 0.25)
    assert "lines" not in values and "empty" not in values


def test_surprise_is_smallest_for_the_usual_characters() -> None:
    usual = Counter("eeeeaaat")
    same = with_surprise(page_features([line("a", "eaet")], FRENCH), usual).values["surprise"]
    other = with_surprise(page_features([line("a", "xyzw")], FRENCH), usual).values["surprise"]
    assert 0 < same < other < float("inf")
    assert "surprise" not in with_surprise(page_features([line("a", "")], FRENCH), usual).values


def test_a_page_of_the_baseline_is_not_judged_by_itself() -> None:
    page = page_features([line("a", "xxxx")], FRENCH)
    usual = Counter("eeeeeeee") + Counter(page.characters)
    assert with_surprise(page, usual, own=True).values["surprise"] > with_surprise(page, usual).values["surprise"] + 1


def test_features_go_to_json_and_back() -> None:
    found = page_features(grouped(traffic(1))[0], FRENCH)
    assert PageFeatures.from_dict(found.to_dict()) == found
    with pytest.raises(FormatError, match="is none"):
        PageFeatures.from_dict({"group": "a"})
