"""`emendo read --fields`: what it prints, writes and logs, and its exit status."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emendo.cli import main
from emendo.datasets.invoices.build import make_document
from emendo.mine.errorlog import LOG
from emendo.pages import fields

from ..pages.test_fieldfiles import Told
from ..pdfs import Show, page_pdf
from ..receipts import SHOPS, draw


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "in"
    place.mkdir()
    draw(SHOPS[2][1], place / "corner.png")
    (place / "torn.png").write_bytes(b"no picture")
    return place


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The reader of documents is one that answers at once; how it was asked for."""
    calls: list[dict[str, Any]] = []

    def load(ref: str, **how: Any) -> Told:
        calls.append({"ref": ref, **how})
        return Told()

    monkeypatch.setattr(fields, "load_document_reader", load)
    return calls


def test_good_documents_are_read_and_bad_ones_told(
    folder: Path, asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["read", "--fields", str(folder), "--model", "base-fields", "--reader", "base", "--threads", "1"]
    assert main(command) == 2
    told = capsys.readouterr()
    assert told.out == "" and "corner.png: Corner Shop, 2020-06-30, total 3.20 GBP, 88 % sure" in told.err
    assert "error: " in told.err and "torn.png: is no image or PDF" in told.err
    assert asked[0]["ref"] == "base-fields" and asked[0]["reader"] == "base" and asked[0]["threads"] == 1
    assert json.loads((folder / "corner.fields.json").read_text())["fields"]["seller"] == "Corner Shop"


def test_json_is_one_object_and_errors_are_logged(
    folder: Path, asked: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "torn.png").unlink()
    log = tmp_path / "log"
    command = ["read", "--fields", str(folder), "--out", str(tmp_path / "out"), "--error-log", str(log), "--json"]
    assert main(command) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["read"] == 1 and summary["results"][0]["fields"]["total"] == "3.20"
    (entry,) = map(json.loads, (log / LOG).read_text().splitlines())
    assert (entry["id"][:7], entry["model"], entry["found"]["seller"]) == ("corner-", "told@1", "Corner Shop")
    assert (log / entry["image"]).read_bytes() == (folder / "corner.png").read_bytes()
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["unchanged"] == 1
    assert len((log / LOG).read_text().splitlines()) == 1
    assert len(asked) == 2 and asked[0]["reader"] == ""


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--reader", "base"], "--reader, --text-layer and --error-log are for documents; add --fields"),
        (["--error-log", "x"], "--reader, --text-layer and --error-log are for documents; add --fields"),
        (["--text-layer", "never"], "--reader, --text-layer and --error-log are for documents; add --fields"),
        (["--fields", "--text-layer", "always"], "'always' is not one of 'auto', 'never'"),
        (["--fields", "--crops"], "--fields reads whole documents; leave out --crops and --language"),
        (["--fields", "--language", "fr"], "--fields reads whole documents; leave out --crops and --language"),
        (["--fields", "--model", "base"], "the model 'base' is of the family 'ctc' and reads no documents"),
    ],
)
def test_flags_that_do_not_fit_are_refused(
    folder: Path, flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", str(folder), *flags]) == 2
    assert said in capsys.readouterr().err and not list(folder.glob("*.json"))


def test_an_invoice_as_pdf_is_read_by_its_text_layer_and_a_torn_one_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = make_document(5, 3)
    (tmp_path / "good.pdf").write_bytes(made.pdf)
    (tmp_path / "torn.pdf").write_bytes(made.pdf[:200])
    assert main(["read", "--fields", str(tmp_path), "--model", "base-fields", "--threads", "1", "--json"]) == 2
    said = capsys.readouterr()
    (result,) = json.loads(said.out)["results"]
    assert result["text_layer"] == list(range(1, len(made.scans) + 1))
    truth = made.document.values()
    assert {name: result["fields"][name] for name in ("number", "date", "total")} == {
        name: truth[name] for name in ("number", "date", "total")
    }
    assert "torn.pdf: the PDF is damaged or cut short; export or copy it again" in said.err


def test_the_text_layer_can_be_left_aside(
    tmp_path: Path, asked: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bill.pdf").write_bytes(page_pdf([Show(60, 700, "Corner Shop, total 3.20")]))
    for when, words in (("never", "OCR"), ("auto", "text layer or OCR")):
        assert main(["read", "--fields", str(tmp_path), "--text-layer", when]) == 0
        assert json.loads((tmp_path / "bill.fields.json").read_text())["words"] == words
