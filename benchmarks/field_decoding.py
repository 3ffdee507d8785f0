"""From tagged words to documents: made-up ones whose tags are right, or doubtful and the words misread.

    python benchmarks/field_decoding.py [--documents 500] [--seed 5]

Each document is decoded three times: from tags that know what each word means; from tags and words with noise, each
field chosen alone; and from the same with the sums deciding. Noise: every tag is softened, 5 % of the words that tell a
field are taken for another one, as many figures that tell none for a field, and 3 % of the words with figures have one
character misread, at a lower confidence as a rule.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from emendo.datasets.invoices.build import make_document
from emendo.fields.compare import Comparison, compare_documents
from emendo.models.extract.customs import learn_customs
from emendo.models.extract.decode import decode
from emendo.models.extract.labels import INDEX, LABELS, TYPES, label_of
from emendo.models.extract.sums import AMOUNTS
from emendo.models.extract.tagger import Tags
from emendo.types import Word

Rng = np.random.Generator
MISREAD = {
    "0": "O68", "1": "Il7", "2": "Z7", "3": "8", "4": "9", "5": "S6", "6": "58G", "7": "1", "8": "B3", "9": "4",
    ".": ",", ",": ".",
}  # fmt: skip
MONEY = {"amount", "unit_price", "base", *AMOUNTS}
MONEY_LABELS = tuple(label for label in LABELS if label.rpartition(".")[2] in MONEY)


def lined(printed: Sequence[tuple[str, tuple[float, float, float, float], int]]) -> list[Word]:
    """Words with the numbers of their lines: a new one where the height changes or a wide gap stands between."""
    words: list[Word] = []
    for text, box, page in printed:
        tall, before = box[3] - box[1], words[-1] if words else None
        if before is None or before.page != page:
            line = 0
        elif abs(box[1] - before.box[1]) > 0.4 * tall or not -0.5 * tall <= box[0] - before.box[2] <= 1.5 * tall:
            line = before.line + 1
        else:
            line = before.line
        words.append(Word(text, box, line, page))
    return words


def tags_of(meanings: Sequence[str], kind: str, rng: Rng | None) -> Tags:
    """Tags that know what each word means; with `rng` doubtful ones, some of them wrong."""
    known = [label_of(meaning) for meaning in meanings]
    truth = np.array([INDEX[label] for label, _ in known])
    count = len(truth)
    labels = np.full((count, len(LABELS)), 2e-4)
    sure = np.full(count, 0.99) if rng is None else rng.beta(6, 1, count)
    labels[np.arange(count), truth] = sure
    if rng is not None:
        for at in range(count):
            other = INDEX[str(rng.choice(MONEY_LABELS if known[at][0] in MONEY_LABELS else LABELS))]
            rest = 1 - sure[at]
            if rng.random() < 0.05 and known[at][0]:
                labels[at, truth[at]] = rest
                rest = sure[at]
            labels[at, other] += rest
    labels /= labels.sum(axis=1, keepdims=True)
    table = np.array([f"{label.partition('[')[0]}{row}" if row >= 0 else "" for label, row in known])
    same = (table[:, None] == table) & (table != "")
    pairs = np.where(same, 3.0, -3.0)
    if rng is not None:
        noise = rng.normal(0, 1.5, pairs.shape)
        pairs = pairs + (noise + noise.T) / 2
    kinds = np.full(len(TYPES), 0.01)
    kinds[TYPES.index(kind)] = 0.98
    return Tags(labels.astype(np.float32), (1 / (1 + np.exp(-pairs))).astype(np.float32), kinds.astype(np.float32))


def misread(word: Word, rng: Rng) -> Word:
    """The word as a reader may see it, with its confidence."""
    places = [at for at, char in enumerate(word.text) if char in MISREAD]
    if not any(map(str.isdecimal, word.text)) or rng.random() >= 0.03 or not places:
        return replace(word, confidence=float(rng.uniform(0.85, 1)))
    at = int(rng.choice(places))
    other = str(rng.choice(list(MISREAD[word.text[at]])))
    return replace(word, text=word.text[:at] + other + word.text[at + 1 :], confidence=float(rng.uniform(0.4, 0.97)))


def rates(total: Comparison, seconds: float, count: int) -> Mapping[str, object]:
    """What is printed of one way."""
    names = ("net", "tax", "total", "rounding", "due", "date", "seller", "lines", "taxes")
    return {
        "f1": total.all.f1,
        **{name: total.of([name]).f1 for name in names},
        "seconds_a_document": round(seconds / count, 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=500)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    made = [make_document(given.seed, index) for index in range(given.documents + 200)]
    known = [([word.text for word in one.sheet.words], one.document.values()) for one in made[given.documents :]]
    customs = learn_customs(known)
    totals = {name: Comparison({}) for name in ("right tags", "noise, each alone", "noise, with sums")}
    spent = dict.fromkeys(totals, 0.0)
    for index, one in enumerate(made[: given.documents]):
        printed = [(word.text, box, word.page) for word, box in one.words()]
        meanings, kind = [word.meaning for word in one.sheet.words], one.document.type or "invoice"
        rng = np.random.default_rng([given.seed, index])
        words = lined(printed)
        noisy, doubtful = [misread(word, rng) for word in words], tags_of(meanings, kind, rng)
        for name, some, tags in (
            ("right tags", words, tags_of(meanings, kind, None)),
            ("noise, each alone", noisy, doubtful),
            ("noise, with sums", noisy, doubtful),
        ):
            start = time.process_time()
            found = decode(some, tags, customs, sums=name != "noise, each alone")
            spent[name] += time.process_time() - start
            totals[name] += compare_documents(one.document, found.document)
    print(json.dumps({name: rates(total, spent[name], given.documents) for name, total in totals.items()}, indent=2))


if __name__ == "__main__":
    main()
