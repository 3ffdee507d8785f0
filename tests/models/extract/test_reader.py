"""A reader of lines inside a model of fields."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emendo.errors import BundleError
from emendo.image.load import read_image
from emendo.models.base import base_bundle
from emendo.models.bundle import INFO_FILE, WEIGHTS_FILE, Bundle, BundleInfo, read_bundle, write_bundle
from emendo.models.extract.reader import chosen_reader, comes_along, nested_reader, reader_files
from emendo.models.references import open_recognizer
from emendo.types import Image

from ...fieldnet import nest_reader
from ...receipts import SHOPS, draw


@pytest.fixture
def plain(tmp_path: Path) -> Bundle:
    info = BundleInfo(family="fields", name="made", preprocessing={"reader": "base"})
    return write_bundle(tmp_path / "plain", info, {"card.md": b"made"})


def line(tmp_path: Path) -> Image:
    draw(SHOPS[0][1], tmp_path / "page.png")
    return np.ascontiguousarray(read_image(tmp_path / "page.png")[40:85])


def test_the_reader_goes_along_without_its_weights_and_reads_the_same(tmp_path: Path, plain: Bundle) -> None:
    assert nested_reader(plain) is None
    made = nest_reader(plain, base_bundle(), tmp_path / "both")
    assert made.id != plain.id and read_bundle(tmp_path / "both").id == made.id
    inner = nested_reader(made)
    assert inner is not None and WEIGHTS_FILE not in inner.info.files and inner.info.name == "base"
    shown = [line(tmp_path)]
    assert open_recognizer(inner).read(shown)[0].text == open_recognizer(base_bundle()).read(shown)[0].text != ""
    again = nest_reader(made, base_bundle(), tmp_path / "again")
    assert again.id == made.id


def test_an_altered_reader_is_refused(tmp_path: Path, plain: Bundle) -> None:
    made = nest_reader(plain, base_bundle(), tmp_path / "both")
    info = made.folder / "reader" / INFO_FILE
    info.write_text(info.read_text().replace("name: base", "name: bose"))
    with pytest.raises(BundleError, match=r"reader/bundle\.yaml differs from its checksum"):
        read_bundle(made.folder)
    (made.folder / "reader" / "more.txt").write_text("x")
    with pytest.raises(BundleError, match=r"'reader/more\.txt' is not listed"):
        read_bundle(made.folder)


def test_what_is_no_reader_is_refused(plain: Bundle) -> None:
    with pytest.raises(BundleError, match="of the family 'fields' and cannot lie inside"):
        reader_files(plain)


def test_training_reads_with_the_reader_of_the_model_it_starts_from(tmp_path: Path, plain: Bundle) -> None:
    base = base_bundle()
    assert chosen_reader("").id == chosen_reader("base").id == chosen_reader("", plain).id == base.id
    info = base.info.model_copy(update={"name": "tills", "decoding": {**base.info.decoding, "doubt": 0.07}})
    own = write_bundle(tmp_path / "tills", info, {name: base.path(name) for name in base.info.files})
    assert comes_along(base) and not comes_along(own)
    both = nest_reader(plain, own, tmp_path / "both")
    inside = chosen_reader("", both)
    assert inside.info.name == "tills" and not comes_along(inside)
    assert chosen_reader("base", both).id == base.id and chosen_reader(str(own.folder), both).id == own.id
    with pytest.raises(BundleError, match="of the family 'fields' and cannot lie inside"):
        chosen_reader(str(plain.folder))
