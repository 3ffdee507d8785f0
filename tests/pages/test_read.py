"""Reading documents: the files of a note, going on after a stop, never touching what a person edited."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from emendo.errors import BadInput, Busy, DocumentError, ImageError
from emendo.pages.note import READING, STATE, NoteFiles, note_files
from emendo.pages.read import read_document
from emendo.settings import Limits, ReadSettings, Settings
from emendo.tools.files import PARTIAL, sha256_bytes

from .sheets import CountingReader, save, sheet

TWO = [(40, 300, 100), (40, 420, 150)]
THREE = [(40, 300, 100), (40, 420, 150), (60, 500, 300)]


def document(path: Path, pages: list[list[tuple[int, int, int]]]) -> Path:
    first, *others = [Pillow.fromarray(sheet(lines)) for lines in pages]
    first.save(path, save_all=True, append_images=others, compression="tiff_lzw")
    return path


def rows(note: NoteFiles) -> list[dict[str, object]]:
    return [json.loads(line) for line in note.manifest.read_text(encoding="utf-8").splitlines()]


def everything(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_files_of_a_note(tmp_path: Path) -> None:
    path = document(tmp_path / "note.tif", [TWO, [], THREE])
    result = read_document(path, recognizer=CountingReader())
    assert (result.status, result.pages, result.lines) == ("read", 3, 5)
    note = note_files(path)
    text = note.text.read_text(encoding="utf-8").split("\n")
    assert note.original.read_bytes() == note.text.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["note.tif", "note.txt", "note.txt.orig", "note_lines"]
    crops = [f"line_{i:03d}.png" for i in range(1, 6)]
    assert sorted(p.name for p in note.folder.iterdir()) == sorted([STATE, *crops, "lines.jsonl"])
    found = rows(note)
    assert [row["image"] for row in found] == crops
    assert [row["page"] for row in found] == [1, 1, 3, 3, 3]
    for row in found:
        crop = (note.folder / str(row["image"])).read_bytes()
        assert row["sha256"] == sha256_bytes(crop)
        assert row["id"] == str(row["sha256"])[:16]
        assert text[int(str(row["text_line"])) - 1] == row["text"]
        assert row["model"] == "counting@1"
        assert (row["page_width"], row["page_height"]) == (640, 480)
        assert "".join(c[0] for c in row["characters"]) == row["text"]
        x0, y0, x1, y1 = row["box"]
        assert 0 <= x0 < x1 <= 640
        assert 0 <= y0 < y1 <= 480
        width = cv2.imdecode(np.frombuffer(crop, np.uint8), cv2.IMREAD_COLOR).shape[1]
        assert row["text"] == f"width {width}"
    assert [row["text_line"] for row in found] == [1, 2, 4, 5, 7], "a blank line between pages and paragraphs"
    assert text[2] == text[5] == ""
    assert not text[-1]


def test_out_puts_everything_elsewhere(tmp_path: Path) -> None:
    path = save(tmp_path / "photo.png", sheet(TWO))
    before = everything(tmp_path)
    result = read_document(path, recognizer=CountingReader(), out=tmp_path / "out" / "deep")
    assert result.text == tmp_path / "out" / "deep" / "photo.txt"
    assert {name: data for name, data in everything(tmp_path).items() if not name.startswith("out")} == before


def test_a_page_without_writing_gives_an_empty_text(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", sheet([]))
    result = read_document(path, recognizer=CountingReader())
    assert (result.lines, result.text.read_bytes()) == (0, b"")
    assert not (result.folder / "lines.jsonl").exists()
    assert read_document(path, recognizer=CountingReader()).status == "unchanged"


def test_read_once_and_again_only_when_something_changed(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", sheet(TWO))
    reader = CountingReader()
    read_document(path, recognizer=reader)
    before = everything(tmp_path)
    assert read_document(path, recognizer=reader).status == "unchanged"
    assert reader.seen == 2
    assert everything(tmp_path) == before
    assert read_document(path, recognizer=reader, again=True).status == "read"
    assert everything(tmp_path) == before, "the same reading gives the same files"
    assert read_document(path, recognizer=CountingReader("other@2")).status == "read"
    assert {row["model"] for row in rows(note_files(path))} == {"other@2"}
    save(path, sheet(THREE))
    assert read_document(path, recognizer=CountingReader("other@2")).lines == 3
    save(path, sheet([TWO[0]]))
    read_document(path, recognizer=CountingReader("other@2"))
    assert sorted(p.name for p in note_files(path).folder.glob("*.png")) == ["line_001.png"], "old crops are gone"
    settings = Settings(read=ReadSettings(dpi=100))
    assert read_document(path, recognizer=CountingReader("other@2"), settings=settings).status == "read"


@pytest.mark.parametrize("edit", ["text", "corrected", "crop", "deleted lines"])
def test_what_a_person_edited_is_kept(tmp_path: Path, edit: str) -> None:
    path = save(tmp_path / "a.png", sheet(TWO))
    read_document(path, recognizer=CountingReader())
    target = {
        "text": tmp_path / "a.txt",
        "deleted lines": tmp_path / "a.txt",
        "corrected": tmp_path / "a_corrected.txt",
        "crop": tmp_path / "a_lines" / "line_001.gt.txt",
    }[edit]
    target.write_text("" if edit == "deleted lines" else "mine\nnot yours\n", encoding="utf-8")
    before = everything(tmp_path)
    for again in (False, True):
        result = read_document(path, recognizer=CountingReader("other@2"), again=again)
        assert result.status == "kept"
        assert everything(tmp_path) == before


def test_a_text_that_is_not_ours_is_never_overwritten(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", sheet(TWO))
    (tmp_path / "a.txt").write_text("my own words", encoding="utf-8")
    with pytest.raises(BadInput, match=r"a\.txt: stands where the reading would go and is not ours; rename a\.txt"):
        read_document(path, recognizer=CountingReader())
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "my own words"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png", "a.txt"]
    (tmp_path / "a.txt").unlink()
    (tmp_path / "a.txt").symlink_to("/etc/passwd")
    with pytest.raises(BadInput):
        read_document(path, recognizer=CountingReader())


def test_a_stopped_reading_goes_on_after_its_last_page(tmp_path: Path) -> None:
    path = document(tmp_path / "note.tif", [TWO, THREE, TWO])
    with pytest.raises(KeyboardInterrupt):
        read_document(path, recognizer=CountingReader(fail_after=6))
    note = note_files(path)
    assert not note.text.exists()
    assert not note.manifest.exists()
    reader = CountingReader()
    shown: list[tuple[int, int, str]] = []
    result = read_document(path, recognizer=reader, progress=lambda *state: shown.append(state))
    assert reader.seen == 2, "pages one and two were kept"
    assert (result.lines, result.pages) == (7, 3)
    assert shown[0][2] == "note.tif, page 3 of 3"
    assert shown[-1][:2] == (7, 7)
    whole = everything(tmp_path)
    other = tmp_path / "straight"
    read_document(path, recognizer=CountingReader(), out=other)
    straight = everything(other)
    assert {n: d for n, d in whole.items() if n.startswith("note.t") and n != "note.tif"} == {
        n: d for n, d in straight.items() if n.startswith("note.t")
    }
    assert whole["note_lines/lines.jsonl"] == straight["note_lines/lines.jsonl"]


def test_a_stopped_reading_of_another_state_is_thrown_away(tmp_path: Path) -> None:
    path = document(tmp_path / "note.tif", [TWO, THREE])
    with pytest.raises(KeyboardInterrupt):
        read_document(path, recognizer=CountingReader(fail_after=4))
    reader = CountingReader("other@2")
    read_document(path, recognizer=reader)
    assert reader.seen == 5
    assert {row["model"] for row in rows(note_files(path))} == {"other@2"}
    assert not (note_files(path).folder / READING).exists()
    assert not list(tmp_path.rglob(f"{PARTIAL}*"))


def test_a_text_edited_while_the_new_reading_is_put_in_place_is_kept(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", sheet(TWO))
    read_document(path, recognizer=CountingReader())
    note = note_files(path)

    class Editing(CountingReader):
        def read(self, images: object) -> object:
            note.text.write_text("edited meanwhile\n", encoding="utf-8")
            return super().read(images)

    read_document(path, recognizer=Editing("other@2"))
    assert note.text.read_text(encoding="utf-8") == "edited meanwhile\n"
    assert {row["model"] for row in rows(note)} == {"other@2"}
    assert len(note.original.read_text(encoding="utf-8").splitlines()) == 2


def test_two_documents_of_one_name_get_two_notes(tmp_path: Path) -> None:
    first = document(tmp_path / "note.tif", [TWO])
    second = save(tmp_path / "note.png", sheet(THREE))
    assert read_document(first, recognizer=CountingReader()).text.name == "note.txt"
    assert read_document(second, recognizer=CountingReader()).text.name == "note.png.txt"
    assert (tmp_path / "note.png_lines" / "lines.jsonl").exists()
    assert read_document(second, recognizer=CountingReader()).status == "unchanged"
    assert read_document(first, recognizer=CountingReader()).status == "unchanged"


def test_two_readings_of_one_document_do_not_meet(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", sheet(TWO))
    with note_files(path).lock(), pytest.raises(Busy, match="another emendo is reading this document"):
        read_document(path, recognizer=CountingReader())


def test_bad_documents_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "cut.pdf").write_bytes(b"%PDF-1.4\n1 0 obj")
    with pytest.raises(ImageError, match="is empty"):
        read_document(tmp_path / "empty.png", recognizer=CountingReader())
    with pytest.raises(DocumentError, match="damaged"):
        read_document(tmp_path / "cut.pdf", recognizer=CountingReader())
    path = document(tmp_path / "note.tif", [TWO, THREE])
    with pytest.raises(DocumentError, match="more than 1 pages"):
        read_document(path, recognizer=CountingReader(), settings=Settings(limits=Limits(document_pages=1)))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.pdf", "empty.png", "note.tif"]


REAL = """
import sys
from pathlib import Path
import emendo.pages.read, emendo.pages.session
assert "torch" not in sys.modules
from emendo.models.references import load_recognizer
from emendo.models.detector import Detector
result = emendo.pages.read.read_document(
    Path(sys.argv[1]), recognizer=load_recognizer("base"), detector=Detector(), out=Path(sys.argv[2]))
heavy = {"torch", "transformers", "matplotlib", "rapidocr", "onnx", "sqlalchemy"} & set(sys.modules)
assert not heavy, heavy
print(result.lines)
"""


def test_a_real_page_is_read_without_torch(tmp_path: Path, data: Path) -> None:
    page = data / "pages_typed" / "images" / "danish_EHRI-DR-19431111-DK_03.jpg"
    base = "from emendo.models.base import base_bundle; base_bundle()"
    subprocess.run([sys.executable, "-c", base], check=True)  # converting the base for the first time may take `onnx`
    ran = subprocess.run(
        [sys.executable, "-c", REAL, str(page), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert 20 <= int(ran.stdout) <= 23
    text = (tmp_path / f"{page.stem}.txt").read_text(encoding="utf-8")
    assert "Tyskland" in text or "tyske" in text or "Danmark" in text or len(text) > 800
