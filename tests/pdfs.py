"""PDFs of one page by hand: text, fonts that name wrong characters, pictures, turned pages and crop boxes."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from emendo.types import Image

from .image.test_load import assemble

A4 = "0 0 595 842"


@dataclass(frozen=True)
class Show:
    """A text from (x, y) in points, y up, turned by the matrix of its quarter turns."""

    x: float
    y: float
    text: str
    size: float = 11
    turn: int = 0
    font: str = "F1"
    before: str = ""

    def content(self) -> bytes:
        a, b, c, d = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)][self.turn]
        text = self.text.encode("cp1252").replace(b"(", rb"\(").replace(b")", rb"\)")
        head = f"q BT /{self.font} {self.size} Tf {self.before} {a} {b} {c} {d} {self.x} {self.y} Tm (".encode()
        return head + text + b") Tj ET Q\n"


def page_pdf(
    content: Sequence[Show | bytes],
    *,
    box: str = A4,
    page: str = "",
    maps: Mapping[int, int] | None = None,
    picture: Image | None = None,
    form: bytes = b"",
) -> bytes:
    """A page of texts and drawing operators. Font F1 is plain and F2 bold; `maps` tells which characters (code to code
    point) F1 claims to draw; `picture` is `/P Do`, a form that draws with it `/F Do`; `page` are further entries of the
    page.
    """
    drawn = b"".join(one.content() if isinstance(one, Show) else one for one in content)
    plain = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding %s>>"
    claims = _claims(maps) if maps is not None else b""
    rows, columns = (1, 1) if picture is None else picture.shape[:2]
    pixels = zlib.compress(b"\xff\xff\xff" if picture is None else np.ascontiguousarray(picture).tobytes())
    resources = b"/Resources<</Font<</F1 5 0 R/F2 6 0 R>>/XObject<</P 7 0 R/F 9 0 R>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[%s]%s/Contents 4 0 R%s>>" % (box.encode(), page.encode(), resources),
        b"<</Length %d>>stream\n%s\nendstream" % (len(drawn), drawn),
        plain % (b"/ToUnicode 8 0 R" if claims else b""),
        plain.replace(b"Helvetica", b"Helvetica-Bold") % b"",
        b"<</Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceRGB/BitsPerComponent 8"
        b"/Filter/FlateDecode/Length %d>>stream\n%s\nendstream" % (columns, rows, len(pixels), pixels),
        b"<</Length %d>>stream\n%s\nendstream" % (len(claims), claims),
        b"<</Type/XObject/Subtype/Form/BBox[0 0 2000 2000]/Resources<</XObject<</P 7 0 R>>>>/Length %d>>stream\n%s\n"
        b"endstream" % (len(form), form),
    ]
    return assemble(objects)


def _claims(maps: Mapping[int, int]) -> bytes:
    rows = "\n".join(f"<{code:02X}> <{point:04X}>" for code, point in maps.items())
    head = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def 1 begincodespacerange <00> <FF>"
    )
    return f"{head} endcodespacerange {len(maps)} beginbfchar\n{rows}\nendbfchar endcmap end end".encode()


def written(lines: Sequence[str], size: tuple[int, int], height: int = 26) -> Image:
    """A picture (h, w, 3) of lines of text; `size` is its width and height."""
    picture = Pillow.new("RGB", size, "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(height)
    for at, line in enumerate(lines):
        pen.text((8, 8 + 1.5 * height * at), line, "black", font=font)
    return np.asarray(picture)
