"""The OCR reader inside a model of fields: a whole bundle in the folder `reader/` of the other, that reads by itself.

A model of fields learns from words as one reader gives them, so a reader that was trained goes with it. Weights for
further training stay behind.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from emendo.errors import BundleError

from ..base import NAMES
from ..bundle import CTC_FAMILIES, INFO_FILE, WEIGHTS_FILE, Bundle, dump_info, read_bundle
from ..references import embedded_names, load_bundle

READER_FOLDER: Final = "reader"


def nested_reader(bundle: Bundle) -> Bundle | None:
    """The verified bundle of the reader inside a bundle of fields; None when it brings none. Raises BundleError."""
    if f"{READER_FOLDER}/{INFO_FILE}" not in bundle.info.files:
        return None
    # links were refused with the bundle around it, where they are to be
    return read_bundle(bundle.folder / READER_FOLDER, links=True)


def chosen_reader(named: str, model: Bundle | None = None, *, workspace: Path | None = None) -> Bundle:
    """The bundle that reads the words for a model that is to be trained.

    It is the one of the reference `named`, else the one inside the `model` that training starts from, else the embedded
    one that it names, else `base`. Errors as for `models.references.load_bundle` and `reader_files`.
    """
    inside = nested_reader(model) if model is not None and not named else None
    own = model.info.preprocessing.get("reader", NAMES[0]) if model is not None else NAMES[0]
    found = inside or load_bundle(named or (own if own in embedded_names() else NAMES[0]), workspace=workspace)
    reader_files(found)  # refused before a run, not behind it
    return found


def comes_along(reader: Bundle) -> bool:
    """Whether each installation has this reader, so that a model of fields need only name it."""
    return reader.info.name in embedded_names() and load_bundle(reader.info.name).id == reader.id


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
