"""A small network of fields that has learned a few documents by heart, made in a second without any training.

The body is random; what it makes of each word of some documents is solved for the label of the word (ridge regression),
so that the network tells the fields of these documents and the tests have something to lose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from emendo.fields.schema import Document, read_document
from emendo.models.bundle import FIELDS_FAMILY, GRAPH_FILE, WEIGHTS_FILE, Bundle, BundleInfo, write_bundle
from emendo.models.extract.features import BUCKETS, VERSION, encode
from emendo.models.extract.graph import Shape, build
from emendo.models.extract.labels import INDEX, LABELS, label_of
from emendo.models.extract.reader import READER_FOLDER, reader_files
from emendo.types import Sample, Word

PAPER = (620, 460)
"""Width and height of a page."""


@dataclass(frozen=True)
class Bill:
    """A page of one small bill: its printed words with their meanings, and its fields."""

    words: tuple[tuple[str, tuple[int, int], str], ...]
    fields: dict[str, Any]

    def draw(self, path: Path) -> None:
        """The page as a picture."""
        page = Pillow.new("RGB", PAPER, "white")
        pen, font = ImageDraw.Draw(page), ImageFont.load_default(26)
        for text, place, _ in self.words:
            pen.text(place, text, "black", font=font)
        page.save(path)

    def read(self) -> tuple[list[Word], list[str]]:
        """The words as a reader gives them, and their meanings."""
        words = [
            Word(text, (float(x), float(y), x + 15.0 * len(text), y + 24.0), line)
            for line, (text, (x, y), _) in enumerate(self.words)
        ]
        return words, [meaning for *_, meaning in self.words]


def bill(number: int) -> Bill:
    """A bill whose seller, number, date and total differ from those of the others."""
    seller, total = f"{('Mill', 'Bakery', 'Garage', 'Florist')[number % 4]} {number + 2}", f"{10 + 3 * number}.50"
    words = (
        (seller.split(maxsplit=1)[0], (40, 40), "seller"),
        (seller.split()[1], (54 + 16 * len(seller.split(maxsplit=1)[0]), 40), "seller"),
        ("Invoice", (40, 120), ""),
        (f"R-70{number}", (200, 120), "number"),
        ("Date", (40, 180), ""),
        (f"2024-03-{number + 10}", (200, 180), "date"),
        ("Total", (40, 320), ""),
        (total, (200, 320), "total"),
        ("EUR", (290, 320), ""),
    )
    day = f"2024-03-{number + 10}"
    return Bill(words, {"seller": seller, "number": f"R-70{number}", "date": day, "total": total, "currency": "EUR"})


BILLS = tuple(bill(number) for number in range(4))


def bill_samples(folder: Path, bills: Sequence[Bill] = BILLS) -> list[Sample]:
    """Pages on disk with their fields."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    for at, one in enumerate(bills):
        one.draw(folder / f"bill{at}.png")
        samples.append(Sample(id=f"bill{at}", image=folder / f"bill{at}.png", fields=one.fields))
    return samples


def document_of(one: Bill) -> Document:
    """The truth of a bill."""
    return read_document(one.fields).document


def learned_weights(seed: int = 0) -> dict[str, Any]:
    """The weights of a network that tells the words of `BILLS` by heart."""
    import torch

    from emendo.train.extract.batches import encoded_batch
    from emendo.train.extract.network import FieldNetwork, arrays_of

    torch.manual_seed(seed)
    network = FieldNetwork(Shape(32, 1, 2)).eval()
    seen: list[Any] = []
    network.norm.register_forward_hook(lambda module, given, made: seen.append(made.detach()[0].numpy()))
    wanted = []
    with torch.no_grad():
        for one in BILLS:
            words, meanings = one.read()
            network(**{name: torch.from_numpy(array) for name, array in encoded_batch(encode(words)).items()})
            wanted += [INDEX[label_of(meaning)[0]] for meaning in meanings]
    inner = np.concatenate(seen)
    given = np.hstack([inner, np.ones((len(inner), 1))])
    scores = np.full((len(wanted), len(LABELS)), -1.0)
    scores[np.arange(len(wanted)), wanted] = 9.0
    solved = np.linalg.solve(given.T @ given + 1e-3 * np.eye(given.shape[1]), given.T @ scores)
    arrays = arrays_of(network)
    arrays["labels.weight"], arrays["labels.bias"] = solved[:-1].T.astype(np.float32), solved[-1].astype(np.float32)
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()}


def write_fields_bundle(folder: Path, *, weights: bool = True, **info: Any) -> Bundle:
    """A bundle of the family `fields` that reads `BILLS`."""
    from safetensors.numpy import save

    arrays = learned_weights()
    files: dict[str, bytes | Path] = {GRAPH_FILE: build(arrays).SerializeToString()}
    if weights:
        files[WEIGHTS_FILE] = save(arrays)
    preprocessing = {"reader": "base", "features": VERSION, "buckets": BUCKETS, "labels": list(LABELS)}
    filled = {"family": FIELDS_FAMILY, "name": "bills", "preprocessing": preprocessing, "licences": ("Apache-2.0",)}
    return write_bundle(folder, BundleInfo(**{**filled, **info}), files)


def nest_reader(made: Bundle, reader: Bundle, target: Path) -> Bundle:
    """The bundle of fields with a reader inside, in place of the one that it had."""
    own = {name: made.path(name) for name in made.info.files if not name.startswith(f"{READER_FOLDER}/")}
    return write_bundle(target, made.info, {**own, **reader_files(reader)})
