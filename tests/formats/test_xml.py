"""XML attacks are refused with one sentence, whatever layout format they claim to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from emendo.errors import FormatError
from emendo.formats.alto import read_alto
from emendo.formats.page import read_page
from emendo.formats.xml import parse_xml, root_name
from emendo.settings import Limits

XXE = '<?xml version="1.0"?><!DOCTYPE alto [<!ENTITY x SYSTEM "file:///etc/passwd">]><alto>&x;</alto>'
PARAMETER = '<?xml version="1.0"?><!DOCTYPE alto [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]><alto/>'
LAUGHS = (
    "<?xml version='1.0'?><!DOCTYPE alto [<!ENTITY a 'ha'>"
    + "".join(
        f"<!ENTITY a{i} '{'&a' + (str(i - 1) if i else '') + ';'}{'&a' + (str(i - 1) if i else '') + ';'}'>"
        for i in range(30)
    )
    + "]><alto>&a29;</alto>"
)
DEEP = "<a>" * 200_000 + "</a>" * 200_000
CASES = {
    "external entity": (XXE, "document type"),
    "parameter entity": (PARAMETER, "document type"),
    "billion laughs": (LAUGHS, "document type"),
    "bare doctype": ("<!DOCTYPE alto><alto/>", "document type"),
    "200,000 levels": (DEEP, "nested deeper than 256 levels"),
    "undefined entity": ("<alto>&x;</alto>", "not well-formed"),
    "truncated": ("<alto><Layout>", "not well-formed"),
    "empty": ("", "not well-formed"),
    "binary": ("\x00\x01\x02", "not well-formed"),
    "two roots": ("<alto/><alto/>", "not well-formed"),
    "encoding unheard of": ('<?xml version="1.0" encoding="x-klingon"?><alto/>', "not well-formed"),
}


@pytest.mark.parametrize("reader", [parse_xml, read_alto, read_page])
@pytest.mark.parametrize("case", CASES)
def test_an_attack_is_refused(tmp_path: Path, case: str, reader: object) -> None:
    content, sentence = CASES[case]
    path = tmp_path / "x.xml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FormatError, match=sentence) as raised:
        reader(path)  # type: ignore[operator]
    assert str(path) in str(raised.value) and "\n" not in str(raised.value)


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text("<alto>" + " " * 2000 + "</alto>")
    with pytest.raises(FormatError, match="the limit is 1,000"):
        parse_xml(path, Limits(xml_bytes=1000))


def test_the_depth_limit_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text("<a>" * 5 + "</a>" * 5)
    assert parse_xml(path, Limits(xml_depth=5)).tag == "a"
    with pytest.raises(FormatError, match="deeper than 4"):
        parse_xml(path, Limits(xml_depth=4))


def test_namespaces_and_predefined_entities(tmp_path: Path) -> None:
    path = tmp_path / "x.xml"
    path.write_text('<p:a xmlns:p="urn:x" p:k="&lt;&#233;">&amp;<p:b/></p:a>', encoding="utf-8")
    root = parse_xml(path)
    assert (root.tag, root.get("k"), root.text, root[0].tag) == ("a", "<é", "&", "b")
    assert root_name(path) == "a"
