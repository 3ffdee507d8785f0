"""Set lines of any script: shaped, labelled as a transcriber writes, the same for the same seed. Covers A15, N18."""

from __future__ import annotations

import io
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import ImageFont

from emendo.datasets.faces import FontFace
from emendo.datasets.fonts import FONTS, FontPackage, credits_of, faces_in, fetch_fonts, weight_of
from emendo.datasets.press import Press, printed
from emendo.datasets.printed import Recipe, cast_for, make_printed, printed_lines
from emendo.datasets.sentences import SHADDA, TATWEEL, direction, line_words, vocabulary
from emendo.datasets.typeset import Setting, Word, label_of, set_line
from emendo.errors import BadInput, DataError, UsageError
from emendo.image.load import sample_image
from emendo.text.direction import on_page
from emendo.tools.files import sha256_bytes
from emendo.types import Origin, Split

MARKS = "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0640"
DEJAVU = Path(next(iter(matplotlib.__path__))) / "mpl-data/fonts/ttf"


@pytest.fixture(scope="module")
def fonts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two free faces that are on every machine with matplotlib: DejaVu Sans, plain and bold."""
    folder = tmp_path_factory.mktemp("fonts")
    for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf"):
        (folder / name).write_bytes((DEJAVU / name).read_bytes())
    (folder / "broken.ttf").write_bytes(b"no font")
    return folder


def setting(folder: Path, way: str = "rtl") -> Setting:
    face = FontFace("DejaVuSans", folder / "DejaVuSans.ttf")
    return Setting(face, face, 40, "rtl" if way == "rtl" else "ltr", "ar" if way == "rtl" else "ru", 0.3)


def test_arabic_text_is_what_a_transcriber_writes() -> None:
    rng = np.random.default_rng(0)
    lines = [line_words(rng, "ar") for _ in range(300)]
    labels = [label_of(words) for words in lines]
    drawn = ["".join(word.drawn for word in words) for words in lines]
    assert not any(char in MARKS for label in labels for char in label)
    assert sum(any(char in MARKS for char in text) for text in drawn) > 100
    assert any(TATWEEL in text for text in drawn) and any(SHADDA in text for text in drawn)
    assert any(char in "٠١٢٣٤٥٦٧٨٩" for text in drawn for char in text)
    assert not any(char in "٠١٢٣٤٥٦٧٨٩" for label in labels for char in label)
    assert set("،؛:.؟!«»()[]0123456789") <= set("".join(labels))
    assert set(vocabulary("ar").letters) <= set("".join(labels)), "every letter is seen"
    assert all(label == label.strip() and "  " not in label and len(label) <= 96 for label in labels)
    assert direction("ar") == "rtl" and direction("uk") == "ltr"


@pytest.mark.parametrize(("language", "letters"), [("ru", "жыъё"), ("uk", "іїєґ"), ("el", "ωςά"), ("he", "שםץ")])
def test_other_scripts_by_the_same_recipe(language: str, letters: str) -> None:
    words = vocabulary(language)
    assert set(letters) <= set(words.letters) and len(words.words) > 5_000
    assert all(char.isalpha() for word in words.words[:2000] for char in word)
    rng = np.random.default_rng(1)
    text = " ".join(label_of(line_words(rng, language)) for _ in range(40))
    assert sum(char in words.letters for char in text.lower()) > 0.6 * len(text)


def test_letters_join_and_stand_in_order(fonts: Path) -> None:
    """raqm shapes: a joined word is narrower than its letters alone, and the first letter stands at the right."""
    rng = np.random.default_rng(0)
    whole = set_line([Word("سلام", "سلام")], setting(fonts), rng)
    apart = sum(set_line([Word(char, char)], setting(fonts), rng).shape[1] for char in "سلام")
    assert whole.shape[1] < 0.9 * apart
    line = set_line([Word("ا", "ا"), Word("ســـــ", "س")], setting(fonts), rng)
    assert line[: line.shape[0] // 2, -6:].max() > 200, "the tall alef is the rightmost ink"
    latin = set_line([Word("l", "l"), Word("oooo", "oooo")], setting(fonts, "ltr"), rng)
    assert latin[: latin.shape[0] // 2, :6].max() > 200


def test_brackets_are_drawn_as_the_text_on_the_page_says(fonts: Path) -> None:
    """What stands at the right edge of an opened bracket is the picture of its mirror image."""
    rng = np.random.default_rng(0)
    right = set_line([Word("(", "(")], setting(fonts), rng)
    left = set_line([Word(on_page("(", "rtl"), ")")], setting(fonts, "ltr"), rng)
    assert right.shape == left.shape and np.abs(right.astype(int) - left).max() < 40


def test_the_helper_draws_what_a_face_lacks_but_never_splits_a_word(fonts: Path) -> None:
    class Poor(FontFace):
        def covers(self, text: str) -> bool:
            return all(char not in "(\u064e" for char in text)

    rich = setting(fonts)
    poor = Setting(Poor("poor", rich.face.path), rich.helper, 40, "rtl", "ar", 0.3)
    rng = np.random.default_rng(0)
    assert set_line([Word("(لا", "(لا")], poor, rng).shape[1] > set_line([Word("لا", "لا")], poor, rng).shape[1] + 5
    plain, marked = (set_line([Word(text, text)], poor, rng) for text in ("سلام", "سَلام"))
    assert np.array_equal(plain, marked), "a mark that the face lacks is left out"


def test_raised_words_stand_higher_and_smaller(fonts: Path) -> None:
    rng = np.random.default_rng(0)
    words = [Word("قال", "قال"), Word("(3)", "(3)", tight=True, raised=True)]
    flat = [words[0], Word("(3)", "(3)", tight=True)]
    assert label_of(words) == label_of(flat) == "قال(3)"
    raised, plain = (set_line(one, setting(fonts), rng) for one in (words, flat))
    assert raised.shape[1] < plain.shape[1]
    assert raised[-8:, : raised.shape[1] // 4].max() == 0 and plain[-8:, : plain.shape[1] // 4].max() > 0


def test_bilevel_pictures_keep_about_the_weight_of_the_ink(fonts: Path) -> None:
    rng = np.random.default_rng(0)
    mask = set_line([Word("والكتاب", "x"), Word("المبين", "x")], setting(fonts), rng)
    for seed in range(8):
        picture = printed(mask, None, None, 40, np.random.default_rng(seed), Press(bilevel=1.0))
        assert set(np.unique(picture)) == {0, 255}
        assert 0.5 < (picture[..., 0] == 0).sum() / (mask > 127).sum() < 2.2
    straight = Press(bilevel=1.0, neighbours=1.0, skew=0.0, shear=0.0)
    alone, crowded = (
        sum(int((printed(mask, other, other, 40, np.random.default_rng(s), straight)[:2] == 0).sum()) for s in range(8))
        for other in (None, mask)
    )
    assert crowded > 10 * alone + 100, "bits of the line above reach into the crop"


def test_a_set_is_the_same_for_any_number_of_processes(fonts: Path, tmp_path: Path) -> None:
    recipe = Recipe(("ar", "ru"), (fonts,), longest=24)
    seen: list[tuple[int, int]] = []
    one = printed_lines(70, 5, tmp_path / "one", recipe, processes=1, progress=lambda *n: seen.append(n))
    two = printed_lines(70, 5, tmp_path / "two", recipe, processes=2)
    assert one.hash == two.hash and seen == [(64, 70), (70, 70)]
    for a, b in zip(one.samples, two.samples, strict=True):
        assert a.image.read_bytes() == b.image.read_bytes()
    assert [len(one.split(part)) for part in Split] == [69, 1, 0]
    assert {sample.language for sample in one} == {"ar", "ru"} and {s.origin for s in one} == {Origin.SYNTHETIC}
    assert all(sample_image(sample).dtype == np.uint8 and sample.text for sample in one)
    assert make_printed(recipe, 5, 3).text == one.samples[3].text
    assert {".png", ".jpg"} == {sample.image.suffix for sample in one}


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"languages": ("xx",)}, UsageError, "unknown language 'xx'; use ar,"),
        ({"languages": ("bn",)}, DataError, "holds no font with the letters of 'bn'; give another folder"),
        ({"folders": (Path("/nowhere"),)}, UsageError, "fonts '/nowhere' is not a folder"),
        ({"count": 0}, UsageError, "cannot make 0 lines"),
    ],
)
def test_what_cannot_be_set(
    fonts: Path, tmp_path: Path, change: dict[str, object], error: type[Exception], sentence: str
) -> None:
    given: dict[str, object] = {"languages": ("ar",), "folders": (fonts,), "count": 1, **change}
    count = given.pop("count")
    assert isinstance(count, int)
    with pytest.raises(error, match=sentence):
        printed_lines(count, 0, tmp_path / "out", Recipe(**given), processes=1)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_damaged_fonts_are_passed_over(fonts: Path) -> None:
    assert [face.name for face in faces_in([fonts])] == ["DejaVuSans-Bold", "DejaVuSans", "broken"]
    assert [face.name for face in cast_for("ar", (fonts,)).faces] == ["DejaVuSans-Bold", "DejaVuSans"]


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Quiet."""


def deb(members: dict[str, bytes]) -> bytes:
    """A package as deb(5) has it."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(f"./usr/share/fonts/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    out = b"!<arch>\n"
    for name, content in (("debian-binary", b"2.0\n"), ("control.tar.xz", b"abc"), ("data.tar.xz", data.getvalue())):
        head = f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}".encode() + b"`\n"
        out += head + content + b"\n" * (len(content) % 2)
    return out


def package(content: bytes, faces: dict[str, float]) -> FontPackage:
    return FontPackage("free", "free/free_1+2_all.deb", sha256_bytes(content), "OFL-1.1", "Free: its makers", faces)


def test_fonts_are_fetched_from_a_mirror_and_held_to_their_checksum(fonts: Path, tmp_path: Path) -> None:
    content = deb({"DejaVuSans.ttf": (fonts / "DejaVuSans.ttf").read_bytes(), "other.ttf": b"x"})
    row = package(content, {"DejaVuSans.ttf": 2.0})
    (tmp_path / "free.tar.gz").write_bytes(content)
    folder = fetch_fonts(tmp_path / "cache", packages=(row,), mirror=str(tmp_path))
    assert sorted(path.name for path in (folder / "free").iterdir()) == ["DejaVuSans.ttf", "LICENCE.txt"]
    assert "OFL-1.1" in (folder / "free" / "LICENCE.txt").read_text(encoding="utf-8")
    (tmp_path / "free.tar.gz").unlink()
    assert fetch_fonts(tmp_path / "cache", packages=(row,), mirror=str(tmp_path)) == folder, "kept"
    assert ImageFont.truetype(str(folder / "free" / "DejaVuSans.ttf"), 20).getname()[0] == "DejaVu Sans"
    (tmp_path / "free.tar.gz").write_bytes(content[:-3])
    with pytest.raises(BadInput, match="has SHA-256"):
        fetch_fonts(tmp_path / "other", packages=(row,), mirror=str(tmp_path))


def test_fonts_are_fetched_from_their_site(fonts: Path, tmp_path: Path) -> None:
    content = deb({"DejaVuSans.ttf": (fonts / "DejaVuSans.ttf").read_bytes()})
    row = package(content, {"DejaVuSans.ttf": 2.0})
    (tmp_path / "free").mkdir()
    (tmp_path / "free" / "free_1+2_all.deb").write_bytes(content)
    handler = partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        site = f"http://127.0.0.1:{http.server_port}"
        folder = fetch_fonts(tmp_path / "cache", packages=(row,), site=site)
        with pytest.raises(DataError, match="the server answers 404"):
            fetch_fonts(tmp_path / "other", packages=(row,), site=f"{site}/nowhere")
        http.shutdown()
        thread.join()
    assert (folder / "free" / "DejaVuSans.ttf").is_file()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (deb({"other.ttf": b"x"}), "lacks the font 'wanted.ttf'"),
        (b"no archive", "is no Debian package"),
        (b"!<arch>\n", "holds no data.tar"),
        (deb({"wanted.ttf": np.random.default_rng(0).bytes(5000)})[:-900], "is a damaged package"),
    ],
)
def test_packages_that_are_none(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "free.tar.gz").write_bytes(content)
    with pytest.raises(BadInput, match=sentence):
        fetch_fonts(tmp_path / "cache", packages=(package(content, {"wanted.ttf": 1.0}),), mirror=str(tmp_path))
    assert not (tmp_path / "cache" / "fonts" / "free").exists()


def test_the_table_names_checksum_and_licence_of_each_package() -> None:
    names = [name for row in FONTS for name in row.faces]
    assert len(names) == len(set(names)) and len({row.name for row in FONTS}) == len(FONTS)
    for row in FONTS:
        assert len(row.sha256) == 64 and row.path.endswith("_all.deb")
        assert row.licence.startswith(("OFL-1.1", "GPL-")) and row.credit
    assert len(credits_of()) == len(FONTS)
    assert weight_of(FontFace("Amiri", Path("x/Amiri-Regular.ttf"))) > weight_of(FontFace("x", Path("x.ttf"))) == 1


def test_the_model_card_credits_every_font() -> None:
    card = (Path(__file__).resolve().parents[2] / "docs" / "base-ar.md").read_text(encoding="utf-8")
    for row in FONTS:
        maker = row.credit.partition(": ")[2].partition(";")[0]
        assert maker in card and row.licence in card, row.name
