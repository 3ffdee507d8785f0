"""The OCR reader inside a model of fields: a whole bundle in the folder `reader/` of the other, that reads by itself.

A model of fields learns from words as one reader gives them, so a reader that was trained goes with it. Weights for
further training stay behind.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from emendo.errors import BundleError

from ..bundle import CTC_FAMILIES, FIELDS_FAMILY, INFO_FILE, WEIGHTS_FILE, Bundle, dump_info, read_bundle, write_bundle

READER_FOLDER: Final = "reader"


def nested_reader(bundle: Bundle) -> Bundle | None:
    """The verified bundle of the reader inside a bundle of fields; None when it brings none. Raises BundleError."""
    if f"{READER_FOLDER}/{INFO_FILE}" not in bundle.info.files:
        return None
    # links were refused with the bundle around it, where they are to be
    return read_bundle(bundle.folder / READER_FOLDER, links=True)


def reader_files(reader: Bundle) -> dict[str, bytes | Path]:
    """The files of a reader as those of the bundle that it goes into, by name.

    Raises BundleError for a bundle that is no reader of lines or cannot lie inside another.
    """
    if reader.info.family not in CTC_FAMILIES or any("/" in name for name in reader.info.files):
        what = f"is of the family {reader.info.family!r} and cannot lie inside a model of fields"
        raise BundleError(what, where=reader.folder, remedy=f"give a bundle of the family {' or '.join(CTC_FAMILIES)}")
    kept = {name: entry for name, entry in reader.info.files.items() if name != WEIGHTS_FILE}
    files: dict[str, bytes | Path] = {f"{READER_FOLDER}/{name}": reader.path(name) for name in kept}
    files[f"{READER_FOLDER}/{INFO_FILE}"] = dump_info(reader.info.model_copy(update={"files": kept})).encode()
    return files


def nest_reader(bundle: Bundle, reader: Bundle, target: Path) -> Bundle:
    """A bundle of fields with a reader inside, in place of the one that it had, written to the new folder `target`.

    Raises BundleError when the one is no model of fields or the other no reader, FileExistsError when `target` exists.
    """
    if bundle.info.family != FIELDS_FAMILY:
        what = f"is of the family {bundle.info.family!r} and no model of fields"
        raise BundleError(what, where=bundle.folder, remedy="give a bundle of the family 'fields'")
    own = {name: bundle.path(name) for name in bundle.info.files if not name.startswith(f"{READER_FOLDER}/")}
    return write_bundle(target, bundle.info, {**own, **reader_files(reader)})
