"""XML from strangers: parsed by expat with no document type, no entities, bounded depth and size.

What is refused here cannot attack anything later: without a DTD there are no external entities (XXE) and no entity
expansion (billion laughs); 200,000 nested elements stop at the depth limit.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import Element, TreeBuilder, indent, tostring
from xml.parsers import expat

from ..errors import FormatError
from ..settings import Limits
from .base import Refusal

_PIECE = 1 << 16


def parse_xml(path: Path, limits: Limits | None = None) -> Element:
    """Root element with namespaces stripped from all names. Raises FormatError with file and line."""
    with path.open("rb") as stream:
        return _parsed(stream, path.stat().st_size, path, limits or Limits())


def parse_xml_bytes(content: bytes, where: Path, limits: Limits | None = None) -> Element:
    """The same for XML that lies inside of the file `where`."""
    return _parsed(io.BytesIO(content), len(content), where, limits or Limits())


def _parsed(stream: IO[bytes], size: int, where: Path, limits: Limits) -> Element:
    if size > limits.xml_bytes:
        raise FormatError(f"is {size:,} bytes long, the limit is {limits.xml_bytes:,}", where=where)
    builder = _Builder(limits.xml_depth)
    parser = expat.ParserCreate(namespace_separator="}")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.EntityDeclHandler = builder.doctype
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        while piece := stream.read(_PIECE):
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except Refusal as refusal:
        raise FormatError(refusal.what, where=where, line=parser.CurrentLineNumber, remedy=refusal.remedy) from refusal
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise FormatError(f"is not well-formed XML ({error})", where=where) from error
    return builder.tree.close()


class _Builder:
    def __init__(self, depth: int) -> None:
        self.tree = TreeBuilder()
        self._depth = depth
        self._open = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._open += 1
        if self._open > self._depth:
            raise Refusal(f"the XML is nested deeper than {self._depth} levels")
        self.tree.start(_local(name), {_local(key): value for key, value in attributes.items()})

    def end(self, name: str) -> None:
        self._open -= 1
        self.tree.end(_local(name))

    def doctype(self, *_: object) -> None:
        raise Refusal("the XML has a document type (DTD)", "remove the <!DOCTYPE ...>: entities are never expanded")


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def root_name(path: Path) -> str:
    """Local name of the root element, "" when the file is not XML; reads only its beginning."""
    found: list[str] = []

    def start(name: str, _: dict[str, str]) -> None:
        if not found:
            found.append(_local(name))

    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler = start
    try:
        with path.open("rb") as stream:
            parser.Parse(stream.read(_PIECE), False)
    except (expat.ExpatError, ValueError, LookupError):
        pass
    return found[0] if found else ""


def to_bytes(root: Element, where: Path) -> bytes:
    """A whole XML file. Raises FormatError for characters that XML cannot carry."""
    for element in root.iter():
        for value in (element.text or "", *element.attrib.values()):
            bad = next((char for char in value if not _allowed(char)), None)
            if bad is not None:
                raise FormatError(f"XML cannot carry the character U+{ord(bad):04X}", where=where, remedy="remove it")
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'.encode()


def carried(text: str) -> str:
    """The text as XML can carry it: U+FFFD in place of the two characters that are none (U+FFFE, U+FFFF)."""
    return text.replace("\ufffe", "\ufffd").replace("\uffff", "\ufffd")


def _allowed(char: str) -> bool:
    code = ord(char)
    return char in "\t\n\r" or (code >= 0x20 and not 0xD800 <= code <= 0xDFFF and code not in (0xFFFE, 0xFFFF))
