"""Loading: every kind of image and page, and one sentence for each way in which a file can be wrong."""

from __future__ import annotations

import os
import random
import socket
import struct
import threading
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from PIL import Image as Pillow
from PIL import ImageDraw

from emendo.errors import BadInput, DocumentError, EmendoError, ImageError
from emendo.image.load import frames, open_document, read_frame, read_image, sample_image, sample_pages, sniff
from emendo.image.raster import webp_size
from emendo.settings import Limits
from emendo.types import Sample

RED, GREEN, BLUE = (200, 30, 40), (30, 160, 60), (40, 60, 190)


def picture(width: int = 60, height: int = 40) -> Pillow.Image:
    """Left half red, right half green, a blue band at the top: any turn or channel swap shows."""
    image = Pillow.new("RGB", (width, height), RED)
    draw = ImageDraw.Draw(image)
    draw.rectangle((width // 2, 0, width, height), fill=GREEN)
    draw.rectangle((0, 0, width, height // 4 - 1), fill=BLUE)
    return image


def expected() -> np.ndarray:
    return np.asarray(picture())


def pdf(path: Path, sizes: list[tuple[float, float]]) -> Path:
    document = pypdfium2.PdfDocument.new()
    for width, height in sizes:
        document.new_page(width, height)
    document.save(path)
    return path


def vector_pdf(content: bytes, *, box: str = "0 0 200 100", extra: bytes = b"") -> bytes:
    """A PDF of one page by hand, with a right table of contents."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents 4 0 R /Resources << %s >> >>" % (box.encode(), extra),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    return assemble(objects)


def assemble(objects: list[bytes]) -> bytes:
    data, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(data)
    data += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return data + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("a.png", {}),
        ("a.webp", {"lossless": True}),
        ("a.tif", {"compression": "tiff_lzw"}),
        ("b.tif", {"compression": "tiff_adobe_deflate"}),
        ("c.tif", {}),
    ],
)
def test_lossless_kinds_come_back_pixel_for_pixel(tmp_path: Path, name: str, save: dict[str, object]) -> None:
    picture().save(tmp_path / name, **save)
    image = read_image(tmp_path / name)
    assert image.dtype == np.uint8
    assert np.array_equal(image, expected())
    image[0, 0] = 0  # the caller owns the pixels


def test_the_content_tells_the_kind_not_the_name(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png")
    (tmp_path / "scan.pdf").write_bytes((tmp_path / "a.png").read_bytes())
    assert np.array_equal(read_image(tmp_path / "scan.pdf"), expected())


def test_jpeg_cmyk_and_grey(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.jpg", quality=95, subsampling=0)
    picture().convert("CMYK").save(tmp_path / "cmyk.jpg", quality=95, subsampling=0)
    picture().convert("CMYK").save(tmp_path / "cmyk.tif")
    picture().convert("L").save(tmp_path / "grey.jpg", quality=95)
    for name in ("a.jpg", "cmyk.jpg", "cmyk.tif"):
        assert np.abs(read_image(tmp_path / name).astype(int) - expected()).mean() < 6, name
    grey = read_image(tmp_path / "grey.jpg")
    assert grey.shape == (40, 60, 3)
    assert (grey[:, :, 0] == grey[:, :, 2]).all()


def test_sixteen_bits_one_bit_palette(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 60 * 40).astype(np.uint16).reshape(40, 60)
    Pillow.fromarray(ramp).save(tmp_path / "deep.png")
    Pillow.fromarray(ramp).save(tmp_path / "deep.tif")
    for name in ("deep.png", "deep.tif"):
        assert np.abs(read_image(tmp_path / name)[:, :, 0].astype(int) - ramp // 257).max() <= 1, name
    Pillow.fromarray(ramp > 30000).save(tmp_path / "bits.tif", compression="group4")
    assert np.array_equal(read_image(tmp_path / "bits.tif")[:, :, 1] > 0, ramp > 30000)
    picture().quantize(8).save(tmp_path / "palette.png")
    assert np.abs(read_image(tmp_path / "palette.png").astype(int) - expected()).mean() < 3


def test_transparency_is_laid_on_white(tmp_path: Path) -> None:
    clear = picture().convert("RGBA")
    clear.putalpha(Pillow.new("L", clear.size, 0))
    clear.save(tmp_path / "clear.png")
    assert (read_image(tmp_path / "clear.png") == 255).all()
    ink = Pillow.new("LA", (5, 5), (0, 128))
    ink.save(tmp_path / "half.png")
    assert abs(int(read_image(tmp_path / "half.png")[2, 2, 0]) - 127) <= 1


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif"])
def test_exif_orientation_is_undone(tmp_path: Path, turn: int, name: str) -> None:
    undo = {
        1: None,
        2: Pillow.Transpose.FLIP_LEFT_RIGHT,
        3: Pillow.Transpose.ROTATE_180,
        4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE,
        6: Pillow.Transpose.ROTATE_90,
        7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_270,
    }[turn]
    stored = picture() if undo is None else picture().transpose(undo)
    exif = Pillow.Exif()
    exif[0x0112] = turn
    stored.save(tmp_path / name, exif=exif, **({"quality": 95} if name == "a.jpg" else {}))
    image = read_image(tmp_path / name)
    assert image.shape == (40, 60, 3)
    assert np.abs(image.astype(int) - expected()).mean() < 12


def test_pages_of_a_tiff(tmp_path: Path) -> None:
    first, *others = [Pillow.new("RGB", (20 + i, 10), (i * 60, 0, 0)) for i in range(4)]
    first.save(tmp_path / "a.tif", save_all=True, append_images=others, compression="tiff_lzw")
    pages = list(frames(tmp_path / "a.tif"))
    assert [page.shape[1] for page in pages] == [20, 21, 22, 23]
    assert [int(page[0, 0, 0]) for page in pages] == [0, 60, 120, 180]
    with open_document(tmp_path / "a.tif") as document:
        assert len(document) == 4
        assert document.frame(3)[0, 0, 0] == 180
        assert document.frame(1)[0, 0, 0] == 60
    with pytest.raises(DocumentError, match="has 4 pages, page 6 was asked for"):
        read_frame(tmp_path / "a.tif", 5)
    with pytest.raises(DocumentError, match="more than 3 pages; split it"):
        open_document(tmp_path / "a.tif", Limits(document_pages=3))


def test_scanned_pdf(tmp_path: Path) -> None:
    pages = [picture(300, 200), picture(200, 300)]
    pages[0].save(tmp_path / "a.pdf", save_all=True, append_images=pages[1:], resolution=100)
    shapes = [page.shape for page in frames(tmp_path / "a.pdf", dpi=100)]
    assert shapes == [(200, 300, 3), (300, 200, 3)]
    page = next(frames(tmp_path / "a.pdf", dpi=100))
    assert np.abs(page.astype(int) - np.asarray(pages[0])).mean() < 6


def test_vector_pdf_is_rendered_at_the_resolution_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(vector_pdf(b"1 0 0 rg 0 50 100 50 re f"))
    page = read_frame(tmp_path / "a.pdf", 0, dpi=144)
    assert page.shape == (200, 400, 3)
    assert page[20, 20].tolist() == [255, 0, 0]
    assert page[150, 20].tolist() == [255, 255, 255]
    assert read_frame(tmp_path / "a.pdf", 0, dpi=72).shape == (100, 200, 3)


def test_the_notebook_and_pdfs_of_real_invoices_render(data: Path) -> None:
    with open_document(data / "peraire" / "notebook_D2.pdf") as notebook:
        assert len(notebook) == 5
        page = notebook.frame(4)
        assert page.shape[0] > 2000
        assert 60 < page.mean() < 240
    invoice = sorted((data / "invoices" / "pdf").glob("*.pdf"))[0]
    assert read_image(invoice).std() > 5


def test_a_sample_is_a_page_or_a_part_of_one(tmp_path: Path) -> None:
    first, second = Pillow.new("RGB", (80, 40), "white"), picture(80, 40)
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    whole = Sample(id="1", image=tmp_path / "a.tif", frame=1)
    assert sample_image(whole).shape == (40, 80, 3)
    part = Sample(id="2", image=tmp_path / "a.tif", frame=1, polygon=((45, 15), (75, 15), (75, 30), (45, 30)))
    crop = sample_image(part)
    assert crop.shape[:2] == (16, 31)
    assert np.abs(crop.astype(int) - GREEN).max() <= 2
    sample_image(part)[:] = 0
    assert sample_image(part).mean() > 10, "a caller's edits must not reach the kept page"


# what is refused


def png_header(width: int, height: int, data: bytes = b"") -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def bmp_of(kind: str, **save: object) -> bytes:
    stream = BytesIO()
    picture().save(stream, kind, **save)
    return stream.getvalue()


BAD: dict[str, tuple[bytes, str]] = {
    "empty.png": (b"", "is empty; emendo reads PNG"),
    "page.png": (b"\n<!DOCTYPE html><html>", "holds a web page"),
    "figure.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "holds PostScript"),
    "dos.png": (b"\xc5\xd0\xd3\xc6\x1e\0\0\0", "holds PostScript"),
    "noise.jpg": (b"\0\1\2\3 nothing at all", "is no image or PDF"),
    "zero.png": (png_header(0, 0), "0 x 0 pixels"),
    "flat.png": (png_header(5, 0), "5 x 0 pixels"),
    "huge.png": (png_header(50_000, 50_000), "50000 x 50000 pixels, more than the limit of 100 megapixels; scale it"),
    "cut.png": (bmp_of("PNG")[:-60], "damaged or cut short"),
    "cut.jpg": (bmp_of("JPEG")[:-200], "damaged or cut short"),
    "cut.webp": (bmp_of("WEBP")[:-30], "damaged or cut short"),
    "cut.tif": (bmp_of("TIFF")[:200], "damaged or cut short"),
    "head.png": (bmp_of("PNG")[:20], "damaged or cut short"),
    "head.webp": (b"RIFF\x10\0\0\0WEBPVP8X", "damaged or cut short"),
    "no data.png": (png_header(60, 40), "damaged or cut short"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_image_has_its_sentence(tmp_path: Path, name: str) -> None:
    content, sentence = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=sentence) as caught:
        read_image(tmp_path / name)
    assert str(caught.value).startswith(str(tmp_path / name))
    assert "\n" not in str(caught.value)


def test_huge_headers_of_every_kind_are_refused_before_decoding(tmp_path: Path) -> None:
    limits = Limits(image_megapixels=0.001)
    for kind, name in (("PNG", "a.png"), ("JPEG", "a.jpg"), ("TIFF", "a.tif"), ("WEBP", "a.webp")):
        (tmp_path / name).write_bytes(bmp_of(kind))
        with pytest.raises(ImageError, match="60 x 40 pixels, more than the limit"):
            open_document(tmp_path / name, limits)
    for save in ({"lossless": True}, {}, {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}):
        assert webp_size(bmp_of("WEBP", **save)[:30]) == (60, 40)


def test_a_tile_larger_than_the_limit_is_refused(tmp_path: Path) -> None:
    tags = {256: 60, 257: 40, 258: 8, 259: 5, 262: 1, 277: 1, 322: 60000, 323: 60000, 324: 8, 325: 200}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    (tmp_path / "a.tif").write_bytes(b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(300))
    with pytest.raises(ImageError, match="60000 x 60000 pixels, more than the limit"):
        read_image(tmp_path / "a.tif")


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("kind", "name"), [("PNG", "a.png"), ("JPEG", "a.jpg"), ("TIFF", "a.tif"), ("WEBP", "a.webp")])
def test_flipped_bits_end_in_an_image_or_in_one_sentence(tmp_path: Path, kind: str, name: str) -> None:
    good = bmp_of(kind, **({"compression": "tiff_lzw"} if kind == "TIFF" else {}))
    r = random.Random(kind)
    limits = Limits(image_megapixels=1)
    refused = 0
    for _ in range(60):
        bad = bytearray(good)
        for _ in range(r.choice((1, 1, 2, 8))):
            bad[r.randrange(len(bad))] ^= 1 << r.randrange(8)
        (tmp_path / name).write_bytes(bytes(bad))
        try:
            image = read_image(tmp_path / name, limits)
            assert image.dtype == np.uint8
            assert image.shape[2] == 3
        except EmendoError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused >= 1


def test_what_is_no_regular_file_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "loop.png").symlink_to(tmp_path / "loop.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "gone.png").symlink_to(tmp_path / "nothing.png")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.png"))
        cases: dict[Path, str] = {
            tmp_path / "fifo.png": "is a FIFO, not a regular file",
            tmp_path / "loop.png": "cannot be opened",
            tmp_path / "folder.png": "is a folder",
            tmp_path / "gone.png": "cannot be opened .no such file",
            tmp_path / "s.png": "cannot be opened",
            Path("/dev/zero"): "is a device",
            Path("a\0b.png"): "cannot be opened",
        }
        found: list[str] = []

        def read_all() -> None:
            for path, sentence in cases.items():
                with pytest.raises(ImageError, match=sentence):
                    read_image(path)
                found.append(sentence)

        worker = threading.Thread(target=read_all, daemon=True)
        worker.start()
        worker.join(20)
    assert len(found) == len(cases)


def looped() -> bytes:
    return assemble(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>",
            b"<< >>",
        ]
    )


def lying() -> bytes:
    return assemble([b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [] /Count 999999 >>"])


def encrypted() -> bytes:
    body = vector_pdf(b"")
    secret = b"<< /Filter /Standard /V 1 /R 2 /O <%s> /U <%s> /P -4 >>" % (b"41" * 32, b"42" * 32)
    return body.replace(b"/Root 1 0 R >>", b"/Root 1 0 R /ID [<00><00>] /Encrypt %s >>" % secret)


PDF_CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "cut": (lambda: vector_pdf(b"1 0 0 rg")[:60], "damaged or cut short"),
    "head only": (lambda: b"%PDF-1.7\n", "damaged or cut short"),
    "loop": (looped, "no page that can be found|cannot be rendered|damaged"),
    "lie": (lying, "999999 pages, more than the limit of 2000|no page|cannot be rendered"),
    "secret": (encrypted, "the PDF is encrypted; save it without a password"),
    "20,000 points": (
        lambda: vector_pdf(b"", box="0 0 20000 20000"),
        "20000 x 20000 points, more than the limit of 14400",
    ),
    "long": (lambda: vector_pdf(b"", box="0 0 14000 14000"), "megapixels; scale it down"),
    "flat": (lambda: vector_pdf(b"", box="0 0 0.001 0.001"), "shows nothing|cannot be rendered|points"),
}


@pytest.mark.parametrize("name", PDF_CASES)
def test_a_wrong_pdf_has_its_sentence(tmp_path: Path, name: str) -> None:
    make, sentence = PDF_CASES[name]
    (tmp_path / "a.pdf").write_bytes(make())
    if name == "flat":  # a page without extent is given the format's default size by the renderer, or is refused
        try:
            assert read_image(tmp_path / "a.pdf").size > 0
        except BadInput as error:
            assert "\n" not in str(error)
        return
    with pytest.raises(BadInput, match=sentence) as caught:
        list(frames(tmp_path / "a.pdf"))
    assert isinstance(caught.value, DocumentError)
    assert "\n" not in str(caught.value)


def test_a_form_that_draws_itself_comes_to_an_end(tmp_path: Path) -> None:
    form = b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 5 /Resources << /XObject << /F 5 0 R >> >> >>"
    page = vector_pdf(b"/F Do", extra=b"/XObject << /F 5 0 R >>")
    objects = page.split(b"xref")[0] + b"5 0 obj\n" + form + b"\nstream\n/F Do\nendstream\nendobj\n"
    (tmp_path / "a.pdf").write_bytes(objects + b"trailer << /Size 6 /Root 1 0 R >>\n%%EOF\n")
    assert read_image(tmp_path / "a.pdf").shape[2] == 3


def test_page_count_of_a_pdf_is_limited(tmp_path: Path) -> None:
    pdf(tmp_path / "a.pdf", [(50, 50)] * 4)
    assert len(list(frames(tmp_path / "a.pdf", dpi=72))) == 4
    with pytest.raises(DocumentError, match="4 pages, more than the limit of 3"):
        open_document(tmp_path / "a.pdf", Limits(document_pages=3))


def test_flipped_bits_in_a_pdf(tmp_path: Path) -> None:
    picture().save(tmp_path / "good.pdf")
    good = (tmp_path / "good.pdf").read_bytes()
    r = random.Random(5)
    for _ in range(30):
        bad = bytearray(good)
        for _ in range(3):
            bad[r.randrange(len(bad))] ^= 1 << r.randrange(8)
        (tmp_path / "bad.pdf").write_bytes(bytes(bad))
        try:
            assert read_image(tmp_path / "bad.pdf", Limits(image_megapixels=2)).dtype == np.uint8
        except EmendoError as error:
            assert "\n" not in str(error)


def test_sniffing() -> None:
    assert sniff(b"junk first\n%PDF-1.4") == "pdf"
    assert sniff(b"RIFF....WEBPVP8 ") == "webp"
    assert sniff(b"") == "empty"
    assert sniff(b"\xef\xbb\xbf  <HTML>") == "html"
    assert sniff(b"GIF89a") == ""


def two_pages(tmp_path: Path) -> Path:
    path = tmp_path / "scan.tif"
    picture().save(path, save_all=True, append_images=[picture(30, 20)])
    return path


def test_all_pages_of_a_document_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    for name, width in (("b", 50), ("a", 40)):
        picture(width).save(tmp_path / "pages" / f"{name}.png")
    listed = Sample(id="x", image=tmp_path / "pages" / "b.png", attributes={"images": ["pages/b.png", "pages/a.png"]})
    assert [page.shape[1] for page in sample_pages(listed)] == [50, 40]
    scan = two_pages(tmp_path)
    assert [page.shape[1] for page in sample_pages(Sample(id="y", image=scan))] == [60, 30]
    assert [page.shape[1] for page in sample_pages(Sample(id="y", image=scan, frame=1))] == [30]


def test_pages_beside_a_pdf_take_its_place(tmp_path: Path) -> None:
    (tmp_path / "pdf").mkdir()
    (tmp_path / "images").mkdir()
    picture().save(tmp_path / "pdf" / "x.pdf")
    picture(44).save(tmp_path / "images" / "x-1.png")
    sample = Sample(id="x", image=tmp_path / "pdf" / "x.pdf", attributes={"images": ["images/x-1.png"]})
    assert [page.shape[1] for page in sample_pages(sample)] == [44]


@pytest.mark.parametrize(
    ("images", "said"),
    [
        ("b.png", "`images` of x is no list of paths"),
        ([], "`images` of x is no list of paths"),
        ([3], "`images` of x is no list of paths"),
        (["a.png", "gone.png"], "page 2 of x is not there: gone.png"),
    ],
)
def test_a_document_whose_pages_cannot_be_told_is_refused(tmp_path: Path, images: object, said: str) -> None:
    picture().save(tmp_path / "a.png")
    with pytest.raises(DocumentError, match=said):
        sample_pages(Sample(id="x", image=tmp_path / "a.png", attributes={"images": images}))
