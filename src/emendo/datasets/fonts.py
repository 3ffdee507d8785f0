"""Fonts for set lines, fetched from Debian's archive: pinned version, checksum, licence and credit of each.

Nothing of them is shipped. They draw the pictures that a model learns from; a model holds no outline of a font. Each
package is one `.deb`, an archive of archives from which only the font files named here are taken.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from ..errors import BadInput, DataError
from ..settings import Limits
from ..tools.files import new_folder, sha256_file
from .dataset import Dataset
from .faces import FontFace
from .fetch import Progress, Source, obtain

DEBIAN = "https://deb.debian.org/debian/pool/main/f"
FOLDER = "fonts"
_FONT_BYTES, _MEMBER_BYTES = 16_000_000, 200_000_000
_OFL, _GPL = "OFL-1.1", "GPL-2.0-or-later"


@dataclass(frozen=True, slots=True)
class FontPackage:
    """One package: where it lies, its checksum, its licence, who made it, and the faces taken from it.

    `faces` maps file names to how often a line is set in that face, relative to the others.
    """

    name: str
    path: str
    sha256: str
    licence: str
    credit: str
    faces: Mapping[str, float]


FONTS: tuple[FontPackage, ...] = (
    FontPackage(
        "amiri",
        "fonts-hosny-amiri/fonts-hosny-amiri_0.113-1_all.deb",
        "9960dfd0dd13077d8922e0fb742d735377e8eb62c8b08816a86abbc9cd8b9612",
        _OFL,
        "Amiri: Khaled Hosny, Sebastian Kosch, the Amiri project",
        {"Amiri-Regular.ttf": 4, "Amiri-Bold.ttf": 2},
    ),
    FontPackage(
        "scheherazade",
        "fonts-sil-scheherazade/fonts-sil-scheherazade_2.100-2.1_all.deb",
        "81b583ef38fc0e977031ad8efe310459c10552dfa0acebfb09440f9b6836870d",
        _OFL,
        "Scheherazade: SIL International",
        {"Scheherazade-Regular.ttf": 2, "Scheherazade-Bold.ttf": 1},
    ),
    FontPackage(
        "lateef",
        "fonts-sil-lateef/fonts-sil-lateef_2.000-1_all.deb",
        "0f927935b288a060a19a0a1b62e5d6a60d55c0206dd92973ece66386e10e8e68",
        _OFL,
        "Lateef: SIL International",
        {"Lateef-Regular.ttf": 0.5, "Lateef-SemiBold.ttf": 0.5},
    ),
    FontPackage(
        "harmattan",
        "fonts-sil-harmattan/fonts-sil-harmattan_2.000-1_all.deb",
        "77b0064ccf235d7634b3f892458e3ff5b0078695667de3291712e1c90ad3529a",
        _OFL,
        "Harmattan: SIL International",
        {"Harmattan-Regular.ttf": 0.7, "Harmattan-Bold.ttf": 0.5},
    ),
    FontPackage(
        "kacst",
        "fonts-kacst/fonts-kacst_2.01+mry-15_all.deb",
        "1a83306b736dbc0a26a10d89b924f1aaaa6743ab5218b2b474be6bbb00b6fa89",
        "GPL-2.0",
        "KACST fonts: King Abdulaziz City for Science and Technology; mry_KacstQurn: Meor Ridzuan Meor Yahaya",
        {
            **dict.fromkeys(("KacstBook.ttf", "KacstNaskh.ttf", "KacstQurn.ttf", "mry_KacstQurn.ttf"), 2.5),
            **dict.fromkeys(("KacstOffice.ttf", "KacstLetter.ttf", "KacstPen.ttf"), 1.5),
            **dict.fromkeys(("KacstTitle.ttf", "KacstScreen.ttf", "KacstFarsi.ttf"), 0.3),
        },
    ),
    FontPackage(
        "kacst-one",
        "fonts-kacst-one/fonts-kacst-one_5.0+svn11846-10_all.deb",
        "884a53f0aac4685e269ec953c4e865284209743e2394b01ddc0a3d2fbcd5c4b6",
        "GPL-2.0",
        "KacstOne: King Abdulaziz City for Science and Technology, Arabeyes project",
        {"KacstOne.ttf": 1.5, "KacstOne-Bold.ttf": 0.7},
    ),
    FontPackage(
        "arabeyes",
        "fonts-arabeyes/fonts-arabeyes_2.1-7_all.deb",
        "344e3dbfc374e675f667ebbaf63e55e858d42c1f2df3d39c27612559a5c1458e",
        "GPL-2.0",
        "Khotot: Arabeyes project",
        {
            **dict.fromkeys(("ae_AlHor.ttf", "ae_Furat.ttf", "ae_Khalid.ttf", "ae_AlArabiya.ttf"), 0.5),
            **dict.fromkeys(("ae_Salem.ttf", "ae_Hani.ttf", "ae_Sindbad.ttf", "ae_Tholoth.ttf", "ae_Arab.ttf"), 0.3),
        },
    ),
    FontPackage(
        "farsiweb",
        "fonts-farsiweb/fonts-farsiweb_0.4.dfsg-13_all.deb",
        "6ef5fc0f0f3800b68619339b6fd87b3a62e78443410c71e5d9fc46196c4f5b32",
        _GPL,
        "Nazli, Titr, Homa: Sharif FarsiWeb Inc.",
        {"nazli.ttf": 3, "nazlib.ttf": 2.5, "titr.ttf": 0.5, "homa.ttf": 0.3},
    ),
    FontPackage(
        "paktype",
        "fonts-paktype/fonts-paktype_0.0svn20121225-3_all.deb",
        "d1e61d9f8fb651e3b959088671c7153f8b3d20d080199f6e23e297ff5c798d1f",
        "GPL-2.0",
        "PakType: Pakistani Typography",
        {"PakType Naskh Basic SA.ttf": 2.5, "PakType Naqsh.ttf": 1, "PakType Tehreer.ttf": 0.7},
    ),
    FontPackage(
        "freefont",
        "fonts-freefont/fonts-freefont-ttf_20120503-10_all.deb",
        "4ca1c21ebc479198a3a5879d236c8317d6f7b2f1c403f7890e24c02eead05615",
        "GPL-3.0-or-later with font exception",
        "GNU FreeFont: Steve White and contributors",
        {"FreeSerif.ttf": 1.5, "FreeSerifBold.ttf": 0.7, "FreeSerifItalic.ttf": 0.7, "FreeSans.ttf": 0.7},
    ),
    FontPackage(
        "noto",
        "fonts-noto/fonts-noto-core_20201225-1_all.deb",
        "58f4f0bb6720f919f92096b3508e1412a0f1544424ade6c5b5bf1eb694dd64ba",
        _OFL,
        "Noto: Google LLC",
        {
            **{"NotoNaskhArabic-Regular.ttf": 2, "NotoNaskhArabic-Bold.ttf": 1, "NotoSansArabic-Regular.ttf": 0.4},
            **{"NotoKufiArabic-Regular.ttf": 0.2, "NotoSerif-Regular.ttf": 1, "NotoSerif-Bold.ttf": 0.5},
            **{"NotoSerif-Italic.ttf": 0.5, "NotoSans-Regular.ttf": 0.7},
        },
    ),
)
"""The faces for Arabic, Latin, Greek and Cyrillic lines: the book faces of Arabic print most of all."""


def weight_of(face: FontFace) -> float:
    """How often a line is set in this face, relative to others; 1 for one that the table does not know."""
    name = face.path.name if face.path is not None else ""
    return next((row.faces[name] for row in FONTS if name in row.faces), 1.0)


def credits_of(packages: tuple[FontPackage, ...] = FONTS) -> tuple[str, ...]:
    """One line a package: who made it and its licence, for a model card."""
    return tuple(f"{row.credit} ({row.licence})" for row in packages)


def fetch_fonts(
    cache: Path,
    *,
    packages: tuple[FontPackage, ...] = FONTS,
    site: str = DEBIAN,
    mirror: str = "",
    progress: Progress | None = None,
) -> Path:
    """The folder in `cache` with the fonts of all packages, each fetched when it is not there.

    `site` is the address above the packages' paths, `mirror` a folder or web address with each package as NAME.tar.gz
    (the bytes of the `.deb`). Raises DataError when a source is out of reach, BadInput for a wrong checksum.
    """
    folder = cache / FOLDER
    for row in packages:
        target = folder / row.name
        if target.is_dir():
            continue
        url = f"{site}/{row.path.replace('+', '%2B')}"
        source = Source(row.name, row.name, url, row.sha256, row.licence, row.credit, "mul", _no_cut)
        archive = obtain(source, folder / "archives", mirror=mirror, limits=Limits(), progress=progress)
        _unpack(archive, row, target)
    return folder


def _no_cut(folder: Path, out: Path, source: Source) -> Dataset:
    """Fonts are no data set."""
    raise DataError("holds fonts and no data set", where=source.url)


def _unpack(archive: Path, row: FontPackage, target: Path) -> None:
    """The named fonts of a `.deb`, whole or not at all."""
    wanted = set(row.faces)
    with new_folder(target) as fresh:
        try:
            with tarfile.open(fileobj=_member(archive, "data.tar"), mode="r:*") as tar:
                for one in tar:
                    name = PurePosixPath(one.name).name
                    if name not in wanted or not one.isfile():
                        continue
                    stream = tar.extractfile(one)
                    if stream is None or one.size > _FONT_BYTES:
                        raise BadInput(f"holds {name!r}, larger than {_FONT_BYTES:,} bytes", where=archive)
                    (fresh / name).write_bytes(stream.read(_FONT_BYTES))
                    wanted.discard(name)
        except (tarfile.TarError, EOFError) as error:
            raise BadInput(
                f"is a damaged package ({error})", where=archive, remedy="remove it and fetch again"
            ) from error
        if wanted:
            raise BadInput(f"lacks the font {sorted(wanted)[0]!r}", where=archive, remedy="remove it and fetch again")
        about = f"{row.credit}\nLicence: {row.licence}\nSource: {row.path}\nSHA-256: {sha256_file(archive)}\n"
        (fresh / "LICENCE.txt").write_text(about, encoding="utf-8")


def _member(archive: Path, prefix: str) -> IO[bytes]:
    """A member of a common `ar` archive (deb(5)), by the beginning of its name."""
    with archive.open("rb") as stream:
        if stream.read(8) != b"!<arch>\n":
            raise BadInput("is no Debian package", where=archive, remedy="remove it and fetch again")
        while len(head := stream.read(60)) == 60:
            name, size = head[:16].decode("ascii", "replace").strip(), head[48:58].strip()
            if not size.isdigit() or int(size) > _MEMBER_BYTES:
                break
            if name.startswith(prefix):
                return io.BytesIO(stream.read(int(size)))
            stream.seek(int(size) + int(size) % 2, io.SEEK_CUR)
    raise BadInput(f"holds no {prefix}", where=archive, remedy="remove it and fetch again")


def faces_in(folders: Sequence[Path]) -> tuple[FontFace, ...]:
    """The font files below some folders, one a file name, sorted by name."""
    found = [path for folder in folders for path in sorted(folder.rglob("*"))]
    files = {path.name: path for path in found if path.suffix.lower() in (".ttf", ".otf")}
    return tuple(FontFace(path.stem, path) for _, path in sorted(files.items()))
