from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from emendo.evaluate import compare, evaluate, write_comparison_page, write_report_page

from .scripted import Scripted, lines, pixels

TEXTS = ["<script>alert(1)</script>", "a & b", "سلام عليكم", "deux mots"]
READ = ["<script>alert(1)</scrip>", "a & <b>", "سلم عليكم", "deuxmots"]


class Outline(HTMLParser):
    """Collects tags, attributes and text; fails on tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data


def test_report_page_is_self_contained_and_escaped(tmp_path: Path) -> None:
    data = lines(TEXTS, writer=["<i>", "b", "<i>", "b"])
    report = evaluate(Scripted("model <1>", READ), data, slices=["writer"], load=pixels)
    write_report_page(tmp_path / "report.html", report, data, load=pixels)
    page = Outline((tmp_path / "report.html").read_text(encoding="utf-8"))
    names = [tag for tag, _ in page.tags]
    assert "script" not in names and "i" not in names and "link" not in names
    assert names.count("img") == 4
    assert all(str(attrs["src"]).startswith("data:image/jpeg;base64,") for tag, attrs in page.tags if tag == "img")
    assert "<script>alert(1)</script>" in page.text
    assert "model <1>" in page.text
    assert "deux␣mots" in page.text
    gaps = sorted(str(attrs["title"]) for _, attrs in page.tags if attrs.get("class") == "gap")
    assert gaps == ["missing: t", "missing: ا", "missing: ␣"]
    assert sorted(attrs["dir"] for tag, attrs in page.tags if tag == "dl" and "dir" in attrs) == ["ltr"] * 3 + ["rtl"]


def test_comparison_page(tmp_path: Path) -> None:
    data = lines(TEXTS, writer=["<i>", "b", "<i>", "b"])
    found = compare(Scripted("A", READ), Scripted("B", TEXTS), data, slices=["writer"], load=pixels)
    write_comparison_page(tmp_path / "compare.html", found, data, load=pixels)
    page = Outline((tmp_path / "compare.html").read_text(encoding="utf-8"))
    assert "Lines that got better (4)" in page.text
    assert "Lines that got worse (0)" in page.text
    assert not {"script", "link", "i"} & {tag for tag, _ in page.tags}


def test_a_perfect_report_has_no_worst_lines(tmp_path: Path) -> None:
    data = lines(TEXTS)
    report = evaluate(Scripted("m", TEXTS), data, load=pixels)
    write_report_page(tmp_path / "report.html", report, data, load=pixels)
    assert "Worst lines (0 of 0 with errors)" in (tmp_path / "report.html").read_text(encoding="utf-8")
