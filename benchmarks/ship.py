"""Make the compact form of a trained model that is shipped with the package, and say what rounding cost.

    python benchmarks/ship.py build/base-ar/run/bundle --name base-ar --card docs/base-ar.md \
        --data build/base-ar/lines --out src/emendo/models/shipped/base-ar

    python benchmarks/ship.py build/base-fields/run/bundle --name base-fields --card docs/base-fields.md \
        --data build/base-fields/documents --out src/emendo/models/shipped/base-fields

The lines of `--data` must read the same before and after; by default its validation lines, at most 200. Of
`base-fields` the labels of words are compared, and one in a thousand may change.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from emendo.cli.context import open_context
from emendo.errors import EmendoError
from emendo.image.load import sample_image
from emendo.models.bundle import Bundle
from emendo.models.references import load_bundle
from emendo.models.shipped import SHIPPED, SHIPPED_FIELDS, ship, ship_fields
from emendo.types import Sample, Word


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="bundle or run folder")
    parser.add_argument("--name", required=True, choices=(*SHIPPED, SHIPPED_FIELDS))
    parser.add_argument("--card", required=True, type=Path, help="model card, Markdown")
    parser.add_argument("--data", required=True, help="lines that must read the same")
    parser.add_argument("--split", default="val")
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--language", default="", help="words to expect: a code, or auto (told from each page)")
    parser.add_argument("--licence", action="append", default=[], help="of base-fields and of what it learnt from")
    parser.add_argument("--out", required=True, type=Path, help="new folder")
    args = parser.parse_args()
    try:
        samples = open_context(Path()).dataset(args.data).split(args.split)[: args.lines]
        card = args.card.read_text(encoding="utf-8")
        bundle = load_bundle(args.model)
        if args.name == SHIPPED_FIELDS:
            made = ship_fields(bundle, card, args.out, words_of(samples, bundle), licences=args.licence)
        else:
            images = [sample_image(sample) for sample in samples]
            made = ship(bundle, args.name, card, args.out, images, language=args.language)
    except (EmendoError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    size = sum(entry.size for entry in made.info.files.values())
    print(f"{args.out}: {size:,} bytes, {made.info.parity}")
    return 0


def words_of(samples: Sequence[Sample], bundle: Bundle) -> list[list[Word]]:
    """The words of some documents, as the reader of the bundle gives them."""
    from emendo.models.extract.reader import chosen_reader
    from emendo.train.extract.documents import training_documents
    from emendo.train.extract.family import page_reader

    read = page_reader(chosen_reader("", bundle), 1)
    documents, _ = training_documents(samples, read, lambda done, total, text: None)
    return [one.shown() for one in documents]


if __name__ == "__main__":
    raise SystemExit(main())
