from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from emendo.datasets import open_dataset
from emendo.errors import DataError, FormatError, UsageError
from emendo.evaluate import evaluate, read_report
from emendo.types import Image, Sample, Split

from .scripted import Lines, Scripted, lines, pixels

TEXTS = ["un", "deux", "trois", "quatre"]
READ = ["un", "deuz", "toris", "quatre"]


def test_counts_rates_and_contract_keys() -> None:
    report = evaluate(Scripted("m", READ), lines(TEXTS), load=pixels)
    figures = report.figures()
    assert {"samples", "characters", "edits", "cer", "cer_low", "cer_high", "wer", "exact", "slices"} <= set(figures)
    assert (figures["samples"], figures["characters"], figures["edits"]) == (4, 17, 3)
    assert figures["cer"] == pytest.approx(3 / 17)
    assert figures["cer_low"] <= figures["cer"] <= figures["cer_high"]
    assert (figures["exact"], figures["wer"]) == (0.5, 0.5)
    assert (figures["model"], figures["dataset"], figures["dataset_hash"]) == ("m", "lines", "0123456789abcdef")
    assert ["x", "z", 1] in figures["confusions"]
    assert figures["effort"]["anew_keystrokes"] > figures["effort"]["keystrokes"] > 0
    json.dumps(figures, allow_nan=False)


def test_slices_hold_their_own_counts() -> None:
    data = lines(TEXTS, language=["fr", "fr", "en", "fr"], writer=["a", "b", "a", "b"])
    figures = evaluate(Scripted("m", READ), data, slices=["language", "writer"], load=pixels).figures()
    assert {value: one["edits"] for value, one in figures["slices"]["language"].items()} == {"en": 2, "fr": 1}
    assert {value: one["samples"] for value, one in figures["slices"]["writer"].items()} == {"a": 2, "b": 2}


def test_unknown_slice_names_the_known_ones() -> None:
    data = lines(TEXTS, writer=["a", "b", "a", "b"])
    with pytest.raises(UsageError, match=r"unknown slice 'writr'; did you mean 'writer'\? known: language, .*writer"):
        evaluate(Scripted("m", READ), data, slices=["writr"], load=pixels)


def test_every_wide_slice_is_kept_in_the_lines() -> None:
    data = lines(TEXTS, writer=["a", "b", "a", "b"], line=["1", "2", "3", "4"])
    assert evaluate(Scripted("m", READ), data, load=pixels).lines[0].slices == {"writer": "a"}


def test_split_and_batches() -> None:
    recognizer = Scripted("m", READ)
    data = lines(TEXTS, split=["train", "test", "test", "test"])
    seen: list[tuple[int, int]] = []
    report = evaluate(
        recognizer, data, split=Split.TEST, batch=2, load=pixels, progress=lambda done, all_: seen.append((done, all_))
    )
    assert [line.id for line in report.lines] == ["s1", "s2", "s3"]
    assert recognizer.largest_batch == 2
    assert seen == [(2, 3), (3, 3)]


def test_unreadable_and_unlabelled_are_named() -> None:
    data = lines(["un", None, "trois", "quatre"])
    broken = dataclasses.replace(data.samples[2], image=Path("broken.png"))
    report = evaluate(Scripted("m", READ), Lines((*data.samples[:2], broken, data.samples[3])), load=pixels)
    figures = report.figures()
    assert figures["samples"] == 2
    assert figures["unlabelled"] == ["s1"]
    assert figures["unreadable"] == [{"id": "s2", "reason": "broken.png: is not an image"}]


def test_no_text_at_all() -> None:
    with pytest.raises(DataError, match="lines: no sample with a reference text; give a data set with texts"):
        evaluate(Scripted("m", READ), lines([None, None]), load=pixels)
    with pytest.raises(DataError, match="in split 'val'; splits with text: test"):
        evaluate(Scripted("m", READ), lines(TEXTS, split=["test"] * 4), split=Split.VAL, load=pixels)


def test_an_empty_reference_counts_its_insertions() -> None:
    report = evaluate(Scripted("m", ["xyz"]), lines([""]), load=pixels)
    assert (report.counts.cer, report.counts.insertions) == (3.0, 3)


def test_round_trip(tmp_path: Path) -> None:
    data = lines(["a<b>", "éà", "شيء", "q"], language=["fr", "fr", "ar", "fr"])
    report = evaluate(Scripted("m", READ), data, slices=["language"], load=pixels)
    report.write(tmp_path)
    assert read_report(tmp_path) == report
    assert len((tmp_path / "lines.jsonl").read_text(encoding="utf-8").splitlines()) == 4


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("report.json", "{", "report.json: is not JSON"),
        ("report.json", "[]", "report.json: is not a JSON object"),
        ("report.json", '{"format": "other/9"}', "format is 'other/9', not 'emendo-report/1'"),
        ("report.json", '{"format": "emendo-report/1"}', "is not a complete report"),
        ("lines.jsonl", '{"id": 1}\n', "is not a complete report"),
        ("lines.jsonl", "{}\nnope\n", "lines.jsonl:2: is not JSON"),
    ],
)
def test_a_damaged_report_is_refused(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    evaluate(Scripted("m", READ), lines(TEXTS), load=pixels).write(tmp_path)
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(FormatError, match=sentence):
        read_report(tmp_path)


def test_a_report_without_lines_is_refused(tmp_path: Path) -> None:
    evaluate(Scripted("m", READ), lines(TEXTS), load=pixels).write(tmp_path)
    (tmp_path / "lines.jsonl").unlink()
    with pytest.raises(FormatError, match=r"lines\.jsonl: is missing; evaluate again"):
        read_report(tmp_path)


def test_real_lines_from_disk(data: Path) -> None:
    class Width:
        model = "width"

        def read(self, images: list[Image]) -> list[object]:
            assert all(image.ndim == 3 and image.dtype == "uint8" for image in images)
            return Scripted("width", [""]).read([image[:1, :1] * 0 for image in images])

    dataset = open_dataset(data / "peraire")
    report = evaluate(Width(), dataset, split=Split.VAL)  # type: ignore[arg-type]
    assert report.counts.samples == 209
    assert report.counts.cer == 1.0
    assert report.dataset_hash == dataset.hash
    assert not report.unreadable


def test_default_loader_names_a_missing_image(tmp_path: Path) -> None:
    sample = Sample(id="x", image=tmp_path / "gone.png", text="a")
    report = evaluate(Scripted("m", ["a"]), Lines((sample,)))
    assert "gone.png" in report.unreadable[0].reason


def test_refused_rows_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    rows = '{"image": "a.png", "text": "a"}\n{"image": "gone.png", "text": "b"}\n'
    (tmp_path / "lines.jsonl").write_text(rows, encoding="utf-8")
    report = evaluate(Scripted("m", ["a"]), open_dataset(tmp_path), load=lambda _: pixels(lines(["a"]).samples[0]))
    assert [one.id for one in report.rejected] == ["lines.jsonl:2"]
    assert "gone.png" in report.figures()["rejected"][0]["reason"]
    report.write(tmp_path / "report")
    assert read_report(tmp_path / "report") == report
